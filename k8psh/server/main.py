"""What the server program does, from its command line to its exit."""

import contextlib
import logging
import os
import signal
from collections.abc import Mapping, Sequence

import trio

from .. import __version__
from ..command_line import SERVER_USAGE
from ..config.load import LoadedConfiguration, default_path, load
from ..config.routes import Stamp
from ..container import container_name
from ..exit_status import Exited, ExitStatus
from ..process import ThisProcess, working_directory
from ..runtime import find_runtime
from .background import detach, pidfile
from .call import Calls
from .listener import Listener, listen
from .options import ServerOptions, parse_words, server_options
from .serve import Server
from .stubs import Stubs

_log = logging.getLogger("k8psh.server")


def run_server(process: ThisProcess) -> ExitStatus:
    """Do what the command line of `k8pshd` asks: write the stubs, serve, end.

    Raises:
        K8pshError: as its kinds say.
    """
    words, environment = process.arguments, process.environment
    parsed = parse_words(words, lambda _: None)
    if parsed.has("help"):
        print(SERVER_USAGE)  # noqa: T201 - the program's output
        return Exited(0)
    if parsed.has("version"):
        print(f"k8pshd {__version__}")  # noqa: T201 - the program's output
        return Exited(0)
    loaded = load(parsed.values.get("config") or default_path(environment, working_directory()), environment)
    for warning in loaded.warnings:
        _log.warning("%s", warning)
    name = container_name(environment, parsed.values.get("name", ""))
    sections = loaded.configuration.sections_of(name)
    section_words = [word for section in sections for word in section.options]
    options = server_options(section_words, words, environment, lambda text: _log.warning("%s", text))
    stubs = _Generation(loaded, options, process.called_as)
    if not any(section.commands for section in sections):
        stubs.write()
        return Exited(0)
    calls = {
        section.port: Calls(loaded.configuration, section, environment, stubs.executable)
        for section in sections
    }
    with contextlib.ExitStack() as cleanup:
        listeners = [cleanup.enter_context(listener) for listener in listen(sections)]
        _serve(listeners, calls, options, stubs)
    return Exited(0)


class _Generation:
    """The stubs of one run: what they're made of is found only when they're written."""

    def __init__(self, loaded: LoadedConfiguration, options: ServerOptions, called_as: str) -> None:
        self._loaded = loaded
        runtime = find_runtime(called_as)
        self.executable = runtime.executable
        self._stubs = Stubs(loaded.configuration, options, runtime.executable)
        self._command = (*runtime.command, f"--container={options.name}")
        self._keep = options.keep_client_executables

    def write(self) -> None:
        stamp = Stamp(modified_ns=self._loaded.modified_ns, size=self._loaded.size)
        self._stubs.write(stamp, self._command)

    def remove(self) -> None:
        if not self._keep:
            self._stubs.remove()


def _serve(
    listeners: Sequence[Listener], calls: Mapping[int, Calls], options: ServerOptions, stubs: _Generation
) -> None:
    """Serve in the foreground or in the background; the stubs live as long as the server."""
    with contextlib.ExitStack() as cleanup:
        if options.background:
            pidfile_path = os.path.abspath(options.pidfile)
            all_is_well = detach()
            cleanup.enter_context(pidfile(pidfile_path))
        cleanup.callback(stubs.remove)
        stubs.write()
        if options.background:
            all_is_well()
        _take_signals_as_they_come()
        _keep_standard_descriptors()
        server = Server(listeners, calls, options)
        is_init = os.getpid() == 1
        trio.run(lambda: server.run(ends_on_hangup=not options.background, is_init=is_init))


def _take_signals_as_they_come() -> None:
    """Undo what a shell does to background jobs: commands start with default actions and nothing blocked."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTSTP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def _keep_standard_descriptors() -> None:
    """Keep our descriptors 0 to 2 from children: one that its caller has closed is closed for the command."""
    for descriptor in range(3):
        os.set_inheritable(descriptor, False)

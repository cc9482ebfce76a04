"""The entry: server, client or stub by `argv[0]`; errors become one line and an exit code here, only here."""

import contextlib
import gc
import logging
import os
import resource
import signal
import sys
import traceback

from . import import_trio, log
from .container import NAME_VARIABLE
from .errors import ConfigurationError, K8pshError
from .exit_status import Exited, ExitStatus, Killed
from .process import ThisProcess, open_null
from .runtime import PROGRAM, START, restore_environment
from .wire.frames import ENCODING

_ENTRY_NAMES = ("__main__.py", START, PROGRAM)
"""What `argv[0]` is where Python was started for us: only then are the options below looked for."""
_CALLED_AS = "--called-as="
_CONTAINER = "--container="


def main() -> int:
    """Do what the program's name says; return the exit code, or die by the command's term signal."""
    process = _this_process(_open_standard_descriptors())
    program = os.path.basename(process.called_as)
    log.set_up(program if program == "k8pshd" else "k8psh", process.environment.get("K8PSH_DEBUG", ""))
    try:
        return _end(_flushed(_run(program, process)))
    except ConfigurationError as error:
        return _fail(str(error).replace("\n", "\nk8psh: "), error.exit_code)
    except K8pshError as error:
        return _fail(str(error), error.exit_code)
    except OSError as error:
        _discard_output()
        if isinstance(error, BrokenPipeError):
            return _end(Killed(signal.SIGPIPE))
        return _fail(error.strerror or str(error), K8pshError.exit_code)
    except KeyboardInterrupt:
        return _end(Killed(signal.SIGINT))
    except Exception as error:  # noqa: BLE001 - a defect of ours must not look like one of the caller's
        if logging.getLogger("k8psh").isEnabledFor(logging.DEBUG):
            traceback.print_exc()
        return _fail(f"internal error: {error!r} (K8PSH_DEBUG=All shows where)", K8pshError.exit_code)


def _this_process(closed: frozenset[int]) -> ThisProcess:
    restore_environment()
    called_as, *arguments = (_text(os.fsencode(word)) for word in sys.argv)
    environment = {_text(name): _text(value) for name, value in os.environb.items()}
    if os.path.basename(called_as) in _ENTRY_NAMES and not os.path.islink(called_as):  # a stub is a link
        called_as = "k8psh"
        if arguments and arguments[0].startswith(_CONTAINER):
            environment.setdefault(NAME_VARIABLE, arguments.pop(0).removeprefix(_CONTAINER))
        if arguments and arguments[0].startswith(_CALLED_AS):
            called_as = arguments.pop(0).removeprefix(_CALLED_AS)
    return ThisProcess(
        called_as=called_as, arguments=tuple(arguments), environment=environment, closed=closed
    )


def _text(data: bytes) -> str:
    return data.decode(ENCODING, "surrogateescape")


def _run(program: str, process: ThisProcess) -> ExitStatus:
    """Run one of the three programs; each imports only what it needs."""
    match program:
        case "k8pshd":
            import_trio.prepare()
            gc.disable()  # what is imported stays: 7 ms of looking for garbage in it find none
            from .server.main import run_server

            gc.freeze()
            gc.enable()
            return run_server(process)
        case "k8psh":
            from .client.main import run_client

            return run_client(process)
        case _:
            from .client.main import run_stub

            return run_stub(process)


def _flushed(status: ExitStatus) -> ExitStatus:
    """Write what is held of our own output: whether that works belongs to how we end."""
    if sys.stdout is not None:  # it's None where descriptor 1 was closed
        sys.stdout.flush()
    return status


def _discard_output() -> None:
    """Give what can't be written to null: Python tries once more when it ends, and would complain."""
    with contextlib.suppress(OSError):
        os.dup2(open_null(), 1)


def _end(status: ExitStatus) -> int:
    """Return the exit code, or die by the term signal; process 1, which can't, returns 128+n."""
    if isinstance(status, Exited):
        return status.code
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # the command's core is the one worth having
    if status.signal not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(status.signal, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [status.signal])
    os.kill(os.getpid(), status.signal)
    return status.exit_code()


def _fail(text: str, code: int) -> int:
    with contextlib.suppress(OSError, ValueError):  # where nobody listens, the exit code still says it
        print(f"k8psh: {text}", file=sys.stderr)  # noqa: T201 - the one place where errors are said
    return code


def _open_standard_descriptors() -> frozenset[int]:
    """Put null where descriptors 0 to 2 are closed; return those.

    What we open next must not become a standard stream.
    """
    closed = set()
    while (descriptor := open_null()) <= 2:
        os.set_inheritable(descriptor, True)
        closed.add(descriptor)
    os.close(descriptor)
    return frozenset(closed)


if __name__ == "__main__":
    sys.exit(main())

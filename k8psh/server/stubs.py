"""The stub executables: links to the one executable, and the routes beside them."""

import contextlib
import logging
import os
from collections.abc import Iterable, Sequence

from ..config.model import Configuration
from ..config.routes import ROUTES_FILE, Stamp, encode_routes
from ..errors import K8pshError
from .options import ServerOptions

_log = logging.getLogger("k8psh.stubs")


class Stubs:
    """The stubs that one server writes into its executable directory."""

    def __init__(self, configuration: Configuration, options: ServerOptions, executable: str) -> None:
        self._directory = os.path.abspath(options.executable_directory)
        self._executable = executable
        self._overwrite = options.overwrite_client_executables
        self._configuration = configuration
        self._name = options.name
        others, own = _command_names(configuration, options.name)
        self._unwanted = others if options.disable_client_executables else []
        self._wanted = [] if options.disable_client_executables else list(others)
        if options.generate_local_executables:
            self._wanted += own
        self._routes = b""

    def write(self, stamp: Stamp, runtime: Sequence[str]) -> None:
        """Write all stubs and the routes, or none.

        Raises:
            K8pshError: a file is in the way, or the directory can't be written.
        """
        self._remove_unwanted()
        if not self._wanted:
            return
        try:
            os.makedirs(self._directory, exist_ok=True)
            self._check_free()
            self._routes = encode_routes(self._configuration, self._name, stamp, runtime)
            self._write_routes()
            for name in self._wanted:
                self._write_stub(name)
        except OSError as error:
            raise K8pshError(
                f"the stubs can't be written to {self._directory}: {error.strerror} "
                "(--executable-directory names another place)"
            ) from error
        _log.debug("%d stubs in %s", len(self._wanted), self._directory)

    def remove(self) -> None:
        """Remove the stubs that are still ours, and the routes unless others' stubs use them."""
        for name in self._wanted:
            if self._is_ours(name):
                self._unlink(name)
        with contextlib.suppress(OSError):
            if not any(self._is_ours(entry) for entry in os.listdir(self._directory)):
                with open(self._path(ROUTES_FILE), "rb") as file:
                    written_by_us = file.read() == self._routes
                if written_by_us:
                    self._unlink(ROUTES_FILE)

    def _path(self, name: str) -> str:
        return os.path.join(self._directory, name)

    def _target(self) -> str:
        """Return what the links say: a name where the executable lies beside them."""
        directory, name = os.path.split(self._executable)
        return name if os.path.realpath(directory) == os.path.realpath(self._directory) else self._executable

    def _check_free(self) -> None:
        for name in self._wanted:
            path = self._path(name)
            if os.path.abspath(path) == self._executable or os.path.isdir(path):
                raise K8pshError(f"{path} is in the way of the stub for the command {name!r}")
            if os.path.lexists(path) and not self._overwrite:
                raise K8pshError(
                    f"{path} exists: --overwrite-client-executables replaces it, "
                    "--executable-directory names another place for stubs"
                )

    def _write_stub(self, name: str) -> None:
        temporary = self._path(f".{name}.{os.getpid()}")
        os.symlink(self._target(), temporary)
        os.rename(temporary, self._path(name))

    def _write_routes(self) -> None:
        temporary = self._path(f"{ROUTES_FILE}.{os.getpid()}")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(self._routes)
            os.rename(temporary, self._path(ROUTES_FILE))
        except OSError:
            self._unlink(os.path.basename(temporary))
            raise

    def _remove_unwanted(self) -> None:
        for name in self._unwanted:
            if os.path.islink(self._path(name)):
                self._unlink(name)

    def _is_ours(self, name: str) -> bool:
        try:
            return os.readlink(self._path(name)) == self._target() and name != os.path.basename(
                self._executable
            )
        except OSError:
            return False

    def _unlink(self, name: str) -> None:
        with contextlib.suppress(OSError):
            os.unlink(self._path(name))


def _command_names(configuration: Configuration, name: str) -> tuple[list[str], list[str]]:
    """Return the names of other servers' commands, and of this server's own, each once, in order."""
    names: Iterable[str] = dict.fromkeys(
        command.name for server in configuration.servers for command in server.commands
    )
    others: list[str] = []
    own: list[str] = []
    for command in names:
        found = configuration.find_command(command)
        (own if found is not None and found[0].name == name else others).append(command)
    return others, own

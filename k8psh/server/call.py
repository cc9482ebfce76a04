"""From a request to what is to be started: program, arguments, environment, working directory, identity."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial

from ..config.arguments import ArgumentMapping, LineMapping, differing_roots
from ..config.environment import command_environment
from ..config.model import Command, Configuration, Server, Ulimit
from ..config.paths import from_wire, roots_for
from ..errors import CommandNotFoundError, K8pshError, WorkingDirectoryError
from ..jobserver import MAKEFLAGS, rewrite_makeflags
from ..wire.events import Request
from ..wire.frames import CALLS_VARIABLE
from .identity import Identity, identity_of_peer
from .lookup import find_program

_REMEMBERED = 1024
"""How many working directories' translations are kept: a build comes from few, again and again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Invocation:
    """What a child is made from; `path` is the program's file, `arguments` begin with its name.

    `umask` and `identity` are the caller's where the child is to have them, `nice` and `ulimits` the
    command's. `tty`: descriptor 0 is to be its controlling terminal. `inherited` are further descriptors of
    ours that it gets, by the same numbers. `map_output`: its output is to be mapped.
    """

    path: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    directory: str
    umask: int = -1
    tty: bool = False
    inherited: tuple[int, ...] = ()
    map_output: bool = False
    identity: Identity | None = None
    nice: int = 0
    ulimits: tuple[Ulimit, ...] = field(default=())


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """What a lane tells of a caller.

    `sock` is the direct lane's, by which the kernel knows who it is; `passed` holds the further descriptors
    that it passed, ours by its numbers.
    """

    sock: socket.socket | None = None
    passed: Mapping[int, int] = field(default_factory=dict)

    @property
    def is_direct(self) -> bool:
        """Tell whether the call came by the direct lane, the only one that knows identities."""
        return self.sock is not None


class Calls:
    """The commands of one section of a server, and how a request for one becomes an invocation.

    `executable` is what stubs are links to: a program that is one starts another call.
    """

    def __init__(
        self,
        configuration: Configuration,
        section: Server,
        own_environment: Mapping[str, str],
        executable: str,
    ) -> None:
        self.configuration = configuration
        self.name = section.name
        self._own_environment = dict(own_environment)
        self._executable = os.path.realpath(executable)
        self._from_wire = lru_cache(_REMEMBERED)(partial(from_wire, configuration, section.name))
        roots = differing_roots(configuration, section.name)
        self._arguments = ArgumentMapping(roots)
        self.lines = LineMapping(roots)
        self._commands: dict[str, Command] = {command.name: command for command in section.commands}

    def prepare(self, request: Request, caller: Caller) -> Invocation:
        """Return what the request asks to start.

        Raises:
            CommandNotFoundError: the command isn't configured here, or its program doesn't exist.
            NotExecutableError: the program may not be executed.
            WorkingDirectoryError: the working directory is outside the roots, or missing.
            K8pshError: the call would go round for ever, or needs to know the caller.
        """
        command = self._commands.get(request.command)
        if command is None:
            raise CommandNotFoundError(
                f"the server {self.name!r} has no such command; is its configuration the caller's?"
            )
        directory = self._directory(command, request.working_directory)
        environment = command_environment(command.environment, request.environment, self._own_environment)
        inherited: tuple[int, ...] = ()
        if MAKEFLAGS in environment and MAKEFLAGS in request.environment:
            environment[MAKEFLAGS], inherited = rewrite_makeflags(environment[MAKEFLAGS], caller.passed)
        path, is_link = find_program(command.executable[0], directory, environment)
        if is_link and os.path.realpath(path) == self._executable:
            environment[CALLS_VARIABLE] = " ".join(self._lengthen_chain(request, path))
        return Invocation(
            path=path,
            arguments=command.executable + self._map_arguments(command, request),
            environment=environment,
            directory=directory,
            umask=-1 if request.umask is None else request.umask,
            tty=command.tty,
            inherited=inherited,
            map_output=self._maps_output(command, caller),
            identity=self._identity(command, caller),
            nice=command.nice,
            ulimits=command.ulimits,
        )

    def _lengthen_chain(self, request: Request, path: str) -> tuple[str, ...]:
        """Return the chain of calls with this one, whose program is a stub."""
        this = f"{self.name}/{request.command}"
        chain = (*request.calls, this)
        found = self.configuration.find_command(os.path.basename(path))
        calls_itself = found is not None and f"{found[0].name}/{found[1].name}" == this
        if this in request.calls or calls_itself:
            ring = " -> ".join((*chain, this) if calls_itself else chain)
            raise K8pshError(
                f"the command calls itself: {ring}; its program on the server {self.name!r} is the stub "
                f"{path}, give the real one's path"
            )
        return chain

    def _map_arguments(self, command: Command, request: Request) -> tuple[str, ...]:
        if not command.map_arguments:
            return request.arguments
        return tuple(self._arguments.map(argument) for argument in request.arguments)

    def _maps_output(self, command: Command, caller: Caller) -> bool:
        if command.map_output and caller.is_direct:
            raise K8pshError(
                "its output is to be mapped, which only the relay lane can; "
                "this call came by the direct lane (K8PSH_LANE, or lane in the configuration)"
            )
        return command.map_output

    def _identity(self, command: Command, caller: Caller) -> Identity | None:
        if not command.run_as_caller:
            return None
        if caller.sock is None:
            raise K8pshError(
                "it runs as its caller, whom only the direct lane tells; "
                "this call came by TCP (K8PSH_LANE, or lane in the configuration)"
            )
        return identity_of_peer(caller.sock)

    def _directory(self, command: Command, wire: str) -> str:
        if command.outside_directory and wire == command.outside_directory:
            return wire
        directory = self._from_wire(wire)
        try:
            physical = _physical(directory)
        except OSError as error:
            raise WorkingDirectoryError(
                f"the working directory {directory} can't be entered on the server {self.name!r}: "
                f"{error.strerror}; do both containers mount it there?"
            ) from error
        if physical != directory and not self._is_shared(physical):
            raise WorkingDirectoryError(
                f"the working directory {directory} leads to {physical}, outside the shared directories"
            )
        return physical

    def _is_shared(self, physical: str) -> bool:
        for root, _ in roots_for(self.configuration, self.name):
            root_physical = os.path.realpath(root)
            if physical == root_physical or physical.startswith(root_physical.rstrip("/") + "/"):
                return True
        return False


def _physical(directory: str) -> str:
    """Return a directory's path without symbolic links.

    Three system calls; `os.path.realpath` makes one for each component. Without /proc it's that.

    Raises:
        OSError: there is no such directory, or we may not enter it.
    """
    descriptor = os.open(directory, os.O_PATH | os.O_DIRECTORY)
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}")
    except FileNotFoundError:
        return os.path.realpath(directory)
    finally:
        os.close(descriptor)

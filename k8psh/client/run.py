"""Make one call, from a command's name to its exit status."""

import os
import socket
from collections.abc import Mapping, Sequence

import trio

from ..config.environment import sent_names
from ..config.model import Command, Configuration, Lane, Server
from ..config.paths import to_wire
from ..container import container_name
from ..errors import CommandNotFoundError, K8pshError, RejectedError, UsageError, WorkingDirectoryError
from ..exit_status import ExitStatus
from ..jobserver import MAKEFLAGS
from ..process import ThisProcess
from ..wire.events import Request
from ..wire.frames import CALLS_VARIABLE, ENCODING, VERSION
from .connect import connect
from .direct import DirectCall
from .jobserver import jobserver_descriptors
from .relay import RelayCall
from .terminal import terminals, window_size


def call(configuration: Configuration, process: ThisProcess, words: Sequence[str]) -> ExitStatus:
    """Run the command `words[0]` with arguments on its server, with our streams; return how it ended.

    Raises:
        CommandNotFoundError: no server has such a command.
        WorkingDirectoryError: we aren't in a shared directory.
        ConnectionLostError, ProtocolError, RejectedError, K8pshError: as the lanes say.
    """
    try:
        found = configuration.find_command(words[0])
        if found is None:
            raise CommandNotFoundError(f"no server in {configuration.file} has such a command")
        server, command = found
        request = _request(configuration, process, command, words[1:])
        lane = _lane(command, process.environment)
        return trio.run(_connect_and_call, server, lane, configuration.connect_timeout_ms, request)
    except K8pshError as error:
        raise RejectedError(f"{words[0]}: {error}", error.exit_code) from error


def _request(
    configuration: Configuration, process: ThisProcess, command: Command, arguments: Sequence[str]
) -> Request:
    environment = process.environment
    sent = [name for name in sent_names(command.environment) if name in environment]
    umask = os.umask(0)
    os.umask(umask)
    passed = [number for number in range(3) if number not in process.closed]
    if MAKEFLAGS in sent:
        passed += jobserver_descriptors(environment[MAKEFLAGS])
    return Request(
        command=command.name,
        arguments=tuple(arguments),
        working_directory=_directory(configuration, container_name(environment), command),
        environment={name: environment[name] for name in sent},
        version=VERSION,
        umask=umask,
        descriptors=sum(1 << number for number in passed),
        calls=tuple(environment.get(CALLS_VARIABLE, "").split()),
        terminals=terminals(),
        window=window_size(),
    )


def _lane(command: Command, environment: Mapping[str, str]) -> Lane:
    """Return the lane to take: the caller's wish, else the configuration's."""
    wish = environment.get("K8PSH_LANE")
    if not wish:
        return command.lane
    try:
        return Lane(wish)
    except ValueError:
        raise UsageError(f"K8PSH_LANE is {wish!r}: expected direct, relay or auto") from None


async def _connect_and_call(server: Server, lane: Lane, timeout_ms: int, request: Request) -> ExitStatus:
    sock = await connect(server, lane, timeout_ms)
    if sock.family == socket.AF_UNIX:
        with sock:
            return await DirectCall(sock, server.name).run(request)
    async with trio.SocketStream(sock) as stream:  # sets TCP_NODELAY
        return await RelayCall(stream, server.name).run(request)


def _directory(configuration: Configuration, name: str, command: Command) -> str:
    directory = _working_directory()
    try:
        return to_wire(configuration, name, directory, os.path.realpath)
    except WorkingDirectoryError:
        if command.outside_directory:
            return command.outside_directory
        raise


def _working_directory() -> str:
    try:
        return os.getcwdb().decode(ENCODING, "surrogateescape")
    except OSError as error:
        raise WorkingDirectoryError(f"the working directory can't be told: {error.strerror}") from error

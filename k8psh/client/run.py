"""Make one call, from a command's name to its exit status."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import trio

from ..config.environment import sent_names
from ..config.model import Command, Configuration, Server
from ..config.paths import to_wire
from ..errors import CommandNotFoundError, K8pshError, WorkingDirectoryError
from ..exit_status import ExitStatus
from ..wire.events import Request
from ..wire.frames import ENCODING
from .connect import connect
from .relay import ClientRelay


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """Who calls: the container's `name`, which decides how it sees shared directories, and its variables."""

    name: str
    environment: Mapping[str, str]


def call(configuration: Configuration, caller: Caller, command: str, arguments: Sequence[str]) -> ExitStatus:
    """Run `command` on its server with our streams; return how it ended.

    Raises:
        CommandNotFoundError: no server has such a command.
        WorkingDirectoryError: we aren't in a shared directory.
        ConnectionLostError, ProtocolError, K8pshError: as ClientRelay.run; each names the command.
    """
    try:
        found = configuration.find_command(command)
        if found is None:
            raise CommandNotFoundError(f"no server in {configuration.file} has such a command")
        request = _request(configuration, caller, found[1], arguments)
        return trio.run(_connect_and_relay, found[0], configuration.connect_timeout_ms, request)
    except K8pshError as error:
        raise type(error)(f"{command}: {error}") from error


def _request(
    configuration: Configuration, caller: Caller, command: Command, arguments: Sequence[str]
) -> Request:
    sent = [name for name in sent_names(command.environment) if name in caller.environment]
    return Request(
        command=command.name,
        arguments=tuple(arguments),
        working_directory=to_wire(configuration, caller.name, _working_directory(), os.path.realpath),
        environment={name: caller.environment[name] for name in sent},
    )


async def _connect_and_relay(server: Server, timeout_ms: int, request: Request) -> ExitStatus:
    async with await connect(server, timeout_ms) as stream:
        return await ClientRelay(stream, server.name).run(request)


def _working_directory() -> str:
    try:
        return os.getcwdb().decode(ENCODING, "surrogateescape")
    except OSError as error:
        raise WorkingDirectoryError(f"the working directory can't be told: {error.strerror}") from error

"""Make one call, from a command's name to its exit status."""

import os
from collections.abc import Mapping, Sequence

import trio

from ..config.environment import sent_names
from ..config.model import Configuration
from ..config.paths import to_wire
from ..errors import CommandNotFoundError, WorkingDirectoryError
from ..exit_status import ExitStatus
from ..wire.events import Request
from ..wire.frames import ENCODING
from .connect import connect
from .relay import ClientRelay


def call(
    configuration: Configuration,
    name: str,
    command: str,
    arguments: Sequence[str],
    environment: Mapping[str, str],
) -> ExitStatus:
    """Run `command` on its server with our streams; return how it ended.

    `name` is the container's, which decides how it sees the shared directories.

    Raises:
        CommandNotFoundError: no server has such a command.
        WorkingDirectoryError: we aren't in a shared directory.
        ConnectionLostError, ProtocolError, K8pshError: as ClientRelay.run.
    """
    found = configuration.find_command(command)
    if found is None:
        raise CommandNotFoundError(f"no server in {configuration.file} has such a command")
    server, its_command = found
    request = Request(
        command=command,
        arguments=tuple(arguments),
        working_directory=to_wire(configuration, name, _working_directory(), os.path.realpath),
        environment={
            name: environment[name] for name in sent_names(its_command.environment) if name in environment
        },
    )

    async def connect_and_relay() -> ExitStatus:
        async with await connect(server, configuration.connect_timeout_ms) as stream:
            return await ClientRelay(stream, server.name).run(request)

    return trio.run(connect_and_relay)


def _working_directory() -> str:
    try:
        return os.getcwdb().decode(ENCODING, "surrogateescape")
    except OSError as error:
        raise WorkingDirectoryError(f"the working directory can't be told: {error.strerror}") from error

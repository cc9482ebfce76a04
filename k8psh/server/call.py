"""From a request to what is to be started: program, arguments, environment, working directory."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from ..config.environment import command_environment
from ..config.model import Command, Configuration
from ..config.paths import from_wire, roots_for
from ..errors import CommandNotFoundError, WorkingDirectoryError
from ..wire.events import Request
from .lookup import find_program


@dataclass(frozen=True, kw_only=True, slots=True)
class Invocation:
    """What a child is made from; `path` is the program's file, `arguments` begin with its name."""

    path: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    directory: str


class Calls:
    """The commands of one server, and how a request for one of them becomes an invocation."""

    def __init__(self, configuration: Configuration, name: str, own_environment: Mapping[str, str]) -> None:
        self.configuration = configuration
        self.name = name
        self._own_environment = dict(own_environment)
        self._commands: dict[str, Command] = {
            command.name: command
            for section in configuration.sections_of(name)
            for command in section.commands
        }

    def prepare(self, request: Request) -> Invocation:
        """Return what the request asks to start.

        Raises:
            CommandNotFoundError: the command isn't configured here, or its program doesn't exist.
            NotExecutableError: the program may not be executed.
            WorkingDirectoryError: the working directory is outside the roots, or missing.
        """
        command = self._commands.get(request.command)
        if command is None:
            raise CommandNotFoundError(
                f"the server {self.name!r} has no such command; is its configuration the caller's?"
            )
        directory = self._directory(request.working_directory)
        environment = command_environment(command.environment, request.environment, self._own_environment)
        return Invocation(
            path=find_program(command.executable[0], directory, environment),
            arguments=command.executable + request.arguments,
            environment=environment,
            directory=directory,
        )

    def _directory(self, wire: str) -> str:
        directory = from_wire(self.configuration, self.name, wire)
        physical = os.path.realpath(directory)
        if not os.path.isdir(physical):
            raise WorkingDirectoryError(
                f"the working directory {directory} doesn't exist on the server {self.name!r}; "
                "do both containers mount it there?"
            )
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

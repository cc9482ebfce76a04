"""What can go wrong, and the exit code that each kind ends with.

K8pshError                 125, a failure of k8psh itself
├── UsageError             125, a command line that can't be obeyed
├── ConfigurationError     78 (EX_CONFIG), a configuration that can't be loaded
├── CommandNotFoundError   127, no such command or program
├── NotExecutableError     126, a program that can't be started
├── ProtocolError          125, the peer broke the protocol
│   └── LimitExceededError 125, the peer sent more than is allowed
├── WorkingDirectoryError  125, a working directory that isn't shared
├── RejectedError          what the server says: 125, 126 or 127
├── OutputError            1, standard output can't be written to: what a program at home ends with
├── NotServingError        1, what --probe finds (client.probe)
└── ConnectionLostError    125, no server, or it went away without an exit status

Only `__main__` turns them into text and an exit code (client, server) and `server.session` into a
reply to the caller.
"""

from collections.abc import Sequence
from dataclasses import dataclass


class K8pshError(Exception):
    """A failure that is said in one line: the exception's text, without a leading `k8psh: `."""

    exit_code = 125


class RejectedError(K8pshError):
    """The server refused to start the command; the exit code is what it says."""

    def __init__(self, text: str, exit_code: int = 125) -> None:
        super().__init__(text)
        self.exit_code = exit_code


class OutputError(K8pshError):
    """The caller's standard output can't be written to."""

    exit_code = 1


class UsageError(K8pshError):
    """The command line can't be obeyed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """One thing wrong with a configuration: `line` and `column` count from 1; 0 means not known."""

    file: str
    line: int = 0
    column: int = 0
    text: str

    def __str__(self) -> str:
        place = self.file
        if self.line:
            place += f":{self.line}"
            if self.column:
                place += f":{self.column}"
        return f"{place}: {self.text}"


class ConfigurationError(K8pshError):
    """A configuration can't be loaded: `problems` holds everything that was found, at least one."""

    exit_code = 78

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class CommandNotFoundError(K8pshError):
    """No such command is configured, or its program doesn't exist."""

    exit_code = 127


class NotExecutableError(K8pshError):
    """The program exists but can't be started."""

    exit_code = 126


class ProtocolError(K8pshError):
    """The peer sent what the protocol doesn't allow; the connection can't be used any more."""


class LimitExceededError(ProtocolError):
    """The peer announced more than a limit allows; nothing of it was kept in memory."""


class WorkingDirectoryError(K8pshError):
    """The working directory lies outside the shared roots or doesn't exist on the other side."""


class ConnectionLostError(K8pshError):
    """The server can't be reached, or ended the connection without an exit status."""

"""How a command ended: an exit code (0 to 255) or a term signal."""

import os
import signal
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Exited:
    """The command ended by itself."""

    code: int

    def exit_code(self) -> int:
        """Return the code."""
        return self.code


@dataclass(frozen=True, slots=True)
class Killed:
    """The command was ended by a signal."""

    signal: int

    def exit_code(self) -> int:
        """Return what a shell calls such an end: 128 and the signal's number."""
        return 128 + self.signal

    def __str__(self) -> str:
        try:
            return signal.Signals(self.signal).name
        except ValueError:
            return f"signal {self.signal}"


ExitStatus = Exited | Killed


def from_wait_status(status: int) -> ExitStatus:
    """Return what a status of waitpid(2) says; a stopped child's is not one."""
    if os.WIFSIGNALED(status):
        return Killed(os.WTERMSIG(status))
    return Exited(os.WEXITSTATUS(status))

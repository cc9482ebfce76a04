"""The server's last frame, as an exit status or an error."""

from ..errors import ConnectionLostError, RejectedError
from ..exit_status import Exited, ExitStatus, Killed
from ..wire.events import ExitCode, Rejected, TermSignal

LastEvent = ExitCode | TermSignal | Rejected


def status_of(event: LastEvent) -> ExitStatus:
    """Return how the command ended.

    Raises:
        RejectedError: it wasn't started.
    """
    match event:
        case ExitCode(code=code):
            return Exited(code & 0xFF)
        case TermSignal(number=number):
            return Killed(number)
        case Rejected(exit_code=code, text=text):
            raise RejectedError(text, code)


def connection_lost(server: str) -> ConnectionLostError:
    """Return the error for a connection that ended before the last frame."""
    return ConnectionLostError(f"the server {server!r} ended the connection without an exit status")

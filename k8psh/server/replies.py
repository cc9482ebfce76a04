"""The server's last frames, for a client of either version."""

from ..errors import K8pshError
from ..exit_status import ExitStatus, Killed
from ..wire.events import Rejected
from ..wire.frames import FrameType, Stream, encode_end, encode_exit_code, encode_number, encode_text


def encode_status(version: int, status: ExitStatus) -> bytes:
    """Return the frame that says how the command ended."""
    if isinstance(status, Killed) and version > 1:
        return encode_number(FrameType.TERM_SIGNAL, status.signal)
    return encode_exit_code(status.exit_code())


def encode_rejection(version: int, command: str, error: K8pshError) -> bytes:
    """Return the frames that say why nothing was started; to version 1, on the caller's stderr."""
    if version > 1:
        cause = error.__cause__
        number = cause.errno or 0 if isinstance(cause, OSError) else 0
        return Rejected(error.exit_code, number, str(error)).encode()
    return (
        encode_text(FrameType.STDERR_DATA, f"k8psh: {command}: {error}\n")
        + encode_end(Stream.STDOUT)
        + encode_end(Stream.STDERR)
        + encode_exit_code(error.exit_code)
    )

"""Signals that a client asks for."""

import signal

from ..errors import ProtocolError
from ..wire.events import FromClient, Signal, Terminate
from ..wire.frames import FrameType, encode_number
from .child import Child

FORWARDED = frozenset(
    {
        signal.SIGHUP,
        signal.SIGINT,
        signal.SIGQUIT,
        signal.SIGTERM,
        signal.SIGUSR1,
        signal.SIGUSR2,
        signal.SIGWINCH,
        signal.SIGTSTP,
        signal.SIGCONT,
    }
)
"""What a caller may send to its command."""


def answer(event: FromClient, child: Child) -> bytes:
    """Do what the client asks of its command's group; return the answer, which may be empty.

    Raises:
        ProtocolError: it asks for something else.
    """
    match event:
        case Terminate():
            child.terminate()
            return b""
        case Signal(number=number) if number in FORWARDED:
            child.signal_group(number)
            return encode_number(FrameType.DELIVERED, number)
        case _:
            raise ProtocolError(f"{event} can't be done")

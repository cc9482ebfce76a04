"""What both ends of a connection do: bytes in, headers checked, the bytes of streams out.

    connection = ServerConnection(limits)
    connection.receive_data(...)         # or: sock.recv_into(connection.space()); connection.received(n)
    while event := connection.next_event():
        match event: ...

Bytes out are made by the events (`Request.encode`) and by `frames.encode_...`.
"""

from ..errors import ProtocolError
from .events import Data, End
from .frames import FrameType, Stream
from .reader import FrameReader
from .states import AFTER, RECEIVABLE, State


class Connection(FrameReader):
    """One end; `state` says what it waits for."""

    def __init__(self, state: State) -> None:
        super().__init__()
        self.state = state
        self._kind: FrameType | None = None
        self._left = 0  # the current frame's payload bytes not yet taken, or its number

    def _current_kind(self) -> FrameType | None:
        """Return the type of the frame that is being read, None where its header isn't complete."""
        if self._kind is None:
            header = self.take_header()
            if header is None:
                return None
            number, self._left = header
            self._kind = RECEIVABLE[self.state].get(number)
            if self._kind is None:
                state = self.state.name.lower()
                raise ProtocolError(f"a frame of type {number} came in the state {state!r}")
            self.state = AFTER.get((self.state, self._kind), self.state)
        return self._kind

    def _take_number(self) -> int:
        """Return the number that the frame being read holds, which ends the frame."""
        self._kind = None
        return self._left

    def _stream_event(self, stream: Stream) -> Data | End | None:
        """Return the stream's end, or as many of the frame's bytes as are there."""
        if not self._left:
            self._kind = None
            return End(stream)
        data = self.take_some(self._left)
        self._left -= len(data)
        if not self._left:
            self._kind = None
        return Data(stream, data) if data else None


def output_stream(number: int) -> Stream:
    """Return the stream that a frame names as an output of the command.

    Raises:
        ProtocolError: it's neither stdout nor stderr.
    """
    if number not in (Stream.STDOUT, Stream.STDERR):
        raise ProtocolError(f"{number} is no output stream")
    return Stream(number)

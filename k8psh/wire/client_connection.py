"""The client's end of a connection."""

from ..errors import ProtocolError
from .connection import Connection
from .events import Delivered, ExitCode, FromServer, Hello, Rejected, Terminal, TermSignal
from .frames import FrameType, Stream, decode_exit_code
from .states import State

_LONGEST_REJECTION_BYTES = 64 * 1024


class ClientConnection(Connection):
    """Data and End of stdout and stderr, End of stdin (send no more), and how the call has ended."""

    def __init__(self, *, is_direct: bool = False) -> None:
        super().__init__(State.REPLY_DIRECT if is_direct else State.REPLY)

    def next_event(self) -> FromServer | None:
        """Return the next event, None where more bytes are needed or the last one has come.

        Raises:
            ProtocolError: the server sent what may not come now; the connection is of no more use.
        """
        if self.state is State.OVER and self._kind is None:
            return None
        kind = self._current_kind()
        match kind:
            case None:
                return None
            case FrameType.EXIT_CODE:
                return ExitCode(decode_exit_code(self._take_number()))
            case FrameType.TERM_SIGNAL:
                return TermSignal(self._take_number())
            case FrameType.HELLO:
                return Hello(self._take_number())
            case FrameType.TERMINAL:
                return Terminal(self._take_number())
            case FrameType.DELIVERED:
                return Delivered(self._take_number())
            case FrameType.REJECTED:
                return self._rejected()
        stream = Stream(kind - FrameType.STDIN_DATA)
        if stream is Stream.STDIN and self._left:
            raise ProtocolError("the server sent bytes for standard input")
        return self._stream_event(stream)

    def _rejected(self) -> Rejected | None:
        if self._left > _LONGEST_REJECTION_BYTES:
            raise ProtocolError(f"a rejection of {self._left} bytes came")
        payload = self.take(self._left)
        if payload is None:
            return None
        self._kind = None
        try:
            return Rejected.decode(bytes(payload))
        except ValueError as error:
            raise ProtocolError(str(error)) from error

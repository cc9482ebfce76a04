"""One end of a connection: bytes in, events out; what may come next is checked on the way.

    connection = ServerConnection(limits)
    connection.receive_data(...)         # or: sock.recv_into(connection.space()); connection.received(n)
    while event := connection.next_event():
        match event: ...

Bytes out are made by `Request.encode` and by `frames.encode_...`.
"""

from ..errors import LimitExceededError, ProtocolError
from ..limits import Limits
from .events import Data, End, Event, ExitCode, Request, Terminate
from .frames import ENCODING, FrameType, Stream, decode_exit_code
from .reader import FrameReader
from .states import AFTER, RECEIVABLE, State

_STRING_COST = 9
"""What execve(2) takes for a string besides its bytes: the NUL and a pointer."""


class _Connection(FrameReader):
    """What both ends do: headers, the order of frames, the bytes of streams."""

    def __init__(self, state: State) -> None:
        super().__init__()
        self.state = state
        self._kind: FrameType | None = None
        self._left = 0  # the current frame's payload bytes not yet taken, or its four bytes as a number

    def _current_kind(self) -> FrameType | None:
        """Return the type of the frame that is being read, None where its header isn't complete."""
        if self._kind is None:
            header = self.take_header()
            if header is None:
                return None
            number, self._left = header
            if number not in RECEIVABLE[self.state]:
                state = self.state.name.lower()
                raise ProtocolError(f"a frame of type {number} came in the state {state!r}")
            self._kind = FrameType(number)
            self.state = AFTER.get(self._kind, self.state)
        return self._kind

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


class ServerConnection(_Connection):
    """The server's end: a Request, then Data and End of stdin, and Terminate."""

    def __init__(self, limits: Limits) -> None:
        super().__init__(State.REQUEST)
        self._limits = limits
        self._request_bytes = 0
        self._working_directory = ""
        self._arguments: list[str] = []
        self._environment: dict[str, str] = {}

    def next_event(self) -> Event | None:
        """Return the next event, None where more bytes are needed.

        Raises:
            ProtocolError: the client sent what may not come now; the connection is of no more use.
            LimitExceededError: a string, or all of them together, are longer than the limits allow.
        """
        while (kind := self._current_kind()) is not None:
            if kind is FrameType.STDIN_DATA:
                return self._stream_event(Stream.STDIN)
            if kind is FrameType.TERMINATE_COMMAND:
                self._kind = None
                return Terminate()
            self._check_length()
            payload = self.take(self._left)
            if payload is None:
                return None
            self._request_bytes += self._left + _STRING_COST
            self._kind = None
            event = self._string(kind, str(payload, ENCODING, "surrogateescape"))
            if event is not None:
                return event
        return None

    def _check_length(self) -> None:
        if self._left >= self._limits.argument_bytes:
            raise LimitExceededError(
                f"a string of {self._left} bytes exceeds the limit of {self._limits.argument_bytes - 1} "
                "(limits: argumentBytes, which counts its closing NUL)"
            )
        if self._request_bytes + self._left + _STRING_COST > self._limits.request_bytes:
            raise LimitExceededError(
                f"the request exceeds the limit of {self._limits.request_bytes} bytes (limits: requestBytes)"
            )

    def _string(self, kind: FrameType, text: str) -> Request | None:
        if "\0" in text:
            raise ProtocolError(f"a NUL byte came in a frame of type {kind}")
        match kind:
            case FrameType.COMMAND_ARGUMENT:
                self._arguments.append(text)
            case FrameType.ENVIRONMENT_VARIABLE:
                name, _, value = text.partition("=")
                self._environment[name] = value
            case FrameType.WORKING_DIRECTORY:
                self._working_directory = text
            case _:
                return Request(
                    command=text,
                    arguments=tuple(self._arguments),
                    working_directory=self._working_directory,
                    environment=self._environment,
                )
        return None


class ClientConnection(_Connection):
    """The client's end: Data and End of stdout and stderr, End of stdin (send no more), ExitCode."""

    def __init__(self) -> None:
        super().__init__(State.REPLY)

    def next_event(self) -> Event | None:
        """Return the next event, None where more bytes are needed or the exit code has come.

        Raises:
            ProtocolError: the server sent what may not come now; the connection is of no more use.
        """
        if self.state is State.OVER:
            return None
        kind = self._current_kind()
        if kind is None:
            return None
        if kind is FrameType.EXIT_CODE:
            return ExitCode(decode_exit_code(self._left))
        stream = Stream(kind - FrameType.STDIN_DATA)
        if stream is Stream.STDIN and self._left:
            raise ProtocolError("the server sent bytes for standard input")
        return self._stream_event(stream)

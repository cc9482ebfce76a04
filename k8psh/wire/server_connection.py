"""The server's end of a connection."""

import re

from ..errors import LimitExceededError, ProtocolError
from ..limits import Limits
from .connection import Connection, output_stream
from .events import FromClient, OutputClosed, Request, Signal, Terminate, WindowSize
from .frames import (
    CALLS_VARIABLE,
    ENCODING,
    HEADER,
    TERMINAL_VARIABLE,
    UMASK_VARIABLE,
    VERSION,
    VERSION_VARIABLE,
    FrameType,
    Stream,
)
from .states import State

_STRING_COST = 9
"""What execve(2) takes for a string besides its bytes: the NUL and a pointer."""
_LARGEST_UMASK = 0o777
_LARGEST_SIZE = 0xFFFF


_REQUEST_STATES = (State.REQUEST, State.REQUEST_DIRECT)
_STRINGS = {
    int(kind): kind
    for kind in (FrameType.WORKING_DIRECTORY, FrameType.COMMAND_ARGUMENT, FrameType.ENVIRONMENT_VARIABLE)
}
"""The strings of a request by their numbers; more frames follow them."""


class ServerConnection(Connection):
    """A Request, then what the client sends while the command runs."""

    def __init__(self, limits: Limits, *, is_direct: bool = False) -> None:
        super().__init__(State.REQUEST_DIRECT if is_direct else State.REQUEST)
        self._limits = limits
        self._request_bytes = 0
        self._working_directory = ""
        self._arguments: list[str] = []
        self._environment: dict[str, str] = {}
        self._version = VERSION if is_direct else 1
        self._umask: int | None = None
        self._descriptors = 0
        self._calls: tuple[str, ...] = ()
        self._terminals = 0
        self._window: WindowSize | None = None

    def next_event(self) -> FromClient | None:
        """Return the next event, None where more bytes are needed.

        Raises:
            ProtocolError: the client sent what may not come now; the connection is of no more use.
            LimitExceededError: a string, or all of them together, are longer than the limits allow.
        """
        while (kind := self._next_kind()) is not None:
            match kind:
                case FrameType.STDIN_DATA:
                    return self._stream_event(Stream.STDIN)
                case FrameType.DESCRIPTORS:
                    self._descriptors = self._take_number()
                case FrameType.UMASK:
                    self._set_umask(self._take_number())
                case FrameType.START_COMMAND:
                    command = self._take_string()
                    return None if command is None else self._request(command)
                case _ if kind in _STRINGS:
                    text = self._take_string()
                    if text is None:
                        return None
                    self._note(kind, text)
                case _:
                    return _wish(kind, self._take_number())
        return None

    def _next_kind(self) -> FrameType | None:
        if self._kind is None and self.state in _REQUEST_STATES:
            self._take_whole_strings()
        return self._current_kind()

    def _take_whole_strings(self) -> None:
        """Take arguments, variables and the directory that are there whole: a request is mostly these.

        Whatever is special about the next frame is left to the general way, errors too: this is its short
        cut, at a quarter of its cost.
        """
        buffer, position, end = self._buffer, self._start, self._end
        longest, left = self._limits.argument_bytes - 1, self._limits.request_bytes - self._request_bytes
        while end - position >= HEADER.size:
            number, length = HEADER.unpack_from(buffer, position)
            start = position + HEADER.size
            left -= length + _STRING_COST
            kind = _STRINGS.get(number)
            if kind is None or length > longest or left < 0 or start + length > end:
                break
            text = str(buffer[start : start + length], ENCODING, "surrogateescape")
            if "\0" in text:
                break
            position = start + length
            self._start, self._request_bytes = position, self._limits.request_bytes - left
            self._note(kind, text)

    def _take_string(self) -> str | None:
        """Return the frame's string where it's all there; its length is checked before memory is taken."""
        length, limits = self._left, self._limits
        if length >= limits.argument_bytes:
            raise LimitExceededError(
                f"a string of {length} bytes is too long, the limit is {limits.argument_bytes} with its "
                "closing NUL (argumentBytes in the configuration's limits)"
            )
        if self._request_bytes + length + _STRING_COST > limits.request_bytes:
            raise LimitExceededError(
                f"the arguments and the environment are too long, the limit is {limits.request_bytes} bytes "
                "(requestBytes in the configuration's limits)"
            )
        payload = self.take(length)
        if payload is None:
            return None
        self._request_bytes += length + _STRING_COST
        self._kind = None
        text = str(payload, ENCODING, "surrogateescape")
        if "\0" in text:
            raise ProtocolError("a NUL byte came in a request")
        return text

    def _note(self, kind: FrameType, text: str) -> None:
        if kind is FrameType.COMMAND_ARGUMENT:
            self._arguments.append(text)
        elif kind is FrameType.WORKING_DIRECTORY:
            self._working_directory = text
        else:
            name, _, value = text.partition("=")
            if not self._is_protocols_own(name, value):
                self._environment[name] = value

    def _is_protocols_own(self, name: str, value: str) -> bool:
        """Take what the client says about itself by way of a variable."""
        if name == VERSION_VARIABLE:
            self._version = VERSION
        elif name == UMASK_VARIABLE:
            self._set_umask(int(value, 8) if re.fullmatch("[0-7]+", value) else -1)
        elif name == TERMINAL_VARIABLE:
            self._set_terminals(value)
        elif name == CALLS_VARIABLE:
            self._calls = tuple(value.split())
        else:
            return False
        return True

    def _set_umask(self, umask: int) -> None:
        if not 0 <= umask <= _LARGEST_UMASK:
            raise ProtocolError("a file mode creation mask came that is none")
        self._umask = umask

    def _set_terminals(self, value: str) -> None:
        numbers = re.fullmatch(r"([0-7]) (\d{1,5}) (\d{1,5})", value)
        if numbers is None or any(int(number) > _LARGEST_SIZE for number in numbers.groups()):
            raise ProtocolError("a terminal came that is none")
        self._terminals = int(numbers[1])
        self._window = WindowSize(int(numbers[2]), int(numbers[3]))

    def _request(self, command: str) -> Request:
        if self.state is State.REQUEST:
            self.state = State.RUNNING if self._version == 1 else State.RUNNING_2
        return Request(
            command=command,
            arguments=tuple(self._arguments),
            working_directory=self._working_directory,
            environment=self._environment,
            version=self._version,
            umask=self._umask,
            descriptors=self._descriptors,
            calls=self._calls,
            terminals=self._terminals,
            window=self._window,
        )


def _wish(kind: FrameType, number: int) -> FromClient:
    """Return what the client asks for while its command runs."""
    match kind:
        case FrameType.SIGNAL:
            return Signal(number)
        case FrameType.WINDOW_SIZE:
            return WindowSize.decode(number)
        case FrameType.OUTPUT_CLOSED:
            return OutputClosed(output_stream(number))
        case _:
            return Terminate()

"""What a frame, or a whole request, means: the values that `connection` hands to its user."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

from .frames import (
    CALLS_VARIABLE,
    ENCODING,
    TERMINAL_VARIABLE,
    UMASK_VARIABLE,
    VERSION,
    VERSION_VARIABLE,
    FrameType,
    Stream,
    encode_frame,
    encode_number,
    encode_text,
)

_REJECTION = struct.Struct("<II")


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One call: the command's name and what the caller adds to the configuration.

    `working_directory` is relative to the base directory, or absolute as clients see it; `environment`
    holds the caller's values, those that the command doesn't list included. `version` is the caller's,
    `umask` its file mode creation mask where it says one, `descriptors` the bit mask of those that it
    passes (direct lane), `calls` the chain of calls that it is part of, "server/command" each. `terminals`
    is the bit mask of its descriptors 0 to 2 that are terminals, of size `window` (relay lane).
    """

    command: str
    arguments: tuple[str, ...] = ()
    working_directory: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    version: int = 1
    umask: int | None = None
    descriptors: int = 0
    calls: tuple[str, ...] = ()
    terminals: int = 0
    window: "WindowSize | None" = None

    def encode(self) -> bytes:
        """Return the request's frames for the relay lane: those of version 1, whatever ours is."""
        said = []
        if self.version > 1:
            said.append(f"{VERSION_VARIABLE}={VERSION}")
            if self.umask is not None:
                said.append(f"{UMASK_VARIABLE}={self.umask:o}")
            if self.window is not None:
                said.append(f"{TERMINAL_VARIABLE}={self.terminals} {self.window.rows} {self.window.columns}")
        return _variables(said) + self._encode_call()

    def encode_direct(self) -> bytes:
        """Return the request's frames for the direct lane."""
        head = encode_number(FrameType.DESCRIPTORS, self.descriptors)
        if self.umask is not None:
            head += encode_number(FrameType.UMASK, self.umask)
        return head + self._encode_call()

    def _encode_call(self) -> bytes:
        calls = [f"{CALLS_VARIABLE}={' '.join(self.calls)}"] if self.calls else []
        return b"".join(
            [
                encode_text(FrameType.WORKING_DIRECTORY, self.working_directory),
                *(encode_text(FrameType.COMMAND_ARGUMENT, argument) for argument in self.arguments),
                _variables([*calls, *(f"{name}={value}" for name, value in self.environment.items())]),
                encode_text(FrameType.START_COMMAND, self.command),
            ]
        )


def _variables(variables: list[str]) -> bytes:
    return b"".join(encode_text(FrameType.ENVIRONMENT_VARIABLE, variable) for variable in variables)


@dataclass(frozen=True, slots=True)
class Data:
    """Bytes of a stream. The memory is the reader's: use them before anything more is received."""

    stream: Stream
    data: memoryview


@dataclass(frozen=True, slots=True)
class End:
    """A stream has ended; towards the client, for stdin: the command has closed it, send no more."""

    stream: Stream


@dataclass(frozen=True, slots=True)
class OutputClosed:
    """Nobody reads the client's stdout or stderr any more."""

    stream: Stream


@dataclass(frozen=True, slots=True)
class Terminate:
    """The client asks for the command's end (SIGTERM)."""


@dataclass(frozen=True, slots=True)
class Signal:
    """The client asks for a signal to the command's process group."""

    number: int


@dataclass(frozen=True, slots=True)
class WindowSize:
    """A terminal's size in characters, 0 to 65535 each."""

    rows: int
    columns: int

    def encode(self) -> bytes:
        """Return the frame."""
        return encode_number(FrameType.WINDOW_SIZE, self.rows << 16 | self.columns)

    @classmethod
    def decode(cls, number: int) -> "WindowSize":
        """Return what a frame's number says."""
        return cls(number >> 16, number & 0xFFFF)


@dataclass(frozen=True, slots=True)
class Terminal:
    """The command has a terminal of its own in place of the descriptors of this bit mask."""

    mask: int


@dataclass(frozen=True, slots=True)
class Hello:
    """The server speaks this version."""

    version: int


@dataclass(frozen=True, slots=True)
class Delivered:
    """The server has delivered a signal."""

    number: int


@dataclass(frozen=True, slots=True)
class ExitCode:
    """The command has ended; `code` is signed, the client exits with its low eight bits."""

    code: int


@dataclass(frozen=True, slots=True)
class TermSignal:
    """The command was ended by this signal."""

    number: int


@dataclass(frozen=True, slots=True)
class Rejected:
    """Nothing was started: what the client exits with, the errno or 0, and a line that says why."""

    exit_code: int
    error_number: int
    text: str

    def encode(self) -> bytes:
        """Return the frame."""
        payload = _REJECTION.pack(self.exit_code, self.error_number)
        return encode_frame(FrameType.REJECTED, payload + self.text.encode(ENCODING, "surrogateescape"))

    @classmethod
    def decode(cls, payload: bytes) -> "Rejected":
        """Return what a frame's payload says.

        Raises:
            ValueError: it's too short.
        """
        if len(payload) < _REJECTION.size:
            raise ValueError("a REJECTED frame without an exit code")
        code, number = _REJECTION.unpack_from(payload)
        return cls(code, number, payload[_REJECTION.size :].decode(ENCODING, "surrogateescape"))


FromClient = Request | Data | End | OutputClosed | Terminate | Signal | WindowSize
FromServer = Data | End | Hello | Terminal | Delivered | ExitCode | TermSignal | Rejected

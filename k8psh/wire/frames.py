"""The frame: a type byte, four bytes little endian, and for most types that many bytes of payload.

`docs/protocol.md` describes each type; `native/frames.h` holds the same numbers, which a test compares.
"""

import struct
from enum import IntEnum

HEADER = struct.Struct("<BI")
_EXIT_CODE = struct.Struct("<Bi")

VERSION = 2
VERSION_VARIABLE = "K8PSH_PROTOCOL"
UMASK_VARIABLE = "K8PSH_UMASK"
TERMINAL_VARIABLE = "K8PSH_TERMINAL"
CALLS_VARIABLE = "K8PSH_CALLS"
"""What a request says by variables of these names, since a server of version 1 ignores them."""

ENCODING = "utf-8"
"""Strings travel as the bytes they are: what isn't UTF-8 is kept as surrogates on our side."""


class FrameType(IntEnum):
    """The frame's first byte."""

    WORKING_DIRECTORY = 0
    ENVIRONMENT_VARIABLE = 1
    COMMAND_ARGUMENT = 2
    START_COMMAND = 3
    STDIN_DATA = 4
    STDOUT_DATA = 5
    STDERR_DATA = 6
    TERMINATE_COMMAND = 7
    EXIT_CODE = 8
    HELLO = 16
    DESCRIPTORS = 17
    UMASK = 18
    REJECTED = 19
    TERM_SIGNAL = 20
    SIGNAL = 21
    DELIVERED = 22
    OUTPUT_CLOSED = 23
    TERMINAL = 24
    WINDOW_SIZE = 25


class Stream(IntEnum):
    """A standard stream, by its descriptor's number."""

    STDIN = 0
    STDOUT = 1
    STDERR = 2

    @property
    def frame_type(self) -> FrameType:
        """The type of the frames that carry this stream's bytes."""
        return FrameType(FrameType.STDIN_DATA + self)


def encode_frame(kind: FrameType, payload: bytes) -> bytes:
    """Return a frame with a payload of at most 4 GiB - 1."""
    return HEADER.pack(kind, len(payload)) + payload


def encode_text(kind: FrameType, text: str) -> bytes:
    """Return a frame that holds a string."""
    return encode_frame(kind, text.encode(ENCODING, "surrogateescape"))


def encode_end(stream: Stream) -> bytes:
    """Return the empty data frame: the stream's end, or towards the client that stdin was closed."""
    return HEADER.pack(stream.frame_type, 0)


def encode_number(kind: FrameType, number: int) -> bytes:
    """Return a frame that holds a number (0 to 2**32 - 1) where others have their length."""
    return HEADER.pack(kind, number)


def encode_terminate() -> bytes:
    """Return the frame that ends the command."""
    return encode_number(FrameType.TERMINATE_COMMAND, 0)


def encode_exit_code(code: int) -> bytes:
    """Return the frame that ends the session: the command's exit code, 32 bits signed."""
    return _EXIT_CODE.pack(FrameType.EXIT_CODE, code)


def decode_exit_code(value: int) -> int:
    """Return the signed exit code that an EXIT_CODE frame's four bytes hold."""
    return value - (1 << 32) if value >= 1 << 31 else value

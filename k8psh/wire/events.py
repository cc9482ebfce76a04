"""What a frame, or a whole request, means: the values that `connection` hands to its user."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .frames import FrameType, Stream, encode_frame, encode_text


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One call: the command's name and what the caller adds to the configuration.

    `working_directory` is relative to the base directory, or absolute as clients see it; `environment`
    holds the caller's values, those that the command doesn't list included.
    """

    command: str
    arguments: tuple[str, ...] = ()
    working_directory: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)

    def encode(self) -> bytes:
        """Return the request's frames, in the order in which the reference sends them."""
        parts = [encode_text(FrameType.WORKING_DIRECTORY, self.working_directory)]
        parts += [encode_text(FrameType.COMMAND_ARGUMENT, argument) for argument in self.arguments]
        parts += [
            encode_text(FrameType.ENVIRONMENT_VARIABLE, f"{name}={value}")
            for name, value in self.environment.items()
        ]
        parts.append(encode_text(FrameType.START_COMMAND, self.command))
        return b"".join(parts)


@dataclass(frozen=True, slots=True)
class Data:
    """Bytes of a stream. The memory is the reader's: use them before anything more is received."""

    stream: Stream
    data: memoryview

    def encode(self) -> bytes:
        """Return a data frame; empty data would mean the stream's end."""
        return encode_frame(self.stream.frame_type, bytes(self.data))


@dataclass(frozen=True, slots=True)
class End:
    """A stream has ended; towards the client, for stdin: the command has closed it, send no more."""

    stream: Stream


@dataclass(frozen=True, slots=True)
class Terminate:
    """The client asks for the command's end (SIGTERM)."""


@dataclass(frozen=True, slots=True)
class ExitCode:
    """The command has ended; `code` is signed, the client exits with its low eight bits."""

    code: int


Event = Request | Data | End | Terminate | ExitCode

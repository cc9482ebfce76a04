"""Our ends of a relayed command's streams."""

from dataclasses import dataclass

from ..wire.frames import Stream
from .input import Input
from .output import Output, TerminalOutput


@dataclass(frozen=True, kw_only=True, slots=True)
class Streams:
    """Our ends of a command's streams, non-blocking; `terminal` is the master where it has one."""

    input: Input
    outputs: tuple[Output, ...]
    terminal: int = -1

    def have_ended(self) -> bool:
        """Tell whether the command has closed its outputs, as it does when it ends."""
        return all(output.ended for output in self.outputs)

    def finish(self) -> None:
        """Note that the command has ended: it reads nothing more, and what it has written is the last."""
        self.input.close()
        for output in self.outputs:
            output.finish()

    def abandon(self, stream: Stream) -> None:
        """Let the command learn that nobody reads this stream any more."""
        for output in self.outputs:
            if output.stream is stream:
                output.abandon()

    def hang_up(self) -> None:
        """Close the command's stdin, and a terminal whole, which sends HUP (credentials(7)).

        Outputs that are pipes stay until the end: a command that writes a last line when it's asked to end
        mustn't die of that before it has cleaned up.
        """
        self.input.close()
        for output in self.outputs:
            if isinstance(output, TerminalOutput):
                output.abandon()

    def close(self) -> None:
        """Close all."""
        self.input.close()
        for output in self.outputs:
            output.close()

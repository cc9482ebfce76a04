"""One direction of the relay: what the command writes, on its way into frames."""

import array
import errno
import fcntl
import os
import termios

from ..config.arguments import LineMapping
from ..wire.frames import HEADER, Stream, encode_frame
from .pipes import LARGEST_PIPE_BYTES, enlarge_pipe

_INITIAL_BYTES = 4 * 1024
_TERMINAL_BYTES = 256 * 1024
"""Several times what a terminal holds: whoever goes on writing to it after the command isn't waited for."""
_MAPPED_BYTES = 16 * 1024
"""Lines are mapped in one go, while others wait."""
_LONGEST_LINE_BYTES = 64 * 1024
"""A line that's longer is relayed in parts, which may hide a path at the seam."""


class Output:
    """The reading end of a command's stdout or stderr, non-blocking.

    A read lands behind room for a header, so that a frame is sent from where it was read to.
    """

    def __init__(self, stream: Stream, descriptor: int) -> None:
        self.stream = stream
        self.descriptor = descriptor
        self.ended = False
        self.readable = True
        self.heeded = True
        """Whether the epoll set tells when there is more."""
        self._left: int | None = None
        self._buffer = bytearray(HEADER.size + _INITIAL_BYTES)

    def next_frame(self) -> memoryview | None:
        """Return the next data frame, an empty one at the end, None while there is nothing to read.

        The frame's memory is good until the next call.
        """
        count = self._read()
        if count is None:
            return None
        HEADER.pack_into(self._buffer, 0, self.stream.frame_type, count)
        frame = memoryview(self._buffer)[: HEADER.size + count]
        if not count:
            self.ended = True
        elif len(frame) == len(self._buffer):
            self._grow()
        return frame

    def finish(self) -> None:
        """Note that the command has ended: what is in the pipe now is the last that is relayed.

        A daemon that it left behind may hold the pipe open, and write to it, for ever.
        """
        if not self.ended:
            held = array.array("i", [0])
            fcntl.ioctl(self.descriptor, termios.FIONREAD, held)
            self._left = held[0]
            self.readable = True

    def abandon(self) -> None:
        """Close the pipe before its end: writing to it is an error for the command from now on."""
        self.ended = True
        self.close()

    def close(self) -> None:
        """Close the descriptor."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def _read(self) -> int | None:
        """Read behind the room for a header; return how much, 0 at the end, None where nothing is there."""
        size = len(self._buffer) - HEADER.size
        if self._left is not None:
            size = min(size, self._left)
        try:
            count = os.readv(self.descriptor, [memoryview(self._buffer)[HEADER.size : HEADER.size + size]])
        except BlockingIOError:
            self.readable = False
            return None if self._left is None else 0
        if self._left is not None:
            self._left -= count
        return count

    def _grow(self) -> None:
        size = len(self._buffer) - HEADER.size
        if size >= LARGEST_PIPE_BYTES or self._left is not None:
            return
        size *= 4
        # The frame just returned holds the old one till it's sent.
        self._buffer = bytearray(HEADER.size + size)
        enlarge_pipe(self.descriptor, size)


class TerminalOutput(Output):
    """The master of the command's terminal; it has no end of its own."""

    def next_frame(self) -> memoryview | None:
        """Return the next data frame, None while there is nothing to read, and at the end."""
        try:
            count = self._read()
        except OSError as error:
            if error.errno != errno.EIO:  # what a master says when nobody has the slave open
                raise
            count = 0
        if count:
            HEADER.pack_into(self._buffer, 0, self.stream.frame_type, count)
            return memoryview(self._buffer)[: HEADER.size + count]
        self.ended = count == 0
        return None

    def finish(self) -> None:
        """Note that the command has ended: what can be read without waiting is the last that is relayed."""
        if not self.ended:
            self._left = _TERMINAL_BYTES
            self.readable = True


class MappedOutput(Output):
    """An output whose lines are mapped; the last one may lack its newline."""

    def __init__(self, stream: Stream, descriptor: int, mapping: LineMapping) -> None:
        super().__init__(stream, descriptor)
        self._buffer = bytearray(HEADER.size + _MAPPED_BYTES)
        self._mapping = mapping
        self._held = b""

    def next_frame(self) -> memoryview | None:
        """Return the next data frame, of whole lines: see Output."""
        while (count := self._read()) is not None:
            self._held += self._buffer[HEADER.size : HEADER.size + count]
            end = self._held.rfind(b"\n") + 1
            if not end and (not count or len(self._held) >= _LONGEST_LINE_BYTES):
                end = len(self._held)
            lines, self._held = self._held[:end], self._held[end:]
            if lines or not count:
                self.ended = not lines
                return memoryview(encode_frame(self.stream.frame_type, self._mapping.map(lines)))
        return None

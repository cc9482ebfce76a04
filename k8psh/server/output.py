"""One direction of the relay: what the command writes, on its way into frames."""

import array
import fcntl
import os
import termios

from ..wire.frames import HEADER, Stream

_INITIAL_BYTES = 16 * 1024
_LARGEST_BYTES = 1024 * 1024
"""The largest pipe an unprivileged process may have; a pipe that keeps being full gets it."""


class Output:
    """The reading end of a command's stdout or stderr, non-blocking.

    A read lands behind room for a header, so that a frame is sent from where it was read to.
    """

    def __init__(self, stream: Stream, descriptor: int) -> None:
        self.stream = stream
        self.descriptor = descriptor
        self.ended = False
        self.readable = True
        self._left: int | None = None
        self._buffer = bytearray(HEADER.size + _INITIAL_BYTES)

    def next_frame(self) -> memoryview | None:
        """Return the next data frame, an empty one at the end, None while there is nothing to read.

        The frame's memory is good until the next call.
        """
        size = len(self._buffer) - HEADER.size
        if self._left is not None:
            size = min(size, self._left)
        try:
            count = os.readv(self.descriptor, [memoryview(self._buffer)[HEADER.size : HEADER.size + size]])
        except BlockingIOError:
            self.readable = False
            if self._left is None:
                return None
            count = 0
        if self._left is not None:
            self._left -= count
        HEADER.pack_into(self._buffer, 0, self.stream.frame_type, count)
        frame = memoryview(self._buffer)[: HEADER.size + count]
        if not count:
            self.ended = True
        elif count == size:
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

    def _grow(self) -> None:
        size = len(self._buffer) - HEADER.size
        if size >= _LARGEST_BYTES or self._left is not None:
            return
        size *= 4
        held = self._buffer
        self._buffer = bytearray(HEADER.size + size)
        del held  # a frame that was just returned still holds it, until it is sent
        try:
            fcntl.fcntl(self.descriptor, fcntl.F_SETPIPE_SZ, size)
        except OSError:
            return  # the user's share of pipe memory is used up: the pipe stays as it is

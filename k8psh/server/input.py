"""The other direction of the relay: what the client sends, on its way into the command's stdin."""

import os

from .pipes import LARGEST_PIPE_BYTES, PIPE_BYTES, enlarge_pipe


class Input:
    """The writing end of a command's stdin, or its terminal's master, non-blocking; closed, it drops all."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.unwritten = memoryview(b"")
        self.writable = False
        self._may_grow = True

    def take(self, data: memoryview) -> None:
        """Take the next bytes when none are unwritten; their memory must stay till they're written."""
        if self.descriptor >= 0:
            self.unwritten = data

    def write(self) -> bool:
        """Write once; tell whether that did anything.

        Raises:
            BrokenPipeError: the command has closed its stdin.
        """
        if not self.writable:
            return False
        try:
            written = os.write(self.descriptor, self.unwritten)
        except BlockingIOError:
            self.writable = False
            return False
        self.unwritten = self.unwritten[written:]
        if written >= PIPE_BYTES and self._may_grow:
            self._may_grow = False
            enlarge_pipe(self.descriptor, LARGEST_PIPE_BYTES)
        return True

    def close(self) -> None:
        """Close the descriptor, which leaves an epoll set by itself."""
        self.unwritten = memoryview(b"")
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

"""The other direction of the relay: what the client sends, on its way into the command's stdin."""

import contextlib
import fcntl
import os

_MUCH_BYTES = 64 * 1024
"""What a pipe holds at first (pipe(7)); one that takes all of it at once gets the largest size."""
_LARGEST_BYTES = 1024 * 1024


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
        if written >= _MUCH_BYTES and self._may_grow:
            self._grow()
        return True

    def close(self) -> None:
        """Close the descriptor, which leaves an epoll set by itself."""
        self.unwritten = memoryview(b"")
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def _grow(self) -> None:
        self._may_grow = False
        with contextlib.suppress(OSError):  # the user's share of pipe memory is used up, or it's no pipe
            fcntl.fcntl(self.descriptor, fcntl.F_SETPIPE_SZ, _LARGEST_BYTES)

"""The three pipes between the server and a relayed command."""

import contextlib
import fcntl
import os
from types import TracebackType

PIPE_BYTES = 64 * 1024
"""What a pipe holds at first (pipe(7)): one that is full, or takes all of it at once, has much traffic."""
LARGEST_PIPE_BYTES = 1024 * 1024
"""The largest pipe that an unprivileged process may have."""


def enlarge_pipe(descriptor: int, size: int) -> None:
    """Make a pipe larger where that's possible; it's never made smaller than it was at first."""
    if size > PIPE_BYTES:
        with contextlib.suppress(OSError):  # the user's share of pipe memory is used up, or it's no pipe
            fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, size)


class Pipes:
    """Pipes for stdin, stdout and stderr; whatever wasn't kept is closed at the block's end.

    `theirs` are the ends for the child, blocking, as any program expects them.
    """

    def __init__(self) -> None:
        self._open: set[int] = set()

    def __enter__(self) -> "Pipes":
        try:
            pairs = [self._pipe() for _ in range(3)]
        except OSError:
            self._close()
            raise
        (stdin_read, stdin_write), (stdout_read, stdout_write), (stderr_read, stderr_write) = pairs
        self.theirs = (stdin_read, stdout_write, stderr_write)
        self._ours = (stdin_write, stdout_read, stderr_read)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def keep_ours(self) -> tuple[int, int, int]:
        """Return our ends, made non-blocking; they're the caller's to close from here on."""
        for descriptor in self._ours:
            os.set_blocking(descriptor, False)
            self._open.discard(descriptor)
        return self._ours

    def _pipe(self) -> tuple[int, int]:
        pair = os.pipe()
        self._open.update(pair)
        return pair

    def _close(self) -> None:
        while self._open:
            os.close(self._open.pop())

"""A terminal for a command: a pty whose slave it gets, and whose master is relayed or handed over."""

import contextlib
import fcntl
import os
import struct
import termios
from dataclasses import dataclass

from ..wire.events import WindowSize
from .identity import Identity

_SIZE = struct.Struct("HHHH")
_STDIN, _OUTPUTS = 1, 6
"""Bits of descriptors: stdin, and either output."""


@dataclass(frozen=True, slots=True)
class TerminalPair:
    """A new terminal's two ends; both are the owner's to close."""

    master: int
    slave: int

    def close(self) -> None:
        """Close both."""
        os.close(self.master)
        os.close(self.slave)


def wants_terminal(mask: int) -> bool:
    """Tell whether a caller whose descriptors in the mask are terminals is somebody to talk to."""
    return bool(mask & _STDIN and mask & _OUTPUTS)


def mask_of(descriptors: tuple[int, int, int]) -> int:
    """Return the bit mask of the descriptors (-1: none) that are terminals."""
    return sum(1 << number for number, descriptor in enumerate(descriptors) if _is_terminal(descriptor))


def _is_terminal(descriptor: int) -> bool:
    return descriptor >= 0 and os.isatty(descriptor)


def open_terminal(
    window: WindowSize | None, *, like: int = -1, owner: Identity | None = None
) -> TerminalPair:
    """Return a new terminal of this size, `owner`'s; with `like`, of that terminal's modes and size.

    Raises:
        OSError: there is none to be had.
    """
    pair = TerminalPair(*os.openpty())
    if owner is not None:  # some programs open it once more, by its name
        with contextlib.suppress(OSError):
            os.fchown(pair.slave, owner.uid, -1)
    with contextlib.suppress(OSError, termios.error):  # a terminal with default modes is better than none
        if like >= 0:
            termios.tcsetattr(pair.slave, termios.TCSANOW, termios.tcgetattr(like))
            size = fcntl.ioctl(like, termios.TIOCGWINSZ, bytes(_SIZE.size))
            fcntl.ioctl(pair.master, termios.TIOCSWINSZ, size)
        elif window is not None:
            set_size(pair.master, window)
    return pair


def set_size(master: int, window: WindowSize) -> None:
    """Set a terminal's size, of which its foreground processes learn by SIGWINCH."""
    fcntl.ioctl(master, termios.TIOCSWINSZ, _SIZE.pack(window.rows, window.columns, 0, 0))

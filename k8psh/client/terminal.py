"""The caller's terminal, while the command has one of its own."""

import contextlib
import fcntl
import os
import struct
import termios
import tty
from typing import Any

import trio

from ..wire.events import WindowSize
from ..wire.frames import Stream
from .descriptors import Descriptor

_SIZE = struct.Struct("HHHH")
_READ_BYTES = 64 * 1024
_REST_BYTES = 256 * 1024
"""Several times what a terminal holds: whoever goes on writing to it after the command isn't waited for."""


def terminals() -> int:
    """Return the bit mask of our descriptors 0 to 2 that are terminals."""
    return sum(1 << number for number in range(3) if os.isatty(number))


def are_ours(mask: int) -> bool:
    """Tell whether a command may have a terminal for these descriptors: stdin and others, all terminals."""
    return bool(mask & 1) and not mask & ~terminals()


def window_size() -> WindowSize | None:
    """Return our terminal's size, None where we have none."""
    try:
        rows, columns, _, _ = _SIZE.unpack(fcntl.ioctl(0, termios.TIOCGWINSZ, bytes(_SIZE.size)))
    except OSError:
        return None
    return WindowSize(rows, columns)


class CallerTerminal:
    """Our own terminal, which passes every key to the command's while it's raw."""

    def __init__(self) -> None:
        self._modes: list[Any] | None = None

    def make_raw(self) -> None:
        """Leave what keys mean to the command's terminal; what was typed before is kept.

        In the background this stops us (SIGTTOU in credentials(7)) until we're in the foreground.
        """
        with contextlib.suppress(termios.error):
            modes = termios.tcgetattr(0)
            tty.setraw(0, termios.TCSADRAIN)
            self._modes = self._modes or modes

    def restore(self) -> None:
        """Give the terminal back as it was if it's raw; in the background it's another's by now."""
        if self._modes is not None and not _is_in_background():
            with contextlib.suppress(termios.error):
                termios.tcsetattr(0, termios.TCSADRAIN, self._modes)
        self._modes = None


def _is_in_background() -> bool:
    try:
        return os.tcgetpgrp(0) != os.getpgrp()
    except OSError:
        return False  # not our controlling terminal: there is no job control on it


class MasterBridge:
    """Copies between our terminal and the master of the command's."""

    def __init__(self, master: int, mask: int) -> None:
        """Take over `master`; what it says is shown where the mask has one of our outputs."""
        os.set_blocking(master, False)
        self._master = master
        self._keys = Descriptor(Stream.STDIN, os.O_RDONLY)
        shown = Stream.STDOUT if mask & 1 << Stream.STDOUT else Stream.STDERR
        self._screen = Descriptor(shown, os.O_WRONLY)
        self._showing = trio.Lock()

    async def copy_keys(self) -> None:
        """Copy what is typed; where our terminal is gone, hang up the command's."""
        with contextlib.suppress(OSError):
            while typed := memoryview(await self._keys.read(_READ_BYTES)):
                await self._type(typed)
        self.close()

    async def _type(self, typed: memoryview) -> None:
        while typed:
            try:
                typed = typed[os.write(self._master, typed) :]
            except BlockingIOError:
                await trio.lowlevel.wait_writable(self._master)

    async def copy_screen(self) -> None:
        """Copy what the command shows, until nobody has its terminal open any more."""
        with contextlib.suppress(OSError, trio.ClosedResourceError):
            while True:
                await trio.lowlevel.wait_readable(self._master)
                async with self._showing:
                    await self._show()

    async def copy_rest(self) -> None:
        """Copy what the command, which has ended, has shown."""
        left = _REST_BYTES
        with contextlib.suppress(OSError):
            async with self._showing:
                while left > 0:
                    left -= await self._show()

    async def _show(self) -> int:
        """Copy what is there now; return how much.

        Raises:
            OSError: nothing is there now, or nobody has the command's terminal open (EIO), or ours is gone.
        """
        shown = os.read(self._master, _READ_BYTES)
        await self._screen.write(memoryview(shown))
        return len(shown)

    def resize(self) -> None:
        """Give the command's terminal our size; its foreground processes get SIGWINCH."""
        with contextlib.suppress(OSError):
            size = fcntl.ioctl(0, termios.TIOCGWINSZ, bytes(_SIZE.size))
            fcntl.ioctl(self._master, termios.TIOCSWINSZ, size)

    def close(self) -> None:
        """Close the master, which hangs up whatever still has the terminal."""
        if self._master >= 0:
            trio.lowlevel.notify_closing(self._master)
            os.close(self._master)
            self._master = -1

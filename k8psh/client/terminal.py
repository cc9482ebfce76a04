"""The caller's terminal, while the command has one of its own."""

import array
import contextlib
import fcntl
import os
import struct
import termios
import tty

import trio

from ..wire.events import WindowSize
from ..wire.frames import Stream
from .descriptors import Descriptor

_SIZE = struct.Struct("HHHH")
_READ_BYTES = 64 * 1024


def terminals() -> int:
    """Return the bit mask of our descriptors 0 to 2 that are terminals."""
    return sum(1 << number for number in range(3) if os.isatty(number))


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
        self._modes = termios.tcgetattr(0)

    def make_raw(self) -> None:
        """Leave what keys mean to the command's terminal; what was typed before is kept."""
        with contextlib.suppress(termios.error):
            tty.setraw(0, termios.TCSADRAIN)

    def restore(self) -> None:
        """Give the terminal back as it was."""
        with contextlib.suppress(termios.error):
            termios.tcsetattr(0, termios.TCSADRAIN, self._modes)


class MasterBridge:
    """Copies between our terminal and the master of the command's."""

    def __init__(self, master: int, mask: int) -> None:
        """Take over `master`; what it says is shown where the mask has one of our outputs."""
        os.set_blocking(master, False)
        self._master = master
        self._keys = Descriptor(Stream.STDIN, os.O_RDONLY)
        shown = Stream.STDOUT if mask & 1 << Stream.STDOUT else Stream.STDERR
        self._screen = Descriptor(shown, os.O_WRONLY)

    async def copy_keys(self) -> None:
        """Copy what is typed, until our terminal is gone."""
        while True:
            try:
                typed = memoryview(await self._keys.read(_READ_BYTES))
            except OSError:
                return
            if not typed:
                return
            while typed:
                try:
                    typed = typed[os.write(self._master, typed) :]
                except BlockingIOError:
                    await trio.lowlevel.wait_writable(self._master)
                except OSError:
                    return

    async def copy_screen(self) -> None:
        """Copy what the command shows, until nobody has its terminal open any more."""
        while await self._copy_once():
            await trio.lowlevel.wait_readable(self._master)

    async def copy_rest(self) -> None:
        """Copy what the command has shown by now."""
        await self._copy_once()

    async def _copy_once(self) -> bool:
        """Copy what is there; tell whether more may come."""
        while True:
            try:
                shown = os.read(self._master, _READ_BYTES)
                await self._screen.write(memoryview(shown))
            except BlockingIOError:
                return True
            except OSError:
                return False
            if not shown:
                return False

    def resize(self) -> None:
        """Give the command's terminal our size; its foreground processes get SIGWINCH."""
        with contextlib.suppress(OSError):
            size = fcntl.ioctl(0, termios.TIOCGWINSZ, bytes(_SIZE.size))
            fcntl.ioctl(self._master, termios.TIOCSWINSZ, size)

    def close(self) -> None:
        """Close the master, which hangs up whatever still has the terminal."""
        os.close(self._master)


def received_descriptors(ancillary: list[tuple[int, int, bytes]]) -> list[int]:
    """Return the descriptors that came with a message."""
    descriptors = array.array("i")
    for _, _, data in ancillary:
        descriptors.frombytes(data[: len(data) - len(data) % descriptors.itemsize])
    return list(descriptors)

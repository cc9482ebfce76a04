"""The two terminals of a call: ours, which the stub is started in, and the command's own."""

import array
import fcntl
import os
import pty
import select
import socket
import struct
import termios
import time
import tty
from collections.abc import Callable
from typing import Any

STDIN, STDOUT = 4, 5
HELLO, SIGNAL, TERMINAL, WINDOW_SIZE = 16, 21, 24, 25
HELLO_FRAME = struct.pack("<BI", HELLO, 2)
NUMBERS = {SIGNAL, WINDOW_SIZE}
PATIENCE_S = 20.0


class Window:
    """A terminal that the stub is started in: its master is the user's keyboard and screen."""

    def __init__(self) -> None:
        self.master, self.slave = pty.openpty()
        self.shown = b""
        self.modes = termios.tcgetattr(self.slave)
        self.resize(24, 80)

    def resize(self, rows: int, columns: int) -> None:
        """Set the size."""
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def is_raw(self) -> bool:
        """Return whether keys are passed on as they are."""
        return not termios.tcgetattr(self.slave)[3] & (termios.ICANON | termios.ECHO | termios.ISIG)

    def is_restored(self) -> bool:
        """Return whether the modes are those of the start."""
        return termios.tcgetattr(self.slave) == self.modes

    def wait(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition is true."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, condition
            time.sleep(0.002)

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self.master, keys)

    def wait_shown(self, text: bytes) -> None:
        """Wait until the text has been shown."""
        while text not in self.shown:
            assert select.select([self.master], [], [], PATIENCE_S)[0], self.shown
            self.shown += os.read(self.master, 1 << 16)

    def close(self) -> None:
        """Take the terminal away."""
        for descriptor in (self.master, self.slave):
            if descriptor >= 0:
                os.close(descriptor)
        self.master = self.slave = -1


class Theirs:
    """The command's terminal, as the scripted server makes it; by either lane."""

    def __init__(self, connection: Any, lane: str) -> None:
        self.connection = connection
        self.lane = lane
        self.master, self.slave = pty.openpty() if lane == "direct" else (-1, -1)
        self.taken = b""

    def give(self, mask: int) -> None:
        """Tell the stub that the command has a terminal."""
        frame = struct.pack("<BI", TERMINAL, mask)
        if self.lane == "relay":
            self.connection.send(HELLO_FRAME, frame)
            return
        tty.setraw(self.slave, termios.TCSANOW)
        rights = array.array("i", [self.master])
        self.connection.socket.sendmsg([frame], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
        os.close(self.master)
        self.master = -1

    def show(self, data: bytes) -> None:
        """Show something as the command does."""
        if self.lane == "relay":
            self.connection.send(struct.pack("<BI", STDOUT, len(data)) + data)
        else:
            os.write(self.slave, data)

    def wait_taken(self, keys: bytes) -> None:
        """Read what was typed, until it has all of `keys`."""
        while len(self.taken) < len(keys):
            if self.lane == "relay":
                kind, data = read_frame(self.connection)
                if kind == WINDOW_SIZE:
                    continue
                assert kind == STDIN, kind
                assert isinstance(data, bytes)
                self.taken += data
            else:
                assert select.select([self.slave], [], [], PATIENCE_S)[0], self.taken
                self.taken += os.read(self.slave, 1 << 16)
        assert self.taken == keys, self.taken

    def wait_size(self, rows: int, columns: int) -> None:
        """Wait until the terminal's size is this."""
        if self.lane == "relay":
            expected = (WINDOW_SIZE, rows << 16 | columns)
            for _ in range(5):
                if read_frame(self.connection) == expected:
                    return
            raise AssertionError(expected)
        deadline = time.monotonic() + PATIENCE_S
        while (size := os.get_terminal_size(self.slave)) != (columns, rows):
            assert time.monotonic() < deadline, size
            time.sleep(0.002)

    def close(self) -> None:
        """Close what is left."""
        for descriptor in (self.master, self.slave):
            if descriptor >= 0:
                os.close(descriptor)


def read_frame(connection: Any) -> tuple[int, bytes | int]:
    """Return a frame's type and payload, or its number."""
    kind, number = struct.unpack("<BI", connection.read_exactly(5))
    return kind, number if kind in NUMBERS else connection.read_exactly(number)


def end(theirs: Theirs, make_exit: Any, code: int = 0) -> None:
    """End the call."""
    theirs.connection.send(make_exit(code))

"""A command's own terminal: ours is raw and relayed meanwhile, and given back whatever ends us."""

import array
import fcntl
import os
import pty
import select
import signal
import socket
import struct
import termios
import time
import tty
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

VARIABLE, STDIN, STDOUT, STDERR, EXIT_CODE = 1, 4, 5, 6, 8
HELLO, TERM_SIGNAL, SIGNAL, DELIVERED, TERMINAL, WINDOW_SIZE = 16, 20, 21, 22, 24, 25
HELLO_FRAME = struct.pack("<BI", HELLO, 2)
NUMBERS = {SIGNAL, WINDOW_SIZE}
PATIENCE_S = 20.0
LANES = ["direct", "relay"]


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
            assert time.monotonic() < deadline
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
                assert kind == STDIN
                assert isinstance(data, bytes)
                self.taken += data
            else:
                assert select.select([self.slave], [], [], PATIENCE_S)[0], self.taken
                self.taken += os.read(self.slave, 1 << 16)
        assert self.taken == keys

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


@pytest.fixture
def window() -> Iterator[Window]:
    made = Window()
    yield made
    made.close()


@pytest.fixture(params=LANES)
def lane(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def started(place: Any, server: Any, window: Window, lane: str) -> Iterator[Callable[..., Any]]:
    """Start `true` in the window at a server of version 2; returns process and the command's terminal."""
    made: list[Theirs] = []

    def start(**options: Any) -> tuple[Any, Theirs]:
        place.routes.lane, place.routes.socket = lane, server.abstract
        place.write()
        streams = {"stdin": window.slave, "stdout": window.slave, "stderr": window.slave, **options}
        process = place.start("true", **streams)
        connection = server.accept(server.abstract if lane == "direct" else None)
        connection.request = connection.read_request()
        connection.drop_descriptors()
        made.append(Theirs(connection, lane))
        return process, made[-1]

    yield start
    for theirs in made:
        theirs.close()


@pytest.fixture
def entered(started: Any, window: Window) -> Callable[..., Any]:
    """The same with the command's terminal given, and ours raw."""

    def start(mask: int = 7, **options: Any) -> tuple[Any, Theirs]:
        process, theirs = started(**options)
        theirs.give(mask)
        window.wait(window.is_raw)
        return process, theirs

    return start


def own_job() -> None:
    """Have the stub lead a session whose controlling terminal is its standard input."""
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def end(theirs: Theirs, make_exit: Any, code: int = 0) -> None:
    """End the call."""
    theirs.connection.send(make_exit(code))


def test_keys_and_screen(entered: Any, window: Window, finish: Any, make_exit: Any) -> None:
    """Every key reaches the command as it is, control characters too; what it shows is shown as it is."""
    process, theirs = entered()
    theirs.show(b"prompt> ")
    window.wait_shown(b"prompt> ")
    keys = bytes(range(256))
    window.type(keys)
    theirs.wait_taken(keys)
    theirs.show(b"a\nb\x1b[1m")
    window.wait_shown(b"a\nb\x1b[1m")
    end(theirs, make_exit, 7)
    assert finish(process)[0] == 7
    assert window.is_restored()
    assert window.shown == b"prompt> a\nb\x1b[1m"


def test_what_was_typed_before(started: Any, window: Window, finish: Any, make_exit: Any) -> None:
    """Keys that were typed before the command had its terminal are its first input."""
    process, theirs = started()
    window.type(b"early\n")
    theirs.give(7)
    window.wait(window.is_raw)
    window.type(b"late")
    theirs.wait_taken(b"early\nlate")
    end(theirs, make_exit)
    assert finish(process)[0] == 0


def test_last_words(entered: Any, window: Window, finish: Any, make_exit: Any) -> None:
    """What the command shows right before its end is shown, before the modes are restored."""
    process, theirs = entered()
    data = b"line\n" * 700
    theirs.show(data)
    end(theirs, make_exit)
    window.wait_shown(data)
    assert finish(process)[0] == 0
    assert window.shown == data
    assert window.is_restored()


def test_much_output(entered: Any, window: Window, finish: Any, make_exit: Any) -> None:
    """A screen that is slower than the command holds that up; nothing is lost."""
    process, theirs = entered()
    for index in range(200):
        data = b"%05d" % index + b"x" * 1995
        theirs.show(data)
        window.wait_shown(data)
    end(theirs, make_exit)
    assert finish(process)[0] == 0
    assert len(window.shown) == 400_000


def test_resize(entered: Any, window: Window, finish: Any, make_exit: Any) -> None:
    """The command's terminal follows the size of ours."""
    process, theirs = entered()
    theirs.wait_size(24, 80)
    for rows, columns in ((50, 100), (1, 1)):
        window.resize(rows, columns)
        process.send_signal(signal.SIGWINCH)
        theirs.wait_size(rows, columns)
    end(theirs, make_exit)
    assert finish(process)[0] == 0


def test_death_by_a_signal(entered: Any, window: Window, finish: Any, make_number: Any) -> None:
    """The command's death by a signal is ours, with the modes restored."""
    process, theirs = entered()
    theirs.connection.send(make_number(TERM_SIGNAL, signal.SIGINT))
    assert finish(process)[0] == -signal.SIGINT
    assert window.is_restored()


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
def test_second_signal(entered: Any, window: Window, finish: Any, number: signal.Signals) -> None:
    """A stuck server doesn't keep us from ending by the second signal, with the modes restored."""
    process, theirs = entered()
    process.send_signal(number)
    while read_frame(theirs.connection) != (SIGNAL, number):
        continue
    process.send_signal(number)
    assert finish(process)[0] == -number
    assert window.is_restored()


def test_lost_connection(entered: Any, window: Window, finish: Any) -> None:
    """The line that says so comes behind what the command has shown; the modes are restored."""
    process, theirs = entered()
    theirs.show(b"shown")
    theirs.connection.close()
    window.wait_shown(b"without an exit status\r\n")
    assert finish(process)[0] == 125
    assert window.shown.startswith(b"shownk8psh: true: the server 'alpha' ended the connection")
    assert window.is_restored()


@pytest.mark.parametrize("mask", [0, 2, 8 | 7, 1 << 31], ids=hex)
def test_mask_that_cannot_be(started: Any, window: Window, finish: Any, mask: int) -> None:
    """A terminal in place of what is none breaks the protocol; ours stays as it is."""
    process, theirs = started()
    theirs.give(mask)
    assert finish(process)[0] == 125
    assert window.is_restored()


def test_second_terminal(entered: Any, window: Window, finish: Any, make_number: Any) -> None:
    """A command has one terminal."""
    process, theirs = entered()
    theirs.connection.send(make_number(TERMINAL, 7))
    window.wait_shown(b"frame of type 24 that can't come now")
    assert finish(process)[0] == 125
    assert window.is_restored()


def test_no_terminal_of_ours(started: Any, finish: Any) -> None:
    """A server that gives a terminal to who has none breaks the protocol."""
    with open(os.devnull) as null:
        process, theirs = started(stdin=null)
    theirs.give(7)
    assert finish(process)[0] == 125


@pytest.mark.parametrize("pipe", ["stdout", "stderr"])
def test_output_that_is_no_terminal(
    entered: Any, window: Window, finish: Any, make_exit: Any, make_frame: Any, lane: str, pipe: str
) -> None:
    """Each output is what it is: the terminal shows itself on the other one."""
    reading, writing = os.pipe()
    mask = 5 if pipe == "stdout" else 3
    process, theirs = entered(mask, **{pipe: writing})
    os.close(writing)
    shown = STDERR if pipe == "stdout" else STDOUT
    if lane == "relay":
        piped = STDOUT if pipe == "stdout" else STDERR
        theirs.connection.send(make_frame(piped, b"piped"), make_frame(shown, b"shown"))
        assert os.read(reading, 100) == b"piped"
    else:
        theirs.show(b"shown")
    window.wait_shown(b"shown")
    end(theirs, make_exit)
    assert finish(process)[0] == 0
    assert os.read(reading, 100) == b""
    os.close(reading)


@pytest.mark.parametrize(
    ("streams", "expected"),
    [
        ({}, [(VARIABLE, b"K8PSH_TERMINAL=7 24 80")]),
        ({"stdout": os.devnull}, [(VARIABLE, b"K8PSH_TERMINAL=5 24 80")]),
        ({"stderr": os.devnull}, [(VARIABLE, b"K8PSH_TERMINAL=3 24 80")]),
        ({"stdin": os.devnull}, []),
        ({"stdout": os.devnull, "stderr": os.devnull}, []),
    ],
    ids=["all", "no stdout", "no stderr", "no keys", "no screen"],
)
def test_request(started: Any, finish: Any, make_exit: Any, lane: str, streams: Any, expected: Any) -> None:
    """The relay lane's request tells of terminals, where there is somebody to talk to."""
    opened = {name: os.open(path, os.O_RDWR) for name, path in streams.items()}
    process, theirs = started(**opened)
    for descriptor in opened.values():
        os.close(descriptor)
    said = [frame for frame in theirs.connection.request if frame[1].startswith(b"K8PSH_TERMINAL")]
    assert said == (expected if lane == "relay" else [])
    end(theirs, make_exit)
    assert finish(process)[0] == 0


def test_hang_up(entered: Any, window: Window, finish: Any, make_exit: Any) -> None:
    """A terminal that is taken away ends nothing by itself: the command is told by HUP, and ends."""
    process, theirs = entered(preexec_fn=own_job)
    window.close()
    while True:
        kind, value = read_frame(theirs.connection)
        if (kind, value) == (SIGNAL, signal.SIGHUP):
            break
        assert kind in (SIGNAL, WINDOW_SIZE, STDIN)
    theirs.show(b"into the void")
    end(theirs, make_exit, 3)
    assert finish(process)[0] == 3


def test_stop_and_go(
    entered: Any, window: Window, finish: Any, make_exit: Any, make_number: Any, lane: str
) -> None:
    """While we are stopped the terminal is the shell's; afterwards keys are the command's again."""
    process, theirs = entered()
    for _ in range(2):
        process.send_signal(signal.SIGTSTP)
        while read_frame(theirs.connection) != (SIGNAL, signal.SIGTSTP):
            continue
        assert os.WIFSTOPPED(os.waitpid(process.pid, os.WUNTRACED)[1])
        assert window.is_restored()
        theirs.connection.send(make_number(DELIVERED, signal.SIGTSTP))
        window.resize(30, 90)
        process.send_signal(signal.SIGCONT)
        window.wait(window.is_raw)
    if lane == "direct":
        theirs.wait_size(30, 90)
        window.type(b"again")
        theirs.wait_taken(b"again")
    end(theirs, make_exit)
    assert finish(process)[0] == 0
    assert window.is_restored()


def test_background(started: Any, window: Window, finish: Any, make_exit: Any) -> None:
    """A stub in the background leaves the terminal, which is the shell's, alone, and still shows output."""
    shell = (
        "import fcntl, os, struct, sys, termios\n"
        "os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
        "child = os.fork()\n"
        "if not child: os.setpgid(0, 0); os.execv(sys.argv[1], sys.argv[1:])\n"
        "os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    interpreter = Path(os.path.realpath("/proc/self/exe"))
    process, theirs = started(shell=f"exec {interpreter} -c '{shell}' \"$@\"")
    theirs.give(7)
    theirs.show(b"from behind")
    window.wait_shown(b"from behind")
    assert window.is_restored()
    end(theirs, make_exit, 4)
    assert finish(process)[0] == 4
    assert window.is_restored()


@pytest.mark.parametrize("lane", ["direct"], indirect=True)
def test_terminal_without_master(started: Any, window: Window, finish: Any, make_number: Any) -> None:
    """On the direct lane the master must come along."""
    process, theirs = started()
    theirs.connection.send(make_number(TERMINAL, 7))
    assert finish(process)[0] == 125
    assert window.is_restored()


@pytest.mark.parametrize("lane", ["direct"], indirect=True)
def test_command_closes_its_terminal(entered: Any, window: Window, finish: Any, make_exit: Any) -> None:
    """A command that has closed its terminal and runs on costs nothing meanwhile."""
    process, theirs = entered()
    theirs.show(b"bye")
    window.wait_shown(b"bye")
    os.close(theirs.slave)
    theirs.slave = -1
    busy = ticks(process.pid)
    time.sleep(0.3)
    assert ticks(process.pid) - busy <= 5
    end(theirs, make_exit, 6)
    assert finish(process)[0] == 6


def ticks(pid: int) -> int:
    """Return the time that a process has used, in hundredths of a second."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])

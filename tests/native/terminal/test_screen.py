"""While a call has a terminal, keys, screen and size pass between ours, which is raw, and the command's."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from .terminals import Window, end

VARIABLE, STDOUT, STDERR = 1, 5, 6


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

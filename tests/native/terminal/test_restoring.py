"""Our terminal is given back as it was, whatever ends or stops the stub."""

import fcntl
import os
import signal
import termios
from typing import Any

import pytest

from .terminals import SIGNAL, STDIN, TERMINAL, WINDOW_SIZE, Window, end, read_frame

TERM_SIGNAL, DELIVERED = 20, 22


def own_job() -> None:
    """Have the stub lead a session whose controlling terminal is its standard input."""
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


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


@pytest.mark.parametrize("lane", ["direct"], indirect=True)
def test_terminal_without_master(started: Any, window: Window, finish: Any, make_number: Any) -> None:
    """On the direct lane the master must come along."""
    process, theirs = started()
    theirs.connection.send(make_number(TERMINAL, 7))
    assert finish(process)[0] == 125
    assert window.is_restored()


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

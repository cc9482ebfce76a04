"""Terminals that a server makes for commands."""

import os
import termios

import pytest

from k8psh.server.identity import Identity
from k8psh.server.terminal import mask_of, open_terminal, wants_terminal
from k8psh.wire.events import WindowSize


def test_size() -> None:
    """A terminal has the size that is asked for."""
    pair = open_terminal(WindowSize(33, 77))
    assert os.get_terminal_size(pair.slave) == (77, 33)
    pair.close()


def test_likeness() -> None:
    """A terminal like another one has its modes and its size."""
    other = open_terminal(WindowSize(33, 77))
    modes = termios.tcgetattr(other.slave)
    modes[3] &= ~termios.ECHO
    termios.tcsetattr(other.slave, termios.TCSANOW, modes)
    pair = open_terminal(None, like=other.slave)
    assert os.get_terminal_size(pair.slave) == (77, 33)
    assert termios.tcgetattr(pair.slave) == termios.tcgetattr(other.slave)
    pair.close()
    other.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_owner() -> None:
    """Who runs the command may open its terminal once more by its name."""
    pair = open_terminal(None, owner=Identity(uid=65534, gid=65534))
    assert os.fstat(pair.slave).st_uid == 65534
    pair.close()


def test_who_wants_one() -> None:
    """Only keys and a screen together are somebody to talk to."""
    pair = open_terminal(None)
    null = os.open(os.devnull, os.O_RDWR)
    cases = {(pair.slave, null, null): 1, (pair.slave, -1, pair.slave): 5, (null, pair.slave, pair.slave): 6}
    assert [mask_of(descriptors) for descriptors in cases] == list(cases.values())
    assert [wants_terminal(mask) for mask in range(8)] == [False] * 3 + [True, False, True, False, True]
    os.close(null)
    pair.close()

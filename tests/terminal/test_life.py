"""How calls with a terminal begin, are left alone, and end, by keys and by the terminal's own end."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.parametrize(("key", "status"), [("C-c", 130), ("C-\\", 131)], ids=["interrupt", "quit"])
def test_keys_that_end(screen: Any, key: str, status: int) -> None:
    """The command ends by the signal that its own terminal makes of the key, and the stub by the same one."""
    screen.enter("run -c 'ulimit -c 0; echo on; exec sleep 1000'")
    screen.wait("\non\n")
    screen.key(key)
    screen.wait_status(status)


def test_start_in_the_background(screen: Any) -> None:
    """A stub in the background leaves the shell its terminal; in the foreground it passes keys on."""
    screen.enter("shell &")
    screen.wait("\n[1] ")
    screen.enter("echo $((40 + 2)) is shown by the shell")
    screen.wait("\n42 is shown by the shell\n")
    screen.enter("fg")
    screen.wait("\nshell\n")
    screen.wait("inner>")
    screen.enter("exit 5")
    screen.wait_status(5)


def test_single_keys_after_the_background(screen: Any) -> None:
    """In the foreground single keys are passed on, though nothing has stopped the stub."""
    reading = "stty -icanon; printf re; echo ady; dd bs=1 count=1 2>/dev/null; exit 6"
    screen.enter(f"run -c '{reading}' &")
    screen.wait("[1] ")
    screen.enter("fg")
    screen.wait("ready")
    screen.key("x")
    screen.wait_status(6)


def test_background_and_back(screen: Any) -> None:
    """A stopped stub that goes on in the background leaves the shell the keys, until `fg`."""
    screen.enter("run -c 'echo on; read line; echo got=$line'")
    screen.wait("\non\n")
    os.kill(-screen.foreground(), signal.SIGTSTP)
    screen.wait("Stopped")
    screen.enter("bg; echo $((40 + 2)) is shown by the shell")
    screen.wait("\n42 is shown by the shell\n")
    screen.enter("fg")
    screen.wait("\nrun -c 'echo on; read line; echo got=$line'\n")
    screen.enter("typed")
    screen.wait("\ngot=typed\n")
    screen.wait_status(0)


def test_size_that_changed_meanwhile(screen: Any) -> None:
    """A size that the terminal got while the stub was stopped is the command's when that goes on."""
    screen.enter("run -c 'trap \"stty size\" WINCH; echo on; while :; do sleep 0.05; done'")
    screen.wait("\non\n")
    os.kill(-screen.foreground(), signal.SIGTSTP)
    screen.wait("Stopped")
    screen.resize(90, 40)
    screen.enter("fg")
    screen.wait("\n40 90\n")
    screen.key("C-c")
    screen.wait_status(130)


def test_hang_up(screen: Any, place: Any, wait_until: Any, is_alive: Any) -> None:
    """Where the terminal's window is closed the command's terminal is hung up: command and stub end."""
    file = place.base / "pids"
    screen.enter("sh -c 'echo $$ >pids; exec run -c \"$0\"' 'echo $$ >>pids; echo on; sleep 1000'")
    screen.wait("\non\n")
    stub, command = map(int, file.read_text().split())
    screen.close()
    wait_until(lambda: not is_alive(command), "the command's end")
    wait_until(lambda: not is_alive(stub), "the stub's end")


@pytest.mark.parametrize(
    "place", [pytest.param("python-relay", marks=pytest.mark.slow), "native-relay"], indirect=True
)
def test_end_of_input_typed_ahead(screen: Any, place: Any) -> None:
    """In the relay lane an end of input that was typed too early ends the command: no key would reach it."""
    go = place.base / "early"
    go.unlink(missing_ok=True)
    screen.enter("sh -c 'echo on; until test -e early; do sleep 0.05; done; exec run -c \"sleep 1000\"'")
    screen.wait("\non\n")
    screen.key("C-d")
    go.touch()
    screen.wait_status(129)


def test_what_is_piped(screen: Any, place: Any) -> None:
    """A terminal's output gets carriage returns, a file's doesn't, and the keys' end is the input's."""
    screen.enter("run -c 'seq 1 5000; echo on >&2; cat' >numbers")
    screen.wait("\non\n")
    screen.enter("typed")
    screen.key("C-d")
    screen.wait_status(0)
    expected = "".join(f"{number}\n" for number in range(1, 5001)) + "typed\n"
    assert Path(place.base / "numbers").read_text() == expected

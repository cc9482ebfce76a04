"""The caller's terminal has its modes back, whatever ends a call or stops it.

A script has no job control: nobody but the stub can have given them back.
"""

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CALL = """\
stty -g >before
sh -c 'echo $$ >pid; exec run -c "$0"' "$1"
echo status=$?
stty -g >after
"""


def modes(screen: Any) -> str:
    """Return a terminal's modes in one word."""
    words = ["stty", "-g", "-F", screen.device()]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def start(screen: Any, base: Path, script: str, wait_until: Callable[..., Any]) -> int:
    """Run a script by a stub until it says `on`; return the stub's process id when the terminal is raw."""
    (base / "after").unlink(missing_ok=True)
    (base / "call").write_text(CALL)
    screen.enter(f"sh call '{script}'")
    screen.wait("\non\n")
    wait_until(lambda: modes(screen) != (base / "before").read_text(), "the terminal to be raw")
    return int((base / "pid").read_text())


def assert_restored(screen: Any, base: Path, status: int) -> None:
    """Wait for the end and compare the modes."""
    screen.wait(f"\nstatus={status}\n")
    screen.wait_status(0)
    assert (base / "after").read_text() == (base / "before").read_text()


def has_taken(pid: int, number: int) -> bool:
    """Return whether a process has dealt with a signal: it isn't pending, and the process sleeps again."""
    status = Path(f"/proc/{pid}/status").read_text()
    pending = (int(status.partition(name)[2].split()[0], 16) for name in ("SigPnd:", "ShdPnd:"))
    return state(pid) == "S" and not any(mask & 1 << number - 1 for mask in pending)


def state(pid: int) -> str:
    """Return a process's state as ps(1) has it; empty for one that doesn't exist."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def test_end(screen: Any, place: Any, wait_until: Any) -> None:
    """A command that ends, having changed its own terminal's modes."""
    start(screen, place.base, "stty -icanon -echo; echo on; read line; exit 3", wait_until)
    screen.key("C-j")
    assert_restored(screen, place.base, 3)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT], ids=["TERM", "HUP", "INT"])
def test_signal(screen: Any, place: Any, wait_until: Any, number: signal.Signals) -> None:
    """A signal to the stub that ends the command."""
    pid = start(screen, place.base, "echo on; exec sleep 1000", wait_until)
    os.kill(pid, number)
    assert_restored(screen, place.base, 128 + number)


def test_second_signal(own_place: Any, make_screen: Any, wait_until: Any) -> None:
    """A second signal to the stub whose server is stuck."""
    place = own_place()
    server = place.start_server()
    screen = make_screen(place)
    pid = start(screen, place.base, 'trap "" TERM; echo on; while :; do sleep 0.05; done', wait_until)
    server.send_signal(signal.SIGSTOP)
    wait_until(lambda: state(server.pid) == "T", "the server's stop")
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: has_taken(pid, signal.SIGTERM), "the first one to be taken")
    os.kill(pid, signal.SIGTERM)
    assert_restored(screen, place.base, 143)
    server.send_signal(signal.SIGCONT)


def test_lost_server(own_place: Any, make_screen: Any, wait_until: Any) -> None:
    """A server that is killed; the command, too, learns that its terminal has gone."""
    place = own_place()
    server = place.start_server()
    screen = make_screen(place)
    start(screen, place.base, "echo $$ >command; echo on; while :; do sleep 0.05; done", wait_until)
    server.kill()
    assert_restored(screen, place.base, 125)
    assert "server" in screen.text().partition("\nstatus=")[0].rpartition("\non\n")[2]
    command = int((place.base / "command").read_text())
    wait_until(lambda: state(command) in ("", "Z"), "the command's end")


def test_stop(screen: Any, place: Any, wait_until: Any) -> None:
    """A stub that is asked to stop, as by a shell's kill; when it goes on, the terminal is raw again."""
    pid = start(screen, place.base, 'echo on; read line; echo "got=$line"', wait_until)
    raw = modes(screen)
    for _ in range(2):
        os.kill(pid, signal.SIGTSTP)
        wait_until(lambda: state(pid) == "T", "the stub's stop")
        assert modes(screen) == (place.base / "before").read_text()
        os.kill(pid, signal.SIGCONT)
        wait_until(lambda: modes(screen) == raw, "the terminal to be raw")
    screen.enter("typed")
    screen.wait("\ngot=typed\n")
    assert_restored(screen, place.base, 0)

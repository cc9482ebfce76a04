"""The caller's terminal has its modes back, whatever ends or stops a stub."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

AROUND = 'echo begun; read go; {stub} -c "{script}"; echo "status=$?."; exec sleep 1000'
"""A shell without job control, which leaves the terminal's modes as they are."""
TELL = "echo ready; exec sleep 1000"


def open_around(open_screen: Any, stub: str, script: str, **keywords: Any) -> Any:
    """Start a stub of a shell with a script; return the screen when the stub passes keys on."""
    screen = open_screen("sh", "-c", AROUND.format(stub=stub, script=script), **keywords)
    screen.wait("begun")
    screen.before = screen.modes()
    screen.enter("")
    screen.wait("\nready\n")
    screen.wait_raw()
    return screen


def state(pid: int) -> str:
    """Return a process's state as ps(1) has it."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_end_of_the_command(place: Any, open_screen: Any) -> None:
    """A command's end, even of one that has left its own terminal in disorder."""
    screen = open_around(open_screen, place.stub("sh"), "stty raw -echo; printf '\nready\n'; read go; exit 3")
    screen.key("C-j")
    screen.wait("status=3.")
    assert screen.modes() == screen.before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=["TERM", "HUP"])
def test_signal_to_the_stub(place: Any, open_screen: Any, number: signal.Signals) -> None:
    """A signal that ends the command, and the stub with it."""
    screen = open_around(open_screen, place.stub("sh"), TELL)
    os.kill(screen.child(), number)
    screen.wait(f"status={128 + number}.")
    assert screen.modes() == screen.before


def test_stuck_server(own_place: Callable[..., Any], open_screen: Any, wait_until: Any) -> None:
    """A second TERM ends a stub whose server takes no notice of the first one."""
    own = own_place(server={"tty": True})
    server = own.start_server()
    screen = open_around(open_screen, own.client.path("sh"), TELL, cwd=own.client.base)
    server.send_signal(signal.SIGSTOP)
    wait_until(lambda: state(server.pid) == "T", "the server's stop")
    stub = screen.child()
    for _ in range(2):
        os.kill(stub, signal.SIGTERM)
        wait_until(lambda: not has_pending(stub, signal.SIGTERM), "the signal to be taken")
    screen.wait("status=143.")
    assert screen.modes() == screen.before
    server.send_signal(signal.SIGCONT)


def has_pending(pid: int, number: int) -> bool:
    """Tell whether a process still has to deal with a signal: it's pending, or has woken it up."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        masks = [int(status.partition(name)[2].split()[0], 16) for name in ("SigPnd:", "ShdPnd:")]
        return any(mask & 1 << number - 1 for mask in masks) or state(pid) != "S"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_lost_server(own_place: Callable[..., Any], open_screen: Any) -> None:
    """A server that is killed: the stub says so, with 125, on a line of its own."""
    own = own_place(server={"tty": True})
    server = own.start_server()
    screen = open_around(open_screen, own.client.path("sh"), TELL, cwd=own.client.base)
    server.kill()
    shown = screen.wait("status=125.")
    assert screen.modes() == screen.before
    assert "\nk8psh: sh: " in shown


def test_stop_and_going_on(place: Any, open_screen: Any, wait_until: Any) -> None:
    """While the stub is stopped its terminal is as it was; it passes keys on again when it goes on."""
    screen = open_around(
        open_screen, place.stub("sh"), "echo ready; while read line; do echo got-\\$line-; done"
    )
    stub = screen.child()
    for turn in ("one", "two"):
        os.kill(stub, signal.SIGTSTP)
        wait_until(lambda: state(stub) == "T", "the stub's stop")
        assert screen.modes() == screen.before
        screen.resize(80 + len(turn), 30)
        os.kill(stub, signal.SIGCONT)
        screen.wait_raw()
        screen.enter(turn)
        screen.wait(f"got-{turn}-")
    screen.key("C-d")
    screen.wait("status=0.")
    assert screen.modes() == screen.before


def test_size_changed_while_stopped(place: Any, screen: Any) -> None:
    """A size that the terminal got while the stub was stopped is the command's when it goes on."""
    script = 'trap "stty size" WINCH; echo ready$((1)); while :; do read -t 1000 line; done'
    screen.enter(f"{place.stub('bash')} -c '{script}'")
    screen.wait("ready1")
    os.kill(screen.child(), signal.SIGTSTP)
    screen.wait("Stopped")
    screen.resize(90, 40)
    screen.enter("fg")
    screen.wait("\n40 90\n")


def test_started_in_the_background(place: Any, screen: Any) -> None:
    """A stub that wants the terminal waits, stopped, until the shell gives it, as other editors do."""
    screen.enter(f"{place.stub('bash')} &")
    screen.wait("local>", 2)
    screen.enter("")
    screen.wait("local>", 3)
    screen.enter("wait %1; jobs")
    screen.wait("Stopped")
    screen.enter("fg")
    screen.wait("remote>")
    screen.enter("exit 5")
    screen.wait("local>", 5)
    screen.wait_status(5)


@pytest.mark.parametrize("command", ["plain-sh", "sh"])
def test_parallel_jobs_on_one_terminal(
    place: Any, open_screen: Any, wait_until: Any, tmp_path: Path, command: str
) -> None:
    """Four recipes of one make, all running at once, leave the terminal's modes alone, also in between."""
    (tmp_path / "go").touch()
    jobs = place.base / f"jobs-{place.kind.program}-{place.kind.lane}-{command}"
    jobs.mkdir()
    script = "touch started-$@; until test -e go; do sleep 0.01; done; for i in 1 2 3; do echo $@-$$i; done"
    lines = ["all: a b c d", "a b c d:", f"\t@{place.stub(command)} -c '{script}'", ""]
    (jobs / "Makefile").write_text("\n".join(lines))
    around = 'echo begun; read go; make -j4; echo "status=$?."; exec sleep 1000'
    screen = open_screen("sh", "-c", around, cwd=jobs)
    screen.wait("begun")
    before = screen.modes()
    screen.enter("")
    wait_until(lambda: len(list(jobs.glob("started-*"))) == 4, "four jobs")
    if command == "plain-sh":
        assert screen.modes() == before
    (jobs / "go").touch()
    shown = screen.wait("status=0.").splitlines()
    expected = [f"{job}-{i}" for job in "abcd" for i in (1, 2, 3)]
    if command == "plain-sh":
        assert sorted(line for line in shown if "-" in line) == expected
    assert screen.modes() == before

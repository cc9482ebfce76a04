"""Signals to the client are the command's, each once."""

import signal
from collections.abc import Callable
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

FORWARDED = ["HUP", "INT", "QUIT", "USR1", "USR2", "TERM", "WINCH", "CONT"]


@pytest.mark.parametrize("name", FORWARDED)
def test_forwarded_signal(client: Any, name: str) -> None:
    """A signal to the client reaches its command, once, and does nothing else to the call."""
    script = f"trap 'echo {name}' {name}; echo ready; read x; read x; echo end"
    process = client.start("sh", "-c", f"{script}; exit 3", stdin=PIPE)
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.Signals[f"SIG{name}"])
    assert process.stdout.readline() == name.encode() + b"\n"
    result = client.processes.finish(process, b"\n\n")
    assert (result.code, result.out, result.err) == (3, b"end\n", b"")


def test_signals_reach_the_group(client: Any) -> None:
    """The command's children get the signal, too."""
    child = "trap 'echo child' USR1; echo ready; read x"
    process = client.start(
        "sh", "-c", 'trap : USR1; exec 3<&0; sh -c "$0" <&3 & wait; wait', child, stdin=PIPE
    )
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGUSR1)
    assert process.stdout.readline() == b"child\n"
    assert client.processes.finish(process, b"\n").code == 0


@pytest.mark.parametrize("name", ["KILL", "SEGV", "ABRT", "USR1", "INT", "PIPE"])
def test_the_same_death(client: Any, name: str) -> None:
    """When a signal ends the command, the client dies of the same one, without a core."""
    process = client.start("sh", "-c", f"ulimit -c 0; kill -{name} $$")
    process.wait(timeout=20)
    assert process.returncode == -signal.Signals[f"SIG{name}"]
    assert not list(client.base.glob("core*"))


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_stop_and_continue(client: Any, wait_until: Callable[..., Any]) -> None:
    """TSTP stops the command, then its client; CONT lets both go on."""
    process = client.start("sh", "-c", "echo $$; read x; exit 3", stdin=PIPE)
    pid = int(process.stdout.readline())
    process.send_signal(signal.SIGTSTP)
    wait_until(lambda: _state(pid) == "T" and _state(process.pid) == "T", "both to stop")
    process.send_signal(signal.SIGCONT)
    wait_until(lambda: _state(pid) == "S" and _state(process.pid) == "S", "both to go on")
    assert client.processes.finish(process, b"\n").code == 3


def test_death_while_stopped(
    client: Any, wait_until: Callable[..., Any], is_alive: Callable[[int], bool]
) -> None:
    """A stopped command whose client is killed ends, too."""
    process = client.start("sh", "-c", "echo $$; exec sleep 1000", stdin=PIPE)
    pid = int(process.stdout.readline())
    process.send_signal(signal.SIGTSTP)
    wait_until(lambda: _state(pid) == "T", "the stop")
    process.kill()
    wait_until(lambda: not is_alive(pid), "the command's end")

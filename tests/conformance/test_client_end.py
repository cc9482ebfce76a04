"""When the client ends or is told to, so does the command: its whole group, and nothing besides."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

GRACE_SECONDS = 0.4


def _pids(process: Any) -> list[int]:
    """Return the process ids that a command prints when it's ready."""
    return [int(word) for word in process.stdout.readline().split()]


def test_killed_client(client: Any, is_alive: Callable[..., bool], wait_until: Callable[..., Any]) -> None:
    """A client that is killed takes the command and its background children with it."""
    process = client.start("sh", "-c", "sleep 1000 & echo $$ $!; wait", stdin=PIPE)
    pids = _pids(process)
    assert all(map(is_alive, pids))
    process.kill()
    wait_until(lambda: not any(map(is_alive, pids)), "the group's end")


def test_command_that_ignores_the_request(
    client: Any, is_alive: Callable[..., bool], wait_until: Callable[..., Any], tmp_path: Path
) -> None:
    """The group is asked to end by TERM, and killed when the grace period has passed, not before."""
    heard = tmp_path / "heard"
    script = f"trap 'echo > {heard}' TERM; echo $$; while :; do sleep 0.05; done"
    process = client.start("sh", "-c", script, stdin=PIPE)
    (pid,) = _pids(process)
    process.kill()
    begin = time.monotonic()
    wait_until(heard.exists, "the request")
    wait_until(lambda: not is_alive(pid), "the kill")
    assert time.monotonic() - begin > 0.9 * GRACE_SECONDS


def test_background_child_that_ignores_the_request(
    client: Any, is_alive: Callable[..., bool], wait_until: Callable[..., Any]
) -> None:
    """A child that outlives its ended parent in the group is killed as well."""
    child = "trap '' TERM; echo $$; while :; do sleep 0.05; done"
    process = client.start("sh", "-c", 'sh -c "$0" & wait', child, stdin=PIPE)
    (pid,) = _pids(process)
    process.kill()
    wait_until(lambda: not is_alive(pid), "the kill")


def test_client_killed_while_its_input_stalls(
    client: Any,
    is_alive: Callable[..., bool],
    wait_until: Callable[..., Any],
    wait_still: Callable[[int], None],
    zeros: Any,
) -> None:
    """The command ends with its client, even when it hasn't taken what the client sent."""
    process = client.start("sh", "-c", "echo $$; exec sleep 1000", stdin=zeros)
    (pid,) = _pids(process)
    wait_still(process.pid)
    process.kill()
    wait_until(lambda: not is_alive(pid), "the command's end")


def test_daemon_survives(
    client: Any, is_alive: Callable[..., bool], wait_until: Callable[..., Any], kill_later: list[int]
) -> None:
    """What has left the command's session on purpose lives on when the client is killed."""
    daemon = 'setsid sh -c "echo \\$\\$; exec sleep 1000" & wait'
    process = client.start("sh", "-c", f"echo $$; {daemon}", stdin=PIPE)
    (pid,), (daemon_pid,) = _pids(process), _pids(process)
    kill_later.append(daemon_pid)
    process.kill()
    wait_until(lambda: not is_alive(pid), "the command's end")
    time.sleep(2 * GRACE_SECONDS)  # longer than what would end it
    assert is_alive(daemon_pid)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT])
def test_signal_that_ends_the_command(client: Any, number: int) -> None:
    """TERM, INT, HUP and QUIT to the client are the command's, and the call ends by the same one."""
    process = client.start("sh", "-c", "ulimit -c 0; echo ready; exec sleep 1000", stdin=PIPE)
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(number)
    assert client.processes.finish(process).code == 128 + number


def test_command_that_handles_the_request(client: Any) -> None:
    """A command that is asked to end writes what it has to, and its own exit code counts."""
    script = "trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.05; done"
    process = client.start("sh", "-c", script, stdin=PIPE)
    assert process.stdout.readline() == b"ready\n"
    process.terminate()
    result = client.processes.finish(process)
    assert (result.code, result.out) == (7, b"bye\n")


def test_second_request(client: Any, is_alive: Callable[..., bool], wait_until: Callable[..., Any]) -> None:
    """A client that is told to end twice ends, whatever its command does."""
    process = client.start("sh", "-c", "trap 'echo heard' TERM; echo $$; while :; do sleep 0.05; done")
    (pid,) = _pids(process)
    process.terminate()
    assert process.stdout.readline() == b"heard\n"
    process.terminate()
    process.kill()
    wait_until(lambda: not is_alive(pid), "the command's end")


def test_ignored_signal(client: Any) -> None:
    """What the caller ignores (nohup) ends neither the client nor the command."""
    nohup = ["/bin/sh", "-c", "trap '' HUP; exec \"$@\"", "sh"]
    process = client.start("sh", "-c", "echo ready; read x; exit 3", stdin=PIPE, prefix=nohup)
    assert process.stdout.readline() == b"ready\n"
    os.kill(process.pid, signal.SIGHUP)
    assert client.processes.finish(process, b"\n").code == 3

"""The server on the relay lane, while its client doesn't take what the command writes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

MIB = 1 << 20
LENGTH = 600_000
"""More than the connection holds, less than the server does: a command can write it, and end."""


@pytest.fixture
def start(shared_site: Any, make_request: Callable[..., bytes]) -> Callable[[str], Any]:
    """Return a function that has the server's shell run a script; its output isn't read yet."""

    def call(script: str) -> Any:
        return shared_site.call(make_request(b"sh", b"-c", script.encode()))

    return call


def _switches(process: Any) -> int:
    """Return how often a process has been woken."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("voluntary_ctxt_switches"))
    return int(line.split()[1])


def _pid_in(file: Path, wait_until: Callable[..., Any]) -> int:
    """Wait until a command has written its process id to a file, and return it."""
    return int(wait_until(lambda: file.exists() and file.read_text(), "the command"))


def test_command_that_ends(
    start: Callable[[str], Any],
    is_alive: Callable[[int], bool],
    wait_until: Callable[..., Any],
    tmp_path: Path,
) -> None:
    """What a command has written arrives, and its exit code, when it ended long before anybody read."""
    file = tmp_path / "pid"
    with start(f"head -c {LENGTH} /dev/zero; echo $$ > {file}; exit 4") as call:
        pid = _pid_in(file, wait_until)
        wait_until(lambda: not is_alive(pid), "the command's end")
        reply = call.finish()
    assert (reply.exit_code, reply.stdout) == (4, bytes(LENGTH))


def test_outputs_that_end(
    start: Callable[[str], Any],
    shared_site: Any,
    make_frame: Callable[..., bytes],
    wait_until: Callable[..., Any],
    wait_still: Callable[[int], None],
    tmp_path: Path,
) -> None:
    """A command that closes its outputs before anybody reads them runs on, and their ends arrive."""
    file = tmp_path / "closed"
    with start(f"head -c {LENGTH} /dev/zero; exec >&- 2>&-; : > {file}; read x; exit 5") as call:
        wait_until(file.exists, "the outputs' end")
        wait_still(shared_site.server.pid)
        call.read_stdout(LENGTH)
        call.send(make_frame(4, b"\n"))
        reply = call.finish()
    assert (reply.exit_code, len(reply.stdout), sorted(reply.ended)) == (5, LENGTH, ["stderr", "stdout"])


def test_client_that_goes(
    start: Callable[[str], Any],
    is_alive: Callable[[int], bool],
    wait_until: Callable[..., Any],
    tmp_path: Path,
) -> None:
    """A command whose client goes before it has read anything ends."""
    file = tmp_path / "pid"
    with start(f"echo $$ > {file}; exec yes"):
        pid = _pid_in(file, wait_until)
    wait_until(lambda: not is_alive(pid), "the command's end")


def test_output_on_its_way(
    start: Callable[[str], Any],
    wait_until: Callable[..., Any],
    wait_still: Callable[[int], None],
    tmp_path: Path,
) -> None:
    """Less than 3.5 MiB are taken from a command for a client that takes nothing."""
    file = tmp_path / "pid"
    with start(f"echo $$ > {file}; exec cat /dev/zero"):
        pid = _pid_in(file, wait_until)
        wait_still(pid)
        written = Path(f"/proc/{pid}/io").read_text().splitlines()[1]
    assert int(written.removeprefix("wchar: ")) < 3.5 * MIB


def test_writes_that_nobody_waits_for(
    start: Callable[[str], Any],
    shared_site: Any,
    make_frame: Callable[..., bytes],
    wait_until: Callable[..., Any],
    wait_still: Callable[[int], None],
    tmp_path: Path,
) -> None:
    """While the client doesn't keep up, the command's writes don't wake the server."""
    file = tmp_path / "written"
    writes = f"for i in $(seq 100); do /bin/echo $i >&2; done; : > {file}"
    with start(f"head -c {4 * MIB} /dev/zero & read x; {writes}; wait") as call:
        wait_still(shared_site.server.pid)
        before = _switches(shared_site.server)
        call.send(make_frame(4, b"\n"))
        wait_until(file.exists, "the writes")
        assert _switches(shared_site.server) - before < 30
        reply = call.finish()
    assert (reply.exit_code, len(reply.stdout), reply.stderr.count(b"\n")) == (0, 4 * MIB, 100)

"""More input and output than anybody takes at once: it waits, and goes on, and all of it arrives."""

import hashlib
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

MIB = 1 << 20
NUMBERS = b"".join(b"%d\n" % number for number in range(1, 1_500_001))
"""What `seq 1500000` says: several times what is held between a command and a reader that doesn't read."""


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


@pytest.fixture
def start_stalled(client: Any, wait_still: Callable[[int], None]) -> Callable[[str], tuple[Any, int]]:
    """Return a function that starts a program whose output nobody reads, and waits until that stalls it."""

    def start(program: str) -> tuple[Any, int]:
        process = client.start("sh", "-c", f"ulimit -c 0; echo $$ >&2; exec {program}")
        pid = int(process.stderr.readline())
        wait_still(pid)
        return process, pid

    return start


def test_reader_that_pauses(client: Any, start_stalled: Callable[[str], tuple[Any, int]]) -> None:
    """A reader that begins when the command has stalled gets everything."""
    process, _ = start_stalled("seq 1500000")
    result = client.processes.finish(process)
    assert (result.code, result.err) == (0, b"")
    assert result.out == NUMBERS


def test_slow_reader(client: Any) -> None:
    """A reader that takes a byte at a time gets everything in its order."""
    process = client.start("seq", "1500000", bufsize=0)
    read = b""
    for _ in range(300):
        read += process.stdout.read(1)
        time.sleep(0.001)
    result = client.processes.finish(process)
    assert result.code == 0
    assert read + result.out == NUMBERS


def test_readers_that_go_away(client: Any) -> None:
    """A reader that goes when it has enough has got the first bytes, and the call ends by SIGPIPE."""
    chance = random.Random(1)
    for _ in range(20 if client.kind.is_fast else 3):
        process = client.start("seq", "100000000", bufsize=0)
        wanted, read = chance.randrange(3 * MIB), bytearray()
        while len(read) < wanted:
            read += process.stdout.read(min(wanted - len(read), chance.choice((1000, 65536, MIB))))
        process.stdout.close()
        assert process.wait(timeout=20) == -signal.SIGPIPE
        assert read == NUMBERS[:wanted]


def test_standard_error_beside_too_much_output(client: Any) -> None:
    """Standard error comes through while there's more standard output than its reader takes."""
    script = "yes & read x; echo heard >&2; read x; kill $!"
    process = client.start("sh", "-c", script, stdin=PIPE, bufsize=0)
    error = threading.Thread(target=process.stderr.readline)
    error.start()
    for turn in range(800):
        assert process.stdout.read(65536)
        time.sleep(0.0005)
        if turn == 100:
            process.stdin.write(b"\n")
        if not error.is_alive():
            break
    assert not error.is_alive()
    assert client.processes.finish(process, b"\n").code == 0


def test_random_bytes_of_both_outputs(client: Any, tmp_path: Path) -> None:
    """Neither output loses, doubles or gets a byte while both are full."""
    files = tmp_path / "out", tmp_path / "err"
    tee = "head -c 5000000 /dev/urandom | tee"
    result = client.shell(f"{tee} {files[0]} & {tee} {files[1]} >&2; wait")
    assert result.code == 0
    assert result.out == files[0].read_bytes()
    assert result.err == files[1].read_bytes()


@pytest.mark.parametrize("size", [32 * MIB, pytest.param(1024 * MIB, marks=pytest.mark.slow)])
def test_input_and_output_at_once(client: Any, size: int) -> None:
    """Bytes that go in come out, while both directions are full."""
    process = client.start("cat", stdin=PIPE, bufsize=MIB)
    sent, received = hashlib.sha256(), hashlib.sha256()

    def send() -> None:
        for seed in range(size // MIB):
            data = random.Random(seed).randbytes(MIB)
            sent.update(data)
            process.stdin.write(data)
        process.stdin.close()

    sending = threading.Thread(target=send)
    sending.start()
    while data := process.stdout.read1(MIB):
        received.update(data)
    sending.join()
    assert process.wait(timeout=20) == 0
    assert received.digest() == sent.digest()


def test_command_that_reads_late(client: Any, tmp_path: Path, wait_still: Callable[[int], None]) -> None:
    """Input that waits for its command is whole when that begins to read."""
    go, content = tmp_path / "go", os.urandom(8 * MIB)
    os.mkfifo(go)
    (tmp_path / "in").write_bytes(content)
    with (tmp_path / "in").open("rb") as stdin:
        process = client.start("sh", "-c", f"echo ready >&2; read x < {go}; exec cat", stdin=stdin)
    assert process.stderr.readline() == b"ready\n"
    wait_still(process.pid)
    go.write_text("\n")
    result = client.processes.finish(process)
    assert result.code == 0
    assert result.out == content


def test_killed_client(
    start_stalled: Callable[[str], tuple[Any, int]],
    is_alive: Callable[[int], bool],
    wait_until: Callable[..., Any],
) -> None:
    """A client that is killed while its output waits takes the command with it."""
    process, pid = start_stalled("yes")
    process.kill()
    wait_until(lambda: not is_alive(pid), "the command's end")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_signal(
    client: Any,
    start_stalled: Callable[[str], tuple[Any, int]],
    is_alive: Callable[[int], bool],
    wait_until: Callable[..., Any],
    number: int,
) -> None:
    """A signal reaches the command while its output waits, and what it had written still arrives."""
    process, pid = start_stalled("yes")
    process.send_signal(number)
    wait_until(lambda: not is_alive(pid), "the command's end")
    result = client.processes.finish(process)
    assert result.code == 128 + number
    assert result.out[:-1].replace(b"y\n", b"") in (b"", b"y")


def test_stop_and_continue(
    client: Any, start_stalled: Callable[[str], tuple[Any, int]], wait_until: Callable[..., Any]
) -> None:
    """A call that is stopped while its output waits goes on where it was."""
    process, pid = start_stalled("seq 1500000")
    process.send_signal(signal.SIGTSTP)
    wait_until(lambda: _state(pid) == "T" and _state(process.pid) == "T", "both to stop")
    process.send_signal(signal.SIGCONT)
    result = client.processes.finish(process)
    assert result.code == 0
    assert result.out == NUMBERS

"""Large payloads go from the connection to a pipe by splice(2); where that can't be, they are copied."""

import fcntl
import os
import pty
import random
import signal
import socket
import struct
import subprocess
import termios
import threading
import time
import tty
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

STDOUT, STDERR = 5, 6
HELLO, TERM_SIGNAL, SIGNAL, DELIVERED, OUTPUT_CLOSED = 16, 20, 21, 22, 23
HELLO_FRAME = struct.pack("<BI", HELLO, 2)
LARGE = random.Random(1).randbytes(3 << 20)
SIZES = [65536, 1, 65535, 70_000, 70_001, 5, 300_000, 4096, 65537, 2, 200_000]
PIPE_BYTES = 4096
"""The smallest pipe: one page, or one piece of what was received, fills it."""


def send_soon(connection: Any, *frames: bytes) -> threading.Thread:
    """Send more than is taken before somebody reads."""
    thread = threading.Thread(target=connection.send, args=frames)
    thread.start()
    return thread


def held(pipe: int) -> int:
    """Return how many bytes wait in a pipe."""
    return int(struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))[0])


def read_all(descriptor: int, size: int) -> bytes:
    """Return `size` bytes, fewer where they end."""
    data = b""
    while len(data) < size and (some := os.read(descriptor, size - len(data))):
        data += some
    return data


@pytest.fixture
def traced(place: Any, called: Any, tmp_path: Path) -> Callable[..., Any]:
    """Start `true` below strace, which counts what is spliced, or does to splice(2) what `injected` says."""

    def start(injected: str = "", **streams: Any) -> tuple[Any, Any, Callable[[], int]]:
        trace = tmp_path / "trace"
        place.prefix = ["strace", "-o", str(trace), "--trace=splice"]
        place.prefix += [f"--inject=splice:{injected}"] if injected else []
        process, connection = called(environment={"ASAN_OPTIONS": "detect_leaks=0"}, **streams)

        def spliced() -> int:
            results = [line.rpartition("= ")[2].split()[0] for line in trace.read_text().splitlines()[:-1]]
            return sum(max(0, int(result)) for result in results)

        return process, connection, spliced

    return start


def test_uncopied(traced: Any, finish: Any, make_frame: Any, make_exit: Any) -> None:
    """The stub reads nothing of large frames to a pipe, but for what comes with the first one's header."""
    process, connection, spliced = traced()
    sending = send_soon(connection, *[make_frame(STDOUT, LARGE[:300_000])] * 10, make_exit(3))
    assert finish(process) == (3, LARGE[:300_000] * 10, b"")
    sending.join()
    assert spliced() > 3_000_000 - 65536


@pytest.mark.parametrize(
    "injected",
    [
        "error=EINVAL",
        "error=ENOSYS",
        "error=EPERM",
        "error=ENOMEM:when=2",
        "error=EINTR:when=2+2",
        "error=EAGAIN:when=2+2",
    ],
)
def test_refused(traced: Any, finish: Any, make_frame: Any, make_exit: Any, injected: str) -> None:
    """Where splice(2) is refused, at once or in the middle, or interrupted, all bytes arrive all the same."""
    process, connection, _ = traced(injected)
    frames = [make_frame(STDOUT, LARGE), make_frame(STDERR, LARGE[:200_000]), make_frame(STDOUT, LARGE)]
    sending = send_soon(connection, make_frame(STDOUT, b"s"), *frames, make_exit(4))
    assert finish(process) == (4, b"s" + LARGE + LARGE, LARGE[:200_000])
    sending.join()


def test_frames_of_any_size(called: Any, finish: Any, make_frame: Any, make_exit: Any) -> None:
    """Frames of both outputs, large and small, cut anywhere, keep their bytes and their order."""
    process, connection = called()
    chance = random.Random(2)
    payloads = [(chance.choice((STDOUT, STDERR)), LARGE[:size]) for size in 3 * SIZES]
    data = b"".join(make_frame(stream, payload) for stream, payload in payloads)
    data += make_frame(STDOUT) + make_frame(STDERR) + make_exit(5)

    def send() -> None:
        left = memoryview(data)
        while left:
            size = chance.choice((1, 4, 5, 6, 1000, 65536, 200_000))
            connection.socket.sendall(left[:size])
            left = left[size:]

    sending = threading.Thread(target=send)
    sending.start()
    out, err = (
        b"".join(data for stream, data in payloads if stream == wanted) for wanted in (STDOUT, STDERR)
    )
    assert finish(process) == (5, out, err)
    sending.join()


def test_both_outputs_in_one_pipe(called: Any, finish: Any, make_frame: Any, make_exit: Any) -> None:
    """Where both outputs are one pipe, the frames' order is the pipe's."""
    process, connection = called(stderr=subprocess.STDOUT)
    parts = [LARGE[at : at + size] for at, size in enumerate(SIZES)]
    frames = [make_frame((STDOUT, STDERR)[at % 2], part) for at, part in enumerate(parts)]
    sending = send_soon(connection, *frames, make_exit(0))
    assert finish(process) == (0, b"".join(parts), b"")
    sending.join()


def test_terminal(called: Any, finish: Any, make_frame: Any, make_exit: Any) -> None:
    """A terminal, which nothing can be spliced to, gets large frames too."""
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    process, connection = called(stdout=theirs)
    sending = send_soon(connection, make_frame(STDOUT, LARGE[:300_000]), make_exit(0))
    assert read_all(ours, 300_000) == LARGE[:300_000]
    assert finish(process)[0] == 0
    sending.join()
    os.close(ours)
    os.close(theirs)


@pytest.fixture
def full(called: Any, make_frame: Any, wait_until: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    """Start a stub whose standard output is full, with more to come of `LARGE[:200_000]`."""
    pipes: list[int] = []

    def start(*greeting: bytes, **options: Any) -> tuple[Any, Any, int]:
        reading, writing = os.pipe()
        pipes.append(reading)
        fcntl.fcntl(reading, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        process, connection = called(stdout=writing, **options)
        os.close(writing)
        connection.read_stdin()
        connection.send(*greeting, make_frame(STDOUT, LARGE[:200_000]))
        wait_until(lambda: held(reading), "a full pipe")
        return process, connection, reading

    yield start
    for pipe in pipes:
        if os.path.exists(f"/proc/self/fd/{pipe}"):
            os.close(pipe)


def test_reader_that_waits(full: Any, finish: Any, make_exit: Any) -> None:
    """While the pipe is full the stub does nothing, and nothing is lost when its reader goes on."""
    process, connection, reading = full()
    schedule = Path(f"/proc/{process.pid}/schedstat")  # the first number: nanoseconds on a CPU
    before = int(schedule.read_text().split()[0])
    time.sleep(0.2)
    assert int(schedule.read_text().split()[0]) - before < 20_000_000
    connection.send(make_exit(6))
    assert read_all(reading, 1 << 20) == LARGE[:200_000]
    assert finish(process)[0] == 6


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1], ids=lambda number: number.name
)
def test_signals(full: Any, finish: Any, make_number: Any, number: signal.Signals) -> None:
    """A signal reaches the server though nobody reads, and all that came before the end still arrives."""
    process, connection, reading = full(HELLO_FRAME)
    process.send_signal(number)
    assert connection.read_frame() == (SIGNAL, number)
    connection.send(make_number(DELIVERED, number), make_number(TERM_SIGNAL, number))
    assert read_all(reading, 1 << 20) == LARGE[:200_000]
    assert finish(process)[0] == -number


def test_stop_and_go(full: Any, finish: Any, make_number: Any, make_exit: Any) -> None:
    """A stub that is stopped while nobody reads goes on where it was."""
    process, connection, reading = full(HELLO_FRAME)
    process.send_signal(signal.SIGTSTP)
    assert connection.read_frame() == (SIGNAL, signal.SIGTSTP)
    assert os.WIFSTOPPED(os.waitpid(process.pid, os.WUNTRACED)[1])
    process.send_signal(signal.SIGCONT)
    assert connection.read_frame() == (SIGNAL, signal.SIGCONT)
    connection.send(
        make_number(DELIVERED, signal.SIGTSTP), make_number(DELIVERED, signal.SIGCONT), make_exit(2)
    )
    assert read_all(reading, 1 << 20) == LARGE[:200_000]
    assert finish(process)[0] == 2


def test_reader_goes(full: Any, finish: Any, make_frame: Any, make_number: Any) -> None:
    """A reader that goes in the middle of a frame is told of, and all that follows is taken."""
    process, connection, reading = full(HELLO_FRAME)
    os.close(reading)
    assert connection.read_frame() == (OUTPUT_CLOSED, 1)
    frames = [make_frame(STDOUT, LARGE), make_frame(STDERR, LARGE), make_number(TERM_SIGNAL, signal.SIGPIPE)]
    sending = send_soon(connection, *frames)
    assert finish(process) == (-signal.SIGPIPE, b"", LARGE)
    sending.join()


@pytest.mark.parametrize("is_ignored", [False, True])
def test_reader_goes_at_version_1(full: Any, finish: Any, is_ignored: bool) -> None:
    """At a server of version 1 the stub dies by SIGPIPE, or where that's ignored, complains."""
    process, _, reading = full(restore_signals=not is_ignored)
    os.close(reading)
    said = b"k8psh: true: standard output can't be written to: Broken pipe\n"
    assert finish(process) == ((1, b"", said) if is_ignored else (-signal.SIGPIPE, b"", b""))


@pytest.mark.parametrize("is_reset", [False, True])
def test_lost_connection(called: Any, finish: Any, make_frame: Any, is_reset: bool) -> None:
    """A connection that ends in the middle of a frame gives what came, a line, and 125."""
    process, connection = called()
    connection.read_stdin()
    connection.send(make_frame(STDOUT, LARGE)[:200_000])
    assert read_all(process.stdout.fileno(), 199_995) == LARGE[:199_995]
    if is_reset:
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    status, out, err = finish(process)
    assert (status, out, err.count(b"\n")) == (125, b"", 1)

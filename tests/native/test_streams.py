"""Standard streams carry the bytes, hold up whoever is too fast, and end when they should."""

import os
import select
import socket
import subprocess
import threading
from typing import Any

import pytest

STDIN, STDOUT, STDERR = 4, 5, 6
MUCH = 8 << 20
"""More bytes than sockets and pipes hold together."""


def test_stdin_of_a_pipe_arrives_as_it_comes(called: Any, finish: Any, make_exit: Any) -> None:
    """What is written to standard input doesn't wait for more or for the end."""
    process, connection = called(stdin=subprocess.PIPE)
    for part in (b"a", b"bc"):
        process.stdin.write(part)
        process.stdin.flush()
        assert connection.read_frame() == (STDIN, part)
    process.stdin.close()
    assert connection.read_frame() == (STDIN, b"")
    process.stdin = None
    connection.send(make_exit(0))
    assert finish(process)[0] == 0


def test_server_loses_interest_in_stdin(called: Any, finish: Any, make_exit: Any, make_frame: Any) -> None:
    """Where the command has closed its standard input, whoever writes to ours gets EPIPE."""
    reading, writing = os.pipe()
    process, connection = called(stdin=reading)
    os.close(reading)
    connection.send(make_frame(STDIN), make_frame(STDOUT, b"."))
    assert os.read(process.stdout.fileno(), 1) == b"."
    with pytest.raises(BrokenPipeError):
        os.write(writing, b"x")
    os.close(writing)
    connection.send(make_exit(4))
    assert finish(process)[0] == 4


def test_frames_byte_by_byte(called: Any, finish: Any, make_exit: Any, make_frame: Any) -> None:
    """Frames may be cut anywhere."""
    process, connection = called()
    for byte in make_frame(STDOUT, b"one") + make_frame(STDERR, b"two") + make_frame(STDOUT) + make_exit(5):
        connection.send(bytes([byte]))
    assert finish(process) == (5, b"one", b"two")


def test_everything_before_the_exit_code_is_written(
    called: Any, finish: Any, make_exit: Any, make_frame: Any
) -> None:
    """Output that its reader takes late arrives whole, although the exit code came long before."""
    process, connection = called()
    parts = [os.urandom(50_000) for _ in range(3)]
    connection.send(*(make_frame(STDOUT, part) for part in parts), make_frame(STDOUT), make_exit(6))
    connection.socket.shutdown(socket.SHUT_WR)
    assert finish(process) == (6, b"".join(parts), b"")


def test_stdout_ends_before_the_call_does(called: Any, finish: Any, make_exit: Any, make_frame: Any) -> None:
    """A reader of standard output sees its end when the command closes it."""
    process, connection = called()
    connection.send(make_frame(STDOUT, b"all"), make_frame(STDOUT))
    assert process.stdout.read() == b"all"
    connection.send(make_frame(STDERR, b"late"), make_frame(STDERR))
    assert process.stderr.read() == b"late"
    connection.send(make_exit(7))
    assert finish(process)[0] == 7


def test_loss_after_the_streams_ends_is_told(called: Any, finish: Any, make_frame: Any) -> None:
    """A call that ends without exit code has its line, although standard error had ended before."""
    process, connection = called()
    connection.send(make_frame(STDERR), make_frame(STDOUT))
    assert process.stdout.read() == b""
    connection.close()
    status, _, err = finish(process)
    assert (status, err.count(b"\n")) == (125, 1)


@pytest.mark.parametrize("payload", [b"\x63", b"\x04\x01"], ids=["type 99", "stdin bytes from a server"])
def test_frame_that_no_server_sends(called: Any, finish: Any, payload: bytes) -> None:
    """What the protocol doesn't have ends the call with a line."""
    process, connection = called()
    connection.send(payload[:1] + (payload[1:] or b"\0") + b"\0\0\0" + bytes(1))
    status, _, err = finish(process)
    assert (status, err.count(b"\n")) == (125, 1)
    assert b"type" in err


def test_reader_has_gone(called: Any, make_frame: Any) -> None:
    """Without a reader the stub dies as `yes` does in `yes | head -1`, and the server sees the end."""
    process, connection = called()
    connection.send(make_frame(STDOUT, b"y\n"))
    assert process.stdout.readline() == b"y\n"
    process.stdout.close()
    connection.send(make_frame(STDOUT, b"y\n"))
    assert process.wait(20) == -13
    process.stderr.close()
    connection.read_stdin()
    assert connection.read_to_end() == b""


def test_reader_has_gone_and_sigpipe_is_ignored(called: Any, make_frame: Any, finish: Any) -> None:
    """Where SIGPIPE is ignored, a local program complains and exits with 1: so does the stub."""
    process, connection = called(restore_signals=False)
    process.stdout.close()
    connection.send(make_frame(STDOUT, b"y\n"))
    process.stdout = None
    status, _, err = finish(process)
    assert (status, err) == (1, b"k8psh: true: standard output can't be written to: Broken pipe\n")


def test_stderr_reader_has_gone(called: Any, make_frame: Any, make_exit: Any, finish: Any) -> None:
    """Diagnostics that nobody reads are dropped where SIGPIPE is ignored."""
    process, connection = called(restore_signals=False)
    process.stderr.close()
    process.stderr = None
    connection.send(make_frame(STDERR, b"warning"), make_frame(STDOUT, b"result"), make_exit(3))
    assert finish(process) == (3, b"result", b"")


def fill(connection: Any, data: bytes) -> int:
    """Send as much as is taken; returns the count when nothing was for half a second."""
    connection.socket.settimeout(0.5)
    sent = 0
    try:
        while sent < len(data):
            sent += connection.socket.send(data[sent : sent + 65536])
    except TimeoutError:
        pass
    connection.socket.settimeout(20)
    return sent


def test_backpressure_from_a_slow_reader(called: Any, make_frame: Any, make_exit: Any, finish: Any) -> None:
    """While standard output is stuck the server is held up, and standard input still passes."""
    process, connection = called(stdin=subprocess.PIPE)
    data = make_frame(STDOUT, bytes(4 * MUCH))
    sent = fill(connection, data)
    assert sent < len(data)
    process.stdin.write(b"hello")
    process.stdin.flush()
    assert connection.read_frame() == (STDIN, b"hello")
    process.stdin.close()
    process.stdin = None
    rest = threading.Thread(target=connection.send, args=(data[sent:], make_exit(1)))
    rest.start()
    status, out, _ = finish(process)
    rest.join()
    assert (status, len(out)) == (1, 4 * MUCH)


def test_backpressure_from_a_slow_server(called: Any, make_frame: Any, make_exit: Any, finish: Any) -> None:
    """While the server takes no standard input, its output still passes, and nothing is lost."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    process, connection = called(stdin=reading)
    os.close(reading)
    sent = 0
    try:
        while sent < 4 * MUCH:
            sent += write_or_wait(writing)
    except TimeoutError:
        pass
    connection.send(make_frame(STDOUT, b"still here"))
    assert os.read(process.stdout.fileno(), 100) == b"still here"
    os.close(writing)
    assert len(connection.read_stdin()) == sent
    connection.send(make_exit(0))
    assert finish(process)[0] == 0


def write_or_wait(descriptor: int) -> int:
    """Write to a non-blocking pipe within half a second."""
    if not select.select([], [descriptor], [], 0.5)[1]:
        raise TimeoutError
    return os.write(descriptor, bytes(65536))

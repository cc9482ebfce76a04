"""The relay lane at a server of version 2, which says so by HELLO: what version 1 couldn't say."""

import struct
from collections.abc import Callable
from typing import Any

import pytest

STDIN, STDOUT, STDERR, EXIT_CODE = 4, 5, 6, 8
HELLO, REJECTED, TERM_SIGNAL, DELIVERED, OUTPUT_CLOSED = 16, 19, 20, 22, 23
HELLO_FRAME = struct.pack("<BI", HELLO, 2)
REJECTED_FRAME = struct.pack("<BIII", REJECTED, 8 + 9, 127, 2) + b"not found"


@pytest.fixture
def greeted(place: Any, server: Any) -> Callable[..., Any]:
    """Start `true`, whose standard input is empty, at a server that has said HELLO."""

    def start(**options: Any) -> tuple[Any, Any]:
        place.write()
        process = place.start("true", **options)
        connection = server.accept()
        connection.read_request()
        connection.read_stdin()
        connection.send(HELLO_FRAME)
        return process, connection

    return start


@pytest.mark.parametrize("umask", [0, 0o2, 0o27, 0o777], ids=oct)
def test_what_the_stub_says_of_itself(place: Any, server: Any, umask: int) -> None:
    """Version and umask go ahead as variables, so that a server of version 1 isn't disturbed."""
    place.write()
    place.start("true", umask=umask)
    connection = server.accept()
    connection.read_request()
    assert connection.own == [(1, b"K8PSH_PROTOCOL=2"), (1, b"K8PSH_UMASK=%o" % umask)]


def test_whole_call(greeted: Any, finish: Any, make_frame: Any, make_exit: Any) -> None:
    """Output, the ends of streams and the exit code are what they are in version 1."""
    process, connection = greeted()
    connection.send(
        make_frame(STDOUT, b"out"), make_frame(STDERR, b"err"), make_frame(STDOUT), make_exit(260)
    )
    assert finish(process) == (4, b"out", b"err")


def test_output_before_the_signal(greeted: Any, finish: Any, make_frame: Any, make_number: Any) -> None:
    """Everything that a command wrote before its death is written before ours."""
    process, connection = greeted()
    data = bytes(range(256)) * 2000
    connection.send(make_frame(STDOUT, data), make_frame(STDOUT), make_number(TERM_SIGNAL, 11))
    assert finish(process) == (-11, data, b"")


@pytest.mark.parametrize("pieces", [1, len(REJECTED_FRAME)])
def test_rejected(greeted: Any, finish: Any, pieces: int) -> None:
    """What the server has refused is said in a line with the command's name."""
    process, connection = greeted()
    size = len(REJECTED_FRAME) // pieces
    for at in range(0, len(REJECTED_FRAME), size):
        connection.send(REJECTED_FRAME[at : at + size])
    assert finish(process) == (127, b"", b"k8psh: true: not found\n")


@pytest.mark.parametrize("sigpipe", ["", "trap '' PIPE; "], ids=["SIGPIPE", "ignored SIGPIPE"])
def test_reader_of_stdout_has_gone(
    greeted: Any, finish: Any, make_frame: Any, make_number: Any, sigpipe: str
) -> None:
    """The server is told once that nobody reads; the rest is relayed, and the command decides how it ends."""
    process, connection = greeted(shell=f'{sigpipe}exec "$@"')
    process.stdout.close()
    process.stdout = None
    connection.send(make_frame(STDOUT, b"y\n"))
    assert connection.read_frame() == (OUTPUT_CLOSED, 1)
    connection.send(make_frame(STDOUT, bytes(1 << 20)), make_frame(STDERR, b"still here"))
    connection.send(make_frame(STDOUT), make_number(TERM_SIGNAL, 13))
    assert finish(process) == (-13, b"", b"still here")
    assert connection.read_to_end() == b""


def test_reader_of_stderr_has_gone(greeted: Any, finish: Any, make_frame: Any, make_exit: Any) -> None:
    """The same for standard error."""
    process, connection = greeted()
    process.stderr.close()
    process.stderr = None
    connection.send(make_frame(STDERR, b"warning"))
    assert connection.read_frame() == (OUTPUT_CLOSED, 2)
    connection.send(make_frame(STDERR, b"another"), make_frame(STDOUT, b"result"), make_exit(3))
    assert finish(process) == (3, b"result", b"")


def test_full_device(greeted: Any, finish: Any, make_frame: Any) -> None:
    """A disk that is full is told by us: the command couldn't learn the reason."""
    with open("/dev/full", "wb") as full:
        process, connection = greeted(stdout=full)
    connection.send(make_frame(STDOUT, b"x"))
    status, _, err = finish(process)
    expected = b"k8psh: true: standard output can't be written to: No space left on device\n"
    assert (status, err) == (1, expected)


@pytest.mark.parametrize("frames", [HELLO_FRAME, struct.pack("<BI", 21, 15), struct.pack("<BI", 17, 7)])
def test_frame_that_may_not_come(greeted: Any, finish: Any, frames: bytes) -> None:
    """HELLO comes once, and what a client says doesn't come from a server."""
    process, connection = greeted()
    connection.send(frames)
    status, out, err = finish(process)
    assert (status, out, err.count(b"\n")) == (125, b"", 1)


@pytest.mark.parametrize(
    "frame",
    [REJECTED_FRAME, struct.pack("<BI", TERM_SIGNAL, 15), struct.pack("<BI", DELIVERED, 15)],
    ids=["REJECTED", "TERM_SIGNAL", "DELIVERED"],
)
def test_version_2_without_hello(place: Any, server: Any, finish: Any, frame: bytes) -> None:
    """A server that hasn't said HELLO has version 1, and no frame of version 2."""
    place.write()
    process = place.start("true")
    connection = server.accept()
    connection.read_request()
    connection.send(frame)
    status, out, err = finish(process)
    assert (status, out, err.count(b"\n")) == (125, b"", 1)


def test_late_hello(place: Any, server: Any, finish: Any, make_frame: Any) -> None:
    """HELLO is the first frame or none."""
    place.write()
    process = place.start("true")
    connection = server.accept()
    connection.read_request()
    connection.send(make_frame(STDOUT, b"x"), HELLO_FRAME)
    status, out, err = finish(process)
    assert (status, out, err.count(b"\n")) == (125, b"x", 1)

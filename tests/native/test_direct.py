"""The direct lane: the stub hands over what it has, waits, and ends as it is told."""

import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

DIRECTORY, VARIABLE, ARGUMENT, START, STDIN, STDOUT = range(6)
EXIT_CODE, HELLO, DESCRIPTORS, UMASK, REJECTED, TERM_SIGNAL, DELIVERED = 8, 16, 17, 18, 19, 20, 22


@pytest.fixture
def called(place: Any, server: Any) -> Callable[..., Any]:
    """Start `true` by the direct lane; returns the process and the connection, the request not yet read."""

    def call(*arguments: Any, **options: Any) -> tuple[Any, Any]:
        place.routes.lane, place.routes.socket = "direct", server.abstract
        place.write()
        process = place.start("true", *arguments, **options)
        return process, server.accept(server.abstract)

    return call


@pytest.fixture
def running(called: Any) -> Callable[..., Any]:
    """The same with the request read, and the descriptors dropped as by a server that has started."""

    def call(*arguments: Any, **options: Any) -> tuple[Any, Any]:
        process, connection = called(*arguments, **options)
        connection.read_request()
        connection.drop_descriptors()
        return process, connection

    return call


def test_request(place: Any, called: Any, finish: Any, make_exit: Any) -> None:
    """One message says what is passed, the umask, and then what the relay lane says too."""
    place.routes.commands = {"true": ("A", "B")}
    process, connection = called("x", "", environment={"A": "1", "B": "", "C": "3"}, umask=0o27)
    assert connection.read_request() == [
        (DIRECTORY, b""),
        (ARGUMENT, b"x"),
        (ARGUMENT, b""),
        (VARIABLE, b"A=1"),
        (VARIABLE, b"B="),
        (START, b"true"),
    ]
    assert connection.own == [(DESCRIPTORS, 7), (UMASK, 0o27)]
    assert len(connection.descriptors) == 3
    connection.drop_descriptors()
    connection.send(make_exit(3))
    assert finish(process) == (3, b"", b"")


def test_descriptors_are_ours(called: Any, finish: Any, make_exit: Any, tmp_path: Path) -> None:
    """The command reads and writes the caller's files themselves, and nobody else takes their bytes."""
    (tmp_path / "in").write_bytes(b"one\ntwo\n")
    with (tmp_path / "in").open("rb") as stdin:
        process, connection = called(stdin=stdin)
        connection.read_request()
        first, out, err = connection.descriptors
        assert os.read(first, 4) == b"one\n"
        os.write(out, b"out")
        os.write(err, b"err")
        connection.drop_descriptors()
        connection.send(make_exit(0))
        assert finish(process) == (0, b"out", b"err")
        assert os.read(stdin.fileno(), 10) == b"two\n"


@pytest.mark.parametrize(
    ("closed", "mask"),
    [("<&-", 0b110), (">&-", 0b101), ("2>&-", 0b011), ("<&- 2>&-", 0b010), ("<&- >&- 2>&-", 0)],
)
def test_closed_at_start(called: Any, finish: Any, make_exit: Any, closed: str, mask: int) -> None:
    """A closed descriptor isn't passed, and nothing of the stub's is in its place."""
    process, connection = called(shell=f'exec "$@" {closed}')
    connection.read_request()
    assert connection.own[0] == (DESCRIPTORS, mask)
    assert len(connection.descriptors) == mask.bit_count()
    connection.drop_descriptors()
    connection.send(make_exit(4))
    assert finish(process)[0] == 4


@pytest.mark.parametrize("lane", ["direct", "relay"])
@pytest.mark.parametrize(("chain", "sent"), [("a/b c/d", [b"K8PSH_CALLS=a/b c/d"]), ("", [])])
def test_chain_of_calls(place: Any, server: Any, lane: str, chain: str, sent: list[bytes]) -> None:
    """A stub that a command runs passes on by which calls it came to be."""
    place.routes.commands = {"true": ("A",)}
    place.routes.lane, place.routes.socket = lane, server.abstract
    place.write()
    place.start("true", environment={"A": "1", "K8PSH_CALLS": chain})
    frames = server.accept(server.abstract if lane == "direct" else None).read_request()
    assert frames[1:] == [*((VARIABLE, text) for text in sent), (VARIABLE, b"A=1"), (START, b"true")]


def test_large_request(called: Any, finish: Any, make_exit: Any) -> None:
    """A request of megabytes arrives whole; the descriptors came with its first bytes, once."""
    arguments = [b"x" * 100_000] * 19 + [b"last"]
    process, connection = called(*arguments)
    frames = connection.read_request()
    assert [payload for kind, payload in frames if kind == ARGUMENT] == arguments
    assert len(connection.descriptors) == 3
    connection.drop_descriptors()
    connection.send(make_exit(6))
    assert finish(process)[0] == 6


def test_signal_during_a_large_request(called: Any, finish: Any, make_exit: Any, make_number: Any) -> None:
    """What a signal says comes behind the request and doesn't tear it."""
    arguments = [b"y" * 100_000] * 19
    process, connection = called(*arguments)
    connection.read_frame()
    process.send_signal(10)
    frames = connection.read_request()
    assert [payload for kind, payload in frames if kind == ARGUMENT] == arguments
    assert connection.read_frame() == (21, 10)
    connection.drop_descriptors()
    connection.send(make_number(DELIVERED, 10), make_exit(0))
    assert finish(process)[0] == 0


@pytest.mark.parametrize("code", [0, 1, 127, 128, 255, -1, 256, 0x7FFFFF05])
def test_exit_code(running: Any, finish: Any, make_exit: Any, code: int) -> None:
    """The stub exits with the exit code's low eight bits."""
    process, connection = running()
    connection.send(make_exit(code))
    assert finish(process) == (code & 0xFF, b"", b"")


def test_frames_byte_by_byte(running: Any, finish: Any, make_exit: Any, make_number: Any) -> None:
    """Frames may be cut anywhere."""
    process, connection = running()
    for byte in make_number(DELIVERED, 15) + make_number(DELIVERED, 2) + make_exit(5):
        connection.send(bytes([byte]))
    assert finish(process) == (5, b"", b"")


def test_all_in_one_piece(running: Any, finish: Any, make_exit: Any, make_number: Any) -> None:
    """Several frames may come together, the connection's end with them."""
    process, connection = running()
    connection.send(make_number(DELIVERED, 15) * 300, make_exit(5))
    connection.close()
    assert finish(process)[0] == 5


def rejection(code: int, text: bytes, error: int = 2) -> bytes:
    """Return a REJECTED frame."""
    payload = struct.pack("<II", code, error) + text
    return struct.pack("<BI", REJECTED, len(payload)) + payload


@pytest.mark.parametrize("pieces", [1, 3])
@pytest.mark.parametrize("code", [125, 126, 127])
def test_rejected(running: Any, finish: Any, code: int, pieces: int) -> None:
    """What the server has refused is said in a line with the command's name, its exit code is ours."""
    process, connection = running()
    frame = rejection(code, "program ä not\tfound".encode())
    for at in range(pieces):
        connection.send(frame[len(frame) * at // pieces : len(frame) * (at + 1) // pieces])
    assert finish(process) == (code, b"", "k8psh: true: program ä not?found\n".encode())


def test_rejected_at_length(running: Any, finish: Any) -> None:
    """A reason longer than a line is cut, wherever the rest goes."""
    process, connection = running()
    connection.send(rejection(126, b"reason " + b"x" * 50_000))
    status, _, err = finish(process)
    assert (status, err[:21], err[-1:], err.count(b"\n")) == (126, b"k8psh: true: reason x", b"\n", 1)
    assert len(err) <= 1024


@pytest.mark.parametrize("code", [0, 256, 0xFFFFFFFF])
def test_rejected_with_an_odd_code(running: Any, finish: Any, code: int) -> None:
    """No exit code of a rejection makes a success."""
    process, connection = running()
    connection.send(rejection(code, b"why"))
    assert finish(process) == (125, b"", b"k8psh: true: why\n")


@pytest.mark.parametrize("sent", [b"", b"\x08", b"\x08\0\0\0"], ids=["nothing", "a byte", "most of it"])
def test_lost_connection(running: Any, finish: Any, sent: bytes) -> None:
    """A connection that ends before the last frame costs the exit status: it is never 0."""
    process, connection = running()
    connection.send(sent)
    connection.close()
    expected = b"k8psh: true: the server 'alpha' ended the connection without an exit status\n"
    assert finish(process) == (125, b"", expected)


@pytest.mark.parametrize(
    "frame",
    [
        struct.pack("<BI", HELLO, 2),
        struct.pack("<BI", STDOUT, 1) + b"x",
        struct.pack("<BI", STDIN, 0),
        struct.pack("<BI", 99, 0),
        struct.pack("<BI", TERM_SIGNAL, 0),
        struct.pack("<BI", TERM_SIGNAL, 128),
        struct.pack("<BI", REJECTED, 7) + bytes(7),
    ],
    ids=["HELLO", "output", "end of input", "type 99", "signal 0", "signal 128", "a rejection without code"],
)
def test_frame_that_may_not_come(running: Any, finish: Any, frame: bytes) -> None:
    """What the direct lane doesn't have ends the call in a line."""
    process, connection = running()
    connection.send(frame)
    status, out, err = finish(process)
    assert (status, out, err.count(b"\n")) == (125, b"", 1)
    assert err.startswith(b"k8psh: true: the server sent a frame of type %d " % frame[0])


def test_no_byte_of_stdin_is_taken(running: Any, finish: Any, make_exit: Any) -> None:
    """Standard input is the command's alone: the stub reads nothing, whenever it ends."""
    reading, writing = os.pipe()
    os.write(writing, b"line\n")
    process, connection = running(stdin=reading)
    connection.send(make_exit(0))
    assert finish(process)[0] == 0
    assert os.read(reading, 10) == b"line\n"
    os.close(reading)
    os.close(writing)


def test_ends_of_streams_are_the_commands(running: Any, finish: Any, make_exit: Any) -> None:
    """Once the command has closed its standard input and output, their other ends see it."""
    reading, writing = os.pipe()
    process, connection = running(stdin=reading)
    os.close(reading)
    assert process.stdout.read() == b""
    with pytest.raises(BrokenPipeError):
        os.write(writing, b"x")
    os.close(writing)
    connection.send(make_exit(2))
    assert finish(process)[0] == 2


def test_our_end_is_seen(running: Any, finish: Any) -> None:
    """A stub that is killed ends the connection, by which the server learns it."""
    process, connection = running()
    process.kill()
    assert finish(process)[0] == -9
    assert connection.read_to_end() == b""

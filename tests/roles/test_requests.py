"""Requests of any length, in one piece or many: on both lanes the server waits for the whole of it."""

import array
import os
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

LONGEST = 100_000
EDGES = [4096, 16384, 65536, 262144, 1 << 20]
"""Where the memory that a request is received into is full."""
NO_DESCRIPTORS = b"\x11\0\0\0\0"
EXIT_7 = b"\x08\x07\0\0\0"


@pytest.fixture(params=["relay", "direct"])
def lane(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def connect(lane: str, shared_site: Any) -> Iterator[Callable[[], socket.socket]]:
    """Return a function that connects to the server."""
    family, address = {
        "relay": (socket.AF_INET, ("127.0.0.1", shared_site.port)),
        "direct": (socket.AF_UNIX, f"\0k8psh:{shared_site.port}"),
    }[lane]

    def call() -> socket.socket:
        sock.connect(address)
        return sock

    with socket.socket(family) as sock:
        sock.settimeout(30)
        yield call


@pytest.fixture
def said(lane: str) -> bytes:
    """What comes first: on the direct lane, that no descriptors do."""
    return NO_DESCRIPTORS if lane == "direct" else b""


def _answer(sock: socket.socket) -> bytes:
    """Return the last frame, that of an exit code."""
    received = b""
    while data := sock.recv(65536):
        received += data
    return received[-len(EXIT_7) :]


def _padded(make_request: Callable[..., bytes], size: int, said: bytes) -> bytes:
    """Return `said` and a request, of `size` bytes together, whose command exits with 7."""
    padding: list[bytes] = []
    while (lacking := size - len(said + make_request(b"sh", b"-c", b"exit 7", *padding))) > 0:
        header = 5
        padding.append(b"x" * max(0, min(LONGEST, lacking - header)))
    return said + make_request(b"sh", b"-c", b"exit 7", *padding)


@pytest.mark.parametrize("size", [edge + more for edge in EDGES for more in (-1, 0, 1)])
def test_length(
    connect: Callable[[], socket.socket], said: bytes, make_request: Callable[..., bytes], size: int
) -> None:
    """A request that fills the memory it's received into, or nearly, starts its command."""
    request = _padded(make_request, size, said)
    assert len(request) == size
    sock = connect()
    sock.sendall(request)
    assert _answer(sock) == EXIT_7


@pytest.mark.parametrize("size", [edge + more for edge in EDGES[:3] for more in (-1, 0, 1)])
def test_length_of_one_that_waits(
    shared_site: Any,
    connect: Callable[[], socket.socket],
    said: bytes,
    make_request: Callable[..., bytes],
    size: int,
) -> None:
    """The same for a request that is all there when the server accepts its connection."""
    os.kill(shared_site.server.pid, signal.SIGSTOP)
    try:
        sock = connect()
        sock.sendall(_padded(make_request, size, said))
    finally:
        os.kill(shared_site.server.pid, signal.SIGCONT)
    assert _answer(sock) == EXIT_7


@pytest.mark.parametrize(("size", "piece"), [(60, 1), (5000, 7), (5000, 4096), (200_000, 4099)])
def test_pieces(
    connect: Callable[[], socket.socket],
    said: bytes,
    make_request: Callable[..., bytes],
    size: int,
    piece: int,
) -> None:
    """A request that comes in pieces, cut anywhere, starts its command when it's whole."""
    request = _padded(make_request, size, said)
    sock = connect()
    for at in range(0, len(request), piece):
        sock.sendall(request[at : at + piece])
    assert _answer(sock) == EXIT_7


def test_descriptors_of_a_long_request(shared_site: Any, make_request: Callable[..., bytes]) -> None:
    """The descriptors come with the first of many bytes."""
    reading, writing = os.pipe()
    request = _padded(make_request, 50_000, b"\x11\2\0\0\0").replace(b"exit 7", b"echo 7")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(f"\0k8psh:{shared_site.port}")
        rights = array.array("i", [writing])
        sent = sock.sendmsg([request], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
        sock.sendall(request[sent:])
        os.close(writing)
        with open(reading, "rb") as pipe:
            assert pipe.read() == b"7\n"

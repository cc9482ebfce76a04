"""Which frame may come when, and how much of it."""

import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from k8psh.errors import LimitExceededError, ProtocolError
from k8psh.limits import Limits
from k8psh.wire.client_connection import ClientConnection
from k8psh.wire.frames import HEADER
from k8psh.wire.server_connection import ServerConnection
from k8psh.wire.states import AFTER, RECEIVABLE, State

REQUEST = b"\0\0\0\0\0\3\1\0\0\0c"
REQUEST_2 = b"\1\x10\0\0\0K8PSH_PROTOCOL=2" + REQUEST
SERVER_STATES = {
    State.REQUEST: (b"", False),
    State.RUNNING: (REQUEST, False),
    State.RUNNING_2: (REQUEST_2, False),
    State.REQUEST_DIRECT: (b"", True),
    State.RUNNING_DIRECT: (REQUEST, True),
}
CLIENT_STATES = {
    State.REPLY: (b"", False),
    State.REPLY_1: (b"\5\0\0\0\0", False),
    State.REPLY_2: (b"\x10\2\0\0\0", False),
    State.REPLY_DIRECT: (b"", True),
}


@pytest.mark.parametrize("state", SERVER_STATES)
def test_server_states(feed_server: Callable[..., list[Any]], state: State) -> None:
    """In each state the server takes the frames of the table, and refuses every other type by its header."""
    before, is_direct = SERVER_STATES[state]
    for number in range(256):
        if number in RECEIVABLE[state]:
            feed_server(before + bytes([number]), is_direct=is_direct)
        else:
            with pytest.raises(ProtocolError, match=f"type {number} "):
                feed_server(before + HEADER.pack(number, 5), is_direct=is_direct)


@pytest.mark.parametrize("state", CLIENT_STATES)
def test_client_states(feed_client: Callable[..., list[Any]], state: State) -> None:
    """In each state the client takes the frames of the table, and refuses every other type by its header."""
    before, is_direct = CLIENT_STATES[state]
    for number in range(256):
        if number not in RECEIVABLE[state]:
            with pytest.raises(ProtocolError, match=f"type {number} "):
                feed_client(before + HEADER.pack(number, 5), is_direct=is_direct)


def test_every_state_is_described() -> None:
    """The table says of each state what may come, and leads only to such states."""
    assert RECEIVABLE.keys() == set(State)
    assert set(AFTER.values()) <= RECEIVABLE.keys()


def test_nothing_after_the_last_frame(feed_client: Callable[..., list[Any]]) -> None:
    """What comes behind the last frame isn't looked at."""
    assert len(feed_client(b"\x08\0\0\0\0" + b"\xff" * 20, b"\xff")) == 1


@pytest.mark.parametrize("kind", [0, 1, 2, 3])
def test_announced_gigabytes(kind: int) -> None:
    """A string that is announced too long is refused before memory is taken for it."""
    connection = ServerConnection(Limits())
    tracemalloc.start()
    try:
        connection.receive_data(HEADER.pack(kind, (1 << 32) - 1))
        with pytest.raises(LimitExceededError, match="131072"):
            connection.next_event()
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


def test_announced_gigabytes_of_a_stream() -> None:
    """A data frame of 4 GiB is taken as it comes, without being held."""
    for connection in (ServerConnection(Limits()), ClientConnection()):
        kind = 4 if isinstance(connection, ServerConnection) else 5
        connection.receive_data(REQUEST if kind == 4 else b"")
        connection.receive_data(HEADER.pack(kind, (1 << 32) - 1))
        tracemalloc.start()
        try:
            for _ in range(200):
                connection.receive_data(bytes(50_000))
                while connection.next_event() is not None:
                    pass
            assert tracemalloc.get_traced_memory()[1] < 4 << 20
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize("number", [0, 3, 1 << 31])
def test_output_that_is_none(feed_server: Callable[..., list[Any]], number: int) -> None:
    """Only stdout and stderr can be closed by a client."""
    with pytest.raises(ProtocolError):
        feed_server(REQUEST_2, HEADER.pack(0x17, number))


@pytest.mark.parametrize("data", [b"\x13\7\0\0\0" + bytes(7), b"\x13\0\0\0\0", b"\x13\0\0\0\1"])
def test_rejection_that_is_none(feed_client: Callable[..., list[Any]], data: bytes) -> None:
    """A rejection has an exit code and an errno, and isn't longer than a line may be."""
    with pytest.raises(ProtocolError):
        feed_client(data, is_direct=True)


def test_input_from_the_server(feed_client: Callable[..., list[Any]]) -> None:
    """The server never sends bytes for stdin."""
    with pytest.raises(ProtocolError):
        feed_client(b"\4\1\0\0\0x")

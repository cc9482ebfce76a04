"""Connections fed with bytes in pieces of every size."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from k8psh.limits import Limits
from k8psh.wire.client_connection import ClientConnection
from k8psh.wire.connection import Connection
from k8psh.wire.events import Data
from k8psh.wire.server_connection import ServerConnection


def feed(connection: Connection, pieces: Iterable[bytes]) -> list[Any]:
    """Return the events of bytes that come in pieces; neighbouring data of one stream as one pair."""
    events: list[Any] = []
    for piece in pieces:
        connection.receive_data(piece)
        while (event := connection.next_event()) is not None:  # type: ignore[attr-defined]
            if not isinstance(event, Data):
                events.append(event)
            elif events and isinstance(events[-1], tuple) and events[-1][0] is event.stream:
                events[-1] = (event.stream, events[-1][1] + bytes(event.data))
            else:
                events.append((event.stream, bytes(event.data)))
    return events


def _server(**options: Any) -> ServerConnection:
    return ServerConnection(Limits(), **options)


@pytest.fixture(scope="session")
def feed_server() -> Callable[..., list[Any]]:
    """Return a function that gives a server's connection pieces of bytes; it returns the events."""
    return lambda *pieces, **options: feed(_server(**options), pieces)


@pytest.fixture(scope="session")
def feed_client() -> Callable[..., list[Any]]:
    """Return a function that gives a client's connection pieces of bytes; it returns the events."""
    return lambda *pieces, **options: feed(ClientConnection(**options), pieces)

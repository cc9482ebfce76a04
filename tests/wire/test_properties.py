"""What holds for all bytes."""

import itertools
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from k8psh.errors import ProtocolError
from k8psh.wire.client_connection import ClientConnection
from k8psh.wire.frames import HEADER

FRAMES = st.lists(
    st.one_of(
        st.binary(max_size=30),
        st.builds(lambda kind, data: HEADER.pack(kind, len(data)) + data, st.integers(0, 26), st.binary()),
        st.builds(HEADER.pack, st.integers(0, 255), st.integers(0, (1 << 32) - 1)),
    )
).map(b"".join)


def _cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:stop] for start, stop in itertools.pairwise(edges)]


@given(data=FRAMES, is_direct=st.booleans())
def test_bytes_for_the_client(data: bytes, is_direct: bool) -> None:
    """Whatever bytes come, the client raises nothing but ProtocolError."""
    connection = ClientConnection(is_direct=is_direct)
    connection.receive_data(data)
    try:
        while connection.next_event() is not None:
            pass
    except ProtocolError:
        pass


def _outcome(feed: Callable[..., list[Any]], pieces: list[bytes]) -> Any:
    try:
        return feed(*pieces)
    except ProtocolError as error:
        return str(error)


@given(data=FRAMES, places=st.lists(st.integers(0, 1 << 20), max_size=8))
def test_cuts_mean_nothing(
    feed_server: Callable[..., list[Any]],
    feed_client: Callable[..., list[Any]],
    data: bytes,
    places: list[int],
) -> None:
    """The events of a connection, and its error, don't depend on how its bytes are cut."""
    for feed in (feed_server, feed_client):
        assert _outcome(feed, [data]) == _outcome(feed, _cut(data, places))

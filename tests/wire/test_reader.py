"""The buffer that bytes are received into."""

from hypothesis import given
from hypothesis import strategies as st

from k8psh.wire.reader import FrameReader


@given(sizes=st.lists(st.tuples(st.integers(1, 60_000), st.integers(0, 60_000)), max_size=30))
def test_bytes_come_out_as_they_went_in(sizes: list[tuple[int, int]]) -> None:
    """However much is received into the free space and taken out at a time, no byte is lost or doubled."""
    reader = FrameReader()
    went_in = came_out = 0
    for received, taken in sizes:
        space = reader.space()
        count = min(received, len(space))
        space[:count] = bytes((went_in + i) % 251 for i in range(count))
        reader.received(count)
        went_in += count
        data = bytes(reader.take_some(taken))
        assert data == bytes((came_out + i) % 251 for i in range(len(data)))
        came_out += len(data)
        assert len(reader) == went_in - came_out


def test_space_is_bounded() -> None:
    """A reader whose bytes are taken grows to a megabyte at the most."""
    reader = FrameReader()
    for _ in range(100):
        space = reader.space()
        assert 0 < len(space) <= 1024 * 1024
        reader.received(len(space))
        reader.take_some(len(reader))


def test_payload_that_is_not_there_yet() -> None:
    """A payload is given whole or not at all, and there is room for all of it."""
    reader = FrameReader()
    reader.receive_data(b"\5\0\0\1\0abc")
    assert reader.take_header() == (5, 1 << 16)
    assert reader.take(1 << 16) is None
    assert len(reader.space()) >= (1 << 16) - 3
    reader.receive_data(bytes((1 << 16) - 3))
    payload = reader.take(1 << 16)
    assert payload is not None
    assert payload[:3] == b"abc"
    assert len(reader) == 0

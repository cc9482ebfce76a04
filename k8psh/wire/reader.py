"""A buffer that received bytes are read into and frames are taken from, without a copy of stream data."""

from .frames import HEADER

_INITIAL_BYTES = 4 * 1024
"""Most requests are shorter; clearing more would push out of the cache what the call needs next."""
_LARGEST_STREAM_BYTES = 1024 * 1024
"""What a stream's throughput profits from: the largest pipe that an unprivileged process may have."""


class FrameReader:
    """Bytes in, headers and payloads out.

    Either `receive_data(data)`, or without a copy: receive into `space()`, then tell `received(count)`.
    What `take` and `take_some` return is memory of the reader: it's good until the next `space` or
    `receive_data`.
    """

    def __init__(self) -> None:
        self._buffer = bytearray(_INITIAL_BYTES)
        self._start = 0
        self._end = 0

    def __len__(self) -> int:
        """Return how many bytes are received and not yet taken."""
        return self._end - self._start

    def space(self) -> memoryview:
        """Return memory to receive into, at least one byte."""
        if self._start == self._end:
            self._start = self._end = 0
        elif self._end == len(self._buffer):
            self._make_room(1)
        return memoryview(self._buffer)[self._end :]

    def received(self, count: int) -> None:
        """Note that `count` bytes were received into `space()`; where they filled it, grow."""
        self._end += count
        if self._end == len(self._buffer) < _LARGEST_STREAM_BYTES:
            self._make_room(3 * len(self._buffer))

    def receive_data(self, data: bytes) -> None:
        """Take in bytes by copying them."""
        self.reserve(len(self) + len(data))
        self._buffer[self._end : self._end + len(data)] = data
        self._end += len(data)

    def reserve(self, size: int) -> None:
        """Make room for `size` untaken bytes in all."""
        if self._start + size > len(self._buffer):
            self._make_room(size - len(self))

    def _make_room(self, more: int) -> None:
        """Move the untaken bytes to the start, into a larger buffer where `more` wouldn't fit behind them."""
        held = self._end - self._start
        source = memoryview(self._buffer)[self._start : self._end]
        target = self._buffer
        if held + more > len(self._buffer):
            target = bytearray(held + more)
        target[:held] = bytes(source) if target is self._buffer else source
        self._buffer, self._start, self._end = target, 0, held

    def take_header(self) -> tuple[int, int] | None:
        """Return the next frame's type byte and its four bytes as a number, None where they're incomplete."""
        if len(self) < HEADER.size:
            return None
        header: tuple[int, int] = HEADER.unpack_from(self._buffer, self._start)
        self._start += HEADER.size
        return header

    def take(self, length: int) -> memoryview | None:
        """Return exactly `length` bytes, None where they aren't all there; they're given room to come."""
        if len(self) < length:
            self.reserve(length)
            return None
        return self.take_some(length)

    def take_some(self, limit: int) -> memoryview:
        """Return what is there, at most `limit` bytes, perhaps none."""
        stop = min(self._start + limit, self._end)
        data = memoryview(self._buffer)[self._start : stop]
        self._start = stop
        return data

"""The relay's pipes: as large as their traffic profits from, and never smaller than they were."""

import fcntl
import os
from collections.abc import Iterator

import pytest

from k8psh.server.input import Input
from k8psh.server.output import Output
from k8psh.wire.frames import HEADER, Stream

FIRST_BYTES, LARGEST_BYTES = 64 * 1024, 1024 * 1024


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A non-blocking pipe of the size that every pipe has at first."""
    ends = os.pipe2(os.O_NONBLOCK)
    yield ends
    for end in ends:
        if os.path.exists(f"/proc/self/fd/{end}"):
            os.close(end)


def _size(pipe: tuple[int, int]) -> int:
    return fcntl.fcntl(pipe[0], fcntl.F_GETPIPE_SZ)


def test_input(pipe: tuple[int, int]) -> None:
    """A command's stdin that takes all that it can hold at once is made as large as may be."""
    stdin = Input(pipe[1])
    stdin.take(memoryview(bytes(200_000)))
    stdin.writable = True
    assert stdin.write()
    assert (_size(pipe), len(stdin.unwritten)) == (LARGEST_BYTES, 200_000 - FIRST_BYTES)
    assert stdin.write()
    assert not stdin.unwritten


def test_output(pipe: tuple[int, int]) -> None:
    """An output that keeps filling what it's read into is made larger, never smaller, and loses nothing."""
    output = Output(Stream.STDOUT, pipe[0])
    for size in (4096 << step for step in range(10)):
        written = os.write(pipe[1], bytes(size))
        while (frame := output.next_frame()) is not None:
            written -= len(frame) - HEADER.size
        assert (written, _size(pipe) >= FIRST_BYTES) == (0, True)
    assert _size(pipe) == LARGEST_BYTES

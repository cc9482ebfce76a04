"""make's jobserver goes with a direct call: by which MAKEFLAGS, and by which numbers."""

import fcntl
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

DESCRIPTORS = 17
STREAMS = 0b111
FIRST = 20
"""Above what is open in a test, below what a bit mask has room for."""


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe that the stub inherits by the same two numbers, of which the writing end has the lower one."""
    ends = os.pipe()
    writing, reading = (fcntl.fcntl(end, fcntl.F_DUPFD, FIRST) for end in reversed(ends))
    for end in ends:
        os.close(end)
    yield reading, writing
    os.close(reading)
    os.close(writing)


@pytest.fixture
def passed(place: Any, server: Any, finish: Any, make_exit: Any) -> Callable[..., list[int]]:
    """Call `true` with MAKEFLAGS; return what was announced beside the streams, and try what came."""

    def call(
        makeflags: str | None, *, lists: tuple[str, ...] = ("A", "MAKEFLAGS"), **options: Any
    ) -> list[int]:
        place.routes.lane, place.routes.socket = "direct", server.abstract
        place.routes.commands = {"true": lists}
        place.write()
        variables = {} if makeflags is None else {"MAKEFLAGS": makeflags}
        process = place.start("true", environment=variables, **options)
        connection = server.accept(server.abstract)
        connection.read_request()
        kind, mask = connection.own[0]
        assert (kind, mask & STREAMS) == (DESCRIPTORS, STREAMS)
        numbers = [number for number in range(3, 32) if mask & 1 << number]
        further = connection.descriptors[3:]
        assert len(further) == len(numbers)
        assert all(stat.S_ISFIFO(os.fstat(descriptor).st_mode) for descriptor in further)
        if further:
            os.write(further[0], b"+")  # a fifo does both
            assert os.read(further[-1], 10) == b"+"
        connection.drop_descriptors()
        connection.send(make_exit(0))
        assert finish(process) == (0, b"", b"")
        return numbers

    return call


@pytest.mark.parametrize(
    "makeflags",
    [
        " -j4 --jobserver-auth={pipe}",
        "k --jobserver-fds={pipe} -j",
        " --jobserver-auth=3,4 --jobserver-auth={pipe}",
        " --jobserver-auth={pipe} --jobserver-auth=-2,-2",
        " --jobserver-auth={pipe} -- A=1 --jobserver-auth=5,6",
        "--jobserver-auth={pipe}\tx",
    ],
)
def test_pipe(passed: Any, pipe: tuple[int, int], makeflags: str) -> None:
    """The last jobserver before the variables counts; its two ends go in the order of their numbers."""
    reading, writing = pipe
    assert passed(makeflags.format(pipe=f"{reading},{writing}"), pass_fds=pipe) == [writing, reading]


@pytest.mark.parametrize(
    "makeflags",
    [
        None,
        "",
        "-j4",
        " --jobserver-auth=",
        " --jobserver-auth={reading}",
        " --jobserver-auth={reading},",
        " --jobserver-auth=,20",
        " --jobserver-auth=-2,-2",
        " --jobserver-auth={reading},2",
        " --jobserver-auth={reading},32",
        " --jobserver-auth=4294967316,20",
        " --jobserver-auth={reading},29",
        " --jobserver-auth={pipe} --jobserver-auth={reading},30",
        " --jobserver-auth=fifo:",
        " --jobserver-auth=fifo:/no/such",
        " --jobserver-auth=fifo:/dev/null",
        " -- --jobserver-auth={pipe}",
        "--jobserver-style={pipe}",
    ],
)
def test_nothing_to_pass(passed: Any, pipe: tuple[int, int], makeflags: str | None) -> None:
    """What names no jobserver, or one that isn't there, adds nothing to the call."""
    if makeflags is not None:
        makeflags = makeflags.format(pipe=f"{pipe[0]},{pipe[1]}", reading=pipe[0])
    assert passed(makeflags, pass_fds=pipe) == []


def test_file_with_its_number(passed: Any, pipe: tuple[int, int]) -> None:
    """Another file that has got the number is no jobserver."""
    with open(os.devnull) as null:
        os.dup2(null.fileno(), pipe[1])
    assert passed(f" --jobserver-auth={pipe[0]},{pipe[1]}", pass_fds=pipe) == []


@pytest.mark.parametrize("lists", [(), ("MAKEFLAG", "MAKEFLAGSX")], ids=["nothing", "others"])
def test_command_without_makeflags(passed: Any, pipe: tuple[int, int], lists: tuple[str, ...]) -> None:
    """A command that doesn't list MAKEFLAGS is no part of the build."""
    assert passed(f" --jobserver-auth={pipe[0]},{pipe[1]}", lists=lists, pass_fds=pipe) == []


@pytest.mark.parametrize("behind", ["", " -j4", "\n"], ids=["end", "option", "newline"])
def test_fifo(passed: Any, tmp_path: Path, behind: str) -> None:
    """A named fifo is opened for both directions, and goes by the number that it has got."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    (number,) = passed(f" --jobserver-auth=fifo:{fifo}{behind}")
    assert number > 2


def test_fifo_with_closed_streams(
    place: Any, server: Any, finish: Any, make_exit: Any, tmp_path: Path
) -> None:
    """The fifo doesn't get the number of a stream that is closed."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    place.routes.lane, place.routes.socket = "direct", server.abstract
    place.routes.commands = {"true": ("MAKEFLAGS",)}
    place.write()
    variables = {"MAKEFLAGS": f" --jobserver-auth=fifo:{fifo}"}
    process = place.start("true", environment=variables, shell='exec "$@" <&- >&-')
    connection = server.accept(server.abstract)
    connection.read_request()
    mask = connection.own[0][1]
    assert mask & STREAMS == 0b100
    assert (mask & ~STREAMS).bit_count() == 1
    assert len(connection.descriptors) == 2
    connection.drop_descriptors()
    connection.send(make_exit(0))
    assert finish(process)[0] == 0

"""A stub that is started in a terminal, for a command with a terminal of its own, on both lanes."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from .terminals import Theirs, Window

LANES = ["direct", "relay"]


@pytest.fixture
def window() -> Iterator[Window]:
    made = Window()
    yield made
    made.close()


@pytest.fixture(params=LANES)
def lane(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def started(place: Any, server: Any, window: Window, lane: str) -> Iterator[Callable[..., Any]]:
    """Start `true` in the window at a server of version 2; returns process and the command's terminal."""
    made: list[Theirs] = []

    def start(**options: Any) -> tuple[Any, Theirs]:
        place.routes.lane, place.routes.socket = lane, server.abstract
        place.write()
        streams = {"stdin": window.slave, "stdout": window.slave, "stderr": window.slave, **options}
        process = place.start("true", **streams)
        connection = server.accept(server.abstract if lane == "direct" else None)
        connection.request = connection.read_request()
        connection.drop_descriptors()
        made.append(Theirs(connection, lane))
        return process, made[-1]

    yield start
    for theirs in made:
        theirs.close()


@pytest.fixture
def entered(started: Any, window: Window) -> Callable[..., Any]:
    """The same with the command's terminal given, and ours raw."""

    def start(mask: int = 7, **options: Any) -> tuple[Any, Theirs]:
        process, theirs = started(**options)
        theirs.give(mask)
        window.wait(window.is_raw)
        return process, theirs

    return start

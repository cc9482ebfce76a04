"""Servers that are late, absent or gone."""

import time
from collections.abc import Callable
from subprocess import PIPE
from typing import Any


def _assert_lost(result: Any) -> None:
    assert result.code == 125
    assert result.err.startswith(b"k8psh: cat: ")
    assert result.err.count(b"\n") == 1


def test_server_killed_in_a_call(own_place: Callable[..., Any]) -> None:
    """A call whose server is killed has no exit status: 125 and a line, never 0."""
    place = own_place()
    server = place.start_server()
    process = place.client.start("cat", stdin=PIPE)
    process.stdin.write(b"x")
    process.stdin.flush()
    assert process.stdout.read(1) == b"x"
    server.kill()
    _assert_lost(place.client.processes.finish(process))


def test_no_server(own_place: Callable[..., Any]) -> None:
    """Without a server a call ends when the connect timeout has passed, and says so."""
    place = own_place(connectTimeoutMs=300)
    begin = time.monotonic()
    _assert_lost(place.client.run("cat"))
    assert 0.3 <= time.monotonic() - begin < 5


def test_late_server(own_place: Callable[..., Any]) -> None:
    """A call that comes before its server waits for it."""
    place = own_place()
    process = place.client.start("cat", stdin=PIPE)
    place.start_server()
    assert place.client.processes.finish(process, b"late").out == b"late"

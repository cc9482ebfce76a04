"""Signals that end a call, and those that mustn't."""

import signal
import socket
from collections.abc import Callable
from typing import Any

import pytest

STDOUT, TERMINATE = 5, 7
ENDING = [signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM]


@pytest.fixture
def running(place: Any, server: Any) -> Callable[..., Any]:
    """Start `true` with standard input at its end; returns the process and the connection."""

    def start(**options: Any) -> tuple[Any, Any]:
        place.write()
        process = place.start("true", **options)
        connection = server.accept()
        connection.read_request()
        connection.read_stdin()
        return process, connection

    return start


@pytest.mark.parametrize("number", ENDING, ids=lambda number: number.name)
def test_first_signal_asks_the_server(
    running: Any, finish: Any, make_frame: Any, make_exit: Any, number: signal.Signals
) -> None:
    """The command is told to end, and its last words and exit code still count."""
    process, connection = running()
    process.send_signal(number)
    assert connection.read_frame() == (TERMINATE, b"")
    connection.send(make_frame(STDOUT, b"bye"), make_exit(143))
    assert finish(process) == (143, b"bye", b"")
    assert connection.read_to_end() == b""


@pytest.mark.parametrize("number", ENDING, ids=lambda number: number.name)
def test_second_signal_ends_the_stub(running: Any, finish: Any, number: signal.Signals) -> None:
    """A server that doesn't answer doesn't hold up a stub that is told twice."""
    process, connection = running()
    process.send_signal(signal.SIGTERM)
    assert connection.read_frame() == (TERMINATE, b"")
    process.send_signal(number)
    assert finish(process) == (-number, b"", b"")


def test_connection_lost_after_a_signal(running: Any, finish: Any) -> None:
    """The C++ k8psh sends no exit code for a command that it has ended: the signal is the status."""
    process, connection = running()
    process.send_signal(signal.SIGINT)
    assert connection.read_frame() == (TERMINATE, b"")
    connection.socket.shutdown(socket.SHUT_WR)
    assert finish(process) == (-signal.SIGINT, b"", b"")


def test_ignored_signals_stay_ignored(running: Any, finish: Any, make_frame: Any, make_exit: Any) -> None:
    """Under nohup, HUP neither ends the command nor the stub."""
    process, connection = running(shell="trap '' HUP; exec \"$@\"")
    for _ in range(2):
        process.send_signal(signal.SIGHUP)
        connection.send(make_frame(STDOUT, b"."))
        assert process.stdout.read(1) == b"."
    process.send_signal(signal.SIGTERM)
    assert connection.read_frame() == (TERMINATE, b"")
    connection.send(make_exit(1))
    assert finish(process)[0] == 1


def test_signal_while_output_is_stuck(running: Any, finish: Any, make_frame: Any) -> None:
    """A stub whose output nobody takes hears both signals."""
    process, connection = running()
    connection.send(make_frame(STDOUT, bytes(200_000)))
    assert process.stdout.read(1) == b"\0"
    process.send_signal(signal.SIGTERM)
    assert connection.read_frame() == (TERMINATE, b"")
    process.send_signal(signal.SIGTERM)
    assert finish(process)[0] == -signal.SIGTERM


def test_signal_while_connecting(place: Any, server: Any, finish: Any) -> None:
    """A stub that waits for its server for ever is ended by the first signal."""
    server.close()
    place.routes.connect_timeout_ms = -1
    place.write()
    process = place.start("true", environment={"K8PSH_DEBUG": "stub"})
    assert b"again" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    assert finish(process)[0] == -signal.SIGINT

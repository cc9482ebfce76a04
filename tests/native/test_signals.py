"""Signals: to the command they go, by it we end, and what nobody answers ends us."""

import os
import signal
import socket
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

STDOUT, TERMINATE, HELLO, TERM_SIGNAL, SIGNAL, DELIVERED = 5, 7, 16, 20, 21, 22
HELLO_FRAME = struct.pack("<BI", HELLO, 2)
ENDING = [signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM]
OTHERS = [signal.SIGUSR1, signal.SIGWINCH, signal.SIGCONT]
MARKER = signal.SIGUSR2


@pytest.fixture
def running(place: Any, server: Any) -> Callable[..., Any]:
    """Start `true` at a server that has said nothing yet; returns the process and the connection."""

    def start(lane: str = "relay", **options: Any) -> tuple[Any, Any]:
        place.routes.lane, place.routes.socket = lane, server.abstract
        place.write()
        process = place.start("true", **options)
        connection = server.accept(server.abstract if lane == "direct" else None)
        connection.read_request()
        if lane == "relay":
            connection.read_stdin()
        connection.drop_descriptors()
        return process, connection

    return start


@pytest.fixture(params=["direct", "relay"])
def running_2(request: pytest.FixtureRequest, running: Any) -> Callable[..., Any]:
    """The same by either lane, at a server of version 2."""

    def start(**options: Any) -> tuple[Any, Any]:
        process, connection = running(request.param, **options)
        if request.param == "relay":
            connection.send(HELLO_FRAME)
        return process, connection

    return start


@pytest.mark.parametrize("number", ENDING + OTHERS, ids=lambda number: number.name)
def test_signals_are_sent_on(
    running_2: Any, finish: Any, make_number: Any, make_exit: Any, number: signal.Signals
) -> None:
    """Each signal reaches the server, once for each time that it comes; the exit status is the command's."""
    process, connection = running_2()
    for _ in range(3):
        process.send_signal(number)
        assert connection.read_frame() == (SIGNAL, number)
        # What is sent on after DELIVERED shows that this has been read.
        connection.send(make_number(DELIVERED, number))
        process.send_signal(MARKER)
        assert connection.read_frame() == (SIGNAL, MARKER)
    connection.send(make_exit(3))
    assert finish(process) == (3, b"", b"")
    assert connection.read_to_end() == b""


def wait_taken(pid: int, number: int) -> None:
    """Wait until a process has taken a signal: it is no longer pending."""
    for _ in range(20_000):
        status = Path(f"/proc/{pid}/status").read_text()
        pending = int(status.partition("ShdPnd:")[2].split()[0], 16)
        if not pending & 1 << number - 1:
            return
        time.sleep(0.001)
    raise AssertionError(status)


def test_stop_and_go(running_2: Any, finish: Any, make_number: Any, make_exit: Any) -> None:
    """After TSTP the stub stops, as the shell expects; what makes it go on makes the command go on."""
    process, connection = running_2()
    for _ in range(2):
        process.send_signal(signal.SIGTSTP)
        assert connection.read_frame() == (SIGNAL, signal.SIGTSTP)
        assert os.WIFSTOPPED(os.waitpid(process.pid, os.WUNTRACED)[1])
        connection.send(make_number(DELIVERED, signal.SIGTSTP))
        process.send_signal(signal.SIGCONT)
        assert connection.read_frame() == (SIGNAL, signal.SIGCONT)
    connection.send(make_exit(0))
    assert finish(process)[0] == 0


@pytest.mark.parametrize("number", ENDING, ids=lambda number: number.name)
def test_second_one_ends_the_stub(running_2: Any, finish: Any, number: signal.Signals) -> None:
    """Where the first one isn't delivered, the server is stuck: the second one is for the stub itself."""
    process, connection = running_2()
    process.send_signal(number)
    assert connection.read_frame() == (SIGNAL, number)
    process.send_signal(number)
    assert finish(process) == (-number, b"", b"")
    assert connection.read_to_end() == b""


def test_second_one_that_comes_with_the_first(
    running_2: Any, finish: Any, make_number: Any, make_exit: Any
) -> None:
    """timeout(1) sends TERM twice within microseconds: a server that answers is given the time to."""
    process, connection = running_2()
    process.send_signal(signal.SIGTERM)
    assert connection.read_frame() == (SIGNAL, signal.SIGTERM)
    process.send_signal(signal.SIGTERM)
    connection.send(make_number(DELIVERED, signal.SIGTERM))
    process.send_signal(MARKER)
    assert connection.read_frame() == (SIGNAL, MARKER)
    connection.send(make_exit(9))
    assert finish(process)[0] == 9


def test_another_one_is_sent_on_too(running_2: Any, finish: Any, make_exit: Any) -> None:
    """Only the same signal is a second one: INT after TERM is the command's."""
    process, connection = running_2()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        process.send_signal(number)
        assert connection.read_frame() == (SIGNAL, number)
    connection.send(make_exit(1))
    assert finish(process)[0] == 1


def test_server_that_takes_nothing(place: Any, server: Any, finish: Any) -> None:
    """A stub whose request nobody reads ends at the second signal."""
    place.routes.lane, place.routes.socket = "direct", server.abstract
    place.write()
    process = place.start("true", *["x" * 100_000] * 19)
    connection = server.accept(server.abstract)
    connection.read_frame()
    connection.drop_descriptors()
    for _ in range(2):
        process.send_signal(signal.SIGTERM)
        wait_taken(process.pid, signal.SIGTERM)
    assert finish(process)[0] == -signal.SIGTERM


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTSTP, signal.SIGUSR1], ids=lambda n: n.name)
def test_ignored_signals_stay_ignored(
    running_2: Any, finish: Any, make_number: Any, make_exit: Any, number: signal.Signals
) -> None:
    """Under nohup, HUP reaches neither the command nor the stub."""
    process, connection = running_2(shell=f"trap '' {number.name[3:]}; exec \"$@\"")
    process.send_signal(number)
    process.send_signal(signal.SIGTERM)
    assert connection.read_frame() == (SIGNAL, signal.SIGTERM)
    connection.send(make_number(DELIVERED, signal.SIGTERM), make_exit(1))
    assert finish(process)[0] == 1


DEADLY = [number for number in range(1, 65) if number not in (17, 18, 19, 20, 21, 22, 23, 28, 32, 33, 34)]
"""Every signal that ends a program; the C library keeps three for itself."""


@pytest.mark.parametrize("number", DEADLY)
def test_death_as_the_commands(running_2: Any, make_number: Any, number: int) -> None:
    """The stub dies by the signal that the command died by, without a core."""
    process, connection = running_2(shell='ulimit -c unlimited; trap "" PIPE INT; exec "$@"')
    connection.send(make_number(TERM_SIGNAL, number))
    _, status = os.waitpid(process.pid, 0)
    process.returncode = status
    assert (os.WIFSIGNALED(status), os.WTERMSIG(status), os.WCOREDUMP(status)) == (True, number, False)


def test_death_by_what_does_not_kill(running_2: Any, finish: Any, make_number: Any) -> None:
    """A signal that ends nobody still gives an exit code that no success has."""
    process, connection = running_2()
    connection.send(make_number(TERM_SIGNAL, signal.SIGWINCH))
    assert finish(process)[0] == 128 + signal.SIGWINCH


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make a process namespace")
def test_death_as_process_1(running_2: Any, finish: Any, make_number: Any) -> None:
    """Process 1 can't die by a signal of its own: it exits with 128 and the signal's number."""
    process, connection = running_2(shell='exec unshare --pid --fork "$@"')
    connection.send(make_number(TERM_SIGNAL, signal.SIGTERM))
    assert finish(process)[0] == 128 + signal.SIGTERM


@pytest.mark.parametrize("number", ENDING + OTHERS, ids=lambda number: number.name)
def test_signals_wait_for_the_version(
    running: Any, finish: Any, make_exit: Any, number: signal.Signals
) -> None:
    """What comes before HELLO is sent as soon as that has come."""
    process, connection = running()
    process.send_signal(number)
    connection.send(HELLO_FRAME)
    assert connection.read_frame() == (SIGNAL, number)
    connection.send(make_exit(2))
    assert finish(process)[0] == 2


@pytest.mark.parametrize("number", ENDING, ids=lambda number: number.name)
@pytest.mark.parametrize("said", [b"", b"\x05\1\0\0\0."], ids=["silent server", "server that has spoken"])
def test_version_1_is_asked_to_end(
    running: Any, finish: Any, make_frame: Any, make_exit: Any, number: signal.Signals, said: bytes
) -> None:
    """The command of a server of version 1 is told to end; its last words and exit code still count."""
    process, connection = running()
    connection.send(said)
    if said:
        assert process.stdout.read(1) == b"."
    process.send_signal(number)
    assert connection.read_frame() == (TERMINATE, b"")
    connection.send(make_frame(STDOUT, b"bye"), make_exit(143))
    assert finish(process) == (143, b"bye", b"")
    assert connection.read_to_end() == b""


@pytest.mark.parametrize("number", ENDING, ids=lambda number: number.name)
def test_second_signal_in_version_1(running: Any, finish: Any, number: signal.Signals) -> None:
    """A server of version 1 can't say that it has heard: the second signal ends the stub."""
    process, connection = running()
    process.send_signal(signal.SIGTERM)
    assert connection.read_frame() == (TERMINATE, b"")
    process.send_signal(number)
    assert finish(process) == (-number, b"", b"")


def test_user_signals_in_version_1(running: Any, finish: Any, make_frame: Any) -> None:
    """What version 1 can't send on does to the stub what it does to a program that doesn't mind."""
    process, connection = running()
    connection.send(make_frame(STDOUT, b"."))
    process.send_signal(signal.SIGWINCH)
    process.send_signal(signal.SIGTSTP)
    assert os.WIFSTOPPED(os.waitpid(process.pid, os.WUNTRACED)[1])
    process.send_signal(signal.SIGCONT)
    process.send_signal(signal.SIGUSR1)
    assert finish(process) == (-signal.SIGUSR1, b".", b"")


def test_connection_lost_after_a_signal(running: Any, finish: Any) -> None:
    """The C++ k8psh sends no exit code for a command that it has ended: the signal is the status."""
    process, connection = running()
    process.send_signal(signal.SIGINT)
    assert connection.read_frame() == (TERMINATE, b"")
    connection.socket.shutdown(socket.SHUT_WR)
    assert finish(process) == (-signal.SIGINT, b"", b"")


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

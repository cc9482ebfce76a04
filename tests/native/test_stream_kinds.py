"""Standard streams of every kind, files, pipes, sockets, terminals, closed ones, stay what they were."""

import fcntl
import os
import pty
import shutil
import socket
import subprocess
import tempfile
import termios
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

STDIN, STDOUT, STDERR = 4, 5, 6


def test_stdin_ends_at_once_for_dev_null(called: Any, finish: Any, make_exit: Any) -> None:
    """Nothing but the end is sent from an empty standard input."""
    process, connection = called()
    assert connection.read_stdin() == b""
    connection.send(make_exit(0))
    assert finish(process) == (0, b"", b"")


def test_stdin_of_a_large_file(called: Any, finish: Any, make_exit: Any, tmp_path: Path) -> None:
    """A file, which poll calls ready always, arrives whole."""
    content = os.urandom(1 << 20)
    (tmp_path / "in").write_bytes(content)
    with (tmp_path / "in").open("rb") as opened:
        process, connection = called(stdin=opened)
    assert connection.read_stdin() == content
    connection.send(make_exit(0))
    assert finish(process)[0] == 0


def test_directory_as_stdin(called: Any, finish: Any, make_exit: Any, tmp_path: Path) -> None:
    """A standard input that can't be read has ended."""
    descriptor = os.open(tmp_path, os.O_RDONLY)
    process, connection = called(stdin=descriptor)
    os.close(descriptor)
    assert connection.read_stdin() == b""
    connection.send(make_exit(0))
    assert finish(process)[0] == 0


def test_two_stubs_share_a_stdin(called: Any, finish: Any, make_exit: Any, make_frame: Any) -> None:
    """A stub whose shared standard input another stub has emptied goes on relaying."""
    reading, writing = os.pipe()
    calls = [called(stdin=reading) for _ in range(4)]
    os.close(reading)
    for _ in range(20):
        os.write(writing, b"x")
        for _, connection in calls:
            connection.send(make_frame(STDOUT, b"y"))
        for process, _ in calls:
            assert os.read(process.stdout.fileno(), 1) == b"y"
    os.close(writing)
    assert sum(len(connection.read_stdin()) for _, connection in calls) == 20
    for process, connection in calls:
        connection.send(make_exit(0))
        assert finish(process)[0] == 0


def test_full_device(called: Any, make_frame: Any, finish: Any) -> None:
    """A full disk is told in one line."""
    with Path("/dev/full").open("wb") as full:
        process, connection = called(stdout=full)
    connection.send(make_frame(STDOUT, b"x"))
    status, _, err = finish(process)
    assert (status, err) == (
        1,
        b"k8psh: true: standard output can't be written to: No space left on device\n",
    )


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_at_start(
    place: Any, server: Any, finish: Any, make_frame: Any, make_exit: Any, closed: str
) -> None:
    """A closed standard stream is an ended input or a dropped output, and no socket takes its number."""
    place.write()
    process = place.start("true", shell=f'exec "$@" {closed}')
    connection = server.accept()
    connection.read_request()
    assert connection.read_stdin() == b""
    connection.send(make_frame(STDOUT, b"out"), make_frame(STDERR, b"err"), make_frame(STDOUT), make_exit(9))
    out = b"" if ">&-" in closed.split() else b"out"
    assert finish(process) == (9, out, b"" if "2>&-" in closed else b"err")


@pytest.mark.parametrize("blocking", [True, False])
def test_shared_flags_stay(called: Any, make_frame: Any, make_exit: Any, finish: Any, blocking: bool) -> None:
    """O_NONBLOCK belongs to all who share a stream: it is neither set nor cleared, and both work."""
    pipes = [os.pipe() for _ in range(3)]
    ours = [pipes[0][0], pipes[1][1], pipes[2][1]]
    for descriptor in ours:
        os.set_blocking(descriptor, blocking)
    before = [fcntl.fcntl(descriptor, fcntl.F_GETFL) for descriptor in ours]
    process, connection = called(stdin=ours[0], stdout=ours[1], stderr=ours[2])
    os.write(pipes[0][1], b"in")
    assert connection.read_frame() == (STDIN, b"in")
    connection.send(make_frame(STDOUT, bytes(200_000)), make_frame(STDERR, b"err"))
    received = 0
    while received < 200_000:
        assert [fcntl.fcntl(descriptor, fcntl.F_GETFL) for descriptor in ours] == before
        received += len(os.read(pipes[1][0], 65536))
    assert os.read(pipes[2][0], 10) == b"err"
    connection.send(make_exit(2))
    assert finish(process)[0] == 2
    for pipe in pipes:
        for descriptor in pipe:
            os.close(descriptor)


def test_sockets_as_streams(called: Any, make_frame: Any, make_exit: Any, finish: Any) -> None:
    """A socket may be standard input and output at once."""
    theirs, ours = socket.socketpair()
    process, connection = called(stdin=theirs, stdout=theirs)
    theirs.close()
    ours.sendall(b"question")
    assert connection.read_frame() == (STDIN, b"question")
    connection.send(make_frame(STDOUT, bytes(1 << 20)), make_exit(0))
    received = 0
    while some := ours.recv(65536):
        received += len(some)
    ours.close()
    assert received == 1 << 20
    assert finish(process)[0] == 0


def test_terminal(called: Any, make_frame: Any, make_exit: Any, finish: Any) -> None:
    """A terminal carries lines and end of input, and keeps its flags."""
    ours, theirs = pty.openpty()
    before = fcntl.fcntl(theirs, fcntl.F_GETFL)
    process, connection = called(stdin=theirs, stdout=theirs, stderr=theirs)
    os.write(ours, b"line\n")
    assert connection.read_frame() == (STDIN, b"line\n")
    assert fcntl.fcntl(theirs, fcntl.F_GETFL) == before
    os.write(ours, b"\x04")
    assert connection.read_frame() == (STDIN, b"")
    connection.send(make_frame(STDOUT, b"answer\n"), make_exit(0))
    shown = b""
    while b"answer" not in shown:
        shown += os.read(ours, 100)
    assert finish(process)[0] == 0
    os.close(ours)
    os.close(theirs)


@pytest.fixture
def called_by_another(place: Any, server: Any) -> Iterator[Callable[..., Any]]:
    """Like `called`, but the stub is another user's than the pipes: it can't open them anew."""
    directory = Path(tempfile.mkdtemp())
    directory.chmod(0o755)
    program = shutil.copy(place.program[-1], directory / "k8psh")
    elsewhere = type(place)(directory, [program], server.port)
    elsewhere.write()

    def call(**streams: Any) -> tuple[Any, Any]:
        process = elsewhere.start("true", stdin=subprocess.PIPE, user=65534, group=65534, **streams)
        connection = server.accept()
        connection.read_request()
        return process, connection

    yield call
    elsewhere.close()
    shutil.rmtree(directory)


def send_line(process: Any, connection: Any) -> None:
    """Have the stub read something, which it can't while it waits for a pipe."""
    process.stdin.write(b"in")
    process.stdin.flush()
    assert connection.read_frame() == (STDIN, b"in")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_pipes_of_another_user(called_by_another: Any, finish: Any, make_frame: Any, make_exit: Any) -> None:
    """Pipes that can't be opened anew, since another user made them, carry everything as well."""
    process, connection = called_by_another()
    send_line(process, connection)
    content = os.urandom(300_000)
    connection.send(make_frame(STDOUT, content), make_frame(STDERR, b"err"), make_exit(8))
    assert finish(process) == (8, content, b"err")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_full_pipe_of_another_user(
    called_by_another: Any, finish: Any, make_frame: Any, make_exit: Any, wait_until: Callable[..., Any]
) -> None:
    """One that splice(2) has filled isn't written to, though an earlier poll had said that it could be."""
    reading, writing = os.pipe()
    fcntl.fcntl(reading, fcntl.F_SETPIPE_SZ, 4096)
    process, connection = called_by_another(stdout=writing)
    os.close(writing)
    content = os.urandom(200_000)
    frame = make_frame(STDOUT, content)
    connection.send(frame[:-1])
    with open(reading, "rb") as pipe:
        assert pipe.read(len(content) - 1) == content[:-1]
        connection.send(frame[-1:])
        wait_until(lambda: fcntl.ioctl(reading, termios.FIONREAD, bytes(4)) == b"\1\0\0\0", "the last byte")
        connection.send(make_frame(STDOUT, b"more"))
        send_line(process, connection)
        connection.send(make_exit(8))
        assert pipe.read() == content[-1:] + b"more"
    assert finish(process)[0] == 8

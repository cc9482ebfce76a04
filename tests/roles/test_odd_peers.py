"""Peers that send rubbish, nothing, or too much do no harm to anybody else."""

import contextlib
import os
import random
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

FOUR_GIB = (1 << 32) - 1


@pytest.fixture(autouse=True)
def unharmed(shared_site: Any) -> Iterator[None]:
    """After every test the server still serves."""
    yield
    assert shared_site.server.poll() is None
    assert shared_site.exit_code_of("exit 9") == 9


def _memory(process: Any, name: str) -> int:
    """Return a field of a process's /proc/PID/status in bytes."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024


def test_connections_without_a_request(shared_site: Any) -> None:
    """A probe that connects and closes, or resets, does nothing."""
    for _ in range(20):
        shared_site.call().socket.close()
        with shared_site.call(b"\0\0") as call:
            call.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def test_rubbish(shared_site: Any) -> None:
    """Bytes that are no request end their connection at the most."""
    noise = random.Random(1)
    for size in (1, 5, 100, 5000):
        with shared_site.call(noise.randbytes(size)) as call, contextlib.suppress(OSError):  # closed by now
            call.socket.shutdown(socket.SHUT_WR)
            call.finish()
    with shared_site.call(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n") as call:
        assert call.finish().exit_code is None


@pytest.mark.parametrize("kind", [0, 1, 2, 3])
def test_announced_gigabytes(shared_site: Any, kind: int) -> None:
    """A string that is announced too long is refused by the header alone, before memory is taken."""
    before = _memory(shared_site.server, "VmHWM")
    with shared_site.call(bytes([kind]) + FOUR_GIB.to_bytes(4, "little")) as call:
        reply = call.finish()
    assert (reply.exit_code, reply.stderr.count(b"\n")) == (125, 1)
    assert b"too long" in reply.stderr
    assert _memory(shared_site.server, "VmHWM") - before < 1 << 20


def test_too_long_a_request(shared_site: Any, make_frame: Callable[..., bytes]) -> None:
    """Strings that are too many together are refused when the limit is reached."""
    with shared_site.call() as call:
        argument = make_frame(2, b"x" * 100_000)
        try:
            for _ in range(70):
                call.send(argument)
        except (BrokenPipeError, ConnectionResetError):
            pass
        reply = call.finish()
    assert reply.exit_code == 125
    assert b"6291456" in reply.stderr


def test_longest_strings(shared_site: Any, make_request: Callable[..., bytes]) -> None:
    """One byte more than execve(2) takes is refused, and exactly that much isn't."""
    for size, code in ((128 * 1024 - 1, 0), (128 * 1024, 125)):
        with shared_site.call(make_request(b"true", b"x" * size)) as call:
            assert call.finish().exit_code == code


def test_nul_in_a_request(shared_site: Any, make_request: Callable[..., bytes]) -> None:
    """A NUL byte, which no argument can hold, isn't cut off but refused."""
    with shared_site.call(make_request(b"true", b"a\0b")) as call:
        assert call.finish().exit_code is None


@pytest.mark.parametrize(
    "directory", [b"..", b"../..", b"sub/../..", b"sub/..", b"/", b"/etc", b"//etc", b"missing", b"file"]
)
def test_directory_that_leaves_the_roots(
    shared_site: Any, make_request: Callable[..., bytes], directory: bytes
) -> None:
    """A working directory with `..`, outside of the roots, or that is none, is refused with a line."""
    (shared_site.base / "sub").mkdir(exist_ok=True)
    (shared_site.base / "file").write_text("")
    with shared_site.call(make_request(b"sh", b"-c", b"pwd", directory=directory)) as call:
        reply = call.finish()
    assert (reply.exit_code, reply.stdout, reply.stderr.count(b"\n")) == (125, b"", 1)


def test_link_out_of_the_roots(shared_site: Any, make_request: Callable[..., bytes], tmp_path: Path) -> None:
    """A link in a shared directory doesn't lead a command out of it."""
    link = shared_site.base / "out"
    link.symlink_to(tmp_path)
    with shared_site.call(make_request(b"sh", b"-c", b"pwd", directory=b"out")) as call:
        reply = call.finish()
    link.unlink()
    assert (reply.exit_code, reply.stdout) == (125, b"")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can drop the right to enter every directory")
def test_directory_without_permission(
    serving: Callable[..., Any], site: Any, make_request: Callable[..., bytes]
) -> None:
    """A directory that the server may not enter is refused with a line."""
    (site.base / "closed").mkdir(mode=0)
    serving("-d", prefix=["setpriv", "--bounding-set=-dac_override,-dac_read_search"])
    with site.call(make_request(b"true", directory=b"closed")) as call:
        reply = call.finish()
    assert (reply.exit_code, reply.stderr.count(b"\n")) == (125, 1)
    assert b"closed" in reply.stderr


def test_input_before_it_is_wanted(
    shared_site: Any, make_request: Callable[..., bytes], make_frame: Callable[..., bytes]
) -> None:
    """A frame that may only come later ends the connection, and nothing is started."""
    for wrong in (make_frame(4, b"x"), make_frame(5, b"x"), b"\7\0\0\0\0", b"\x08\0\0\0\0", b"\x10\2\0\0\0"):
        with shared_site.call(wrong, make_request(b"true")) as call:
            assert call.finish().exit_code is None


def test_frame_that_the_client_may_not_send(
    shared_site: Any, make_request: Callable[..., bytes], make_frame: Callable[..., bytes]
) -> None:
    """A frame that is the server's ends the call and its command."""
    with shared_site.call(make_request(b"cat"), make_frame(5, b"x")) as call:
        assert call.finish().exit_code is None


def test_others_are_unharmed(
    shared_site: Any, make_request: Callable[..., bytes], make_frame: Callable[..., bytes]
) -> None:
    """A call goes on while others break off, send rubbish or are refused."""
    with shared_site.call(make_request(b"cat")) as call:
        for number in range(20):
            shared_site.call(os.urandom(50)).socket.close()
            shared_site.call(make_request(b"cat")).socket.close()
            shared_site.call(make_request(b"nonexistent")).socket.close()
            call.send(make_frame(4, b"%05d" % number))
            call.read_stdout(5 * (number + 1))
        call.send(make_frame(4))
        reply = call.finish()
    assert (reply.exit_code, len(reply.stdout)) == (0, 100)


def test_input_for_a_command_that_has_ended(
    shared_site: Any, make_request: Callable[..., bytes], make_frame: Callable[..., bytes]
) -> None:
    """Input that nobody takes doesn't destroy the exit code on its way."""
    for _ in range(20):
        with shared_site.call(make_request(b"sh", b"-c", b"exit 3")) as call:
            call.send(make_frame(4, bytes(50_000)))
            assert call.finish().exit_code == 3


def test_refused_input(
    shared_site: Any, make_request: Callable[..., bytes], make_frame: Callable[..., bytes]
) -> None:
    """A command that closes its stdin lets the client know."""
    with shared_site.call(make_request(b"sh", b"-c", b"exec 0<&-; echo x; exec sleep 0.2")) as call:
        call.read_stdout(1)
        call.send(make_frame(4, b"data"))
        reply = call.finish()
    assert (reply.stdin_refused, reply.exit_code) == (True, 0)


def test_signal_that_a_client_may_not_send(shared_site: Any, make_request: Callable[..., bytes]) -> None:
    """A client of version 2 that asks for another signal than those that are forwarded is cut off."""
    segv = b"\x15\x0b\0\0\0"
    with shared_site.call(make_request(b"cat", K8PSH_PROTOCOL="2"), segv) as call:
        assert call.socket.recv(5, socket.MSG_WAITALL) == b"\x10\2\0\0\0"  # HELLO
        assert call.socket.recv(1) == b""

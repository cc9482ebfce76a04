"""The stub below checkers and emulators: valgrind, the fuzzers, and every target below qemu.

The targets take minutes to build at first: `pytest -m targets` asks for them, and fails without zig or qemu.
"""

import os
import signal
import socket
import struct
import subprocess
import tty
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

STDIN, STDOUT, STDERR = 4, 5, 6
HELLO, TERM_SIGNAL, SIGNAL, DELIVERED, TERMINAL = 16, 20, 21, 22, 24
FUZZ_SECONDS = 4
EMULATORS = {
    "x86_64": "qemu-x86_64-static",
    "aarch64": "qemu-aarch64-static",
    "armv6": "qemu-arm-static",
    "armv7": "qemu-arm-static",
    "i386": "qemu-i386-static",
    "ppc64le": "qemu-ppc64le-static",
    "s390x": "qemu-s390x-static",
    "riscv64": "qemu-riscv64-static",
}
ARM_CPUS = {"armv6": "arm1176", "armv7": "cortex-a7"}


def valgrind(path: Path) -> list[str]:
    """Return the command line that runs a program below valgrind."""
    checks = ["--error-exitcode=99", "--quiet", "--leak-check=full", "--track-fds=no"]
    return ["valgrind", *checks, str(path)]


@pytest.fixture(
    params=[
        "valgrind",
        *(pytest.param(target, marks=pytest.mark.targets) for target in EMULATORS),
    ]
)
def program(request: pytest.FixtureRequest, build: Callable[..., Path]) -> list[str]:
    """The stub as a checker or emulator runs it."""
    if request.param == "valgrind":
        return valgrind(build("k8psh"))
    path = build(f"{request.param}/k8psh")
    cpu = ["-cpu", ARM_CPUS[request.param]] if request.param in ARM_CPUS else []
    return [EMULATORS[request.param], *cpu, str(path)]


def test_whole_call(place: Any, server: Any, finish: Any, make_frame: Any, make_exit: Any) -> None:
    """A call with everything in it, whichever the machine and its byte order."""
    place.routes.commands = {"true": ("A", "B")}
    place.write()
    (place.base / "sub").mkdir()
    stdin = place.directory / "stdin"
    stdin.write_bytes(os.urandom(100_000))
    with stdin.open("rb") as opened:
        process = place.start(
            "true", "x", "", "y" * 300, cwd=place.base / "sub", environment={"A": "1"}, stdin=opened
        )
    connection = server.accept()
    assert connection.read_request() == [
        (0, b"sub"),
        (2, b"x"),
        (2, b""),
        (2, b"y" * 300),
        (1, b"A=1"),
        (3, b"true"),
    ]
    assert connection.read_stdin() == stdin.read_bytes()
    output = os.urandom(300_000)
    connection.send(make_frame(STDOUT, output), make_frame(STDERR, b"err"), make_exit(0x12345678))
    assert finish(process) == (0x78, output, b"err")


def test_direct_call(place: Any, server: Any, finish: Any, make_exit: Any, make_number: Any) -> None:
    """Descriptors are passed, a signal is sent on and the end comes back, whichever the machine."""
    place.routes.lane, place.routes.socket = "auto", server.abstract
    place.write()
    process = place.start("true", "argument", umask=0o77)
    connection = server.accept(server.abstract)
    assert connection.read_request() == [(0, b""), (2, b"argument"), (3, b"true")]
    assert connection.own == [(17, 7), (18, 0o77)]
    os.write(connection.descriptors[1], b"out")
    os.write(connection.descriptors[2], b"err")
    connection.drop_descriptors()
    process.send_signal(signal.SIGUSR1)
    assert connection.read_frame() == (SIGNAL, signal.SIGUSR1)
    connection.send(make_number(DELIVERED, signal.SIGUSR1), make_exit(0x12345678))
    assert finish(process) == (0x78, b"out", b"err")


def test_terminal(place: Any, server: Any, finish: Any, make_exit: Any, make_number: Any) -> None:
    """The master of a command's terminal arrives and is copied, whichever the machine."""
    place.routes.lane, place.routes.socket = "direct", server.abstract
    place.write()
    (screen, ours), (master, slave) = os.openpty(), os.openpty()
    tty.setraw(slave)
    process = place.start("true", stdin=ours, stdout=ours, stderr=ours)
    connection = server.accept(server.abstract)
    connection.read_request()
    connection.drop_descriptors()
    passed = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("i", master))]
    connection.socket.sendmsg([make_number(TERMINAL, 7)], passed)
    os.write(slave, b"show\n")
    assert os.read(screen, 100) == b"show\n"
    os.write(screen, b"\x03")
    assert os.read(slave, 100) == b"\x03"
    connection.send(make_exit(5))
    assert finish(process)[0] == 5
    for descriptor in (screen, ours, master, slave):
        os.close(descriptor)


def test_death_by_a_signal(place: Any, server: Any, finish: Any, make_number: Any) -> None:
    """The stub dies by the command's signal."""
    place.write()
    process = place.start("true")
    connection = server.accept()
    connection.read_request()
    connection.send(make_number(HELLO, 2), make_number(TERM_SIGNAL, signal.SIGTERM))
    assert finish(process)[0] == -signal.SIGTERM


@pytest.mark.targets
@pytest.mark.parametrize("target", EMULATORS)
def test_size(build: Callable[..., Path], target: str) -> None:
    """Every target's file is smaller than 40 kB."""
    assert build(f"{target}/k8psh").stat().st_size < 40_000


def test_handing_over(place: Any, finish: Any) -> None:
    """Stale routes lead to the Python client."""
    place.write()
    Path(place.routes.configuration).write_text("changed")
    status, out, err = finish(place.start("true", "a"))
    assert (status, err) == (42, b"")
    assert out.startswith(b"PYTHON [--runtime] [--called-as=")


def test_lost_connection(place: Any, server: Any, finish: Any, make_frame: Any) -> None:
    """A call without exit code ends with a line."""
    place.write()
    process = place.start("true")
    connection = server.accept()
    connection.read_request()
    connection.read_stdin()
    connection.send(make_frame(STDOUT, b"some"))
    connection.socket.shutdown(1)
    status, out, err = finish(process)
    assert (status, out, err.count(b"\n")) == (125, b"some", 1)


def test_no_server(place: Any, server: Any, finish: Any) -> None:
    """A server that can't be reached is waited for, then named."""
    server.close()
    place.routes.connect_timeout_ms = 100
    place.write()
    status, _, err = finish(place.start("true"))
    assert status == 125
    assert b"Connection refused" in err


@pytest.mark.parametrize("name", ["frames", "routes", "request"])
def test_fuzzer(build: Callable[..., Path], tmp_path: Path, name: str) -> None:
    """A short search from the kept corpus finds nothing; `make fuzz` searches for long."""
    corpus = Path(__file__).parents[2] / "native" / "fuzz" / "corpus" / name
    ran = subprocess.run(
        [build(f"fuzz-{name}"), f"-max_total_time={FUZZ_SECONDS}", tmp_path, corpus],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stdout[-3000:].decode(errors="replace")


@pytest.mark.parametrize("goal", ["k8psh", pytest.param("s390x/k8psh", marks=pytest.mark.targets)])
def test_same_bytes_twice(build: Callable[..., Path], tmp_path: Path, goal: str) -> None:
    """Two builds, in different places, are the same file."""
    first = build(goal, tmp_path / "one")
    assert first.read_bytes() == build(goal, tmp_path / "two" / "deeper").read_bytes()

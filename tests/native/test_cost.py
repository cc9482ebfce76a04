"""What an ordinary call costs: the bars that the stub must keep."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HELLO = '#include <stdio.h>\nint main(void) { return puts("hello") < 0; }\n'
SMALLEST = ["-std=c11", "-D_GNU_SOURCE", "-Os", "-static", "-s"]


@pytest.fixture(scope="session", params=["k8psh", pytest.param("x86_64/k8psh", marks=pytest.mark.targets)])
def program(request: pytest.FixtureRequest, build: Callable[[str], Path]) -> list[str]:
    """Only what users get is measured, and can be measured without an emulator."""
    return [str(build(request.param))]


@pytest.fixture(scope="session")
def spawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("spawn") / "spawn"
    source = Path(__file__).parent / "spawn.c"
    subprocess.run(["musl-gcc", *SMALLEST, source, "-o", made], check=True)
    return made


@pytest.fixture(scope="session")
def hello(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("hello")
    (directory / "hello.c").write_text(HELLO)
    subprocess.run(["musl-gcc", *SMALLEST, directory / "hello.c", "-o", directory / "hello"], check=True)
    return directory / "hello"


@pytest.mark.parametrize("lane", ["direct", "relay"])
def test_page_faults(
    place: Any, server: Any, make_exit: Any, spawn: Path, hello: Path, tmp_path: Path, lane: str
) -> None:
    """A call takes at most six page faults more than a static hello world: medians of nine."""
    place.routes.lane, place.routes.socket = lane, server.abstract
    said = b"" if lane == "direct" else b"\x10\2\0\0\0\x05\0\0\0\0\x06\0\0\0\0"
    place.routes.commands = {f"command{i}": ("PATH",) for i in range(40)} | {"true": ("PATH",)}
    place.write()
    quiet: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "cwd": place.base}
    hellos, calls = [], []
    for _ in range(9):
        subprocess.run([spawn, tmp_path / "hello", hello], check=True, **quiet)
        hellos.append(int((tmp_path / "hello").read_text().split()[0]))
        command = [spawn, tmp_path / "call", place.executables / "true", "-c", "x.c"]
        with subprocess.Popen(command, **quiet) as process:
            connection = server.accept(server.abstract if lane == "direct" else None)
            connection.read_request()
            connection.send(said, make_exit(0))
            assert process.wait(20) == 0
        calls.append(int((tmp_path / "call").read_text().split()[0]))
    assert sorted(calls)[4] <= sorted(hellos)[4] + 6


def test_size(place: Any) -> None:
    """The file is smaller than 40 kB."""
    assert os.path.getsize(place.program[-1]) < 40_000


@pytest.mark.parametrize("lane", ["direct", "relay"])
def test_resident_memory(place: Any, server: Any, finish: Any, make_exit: Any, lane: str) -> None:
    """A call that waits for its end holds less than 400 kB, pages of the file included."""
    place.routes.lane, place.routes.socket = lane, server.abstract
    place.write()
    process = place.start("true")
    connection = server.accept(server.abstract if lane == "direct" else None)
    connection.read_request()
    if lane == "relay":
        connection.read_stdin()
    connection.drop_descriptors()
    rollup = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
    resident = next(line.split() for line in rollup.splitlines() if line.startswith("Rss:"))
    connection.send(make_exit(0))
    assert finish(process)[0] == 0
    assert int(resident[1]) < 400


def test_memory_is_constant(place: Any, server: Any, finish: Any, make_frame: Any, make_exit: Any) -> None:
    """Sixty-four megabytes of output need no more memory than the buffers."""
    place.write()
    process = place.start("true", stdout=subprocess.DEVNULL)
    connection = server.accept()
    connection.read_request()
    connection.read_stdin()
    for _ in range(64):
        connection.send(make_frame(5, bytes(1 << 20)))
    status = Path(f"/proc/{process.pid}/status").read_text()
    connection.send(make_exit(0))
    assert finish(process)[0] == 0
    peak = next(line.split() for line in status.splitlines() if line.startswith("VmHWM:"))
    assert int(peak[1]) < 2048


def test_system_calls(place: Any, server: Any, make_exit: Any, tmp_path: Path) -> None:
    """An ordinary call makes no more system calls than are explained in docs/stub.md."""
    place.write()
    trace = tmp_path / "trace"
    process = subprocess.Popen(
        ["strace", "-f", "-o", str(trace), str(place.executables / "true")],
        cwd=place.base,
        stdin=subprocess.DEVNULL,
    )
    connection = server.accept()
    connection.read_request()
    connection.read_stdin()
    connection.send(b"\x05\0\0\0\0\x06\0\0\0\0", make_exit(0))
    assert process.wait(20) == 0
    calls = [line.split("(")[0].split()[-1] for line in trace.read_text().splitlines() if "(" in line]
    assert calls.index("sendto") <= 18
    assert len(calls) <= 27


def test_system_calls_of_the_direct_lane(place: Any, server: Any, make_exit: Any, tmp_path: Path) -> None:
    """A call makes no more system calls than docs/stub.md explains, and one of them sends everything."""
    place.routes.lane, place.routes.socket = "auto", server.abstract
    place.write()
    trace = tmp_path / "trace"
    process = subprocess.Popen(
        ["strace", "-f", "-o", str(trace), str(place.executables / "true"), "argument"],
        cwd=place.base,
        stdin=subprocess.DEVNULL,
    )
    connection = server.accept(server.abstract)
    connection.read_request()
    connection.send(make_exit(0))
    assert process.wait(20) == 0
    calls = [line.split("(")[0].split()[-1] for line in trace.read_text().splitlines() if "(" in line]
    assert len(calls) <= 22
    assert [name for name in calls if name.startswith("send")] == ["sendmsg"]

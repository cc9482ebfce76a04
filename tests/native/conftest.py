"""The stub under test, in a place with routes, and a scripted server that stands for k8pshd."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .place import Place
from .scripted_server import PATIENCE_S, ScriptedServer, exit_frame, frame, number_frame

REPOSITORY = Path(__file__).parents[2]
BUILD = REPOSITORY / "build" / "native"


def pytest_configure(config: pytest.Config) -> None:
    """Name the marker of this directory's tests."""
    config.addinivalue_line("markers", "targets: the stub for every target, by zig and qemu: asked for by -m")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what takes minutes to build, unless it is asked for: then it runs or fails."""
    if "targets" in config.getoption("markexpr"):
        return
    left_out = [item for item in items if item.get_closest_marker("targets")]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptedServer]:
    scripted = ScriptedServer(tmp_path_factory.mktemp("server"))
    yield scripted
    scripted.close()


@pytest.fixture(scope="session")
def build() -> Callable[..., Path]:
    """Build a file of build/native (or of another directory) and return its path."""

    def make(goal: str, directory: Path = BUILD) -> Path:
        zig = os.environ.get("ZIG", f"{sys.executable} -m ziglang")
        made = subprocess.run(
            [
                "make",
                "-s",
                "-C",
                str(REPOSITORY / "native"),
                f"BUILD={directory}",
                f"ZIG={zig}",
                directory / goal,
            ],
            capture_output=True,
            text=True,
        )
        assert made.returncode == 0, made.stdout + made.stderr
        return directory / goal

    return make


@pytest.fixture(scope="session", params=["k8psh", "k8psh-sanitized"])
def program(request: pytest.FixtureRequest, build: Callable[..., Path]) -> list[str]:
    """The command line that runs the stub: every test that takes it runs for each build of it."""
    return [str(build(request.param))]


@pytest.fixture
def place(tmp_path: Path, program: list[str], server: ScriptedServer) -> Iterator[Place]:
    made = Place(tmp_path, program, server.port)
    yield made
    made.close()


@pytest.fixture
def called(place: Any, server: Any) -> Callable[..., Any]:
    """Start `true` with these streams on the relay lane; returns process and connection, the request read."""

    def call(**streams: Any) -> tuple[Any, Any]:
        place.write()
        process = place.start("true", **streams)
        connection = server.accept()
        connection.read_request()
        return process, connection

    return call


@pytest.fixture
def make_frame() -> Callable[..., bytes]:
    return frame


@pytest.fixture
def make_number() -> Callable[[int, int], bytes]:
    return number_frame


@pytest.fixture
def make_exit() -> Callable[[int], bytes]:
    return exit_frame


@pytest.fixture
def finish() -> Callable[[subprocess.Popen[bytes]], tuple[int, bytes, bytes]]:
    """Wait for a stub; returns its status as Popen gives it, and what came from its pipes."""

    def wait(process: subprocess.Popen[bytes]) -> tuple[int, bytes, bytes]:
        try:
            out, err = process.communicate(timeout=PATIENCE_S)
        finally:
            process.kill()
            process.wait()
        return process.returncode, out or b"", err or b""

    return wait

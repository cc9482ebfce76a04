"""What all tests share: k8psh as programs, configurations, ports, processes, and limits of time."""

import itertools
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from .processes import INSTALLED, PATIENCE_SECONDS, ROOT, Processes, wait

hypothesis.settings.register_profile("k8psh", deadline=None)  # a busy machine is no failure
hypothesis.settings.load_profile("k8psh")

# What `&` starts without job control ignores INT and QUIT, what nohup starts HUP: we, and what we test.
for _number in (signal.SIGHUP, signal.SIGQUIT, signal.SIGINT):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, signal.default_int_handler if _number == signal.SIGINT else signal.SIG_DFL)

TEST_SECONDS, SLOW_TEST_SECONDS = 100, 600
_START = """\
#!{python}
import sys

sys.path[0] = {root!r}
from k8psh.__main__ import main

sys.exit(main())
"""


@pytest.fixture(autouse=True)
def time_limit(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that hangs; those of Pods have limits of their own."""
    if request.node.get_closest_marker("pod"):
        yield
        return
    seconds = SLOW_TEST_SECONDS if request.node.get_closest_marker("slow") else TEST_SECONDS

    def fail(*_: object) -> None:
        pytest.fail(f"not over after {seconds} s")

    before = signal.signal(signal.SIGALRM, fail)
    signal.alarm(seconds)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="session")
def root() -> Path:
    """The source tree."""
    return ROOT


@pytest.fixture(scope="session")
def wait_until() -> Callable[..., Any]:
    return wait


@pytest.fixture(scope="session")
def is_alive() -> Callable[[int], bool]:
    """Return a function that tells whether a process runs; a zombie doesn't."""

    def alive(pid: int) -> bool:
        try:
            with open(f"/proc/{pid}/stat") as file:
                return file.read().rpartition(")")[2].split()[0] != "Z"
        except (FileNotFoundError, ProcessLookupError):
            return False

    return alive


@pytest.fixture(scope="session")
def wait_still() -> Callable[[int], None]:
    """Return a function that waits until a process has neither read nor written anything for a while."""

    def still(pid: int) -> None:
        seen: list[str] = []

        def is_still() -> bool:
            seen.append(Path(f"/proc/{pid}/io").read_text())
            return len(seen) > 40 and len(set(seen[-40:])) == 1

        wait(is_still, f"process {pid} to stall")

    return still


@pytest.fixture
def processes() -> Iterator[Processes]:
    started = Processes()
    yield started
    started.close()


@pytest.fixture(scope="module")
def module_processes() -> Iterator[Processes]:
    started = Processes()
    yield started
    started.close()


@pytest.fixture(scope="session")
def session_processes() -> Iterator[Processes]:
    started = Processes()
    yield started
    started.close()


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """Return ports that nothing listens on, outside of what the kernel gives away by itself."""
    numbers = itertools.count(15000 + os.getpid() * 61 % 12000)

    def take() -> int:
        for number in numbers:
            with socket.socket() as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    sock.bind(("127.0.0.1", number))
                except OSError:
                    continue
                return number
        raise AssertionError

    return take


def write_start(path: Path) -> Path:
    """Write the entry of this source tree's Python, as pip would have."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_START.format(python=sys.executable, root=str(ROOT)))
    path.chmod(0o755)
    return path


@pytest.fixture(scope="session")
def python_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The path of `k8psh` as a console script, with `k8pshd` beside it."""
    if INSTALLED:
        return Path(INSTALLED) / "python" / "k8psh"
    program = write_start(tmp_path_factory.mktemp("python") / "bin" / "k8psh")
    (program.parent / "k8pshd").symlink_to("k8psh")
    return program


@pytest.fixture(scope="session")
def native_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The path of the stub program with a Python runtime beside it, as `--install` lays it out."""
    if INSTALLED:
        return Path(INSTALLED) / "native" / "k8psh"
    if shutil.which("musl-gcc") is None:
        pytest.skip("musl-gcc builds the stub; it isn't here (apt-get install musl-tools)")
    build = ROOT / "build" / "native"
    made = subprocess.run(
        ["make", "-s", "-C", str(ROOT / "native"), f"BUILD={build}", str(build / "k8psh")],
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    directory = tmp_path_factory.mktemp("native")
    write_start(directory / "runtime" / "start")
    (directory / "bin").mkdir()
    shutil.copy2(build / "k8psh", directory / "bin" / "k8psh")
    (directory / "bin" / "k8pshd").symlink_to("k8psh")
    return directory / "bin" / "k8psh"


@pytest.fixture(scope="session")
def write_configuration() -> Callable[..., Path]:
    """Return a function that writes a YAML configuration with one server, alpha, as JSON."""
    import json

    def write(directory: Path, port: int, commands: Mapping[str, Any], **settings: Any) -> Path:
        server = {"name": "alpha", "port": port, "commands": commands, **settings.pop("server", {})}
        server.setdefault("environment", [{"fixed": "PATH", "value": "/usr/bin:/bin"}])
        (directory / "base").mkdir(exist_ok=True)
        whole = {"baseDirectory": str(directory / "base"), "connectTimeoutMs": 20000, "servers": [server]}
        path = directory / "k8psh.yaml"
        path.write_text(json.dumps(whole | settings))
        return path

    return write


@pytest.fixture(scope="session")
def wait_serving() -> Callable[..., None]:
    """Return a function that waits until a server answers on a port: it costs the server a connection."""

    def answers(port: int) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) as sock:
                sock.shutdown(socket.SHUT_WR)
                return sock.recv(1) == b""
        except (ConnectionRefusedError, ConnectionResetError):
            return False

    def serving(port: int, process: subprocess.Popen[bytes]) -> None:
        wait(lambda: answers(port) or process.poll() is not None, f"a server on port {port}")
        assert process.poll() is None, process.stderr.read() if process.stderr else process.returncode

    return serving


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[Any]:
    """Make a skipped test a failed one where everything must run, as in CI: nothing is left out unseen."""
    report = yield
    if report.skipped and os.environ.get("K8PSH_TEST_EVERYTHING"):
        report.outcome, report.longrepr = "failed", f"skipped, but everything must run: {report.longrepr}"
    return report

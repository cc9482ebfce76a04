"""Every client against every server: one more of either is one line in the tables below."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """A way to call: the program that the stubs are, and the lane."""

    program: str
    lane: str
    is_fast: bool = False
    """A call costs a millisecond, not the start of Python."""


CLIENTS = {
    "python-relay": Kind(program="python_program", lane="relay"),
    "python-direct": Kind(program="python_program", lane="direct"),
    "native-relay": Kind(program="native_program", lane="relay", is_fast=True),
    "native-direct": Kind(program="native_program", lane="direct", is_fast=True),
}
SERVERS = {
    "server": "python_program",
}
GRACE_MS = 400
PROGRAMS = ("sh", "cat", "true", "env", "seq", "yes", "head", "sleep", "pwd", "python3", "stat")


class Server:
    """A running k8pshd called alpha, with `base` and `mapped` as its shared directories."""

    def __init__(self, process: Any, directory: Path, port: int) -> None:
        self.process = process
        self.directory = directory
        self.base = directory / "base"
        self.mapped = directory / "mapped"
        self.mapped_on_server = directory / "mapped-on-server"
        self.configuration = directory / "k8psh.yaml"
        self.port = port


class Client:
    """Stubs of one kind."""

    def __init__(self, kind: Kind, stubs: Path, base: Path, processes: Any) -> None:
        self.kind = kind
        self.stubs = stubs
        self.base = base
        self.processes = processes

    def path(self, command: str) -> str:
        """Return a stub's path."""
        return str(self.stubs / command)

    def start(self, command: str, *arguments: str | bytes, **keywords: Any) -> Any:
        """Start a stub, in the base directory unless `cwd` says otherwise; the rest as Processes.start."""
        keywords["env"] = {"K8PSH_LANE": self.kind.lane, **keywords.get("env", {})}
        keywords.setdefault("cwd", self.base)
        words = [self.path(command), *arguments]
        if prefix := keywords.pop("prefix", None):
            words = [*prefix, *words]
        return self.processes.start(words, **keywords)

    def run(self, command: str, *arguments: str | bytes, data: bytes | None = None, **keywords: Any) -> Any:
        """Call a command; return how that ended."""
        if data is not None:
            keywords["stdin"] = -1
        return self.processes.finish(self.start(command, *arguments, **keywords), data)

    def shell(self, script: str, **keywords: Any) -> Any:
        """Call the server's /bin/sh with a script."""
        return self.run("sh", "-c", script, **keywords)


@pytest.fixture(scope="session", params=list(SERVERS))
def server(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    session_processes: Any,
    free_port: Callable[[], int],
    write_configuration: Callable[..., Path],
    wait_serving: Callable[..., None],
) -> Server:
    """One server of each kind, for all tests."""
    program = request.getfixturevalue(SERVERS[request.param])
    directory = tmp_path_factory.mktemp("server")
    port = free_port()
    environment_rules = [{"pass": "MANDATORY", "default": "dflt"}, {"optional": "OPT"}]
    commands: dict[str, Any] = {
        name: f"/bin/{name}" if (Path("/bin") / name).exists() else name for name in PROGRAMS
    }
    commands["envs"] = {
        "program": "/usr/bin/env",
        "environment": [
            *environment_rules,
            {"optional": "OPTD", "default": "optdefault"},
            {"fixed": "FIXED", "value": "fixed"},
            {"inherit": "HOME"},
            {"pass": "NOVALUE"},
        ],
    }
    commands["nosuch"] = "/no/such/program"
    commands["notexec"] = "/etc/passwd"
    mapping = {
        "clients": str(directory / "mapped"),
        "servers": {"alpha": str(directory / "mapped-on-server")},
    }
    configuration = write_configuration(directory, port, commands, gracePeriodMs=GRACE_MS, mappings=[mapping])
    (directory / "mapped").mkdir()
    (directory / "mapped-on-server").mkdir()
    log = (directory / "log").open("wb")
    words = [str(program.parent / "k8pshd"), "-n", "alpha", "-d", "-e", str(directory / "none")]
    process = session_processes.start(
        [*words, "-c", str(configuration)],
        env={"HOME": "/srvhome", "OPT": "serveropt", "NOVALUE": "servernv"},
        stdout=log,
        stderr=log,
        cwd=directory,
    )
    log.close()
    wait_serving(port, process)
    return Server(process, directory, port)


def _parameters() -> list[Any]:
    """Return the clients' names; what starts Python for each call is run among the slow tests."""
    return [
        pytest.param(name, marks=() if kind.is_fast else pytest.mark.slow) for name, kind in CLIENTS.items()
    ]


@pytest.fixture(scope="session", params=_parameters())
def kind(request: pytest.FixtureRequest) -> Kind:
    """A kind of client."""
    return CLIENTS[request.param]


@pytest.fixture(scope="session")
def write_stubs(
    request: pytest.FixtureRequest, kind: Kind, session_processes: Any
) -> Callable[[Path, Path], Path]:
    """Return a function that has k8pshd write a pure client's stubs of this kind; it returns where."""
    program = request.getfixturevalue(kind.program)

    def write(configuration: Path, stubs: Path) -> Path:
        words = [program.parent / "k8pshd", "-n", "build", "-e", stubs, "-c", configuration]
        written = session_processes.run(words, cwd=configuration.parent)
        assert (written.code, written.err) == (0, b"")
        for name in os.listdir(stubs):
            if not name.startswith("."):
                (stubs / name).unlink()  # a built source tree prefers the stub program, whoever writes
                (stubs / name).symlink_to(program)
        return stubs

    return write


@pytest.fixture(scope="session")
def stubs(kind: Kind, server: Server, write_stubs: Callable[[Path, Path], Path]) -> Path:
    """The directory of this kind's stubs for the server of all tests."""
    name = next(name for name, entry in CLIENTS.items() if entry is kind)
    return write_stubs(server.configuration, server.directory / f"stubs-{name}")


@pytest.fixture
def client(kind: Kind, stubs: Path, server: Server, processes: Any) -> Iterator[Client]:
    yield Client(kind, stubs, server.base, processes)
    assert server.process.poll() is None, (server.directory / "log").read_text()


class OwnPlace:
    """A configuration and stubs of a test's own, whose server, `cat` and `sh`, it starts when it likes."""

    def __init__(self, client: Client, configuration: Path, port: int, program: Path) -> None:
        self.client = client
        self.port = port
        self._words = [program.parent / "k8pshd", "-n", "alpha", "-d", "-c", configuration]

    def start_server(self) -> Any:
        """Start the server; calls wait for it."""
        return self.client.processes.start(self._words, cwd=self.client.base)


@pytest.fixture
def own_place(
    kind: Kind,
    write_stubs: Callable[[Path, Path], Path],
    write_configuration: Callable[..., Path],
    python_program: Path,
    processes: Any,
    free_port: Callable[[], int],
    tmp_path: Path,
) -> Callable[..., OwnPlace]:
    """Return a function that makes a place of a test's own, with the configuration's `settings`."""

    def make(**settings: Any) -> OwnPlace:
        port = free_port()
        configuration = write_configuration(tmp_path, port, {"cat": "/bin/cat", "sh": "/bin/sh"}, **settings)
        stubs = write_stubs(configuration, tmp_path / "stubs")
        client = Client(kind, stubs, tmp_path / "base", processes)
        return OwnPlace(client, configuration, port, python_program)

    return make


@pytest.fixture
def kill_later() -> Iterator[list[int]]:
    """Process ids of daemons, which are killed at the test's end."""
    pids: list[int] = []
    yield pids
    for pid in pids:
        try:
            os.kill(pid, 9)
        except ProcessLookupError:
            continue


@pytest.fixture
def zeros() -> Iterator[Any]:
    """An input that never ends."""
    with open("/dev/zero", "rb") as file:
        yield file

"""The stub under test, routes files for it, and a scripted server that stands for k8pshd."""

import array
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
BUILD = REPOSITORY / "build" / "native"
PATIENCE_S = 60.0
"""No call of a test takes a tenth of this, sanitizers, emulators and a busy machine included."""


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


HEADER = struct.Struct("<BI")
VARIABLE, REQUEST_END, EXIT_CODE = 1, 3, 8
NUMBERS = frozenset({16, 17, 18, 20, 21, 22, 23})
"""The frames that hold a number in place of their payload's length."""
INTS = array.array("i")


def frame(kind: int, payload: bytes = b"") -> bytes:
    """Return a frame with a payload."""
    return HEADER.pack(kind, len(payload)) + payload


def number_frame(kind: int, number: int) -> bytes:
    """Return a frame that is a number."""
    return HEADER.pack(kind, number)


def exit_frame(code: int) -> bytes:
    """Return the frame that ends a call."""
    return struct.pack("<Bi", EXIT_CODE, code)


class Connection:
    """The server's end of one call, driven by the test."""

    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected
        self.socket.settimeout(PATIENCE_S)
        self.received = b""
        """Everything that the client has sent and the test has read."""
        self.own: list[tuple[int, bytes | int]] = []
        """What the request said of the client itself."""
        self.descriptors: list[int] = []
        """What came with the first bytes."""

    def receive(self, count: int) -> bytes:
        """Return some bytes, at most `count`; the first ones may bring descriptors."""
        if self.received:
            return self.socket.recv(count)
        data, ancillary, _, _ = self.socket.recvmsg(count, socket.CMSG_SPACE(8 * INTS.itemsize))
        for _, _, passed in ancillary:
            self.descriptors += array.array("i", passed)
        return data

    def read_exactly(self, count: int) -> bytes:
        """Return `count` bytes."""
        read = bytearray()
        while len(read) < count:
            some = self.receive(count - len(read))
            self.received += some
            if not some:
                raise EOFError(bytes(read))
            read += some
        return bytes(read)

    def read_frame(self) -> tuple[int, bytes | int]:
        """Return a frame's type and payload, or its number."""
        kind, length = HEADER.unpack(self.read_exactly(HEADER.size))
        return kind, length if kind in NUMBERS else self.read_exactly(length)

    def read_request(self) -> list[tuple[int, bytes | int]]:
        """Return the frames up to and including START_COMMAND, but for the two that say `own`."""
        frames = [self.read_frame()]
        while frames[-1][0] != REQUEST_END:
            frames.append(self.read_frame())
        self.own = frames[:2]
        return frames[2:]

    def read_stdin(self) -> bytes:
        """Return standard input up to its end; other frames fail the test."""
        data = b""
        while True:
            kind, payload = self.read_frame()
            assert kind == 4
            assert isinstance(payload, bytes)
            if not payload:
                return data
            data += payload

    def read_to_end(self) -> bytes:
        """Return everything up to the connection's end, however it ends."""
        data = b""
        try:
            while some := self.socket.recv(1 << 16):
                data += some
        except ConnectionResetError:
            pass
        return data

    def send(self, *frames: bytes) -> None:
        """Send the frames together."""
        self.socket.sendall(b"".join(frames))

    def drop_descriptors(self) -> None:
        """Close what came, as a server does when it has given it to the command."""
        while self.descriptors:
            os.close(self.descriptors.pop())

    def close(self) -> None:
        """End the connection."""
        self.socket.close()
        self.drop_descriptors()


def unix_address(address: str) -> str:
    """Return an address of the routes as Python has it."""
    return "\0" + address[1:] if address[0] == "@" else address


class ScriptedServer:
    """Listeners on loopback, on an abstract name and on a path: one is asked for the next call."""

    def __init__(self, directory: Path) -> None:
        self.listener = self.listen_tcp(0)
        self.port: int = self.listener.getsockname()[1]
        self.abstract = f"@k8psh-test:{self.port}"
        self.path = str(directory / "k8psh.sock")
        self.unix = {address: self.listen_unix(address) for address in (self.abstract, self.path)}
        self.connections: list[Connection] = []

    @staticmethod
    def listen_tcp(port: int) -> socket.socket:
        """Return a listener on loopback; 0 stands for any port."""
        listener = socket.create_server(("127.0.0.1", port))
        listener.settimeout(PATIENCE_S)
        return listener

    @staticmethod
    def listen_unix(address: str) -> socket.socket:
        """Return a listener on an address as the routes have it."""
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(unix_address(address))
        listener.listen()
        listener.settimeout(PATIENCE_S)
        return listener

    @staticmethod
    def connect_unix(address: str) -> socket.socket:
        """Return a connection of another client's, or raise BlockingIOError."""
        client = socket.socket(socket.AF_UNIX)
        client.setblocking(False)
        try:
            client.connect(unix_address(address))
        except BlockingIOError:
            client.close()
            raise
        return client

    def accept(self, address: str | None = None) -> Connection:
        """Return the next call, by TCP unless there is an `address`."""
        connected, _ = (self.unix[address] if address else self.listener).accept()
        if address is None:
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connections.append(Connection(connected))
        return self.connections[-1]

    def close(self) -> None:
        """Close everything."""
        for connection in self.connections:
            connection.close()
        for listener in (self.listener, *self.unix.values()):
            listener.close()


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptedServer]:
    scripted = ScriptedServer(tmp_path_factory.mktemp("server"))
    yield scripted
    scripted.close()


@dataclass(kw_only=True)
class Routes:
    """What a routes file says; each test changes what it is about."""

    configuration: str
    runtime: Sequence[str]
    port: int = 1
    connect_timeout_ms: int = 0
    roots: Sequence[tuple[str, str]] = ()
    server: str = "alpha"
    socket: str = "@k8psh-test"
    tcp: str = "yes"
    lane: str = "relay"
    outside: str = ""
    commands: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def fields(self) -> list[str]:
        """Return the fields between `bytes` and `end`."""
        status = os.stat(self.configuration)
        fields = [f"configuration={self.configuration}", f"stamp={status.st_mtime_ns} {status.st_size}"]
        fields += [f"runtime={argument}" for argument in self.runtime]
        fields.append(f"connectTimeoutMs={self.connect_timeout_ms}")
        for root, wire in self.roots:
            fields += [f"root={root}", f"wire={wire}"]
        fields += [f"server={self.server}", f"port={self.port}", f"socket={self.socket}", f"tcp={self.tcp}"]
        outside = [f"outside={self.outside}"] if self.outside else []
        for name, variables in self.commands.items():
            passed = [f"pass={variable}" for variable in variables]
            fields += [f"command={name}", f"lane={self.lane}", *outside, *passed]
        return fields

    def encode(self) -> bytes:
        """Return the file's bytes."""
        return encode_routes(self.fields())


def encode_routes(fields: Sequence[str]) -> bytes:
    """Return a whole routes file with a right size field."""
    rest = b"".join(os.fsencode(text) + b"\0" for text in [*fields, "end="])
    head = b"k8psh-routes=1\0"
    size = len(head) + len(b"bytes=0123456789\0") + len(rest)
    return head + b"bytes=%010d\0" % size + rest


class Place:
    """An executable directory with stubs and routes, a base directory, and a stand-in for Python."""

    def __init__(self, directory: Path, program: Sequence[str], port: int) -> None:
        self.directory = directory
        self.base = directory / "base"
        self.executables = directory / "exe"
        self.base.mkdir()
        self.executables.mkdir()
        self.program = list(program)
        self.prefix: list[str] = self.program[:-1]
        """An emulator or checker that runs the stub, by which it is started with its path and arguments."""
        self.processes: list[subprocess.Popen[bytes]] = []
        configuration = directory / "k8psh.yaml"
        configuration.write_text("baseDirectory: base\n")
        # A whole second: qemu-s390x's stat leaves out the nanoseconds.
        os.utime(configuration, (1_700_000_000, 1_700_000_000))
        self.python = directory / "python-client"
        self.python.write_text('#!/bin/sh\nprintf "PYTHON"\nprintf " [%s]" "$@"\nexit 42\n')
        self.python.chmod(0o755)
        self.routes = Routes(
            configuration=str(configuration),
            runtime=[str(self.python), "--runtime"],
            port=port,
            roots=[(str(self.base), "")],
            commands={"true": ()},
        )

    @property
    def routes_file(self) -> Path:
        """The routes' path."""
        return self.executables / ".k8psh-routes"

    def write(self) -> None:
        """Write the routes as they stand, and a stub for each command."""
        self.routes_file.write_bytes(self.routes.encode())
        for name in self.routes.commands:
            self.link(self.executables / name)

    def link(self, path: Path) -> Path:
        """Make `path` a link to the executable."""
        path.unlink(missing_ok=True)
        path.symlink_to(self.program[-1])
        return path

    def path_of(self, command: str | bytes) -> str:
        """Return the stub's path, given that or the command's name."""
        name = os.fsdecode(command)
        return name if "/" in name else str(self.executables / name)

    def start(
        self,
        *command: str | bytes,
        shell: str | None = None,
        cwd: Path | None = None,
        environment: Mapping[str, str] | None = None,
        **streams: object,
    ) -> subprocess.Popen[bytes]:
        """Start a stub by its command's name, or its path where that has a slash.

        `shell` is a line of sh that executes it as `"$@"`. Standard input is /dev/null, the others are
        pipes, unless `streams` (Popen's keywords) say otherwise.
        """
        before = [] if shell is None else ["/bin/sh", "-c", shell, "sh"]
        pipes: dict[str, object] = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
        }
        variables = {"PATH": os.environ["PATH"], **(environment or {})}
        process = subprocess.Popen(  # type: ignore[call-overload]
            [*before, *self.prefix, self.path_of(command[0]), *command[1:]],
            cwd=cwd or self.base,
            env=variables,
            **(pipes | streams),
        )
        self.processes.append(process)
        return process  # type: ignore[no-any-return]

    def close(self) -> None:
        """Kill what a failed test has left."""
        for process in self.processes:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()


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

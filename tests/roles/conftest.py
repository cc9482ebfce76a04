"""A place with a configuration, servers and clients in it, and a client that speaks version 1 by hand."""

import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

HEADER = struct.Struct("<BI")
PATIENCE_SECONDS = 30.0
STDIN, STDOUT, STDERR, TERMINATE, EXIT_CODE = 4, 5, 6, 7, 8


def frame(kind: int, payload: bytes = b"") -> bytes:
    """Return a string frame."""
    return HEADER.pack(kind, len(payload)) + payload


def request(command: bytes, *arguments: bytes, directory: bytes = b"", **variables: str) -> bytes:
    """Return a request's frames."""
    named = [f"{name}={value}".encode() for name, value in variables.items()]
    parts = [frame(0, directory), *(frame(2, argument) for argument in arguments)]
    return b"".join([*parts, *(frame(1, variable) for variable in named), frame(3, command)])


@dataclass(slots=True)
class Reply:
    """What came by a connection until its end: `ended` are the streams that were closed by a frame."""

    stdout: bytearray = field(default_factory=bytearray)
    stderr: bytearray = field(default_factory=bytearray)
    ended: list[str] = field(default_factory=list)
    stdin_refused: bool = False
    exit_code: int | None = None


class RawCall:
    """A connection that a test drives; it's a context."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reply = Reply()

    def __enter__(self) -> "RawCall":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, *frames: bytes) -> None:
        """Send the frames together."""
        self.socket.sendall(b"".join(frames))

    def read_frame(self) -> tuple[int, bytes] | None:
        """Return the next frame, None at the connection's end; the exit code is in the frame's payload."""
        header = self._read(HEADER.size)
        if len(header) < HEADER.size:
            return None
        kind, length = HEADER.unpack(header)
        if kind == EXIT_CODE:
            return kind, header[1:]
        return kind, self._read(length)

    def read_stdout(self, size: int) -> bytes:
        """Return at least `size` bytes of stdout."""
        while len(self.reply.stdout) < size:
            assert self._take(), self.reply
        return bytes(self.reply.stdout)

    def finish(self) -> Reply:
        """Return everything up to the connection's end."""
        while self._take():
            pass
        return self.reply

    def _take(self) -> bool:
        found = self.read_frame()
        match found:
            case None:
                return False
            case (4, b""):
                self.reply.stdin_refused = True
            case (5, b""):
                self.reply.ended.append("stdout")
            case (6, b""):
                self.reply.ended.append("stderr")
            case (5, data):
                self.reply.stdout += data
            case (6, data):
                self.reply.stderr += data
            case (8, data):
                (self.reply.exit_code,) = struct.unpack("<i", data)
            case _:
                pytest.fail(f"unexpected frame {found}")
        return True

    def _read(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            try:
                some = self.socket.recv(size - len(data))
            except ConnectionResetError:
                some = b""
            if not some:
                break
            data += some
        return bytes(data)


CONFIGURATION = """\
baseDirectory = base
connectTimeoutMs = 10000
[ alpha:{port} ] =PATH=/usr/bin:/bin {options}
cat
true /bin/true
sh /bin/sh
[ beta:{other_port} ]
remote /bin/true
distant /bin/true
"""


class Site:
    """A directory with a classic configuration; the server alpha serves cat, true and sh."""

    def __init__(self, directory: Path, ports: tuple[int, int], program: Path, processes: Any) -> None:
        self.directory = directory
        self.port, self.other_port = ports
        self.program = program
        self.processes = processes
        self.base = directory / "base"
        self.stubs = directory / "stubs"
        self.configuration = directory / "k8psh.conf"
        self.base.mkdir()
        self.configure()

    def configure(self, options: str = "", template: str = CONFIGURATION) -> None:
        """Write the configuration, with `options` in alpha's section."""
        text = template.format(port=self.port, other_port=self.other_port, options=options)
        self.configuration.write_text(text)

    def start(self, *words: str, name: str = "alpha", **keywords: Any) -> Any:
        """Start k8pshd with further options, behind the words of `prefix`."""
        server = [str(self.program.parent / "k8pshd"), f"--name={name}", f"--config={self.configuration}"]
        before = keywords.pop("prefix", [])
        return self.processes.start(
            [*before, *server, f"--executable-directory={self.stubs}", *words], cwd=self.directory, **keywords
        )

    def run(self, *words: str, name: str = "alpha", **keywords: Any) -> Any:
        """Run k8pshd to its end."""
        return self.processes.finish(self.start(*words, name=name, **keywords))

    def stub_names(self) -> set[str]:
        """Return the names of the files in the executable directory."""
        return {path.name for path in self.stubs.iterdir()} if self.stubs.exists() else set()

    def call(self, *frames: bytes) -> RawCall:
        """Connect to alpha and send frames."""
        raw = RawCall(self.port)
        raw.send(*frames)
        return raw

    def exit_code_of(self, script: str) -> int | None:
        """Run a script by a call of its own and return its exit code."""
        with self.call(request(b"sh", b"-c", script.encode()), frame(STDIN)) as raw:
            return raw.finish().exit_code


@pytest.fixture
def site(tmp_path: Path, free_port: Callable[[], int], python_program: Path, processes: Any) -> Site:
    return Site(tmp_path, (free_port(), free_port()), python_program, processes)


@pytest.fixture
def serving(site: Site, wait_serving: Callable[..., None]) -> Callable[..., Any]:
    """Return a function that starts k8pshd in the site, with further options, and waits until it answers."""

    def serve(*words: str, **keywords: Any) -> Any:
        process = site.start(*words, **keywords)
        wait_serving(site.port, process)
        return process

    return serve


@pytest.fixture(scope="module")
def shared_site(
    tmp_path_factory: pytest.TempPathFactory,
    free_port: Callable[[], int],
    python_program: Path,
    module_processes: Any,
    wait_serving: Callable[..., None],
) -> Site:
    """A site whose server serves a module's tests: its process is the attribute `server`."""
    directory = tmp_path_factory.mktemp("site")
    made = Site(directory, (free_port(), free_port()), python_program, module_processes)
    made.server = made.start("-d")  # type: ignore[attr-defined]
    wait_serving(made.port, made.server)  # type: ignore[attr-defined]
    return made


@pytest.fixture(scope="session")
def make_request() -> Callable[..., bytes]:
    return request


@pytest.fixture(scope="session")
def make_frame() -> Callable[..., bytes]:
    return frame


@pytest.fixture(scope="session")
def open_call() -> type[RawCall]:
    return RawCall

"""Who may call, by which lane, and how a command runs: the server's and the commands' settings."""

import os
import shutil
import socket
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

NOBODY = 65534
AS_NOBODY = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


class Place:
    """A configuration in a directory that every user can enter, a server, and stubs."""

    def __init__(self, directory: Path, port: int, processes: Any) -> None:
        self.directory = directory
        self.base = directory / "base"
        self.port = port
        self.processes = processes
        self.server: Any = None
        self.server_words: list[str] = []

    def call(
        self, command: str, *words: str, before: tuple[str, ...] | list[str] = (), **keywords: Any
    ) -> Any:
        """Call a command by its stub, behind the words of `before`."""
        keywords.setdefault("cwd", self.base)
        return self.processes.run([*before, str(self.directory / "stubs" / command), *words], **keywords)

    def tcp_is_open(self) -> bool:
        """Tell whether something listens on the server's port."""
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
        except ConnectionRefusedError:
            return False
        return True


@pytest.fixture
def place(
    native_program: Path,
    processes: Any,
    free_port: Callable[[], int],
    write_configuration: Callable[..., Path],
    wait_until: Callable[..., Any],
) -> Iterator[Callable[..., Place]]:
    """Return a function that starts a server with these commands and settings, and writes the stubs."""
    directory = Path(tempfile.mkdtemp(prefix="k8psh-access-"))
    directory.chmod(0o755)
    programs = directory / "programs"  # where other users may execute it, too
    shutil.copytree(native_program.parents[1], programs)

    def make(commands: dict[str, Any] | None = None, **server: Any) -> Place:
        port = free_port()
        all_commands = {"sh": "/bin/sh", "id": "/usr/bin/id"} | (commands or {})
        configuration = write_configuration(
            directory, port, all_commands, connectTimeoutMs=1000, gracePeriodMs=300, server=server
        )
        made = Place(directory, port, processes)
        k8pshd = [str(programs / "bin" / "k8pshd"), "-c", str(configuration)]
        written = processes.run([*k8pshd, "-n", "build", "-e", str(directory / "stubs")])
        assert (written.code, written.err) == (0, b"")
        made.server_words = [*k8pshd, "-n", "alpha", "-d"]
        made.server = processes.start(made.server_words)

        def serves() -> bool:
            assert made.server.poll() is None, made.server.stderr.read()
            socket_file = Path(server.get("socketDirectory", "/proc/net/unix"))
            if socket_file.is_dir():
                return any(socket_file.iterdir())
            return f"@k8psh:{port}" in socket_file.read_text()

        wait_until(serves, "the server")
        return made

    yield make
    shutil.rmtree(directory)


def _assert_refused(result: Any, *texts: bytes) -> None:
    assert (result.code, result.out) == (125, b"")
    assert result.err.count(b"\n") == 1
    assert all(text in result.err for text in texts)


@needs_root
@pytest.mark.parametrize("allow", [{"uids": [NOBODY]}, {"gids": [NOBODY]}])
def test_allowed_callers(place: Callable[..., Place], allow: dict[str, Any]) -> None:
    """Only who is listed by uid or gid may call, and TCP, which tells neither, is off."""
    made = place(allow=allow)
    assert made.call("sh", "-c", "exit 3", before=AS_NOBODY).code == 3
    _assert_refused(made.call("sh", "-c", "exit 3"), b"user 0", b"allow")
    assert not made.tcp_is_open()
    _assert_refused(made.call("sh", env={"K8PSH_LANE": "relay"}))


@needs_root
def test_further_groups(place: Callable[..., Place]) -> None:
    """A caller's further groups count, too."""
    made = place(allow={"gids": [4321]})
    with_group = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--groups=1234,4321"]
    assert made.call("sh", "-c", "exit 3", before=with_group).code == 3
    _assert_refused(made.call("sh", before=AS_NOBODY), b"allow")


def test_tcp_beside_allow(place: Callable[..., Place]) -> None:
    """Where the configuration says so, TCP stays on, without a check."""
    made = place(allow={"uids": [NOBODY]}, tcp=True)
    assert made.tcp_is_open()
    assert made.call("sh", "-c", "exit 3", env={"K8PSH_LANE": "relay"}).code == 3


def test_no_tcp(place: Callable[..., Place]) -> None:
    """TCP can be switched off; a call that insists on it says why it can't be made."""
    made = place(tcp=False)
    assert made.call("sh", "-c", "exit 3").code == 3
    _assert_refused(made.call("sh", env={"K8PSH_LANE": "relay"}), b"TCP")


@needs_root
def test_socket_directory(place: Callable[..., Place], processes: Any, tmp_path: Path) -> None:
    """A socket file is reached by who may write it, is no TCP, and goes with the server."""
    made = place(socketDirectory=str(tmp_path), socketMode="0600")
    (path,) = tmp_path.iterdir()
    assert path.name == f"k8psh-{made.port}.sock"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert made.call("sh", "-c", "exit 3").code == 3
    assert not made.tcp_is_open()
    _assert_refused(made.call("sh", before=AS_NOBODY), b"Permission denied")
    made.server.terminate()
    assert processes.finish(made.server).code == 0
    assert not path.exists()


def test_socket_file_that_is_left(place: Callable[..., Place], processes: Any, tmp_path: Path) -> None:
    """A socket file whose server was killed is replaced."""
    made = place(socketDirectory=str(tmp_path))
    made.server.kill()
    made.server.wait()
    assert list(tmp_path.iterdir())
    processes.start(made.server_words)
    assert made.call("sh", "-c", "exit 3").code == 3


@needs_root
def test_command_that_runs_as_its_caller(place: Callable[..., Place]) -> None:
    """With `runAs: caller` a command has the caller's uid, gid and groups; TCP doesn't tell them."""
    made = place(
        {"whoami": {"program": "/bin/sh", "arguments": ["-c", "id -u; id -g; id -G"], "runAs": "caller"}}
    )
    before = ["setpriv", "--reuid=1234", "--regid=2345", "--groups=11,12"]
    assert made.call("whoami", before=before).out == b"1234\n2345\n2345 11 12\n"
    _assert_refused(made.call("whoami", env={"K8PSH_LANE": "relay"}), b"caller")
    assert made.call("id", "-u", before=before).out == b"%d\n" % os.geteuid()


def test_niceness_and_limits(place: Callable[..., Place]) -> None:
    """A command has the niceness and the limits of its settings, else the server's."""
    script = ["-c", "nice; ulimit -Sn; ulimit -Hn; ulimit -c"]
    settings = {"nice": 3, "ulimits": {"nofile": {"soft": 50, "hard": 60}}}
    made = place({"limited": {"program": "/bin/sh", "arguments": script, **settings}}, ulimits={"core": 0})
    niceness = os.nice(0)
    assert made.call("limited").out == b"%d\n50\n60\n0\n" % (niceness + 3)
    assert made.call("sh", "-c", "nice; ulimit -c").out == b"%d\n0\n" % niceness


def test_directory_for_callers_outside(place: Callable[..., Place], tmp_path: Path) -> None:
    """A command with an outside directory can be called from everywhere."""
    made = place({"where": {"program": "/bin/pwd", "outsideDirectory": "/usr"}})
    assert made.call("where", cwd=tmp_path).out == b"/usr\n"
    assert made.call("where").out == bytes(made.base) + b"\n"
    _assert_refused(made.call("sh", cwd=tmp_path), bytes(tmp_path))


def test_lanes(place: Callable[..., Place]) -> None:
    """A command's lane is the configuration's, unless its caller wishes another."""
    script = ["-c", "if test -p /dev/stdin; then echo relay; else echo direct; fi"]
    lane = {"program": "/bin/sh", "arguments": script}
    made = place({"either": lane, "relayed": {**lane, "lane": "relay"}, "passed": {**lane, "lane": "direct"}})
    shown = {name: made.call(name).out for name in ("either", "relayed", "passed")}
    assert shown == {"either": b"direct\n", "relayed": b"relay\n", "passed": b"direct\n"}
    assert made.call("passed", env={"K8PSH_LANE": "relay"}).out == b"relay\n"
    assert made.call("relayed", env={"K8PSH_LANE": "auto"}).out == b"direct\n"
    _assert_refused(made.call("either", env={"K8PSH_LANE": "fast"}), b"K8PSH_LANE")


def test_command_that_calls_itself(place: Callable[..., Place]) -> None:
    """A command whose program is its own stub is noticed and named."""
    made = place({"loop": {"program": "loop"}}, environment=[{"fixed": "PATH", "value": "../stubs:/bin"}])
    _assert_refused(made.call("loop"), b"calls itself", b"alpha/loop")


def test_program_in_the_working_directory(place: Callable[..., Place]) -> None:
    """A program is found relative to the working directory first, then on the command's PATH."""
    made = place({"tool": "tool"})
    assert made.call("tool").code == 127
    tool = made.base / "tool"
    tool.write_text("#!/bin/sh\nexit 6\n")
    assert made.call("tool").code == 126
    tool.chmod(0o755)
    assert made.call("tool").code == 6

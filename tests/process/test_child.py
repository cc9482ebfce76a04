"""Child processes of the server: how they start, and how their whole group ends."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trio

from k8psh.config.model import Ulimit
from k8psh.errors import CommandNotFoundError, K8pshError, NotExecutableError, WorkingDirectoryError
from k8psh.exit_status import Exited, Killed
from k8psh.server.call import Invocation
from k8psh.server.child import Child, Children
from k8psh.server.spawn import find_spawn, spawn_slowly


class Started:
    """What tests start, with one pipe for their output."""

    def __init__(self, children: Children) -> None:
        self.children = children
        self._made: list[Child] = []

    def start(self, script: str, **settings: Any) -> Child:
        """Start /bin/sh with a script."""
        words = ("sh", "-c", script)
        settings = {"path": "/bin/sh", "arguments": words, "directory": "/", "environment": {}} | settings
        with open(os.devnull, "r+b") as null:
            streams = settings.pop("streams", (null.fileno(),) * 3)
            self._made.append(self.children.spawn(Invocation(**settings), streams))
        return self._made[-1]

    def start_ready(self, script: str) -> Child:
        """Start /bin/sh with a script that writes a line when it's ready."""
        reader, writer = os.pipe()
        child = self.start(script, streams=(reader, writer, writer))
        assert os.read(reader, 1) == b"\n"
        os.close(reader)
        os.close(writer)
        return child

    def output(self, script: str, **settings: Any) -> bytes:
        """Return what a script writes to its stdout."""
        reader, writer = os.pipe()
        with open(os.devnull, "r+b") as null:
            self.start(script, streams=(null.fileno(), writer, null.fileno()), **settings)
        os.close(writer)
        with open(reader, "rb") as file:
            return file.read()

    def close(self) -> None:
        """End what is left."""
        for child in self._made:
            child.signal_group(signal.SIGKILL)
            child.reap()
            child.close()


@pytest.fixture(params=["fast", "slow"])
def started(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Started]:
    """Children by each way of starting a process."""
    spawn = find_spawn() if request.param == "fast" else spawn_slowly
    monkeypatch.setattr("k8psh.server.child.find_spawn", lambda: spawn)
    made = Started(Children())
    yield made
    made.close()


async def _ended(child: Child) -> Any:
    await trio.lowlevel.wait_readable(child.pidfd)
    return child.reap()


async def test_status(started: Started) -> None:
    """A child's status is how it ended."""
    assert await _ended(started.start("exit 7")) == Exited(7)
    assert await _ended(started.start("kill -TERM $$")) == Killed(signal.SIGTERM)


def test_start(started: Started, tmp_path: Path) -> None:
    """A child has its arguments, environment and directory, and a group of its own."""
    environment = {"A": "\udcff", "B": ""}
    out = started.output('pwd; printf "%s" "$A${B-unset}"', environment=environment, directory=str(tmp_path))
    assert out == bytes(tmp_path) + b"\n\xff"
    child = started.start("sleep 1000")
    assert os.getpgid(child.pid) == child.pid


def test_umask(started: Started) -> None:
    """A child has the caller's umask where it says one."""
    assert started.output("umask", umask=0o27) == b"0027\n"


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/no/such/program", CommandNotFoundError),
        ("/etc/passwd/x", CommandNotFoundError),
        ("/etc/passwd", NotExecutableError),
        ("/etc", NotExecutableError),
    ],
)
def test_program_that_cannot_be_started(started: Started, path: str, error: type[K8pshError]) -> None:
    """What execve(2) refuses is an error of its kind, and no process is left."""
    children = Path("/proc/thread-self/children")
    before = children.read_text()
    with pytest.raises(error):
        started.start("", path=path)
    assert children.read_text() == before


def test_script_whose_interpreter_is_missing(started: Started, tmp_path: Path) -> None:
    """A script whose first line names a program that isn't there counts as not found."""
    script = tmp_path / "script"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    with pytest.raises(CommandNotFoundError, match="interpreter"):
        started.start("", path=str(script))


async def test_script_without_interpreter(started: Started, tmp_path: Path) -> None:
    """A script without a first line is /bin/sh's, as for every shell; a file of other bytes isn't."""
    script = tmp_path / "script"
    script.write_text('exit "$1"\n')
    script.chmod(0o755)
    child = started.start("", path=str(script), arguments=("script", "9"))
    assert await _ended(child) == Exited(9)
    script.write_bytes(b"\0\0\0")
    with pytest.raises(NotExecutableError):
        started.start("", path=str(script))


def test_too_much(started: Started) -> None:
    """Arguments that execve(2) doesn't take are an error that says so."""
    with pytest.raises(NotExecutableError, match="too long"):
        started.start("", arguments=("sh", "x" * 200_000))


@pytest.mark.parametrize("directory", ["/no/such/directory", "/etc/passwd"])
def test_directory_that_cannot_be_entered(started: Started, directory: str) -> None:
    """A working directory that chdir(2) refuses is an error of its own."""
    with pytest.raises(WorkingDirectoryError, match=directory):
        started.start("", directory=directory)


def test_settings(started: Started) -> None:
    """A child has the configured niceness and limits."""
    niceness = os.nice(0)
    assert started.output("nice", nice=3) == b"%d\n" % (niceness + 3)
    limits = (Ulimit(name="nofile", soft=50, hard=60), Ulimit(name="core", soft=0, hard=0))
    assert started.output("ulimit -Sn; ulimit -Hn; ulimit -c", ulimits=limits) == b"50\n60\n0\n"


def test_settings_that_may_not_be_made(started: Started) -> None:
    """A limit that can't be had, for root neither, keeps the command from starting."""
    beyond = int(Path("/proc/sys/fs/nr_open").read_text()) + 1
    with pytest.raises(K8pshError, match="ulimits"):
        started.start("", ulimits=(Ulimit(name="nofile", soft=beyond, hard=beyond),))


def test_closed_stream(started: Started) -> None:
    """A stream that the caller doesn't have is closed for the child."""
    inheritable = [os.get_inheritable(number) for number in range(3)]
    for number in range(3):
        os.set_inheritable(number, False)  # as the server does
    reader, writer = os.pipe()
    started.start("", path="/bin/ls", arguments=("ls", "/proc/self/fd"), streams=(-1, writer, -1))
    for number, was in enumerate(inheritable):
        os.set_inheritable(number, was)
    os.close(writer)
    with open(reader, "rb") as file:
        shown = file.read().split()
    assert shown[:2] == [b"0", b"1"]  # 0 is the directory that ls reads
    assert b"2" not in shown


async def test_end(started: Started) -> None:
    """A child that is asked to end, and does, is reaped."""
    child = started.start("sleep 1000 & wait")
    await child.end(10)
    assert child.reap() == Killed(signal.SIGTERM)
    assert not child.signal_group(0)


async def test_end_by_force(started: Started) -> None:
    """A child that ignores TERM is killed when the grace period is over, with its background children."""
    child = started.start_ready("trap '' TERM; sh -c 'echo; exec sleep 1000' & wait; sleep 1000")
    begin = time.monotonic()
    await child.end(0.2)
    assert 0.2 <= time.monotonic() - begin < 10
    assert child.reap() == Killed(signal.SIGKILL)


async def test_end_of_a_stopped_child(started: Started, wait_until: Callable[..., Any]) -> None:
    """A stopped child is made to go on, so that it can end."""
    child = started.start("kill -STOP $$; exit 3")
    wait_until(lambda: Path(f"/proc/{child.pid}/stat").read_text().split()[2] == "T")
    await child.end(10)
    assert child.reap() == Killed(signal.SIGTERM)


async def test_end_of_a_reaped_child(started: Started, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is sent to a reaped child's group: its number may be another's."""
    child = started.start("exit 0")
    assert await _ended(child) == Exited(0)
    monkeypatch.setattr(os, "killpg", lambda *_: pytest.fail("a signal was sent"))
    child.terminate()
    await child.end(0)
    monkeypatch.undo()


async def test_end_is_not_cancelled(started: Started) -> None:
    """A group that was asked to end is waited for, whatever happens to who asked."""
    child = started.start_ready("trap '' TERM; echo; while :; do sleep 0.05; done")
    with trio.move_on_after(0.01):
        await child.end(0.2)
    assert child.reap() == Killed(signal.SIGKILL)


async def test_orphans(started: Started) -> None:
    """Reaping orphans doesn't lose the status of a child whose session hasn't asked yet."""
    child = started.start("exit 5")
    await trio.lowlevel.wait_readable(child.pidfd)
    orphan = os.spawnv(os.P_NOWAIT, "/bin/true", ["true"])
    os.waitid(os.P_PID, orphan, os.WEXITED | os.WNOWAIT)
    started.children.reap_orphans()
    with pytest.raises(ChildProcessError):
        os.waitpid(orphan, 0)
    assert child.reap() == Exited(5)

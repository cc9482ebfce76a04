"""`k8psh --install FILE`."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture
def volume() -> Iterator[Path]:
    """A directory that every user can enter."""
    path = Path(tempfile.mkdtemp(prefix="k8psh-volume-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def install(python_program: Path, processes: Any) -> Callable[..., Any]:
    """Return a function that installs to a file."""
    return lambda file, *before: processes.run([*before, str(python_program), "--install", str(file)])


def _version(processes: Any, file: Path, *before: str) -> Any:
    """Ask an installed k8psh for its version, from another directory and without this source tree."""
    return processes.run([*before, str(file), "--version"], cwd="/", env={"PYTHONPATH": "", "HOME": "/"})


def _files(volume: Path) -> set[str]:
    return {path.name for path in volume.iterdir()}


def test_installed_program_works(install: Callable[..., Any], processes: Any, volume: Path) -> None:
    """What was installed runs from any directory, without what it was installed from."""
    result = install(volume / "bin" / "k8psh")
    assert (result.code, result.out, result.err) == (0, b"", b"")
    assert _version(processes, volume / "bin" / "k8psh").out.startswith(b"k8psh ")


@needs_root
def test_installed_program_works_for_others(
    install: Callable[..., Any], processes: Any, volume: Path
) -> None:
    """Another user can run it, whatever the umask of who installed it."""
    assert install(volume / "k8psh", "/bin/sh", "-c", 'umask 077; exec "$@"', "sh").code == 0
    result = _version(processes, volume / "k8psh", *NOBODY)
    assert (result.code, result.err) == (0, b"")


def test_whole_call_with_what_was_installed(
    install: Callable[..., Any],
    processes: Any,
    volume: Path,
    free_port: Callable[[], int],
    wait_serving: Callable[..., None],
) -> None:
    """Server, stubs and client work from the installed file alone, the server by a link called k8pshd."""
    install(volume / "k8psh")
    (volume / "k8pshd").symlink_to("k8psh")
    port = free_port()
    (volume / "k8psh.conf").write_text(f"[ alpha:{port} ] =PATH=/usr/bin:/bin\nsh /bin/sh\n")
    words = [str(volume / "k8pshd"), "-n", "alpha", "-l", "-e", str(volume / "stubs")]
    process = processes.start(words, cwd=volume, env={"PYTHONPATH": ""})
    wait_serving(port, process)
    result = processes.run([str(volume / "stubs" / "sh"), "-c", "exit 7"], cwd=volume, env={"PYTHONPATH": ""})
    assert (result.code, result.err) == (7, b"")


def test_installing_twice(install: Callable[..., Any], processes: Any, volume: Path) -> None:
    """A second install changes nothing."""
    assert install(volume / "k8psh").code == 0
    before = {path: path.stat().st_mtime_ns for path in volume.rglob("*") if path.is_file()}
    assert install(volume / "k8psh").code == 0
    assert {path: path.stat().st_mtime_ns for path in volume.rglob("*") if path.is_file()} == before
    assert _version(processes, volume / "k8psh").code == 0


def test_installing_over_an_old_file(install: Callable[..., Any], processes: Any, volume: Path) -> None:
    """What was at the file before is replaced, also while it runs."""
    shutil.copy("/bin/sleep", volume / "k8psh")
    running = processes.start([str(volume / "k8psh"), "1000"])
    assert install(volume / "k8psh").code == 0
    assert running.poll() is None
    assert _version(processes, volume / "k8psh").code == 0


def test_directory_in_the_way(install: Callable[..., Any], volume: Path) -> None:
    """A directory isn't replaced, and nothing else is left there."""
    (volume / "k8psh").mkdir()
    result = install(volume / "k8psh")
    assert (result.code, result.err.count(b"\n")) == (125, 1)
    assert (volume / "k8psh").is_dir()


def test_volume_that_cannot_be_written(install: Callable[..., Any]) -> None:
    """A place where nothing can be written gives a line that names the file."""
    result = install("/proc/k8psh")
    assert (result.code, result.err.count(b"\n")) == (125, 1)
    assert b"/proc/k8psh" in result.err


@needs_root
@pytest.mark.parametrize("option", ["ro", "noexec"])
def test_useless_volume(python_program: Path, processes: Any, volume: Path, option: str) -> None:
    """A volume that is read-only or mounted noexec gives a line that says so."""
    script = f'mount -t tmpfs -o {option} none "$1" && exec "$0" --install "$1/k8psh"'
    words = ["unshare", "--mount", "/bin/sh", "-c", script, str(python_program), str(volume)]
    result = processes.run(words)
    assert (result.code, result.err.count(b"\n")) == (125, 1)
    assert {"ro": b"Read-only", "noexec": b"noexec"}[option] in result.err


def test_interrupted_install(
    install: Callable[..., Any],
    python_program: Path,
    processes: Any,
    volume: Path,
    wait_until: Callable[..., Any],
) -> None:
    """An install that is killed leaves no half program, and the next one removes what it left."""
    process = processes.start([str(python_program), "--install", str(volume / "k8psh")])
    wait_until(lambda: any(volume.glob(".k8psh-*.tmp")) or process.poll() is not None, "unfinished files")
    process.kill()
    process.wait()
    if (volume / "k8psh").exists():  # it was faster
        assert _version(processes, volume / "k8psh").code == 0
    assert install(volume / "k8psh").code == 0
    assert _version(processes, volume / "k8psh").code == 0
    assert not list(volume.glob(".k8psh-*.tmp"))


def test_installing_at_once(python_program: Path, processes: Any, volume: Path) -> None:
    """Several installs to one volume at once all succeed."""
    words = [str(python_program), "--install", str(volume / "k8psh")]
    installs = [processes.start(words) for _ in range(4)]
    assert [processes.finish(process).code for process in installs] == [0] * 4
    assert _version(processes, volume / "k8psh").code == 0
    assert len(_files(volume)) == 2

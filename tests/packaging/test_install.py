"""Installing leaves the old program or the new one, and says what is wrong with a volume."""

import os
import re
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

TREE = re.compile(r"\.k8psh-\d+\.\d+\.\d+-[0-9a-f]{12}")
MIB = 1 << 20


@pytest.fixture
def newer_bundle(bundle: Path, tmp_path: Path) -> Path:
    """Another version: the same programs, another list of contents."""
    newer = tmp_path / "newer"
    shutil.copytree(bundle, newer, symlinks=True)
    contents = newer / "CONTENTS"
    contents.write_text("newer\n" + contents.read_text())
    return newer


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """What is installed."""
    return tmp_path / "volume/bin/k8pshd"


@pytest.fixture
def install(processes: Any, file: Path) -> Callable[..., Any]:
    """Return a function that installs a bundle at `file`."""
    return lambda bundle, **keywords: processes.run(
        [bundle / "bin/k8psh", "--install", keywords.pop("file", file)], **keywords
    )


def names(directory: Path) -> list[str]:
    """Return what is in a directory, the installed trees by their kind."""
    return sorted("TREE" if TREE.fullmatch(entry.name) else entry.name for entry in directory.iterdir())


def is_whole(tree: Path, bundle: Path) -> bool:
    """Tell whether an installed tree has every file of a bundle."""

    def content(directory: Path) -> dict[Path, Any]:
        return {
            path.relative_to(directory): (path.lstat().st_mode, path.is_file() and path.read_bytes())
            for path in directory.rglob("*")
        }

    return content(tree) == content(bundle)


def installed(file: Path) -> Path:
    """Return the tree that `file` leads to."""
    return file.resolve().parent.parent


def test_the_whole_bundle_is_installed(
    install: Callable[..., Any], bundle: Path, file: Path, processes: Any
) -> None:
    """The link leads to a copy of everything, which every user can execute."""
    result = install(bundle)
    assert (result.code, result.out, result.err) == (0, b"", b"")
    assert names(file.parent) == ["TREE", "k8pshd"]
    assert is_whole(installed(file), bundle)
    file.parents[2].chmod(0o755)
    nobody = {"user": 65534} if os.geteuid() == 0 else {}
    assert processes.run([file, "--version"], **nobody).code == 0


def test_nothing_else_is_installed(
    install: Callable[..., Any], bundle: Path, file: Path, tmp_path: Path
) -> None:
    """Where the bundle lies among other files, as at an image's root, only its own are installed."""
    shutil.copytree(bundle, root := tmp_path / "root", symlinks=True)
    for other in ("bin/sh", "etc/passwd", "runtime/other"):
        (root / other).parent.mkdir(exist_ok=True)
        (root / other).touch(mode=0)
    assert install(root).code == 0
    assert is_whole(installed(file), bundle)


def test_an_installed_one_installs(
    install: Callable[..., Any], bundle: Path, file: Path, tmp_path: Path
) -> None:
    """What was installed can install itself elsewhere."""
    install(bundle)
    further = tmp_path / "further/k8psh"
    assert install(installed(file), file=further).code == 0
    assert is_whole(installed(further), bundle)


def test_the_same_version_again(install: Callable[..., Any], bundle: Path, file: Path) -> None:
    """Installing what is there changes nothing."""
    install(bundle)
    before = (installed(file), installed(file).stat().st_ino)
    assert install(bundle).code == 0
    assert (installed(file), installed(file).stat().st_ino) == before
    assert names(file.parent) == ["TREE", "k8pshd"]


def test_a_restrictive_umask(install: Callable[..., Any], bundle: Path, file: Path) -> None:
    """Under an umask that denies others everything, others can still read and execute what is installed."""
    assert install(bundle, umask=0o077).code == 0
    assert is_whole(installed(file), bundle)
    assert file.parent.stat().st_mode & 0o777 == 0o755


def test_two_at_once(bundle: Path, newer_bundle: Path, file: Path, processes: Any) -> None:
    """Of several installs at the same time each succeeds, and the last one's version is there, whole."""
    started = [
        processes.start([source / "bin/k8psh", "--install", file])
        for source in (bundle, newer_bundle, bundle, newer_bundle)
    ]
    for process in started:
        assert processes.finish(process).code == 0
    assert names(file.parent) == ["TREE", "TREE", "k8pshd"]
    assert is_whole(installed(file), bundle) or is_whole(installed(file), newer_bundle)


@pytest.mark.parametrize(
    "call", ["mkdir:when=2", "openat:when=300", "symlink:when=1", "rename:when=1", "rename:when=2"]
)
def test_an_interrupted_install(
    install: Callable[..., Any], bundle: Path, newer_bundle: Path, file: Path, processes: Any, call: str
) -> None:
    """Killed anywhere, an install leaves the old version in place; the next one clears away what it left."""
    install(bundle)
    name, _, when = call.partition(":")
    words = ["strace", "--follow-forks", "-o", "/dev/null", f"--inject={name}:signal=SIGKILL:{when}"]
    killed = processes.run([*words, newer_bundle / "bin/k8psh", "--install", file])
    assert killed.code == 128 + signal.SIGKILL
    assert is_whole(installed(file), bundle)
    assert processes.run([file, "--version"]).code == 0
    assert install(newer_bundle).code == 0
    assert is_whole(installed(file), newer_bundle)
    assert names(file.parent) == ["TREE", "TREE", "k8pshd"]


def test_upgrade_under_a_running_server(
    install: Callable[..., Any],
    bundle: Path,
    newer_bundle: Path,
    file: Path,
    processes: Any,
    tmp_path: Path,
    free_port: Callable[[], int],
    write_configuration: Callable[..., Path],
    wait_serving: Callable[..., None],
) -> None:
    """A server of the old version and its stubs go on working while the new one is there."""
    install(bundle)
    port = free_port()
    configuration = write_configuration(tmp_path, port, {"true": "/bin/true", "cat": "/bin/cat"})
    server = processes.start([file, "-n", "alpha", "-l", "-e", tmp_path / "exe", "-c", configuration])
    wait_serving(port, server)
    before = installed(file)
    assert install(newer_bundle).code == 0
    assert installed(file) != before
    assert processes.run([tmp_path / "exe/cat"], b"x", cwd=tmp_path / "base").out == b"x"
    os.utime(configuration)  # stale routes: the Python client answers, of the runtime that wrote them
    assert processes.run([tmp_path / "exe/cat"], b"y", cwd=tmp_path / "base").out == b"y"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("size=4m", b"No space left on device"),
        ("noexec", b"the volume is mounted noexec, nothing could be executed from it"),
        ("ro", b"Read-only file system"),
    ],
)
def test_a_volume_of_no_use(
    bundle: Path, tmp_path: Path, own_mounts: Callable[..., Any], options: str, reason: bytes
) -> None:
    """A full, noexec or read-only volume is named as the cause, in one line; nothing is left on it."""
    (volume := tmp_path / "volume").mkdir()
    result = own_mounts(f"""
        mount -t tmpfs -o {options} none {volume}
        ! {bundle}/bin/k8psh --install {volume}/k8psh
        ls -A {volume}
    """)
    assert result.err == b"k8psh: can't install to %s/k8psh: %s\n" % (os.fsencode(volume), reason)
    assert (result.code, result.out) == (0, b"")


def test_a_full_volume_keeps_the_old_version(
    bundle: Path, newer_bundle: Path, tmp_path: Path, own_mounts: Callable[..., Any]
) -> None:
    """Where the new version doesn't fit, the old one stays and works."""
    (volume := tmp_path / "volume").mkdir()
    size = sum(path.lstat().st_blocks * 512 for path in bundle.rglob("*")) + 4 * MIB
    result = own_mounts(f"""
        mount -t tmpfs -o size={size} none {volume}
        {bundle}/bin/k8psh --install {volume}/k8psh
        ! {newer_bundle}/bin/k8psh --install {volume}/k8psh
        {volume}/k8psh --version
        ls -A {volume} | wc -l
    """)
    assert result.err.endswith(b": No space left on device\n")
    assert re.fullmatch(rb"k8psh [\d.]+\n2\n", result.out)


def test_a_directory_in_the_way(install: Callable[..., Any], bundle: Path, file: Path) -> None:
    """A directory where the program should be is left alone, and is the reason that is given."""
    file.mkdir(parents=True)
    result = install(bundle)
    assert (result.code, result.err) == (
        125,
        b"k8psh: can't install to %s: Is a directory\n" % os.fsencode(file),
    )


def test_python_packages_are_installed(python_program: Path, file: Path, processes: Any) -> None:
    """Where k8psh is a Python package, what is installed runs by the container's Python."""
    result = processes.run([python_program, "--install", file])
    assert (result.code, result.err) == (0, b"")
    assert processes.run([file, "--version"], env={"PYTHONPATH": ""}).out.startswith(b"k8psh")

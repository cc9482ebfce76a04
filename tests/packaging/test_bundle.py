"""The bundle: what is in it, and that it runs where there is nothing else."""

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

MIB = 1 << 20
FOR_ANOTHER_LIBC = {"LD_LIBRARY_PATH": "/nowhere", "LD_PRELOAD": "", "GLIBC_TUNABLES": "glibc.malloc.check=0"}
FOR_OTHER_PROGRAMS = {"VIRTUAL_ENV": "/venv", "PYTHONHOME": "/python", "_PYI_ARCHIVE_FILE": "/another/bundle"}
OF_THE_BUNDLE = re.compile(rb"^(LD_|_PYI_|_MEIPASS|PYTHON|K8PSH_KEPT_|K8PSH_FALLBACK)", re.MULTILINE)


@pytest.fixture
def serve(
    bundle: Path,
    processes: Any,
    free_port: Callable[[], int],
    write_configuration: Callable[..., Path],
    wait_serving: Callable[..., None],
    tmp_path: Path,
) -> Callable[..., Any]:
    """Return a function that starts the bundle's server; its stubs are in `exe`."""

    def start(*, env: dict[str, str], inherited: list[str]) -> Any:
        port = free_port()
        rules = [{"inherit": name} for name in inherited]
        commands = {"env": {"program": "/usr/bin/env", "environment": rules}, "true": "/bin/true"}
        configuration = write_configuration(tmp_path, port, commands, server={"environment": []})
        words = [bundle / "bin/k8pshd", "-n", "alpha", "-l", "-e", tmp_path / "exe", "-c", configuration]
        process = processes.start(words, env=env)
        wait_serving(port, process)
        return process

    return start


def test_list_of_contents(bundle: Path) -> None:
    """CONTENTS names every file with its digest, and every part with its licence's text."""
    parts, _, files = (bundle / "CONTENTS").read_text().partition("\nFiles, by SHA-256:\n\n")
    listed = dict(reversed(line.split("  ", 1)) for line in files.splitlines() if not line.startswith("->"))
    there = [path for path in bundle.rglob("*") if path.is_file() and not path.is_symlink()]
    digests = {str(p.relative_to(bundle)): hashlib.sha256(p.read_bytes()).hexdigest() for p in there}
    digests.pop("CONTENTS")
    assert listed == digests
    for name in ("k8psh", "python", "trio", "pyyaml", "pyinstaller"):
        assert f"\n{name} " in parts
        assert any((bundle / "licenses" / name).iterdir())


def test_size(bundle: Path) -> None:
    """All of it is at most 30 MB."""
    assert sum(path.lstat().st_size for path in bundle.rglob("*")) <= 30_000_000


def test_two_builds_are_the_same(
    bundle: Path,
    sources: Path,
    tmp_path: Path,
    copy_sources: Callable[[Path], Path],
    build_bundle: Callable[[Path], Path],
) -> None:
    """Built from another directory, from files of another time, the bundle is the same, byte for byte."""
    shutil.copytree(
        sources / "k8psh", (other := copy_sources(tmp_path / "other")) / "k8psh", dirs_exist_ok=True
    )
    for name in ("native", "packaging"):
        shutil.copytree(sources / name, other / name, dirs_exist_ok=True)
    for path in other.rglob("*.py"):
        path.touch()
    again = build_bundle(other)

    def content(tree: Path) -> dict[Path, Any]:
        return {
            path.relative_to(tree): (
                path.lstat().st_mode,
                path.lstat().st_mtime,
                path.is_file() and path.read_bytes(),
            )
            for path in tree.rglob("*")
        }

    assert content(bundle) == content(again)


def test_nothing_that_is_left_out_is_used(root: Path) -> None:
    """No module of k8psh imports what empty modules stand for, but the one that prepares trio's import."""
    pattern = re.compile(r"^\s*(import|from) (ctypes|hmac|idna|ssl)\b", re.MULTILINE)
    users = [path.name for path in (root / "k8psh").rglob("*.py") if pattern.search(path.read_text())]
    assert users == ["import_trio.py"]


def test_an_empty_root(bundle: Path, own_mounts: Callable[..., Any], tmp_path: Path) -> None:
    """In a read-only root with the bundle and /proc alone, any user's server runs a command for a stub."""
    root = tmp_path / "root"
    volume = tmp_path / "volume"
    for directory in (root / "k8psh", root / "proc", root / "volume", volume):
        directory.mkdir(parents=True)
    volume.chmod(0o777)
    version = {"program": "/k8psh/bin/k8psh", "arguments": ["--version"]}
    server = {"name": "alpha", "port": 1120, "commands": {"version": version}}
    (volume / "k8psh.yaml").write_text(json.dumps({"baseDirectory": "/", "servers": [server]}))
    result = own_mounts(f"""
        mount --bind {bundle} {root}/k8psh
        mount -o remount,bind,ro {root}/k8psh
        mount --bind {volume} {root}/volume
        mount -t proc proc {root}/proc
        mount --rbind {root} {root}
        mount -o remount,bind,ro {root}
        exec unshare --net /bin/sh -euc '
            ip link set lo up
            enter() {{ program=$1; shift; chroot --userspec=65534:65534 {root} $program "$@" </dev/null; }}
            enter /k8psh/bin/k8psh --version
            enter /k8psh/bin/k8psh --check --config /volume/k8psh.yaml
            enter /k8psh/bin/k8pshd -n alpha -l -e /volume/exe -c /volume/k8psh.yaml -m 3 &
            for try in $(seq 200); do
                ! enter /k8psh/bin/k8psh --probe alpha -c /volume/k8psh.yaml 2>/dev/null || break
            done
            enter /volume/exe/version
            enter /k8psh/bin/k8psh --config /volume/k8psh.yaml version
            wait
        '
    """)
    version_line = (bundle / "CONTENTS").read_text().split("\n")[2].partition(":")[0]
    assert result.err == b""
    assert result.code == 0
    assert result.out.decode().splitlines() == [
        version_line,
        "/volume/k8psh.yaml: ok, 1 servers, 1 commands",
        version_line,
        version_line,
    ]


def test_a_child_sees_nothing_of_the_bundle(
    serve: Callable[..., Any], processes: Any, tmp_path: Path
) -> None:
    """A command without inherited variables has none that the loader, PyInstaller or the stub has set."""
    serve(env=FOR_ANOTHER_LIBC | FOR_OTHER_PROGRAMS, inherited=[])
    result = processes.run([tmp_path / "exe/env"], cwd=tmp_path / "base")
    assert (result.code, result.err) == (0, b"")
    assert not OF_THE_BUNDLE.search(result.out)


def test_a_child_inherits_what_the_server_was_given(
    serve: Callable[..., Any], processes: Any, tmp_path: Path
) -> None:
    """What the bundle keeps from its own loader and Python is what inherit rules give to commands."""
    given = FOR_ANOTHER_LIBC | FOR_OTHER_PROGRAMS
    serve(env=given, inherited=[*given, "LD_LIBRARY_PATH_ORIG", "_PYI_PARENT_PROCESS_LEVEL", "_MEIPASS2"])
    result = processes.run([tmp_path / "exe/env"], cwd=tmp_path / "base")
    lines = dict(line.split("=", 1) for line in result.out.decode().splitlines())
    assert {name: value for name, value in lines.items() if value} == {n: v for n, v in given.items() if v}


def test_the_server_process(serve: Callable[..., Any]) -> None:
    """The server is called k8pshd, was executed once, and takes at most 32 MiB of memory."""
    process = serve(env={}, inherited=[])
    proc = Path("/proc") / str(process.pid)
    assert (proc / "comm").read_text() == "k8pshd\n"
    # PyInstaller's program executes itself again with a library path where it isn't told that it needs none.
    assert b"LD_LIBRARY_PATH" not in (proc / "environ").read_bytes()
    [resident] = re.findall(r"^VmRSS:\s+(\d+) kB", (proc / "status").read_text(), re.MULTILINE)
    assert int(resident) * 1024 <= 32 * MIB


def test_closed_standard_streams(bundle: Path, processes: Any) -> None:
    """With no standard stream open, nothing of the runtime's takes its number: the exit code is right."""
    result = processes.run(["/bin/sh", "-c", 'exec "$0" --version <&- >&- 2>&-', bundle / "bin/k8psh"])
    assert (result.code, result.out, result.err) == (0, b"", b"")


def test_a_runtime_that_is_not_there(bundle: Path, processes: Any, tmp_path: Path) -> None:
    """Where the runtime's files have been removed, one line says so, and the exit code is 125."""
    shutil.copytree(bundle / "bin", tmp_path / "bin", symlinks=True)
    (tmp_path / "runtime").mkdir()
    shutil.copy(bundle / "runtime/start", tmp_path / "runtime")
    result = processes.run([tmp_path / "bin/k8psh", "--version"])
    assert (result.code, result.err.count(b"\n")) == (125, 1)
    assert b"/runtime/ld-k8psh.so.1: No such file or directory; install k8psh again" in result.err

"""A server that has the shared directory mounted elsewhere: the callers' path leads nowhere there."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

MOVE = 'mount --bind "$0" "$1" && mount -t tmpfs none "$0" && cd "$1" && shift && exec "$@"'
LINES = 100_000


@pytest.fixture
def call(
    native_program: Path,
    processes: Any,
    tmp_path: Path,
    free_port: Callable[[], int],
    write_configuration: Callable[..., Path],
) -> Callable[..., Any]:
    """Return a function that calls a command of such a server in the shared directory."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount the shared directory elsewhere")
    base, elsewhere = tmp_path / "base", tmp_path / "else where"
    elsewhere.mkdir()
    commands = {
        "read": {"program": "cat", "mapArguments": True},
        "read-as-it-is": "cat",
        "report": {"program": "sh", "mapOutput": True, "lane": "relay"},
    }
    mapping = {"clients": str(base), "servers": {"alpha": str(elsewhere)}}
    configuration = write_configuration(tmp_path, free_port(), commands, mappings=[mapping])
    (base / "file").write_text("said\n")
    daemon, stubs = native_program.parent / "k8pshd", tmp_path / "stubs"
    written = processes.run([daemon, "-n", "build", "-e", stubs, "-c", configuration])
    assert (written.code, written.err) == (0, b"")
    server = [daemon, "-n", "alpha", "-d", "-c", configuration]
    processes.start(["unshare", "--mount", "sh", "-c", MOVE, base, elsewhere, *server])
    return lambda command, *words, **keywords: processes.start(
        [stubs / command, *words], cwd=base, **keywords
    )


def test_only_a_mapped_path_is_found(call: Any, processes: Any, tmp_path: Path) -> None:
    """A relative path names the caller's file, an absolute one only where arguments are mapped."""
    file = str(tmp_path / "base" / "file")
    assert processes.finish(call("read-as-it-is", "file")).out == b"said\n"
    assert processes.finish(call("read", file)).out == b"said\n"
    missed = processes.finish(call("read-as-it-is", file))
    assert (missed.code, missed.out) == (1, b"")
    assert file.encode() in missed.err


def test_much_output(call: Any, processes: Any, tmp_path: Path) -> None:
    """Lines are mapped whole wherever a read cuts them, and none is lost."""
    result = processes.finish(call("report", "-c", f'yes "$PWD/file" | head -n {LINES}'))
    assert result.out == b"%s/file\n" % bytes(tmp_path / "base") * LINES


def test_lines_come_when_they_are_whole(call: Any, tmp_path: Path) -> None:
    """A line doesn't wait for the command's end."""
    process = call("report", "-c", 'echo "$PWD"; exec sleep 1000')
    assert process.stdout.readline() == b"%s\n" % bytes(tmp_path / "base")

"""What else a process inherits: the umask, and descriptors with what they are."""

import os
import pty
from pathlib import Path
from typing import Any

import pytest


def test_umask(client: Any) -> None:
    """The command has its caller's umask."""
    for umask in (0o022, 0o077, 0o000):
        assert client.shell("umask", umask=umask).out == b"%04o\n" % umask


def test_loop_over_input(client: Any) -> None:
    """A command in a loop leaves the loop's input alone; the relay lane, which must read ahead, takes it."""
    script = "printf '1\\n2\\n3\\n' | while read x; do \"$0\"; echo $x; done"
    result = client.processes.run(
        ["/bin/sh", "-c", script, client.path("true")],
        cwd=client.base,
        env={"K8PSH_LANE": client.kind.lane},
    )
    assert result.err == b""
    if client.kind.lane == "direct":
        assert result.out == b"1\n2\n3\n"
    else:
        assert result.out.startswith(b"1\n")


def test_seekable_input(client: Any, tmp_path: Path) -> None:
    """The command reads its caller's file from where it stands; on the direct lane it may seek in it."""
    (tmp_path / "file").write_bytes(b"0123456789")
    with (tmp_path / "file").open("rb") as stdin:
        os.lseek(stdin.fileno(), 4, os.SEEK_SET)
        code = "import os; print(os.read(0, 2)); os.lseek(0, 9, 0)"
        result = client.run("python3", "-c", code, stdin=stdin)
        assert result.out == b"b'45'\n"
        if client.kind.lane == "direct":
            assert os.lseek(stdin.fileno(), 0, os.SEEK_CUR) == 9
        else:
            assert b"Illegal seek" in result.err


@pytest.mark.parametrize("descriptor", [0, 1, 2])
def test_terminals(client: Any, descriptor: int, tmp_path: Path) -> None:
    """On the direct lane those of the command's descriptors are terminals that its caller's are."""
    ours, theirs = pty.openpty()
    streams = {("stdin", "stdout", "stderr")[descriptor]: theirs}
    report = client.base / f"report-{tmp_path.name}"
    script = f"exec 5>{report}; for n in 0 1 2; do if test -t $n; then echo $n >&5; fi; done"
    assert client.shell(script, **streams).code == 0
    os.close(theirs)
    os.close(ours)
    assert report.read_text() == (f"{descriptor}\n" if client.kind.lane == "direct" else "")


def test_nonblocking_output(client: Any) -> None:
    """A caller's pipe that is non-blocking gets everything; one that's blocking stays so."""
    reader, writer = os.pipe()
    code = "import os; os.set_blocking(1, False); os.write(1, b'x')"
    process = client.start("python3", "-c", code, stdout=writer)
    process.wait(timeout=20)
    assert os.read(reader, 10) == b"x"
    os.close(reader)
    os.close(writer)
    assert process.returncode == 0


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_descriptors(client: Any, closed: str, tmp_path: Path) -> None:
    """With descriptors closed, a call works, and no file of ours takes their place."""
    prefix = ["/bin/sh", "-c", f'exec "$@" {closed}', "sh"]
    done = client.base / f"done-{tmp_path.name}"
    result = client.shell(f"echo out; echo err >&2; cat; echo > {done}; exit 3", prefix=prefix)
    assert result.code == 3
    assert done.exists()
    assert result.out in (b"out\n", b"")

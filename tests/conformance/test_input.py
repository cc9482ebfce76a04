"""Standard input of every form."""

import os
import pty
from pathlib import Path
from subprocess import PIPE
from typing import Any


def test_piped_input(client: Any) -> None:
    """A pipe's bytes and end reach the command, and its output comes back whole."""
    data = os.urandom(3_000_000)
    assert client.run("cat", data=data).out == data


def test_input_from_a_file(client: Any, tmp_path: Path) -> None:
    """A file is read from where it stands."""
    file = tmp_path / "input"
    file.write_bytes(b"skipped\nread\n")
    with file.open("rb") as stdin:
        os.lseek(stdin.fileno(), 8, os.SEEK_SET)
        assert client.run("cat", stdin=stdin).out == b"read\n"


def test_null_input(client: Any) -> None:
    """Without input, the command sees the end at once."""
    result = client.shell("cat; echo done")
    assert (result.out, result.err) == (b"done\n", b"")


def test_closed_input(client: Any) -> None:
    """A caller whose stdin is closed gets its output all the same."""
    closed = ["/bin/sh", "-c", 'exec "$@" <&-', "sh"]
    result = client.shell("cat >/dev/null 2>&1; echo done", prefix=closed)
    assert (result.code, result.out, result.err) == (0, b"done\n", b"")


def test_input_from_a_terminal(client: Any) -> None:
    """Lines typed at a terminal reach the command as they come, and Ctrl-D ends them."""
    ours, theirs = pty.openpty()
    process = client.start("cat", stdin=theirs)
    os.close(theirs)
    for line in (b"one\n", b"two\n"):
        os.write(ours, line)
        assert process.stdout.read(4) == line
    os.write(ours, b"\x04")
    assert client.processes.finish(process).code == 0
    os.close(ours)


def test_dialogue(client: Any) -> None:
    """A line goes in and its answer comes out before the next: nothing is held back in between."""
    process = client.start("cat", stdin=PIPE)
    for number in range(20):
        line = b"%05d\n" % number
        process.stdin.write(line)
        process.stdin.flush()
        assert process.stdout.read(6) == line
    assert client.processes.finish(process, b"").code == 0


def test_end_of_input_before_the_end_of_output(client: Any) -> None:
    """A command that has read its input's end goes on writing."""
    assert client.shell("cat; echo after; seq 3", data=b"x\n").out == b"x\nafter\n1\n2\n3\n"


def test_command_that_closes_its_input(client: Any) -> None:
    """A command that closes its stdin ends as it likes, though its caller's input never ends."""
    process = client.start("sh", "-c", "exec 0<&-; echo closed; exit 3", stdin=PIPE)
    assert process.stdout.read() == b"closed\n"
    assert process.wait(timeout=20) == 3


def test_command_that_reads_nothing(client: Any, zeros: Any) -> None:
    """A command that ends without reading what it was sent ends the call."""
    process = client.start("sh", "-c", "exit 4", stdin=zeros)
    result = client.processes.finish(process)
    assert (result.code, result.err) == (4, b"")


def test_input_closed_while_sending(client: Any, zeros: Any) -> None:
    """A command that reads some of an endless input ends the call."""
    result = client.run("head", "-c", "100000", stdin=zeros)
    assert (result.code, result.out, result.err) == (0, bytes(100_000), b"")

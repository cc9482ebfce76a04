"""Standard output and standard error of every form."""

import os
import pty
from pathlib import Path
from subprocess import PIPE
from typing import Any


def test_separate_outputs(client: Any) -> None:
    """What a command writes to stdout and stderr stays apart."""
    result = client.shell("printf out; printf err >&2; exit 3")
    assert (result.code, result.out, result.err) == (3, b"out", b"err")


def test_both_outputs_in_one_pipe(client: Any) -> None:
    """Where both are one pipe, all of both comes by it."""
    result = client.shell("printf out; printf err >&2", stderr=-2)
    assert sorted([result.out[:3], result.out[3:]]) == [b"err", b"out"]


def test_all_output_before_the_exit(client: Any) -> None:
    """Every byte that was written before the end arrives."""
    expected = b"".join(b"%d\n" % number for number in range(1, 2_000_001))
    result = client.run("seq", "1", "2000000")
    assert (result.code, result.err) == (0, b"")
    assert result.out == expected


def test_much_of_both_outputs(client: Any) -> None:
    """Neither output waits for the other."""
    result = client.shell("head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2; echo end")
    assert (result.out, result.err) == (bytes(3_000_000) + b"end\n", bytes(3_000_000))


def test_output_to_a_file_that_is_appended_to(client: Any, tmp_path: Path) -> None:
    """A file opened for appending is appended to."""
    file = tmp_path / "output"
    file.write_bytes(b"before\n")
    with file.open("ab") as stdout:
        assert client.shell("echo after", stdout=stdout).code == 0
    assert file.read_bytes() == b"before\nafter\n"


def test_output_to_a_terminal(client: Any) -> None:
    """A terminal gets the output as it comes, while the command still runs."""
    ours, theirs = pty.openpty()
    process = client.start("sh", "-c", "echo one; read x", stdin=PIPE, stdout=theirs)
    os.close(theirs)
    assert os.read(ours, 100) == b"one\r\n"
    assert client.processes.finish(process, b"\n").code == 0
    os.close(ours)


def test_command_that_closes_its_output(client: Any) -> None:
    """The caller's reader sees the end of stdout while the command still runs."""
    process = client.start("sh", "-c", "echo out; exec 1>&-; read x; echo $x >&2; exit 5", stdin=PIPE)
    assert process.stdout.read() == b"out\n"
    assert process.poll() is None
    result = client.processes.finish(process, b"late\n")
    assert (result.code, result.err) == (5, b"late\n")


def test_reader_that_goes_away(client: Any) -> None:
    """`yes | head -1` ends, with the end by SIGPIPE that `yes` has at home."""
    script = '"$0" | head -1; echo "${PIPESTATUS[0]}"'
    result = client.processes.run(
        ["/bin/bash", "-c", script, client.path("yes")], env={"K8PSH_LANE": client.kind.lane}, cwd=client.base
    )
    assert (result.out, result.err) == (b"y\n141\n", b"")


def test_full_device(client: Any) -> None:
    """Output that can't be written ends the call with 1, as at home, and a line says so."""
    with open("/dev/full", "wb") as full:
        result = client.run("seq", "1000", stdout=full)
    assert result.code == 1
    assert b"No space left on device" in result.err


def test_closed_output(client: Any) -> None:
    """A caller whose stdout is closed still gets the exit code and stderr."""
    closed = ["/bin/sh", "-c", 'exec "$@" >&-', "sh"]
    result = client.shell("echo err >&2; exit 3", prefix=closed)
    assert (result.code, result.out, result.err) == (3, b"", b"err\n")


def test_daemon_that_holds_the_outputs(client: Any, kill_later: list[int], tmp_path: Path) -> None:
    """A call ends with its command, though a daemon that it left behind holds its streams."""
    with (tmp_path / "output").open("wb") as stdout:
        result = client.shell("setsid sleep 1000 & echo $!; exit 6", stdout=stdout, stderr=stdout)
    kill_later.append(int((tmp_path / "output").read_text()))
    assert result.code == 6

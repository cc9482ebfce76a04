"""Arguments, environment and working directory arrive as they are."""

import os
from pathlib import Path
from typing import Any

import pytest

LIST = 'printf "%s\\0" "$@"'


def _arrived(client: Any, *arguments: str | bytes) -> list[bytes]:
    """Return the arguments that the command was started with."""
    result = client.run("sh", "-c", LIST, "sh", *arguments)
    assert (result.code, result.err) == (0, b"")
    return result.out.split(b"\0")[:-1]  # type: ignore[no-any-return]


def test_odd_arguments(client: Any) -> None:
    """Empty arguments, those that aren't UTF-8, and those with any other byte arrive as they are."""
    odd = [b"", b"-x", b"a b", b"'\"\\$(x)*", b"\xff\xfe", "ä€😀".encode(), bytes(range(1, 256)), b"\n", b""]
    assert _arrived(client, *odd) == odd


def test_longest_argument(client: Any) -> None:
    """The longest argument that execve(2) takes, 128 KiB with its closing NUL, arrives."""
    longest = b"x" * (128 * 1024 - 1)
    assert _arrived(client, longest, b"y") == [longest, b"y"]


def test_many_arguments(client: Any) -> None:
    """Ten thousand arguments arrive in their order."""
    many = [b"%d" % number for number in range(10_000)]
    assert _arrived(client, *many) == many


def test_environment_without_the_callers(client: Any) -> None:
    """A command has the variables of its rules, in their order, and none besides."""
    result = client.run("envs")
    assert result.out.decode().splitlines() == [
        "PATH=/usr/bin:/bin",
        "MANDATORY=dflt",
        "OPT=serveropt",
        "OPTD=optdefault",
        "FIXED=fixed",
        "HOME=/srvhome",
        "NOVALUE=",
    ]


def test_environment_of_the_caller(client: Any) -> None:
    """The caller's values count for what may be passed, empty ones too, and for nothing else."""
    own = {"MANDATORY": "m=\udcff 'x'\n", "OPT": "", "FIXED": "mine", "HOME": "/home", "OTHER": "x"}
    result = client.run("envs", "-0", env=own)
    assert result.out.split(b"\0")[:-1] == [
        b"PATH=/usr/bin:/bin",
        b"MANDATORY=m=\xff 'x'\n",
        b"OPT=",
        b"OPTD=optdefault",
        b"FIXED=fixed",
        b"HOME=/srvhome",
        b"NOVALUE=",
    ]


@pytest.mark.parametrize("name", [b"sub", b"sub/deeper/still", "ä b".encode(), b"\xff\n", b"..x"])
def test_directory_below_the_base(client: Any, name: bytes) -> None:
    """The command starts in the caller's directory, whatever its name."""
    directory = os.path.join(os.fsencode(client.base), name)
    os.makedirs(directory, exist_ok=True)
    assert client.run("pwd", cwd=directory).out == directory + b"\n"


def test_mapped_directory(client: Any, server: Any) -> None:
    """Below a mapping, the command starts in the directory as its server sees it."""
    for base in (server.mapped, server.mapped_on_server):
        (base / "sub").mkdir(exist_ok=True)
    assert client.run("pwd", cwd=server.mapped / "sub").out == b"%s/sub\n" % bytes(server.mapped_on_server)
    assert client.run("pwd", cwd=server.mapped).out == b"%s\n" % bytes(server.mapped_on_server)


def test_directory_by_a_link(client: Any) -> None:
    """A link to a shared directory is that directory."""
    (client.base / "target").mkdir(exist_ok=True)
    link = client.base / "link"
    link.unlink(missing_ok=True)
    link.symlink_to("target")
    assert client.run("pwd", cwd=link).out == b"%s/target\n" % bytes(client.base)


def _assert_refused(result: Any) -> None:
    assert (result.code, result.out) == (125, b"")
    assert result.err.startswith(b"k8psh: ")
    assert result.err.count(b"\n") == 1


def test_directory_outside(client: Any, tmp_path: Path) -> None:
    """A call from outside of the shared directories is refused, with a line that says so."""
    result = client.run("pwd", cwd=tmp_path)
    _assert_refused(result)
    assert bytes(tmp_path) in result.err


def test_directory_outside_by_a_link(client: Any, tmp_path: Path) -> None:
    """A link out of the shared directories doesn't help to leave them."""
    link = client.base / f"out-{tmp_path.name}"
    link.symlink_to(tmp_path)
    _assert_refused(client.run("pwd", cwd=link))


def test_directory_that_only_the_client_has(client: Any, server: Any) -> None:
    """A directory that the server doesn't have is named."""
    (server.mapped / "only-here").mkdir(exist_ok=True)
    result = client.run("pwd", cwd=server.mapped / "only-here")
    _assert_refused(result)
    assert b"only-here" in result.err


def test_deleted_directory(client: Any, tmp_path: Path) -> None:
    """A working directory that is deleted already gives a line and 125."""
    directory = client.base / f"gone-{tmp_path.name}"
    directory.mkdir()
    result = client.run("pwd", cwd=directory, prefix=["/bin/sh", "-c", 'rmdir "$PWD"; exec "$@"', "sh"])
    _assert_refused(result)

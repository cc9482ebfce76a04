"""Which file a command's program is."""

from collections.abc import Callable
from pathlib import Path

import pytest

from k8psh.errors import CommandNotFoundError, NotExecutableError
from k8psh.server.lookup import find_program

Find = Callable[[str], tuple[str, bool]]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A directory with a working directory, `here`, and the PATH's, `a` and `b`, in it."""
    for name in ("here", "a", "b"):
        (tmp_path / name).mkdir()
    return tmp_path


@pytest.fixture
def find(directory: Path) -> Find:
    """Return a function that looks up a program."""
    environment = {"PATH": f"{directory}/a:{directory}/b"}
    return lambda program: find_program(program, str(directory / "here"), environment)


def _make(path: Path, mode: int = 0o755) -> Path:
    path.touch()
    path.chmod(mode)
    return path


def test_order(directory: Path, find: Find) -> None:
    """The working directory comes first, then the PATH's directories in their order."""
    for name in ("b", "a", "here"):
        tool = _make(directory / name / "tool")
        assert find("tool") == (str(tool), False)


def test_path_with_a_slash(directory: Path, find: Find) -> None:
    """A path with a slash isn't looked up on the PATH."""
    tool = _make(directory / "b" / "tool")
    (directory / "a" / "sub").mkdir()
    _make(directory / "a" / "sub" / "tool")
    assert find(str(tool)) == (str(tool), False)
    assert find("../b/tool") == (f"{directory}/here/../b/tool", False)
    with pytest.raises(CommandNotFoundError):
        find("sub/tool")


def test_what_cannot_be_executed(directory: Path, find: Find) -> None:
    """A directory or a file without permission gives way to a program behind it; the first one is named."""
    first = directory / "here" / "tool"
    first.mkdir()
    _make(directory / "a" / "tool", 0o644)
    with pytest.raises(NotExecutableError, match=str(first)):
        find("tool")
    last = _make(directory / "b" / "tool")
    assert find("tool") == (str(last), False)


def test_links(directory: Path, find: Find) -> None:
    """A link to a program is told of; one to nothing counts as nothing, one to a directory as that."""
    (directory / "here" / "tool").symlink_to("missing")
    with pytest.raises(CommandNotFoundError):
        find("tool")
    (directory / "a" / "tool").symlink_to(directory)
    with pytest.raises(NotExecutableError, match=str(directory / "a" / "tool")):
        find("tool")
    link = directory / "b" / "tool"
    link.symlink_to(_make(directory / "program"))
    assert find("tool") == (str(link), True)

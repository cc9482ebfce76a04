"""Working directories, from one container's view to another's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8psh.config.model import Configuration, Root
from k8psh.config.paths import absolute, from_wire, roots_for, to_wire
from k8psh.errors import WorkingDirectoryError

CONFIGURATION = Configuration(
    file="/workspace/k8psh.yaml",
    base_directory="/workspace",
    roots=(
        Root(clients="/workspace", servers={"alpine": "/workspace-server", "top": "/"}),
        Root(clients="/cache"),
        Root(clients="/workspace/deep", servers={"alpine": "/deep"}),
    ),
)
AT_TOP = Configuration(file="/etc/k8psh.conf", base_directory="/")


def test_roots_are_listed_longest_first() -> None:
    """A container's roots come as it sees them, with their prefixes, longest first."""
    assert roots_for(CONFIGURATION, "build") == (
        ("/workspace/deep", "/workspace/deep"),
        ("/workspace", ""),
        ("/cache", "/cache"),
    )
    assert roots_for(CONFIGURATION, "top")[-1] == ("/", "")


def test_base_directory_is_a_root_without_being_listed() -> None:
    """Without mappings the base directory is the only root."""
    assert roots_for(AT_TOP, "build") == (("/", ""),)


TO_WIRE = [
    (CONFIGURATION, "build", "/workspace", ""),
    (CONFIGURATION, "build", "/workspace/a/b", "a/b"),
    (CONFIGURATION, "build", "/workspace/deep/x", "/workspace/deep/x"),
    (CONFIGURATION, "build", "/workspace/deeper", "deeper"),
    (CONFIGURATION, "build", "/cache", "/cache"),
    (CONFIGURATION, "alpine", "/workspace-server/a", "a"),
    (CONFIGURATION, "alpine", "/deep/x", "/workspace/deep/x"),
    (CONFIGURATION, "top", "/etc", "etc"),
    (AT_TOP, "build", "/", ""),
    (AT_TOP, "build", "/a/b", "a/b"),
]


@pytest.mark.parametrize(("configuration", "name", "directory", "wire"), TO_WIRE)
def test_to_wire(configuration: Configuration, name: str, directory: str, wire: str) -> None:
    """A directory is sent relative to the base directory, or below another root as clients see it."""
    assert to_wire(configuration, name, directory) == wire


FROM_WIRE = [
    (CONFIGURATION, "build", "", "/workspace"),
    (CONFIGURATION, "alpine", "", "/workspace-server"),
    (CONFIGURATION, "alpine", "a/./b//c/", "/workspace-server/a/b/c"),
    (CONFIGURATION, "alpine", "deep/x", "/deep/x"),
    (CONFIGURATION, "alpine", "deeper", "/workspace-server/deeper"),
    (CONFIGURATION, "alpine", "/workspace/deep/x", "/deep/x"),
    (CONFIGURATION, "alpine", "/workspace/y", "/workspace-server/y"),
    (CONFIGURATION, "alpine", "/cache/z", "/cache/z"),
    (CONFIGURATION, "top", "a", "/a"),
    (CONFIGURATION, "top", "", "/"),
    (AT_TOP, "build", "a", "/a"),
    (AT_TOP, "build", "", "/"),
    (AT_TOP, "build", "/a", "/a"),
    (CONFIGURATION, "build", "a..b/...", "/workspace/a..b/..."),
]


@pytest.mark.parametrize(("configuration", "name", "wire", "path"), FROM_WIRE)
def test_from_wire(configuration: Configuration, name: str, wire: str, path: str) -> None:
    """What is on the wire becomes the path that the server sees, by the longest matching root."""
    assert from_wire(configuration, name, wire) == path


@pytest.mark.parametrize(
    "wire", ["..", "a/../b", "../workspace", "/workspace/..", "/etc", "/", "/cached", "/workspaces/a", "a\0b"]
)
def test_from_wire_stays_below_the_roots(wire: str) -> None:
    """Nothing on the wire leads out of the shared directories."""
    with pytest.raises(WorkingDirectoryError):
        from_wire(CONFIGURATION, "build", wire)


@pytest.mark.parametrize("directory", ["/", "/work", "/workspaces", "/etc", "(unreachable)/workspace", ""])
def test_to_wire_outside_says_where_to_go(directory: str) -> None:
    """Outside all roots the error lists the roots and the file to change."""
    with pytest.raises(WorkingDirectoryError, match=r"/workspace, /cache, or .* to /workspace/k8psh\.yaml"):
        to_wire(CONFIGURATION, "build", directory)


def test_root_that_is_a_link() -> None:
    """A root is found by its physical path, too, where the caller resolves links."""
    links = {"/workspace": "/mnt/volume"}
    assert to_wire(CONFIGURATION, "build", "/mnt/volume/a", lambda path: links.get(path, path)) == "a"


PARTS = st.lists(st.sampled_from(["a", "deep", "deeper", "workspace", "x.y"]), max_size=4)


@given(root=st.sampled_from(["/workspace", "/cache", "/workspace/deep"]), parts=PARTS)
def test_round_trip(root: str, parts: list[str]) -> None:
    """What a container sends is the same directory to itself."""
    directory = "/".join([root, *parts])
    assert from_wire(CONFIGURATION, "build", to_wire(CONFIGURATION, "build", directory)) == directory


@pytest.mark.parametrize(
    ("path", "expected"), [("", "/c"), (".", "/c"), ("a/../b", "/c/b"), ("/x//y/", "/x/y"), ("//", "/")]
)
def test_absolute(path: str, expected: str) -> None:
    """A path in a file is relative to the file's directory, and made simple."""
    assert absolute(path, "/c/k8psh.conf") == expected

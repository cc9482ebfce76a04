"""Paths in arguments and in output, between clients' view and a server's."""

import pytest

from k8psh.config.arguments import ArgumentMapping, LineMapping, differing_roots
from k8psh.config.model import Configuration, Root

CONFIGURATION = Configuration(
    file="/etc/k8psh.yaml",
    base_directory="/workspace",
    roots=(
        Root(clients="/workspace", servers={"alpha": "/workspace-server"}),
        Root(clients="/workspace/cache", servers={"alpha": "/mnt/cache"}),
        Root(clients="/same"),
    ),
)
ROOTS = differing_roots(CONFIGURATION, "alpha")


def test_only_roots_that_differ_are_mapped() -> None:
    """A root that a server sees where clients do needs no mapping; the longest comes first."""
    assert ROOTS == (("/workspace/cache", "/mnt/cache"), ("/workspace", "/workspace-server"))
    assert differing_roots(CONFIGURATION, "beta") == ()


@pytest.mark.parametrize(
    ("argument", "mapped"),
    [
        ("/workspace", "/workspace-server"),
        ("/workspace/x.c", "/workspace-server/x.c"),
        ("/workspace/cache/y", "/mnt/cache/y"),
        ("/workspace/cached", "/workspace-server/cached"),
        ("/workspaces/x", "/workspaces/x"),
        ("-I/workspace/include", "-I/workspace-server/include"),
        ("--sysroot=/workspace/root", "--sysroot=/workspace-server/root"),
        ("-DDIR=/workspace/cache", "-DDIR=/mnt/cache"),
        ("-Wl,-rpath=/workspace/lib", "-Wl,-rpath=/workspace-server/lib"),
        ("-Wl,-rpath,/workspace/lib", "-Wl,-rpath,/workspace/lib"),
        ("@/workspace/response", "@/workspace/response"),
        ("x/workspace/y", "x/workspace/y"),
        ("/same/x", "/same/x"),
        ("", ""),
    ],
)
def test_a_root_is_found_where_an_argument_has_a_path(argument: str, mapped: str) -> None:
    """At the start, after `=`, after a short option; whole components only; response files are left alone."""
    assert ArgumentMapping(ROOTS).map(argument) == mapped


def test_without_differing_roots_nothing_is_touched() -> None:
    """The mapping of nothing is the identity."""
    assert ArgumentMapping(()).map("/workspace/x") == "/workspace/x"
    assert LineMapping(()).map(b"/workspace-server/x\n") == b"/workspace-server/x\n"


@pytest.mark.parametrize(
    ("line", "mapped"),
    [
        (b"/workspace-server/x.c:3:1: error: no\n", b"/workspace/x.c:3:1: error: no\n"),
        (b"In file included from /mnt/cache/a.h,\n", b"In file included from /workspace/cache/a.h,\n"),
        (b"'/workspace-server'\n", b"'/workspace'\n"),
        (b"/workspace-servers/x\n", b"/workspace-servers/x\n"),
        (b"a/workspace-server/x\n", b"a/workspace-server/x\n"),
    ],
)
def test_a_servers_path_in_a_line_becomes_the_clients(line: bytes, mapped: bytes) -> None:
    """Compiler diagnostics name the files as the caller knows them."""
    assert LineMapping(ROOTS).map(line) == mapped

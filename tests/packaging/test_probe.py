"""`k8psh --probe NAME` tells whether a server is serving."""

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def site(
    tmp_path: Path, free_port: Callable[[], int], write_configuration: Callable[..., Path]
) -> tuple[Path, int]:
    """A configuration, and the port of its server alpha."""
    port = free_port()
    return write_configuration(tmp_path, port, {"true": "/bin/true"}), port


@pytest.fixture
def probe(site: tuple[Path, int], python_program: Path, processes: Any) -> Callable[..., Any]:
    """Return a function that asks for a server."""
    return lambda name: processes.run([python_program, "--config", site[0], "--probe", name])


def test_a_server_that_serves(
    site: tuple[Path, int],
    probe: Callable[..., Any],
    python_program: Path,
    processes: Any,
    wait_serving: Callable[..., None],
) -> None:
    """Exit code 0 while the server is there, and the server goes on as though nobody had asked; then 1."""
    configuration, port = site
    words = [python_program.parent / "k8pshd", "-n", "alpha", "-d", "-c", configuration]
    server = processes.start(words)
    wait_serving(port, server)
    for _ in range(3):
        result = probe("alpha")
        assert (result.code, result.out, result.err) == (0, b"", b"")
    server.terminate()
    assert processes.finish(server).err == b""
    assert probe("alpha").code == 1


def test_a_server_that_is_not_there(site: tuple[Path, int], probe: Callable[..., Any]) -> None:
    """Exit code 1, and one line that says which server, where, and why."""
    result = probe("alpha")
    line = f"k8psh: the server 'alpha' isn't serving on port {site[1]} (Connection refused)\n"
    assert (result.code, result.out, result.err) == (1, b"", line.encode())


def test_a_name_without_commands(site: tuple[Path, int], probe: Callable[..., Any]) -> None:
    """A name that the configuration doesn't have can't be serving."""
    result = probe("beta")
    line = f"k8psh: {site[0]} has no server 'beta' with commands\n"
    assert (result.code, result.err) == (1, line.encode())


@pytest.mark.parametrize("lane", ["tcp", "unix"])
def test_one_lane_is_enough(site: tuple[Path, int], probe: Callable[..., Any], lane: str) -> None:
    """A server that listens on TCP alone, as the C++ k8psh does, or on the Unix socket alone, is serving."""
    port = site[1]
    family, address = {
        "tcp": (socket.AF_INET, ("127.0.0.1", port)),
        "unix": (socket.AF_UNIX, f"\0k8psh:{port}"),
    }[lane]
    with socket.socket(family) as listener:
        listener.bind(address)
        listener.listen()
        assert probe("alpha").code == 0


def test_a_broken_configuration(site: tuple[Path, int], probe: Callable[..., Any]) -> None:
    """A configuration that can't be loaded is exit code 78, as for every other tool."""
    site[0].write_text("servers: 1\n")
    assert probe("alpha").code == 78

"""A server that sees a shared directory elsewhere: arguments on the way there, output on the way back.

The two directories are different ones here, so that each file tells by which path it was opened.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CLIENTS = {"python": "python_program", "native": "native_program"}
COMMANDS = {
    "arguments": {"program": "/usr/bin/printf", "arguments": ["%s\\n"], "mapArguments": True},
    "read": {"program": "/bin/cat", "mapArguments": True},
    "as-they-are": {"program": "/usr/bin/printf", "arguments": ["%s\\n"]},
    "report": {"program": "/bin/sh", "mapOutput": True, "lane": "relay"},
}


class Place:
    """The shared directory as clients see it and as the server does, and a function that calls commands."""

    def __init__(self, directory: Path, call: Callable[..., Any]) -> None:
        self.clients = directory / "workspace"
        self.servers = directory / "elsewhere"
        self.call = call


@pytest.fixture(params=[pytest.param(name, marks=pytest.mark.slow) for name in CLIENTS])
def place(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    processes: Any,
    python_program: Path,
    write_configuration: Callable[..., Path],
    free_port: Callable[[], int],
    wait_serving: Callable[..., None],
) -> Place:
    """A place with a running server."""
    program = request.getfixturevalue(CLIENTS[request.param])
    port, stubs = free_port(), tmp_path / "stubs"

    def call(lane: str, *words: str) -> Any:
        path = stubs / words[0]
        environment = {"K8PSH_LANE": lane} if lane else {}
        return processes.run([path, *words[1:]], cwd=place.clients / "sub", env=environment)

    place = Place(tmp_path, call)
    for root, name in ((place.clients, "clients"), (place.servers, "servers")):
        (root / "sub").mkdir(parents=True)
        (root / "file").write_text(f"the {name}' file\n")
    mapping = {"clients": str(place.clients), "servers": {"alpha": str(place.servers)}}
    configuration = write_configuration(tmp_path, port, COMMANDS, mappings=[mapping])
    written = processes.run([program.parent / "k8pshd", "-n", "build", "-e", stubs, "-c", configuration])
    assert (written.code, written.err) == (0, b"")
    for name in COMMANDS:
        (stubs / name).unlink()  # a built source tree prefers the stub program, whoever writes
        (stubs / name).symlink_to(program)
    words = [python_program.parent / "k8pshd", "-n", "alpha", "-d", "-e", tmp_path / "none"]
    with (tmp_path / "log").open("wb") as log:
        server = processes.start([*words, "-c", configuration], stdout=log, stderr=log, cwd=tmp_path)
    wait_serving(port, server)
    return place


@pytest.mark.parametrize("lane", ["direct", "relay"])
def test_arguments(place: Place, lane: str) -> None:
    """The clients' path becomes the server's where a path can begin, and nowhere else."""
    here, there = place.clients, place.servers
    given = [f"{here}/file", f"-I{here}", f"--sysroot={here}/root", f"-Wl,{here}", f"{here}2", "../file"]
    seen = [f"{there}/file", f"-I{there}", f"--sysroot={there}/root", f"-Wl,{here}", f"{here}2", "../file"]
    result = place.call(lane, "arguments", *given)
    assert (result.code, result.out.decode().splitlines(), result.err) == (0, seen, b"")
    assert place.call(lane, "as-they-are", *given).out.decode().splitlines() == given


@pytest.mark.parametrize("lane", ["direct", "relay"])
def test_files(place: Place, lane: str) -> None:
    """An absolute path and a relative one name the same file, which the server has."""
    result = place.call(lane, "read", f"{place.clients}/file", "../file")
    assert (result.code, result.out, result.err) == (0, b"the servers' file\n" * 2, b"")


def test_output(place: Place) -> None:
    """The server's path becomes the clients' in both outputs, also in a last line without its end."""
    here, there = place.clients, place.servers
    script = 'echo "$PWD"; printf "%s/a.c:1: error" "$0" >&2; printf "in (%s/a.h), %s2" "$0" "$0"; exit 3'
    result = place.call("", "report", "-c", script, str(there))
    assert result.code == 3
    assert result.out.decode() == f"{here}/sub\nin ({here}/a.h), {there}2"
    assert result.err.decode() == f"{here}/a.c:1: error"


def test_output_in_parts(place: Place) -> None:
    """A line that is written in parts is mapped as the whole that it is."""
    here, there = place.clients, place.servers
    half = len(str(there)) // 2
    script = 'printf %s "$0"; sleep 0.2; printf "%s/a.c\\n" "$1"'
    result = place.call("relay", "report", "-c", script, str(there)[:half], str(there)[half:])
    assert (result.code, result.out.decode(), result.err) == (0, f"{here}/a.c\n", b"")


def test_output_in_the_direct_lane(place: Place) -> None:
    """Where output can't be mapped the command isn't started, and the message says how to call it."""
    result = place.call("direct", "report", "-c", "echo started")
    assert (result.code, result.out) == (125, b"")
    assert b"relay lane" in result.err
    assert b"K8PSH_LANE" in result.err

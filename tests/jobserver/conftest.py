"""Two servers with a make and a shell each, and stubs of every kind for them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CLIENTS = {"python": "python_program", "native": "native_program"}
LANES = ("direct", "relay")
SERVERS = ("alpha", "beta")


class Place:
    """A running server's shared directory, and the stubs `alpha-make`, `alpha-sh`, `beta-make`, `beta-sh`."""

    def __init__(self, base: Path, stubs: Path, lane: str) -> None:
        self.base = base
        self.environment = {"PATH": f"{stubs}:/usr/bin:/bin", "K8PSH_LANE": lane}


@pytest.fixture(params=[pytest.param(name, marks=pytest.mark.slow) for name in CLIENTS])
def make_place(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    processes: Any,
    python_program: Path,
    write_configuration: Callable[..., Path],
    free_port: Callable[[], int],
    wait_serving: Callable[..., None],
) -> Callable[[str], Place]:
    """Return a function that makes a place whose calls take a lane."""
    program = request.getfixturevalue(CLIENTS[request.param])

    def make(lane: str) -> Place:
        stubs = tmp_path / "stubs"
        variables = {"PATH": f"{stubs}:/usr/bin:/bin", "K8PSH_LANE": lane}
        environment = [{"fixed": name, "value": value} for name, value in variables.items()]
        servers = [
            {
                "name": name,
                "port": free_port(),
                "environment": [*environment, {"optional": "MAKEFLAGS"}],
                "commands": {f"{name}-make": "/usr/bin/make", f"{name}-sh": "/bin/sh"},
            }
            for name in SERVERS
        ]
        configuration = write_configuration(tmp_path, 0, {}, servers=servers)
        daemon = python_program.parent / "k8pshd"
        written = processes.run([program.parent / "k8pshd", "-n", "build", "-e", stubs, "-c", configuration])
        assert (written.code, written.err) == (0, b"")
        for stub in stubs.iterdir():
            if not stub.name.startswith("."):
                stub.unlink()  # a built source tree prefers the stub program, whoever writes
                stub.symlink_to(program)
        for server in servers:
            words = [daemon, "-n", server["name"], "-d", "-e", tmp_path / "none", "-c", configuration]
            with (tmp_path / "log").open("ab") as log:
                process = processes.start(words, stdout=log, stderr=log, cwd=tmp_path)
            wait_serving(server["port"], process)
        return Place(tmp_path / "base", stubs, lane)

    return make

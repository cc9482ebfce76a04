"""The recorded exchanges of protocol 1, with the stub as the client."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "protocol-1.json").read_text())["client"]
OWN = b"\x01\x10\0\0\0K8PSH_PROTOCOL=2\x01\x0e\0\0\0K8PSH_UMASK=22"
"""What version 2 says first: a server of version 1 ignores variables that a command doesn't list."""
COMMANDS = {
    "true": (),
    "cat": (),
    "pwd": (),
    "envs": ("MANDATORY", "OPT", "OPTD", "HOME_LESS", "NOVALUE", "EXP"),
}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["case"])
def test_client_vector(place: Any, server: Any, finish: Callable[..., Any], vector: dict[str, Any]) -> None:
    """Behind two variables of its own the stub sends, prints and ends as the reference client did."""
    place.routes.commands = COMMANDS
    place.write()
    directory = place.base / vector["working_directory"]
    directory.mkdir(exist_ok=True)
    stdin = place.directory / "stdin"
    stdin.write_text(vector["stdin"])
    with stdin.open() as opened:
        process = place.start(
            *vector["argv"], cwd=directory, environment=vector["environment"], stdin=opened, umask=0o22
        )
    connection = server.accept()
    assert connection.read_exactly(len(OWN)) == OWN
    sent = connection.read_exactly(len(vector["client_sent_hex"]) // 2)
    connection.send(bytes.fromhex(vector["server_sends_hex"]))
    connection.socket.shutdown(1)
    status, out, err = finish(process)
    assert sent.hex() == vector["client_sent_hex"]
    if vector["client_wait_status"].startswith("exit "):
        assert out.decode() == vector["client_stdout"]
        assert status == int(vector["client_wait_status"].removeprefix("exit "))
        assert err == (b"ERR" if vector["case"].startswith("standard output, standard error") else b"")
    else:
        # The reference aborts and loses what it had buffered; the stub has written it.
        assert out == (b"x" if "closed" in vector["case"] else b"")
        assert status == 125
        assert err.startswith(b"k8psh: true: ")
        assert err.count(b"\n") == 1

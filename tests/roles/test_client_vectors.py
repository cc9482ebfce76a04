"""The recorded exchanges of version 1, with the Python client against a scripted server."""

import json
import socket
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

RECORDED = json.loads((Path(__file__).parents[1] / "vectors" / "protocol-1.json").read_text())
HEADER = struct.Struct("<BI")
OWN_VARIABLE = b"K8PSH_"


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """The scripted server's socket."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        sock.settimeout(30)
        yield sock


def _read_sent(connection: socket.socket) -> bytes:
    """Return the request and what came of stdin up to its end, without what version 2 says of itself."""
    sent = b""
    while True:
        header = connection.recv(HEADER.size, socket.MSG_WAITALL)
        kind, length = HEADER.unpack(header)
        payload = connection.recv(length, socket.MSG_WAITALL) if length else b""
        if not (kind == 1 and payload.startswith(OWN_VARIABLE)):
            sent += header + payload
        if (kind, length) == (4, 0):
            return sent


@pytest.fixture
def start_client(
    tmp_path: Path, python_program: Path, processes: Any, listener: socket.socket
) -> Callable[..., Any]:
    """Return a function that starts `k8psh COMMAND` as a vector says, with the scripted server as alpha."""
    configuration = tmp_path / "k8psh.conf"
    port = listener.getsockname()[1]
    configuration.write_text(RECORDED["configuration"].replace(":2301", f":{port}"))

    def start(vector: dict[str, Any]) -> Any:
        directory = tmp_path / vector["working_directory"]
        directory.mkdir(exist_ok=True)
        (tmp_path / "stdin").write_text(vector["stdin"])
        with (tmp_path / "stdin").open() as stdin:
            environment = {"K8PSH_CONFIG": str(configuration), "K8PSH_LANE": "relay", **vector["environment"]}
            return processes.start(
                [str(python_program), *vector["argv"]], cwd=directory, env=environment, stdin=stdin
            )

    return start


@pytest.mark.parametrize("vector", RECORDED["client"], ids=lambda vector: vector["case"])
def test_client_vector(
    start_client: Callable[..., Any], listener: socket.socket, processes: Any, vector: dict[str, Any]
) -> None:
    """The client sends what the reference client sent, and prints and ends as it did."""
    process = start_client(vector)
    connection, _ = listener.accept()
    with connection:
        connection.settimeout(30)
        sent = _read_sent(connection)
        connection.sendall(bytes.fromhex(vector["server_sends_hex"]))
        connection.shutdown(socket.SHUT_WR)
        result = processes.finish(process)
    assert sent.hex() == vector["client_sent_hex"]
    if vector["client_wait_status"].startswith("exit "):
        assert result.out.decode() == vector["client_stdout"]
        assert result.code == int(vector["client_wait_status"].removeprefix("exit "))
        assert result.err == (b"ERR" if "standard error" in vector["case"] else b"")
    else:  # where the reference aborts, ours has written what came, and says what is wrong
        assert result.code == 125
        assert result.out == (b"x" if "closed" in vector["case"] else b"")
        assert result.err.startswith(b"k8psh: true: ")
        assert result.err.count(b"\n") == 1

"""Protocol 2 as written down in tests/vectors/protocol-2.json: the server's answers, byte for byte."""

import array
import json
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "protocol-2.json").read_text())
PATIENCE_SECONDS = 30.0
FRAME = "0[56]020{6}[0-9a-f]{4}|0[56]050{6}[0-9a-f]{10}|13[0-9a-f]+|[0-9a-f]{10}"
"""A frame of those in the vectors, in hexadecimal digits."""


@pytest.fixture(scope="module")
def port(
    tmp_path_factory: pytest.TempPathFactory,
    free_port: Callable[[], int],
    python_program: Path,
    module_processes: Any,
    wait_serving: Callable[..., None],
) -> int:
    """Start a server of the vectors' configuration."""
    directory, number = tmp_path_factory.mktemp("vectors"), free_port()
    file = directory / "k8psh.conf"
    file.write_text(VECTORS["configuration"].replace("2301", str(number)))
    words = [str(python_program.with_name("k8pshd")), "-n", "alpha", "-d", "-c", str(file)]
    wait_serving(number, module_processes.start(words, cwd=directory))
    return number


def receive_all(connection: socket.socket) -> str:
    """Return what comes until the connection's end, in hexadecimal digits."""
    received = b""
    while data := connection.recv(65536):
        received += data
    return received.hex()


def without_ends(frames: str) -> str:
    """Return frames without those that close a stream: their order is the command's to choose."""
    return "".join(frame for frame in re.findall(FRAME, frames) if not re.fullmatch("0[456]0{8}", frame))


@pytest.mark.parametrize("case", VECTORS["relay"], ids=lambda case: case["case"])
def test_relay_lane(port: int, case: dict[str, Any]) -> None:
    """On the relay lane the server says HELLO first, then exactly what is written down."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) as connection:
        connection.sendall(bytes.fromhex(case["client_sends_hex"]))
        assert without_ends(receive_all(connection)) == without_ends(case["server_sends_hex"])


@pytest.mark.parametrize("case", VECTORS["direct"], ids=lambda case: case["case"])
def test_direct_lane(port: int, case: dict[str, Any]) -> None:
    """On the direct lane nothing but the last frame and the answers to signals comes."""
    data = bytes.fromhex(case["client_sends_hex"])
    passed = array.array("i", [number for number in range(3) if data[1] & 1 << number])
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, passed)] if passed else []
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(PATIENCE_SECONDS)
        connection.connect(f"\0k8psh:{port}")
        connection.sendmsg([data], rights)
        assert receive_all(connection) == case["server_sends_hex"]

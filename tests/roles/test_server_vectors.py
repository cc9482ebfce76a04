"""The recorded exchanges of version 1, with k8pshd as the server."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

RECORDED = json.loads((Path(__file__).parents[1] / "vectors" / "protocol-1.json").read_text())
ENDED = ["stderr", "stdout"]
DEVIATIONS: dict[str, dict[str, Any]] = {
    "command killed": {"exit_code": 128 + 9},
    "terminate": {"exit_code": 128 + 15, "streams_ended": ENDED},
    "command nosuch": {"exit_code": 127},
    "command notexec": {"exit_code": 126},
    "command nonexistent": {"exit_code": 127, "stderr": "<a diagnostic>", "streams_ended": ENDED},
}
"""Where the reference ends the connection without an exit code, our server says what happened."""
TEXTS = {"200000 bytes": "\0" * 200_000}


@pytest.fixture(scope="module")
def port(
    tmp_path_factory: pytest.TempPathFactory,
    free_port: Callable[[], int],
    python_program: Path,
    module_processes: Any,
    wait_serving: Callable[..., None],
) -> int:
    """The port of a server with the recording's configuration and environment."""
    number = free_port()
    directory = tmp_path_factory.mktemp("vectors")
    configuration = directory / "k8psh.conf"
    configuration.write_text(RECORDED["configuration"].replace(":2301", f":{number}"))
    words = [str(python_program.parent / "k8pshd"), "--name=alpha", "-d", "-c", str(configuration)]
    process = module_processes.start(words, cwd=directory, env=RECORDED["server_environment"])
    wait_serving(number, process)
    return number


@pytest.mark.parametrize("vector", RECORDED["server"], ids=lambda vector: vector["case"])
def test_server_vector(port: int, open_call: Callable[[int], Any], vector: dict[str, Any]) -> None:
    """The server answers as the reference did, except for what the reference gets wrong."""
    expected = vector | DEVIATIONS.get(vector["case"], {})
    with open_call(port) as call:
        call.send(bytes.fromhex(vector["client_sends_hex"]))
        if vector["case"] == "truncated header":
            call.socket.shutdown(1)
        reply = call.finish()
    assert reply.exit_code == expected["exit_code"]
    assert sorted(reply.ended) == expected["streams_ended"]
    assert reply.stdout.decode() == TEXTS.get(expected["stdout"], expected["stdout"])
    if expected["stderr"] == "<a diagnostic>":
        assert reply.stderr.startswith(b"k8psh: ")
        assert reply.stderr.count(b"\n") == 1
    else:
        assert reply.stderr.decode() == expected["stderr"]

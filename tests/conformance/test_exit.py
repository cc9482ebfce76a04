"""How a call ends is how the command ended."""

import signal
from typing import Any

import pytest

SOME_CODES = (0, 1, 2, 125, 126, 127, 128, 255)


def test_exit_codes(client: Any) -> None:
    """An exit code arrives as it is: each of 0 to 255 where a call costs little, else some."""
    codes = list(range(256) if client.kind.is_fast else SOME_CODES)
    assert [client.shell(f"exit {code}").code for code in codes] == codes


@pytest.mark.parametrize("name", ["HUP", "INT", "QUIT", "KILL", "TERM", "SEGV", "PIPE", "USR1"])
def test_death_by_signal(client: Any, name: str) -> None:
    """A command that dies by a signal makes the call end as a shell says it: 128 and the number."""
    result = client.shell(f"ulimit -c 0; kill -{name} $$")
    assert (result.code, result.out, result.err) == (128 + signal.Signals[f"SIG{name}"], b"", b"")


@pytest.mark.parametrize(("command", "code"), [("nosuch", 127), ("notexec", 126)])
def test_program_that_cannot_be_started(client: Any, command: str, code: int) -> None:
    """A program that doesn't exist is 127, one that may not be executed 126, and one line says so."""
    result = client.run(command)
    assert (result.code, result.out) == (code, b"")
    assert result.err.startswith(b"k8psh: %s: " % command.encode())
    assert result.err.count(b"\n") == 1

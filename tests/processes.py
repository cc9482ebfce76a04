"""A test's processes: starting and ending them, what they get and how they ended; waiting for conditions."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PATIENCE_SECONDS = 30.0
"""No condition that a test waits for takes a tenth of this, other work on the machine included."""
INSTALLED = os.environ.get("K8PSH_TEST_INSTALLED")
"""Where the programs to be tested are, python/k8psh{,d} and native/k8psh{,d}; unset: the source tree."""
_POLL_SECONDS = 0.005


def wait(condition: Callable[[], Any], what: str = "", seconds: float = PATIENCE_SECONDS) -> Any:
    """Return what `condition` gives as soon as that is true; fail the test after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        if time.monotonic() > deadline:
            pytest.fail(f"waited {seconds} s for {what or condition}")
        time.sleep(_POLL_SECONDS)
    return result


@dataclass(frozen=True, slots=True)
class Result:
    """How a process ended, as a shell says it: 128 and the signal's number for one that was killed."""

    code: int
    out: bytes
    err: bytes


class Processes:
    """Starts processes, and ends what a test leaves."""

    def __init__(self) -> None:
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self, words: list[str | bytes], **keywords: Any) -> subprocess.Popen[bytes]:
        """Start a process in an environment of its own: nothing but `env`, a PATH and coverage's variables.

        Standard input is null, the outputs are pipes, unless Popen's keywords say otherwise.
        """
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        keywords["env"] = plain_environment() | dict(keywords.get("env") or {})
        process: subprocess.Popen[bytes] = subprocess.Popen(words, **(pipes | keywords))
        self._started.append(process)
        return process

    def finish(self, process: subprocess.Popen[bytes], data: bytes | None = None) -> Result:
        """Wait for a process's end, with `data` for its standard input where that is a pipe."""
        out, err = process.communicate(data, timeout=PATIENCE_SECONDS)
        code = process.returncode
        return Result(128 - code if code < 0 else code, out or b"", err or b"")

    def run(self, words: list[str | bytes], data: bytes | None = None, **keywords: Any) -> Result:
        """Start a process and wait for its end."""
        if data is not None:
            keywords["stdin"] = subprocess.PIPE
        return self.finish(self.start(words, **keywords), data)

    def close(self) -> None:
        """Ask whatever still runs to end, then kill it."""
        for number, seconds in ((signal.SIGCONT, 0.0), (signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
            for process in self._started:
                process.send_signal(number)
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline and any(p.poll() is None for p in self._started):
                time.sleep(_POLL_SECONDS)
        for process in self._started:
            process.wait()
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe is not None:
                    with_closed(pipe)


def with_closed(pipe: Any) -> None:
    """Close a pipe, even one whose reader has gone."""
    try:
        pipe.close()
    except BrokenPipeError:
        pipe.raw.close()


def plain_environment() -> dict[str, str]:
    """Return what every process gets: a PATH, this source tree for Python, and what measures coverage."""
    measuring = {name: value for name, value in os.environ.items() if name.startswith(("COV_", "COVERAGE_"))}
    path = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
    own = {} if INSTALLED else {"PYTHONPATH": str(ROOT)}
    return {"PATH": path, **own, **measuring}

"""Private processes: started, looked at in /proc, ended."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .spawner import MeasureError

_TICKS = os.sysconf("SC_CLK_TCK")
_PATIENCE_SECONDS = 20.0
_POLL_SECONDS = 0.01
_FIRST_PORT = 18000
_LAST_PORT = 28000


@dataclass(frozen=True, kw_only=True, slots=True)
class Used:
    """CPU seconds: of the processes themselves, and of the children that they've waited for."""

    own: float
    children: float


def cpu_used(roots: Sequence[int]) -> Used:
    """Return the CPU seconds of these processes and of all their living descendants, to 10 ms."""
    ticks = [0, 0, 0, 0]
    for pid in _descendants(roots):
        with contextlib.suppress(OSError):
            fields = _stat(pid)
            ticks = [total + int(field) for total, field in zip(ticks, fields[11:15], strict=True)]
    return Used(own=(ticks[0] + ticks[1]) / _TICKS, children=(ticks[2] + ticks[3]) / _TICKS)


def _descendants(roots: Sequence[int]) -> set[int]:
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                parents[int(entry)] = int(_stat(int(entry))[1])
    found = set(roots)
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat from the state on, which is the third."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def status_kib(pid: int, field: str) -> int:
    """Return a size out of /proc/PID/status, as VmRSS."""
    return _kib(Path(f"/proc/{pid}/status"), field)


def resident_kib(pid: int) -> int:
    """Return what a process holds in memory, counted exactly, pages of files included."""
    return _kib(Path(f"/proc/{pid}/smaps_rollup"), "Rss")


def _kib(file: Path, field: str) -> int:
    return next(
        int(line.split()[1]) for line in file.read_text().splitlines() if line.startswith(f"{field}:")
    )


def count_descriptors(pid: int) -> int:
    """Return how many descriptors a process has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))


@contextlib.contextmanager
def running(
    words: Sequence[str], directory: Path, is_ready: Callable[[], bool], **settings: Mapping[str, str]
) -> Iterator[int]:
    """Yield the id of a process in a session of its own, once `is_ready`; end the session behind the block.

    Raises:
        MeasureError: it ended, or wasn't ready in time.
    """
    log = directory / f"{Path(words[0]).name}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            words,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env=settings.get("environment"),
        )
    try:
        _wait_ready(process, is_ready, log)
        yield process.pid
    finally:
        _end(process)


def _wait_ready(process: subprocess.Popen[bytes], is_ready: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not is_ready():
        if process.poll() is not None or time.monotonic() > deadline:
            said = log.read_text(errors="replace").strip().splitlines()[-1:] or ["nothing"]
            raise MeasureError(f"{log.stem} isn't ready; it said: {said[0]}")
        time.sleep(_POLL_SECONDS)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and the descendants that it leaves: a session that dropbear made is another one."""
    left = _descendants([process.pid])
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_PATIENCE_SECONDS / 4)
            return


def free_port() -> int:
    """Return a port of the loopback that nothing listens on, outside of what the kernel gives away.

    Raises:
        MeasureError: there is none.
    """
    for number in range(_FIRST_PORT + os.getpid() * 7 % 5000, _LAST_PORT):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", number))
            return number
    raise MeasureError("no port is free")


def listens(port: int) -> Callable[[], bool]:
    """Return a condition: something accepts connections on a port of the loopback."""

    def condition() -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
            return True
        return False

    return condition

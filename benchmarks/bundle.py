"""The bundle: how soon its server listens, what it takes on disk and in memory, how long it installs."""

import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from .contestants import Place
from .ours import Program
from .places import PROJECT
from .processes import free_port, listens
from .results import Bundle, spread
from .spawner import MeasureError

BUNDLE = PROJECT / "dist" / "k8psh"
_PATIENCE_SECONDS = 10.0
_POLL_SECONDS = 0.0005


def measure_bundle(place: Place, python: Program, starts: int) -> Bundle:
    """Return the bundle's figures, beside plain Python's start, in turns.

    Raises:
        MeasureError: there is no bundle, or something of it doesn't work.
    """
    if not (BUNDLE / "bin" / "k8pshd").exists():
        raise MeasureError("there is no bundle: make bundle")
    directory = place.below("bundle")
    bundled, plain, resident = [], [], []
    for _ in range(starts):
        seconds, kib = _start(BUNDLE / "bin" / "k8pshd", directory, place)
        bundled.append(seconds * 1000)
        resident.append(kib)
        plain.append(_start(python.directory / "k8pshd", directory, place)[0] * 1000)
    installs = [_install(directory / f"install-{number}", place) for number in range(5)]
    return Bundle(
        start_ms=spread(bundled),
        plain_start_ms=spread(plain),
        resident_kib=max(resident),
        disk_bytes=_size(BUNDLE),
        install_seconds=spread(installs),
    )


def _start(program: Path, directory: Path, place: Place) -> tuple[float, int]:
    """Return the seconds from exec to listening, and the KiB that are resident then."""
    port = free_port()
    configuration = directory / "k8psh.conf"
    configuration.write_text(f"[ tools:{port} ] =PATH=\ntrue\n")
    words = [str(program), "-n", "tools", "-d", "-c", str(configuration)]
    begin = time.perf_counter()
    with subprocess.Popen(words, env=dict(place.environment), cwd=directory) as server:
        is_listening = listens(port)
        while not is_listening():
            if server.poll() is not None or time.perf_counter() - begin > _PATIENCE_SECONDS:
                server.terminate()
                raise MeasureError(f"{program} doesn't listen")
            time.sleep(_POLL_SECONDS)
        seconds = time.perf_counter() - begin
        status = Path(f"/proc/{server.pid}/status").read_text()
        server.terminate()
    return seconds, int(status.partition("VmRSS:")[2].split()[0])


def _install(directory: Path, place: Place) -> float:
    words: Sequence[str] = [str(BUNDLE / "bin" / "k8psh"), "--install", str(directory / "k8pshd")]
    begin = time.perf_counter()
    if subprocess.run(words, env=dict(place.environment)).returncode:
        raise MeasureError("the bundle can't be installed")
    return time.perf_counter() - begin


def _size(directory: Path) -> int:
    return sum(
        os.lstat(os.path.join(parent, name)).st_size
        for parent, _, names in os.walk(directory)
        for name in names
    )

"""What was measured, in a form that JSON and the report take."""

import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Spread:
    """A median with its quartiles."""

    median: float
    lower: float
    upper: float


def spread(values: Sequence[float]) -> Spread:
    """Return the median and quartiles of one or more values."""
    if len(values) < 2:
        return Spread(median=values[0], lower=values[0], upper=values[0])
    lower, median, upper = statistics.quantiles(values, n=4, method="inclusive")
    return Spread(median=median, lower=lower, upper=upper)


@dataclass(frozen=True, kw_only=True, slots=True)
class Calls:
    """One caller; CPU is that of client, server and command together."""

    count: int
    wall_us: Spread
    cpu_us: float
    page_faults: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Stream:
    """Bytes through a command: seconds that it took, and CPU seconds of client and server, command apart."""

    gib: float
    seconds: Spread
    own_cpu_seconds: float

    @property
    def gb_per_second(self) -> float:
        """The rate, in 10**9 bytes."""
        return self.gib * 1024**3 / 1e9 / self.seconds.median


@dataclass(frozen=True, kw_only=True, slots=True)
class Memory:
    """A server's memory and descriptors: at its start, after all else, and at its worst; KiB."""

    before_kib: int
    after_kib: int
    highest_kib: int
    descriptors_before: int
    descriptors_after: int
    calls: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Stub:
    """The stub program: its file, and what it holds in memory while its command runs."""

    file_bytes: int
    resident_kib: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Bundle:
    """The bundle: milliseconds from exec to listening beside plain Python's, its size, its installation."""

    start_ms: Spread
    plain_start_ms: Spread
    resident_kib: int
    disk_bytes: int
    install_seconds: Spread


@dataclass(kw_only=True, slots=True)
class Results:
    """Everything, by contestant; `skipped` says why one is missing, as a whole or in one table."""

    settings: dict[str, float]
    machine: dict[str, Any] = field(default_factory=lambda: machine())
    skipped: dict[str, str] = field(default_factory=dict)
    calls: dict[str, Calls] = field(default_factory=dict)
    calls_per_second: dict[str, Spread] = field(default_factory=dict)
    through_cat: dict[str, Stream] = field(default_factory=dict)
    quarter_through_cat: dict[str, Stream] = field(default_factory=dict)
    output_only: dict[str, Stream] = field(default_factory=dict)
    memory: dict[str, Memory] = field(default_factory=dict)
    stubs: dict[str, Stub] = field(default_factory=dict)
    lua_seconds: dict[str, Spread] = field(default_factory=dict)
    key_us: dict[str, Spread] = field(default_factory=dict)
    bundle: Bundle | None = None

    def as_json(self) -> dict[str, Any]:
        """Return nothing but what JSON has."""
        return asdict(self)


def machine() -> dict[str, Any]:
    """Return what tells this machine from others of another speed."""
    model = ""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    system = platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    return {
        "cores": os.cpu_count(),
        "processor": model,
        "architecture": platform.machine(),
        "kernel": platform.release(),
        "system": system,
        "python": platform.python_version(),
    }

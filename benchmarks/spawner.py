"""The C program that starts what is measured: built here, driven from here."""

import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .places import BUILD, SOURCES

_FLAGS = ("-std=c11", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Werror", "-static", "-s")
_TIMEOUT_SECONDS = 600
"""No block of calls takes a tenth of this: something hangs."""


class MeasureError(Exception):
    """A contestant failed, or can't take part; the text says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """What one call took; CPU and page faults are those of the process that was started, and its children."""

    wall_us: float
    cpu_us: float
    page_faults: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """Calls that were made one after the other, or some at once."""

    calls: tuple[Call, ...]
    wall_seconds: float
    bytes_out: int


class Spawner:
    """Starts programs with an empty stdin, in a directory."""

    def __init__(self, directory: Path) -> None:
        self._program = build("spawn")
        self.directory = directory

    def calls(
        self, words: Sequence[str], environment: Mapping[str, str], count: int, callers: int = 1
    ) -> Block:
        """Make `count` calls, `callers` at once.

        Raises:
            MeasureError: one of them failed.
        """
        return self._run(("calls", str(count), str(callers)), words, environment)

    def stream(self, words: Sequence[str], environment: Mapping[str, str], bytes_in: int) -> Block:
        """Make one call that gets `bytes_in` bytes on its stdin; take whatever comes out of it.

        Raises:
            MeasureError: it failed.
        """
        return self._run(("stream", str(bytes_in)), words, environment)

    def _run(self, order: Sequence[str], words: Sequence[str], environment: Mapping[str, str]) -> Block:
        with tempfile.TemporaryFile("w+") as results:
            descriptor = results.fileno()
            try:
                ended = subprocess.run(
                    [self._program, str(descriptor), *order, *words],
                    env=dict(environment),
                    cwd=self.directory,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    pass_fds=[descriptor],
                    timeout=_TIMEOUT_SECONDS,
                )
            except subprocess.TimeoutExpired:
                raise MeasureError(f"{' '.join(words)}: not done after {_TIMEOUT_SECONDS} s") from None
            results.seek(0)
            lines = results.read().splitlines()
        return _block(words, lines, ended.returncode, ended.stderr.decode(errors="replace"))


def build(name: str) -> Path:
    """Compile a C program of this directory; it's static, as small as the machine's compilers make it.

    Raises:
        MeasureError: there is no compiler, or it failed.
    """
    program = BUILD / "benchmarks" / name
    source = SOURCES / f"{name}.c"
    if program.exists() and program.stat().st_mtime > source.stat().st_mtime:
        return program
    compiler = shutil.which("musl-gcc") or shutil.which("cc")
    if compiler is None:
        raise MeasureError("a C compiler is needed: apt-get install musl-tools")
    program.parent.mkdir(parents=True, exist_ok=True)
    made = subprocess.run([compiler, *_FLAGS, "-o", program, source], stderr=subprocess.PIPE, text=True)
    if made.returncode:
        raise MeasureError(f"{source} can't be compiled:\n{made.stderr}")
    return program


def _block(words: Sequence[str], lines: Sequence[str], code: int, errors: str) -> Block:
    rows = [[int(field) for field in line.split()] for line in lines]
    statuses = sorted({row[3] for row in rows if len(row) == 4} - {0})
    if code or statuses or not rows:
        said = errors.strip().splitlines()[-1:] or ["nothing"]
        raise MeasureError(f"{' '.join(words)}: wait statuses {statuses}, spawn {code}; it said: {said[0]}")
    return Block(
        calls=tuple(Call(wall_us=row[0] / 1000, cpu_us=row[1], page_faults=row[2]) for row in rows[:-1]),
        wall_seconds=rows[-1][0] / 1e9,
        bytes_out=rows[-1][1],
    )

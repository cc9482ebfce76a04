"""make's jobserver across containers: what MAKEFLAGS says of it, and what a command is to see. Pure.

GNU make tells its children by MAKEFLAGS which descriptors hold its job tokens (POSIX Jobserver in its
manual): `--jobserver-auth=R,W`, before 4.2 `--jobserver-fds=R,W`, from 4.4 also `--jobserver-auth=fifo:PATH`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

MAKEFLAGS = "MAKEFLAGS"
_AUTH = re.compile(r"(--jobserver-(?:auth|fds)=)(?:(\d+),(\d+)|fifo:(\S+))")
_JOBS = re.compile(r"-j\d*|--jobserver-(?:auth|fds)=\S+")
_VARIABLES = " -- "
"""What separates make's options from the variables that its command line sets."""


@dataclass(frozen=True, slots=True)
class Jobserver:
    """Where a make keeps its tokens: descriptors to read and to write, or a fifo's path."""

    read: int = -1
    write: int = -1
    fifo: str = ""


def find_jobserver(makeflags: str) -> Jobserver | None:
    """Return the jobserver that MAKEFLAGS names, the last one where it names several, as make does."""
    found = [*_AUTH.finditer(makeflags.partition(_VARIABLES)[0])]
    if not found:
        return None
    _, read, write, fifo = found[-1].groups()
    return Jobserver(fifo=fifo) if fifo else Jobserver(int(read), int(write))


def rewrite_makeflags(makeflags: str, passed: Mapping[int, int]) -> tuple[str, tuple[int, ...]]:
    """Return MAKEFLAGS for a command, and the descriptors that it inherits for it.

    `passed` holds the descriptors that came for the jobserver: ours by the caller's number. A named fifo
    comes as the only one, open for both directions. Where what is needed didn't come, the jobserver and
    the number of jobs are taken out: with one job and without a word, rather than with a warning.
    """
    flags, dashes, variables = makeflags.partition(_VARIABLES)
    descriptors = _ours(find_jobserver(makeflags), passed)
    if descriptors is None:
        words = [word for word in flags.split(" ") if not _JOBS.fullmatch(word)]
        return " ".join(words) + dashes + variables, ()
    read, write = descriptors
    flags = _AUTH.sub(rf"\g<1>{read},{write}", flags)
    return flags + dashes + variables, tuple(dict.fromkeys(descriptors))


def _ours(jobserver: Jobserver | None, passed: Mapping[int, int]) -> tuple[int, int] | None:
    """Return our descriptors to read tokens from and to write them to."""
    if jobserver is None or not passed:
        return None
    if jobserver.fifo:
        only = next(iter(passed.values()))
        return only, only
    read, write = passed.get(jobserver.read), passed.get(jobserver.write)
    return None if read is None or write is None else (read, write)

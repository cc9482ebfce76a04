"""make's jobserver across containers: MAKEFLAGS as a command is to see it.

GNU make tells its children by MAKEFLAGS which descriptors hold its job tokens (POSIX Jobserver in its
manual): `--jobserver-auth=R,W`, before 4.2 `--jobserver-fds=R,W`, from 4.4 also `--jobserver-auth=fifo:PATH`.
"""

import re
from collections.abc import Mapping

VARIABLE = "MAKEFLAGS"
_AUTH = re.compile(r"(--jobserver-(?:auth|fds)=)(?:(\d+),(\d+)|fifo:\S+)")
_JOBS = re.compile(r"-j\d*|--jobserver-(?:auth|fds)=\S+")


def rewrite_makeflags(makeflags: str, passed: Mapping[int, int]) -> tuple[str, tuple[int, ...]]:
    """Return MAKEFLAGS for a command, and the descriptors that it inherits for it.

    `passed` holds the descriptors that came for the jobserver: ours by the caller's number. A named fifo
    comes as the only one, open for both directions. Where what is needed didn't come, the jobserver and
    the number of jobs are taken out: with one job and without a word, rather than with a warning.
    """
    flags, dashes, variables = makeflags.partition(" -- ")
    descriptors = _descriptors(flags, passed)
    if descriptors is None:
        words = [word for word in flags.split(" ") if not _JOBS.fullmatch(word)]
        return " ".join(words) + dashes + variables, ()
    read, write = descriptors
    flags = _AUTH.sub(rf"\g<1>{read},{write}", flags)
    return flags + dashes + variables, tuple(dict.fromkeys(descriptors))


def _descriptors(flags: str, passed: Mapping[int, int]) -> tuple[int, int] | None:
    """Return our descriptors to read tokens from and to write them to."""
    found = None
    for found in _AUTH.finditer(flags):  # noqa: B007 - the last one counts, as it does for make
        pass
    if found is None or not passed:
        return None
    if found[2] is None:
        only = next(iter(passed.values()))
        return only, only
    read, write = passed.get(int(found[2])), passed.get(int(found[3]))
    return None if read is None or write is None else (read, write)

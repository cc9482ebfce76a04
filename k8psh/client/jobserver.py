"""The descriptors of make's jobserver, to be passed along with the streams."""

import os
import stat

from ..jobserver import find_jobserver

_LARGEST_DESCRIPTOR = 31
"""What the bit mask of the frame DESCRIPTORS has room for."""


def jobserver_descriptors(makeflags: str) -> tuple[int, ...]:
    """Return our descriptors of the jobserver that MAKEFLAGS names, none where it can't be used.

    make closes them for what isn't a make by its rules; another file may have got their numbers. A named
    fifo is opened for both directions.
    """
    jobserver = find_jobserver(makeflags)
    if jobserver is None:
        return ()
    if jobserver.fifo:
        try:
            opened = os.open(jobserver.fifo, os.O_RDWR | os.O_NOCTTY)
        except OSError:
            return ()
        numbers = {opened}
    else:
        numbers = {jobserver.read, jobserver.write}
    return tuple(sorted(numbers)) if all(map(_is_passable, numbers)) else ()


def _is_passable(descriptor: int) -> bool:
    try:
        is_pipe = stat.S_ISFIFO(os.fstat(descriptor).st_mode)
    except (OSError, OverflowError):
        return False
    return is_pipe and 2 < descriptor <= _LARGEST_DESCRIPTOR

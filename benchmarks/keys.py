"""Keystrokes: how long a key takes to come back from `cat` on a terminal."""

import os
import pty
import time
from collections.abc import Sequence

from .contestants import Place
from .results import Spread, spread
from .spawner import MeasureError

TERMINAL_COMMAND = "keys"
"""The command of our servers that has a terminal of its own: it says that it's ready, then echoes."""
TERMINAL_WORDS = ("sh", "-c", "stty raw -echo; echo ready; exec cat -u")


def measure_keys(words: Sequence[str], place: Place, keys: int) -> Spread:
    """Return the microseconds from writing a key to reading it again.

    Raises:
        MeasureError: the command ended.
    """
    child, master = pty.fork()
    if child == 0:
        os.chdir(place.directory)
        os.execvpe(words[0], list(words), dict(place.environment))
    try:
        seen = b""
        while b"ready" not in seen:
            seen += _read(master)
        time.sleep(0.2)  # the rest of its first words
        os.set_blocking(master, True)
        return spread([_echo(master) for _ in range(keys)])
    finally:
        os.close(master)
        os.waitpid(child, 0)


def _echo(master: int) -> float:
    begin = time.perf_counter()
    os.write(master, b"k")
    while b"k" not in _read(master):
        pass
    return (time.perf_counter() - begin) * 1e6


def _read(master: int) -> bytes:
    try:
        data = os.read(master, 1024)
    except OSError as error:
        raise MeasureError("the command on the terminal ended") from error
    if not data:
        raise MeasureError("the command on the terminal ended")
    return data

"""Find the file of a program, as the caller's shell would have."""

import contextlib
import os
import stat
from collections.abc import Iterator, Mapping

from ..errors import CommandNotFoundError, NotExecutableError


def find_program(program: str, directory: str, environment: Mapping[str, str]) -> tuple[str, bool]:
    """Return the absolute path of `program`, and whether its file is a symbolic link.

    It is looked up as a path relative to `directory` first and, where it has no slash, on the PATH of
    `environment` then (without one: the C library's default). Only regular files count.

    Raises:
        CommandNotFoundError: there is no such file.
        NotExecutableError: there is one, but without the permission to execute it.
    """
    for path in _candidates(program, directory, environment):
        if not os.access(path, os.X_OK):  # says no without an exception, which costs more than what it says
            continue
        with contextlib.suppress(OSError):  # it has gone since
            mode = os.lstat(path).st_mode
            is_link = stat.S_ISLNK(mode)
            if stat.S_ISREG(os.stat(path).st_mode if is_link else mode):
                return path, is_link
    for path in _candidates(program, directory, environment):
        if os.path.exists(path):
            raise NotExecutableError(f"{path} is not an executable file")
    raise CommandNotFoundError(f"program {program} not found")


def _candidates(program: str, directory: str, environment: Mapping[str, str]) -> Iterator[str]:
    if not program:
        return
    yield os.path.join(directory, program)
    if "/" not in program:
        for entry in environment.get("PATH", os.defpath).split(os.pathsep):
            yield os.path.join(directory, entry, program)


def is_script_without_interpreter(path: str) -> bool:
    """Tell whether a file that execve(2) refused is text, so that /bin/sh runs it, as shells do."""
    try:
        with open(path, "rb") as file:
            first_line = file.read(128).partition(b"\n")[0]
    except OSError:
        return False
    return b"\0" not in first_line

"""Start a process, by vfork(2) wherever that's possible: forking the server costs ten times as much."""

import errno
import fcntl
import os
import resource
import subprocess
import termios
from collections.abc import Callable
from typing import Protocol

from ..wire.frames import ENCODING
from .call import Invocation


class Spawn(Protocol):
    """How a process is started."""

    def __call__(
        self, path: str, arguments: tuple[str, ...], invocation: Invocation, streams: tuple[int, int, int]
    ) -> int:
        """Start `path` in a process group of its own; return its process id, for the caller to wait for.

        A stream of -1 is closed in the child: our own descriptors 0 to 2 are close-on-exec in the server,
        as every other one of ours (PEP 446).

        Raises:
            OSError: execve(2) refused (`filename` is the working directory where chdir(2) did), or there
                is no process to be had.
            subprocess.SubprocessError: identity, nice or ulimits can't be had.
        """
        ...


def find_spawn() -> Spawn:
    """Return the fastest way of starting a process that works with this Python."""
    try:
        from .vfork import Vfork

        spawn = Vfork()
        spawn.check()
    except (ImportError, TypeError, OSError):  # the private function that it rests on has changed
        return spawn_slowly

    def spawn_fast(
        path: str, arguments: tuple[str, ...], invocation: Invocation, streams: tuple[int, int, int]
    ) -> int:
        if needs_settings(invocation):
            return spawn_slowly(path, arguments, invocation, streams)
        return spawn(path, arguments, invocation, streams)

    return spawn_fast


def spawn_slowly(
    path: str, arguments: tuple[str, ...], invocation: Invocation, streams: tuple[int, int, int]
) -> int:
    """Start a process by the standard library's means: see Spawn."""
    directory = encode(invocation.directory)
    try:
        process = subprocess.Popen(
            [encode(argument) for argument in arguments],
            executable=encode(path),
            env={encode(name): encode(value) for name, value in invocation.environment.items()},
            cwd=directory,
            stdin=None if streams[0] < 0 else streams[0],
            stdout=None if streams[1] < 0 else streams[1],
            stderr=None if streams[2] < 0 else streams[2],
            close_fds=bool(invocation.inherited),
            pass_fds=invocation.inherited,
            process_group=None if invocation.tty else 0,
            start_new_session=invocation.tty,
            umask=invocation.umask,
            preexec_fn=_settings(invocation) if needs_settings(invocation) else None,
        )
    except ValueError as error:  # an environment variable's name that is none
        raise OSError(errno.EINVAL, str(error)) from error
    process.returncode = 0  # it's waited for by pidfd: Popen must neither wait nor warn
    return process.pid


def encode(text: str) -> bytes:
    """Return the bytes that a string of the configuration or of a request stands for."""
    return text.encode(ENCODING, "surrogateescape")


def needs_settings(invocation: Invocation) -> bool:
    """Tell whether something must be set between fork and exec, which vfork doesn't allow."""
    return bool(invocation.tty or invocation.identity or invocation.nice or invocation.ulimits)


def _settings(invocation: Invocation) -> Callable[[], None]:
    """Return what the child does before execve(2), in an order that drops privileges last."""

    def settings() -> None:
        if invocation.tty:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        if invocation.nice:
            os.nice(invocation.nice)
        for ulimit in invocation.ulimits:
            number = getattr(resource, f"RLIMIT_{ulimit.name.upper()}")
            resource.setrlimit(number, (ulimit.soft, ulimit.hard))
        identity = invocation.identity
        if identity is not None:
            os.setgroups(identity.groups)
            os.setresgid(identity.gid, identity.gid, identity.gid)
            os.setresuid(identity.uid, identity.uid, identity.uid)

    return settings

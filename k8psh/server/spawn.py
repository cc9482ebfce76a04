"""Start a process, by vfork(2) wherever that's possible: forking the server costs ten times as much."""

import os
import resource
import subprocess
from collections.abc import Callable

from ..wire.frames import ENCODING
from .call import Invocation


def spawn(
    path: str, arguments: tuple[str, ...], invocation: Invocation, streams: tuple[int, int, int]
) -> int:
    """Start `path` in a process group of its own; return its process id, which is the caller's to wait for.

    A stream of -1 is closed in the child: our own descriptors 0 to 2 are close-on-exec in the server.

    Raises:
        OSError: execve(2) refused (`filename` is the working directory where chdir(2) did), or there is
            no process to be had.
    """
    process = subprocess.Popen(
        [encode(argument) for argument in arguments],
        executable=encode(path),
        env={encode(name): encode(value) for name, value in invocation.environment.items()},
        cwd=encode(invocation.directory),
        stdin=None if streams[0] < 0 else streams[0],
        stdout=None if streams[1] < 0 else streams[1],
        stderr=None if streams[2] < 0 else streams[2],
        close_fds=False,  # every descriptor of ours is close-on-exec, Python's rule (PEP 446)
        process_group=0,
        umask=invocation.umask,
        preexec_fn=_settings(invocation),
    )
    process.returncode = 0  # it's waited for by pidfd: Popen must neither wait nor warn
    return process.pid


def encode(text: str) -> bytes:
    """Return the bytes that a string of the configuration or of a request stands for."""
    return text.encode(ENCODING, "surrogateescape")


def _settings(invocation: Invocation) -> Callable[[], None] | None:
    """Return what the child does before execve(2), in an order that drops privileges last."""
    identity = invocation.identity
    if identity is None and not invocation.nice and not invocation.ulimits:
        return None

    def settings() -> None:
        if invocation.nice:
            os.nice(invocation.nice)
        for ulimit in invocation.ulimits:
            resource.setrlimit(getattr(resource, f"RLIMIT_{ulimit.name.upper()}"), (ulimit.soft, ulimit.hard))
        if identity is not None:
            os.setgroups(identity.groups)
            os.setresgid(identity.gid, identity.gid, identity.gid)
            os.setresuid(identity.uid, identity.uid, identity.uid)

    return settings

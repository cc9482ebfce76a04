"""Start a process by the function that subprocess.Popen rests on, without what Popen does around it.

Measured: a twentieth of a whole call. The function is private and its signature changes between versions
of Python; `spawn.find_spawn` asks `Vfork.check` and takes Popen where it doesn't fit.
"""

import _posixsubprocess
import errno
import os

from .call import Invocation
from .spawn import encode

_CHDIR_FAILED = b"noexec"
_UNUSED = -1


class Vfork:
    """Starts processes. One pipe serves them all: with vfork, the call returns after exec or failure."""

    def __init__(self) -> None:
        self._errors, self._tell = os.pipe()
        os.set_blocking(self._errors, False)

    def check(self) -> None:
        """Try a program that doesn't exist.

        Raises:
            TypeError: this Python's function is another one.
            OSError: errors don't come back at once: it didn't vfork.
        """
        nothing = Invocation(path="/", arguments=("",), environment={}, directory="/")
        try:
            pid = self("/nonexistent/k8psh", ("",), nothing, (_UNUSED, _UNUSED, _UNUSED))
        except FileNotFoundError:
            return
        os.waitpid(pid, 0)
        raise OSError(errno.ENOSYS, "no vfork")

    def __call__(
        self, path: str, arguments: tuple[str, ...], invocation: Invocation, streams: tuple[int, int, int]
    ) -> int:
        """Start a process: see `spawn.Spawn`."""
        pid: int = _posixsubprocess.fork_exec(
            [encode(argument) for argument in arguments],
            (encode(path),),
            False,  # close_fds: all of ours are close-on-exec
            tuple(sorted({self._tell, *invocation.inherited})),
            encode(invocation.directory),  # type: ignore[arg-type]  # bytes are taken, too
            [encode(f"{name}={value}") for name, value in invocation.environment.items()],
            *(streams[0], _UNUSED, _UNUSED, streams[1], _UNUSED, streams[2]),
            *(self._errors, self._tell),
            True,  # restore_signals: Python ignores SIGPIPE, commands don't
            False,  # start_new_session
            0,  # process_group: the child's own
            *(None, None, None),  # gid, groups, uid
            invocation.umask,
            None,  # type: ignore[arg-type]  # preexec_fn may be None
            True,  # vfork
        )
        self._raise_error(pid, invocation)
        return pid

    def _raise_error(self, pid: int, invocation: Invocation) -> None:
        try:
            said = os.read(self._errors, 1024)  # "OSError:ERRNO:WHERE", ERRNO in hexadecimal digits
        except BlockingIOError:
            return
        os.waitpid(pid, 0)
        _, number, where = said.split(b":", 2)
        code = int(number, 16)
        is_chdir = where.startswith(_CHDIR_FAILED)
        filename = encode(invocation.directory) if is_chdir else None
        raise OSError(code, os.strerror(code), filename)

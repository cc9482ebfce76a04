"""Child processes: start one in a group of its own, learn its end, end its whole group."""

import contextlib
import errno
import os
import signal
import subprocess
from typing import NoReturn

import trio

from ..errors import CommandNotFoundError, K8pshError, NotExecutableError, WorkingDirectoryError
from ..exit_status import ExitStatus, from_wait_status
from .call import Invocation
from .lookup import is_script_without_interpreter
from .spawn import encode, find_spawn

_POLL_SECONDS = 0.05
"""How often an ending group is looked at: its members aren't ours to wait for."""


class Child:
    """A command's first process, the leader of its process group."""

    def __init__(self, pid: int, children: "Children") -> None:
        self.pid = pid
        self.pidfd = os.pidfd_open(pid)
        self._children = children
        self._status: ExitStatus | None = None

    def reap(self) -> ExitStatus:
        """Return how the ended child ended (its pidfd is readable), and let its process id go."""
        if self._status is None:
            self._status = from_wait_status(self._children.reap(self.pid))
        return self._status

    def signal_group(self, number: int) -> bool:
        """Send a signal to the command's process group; tell whether anybody was there.

        Sound until the child is reaped, and after that as long as the group has members, since their
        group's number isn't given away.
        """
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True

    def terminate(self) -> None:
        """Ask the command's group to end; a reaped child's number may be another's already."""
        if self._status is not None:
            return
        self.signal_group(signal.SIGTERM)
        self.signal_group(signal.SIGCONT)  # a stopped process takes TERM only when it goes on

    def kill(self) -> None:
        """End the command's group for good; a reaped child's number may be another's already."""
        if self._status is None:
            self.signal_group(signal.SIGKILL)

    async def end(self, grace_period: float) -> None:
        """End the child's whole group: TERM, `grace_period` seconds, KILL; reap the child.

        Not cancellable: a group that was asked to end must not be left behind.
        """
        if self._status is not None:
            return
        with trio.CancelScope(shield=True):
            self.terminate()
            with trio.move_on_after(grace_period) as grace:
                await self._wait_group()
            if grace.cancelled_caught:
                self.signal_group(signal.SIGKILL)
                await trio.lowlevel.wait_readable(self.pidfd)
                self.reap()

    async def _wait_group(self) -> None:
        await trio.lowlevel.wait_readable(self.pidfd)
        self.reap()
        while self.signal_group(0):
            await trio.sleep(_POLL_SECONDS)

    def close(self) -> None:
        """Release the descriptor; the process is not touched."""
        os.close(self.pidfd)


class Children:
    """All children of this server: what is alive, and what was reaped before its session asked."""

    def __init__(self) -> None:
        self._alive: set[int] = set()
        self._early: dict[int, int] = {}
        self._spawn = find_spawn()

    def spawn(self, invocation: Invocation, streams: tuple[int, int, int]) -> Child:
        """Start a command with these descriptors as its stdin, stdout and stderr.

        Raises:
            CommandNotFoundError, NotExecutableError: execve(2) refused.
            K8pshError: no process could be made.
        """
        try:
            pid = self._spawn_program(invocation, streams)
        except OSError as error:
            _refuse(invocation, error)
        except subprocess.SubprocessError:
            raise K8pshError(
                f"the server, user {os.geteuid()}, may not set the configured identity, nice or ulimits"
            ) from None
        self._alive.add(pid)
        return Child(pid, self)

    def _spawn_program(self, invocation: Invocation, streams: tuple[int, int, int]) -> int:
        try:
            return self._spawn(invocation.path, invocation.arguments, invocation, streams)
        except OSError as error:
            if error.errno != errno.ENOEXEC or not is_script_without_interpreter(invocation.path):
                raise
        arguments = ("/bin/sh", invocation.path, *invocation.arguments[1:])
        return self._spawn("/bin/sh", arguments, invocation, streams)

    def reap(self, pid: int) -> int:
        """Return the wait status of an ended child."""
        self._alive.discard(pid)
        early = self._early.pop(pid, None)
        return os.waitpid(pid, 0)[1] if early is None else early

    def reap_orphans(self) -> None:
        """Reap whatever has ended: orphans for good, children for their sessions to ask."""
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    return
                if pid in self._alive:
                    self._early[pid] = status


def _refuse(invocation: Invocation, error: OSError) -> NoReturn:
    if error.filename == encode(invocation.directory):
        raise WorkingDirectoryError(
            f"the working directory {invocation.directory} can't be entered: {error.strerror}"
        ) from error
    match error.errno:
        case errno.ENOENT | errno.ENOTDIR:
            raise CommandNotFoundError(f"{invocation.path} or its interpreter not found") from error
        case errno.E2BIG:
            raise NotExecutableError("the arguments and the environment are too long") from error
        case errno.EAGAIN | errno.ENOMEM | errno.EMFILE | errno.ENFILE:
            raise K8pshError(f"no process could be started: {error.strerror}") from error
        case _:
            raise NotExecutableError(f"{invocation.path} can't be executed: {error.strerror}") from error

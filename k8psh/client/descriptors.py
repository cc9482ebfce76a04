"""Read and write descriptors that are shared with other processes, without ever blocking the relay.

O_NONBLOCK belongs to the open file description, which others share: it's never changed. Where the kernel
allows it, the file is opened once more for a description of our own.
"""

import os
import select
import socket
import stat
from collections.abc import Awaitable, Callable

import trio

from ..process import open_null

_FOREGROUND_SECONDS = 0.1
"""How often a job in the background looks whether it has got the terminal."""
_SURE_BYTES = select.PIPE_BUF
"""A pipe or terminal that polls writable takes this much without blocking."""


def release(descriptor: int) -> None:
    """Close one of descriptors 0 to 2; null takes its place, so that the next one opened doesn't."""
    null = open_null()
    os.dup2(null, descriptor)
    os.close(null)


class Descriptor:
    """One of our standard streams, for reading or for writing."""

    def __init__(self, descriptor: int, flags: int) -> None:
        """Take over an inherited descriptor; `flags` is O_RDONLY or O_WRONLY."""
        self._descriptor = descriptor
        self._inherited = descriptor
        self._socket: socket.socket | None = None
        self._is_blocking = False
        self._can_wait = True
        self._is_terminal = os.isatty(descriptor)
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISSOCK(mode):
            self._socket = socket.socket(fileno=os.dup(descriptor))
        elif stat.S_ISFIFO(mode) or self._is_terminal:
            try:
                path = f"/proc/self/fd/{descriptor}"
                self._descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)
            except OSError:  # another user's, or no /proc: poll, and never take more than is sure
                self._is_blocking = os.get_blocking(descriptor)
        else:
            self._can_wait = False

    async def read(self, size: int) -> bytes:
        """Return up to `size` bytes as soon as there are some, none at the end."""
        while True:
            if self._is_blocking:
                await self._wait(trio.lowlevel.wait_readable)
            if self._is_in_background():
                await trio.sleep(_FOREGROUND_SECONDS)
                continue
            try:
                if self._socket is not None:
                    return self._socket.recv(size, socket.MSG_DONTWAIT)
                return os.read(self._descriptor, size)
            except BlockingIOError:
                await self._wait(trio.lowlevel.wait_readable)

    async def write(self, data: memoryview) -> None:
        """Write all of it.

        Raises:
            OSError: as write(2) would have said it to the command.
        """
        while data:
            if self._is_blocking:
                await self._wait(trio.lowlevel.wait_writable)
            try:
                data = data[self._write_some(data) :]
            except BlockingIOError:
                await self._wait(trio.lowlevel.wait_writable)

    def _is_in_background(self) -> bool:
        """Tell whether reading would stop us (SIGTTIN), though the command may never want to read."""
        try:
            return self._is_terminal and os.tcgetpgrp(self._inherited) != os.getpgrp()
        except OSError:
            return False  # not our controlling terminal: there is no job control on it

    def _write_some(self, data: memoryview) -> int:
        if self._socket is not None:
            return self._socket.send(data, socket.MSG_DONTWAIT)
        return os.write(self._descriptor, data[:_SURE_BYTES] if self._is_blocking else data)

    async def _wait(self, wait: Callable[[int], Awaitable[None]]) -> None:
        if self._can_wait:
            await wait(self._descriptor)
        else:
            await trio.lowlevel.checkpoint()

    def close(self) -> None:
        """Close the inherited descriptor too, so that its other end sees it."""
        if self._socket is not None:
            self._socket.close()
        elif self._descriptor != self._inherited:
            os.close(self._descriptor)
        release(self._inherited)

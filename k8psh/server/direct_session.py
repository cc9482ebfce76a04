"""The direct lane's session: the command gets the caller's own descriptors, and nothing is relayed."""

import array
import os
import select
import socket

import trio

from ..errors import ProtocolError
from ..exit_status import ExitStatus
from ..wire.events import Request
from ..wire.server_connection import ServerConnection
from .call import Calls, Invocation
from .child import Child, Children
from .identity import Identity
from .session import ClientVanishedError, Session
from .signals import answer

_MOST_DESCRIPTORS = 3
_ANCILLARY_BYTES = socket.CMSG_SPACE(_MOST_DESCRIPTORS * array.array("i").itemsize)


class DirectSession(Session):
    """A call that came in by the Unix socket."""

    def __init__(self, sock: socket.socket, identity: Identity, calls: Calls, children: Children) -> None:
        super().__init__(sock, ServerConnection(calls.configuration.limits, is_direct=True), calls, children)
        self._caller = identity
        self._descriptors: list[int] = []
        self._streams = (-1, -1, -1)
        self._has_received = False

    async def run(self) -> None:
        """Serve the connection to its end; it's the caller's to close."""
        try:
            await super().run()
        finally:
            self._close_descriptors()

    def _receive(self, space: memoryview) -> int:
        """Receive; the first message carries the descriptors, the kernel discards those of others."""
        if self._has_received:
            return self._sock.recv_into(space)
        count, ancillary, _, _ = self._sock.recvmsg_into([space], _ANCILLARY_BYTES, socket.MSG_CMSG_CLOEXEC)
        self._has_received = True
        for level, kind, data in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                received = array.array("i")
                received.frombytes(data[: len(data) - len(data) % received.itemsize])
                self._descriptors += received
        return count

    def _identity(self) -> Identity:
        return self._caller

    async def _greet(self, request: Request) -> None:
        if request.descriptors >> _MOST_DESCRIPTORS or request.descriptors.bit_count() != len(
            self._descriptors
        ):
            raise ProtocolError(
                f"{len(self._descriptors)} descriptors came, {request.descriptors:#b} were announced"
            )
        passed = iter(self._descriptors)
        stdin, stdout, stderr = (
            next(passed) if request.descriptors & 1 << number else -1 for number in range(_MOST_DESCRIPTORS)
        )
        self._streams = (stdin, stdout, stderr)

    def _start(self, invocation: Invocation) -> Child:
        child = self._children.spawn(invocation, self._streams)
        self._close_descriptors()
        return child

    async def _carry(self, child: Child) -> ExitStatus:
        with select.epoll(2) as ends:
            ends.register(self._sock, select.EPOLLIN)
            ends.register(child.pidfd, select.EPOLLIN)
            while True:
                await trio.lowlevel.wait_readable(ends.fileno())
                ready = [descriptor for descriptor, _ in ends.poll(0)]
                if child.pidfd in ready:
                    return child.reap()
                if ready:
                    self._heed_client(child)

    def _heed_client(self, child: Child) -> None:
        """Take what the client sent while its command runs."""
        try:
            count = self._sock.recv_into(self._connection.space())
        except BlockingIOError:
            return
        except OSError as error:
            raise ClientVanishedError from error
        if not count:
            raise ClientVanishedError
        self._connection.received(count)
        while (event := self._connection.next_event()) is not None:
            try:
                self._sock.send(answer(event, child))
            except OSError as error:  # a client that takes no answers is one to be rid of
                raise ClientVanishedError from error

    async def _part(self) -> None:
        """Do nothing: a Unix socket's peer reads what was sent, whatever becomes of this end."""

    def _close_descriptors(self) -> None:
        while self._descriptors:
            os.close(self._descriptors.pop())

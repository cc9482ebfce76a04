"""The direct lane's session: the command gets the caller's own descriptors, and nothing is relayed."""

import array
import logging
import os
import select
import socket
from dataclasses import replace
from functools import lru_cache

import trio

from ..ancillary import received_descriptors
from ..errors import ProtocolError
from ..exit_status import ExitStatus
from ..wire.events import Request
from ..wire.frames import FrameType, Stream, encode_number
from ..wire.server_connection import ServerConnection
from .call import Caller, Calls, Invocation
from .child import Child, Children
from .replies import encode_status
from .session import ClientVanishedError, Session
from .signals import answer
from .terminal import TerminalPair, mask_of, open_terminal, wants_terminal

_log = logging.getLogger("k8psh.session")

_MOST_DESCRIPTORS = 8
"""The streams, and two for a jobserver; some more are closed in order, not by the kernel."""
_MOST_RECEIVES = 4
"""A quarter of a MiB: what is longer waits for its turn, behind others."""
_ANCILLARY_BYTES = socket.CMSG_SPACE(_MOST_DESCRIPTORS * array.array("i").itemsize)


@lru_cache(64)
def _numbers(mask: int) -> tuple[int, ...]:
    """Return the numbers of the bits that are set."""
    return tuple(number for number in range(32) if mask & 1 << number)


class DirectSession(Session):
    """A call that came in by the Unix socket."""

    def __init__(self, sock: socket.socket, calls: Calls, children: Children) -> None:
        super().__init__(sock, ServerConnection(calls.configuration.limits, is_direct=True), calls, children)
        self._descriptors: list[int] = []
        self._passed: dict[int, int] = {}
        self._has_received = False
        self._failure: Exception | None = None

    async def run(self) -> None:
        """Serve the connection to its end; it's the caller's to close."""
        try:
            await super().run()
        finally:
            self._close_descriptors()

    def start_now(self) -> bool:
        """Start the command if that takes no waiting and nothing is wrong; otherwise `run` is to do it."""
        try:
            self._receive_all()
        except OSError:
            return False
        try:
            request = self._connection.next_event()
            if isinstance(request, Request):
                self._request = request
                self._child = self._start_command(request)
        except Exception as error:  # noqa: BLE001 - `run` deals with it, as with all others
            self._failure = error
        return self._child is not None and not len(self._connection)  # more to heed: not one that just waits

    def _receive_all(self) -> None:
        """Receive what is there: one that fills the memory offered goes on."""
        for _ in range(_MOST_RECEIVES):
            space = self._connection.space()
            count = self._receive(space)
            self._connection.received(count)
            if count < len(space):
                return

    def finish_now(self) -> bool:
        """Answer for a command that has ended; False where that takes waiting: `run` is to do it."""
        if self._child is None or self._request is None:
            return False
        try:
            status = self._child.reap()
            _log.debug("%s: ended: %s", self._request.command, status)
            self._sock.send(encode_status(self._request.version, status))
        except BlockingIOError:
            return False
        except OSError:
            _log.debug("the client has vanished")
        self._child.close()
        self._sock.close()
        return True

    @property
    def ends(self) -> tuple[int, int]:
        """Return the descriptors that tell the command's end, and the client's, while the command runs."""
        return (self._child.pidfd if self._child else -1, self._sock.fileno())

    async def _read_request(self) -> Request | None:
        if self._failure is not None:
            raise self._failure
        return await super()._read_request()

    def _start_command(self, request: Request) -> Child:
        if self._failure is not None:
            raise self._failure
        self._match_descriptors(request)
        return super()._start_command(request)

    def _receive(self, space: memoryview) -> int:
        """Receive; the first message carries the descriptors, the kernel discards those of others."""
        if self._has_received:
            return self._sock.recv_into(space)
        count, ancillary, _, _ = self._sock.recvmsg_into([space], _ANCILLARY_BYTES, socket.MSG_CMSG_CLOEXEC)
        self._has_received = True
        self._descriptors += received_descriptors(ancillary)
        return count

    def _caller(self) -> Caller:
        further = {number: ours for number, ours in self._passed.items() if number > Stream.STDERR}
        return Caller(sock=self._sock, passed=further)

    async def _greet(self, request: Request) -> None:
        """Say nothing: both ends know the version."""

    def _match_descriptors(self, request: Request) -> None:
        """Match the descriptors that came with those that were announced."""
        numbers = _numbers(request.descriptors)
        if len(numbers) != len(self._descriptors):
            raise ProtocolError(f"{len(self._descriptors)} descriptors came, {len(numbers)} were announced")
        self._passed = dict(zip(numbers, self._descriptors, strict=True))

    def _start(self, invocation: Invocation) -> Child:
        streams = (self._passed.get(0, -1), self._passed.get(1, -1), self._passed.get(2, -1))
        mask = mask_of(streams) if invocation.tty else 0
        if wants_terminal(mask):
            child = self._start_with_terminal(invocation, streams, mask)
        else:
            child = self._children.spawn(
                replace(invocation, tty=False) if invocation.tty else invocation, streams
            )
        self._close_descriptors()
        return child

    def _start_with_terminal(self, invocation: Invocation, streams: tuple[int, int, int], mask: int) -> Child:
        pair = open_terminal(None, like=streams[0], owner=invocation.identity)
        try:
            stdin, stdout, stderr = (
                pair.slave if mask & 1 << number else stream for number, stream in enumerate(streams)
            )
            child = self._children.spawn(invocation, (stdin, stdout, stderr))
            self._hand_over(pair, mask)
        finally:
            pair.close()
        return child

    def _hand_over(self, pair: TerminalPair, mask: int) -> None:
        """Give the client the terminal's master; one that's gone by now is noticed soon enough."""
        frame = encode_number(FrameType.TERMINAL, mask)
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [pair.master]))]
        try:
            self._sock.sendmsg([frame], rights)
        except OSError:
            self._sock.shutdown(socket.SHUT_RD)

    async def _carry(self, child: Child) -> ExitStatus:
        self._heed_events(child)
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
        self._heed_events(child)

    def _heed_events(self, child: Child) -> None:
        while (event := self._connection.next_event()) is not None:
            try:
                self._sock.send(answer(event, child))
            except OSError as error:  # a client that takes no answers is one to be rid of
                raise ClientVanishedError from error

    def _hang_up(self) -> None:
        """Do nothing: the streams are the caller's, not the client's."""

    def _release(self) -> None:
        """Do nothing: they were closed here when the command had them."""

    async def _part(self) -> None:
        """Do nothing: a Unix socket's peer reads what was sent, whatever becomes of this end."""

    def _close_descriptors(self) -> None:
        self._passed = {}
        while self._descriptors:
            os.close(self._descriptors.pop())

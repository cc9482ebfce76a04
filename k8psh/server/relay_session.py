"""The relay lane's session: pipes between the server and the command, frames between server and client."""

import contextlib
import socket

import trio

from ..exit_status import ExitStatus
from ..wire.events import Request
from ..wire.frames import VERSION, FrameType, encode_number
from ..wire.server_connection import ServerConnection
from .call import Calls, Invocation
from .child import Child, Children
from .pipes import Pipes
from .relay import Relay
from .session import Session

_LINGER_SECONDS = 1.0
"""How long input that nobody wants is taken, so that closing doesn't destroy the exit code on its way."""


class RelaySession(Session):
    """A call that came in by TCP."""

    def __init__(self, sock: socket.socket, calls: Calls, children: Children) -> None:
        super().__init__(sock, ServerConnection(calls.configuration.limits), calls, children)
        self._streams = (-1, -1, -1)
        self._input_ended = False

    async def _greet(self, request: Request) -> None:
        if request.version > 1:
            await self._send(encode_number(FrameType.HELLO, VERSION))

    def _start(self, invocation: Invocation) -> Child:
        with Pipes() as pipes:
            child = self._children.spawn(invocation, pipes.theirs)
            self._streams = pipes.keep_ours()
        return child

    async def _carry(self, child: Child) -> ExitStatus:
        relay = Relay(self._connection, self._sock, self._streams, child)
        try:
            await relay.run()
        finally:
            relay.close()
        self._input_ended = relay.input_ended
        return child.reap()

    async def _part(self) -> None:
        if self._input_ended:
            return
        with contextlib.suppress(OSError), trio.move_on_after(_LINGER_SECONDS):
            self._sock.shutdown(socket.SHUT_WR)
            scratch = bytearray(64 * 1024)
            while True:
                await trio.lowlevel.wait_readable(self._sock)
                if not self._sock.recv_into(scratch):
                    return

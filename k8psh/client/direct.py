"""The direct lane's client: hand over our standard streams, then wait for the command's end."""

import array
import socket

import trio

from ..errors import K8pshError
from ..exit_status import ExitStatus
from ..wire.client_connection import ClientConnection
from ..wire.events import Delivered, ExitCode, Rejected, Request, TermSignal
from ..wire.frames import VERSION
from .outcome import LastEvent, connection_lost, status_of
from .signals import SignalForwarding


class DirectCall:
    """One call over a connected Unix socket; `server` names the other end in errors."""

    def __init__(self, sock: trio.socket.SocketType, server: str) -> None:
        self._sock = sock
        self._server = server
        self._connection = ClientConnection(is_direct=True)
        self._signals = SignalForwarding(self._send, VERSION)

    async def run(self, request: Request) -> ExitStatus:
        """Send the request with the descriptors that it announces; return how the command ended.

        Raises:
            ConnectionLostError: the connection ended without an exit status.
            ProtocolError: the server doesn't speak the protocol.
            RejectedError: the server didn't start the command.
        """
        async with trio.open_nursery() as nursery:
            await nursery.start(self._signals.run)
            event: LastEvent | K8pshError
            try:
                await self._send_request(request)
                event = await self._last_event()
            except K8pshError as error:
                event = error  # raised outside of the nursery, which would wrap it into a group
            nursery.cancel_scope.cancel()
        if isinstance(event, K8pshError):
            raise event
        return status_of(event)

    async def _send_request(self, request: Request) -> None:
        passed = [number for number in range(3) if request.descriptors & 1 << number]
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", passed))] if passed else []
        data = memoryview(request.encode_direct())
        try:
            sent = await self._sock.sendmsg([data], ancillary)
        except OSError:
            return  # a rejection may be there to be read
        await self._send(data[sent:])

    async def _send(self, data: bytes | memoryview) -> None:
        unsent = memoryview(data)
        while unsent:
            try:
                unsent = unsent[await self._sock.send(unsent) :]
            except OSError:
                return

    async def _last_event(self) -> LastEvent:
        while True:
            match self._connection.next_event():
                case ExitCode() | TermSignal() | Rejected() as event:
                    return event
                case Delivered(number=number):
                    self._signals.note_delivered(number)
                case _:
                    await self._receive()

    async def _receive(self) -> None:
        try:
            data = await self._sock.recv(4096)
        except OSError:
            data = b""
        if not data:
            raise connection_lost(self._server)
        self._connection.receive_data(data)

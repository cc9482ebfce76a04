"""The direct lane's client: hand over our standard streams, then wait for the command's end."""

import array
import socket

import trio

from ..ancillary import received_descriptors
from ..errors import K8pshError, ProtocolError
from ..exit_status import ExitStatus
from ..wire.client_connection import ClientConnection
from ..wire.events import Delivered, ExitCode, Rejected, Request, Terminal, TermSignal
from ..wire.frames import VERSION
from .descriptors import release
from .outcome import LastEvent, connection_lost, status_of
from .signals import SignalForwarding
from .terminal import CallerTerminal, MasterBridge, are_ours

_ANCILLARY_BYTES = socket.CMSG_SPACE(4 * array.array("i").itemsize)


class DirectCall:
    """One call over a connected Unix socket; `server` names the other end in errors."""

    def __init__(self, sock: trio.socket.SocketType, server: str) -> None:
        self._sock = sock
        self._server = server
        self._connection = ClientConnection(is_direct=True)
        self._signals = SignalForwarding(self._send, VERSION)
        self._descriptors: list[int] = []
        self._bridge: MasterBridge | None = None

    async def run(self, request: Request) -> ExitStatus:
        """Send the request with the descriptors that it announces; return how the command ended.

        Raises:
            ConnectionLostError: the connection ended without an exit status.
            ProtocolError: the server doesn't speak the protocol.
            RejectedError: the server didn't start the command.
        """
        try:
            event = await self._call(request)
        finally:
            self._signals.restore_terminal()
        if isinstance(event, K8pshError):
            raise event
        return status_of(event)

    async def _call(self, request: Request) -> LastEvent | K8pshError:
        """Return an error instead of raising it: the nursery would wrap it into a group."""
        event: LastEvent | K8pshError
        async with trio.open_nursery() as nursery:
            await nursery.start(self._signals.run)
            try:
                await self._send_request(request)
                _let_go(request.descriptors & ~request.terminals)
                event = await self._last_event(nursery)
            except K8pshError as error:
                event = error
            if self._bridge is not None:
                await self._bridge.copy_rest()
            nursery.cancel_scope.cancel()
        return event

    async def _send_request(self, request: Request) -> None:
        passed = [number for number in range(32) if request.descriptors & 1 << number]
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

    async def _last_event(self, nursery: trio.Nursery) -> LastEvent:
        while True:
            match self._connection.next_event():
                case ExitCode() | TermSignal() | Rejected() as event:
                    return event
                case Terminal(mask=mask):
                    self._enter_terminal(mask, nursery)
                case Delivered(number=number):
                    self._signals.note_delivered(number)
                case _:
                    await self._receive()

    def _enter_terminal(self, mask: int, nursery: trio.Nursery) -> None:
        """Be the keyboard and the screen of the command's terminal, whose master has come."""
        if not self._descriptors:
            raise ProtocolError("a terminal came without its master")
        if not are_ours(mask):
            raise ProtocolError("a terminal came in place of what is none")
        self._bridge = MasterBridge(self._descriptors.pop(0), mask)
        self._signals.enter_terminal(CallerTerminal(), self._bridge.resize)
        nursery.start_soon(self._bridge.copy_keys)
        nursery.start_soon(self._bridge.copy_screen)

    async def _receive(self) -> None:
        try:
            data, ancillary, _, _ = await self._sock.recvmsg(4096, _ANCILLARY_BYTES)
        except OSError:
            data, ancillary = b"", []
        self._descriptors += received_descriptors(ancillary)
        if not data:
            raise connection_lost(self._server)
        self._connection.receive_data(data)


def _let_go(passed: int) -> None:
    """Close what the command has now: the other ends must see when it closes them, not when we end.

    Its stderr stays: a connection that is lost has to be reported. So do terminals: nobody waits for their
    end, and the command may get one of its own.
    """
    for number in (0, 1):
        if passed & 1 << number:
            release(number)

"""One call's life: a request is read, its command started and relayed, its exit status sent."""

import contextlib
import logging
import socket

import trio

from ..errors import K8pshError, LimitExceededError, ProtocolError
from ..wire.events import Request
from ..wire.frames import FrameType, Stream, encode_end, encode_exit_code, encode_text
from ..wire.server_connection import ServerConnection
from .call import Calls
from .child import Child, Children
from .pipes import Pipes
from .relay import ClientVanishedError, Relay

_REQUEST_SECONDS = 60.0
"""How long a connection may take to say what it wants: a request is sent at once, in one piece."""
_LINGER_SECONDS = 1.0
"""How long input that nobody wants is taken, so that closing doesn't destroy the exit code on its way."""

_log = logging.getLogger("k8psh.session")


class Session:
    """One connection of a client."""

    def __init__(self, sock: socket.socket, calls: Calls, children: Children) -> None:
        self._sock = sock
        self._calls = calls
        self._children = children
        self._connection = ServerConnection(calls.configuration.limits)

    async def run(self) -> None:
        """Serve the connection to its end; it's the caller's to close."""
        try:
            request = await self._read_request()
            if request is None:
                return
            _log.debug("%s: called with %d arguments", request.command, len(request.arguments))
            await self._call(request)
        except LimitExceededError as error:
            with contextlib.suppress(ClientVanishedError):
                await self._reject(error)
        except ProtocolError as error:
            _log.warning("connection closed: %s", error)
        except ClientVanishedError:
            _log.debug("the client has vanished")

    async def _read_request(self) -> Request | None:
        """Return the request, None where the connection ends without one."""
        with trio.move_on_after(_REQUEST_SECONDS):
            while True:
                event = self._connection.next_event()
                if event is not None:
                    assert isinstance(event, Request)  # noqa: S101 - the first event is always one
                    return event
                if not await self._receive():
                    return None
        return None

    async def _receive(self) -> int:
        while True:
            try:
                count = self._sock.recv_into(self._connection.space())
            except BlockingIOError:
                await trio.lowlevel.wait_readable(self._sock)
                continue
            except OSError:
                return 0
            self._connection.received(count)
            return count

    async def _call(self, request: Request) -> None:
        try:
            invocation = self._calls.prepare(request)
            with Pipes() as pipes:
                child = self._children.spawn(invocation, pipes.theirs)
                streams = pipes.keep_ours()
        except K8pshError as error:
            await self._reject(error, request.command)
            return
        except OSError as error:
            await self._reject(
                K8pshError(f"the server is out of resources: {error.strerror}"), request.command
            )
            return
        try:
            await self._relay(child, streams)
        finally:
            child.close()

    async def _relay(self, child: Child, streams: tuple[int, int, int]) -> None:
        relay = Relay(self._connection, self._sock, streams, child.pidfd, child.terminate)
        try:
            await relay.run()
        except (ClientVanishedError, ProtocolError):
            relay.close()
            await child.end(self._calls.configuration.grace_period_ms / 1000)
            raise
        except trio.Cancelled:  # the server ends without waiting
            child.terminate()
            relay.close()
            raise
        relay.close()
        status = child.reap()
        _log.debug("process %d ended: %s", child.pid, status)
        await self._send(encode_exit_code(status.exit_code()))
        if not relay.input_ended:
            await self._linger()

    async def _reject(self, error: K8pshError, command: str = "request") -> None:
        """Reply with a line on the caller's stderr and an exit code."""
        _log.debug("%s: rejected: %s", command, error)
        reply = encode_text(FrameType.STDERR_DATA, f"k8psh: {command}: {error}\n")
        reply += encode_end(Stream.STDOUT) + encode_end(Stream.STDERR) + encode_exit_code(error.exit_code)
        await self._send(reply)
        await self._linger()

    async def _send(self, data: bytes) -> None:
        unsent = memoryview(data)
        while unsent:
            try:
                unsent = unsent[self._sock.send(unsent) :]
            except BlockingIOError:
                await trio.lowlevel.wait_writable(self._sock)
            except OSError as error:
                raise ClientVanishedError from error

    async def _linger(self) -> None:
        with contextlib.suppress(OSError), trio.move_on_after(_LINGER_SECONDS):
            self._sock.shutdown(socket.SHUT_WR)
            scratch = bytearray(64 * 1024)
            while True:
                await trio.lowlevel.wait_readable(self._sock)
                if not self._sock.recv_into(scratch):
                    return

"""One call's life: a request is read, its command started and carried to its end, its exit status sent."""

import contextlib
import logging
import socket
from abc import ABC, abstractmethod

import trio

from ..errors import K8pshError, LimitExceededError, ProtocolError
from ..exit_status import ExitStatus
from ..wire.events import Request
from ..wire.server_connection import ServerConnection
from .call import Caller, Calls, Invocation
from .child import Child, Children
from .replies import encode_rejection, encode_status

_REQUEST_SECONDS = 60.0
"""How long a connection may take to say what it wants: a request is sent at once, in one piece."""

_log = logging.getLogger("k8psh.session")


class ClientVanishedError(Exception):
    """The connection's end came before the command's."""


class Session(ABC):
    """One connection of a client; the lanes differ in how a command gets its streams."""

    def __init__(
        self, sock: socket.socket, connection: ServerConnection, calls: Calls, children: Children
    ) -> None:
        self._sock = sock
        self._connection = connection
        self._calls = calls
        self._children = children
        self._request: Request | None = None
        self._child: Child | None = None

    async def run(self) -> None:
        """Serve the connection to its end; it's the caller's to close."""
        try:
            request = self._request or await self._read_request()
            if request is not None:
                await self._call(request)
        except LimitExceededError as error:
            await self._reject(Request(command="request"), error)
        except ProtocolError as error:
            _log.warning("connection closed: %s", error)
        except ClientVanishedError:
            _log.debug("the client has vanished")

    def close(self) -> None:
        """Close the connection."""
        self._sock.close()

    def end(self) -> None:
        """Ask the command to end; a client that hasn't said what it wants by now is parted with."""
        if self._child is not None:
            self._child.terminate()
        else:
            with contextlib.suppress(OSError):
                self._sock.shutdown(socket.SHUT_RD)

    def kill(self) -> None:
        """End the command's group for good."""
        if self._child is not None:
            self._child.kill()

    async def _read_request(self) -> Request | None:
        """Return the request, None where the connection ends without one."""
        with contextlib.suppress(BlockingIOError):  # mostly all of it is there: a time limit costs more
            return self._receive_request()
        with trio.move_on_after(_REQUEST_SECONDS):
            while True:
                await trio.lowlevel.wait_readable(self._sock)
                with contextlib.suppress(BlockingIOError):
                    return self._receive_request()
        return None

    def _receive_request(self) -> Request | None:
        """Return the request, None where the connection ends without one.

        Raises:
            BlockingIOError: it isn't all there.
        """
        while True:
            event = self._connection.next_event()
            if isinstance(event, Request):
                return event
            try:
                count = self._receive(self._connection.space())
            except BlockingIOError:
                raise
            except OSError:
                return None
            if not count:
                return None
            self._connection.received(count)

    async def _call(self, request: Request) -> None:
        try:
            await self._greet(request)
            self._child = child = self._child or self._start_command(request)
        except K8pshError as error:
            await self._reject(request, error)
            return
        except OSError as error:
            lacking = K8pshError(f"the server {self._calls.name!r} is out of resources: {error.strerror}")
            await self._reject(request, lacking)
            return
        try:
            await self._finish(request, await self._carry(child))
        except (ClientVanishedError, ProtocolError, OSError):  # the last: we lack descriptors
            self._hang_up()
            await child.end(self._calls.configuration.grace_period_ms / 1000)
            raise
        except trio.Cancelled:  # the server waits no longer
            child.terminate()
            raise
        finally:
            self._release()
            child.close()

    def _start_command(self, request: Request) -> Child:
        _log.debug("%s: called with %d arguments", request.command, len(request.arguments))
        return self._start(self._calls.prepare(request, self._caller()))

    async def _finish(self, request: Request, status: ExitStatus) -> None:
        _log.debug("%s: ended: %s", request.command, status)
        await self._send(encode_status(request.version, status))
        await self._part()

    async def _reject(self, request: Request, error: K8pshError) -> None:
        _log.debug("%s: rejected: %s", request.command, error)
        with contextlib.suppress(ClientVanishedError):
            await self._send(encode_rejection(request.version, request.command, error))
            await self._part()

    async def _send(self, data: bytes) -> None:
        unsent = memoryview(data)
        while unsent:
            try:
                unsent = unsent[self._sock.send(unsent) :]
            except BlockingIOError:
                await trio.lowlevel.wait_writable(self._sock)
            except OSError as error:
                raise ClientVanishedError from error

    def _receive(self, space: memoryview) -> int:
        """Receive once, as the lane does; the connection doesn't block."""
        return self._sock.recv_into(space)

    def _caller(self) -> Caller:
        """Return what the lane tells of the caller."""
        return Caller()

    @abstractmethod
    async def _greet(self, request: Request) -> None:
        """Say what comes before anything is started."""

    @abstractmethod
    def _start(self, invocation: Invocation) -> Child:
        """Start the command with its streams."""

    @abstractmethod
    async def _carry(self, child: Child) -> ExitStatus:
        """Wait for the command's end, or the client's."""

    @abstractmethod
    def _hang_up(self) -> None:
        """Let the command see that its caller has gone, before it's asked to end."""

    @abstractmethod
    def _release(self) -> None:
        """Let go of the command's streams."""

    @abstractmethod
    async def _part(self) -> None:
        """Take leave after the last frame."""

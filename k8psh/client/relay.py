"""The relay lane's client: our standard streams in frames over a connection, until the exit code."""

import logging
import os
import signal

import trio

from ..errors import ConnectionLostError, K8pshError
from ..exit_status import Exited, ExitStatus, Killed
from ..wire.client_connection import ClientConnection
from ..wire.events import Data, End, ExitCode, Request
from ..wire.frames import HEADER, Stream, encode_end, encode_terminate
from .descriptors import Descriptor

_READ_BYTES = 64 * 1024
_FORWARDED = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)
"""What ends a program that doesn't mind; protocol 1 knows only one way of saying so."""

_log = logging.getLogger("k8psh.client")


class _ReaderGoneError(Exception):
    """Nobody reads our standard output any more."""


class ClientRelay:
    """One call over a connected stream; `server` names the other end in errors."""

    def __init__(self, stream: trio.abc.Stream, server: str) -> None:
        self._stream = stream
        self._server = server
        self._connection = ClientConnection()
        self._sending = trio.Lock()
        self._input = Descriptor(0, os.O_RDONLY)
        self._outputs = {Stream.STDOUT: Descriptor(1, os.O_WRONLY), Stream.STDERR: Descriptor(2, os.O_WRONLY)}
        self._reading = trio.CancelScope()
        self._input_wanted = True
        self._asked_to_end: signal.Signals | None = None

    async def run(self, request: Request) -> ExitStatus:
        """Send the request, relay, return how the command ended.

        A command that was ended because a signal asked us to end counts as ended by that signal; where
        nobody reads our stdout any more, it's SIGPIPE, as for the command at home.

        Raises:
            ConnectionLostError: the connection ended without an exit code.
            ProtocolError: the server doesn't speak the protocol.
            K8pshError: our stdout can't be written to.
        """
        async with trio.open_nursery() as nursery:
            await nursery.start(self._forward_signals, nursery)
            await self._send(request.encode())
            nursery.start_soon(self._send_input)
            code, failure = 0, None
            try:
                code = await self._receive_output()
            except (K8pshError, _ReaderGoneError) as error:
                failure = error  # raised outside of the nursery, which would wrap it into a group
            nursery.cancel_scope.cancel()
        if isinstance(failure, _ReaderGoneError):
            return Killed(signal.SIGPIPE)
        if failure is not None:
            raise failure
        if self._asked_to_end is not None and code == 128 + signal.SIGTERM:
            return Killed(self._asked_to_end)
        return Exited(code & 0xFF)

    async def _send(self, data: bytes) -> None:
        """Send frames, whole; a connection that takes nothing still has an end that tells why."""
        async with self._sending:
            try:
                await self._stream.send_all(data)
            except trio.BrokenResourceError:
                _log.debug("the server takes no more")

    async def _send_input(self) -> None:
        while self._input_wanted:
            data = b""
            with (
                trio.CancelScope() as self._reading
            ):  # a frame on its way must not be torn: only reading ends
                try:
                    data = await self._input.read(_READ_BYTES)
                except OSError as error:
                    _log.debug("standard input can't be read: %s", error)
            if not data:
                break
            await self._send(HEADER.pack(Stream.STDIN.frame_type, len(data)) + data)
        if self._input_wanted:
            await self._send(encode_end(Stream.STDIN))

    async def _receive_output(self) -> int:
        """Write what comes to our stdout and stderr; return the exit code."""
        while True:
            match self._connection.next_event():
                case Data(stream=stream, data=data):
                    await self._write(stream, data)
                case End(stream=Stream.STDIN):
                    self._input_wanted = False
                    self._reading.cancel()
                    self._input.close()
                case End(stream=stream):
                    self._outputs[stream].close()
                case ExitCode(code=code):
                    return code
                case _:
                    await self._receive()

    async def _receive(self) -> None:
        try:
            data = await self._stream.receive_some()
        except trio.BrokenResourceError:
            data = b""
        if not data:
            raise ConnectionLostError(
                f"the server {self._server!r} ended the connection without an exit status"
            )
        self._connection.receive_data(bytes(data))

    async def _write(self, stream: Stream, data: memoryview) -> None:
        try:
            await self._outputs[stream].write(data)
        except BrokenPipeError:
            if stream is Stream.STDOUT:
                raise _ReaderGoneError from None
        except OSError as error:
            if stream is Stream.STDOUT:
                raise K8pshError(f"standard output can't be written to: {error.strerror}") from error

    async def _forward_signals(
        self, nursery: trio.Nursery, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Ask the command to end at the first signal; at the second one, die."""
        heeded = [number for number in _FORWARDED if signal.getsignal(number) is not signal.SIG_IGN]
        with trio.open_signal_receiver(*heeded) as signals:
            task_status.started()
            async for number in signals:
                if self._asked_to_end is not None:
                    signal.signal(number, signal.SIG_DFL)
                    signal.raise_signal(number)
                self._asked_to_end = signal.Signals(number)
                nursery.start_soon(self._send, encode_terminate())

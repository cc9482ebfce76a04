"""The relay lane's client: our standard streams in frames over a connection, until the last one."""

import logging
import os
import signal

import trio

from ..errors import K8pshError, OutputError, ProtocolError
from ..exit_status import Exited, ExitStatus, Killed
from ..wire.client_connection import ClientConnection
from ..wire.events import Data, Delivered, End, ExitCode, Hello, Rejected, Request, Terminal, TermSignal
from ..wire.frames import HEADER, VERSION, FrameType, Stream, encode_end, encode_number
from .descriptors import Descriptor
from .outcome import LastEvent, connection_lost, status_of
from .signals import SignalForwarding
from .terminal import CallerTerminal, are_ours, window_size

_READ_BYTES = 64 * 1024

_log = logging.getLogger("k8psh.client")


class _ReaderGoneError(Exception):
    """Nobody reads our standard output any more, and the server can't be told."""


class RelayCall:
    """One call over a connected stream; `server` names the other end in errors."""

    def __init__(self, stream: trio.abc.Stream, server: str) -> None:
        self._stream = stream
        self._server = server
        self._connection = ClientConnection()
        self._version = 1
        self._sending = trio.Lock()
        self._input = Descriptor(0, os.O_RDONLY)
        self._outputs = {Stream.STDOUT: Descriptor(1, os.O_WRONLY), Stream.STDERR: Descriptor(2, os.O_WRONLY)}
        self._unread: set[Stream] = set()
        self._reading = trio.CancelScope()
        self._input_wanted = True
        self._signals = SignalForwarding(self._send, None)
        self._nursery: trio.Nursery

    async def run(self, request: Request) -> ExitStatus:
        """Send the request, relay, return how the command ended.

        Towards a server of version 1, a command that was ended because a signal asked us to end counts as
        ended by that signal; where nobody reads our stdout any more, it's SIGPIPE, as for the command at
        home.

        Raises:
            ConnectionLostError: the connection ended without an exit status.
            ProtocolError: the server doesn't speak the protocol.
            RejectedError: the server didn't start the command.
            K8pshError: our stdout can't be written to.
        """
        try:
            last = await self._call(request)
        finally:
            self._signals.restore_terminal()
        if isinstance(last, _ReaderGoneError):
            return Killed(signal.SIGPIPE)
        if isinstance(last, Exception):
            raise last
        status = status_of(last)
        if self._signals.asked_to_end is not None and status == Exited(128 + signal.SIGTERM):
            return Killed(self._signals.asked_to_end)
        return status

    async def _call(self, request: Request) -> LastEvent | Exception:
        """Return an error instead of raising it: the nursery would wrap it into a group."""
        last: LastEvent | Exception
        async with trio.open_nursery() as self._nursery:
            nursery = self._nursery
            await nursery.start(self._signals.run)
            await self._send(request.encode())
            nursery.start_soon(self._send_input)
            try:
                last = await self._relay_output()
            except (K8pshError, _ReaderGoneError) as error:
                last = error
            nursery.cancel_scope.cancel()
        return last

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

    async def _relay_output(self) -> LastEvent:
        """Write what comes to our stdout and stderr, until the last frame; return what that says."""
        while True:
            event = self._connection.next_event()
            if event is not None:
                self._version = event.version if isinstance(event, Hello) else self._version
                self._signals.learn_version(min(self._version, VERSION))
            match event:
                case ExitCode() | TermSignal() | Rejected():
                    return event
                case Data(stream=stream, data=data):
                    await self._write(stream, data)
                case End(stream=Stream.STDIN):
                    self._input_wanted = False
                    self._reading.cancel()
                    self._input.close()
                case End(stream=stream):
                    self._outputs[stream].close()
                case Terminal(mask=mask):
                    self._enter_terminal(mask)
                case Delivered(number=number):
                    self._signals.note_delivered(number)
                case None:
                    await self._receive()

    def _enter_terminal(self, mask: int) -> None:
        """Be the keyboard and the screen of the command's terminal, which the server relays."""
        if not are_ours(mask):
            raise ProtocolError("a terminal came in place of what is none")
        self._signals.enter_terminal(CallerTerminal(), self._send_size)

    def _send_size(self) -> None:
        size = window_size()
        if size is not None:
            self._nursery.start_soon(self._send, size.encode())

    async def _receive(self) -> None:
        try:
            data = await self._stream.receive_some()
        except trio.BrokenResourceError:
            data = b""
        if not data:
            raise connection_lost(self._server)
        self._connection.receive_data(bytes(data))

    async def _write(self, stream: Stream, data: memoryview) -> None:
        if stream in self._unread:
            return
        try:
            await self._outputs[stream].write(data)
        except BrokenPipeError:
            await self._tell_unread(stream)
        except OSError as error:
            if stream is Stream.STDOUT:
                raise OutputError(f"standard output can't be written to: {error.strerror}") from error

    async def _tell_unread(self, stream: Stream) -> None:
        """Let the command learn that nobody reads this stream any more."""
        self._unread.add(stream)
        if self._version >= VERSION:
            await self._send(encode_number(FrameType.OUTPUT_CLOSED, stream))
        elif stream is Stream.STDOUT:
            raise _ReaderGoneError

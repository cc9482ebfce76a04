"""The relay lane's session: streams of a command in frames over a connection, in one task.

An epoll set of the session's own holds the connection, the command's pipes and its pidfd, all
edge-triggered: "any of these" is one wait, and each descriptor is tried until it would block.
"""

import select
import socket

import trio

from ..wire.events import Data, End, OutputClosed, Signal, Terminate, WindowSize
from ..wire.frames import Stream, encode_end
from ..wire.server_connection import ServerConnection
from .child import Child
from .peer import has_vanished
from .session import ClientVanishedError
from .signals import answer
from .streams import Streams
from .terminal import set_size

_MOVES_PER_TURN = 16
"""How many reads and writes a session may make before others get their turn."""
_STALL_SECONDS = 1.0
"""How often a client whose input the command doesn't take is asked after."""
_MOST_CONTROL_BYTES = 4096
"""How many answers may wait for a client that takes none."""
_CONNECTION = select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET
_READABLE = {True: select.EPOLLIN, False: 0}
_CLOSED = select.EPOLLERR | select.EPOLLHUP | select.EPOLLRDHUP


class Relay:
    """The relay of one command, between its streams and the connection."""

    def __init__(
        self, connection: ServerConnection, sock: socket.socket, streams: Streams, child: Child
    ) -> None:
        self._connection = connection
        self._sock = sock
        self._child = child
        self._streams = streams
        self._input = streams.input
        self._outputs = list(streams.outputs)
        self._terminal = streams.terminal
        self._unsent = memoryview(b"")
        self._control = b""
        self._receivable = True
        self._sendable = True
        self._heeds_input = True
        self._exited = False
        self.input_ended = False
        self._epoll = select.epoll(5)
        self._register()

    def _register(self) -> None:
        edge = select.EPOLLET
        self._epoll.register(self._sock, _CONNECTION | select.EPOLLIN)
        self._epoll.register(self._child.pidfd, select.EPOLLIN | edge)
        self._epoll.register(self._input.descriptor, select.EPOLLOUT | edge)
        for output in self._outputs:
            self._epoll.register(output.descriptor, select.EPOLLIN | edge)

    def close(self) -> None:
        """Close the epoll set; the streams are the caller's."""
        self._epoll.close()

    async def run(self) -> None:
        """Relay until the command has ended, and everything that it wrote is sent.

        Raises:
            ClientVanishedError, ProtocolError: nobody wants the command's output any more.
        """
        while not self._is_over():
            for descriptor, events in self._epoll.poll(0):
                self._note(descriptor, events)
            for _ in range(_MOVES_PER_TURN):
                if not self._move():
                    break
            else:
                self._heed_news()
                await trio.lowlevel.checkpoint()
                continue
            if not self._is_over():
                await self._wait()

    def _is_over(self) -> bool:
        return self._exited and not self._unsent and self._streams.have_ended()

    async def _wait(self) -> None:
        self._heed_news()
        if not self._input.unwritten:
            await trio.lowlevel.wait_readable(self._epoll.fileno())
            return
        with trio.move_on_after(_STALL_SECONDS) as stall:
            await trio.lowlevel.wait_readable(self._epoll.fileno())
        if stall.cancelled_caught and has_vanished(self._sock):
            raise ClientVanishedError

    def _heed_news(self) -> None:
        """Be woken only by what isn't known yet.

        What is readable and waits, since the other end doesn't keep up, would wake us for nothing with each
        write to it. When it's heeded again, the epoll set tells at once if it's readable by then.
        """
        for output in self._outputs:
            if output.heeded is output.readable and not output.ended:
                output.heeded = not output.readable
                self._epoll.modify(output.descriptor, select.EPOLLET | _READABLE[output.heeded])
        if self._heeds_input is self._receivable:
            self._heeds_input = not self._receivable
            self._epoll.modify(self._sock, _CONNECTION | _READABLE[self._heeds_input])

    def _note(self, descriptor: int, events: int) -> None:
        """Note what a descriptor is ready for."""
        if descriptor == self._sock.fileno():
            self._receivable |= bool(events & select.EPOLLIN)
            self._sendable |= bool(events & select.EPOLLOUT)
            if events & _CLOSED:
                raise ClientVanishedError
        elif descriptor == self._child.pidfd:
            self._exited = True
            self._streams.finish()
        elif descriptor == self._input.descriptor:
            self._input.writable = True
            if events & select.EPOLLERR:
                self._refuse_input()
        else:
            for output in self._outputs:
                output.readable |= output.descriptor == descriptor

    def _move(self) -> bool:
        """Do what can be done without waiting; tell whether there was anything."""
        moved = self._send_output()
        if self._input.unwritten:
            return self._write_input() or moved
        if len(self._control) > _MOST_CONTROL_BYTES:
            return moved
        return self._take_input() or moved

    def _send_output(self) -> bool:
        if self._unsent:
            return self._send()
        if self._control:
            self._unsent, self._control = memoryview(self._control), b""
            return self._send()
        moved = False
        for output in self._outputs:
            frame = output.next_frame() if output.readable and not output.ended else None
            if frame is not None:
                self._unsent = frame
                moved = self._send() or moved
                if self._unsent:
                    self._outputs.remove(output)
                    self._outputs.append(output)  # behind the others, which may have something to say as well
                    break
        return moved

    def _send(self) -> bool:
        if not self._sendable:
            return False
        # The last frames wait for the exit status, in the kernel and for 200 ms at the most (TCP_CORK in
        # tcp(7)): one wake-up of the client instead of three.
        flags = socket.MSG_MORE if self._exited or self._streams.have_ended() else 0
        try:
            sent = self._sock.send(self._unsent, flags)
        except BlockingIOError:
            self._sendable = False
            return False
        except OSError as error:
            raise ClientVanishedError from error
        self._unsent = self._unsent[sent:]
        return True

    def _take_input(self) -> bool:
        """Take the next event of the connection, or receive more."""
        match self._connection.next_event():
            case Data(data=data):
                self._input.take(data)
                return True
            case End():
                self.input_ended = True
                self._end_input()
                return True
            case OutputClosed(stream=stream):
                self._streams.abandon(stream)
                return True
            case WindowSize() as size:
                if self._terminal >= 0:
                    set_size(self._terminal, size)
                return True
            case Terminate() | Signal() as event:
                self._control += answer(event, self._child)
                return True
        return self._receivable and self._receive()

    def _receive(self) -> bool:
        try:
            count = self._sock.recv_into(self._connection.space())
        except BlockingIOError:
            self._receivable = False
            return False
        except OSError as error:
            raise ClientVanishedError from error
        if not count:
            raise ClientVanishedError
        self._connection.received(count)
        return True

    def _write_input(self) -> bool:
        try:
            return self._input.write()
        except BrokenPipeError:
            self._refuse_input()
            return True

    def _end_input(self) -> None:
        """Let the command learn that no more input comes; a terminal that nobody sits at is hung up."""
        if self._terminal < 0:
            self._input.close()
        else:
            self._terminal = -1
            self._streams.hang_up()

    def _refuse_input(self) -> None:
        """Tell the client that the command has closed its stdin."""
        self._input.close()
        self._control += encode_end(Stream.STDIN)

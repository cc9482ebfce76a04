"""The relay lane's session: pipes between the server and the command, frames between server and client."""

import contextlib
import os
import socket
from dataclasses import replace

import trio

from ..exit_status import ExitStatus
from ..wire.events import Request, WindowSize
from ..wire.frames import VERSION, FrameType, Stream, encode_number
from ..wire.server_connection import ServerConnection
from .call import Calls, Invocation
from .child import Child, Children
from .input import Input
from .output import MappedOutput, Output, TerminalOutput
from .pipes import Pipes
from .relay import Relay
from .session import Session
from .streams import Streams
from .terminal import open_terminal, wants_terminal

_LINGER_SECONDS = 1.0
"""How long input that nobody wants is taken, so that closing doesn't destroy the exit code on its way."""


class RelaySession(Session):
    """A call that came in by TCP."""

    def __init__(self, sock: socket.socket, calls: Calls, children: Children) -> None:
        super().__init__(sock, ServerConnection(calls.configuration.limits), calls, children)
        self._streams: Streams
        self._terminals = 0
        self._window: WindowSize | None = None
        self._relay: Relay | None = None

    async def _greet(self, request: Request) -> None:
        self._terminals, self._window = request.terminals, request.window
        if request.version > 1:
            await self._send(encode_number(FrameType.HELLO, VERSION))

    def _start(self, invocation: Invocation) -> Child:
        if invocation.tty and wants_terminal(self._terminals):
            return self._start_with_terminal(invocation)
        with Pipes() as pipes:
            if invocation.tty:
                invocation = replace(invocation, tty=False)
            child = self._children.spawn(invocation, pipes.theirs)
            stdin, stdout, stderr = pipes.keep_ours()
        outputs = (
            self._output(invocation, Stream.STDOUT, stdout),
            self._output(invocation, Stream.STDERR, stderr),
        )
        self._streams = Streams(input=Input(stdin), outputs=outputs)
        return child

    def _output(self, invocation: Invocation, stream: Stream, descriptor: int) -> Output:
        if invocation.map_output:
            return MappedOutput(stream, descriptor, self._calls.lines)
        return Output(stream, descriptor)

    def _start_with_terminal(self, invocation: Invocation) -> Child:
        """Give the command a terminal for the caller's, pipes for what else it has."""
        with contextlib.ExitStack() as cleanup, contextlib.ExitStack() as kept:
            pair = open_terminal(self._window)
            cleanup.callback(pair.close)
            pipes = cleanup.enter_context(Pipes())
            masters = os.dup(pair.master), os.dup(pair.master)
            for master in masters:
                os.set_blocking(master, False)
                kept.callback(os.close, master)
            stdin, stdout, stderr = (
                pair.slave if self._terminals & 1 << number else theirs
                for number, theirs in enumerate(pipes.theirs)
            )
            child = self._children.spawn(invocation, (stdin, stdout, stderr))
            kept.pop_all()
            self._streams = self._terminal_streams(invocation, masters, pipes)
        with contextlib.suppress(OSError):  # the relay will notice
            self._sock.send(encode_number(FrameType.TERMINAL, self._terminals))
        return child

    def _terminal_streams(self, invocation: Invocation, masters: tuple[int, int], pipes: Pipes) -> Streams:
        ours = pipes.keep_ours()
        os.close(ours[Stream.STDIN])
        outputs: list[Output] = []
        for stream in (Stream.STDOUT, Stream.STDERR):
            if self._terminals & 1 << stream:
                os.close(ours[stream])
            else:
                outputs.append(self._output(invocation, stream, ours[stream]))
        shown = Stream.STDOUT if self._terminals & 1 << Stream.STDOUT else Stream.STDERR
        outputs.append(TerminalOutput(shown, masters[1]))
        return Streams(input=Input(masters[0]), outputs=tuple(outputs), terminal=masters[1])

    async def _carry(self, child: Child) -> ExitStatus:
        self._relay = Relay(self._connection, self._sock, self._streams, child)
        await self._relay.run()
        return child.reap()

    def _hang_up(self) -> None:
        self._streams.hang_up()

    def _release(self) -> None:
        if self._relay is not None:
            self._relay.close()
        self._streams.close()

    async def _part(self) -> None:
        if self._relay is not None and self._relay.input_ended:
            return
        with contextlib.suppress(OSError), trio.move_on_after(_LINGER_SECONDS):
            self._sock.shutdown(socket.SHUT_WR)
            scratch = bytearray(64 * 1024)
            while True:
                await trio.lowlevel.wait_readable(self._sock)
                if not self._sock.recv_into(scratch):
                    return

"""Signals that come to the client are the command's."""

import os
import signal
from collections.abc import Awaitable, Callable

import trio

from ..wire.frames import VERSION, FrameType, encode_number, encode_terminate
from .terminal import CallerTerminal

_ENDING = frozenset({signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM})
"""What ends a program that doesn't mind; to version 1 there is only one way of saying so."""
_SETTLE_SECONDS = 0.5
_OTHERS = frozenset({signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH, signal.SIGTSTP, signal.SIGCONT})


def _do_nothing() -> None:
    """Resize no terminal."""


class SignalForwarding:
    """Catches signals and sends them on; those that were ignored when we were started stay so.

    An ending signal that comes again before the server has delivered it ends us: the server is stuck.
    """

    def __init__(self, send: Callable[[bytes], Awaitable[None]], version: int | None) -> None:
        """Begin; `version` is the server's where it's known."""
        self._send = send
        self._version = version
        self._held: list[int] = []
        self._undelivered: set[int] = set()
        self._sends: trio.Nursery
        self.asked_to_end: signal.Signals | None = None
        self._terminal: CallerTerminal | None = None
        self._resize: Callable[[], None] = _do_nothing

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Forward for ever."""
        caught = [number for number in _ENDING | _OTHERS if signal.getsignal(number) is not signal.SIG_IGN]
        with trio.open_signal_receiver(*caught) as signals:
            async with trio.open_nursery() as self._sends:  # a stuck server mustn't keep the next signal out
                task_status.started()
                async for number in signals:
                    if number == signal.SIGWINCH and self._terminal is not None:
                        self._resize()
                        continue
                    self._take(number)
                    if number == signal.SIGTSTP:
                        await self._settle()
                        self._stop()
                    elif number == signal.SIGCONT:
                        self._go_on()

    def enter_terminal(self, terminal: CallerTerminal, resize: Callable[[], None]) -> None:
        """Make our terminal raw: the command has one of its own, which `resize` gives the size of ours."""
        terminal.make_raw()
        self._terminal, self._resize = terminal, resize
        resize()  # it may have changed since the command was started

    def restore_terminal(self) -> None:
        """Give our terminal back as it was."""
        if self._terminal is not None:
            self._terminal.restore()

    def learn_version(self, version: int) -> None:
        """Note the server's version; what came before it was known is sent now."""
        if self._version is None:
            self._version = version
            for number in self._held:
                self._forward(number)

    def note_delivered(self, number: int) -> None:
        """Note that the server has delivered a signal."""
        self._undelivered.discard(number)

    def _take(self, number: int) -> None:
        if number in _ENDING and number in self._undelivered:
            self.restore_terminal()
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        self._undelivered.add(number)
        if self._version is None:
            self._held.append(number)
        else:
            self._forward(number)

    async def _settle(self) -> None:
        """Let what is being sent go first; a stuck server doesn't keep us from stopping."""
        with trio.move_on_after(_SETTLE_SECONDS):
            while self._sends.child_tasks:
                await trio.sleep(_SETTLE_SECONDS / 100)

    def _stop(self) -> None:
        """Stop, with the terminal as it was meanwhile."""
        self.restore_terminal()
        os.kill(os.getpid(), signal.SIGSTOP)

    def _go_on(self) -> None:
        """Be the command's keyboard and screen again: others may have had the terminal meanwhile."""
        if self._terminal is not None:
            self._terminal.make_raw()
            self._resize()

    def _forward(self, number: int) -> None:
        if self._version == VERSION:
            self._sends.start_soon(self._send, encode_number(FrameType.SIGNAL, number))
        elif number in _ENDING and self.asked_to_end is None:
            self.asked_to_end = signal.Signals(number)
            self._sends.start_soon(self._send, encode_terminate())

"""The server's life: accept connections, give each a session, end in order."""

import contextlib
import errno
import logging
import signal
from collections.abc import Mapping, Sequence

import trio

from ..errors import K8pshError
from ..wire.events import Rejected
from .call import Calls
from .child import Children
from .desk import Desk
from .direct_session import DirectSession
from .identity import identity_of_peer, is_allowed
from .listener import Connection, Listener
from .options import ServerOptions
from .relay_session import RelaySession
from .session import Session

_ORPHAN_SECONDS = 1.0
"""How often process 1 looks for ended orphans: a zombie harms nobody for a second, a wake-up each costs."""

_LAST_WORDS_SECONDS = 1.0
"""How long clients get to take how their commands ended, once those are killed, before the server ends."""

_log = logging.getLogger("k8psh.server")


class Server:
    """One server process: `run` serves until it's told to end; `calls` holds each section's by its port."""

    def __init__(
        self, listeners: Sequence[Listener], calls: Mapping[int, Calls], options: ServerOptions
    ) -> None:
        self._listeners = listeners
        self._calls = calls
        self._options = options
        self._children = Children()
        self._desk = Desk(self._serve_soon)
        self._accepted = 0
        self._accepting = trio.CancelScope()
        self._ending = trio.Event()
        self._hurry = trio.Event()
        self._active: set[Session] = set()
        self._grace_seconds = max(one.configuration.grace_period_ms for one in calls.values()) / 1000
        self._sessions: trio.Nursery

    async def run(self, *, ends_on_hangup: bool, is_init: bool) -> None:
        """Serve until a signal, the time limit or the last allowed connection; wait for the commands.

        A second signal, or options that say not to wait, end the running commands: TERM, the grace period,
        KILL. A third one ends the grace period.
        """
        async with trio.open_nursery() as helpers:
            await helpers.start(self._heed_signals, ends_on_hangup)
            helpers.start_soon(self._desk.run)
            if is_init:
                helpers.start_soon(self._reap_orphans)
            async with trio.open_nursery() as self._sessions:
                await self._accept()
                self._desk.release()
                _log.debug("no further connections; %d sessions left", len(self._active))
                helpers.start_soon(self._end_sessions)
                if not self._options.wait:
                    self._ending.set()
            helpers.cancel_scope.cancel()

    async def _accept(self) -> None:
        limit = self._options.timeout_ms
        with self._accepting, trio.move_on_after(float("inf") if limit < 0 else limit / 1000):
            async with trio.open_nursery() as accepting:
                for listener in self._listeners:
                    accepting.start_soon(listener.accept_forever, self._take)
                if self._options.max_connections == 0:
                    self._accepting.cancel()
        for listener in self._listeners:
            listener.close()

    def _take(self, connection: Connection) -> bool:
        """Give a connection its session; tell whether further ones are to be accepted."""
        session = self._session(connection)
        if isinstance(session, DirectSession) and session.start_now():
            self._desk.add(session)
        elif session is not None:
            self._serve_soon(session)
        self._accepted += 1
        if self._accepted == self._options.max_connections:
            self._accepting.cancel()
            return False
        return True

    async def _end_sessions(self) -> None:
        """When it's time, end the commands that run; their clients still learn how they ended."""
        await self._ending.wait()
        for session in self._active:
            session.end()
        with trio.move_on_after(self._grace_seconds):
            await self._hurry.wait()
        for session in self._active:
            session.kill()
        await trio.sleep(_LAST_WORDS_SECONDS)
        self._sessions.cancel_scope.cancel()

    def _serve_soon(self, session: Session) -> None:
        self._active.add(session)
        self._sessions.start_soon(self._serve, session)

    async def _serve(self, session: Session) -> None:
        """Run a session; whatever happens in it happens to it alone."""
        try:
            await session.run()
        except Exception as error:  # noqa: BLE001 - a defect must not end the other sessions
            _log.error("a session failed: %r", error, exc_info=_log.isEnabledFor(logging.DEBUG))
        finally:
            self._active.discard(session)
            session.close()

    def _session(self, connection: Connection) -> Session | None:
        """Return the session of a connection's lane, None for a caller that isn't allowed."""
        calls = self._calls[connection.section.port]
        if not connection.is_direct:
            return RelaySession(connection.sock, calls, self._children)
        allow = connection.section.allow
        if allow is not None and not is_allowed(identity := identity_of_peer(connection.sock), allow):
            text = f"user {identity.uid}, group {identity.gid} may not call (allow in the configuration)"
            _log.warning("%s", text)
            with contextlib.suppress(OSError):
                connection.sock.send(Rejected(K8pshError.exit_code, errno.EACCES, text).encode())
            connection.sock.close()
            return None
        return DirectSession(connection.sock, calls, self._children)

    async def _heed_signals(
        self, ends_on_hangup: bool, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:
            task_status.started()
            async for number in signals:
                if number == signal.SIGHUP and not ends_on_hangup:
                    continue
                _log.debug("told to end by %s", signal.Signals(number).name)
                if self._ending.is_set():
                    self._hurry.set()
                elif self._accepting.cancel_called:
                    self._ending.set()
                self._accepting.cancel()

    async def _reap_orphans(self) -> None:
        while True:
            await trio.sleep(_ORPHAN_SECONDS)
            self._children.reap_orphans()

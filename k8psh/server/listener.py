"""Listening sockets, and the connections that come in by them."""

import contextlib
import errno
import logging
import os
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import TracebackType

import trio

from ..config.model import Server
from ..errors import K8pshError

ADDRESS = "127.0.0.1"
"""The Pod's loopback: who runs commands must not be reachable from outside."""
_BACKLOG = 1024
_SEND_BYTES = 192 * 1024
"""How much may be on its way to a client of the relay lane. With the megabytes that the kernel would allow
in the end, there is always room to send: the server is woken for each write of the command and sends little
at a time. Measured: with this, half as much again comes out of a command that only writes."""
_CONGESTION_CONTROL = b"reno"
"""Every Linux has it. Others that a machine may be set to (bbr) pace by a clock, which no loopback needs."""
_EXHAUSTED_PAUSE_SECONDS = 0.1
_EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}

_log = logging.getLogger("k8psh.server")


@dataclass(frozen=True, kw_only=True, slots=True)
class Connection:
    """An accepted connection, non-blocking; `section` is the one whose address it came to."""

    sock: socket.socket
    is_direct: bool
    section: Server


class Listener:
    """A listening socket of one section, TCP or Unix; a context that closes it and removes its file."""

    def __init__(self, sock: socket.socket, section: Server) -> None:
        self._sock = sock
        self._section = section
        self._is_direct = sock.family == socket.AF_UNIX
        self._path = section.socket_address if self._is_direct and section.socket_directory else ""

    def __enter__(self) -> "Listener":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Accept no more."""
        if self._path:
            with contextlib.suppress(OSError):
                os.unlink(self._path)
            self._path = ""
        self._sock.close()

    async def accept_forever(self, take: Callable[[Connection], bool]) -> None:
        """Hand each connection to `take`, until that returns False."""
        while True:
            try:
                sock, _ = self._sock.accept()
            except BlockingIOError:
                await trio.lowlevel.wait_readable(self._sock)
                continue
            except OSError as error:
                if error.errno in _EXHAUSTED:
                    _log.warning("no further connection for now: %s", error.strerror)
                    await trio.sleep(_EXHAUSTED_PAUSE_SECONDS)
                continue
            sock.setblocking(False)
            if not take(Connection(sock=sock, is_direct=self._is_direct, section=self._section)):
                return


def listen(sections: Iterable[Server]) -> list[Listener]:
    """Return the listeners of a server's sections, listening.

    Raises:
        K8pshError: an address can't be had.
    """
    with contextlib.ExitStack() as cleanup:
        listeners = []
        for section in sections:
            if section.tcp:
                listeners.append(cleanup.enter_context(Listener(_listen_tcp(section), section)))
            listeners.append(cleanup.enter_context(Listener(_listen_unix(section), section)))
        cleanup.pop_all()
    return listeners


def _listen_tcp(section: Server) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # These are handed on to what is accepted.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BYTES)
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, _CONGESTION_CONTROL)
    return _listening(sock, (ADDRESS, section.port), f"{ADDRESS} port {section.port}")


def _listen_unix(section: Server) -> socket.socket:
    address = section.socket_address
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    if not section.socket_directory:
        return _listening(sock, address, f"the abstract socket {address[1:]}")
    _remove_stale(address)
    return _listening(sock, address, address, section.socket_mode)


def _listening(
    sock: socket.socket, address: tuple[str, int] | str, text: str, mode: int | None = None
) -> socket.socket:
    """Make a socket listen; a file gets its mode before anybody can connect."""
    try:
        sock.bind(address)
        if mode is not None and isinstance(address, str):
            os.chmod(address, mode)
        sock.listen(_BACKLOG)
        sock.setblocking(False)
    except OSError as error:
        sock.close()
        raise K8pshError(f"can't listen on {text}: {error.strerror or error}") from error
    return sock


def _remove_stale(path: str) -> None:
    """Remove the socket file of a server that didn't get to do it; one that still listens stays."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe, contextlib.suppress(OSError):
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)

"""Listening sockets, and the connections that come in by them."""

import errno
import logging
import socket
from collections.abc import Callable, Iterable

import trio

from ..errors import K8pshError

ADDRESS = "127.0.0.1"
"""The Pod's loopback: who runs commands must not be reachable from outside."""
_BACKLOG = 1024
_EXHAUSTED_PAUSE_SECONDS = 0.1
_EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}

_log = logging.getLogger("k8psh.server")


def listen(ports: Iterable[int]) -> list[socket.socket]:
    """Return a listening non-blocking socket per port.

    Raises:
        K8pshError: a port can't be had.
    """
    listeners: list[socket.socket] = []
    for port in ports:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((ADDRESS, port))
            listener.listen(_BACKLOG)
            listener.setblocking(False)
        except OSError as error:
            listener.close()
            for other in listeners:
                other.close()
            raise K8pshError(f"can't listen on {ADDRESS} port {port}: {error.strerror}") from error
        listeners.append(listener)
    return listeners


async def accept_forever(listener: socket.socket, take: Callable[[socket.socket], bool]) -> None:
    """Hand each connection to `take`, until that returns False."""
    while True:
        try:
            connection, _ = listener.accept()
        except BlockingIOError:
            await trio.lowlevel.wait_readable(listener)
            continue
        except OSError as error:
            if error.errno in _EXHAUSTED:
                _log.warning("no further connection for now: %s", error.strerror)
                await trio.sleep(_EXHAUSTED_PAUSE_SECONDS)
            continue
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not take(connection):
            return

"""Reach a server that may still be starting."""

import os
import socket

import trio

from ..config.model import Server
from ..errors import ConnectionLostError

_FIRST_PAUSE_SECONDS = 0.032
_LONGEST_PAUSE_SECONDS = 1.0


async def connect(server: Server, timeout_ms: int) -> trio.SocketStream:
    """Return a connection to the server, trying again until `timeout_ms` have passed (negative: for ever).

    Raises:
        ConnectionLostError: the time has passed.
    """
    pause = _FIRST_PAUSE_SECONDS
    reason = "timed out"
    with trio.move_on_after(float("inf") if timeout_ms < 0 else timeout_ms / 1000):
        while True:
            try:
                return await _connect_once(server.port)
            except OSError as error:
                reason = os.strerror(error.errno) if error.errno else str(error)
            await trio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
    raise ConnectionLostError(
        f"no connection to the server {server.name!r} on port {server.port} in {timeout_ms} ms ({reason}); "
        "is its container running k8pshd?"
    )


async def _connect_once(port: int) -> trio.SocketStream:
    sock = trio.socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        await sock.connect(("127.0.0.1", port))
    except BaseException:
        sock.close()
        raise
    return trio.SocketStream(sock)  # sets TCP_NODELAY

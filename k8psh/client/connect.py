"""Reach a server that may still be starting."""

import os
import socket

import trio

from ..config.model import Lane, Server
from ..errors import ConnectionLostError

_FIRST_PAUSE_SECONDS = 0.032
_LONGEST_PAUSE_SECONDS = 1.0


async def connect(server: Server, lane: Lane, timeout_ms: int) -> trio.socket.SocketType:
    """Return a connected socket, Unix for the direct lane, TCP for the relay lane.

    Both are tried where the lane allows both, again and again until `timeout_ms` have passed (negative:
    for ever).

    Raises:
        ConnectionLostError: the time has passed, or the server doesn't listen on the lane.
    """
    pause = _FIRST_PAUSE_SECONDS
    reason = "timed out"
    addresses = list(_addresses(server, lane))
    with trio.move_on_after(float("inf") if timeout_ms < 0 else timeout_ms / 1000):
        while addresses:
            for family, address in addresses:
                try:
                    return await _connect_once(family, address)
                except OSError as error:
                    reason = os.strerror(error.errno) if error.errno else str(error)
            await trio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
    if not addresses:
        raise ConnectionLostError(f"the server {server.name!r} has no TCP, which the relay lane needs")
    raise ConnectionLostError(
        f"no connection to the server {server.name!r} on port {server.port} in {timeout_ms} ms ({reason}); "
        "is its container running k8pshd?"
    )


def _addresses(server: Server, lane: Lane) -> list[tuple[int, tuple[str, int] | str]]:
    addresses: list[tuple[int, tuple[str, int] | str]] = []
    if lane is not Lane.RELAY:
        addresses.append((socket.AF_UNIX, server.socket_address))
    if lane is not Lane.DIRECT and server.tcp:
        addresses.append((socket.AF_INET, ("127.0.0.1", server.port)))
    return addresses


async def _connect_once(family: int, address: tuple[str, int] | str) -> trio.socket.SocketType:
    sock = trio.socket.socket(family, socket.SOCK_STREAM)
    try:
        await sock.connect(address)
    except BaseException:
        sock.close()
        raise
    return sock

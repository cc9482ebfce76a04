"""Who is at the other end of a Unix socket: the kernel says it, at the time of connect(2)."""

import socket
import struct
from dataclasses import dataclass

from ..config.model import Allow

_CREDENTIALS = struct.Struct("iII")
_SO_PEERGROUPS = 59
"""Linux 4.13, include/uapi/asm-generic/socket.h; Python has no name for it."""
_MOST_GROUPS = 65_536
"""NGROUPS_MAX of Linux."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """A caller's effective uid and gid, and its supplementary groups."""

    uid: int
    gid: int
    groups: tuple[int, ...] = ()


def identity_of_peer(sock: socket.socket) -> Identity:
    """Return the identity of a connected Unix socket's peer (SO_PEERCRED and SO_PEERGROUPS, unix(7))."""
    _, uid, gid = _CREDENTIALS.unpack(
        sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    )
    return Identity(uid=uid, gid=gid, groups=_groups(sock))


def _groups(sock: socket.socket) -> tuple[int, ...]:
    try:
        data = sock.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, 4 * 64)
    except OSError:  # more groups than that
        data = sock.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, 4 * _MOST_GROUPS)
    return struct.unpack(f"{len(data) // 4}I", data)


def is_allowed(identity: Identity, allow: Allow) -> bool:
    """Tell whether a caller may call."""
    groups = {identity.gid, *identity.groups}
    return identity.uid in allow.uids or not groups.isdisjoint(allow.gids)

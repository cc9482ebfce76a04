"""Descriptors that come with a message over a Unix socket (SCM_RIGHTS, unix(7))."""

import array
import socket
from collections.abc import Iterable


def received_descriptors(ancillary: Iterable[tuple[int, int, bytes]]) -> list[int]:
    """Return the descriptors in what recvmsg(2) gave besides data; they're the caller's to close."""
    descriptors = array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptors.frombytes(data[: len(data) - len(data) % descriptors.itemsize])
    return list(descriptors)

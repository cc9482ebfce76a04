"""Ask after a peer that doesn't show its end by itself."""

import socket
import sys

_TCP_TABLE = "/proc/net/tcp"
_ESTABLISHED = 1


def has_vanished(sock: socket.socket) -> bool:
    """Tell whether the process at the other end of a TCP connection on this machine has gone.

    A client that is killed while our receive buffer is full can't deliver its FIN: the kernel holds it
    behind the data that we don't take. But its end of the connection lies in the same network
    namespace, where /proc/net/tcp (proc_pid_net(5)) shows it to be past ESTABLISHED. Where that can't be
    seen, the answer is no.
    """
    try:
        wanted = (_entry(sock.getpeername()), _entry(sock.getsockname()))
        with open(_TCP_TABLE, encoding="ascii") as table:
            next(table)
            for line in table:
                fields = line.split(None, 4)
                if (fields[1], fields[2]) == wanted:
                    return int(fields[3], 16) != _ESTABLISHED
    except (OSError, StopIteration):
        return False
    return False


def _entry(address: tuple[str, int]) -> str:
    host, port = address
    number = int.from_bytes(
        socket.inet_aton(host), sys.byteorder
    )  # the table prints it as the machine holds it
    return f"{number:08X}:{port:04X}"

"""A scripted server that stands for k8pshd, and the frames that it reads and sends."""

import array
import os
import socket
import struct
from pathlib import Path

PATIENCE_S = 60.0
"""No call of a test takes a tenth of this, sanitizers, emulators and a busy machine included."""
HEADER = struct.Struct("<BI")
VARIABLE, REQUEST_END, EXIT_CODE = 1, 3, 8
NUMBERS = frozenset({16, 17, 18, 20, 21, 22, 23})
"""The frames that hold a number in place of their payload's length."""
INTS = array.array("i")


def frame(kind: int, payload: bytes = b"") -> bytes:
    """Return a frame with a payload."""
    return HEADER.pack(kind, len(payload)) + payload


def number_frame(kind: int, number: int) -> bytes:
    """Return a frame that is a number."""
    return HEADER.pack(kind, number)


def exit_frame(code: int) -> bytes:
    """Return the frame that ends a call."""
    return struct.pack("<Bi", EXIT_CODE, code)


class Connection:
    """The server's end of one call, driven by the test."""

    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected
        self.socket.settimeout(PATIENCE_S)
        self.received = b""
        """Everything that the client has sent and the test has read."""
        self.own: list[tuple[int, bytes | int]] = []
        """What the request said of the client itself."""
        self.descriptors: list[int] = []
        """What came with the first bytes."""

    def receive(self, count: int) -> bytes:
        """Return some bytes, at most `count`; the first ones may bring descriptors."""
        if self.received:
            return self.socket.recv(count)
        data, ancillary, _, _ = self.socket.recvmsg(count, socket.CMSG_SPACE(8 * INTS.itemsize))
        for _, _, passed in ancillary:
            self.descriptors += array.array("i", passed)
        return data

    def read_exactly(self, count: int) -> bytes:
        """Return `count` bytes."""
        read = bytearray()
        while len(read) < count:
            some = self.receive(count - len(read))
            self.received += some
            if not some:
                raise EOFError(bytes(read))
            read += some
        return bytes(read)

    def read_frame(self) -> tuple[int, bytes | int]:
        """Return a frame's type and payload, or its number."""
        kind, length = HEADER.unpack(self.read_exactly(HEADER.size))
        return kind, length if kind in NUMBERS else self.read_exactly(length)

    def read_request(self) -> list[tuple[int, bytes | int]]:
        """Return the frames up to and including START_COMMAND, but for the two that say `own`."""
        frames = [self.read_frame()]
        while frames[-1][0] != REQUEST_END:
            frames.append(self.read_frame())
        self.own = frames[:2]
        return frames[2:]

    def read_stdin(self) -> bytes:
        """Return standard input up to its end; other frames fail the test."""
        data = b""
        while True:
            kind, payload = self.read_frame()
            assert kind == 4, kind
            assert isinstance(payload, bytes)
            if not payload:
                return data
            data += payload

    def read_to_end(self) -> bytes:
        """Return everything up to the connection's end, however it ends."""
        data = b""
        try:
            while some := self.socket.recv(1 << 16):
                data += some
        except ConnectionResetError:
            pass
        return data

    def send(self, *frames: bytes) -> None:
        """Send the frames together."""
        self.socket.sendall(b"".join(frames))

    def drop_descriptors(self) -> None:
        """Close what came, as a server does when it has given it to the command."""
        while self.descriptors:
            os.close(self.descriptors.pop())

    def close(self) -> None:
        """End the connection."""
        self.socket.close()
        self.drop_descriptors()


def unix_address(address: str) -> str:
    """Return an address of the routes as Python has it."""
    return "\0" + address[1:] if address[0] == "@" else address


class ScriptedServer:
    """Listeners on loopback, on an abstract name and on a path: one is asked for the next call."""

    def __init__(self, directory: Path) -> None:
        self.listener = self.listen_tcp(0)
        self.port: int = self.listener.getsockname()[1]
        self.abstract = f"@k8psh-test:{self.port}"
        self.path = str(directory / "k8psh.sock")
        self.unix = {address: self.listen_unix(address) for address in (self.abstract, self.path)}
        self.connections: list[Connection] = []

    @staticmethod
    def listen_tcp(port: int) -> socket.socket:
        """Return a listener on loopback; 0 stands for any port."""
        listener = socket.create_server(("127.0.0.1", port))
        listener.settimeout(PATIENCE_S)
        return listener

    @staticmethod
    def listen_unix(address: str) -> socket.socket:
        """Return a listener on an address as the routes have it."""
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(unix_address(address))
        listener.listen()
        listener.settimeout(PATIENCE_S)
        return listener

    @staticmethod
    def connect_unix(address: str) -> socket.socket:
        """Return a connection of another client's, or raise BlockingIOError."""
        client = socket.socket(socket.AF_UNIX)
        client.setblocking(False)
        try:
            client.connect(unix_address(address))
        except BlockingIOError:
            client.close()
            raise
        return client

    def accept(self, address: str | None = None) -> Connection:
        """Return the next call, by TCP unless there is an `address`."""
        connected, _ = (self.unix[address] if address else self.listener).accept()
        if address is None:
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connections.append(Connection(connected))
        return self.connections[-1]

    def close(self) -> None:
        """Close everything."""
        for connection in self.connections:
            connection.close()
        for listener in (self.listener, *self.unix.values()):
            listener.close()

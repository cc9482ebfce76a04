"""Every frame as literal bytes, in both directions, in pieces of every size."""

from collections.abc import Callable
from typing import Any

import pytest

from k8psh.errors import ProtocolError
from k8psh.wire import frames
from k8psh.wire.client_connection import ClientConnection
from k8psh.wire.events import (
    Data,
    Delivered,
    End,
    ExitCode,
    Hello,
    OutputClosed,
    Rejected,
    Request,
    Signal,
    Terminal,
    Terminate,
    TermSignal,
    WindowSize,
)
from k8psh.wire.frames import FrameType, Stream

REQUEST = bytes.fromhex("00000000000304000000747275650400000000")[:-5]
"""`true` in the base directory, as recorded."""
HELLO = b"\x10\x02\0\0\0"

REQUESTS = [
    (Request(command="true"), REQUEST),
    (
        Request(command="c", arguments=("a", "", "b c"), working_directory="d/e", environment={"V": "x=y"}),
        b"\0\3\0\0\0d/e\2\1\0\0\0a\2\0\0\0\0\2\3\0\0\0b c\1\5\0\0\0V=x=y\3\1\0\0\0c",
    ),
    (Request(command="\udcff", arguments=("ä",)), b"\0\0\0\0\0\2\2\0\0\0\xc3\xa4\3\1\0\0\0\xff"),
    (
        Request(command="c", version=2, umask=0o27),
        b"\1\x10\0\0\0K8PSH_PROTOCOL=2\1\x0e\0\0\0K8PSH_UMASK=27\0\0\0\0\0\3\1\0\0\0c",
    ),
    (
        Request(command="c", calls=("a/b", "c/d")),
        b"\0\0\0\0\0\1\x13\0\0\0K8PSH_CALLS=a/b c/d\3\1\0\0\0c",
    ),
]
DIRECT_REQUESTS = [
    (
        Request(command="c", version=2, umask=0o22, descriptors=0b101),
        b"\x11\5\0\0\0\x12\x12\0\0\0\0\0\0\0\0\3\1\0\0\0c",
    ),
]
FROM_CLIENT = [
    (b"\4\5\0\0\0hello", (Stream.STDIN, b"hello")),
    (b"\4\0\0\0\0", End(Stream.STDIN)),
    (b"\7\0\0\0\0", Terminate()),
]
FROM_CLIENT_2 = [
    (b"\x15\2\0\0\0", Signal(2)),
    (b"\x19\x50\0\x18\0", WindowSize(24, 80)),
    (b"\x17\1\0\0\0", OutputClosed(Stream.STDOUT)),
    (b"\x17\2\0\0\0", OutputClosed(Stream.STDERR)),
]
FROM_SERVER = [
    (b"\5\3\0\0\0out", (Stream.STDOUT, b"out")),
    (b"\6\3\0\0\0err", (Stream.STDERR, b"err")),
    (b"\4\0\0\0\0", End(Stream.STDIN)),
    (b"\5\0\0\0\0", End(Stream.STDOUT)),
    (b"\6\0\0\0\0", End(Stream.STDERR)),
    (b"\x08\x09\0\0\0", ExitCode(9)),
    (b"\x08\xff\xff\xff\xff", ExitCode(-1)),
    (b"\x08\x2c\1\0\0", ExitCode(300)),
]
FROM_SERVER_2 = [
    (b"\x16\x0f\0\0\0", Delivered(15)),
    (b"\x14\x09\0\0\0", TermSignal(9)),
    (b"\x18\7\0\0\0", Terminal(7)),
    (b"\x13\x0b\0\0\0\x7f\0\0\0\2\0\0\0gon", Rejected(127, 2, "gon")),
    (b"\x13\x08\0\0\0\x7d\0\0\0\0\0\0\0", Rejected(125, 0, "")),
]


def _pieces(data: bytes) -> list[list[bytes]]:
    """Return the data whole, byte by byte, and in two pieces wherever they can be parted."""
    return [[data], [data[i : i + 1] for i in range(len(data))]] + [
        [data[:i], data[i:]] for i in range(1, len(data))
    ]


@pytest.mark.parametrize(("request_", "data"), REQUESTS)
def test_request(feed_server: Callable[..., list[Any]], request_: Request, data: bytes) -> None:
    """A request is these bytes, and they are that request, however they come."""
    assert request_.encode() == data
    for pieces in _pieces(data):
        assert feed_server(*pieces) == [request_]


@pytest.mark.parametrize(("request_", "data"), DIRECT_REQUESTS)
def test_direct_request(feed_server: Callable[..., list[Any]], request_: Request, data: bytes) -> None:
    """On the direct lane a request begins with numbers instead of variables."""
    assert request_.encode_direct() == data
    for pieces in _pieces(data):
        assert feed_server(*pieces, is_direct=True) == [request_]


@pytest.mark.parametrize(("data", "event"), FROM_CLIENT)
def test_from_client(feed_server: Callable[..., list[Any]], data: bytes, event: Any) -> None:
    """While a command runs, these bytes of its client mean this; what follows is not touched."""
    for pieces in _pieces(data):
        assert feed_server(REQUEST, *pieces)[1:] == [event]
    assert feed_server(REQUEST + data + data[:4])[1:] == [event]


@pytest.mark.parametrize(("data", "event"), FROM_CLIENT_2)
def test_from_client_of_version_2(feed_server: Callable[..., list[Any]], data: bytes, event: Any) -> None:
    """A client of version 2 may say more, and only such a client."""
    begin = REQUESTS[3][1]
    for pieces in _pieces(data):
        assert feed_server(begin, *pieces)[1:] == [event]
    with pytest.raises(ProtocolError):
        feed_server(REQUEST, data)


@pytest.mark.parametrize(("data", "event"), FROM_SERVER)
def test_from_server(feed_client: Callable[..., list[Any]], data: bytes, event: Any) -> None:
    """These bytes of a server of either version mean this."""
    for pieces in _pieces(data):
        assert feed_client(*pieces) == [event]
        assert feed_client(HELLO, *pieces) == [Hello(2), event]


@pytest.mark.parametrize(("data", "event"), FROM_SERVER_2)
def test_from_server_of_version_2(feed_client: Callable[..., list[Any]], data: bytes, event: Any) -> None:
    """A server that has said HELLO may say more, on the direct lane without."""
    for pieces in _pieces(data):
        assert feed_client(HELLO, *pieces) == [Hello(2), event]
        assert feed_client(*pieces, is_direct=True) == [event]
    with pytest.raises(ProtocolError):
        feed_client(data)


def test_encoded_frames() -> None:
    """What is sent is these bytes."""
    assert frames.encode_end(Stream.STDOUT) == b"\5\0\0\0\0"
    assert frames.encode_terminate() == b"\7\0\0\0\0"
    assert frames.encode_exit_code(-1) == b"\x08\xff\xff\xff\xff"
    assert frames.encode_exit_code(256) == b"\x08\0\1\0\0"
    assert frames.encode_number(FrameType.SIGNAL, 15) == b"\x15\x0f\0\0\0"
    assert frames.encode_frame(FrameType.STDERR_DATA, b"x") == b"\6\1\0\0\0x"
    assert Rejected(126, 13, "ä").encode() == b"\x13\x0a\0\0\0\x7e\0\0\0\x0d\0\0\0\xc3\xa4"


def test_stream_bytes_come_as_they_are_there() -> None:
    """A data frame is passed on in the pieces that were received, so that no length needs memory."""
    connection = ClientConnection()
    connection.receive_data(b"\5\xff\xff\xff\xffab")
    assert connection.next_event() == Data(Stream.STDOUT, memoryview(b"ab"))
    assert connection.next_event() is None
    connection.receive_data(b"c")
    assert connection.next_event() == Data(Stream.STDOUT, memoryview(b"c"))

"""Frames and events, as bytes and back: whole, byte by byte, and with more behind them."""

import pytest

from k8psh.errors import ProtocolError
from k8psh.limits import Limits
from k8psh.wire.client_connection import ClientConnection
from k8psh.wire.connection import Connection
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
from k8psh.wire.frames import (
    FrameType,
    Stream,
    encode_end,
    encode_exit_code,
    encode_number,
    encode_terminate,
    encode_text,
)
from k8psh.wire.server_connection import ServerConnection

HELLO = bytes.fromhex("1002000000")
START = bytes.fromhex("030400000074727565")

TO_CLIENT = [
    ("0100000000", None),
    ("0500000000", End(Stream.STDOUT)),
    ("0600000000", End(Stream.STDERR)),
    ("0400000000", End(Stream.STDIN)),
    ("0807000000", ExitCode(7)),
    ("08ffffffff", ExitCode(-1)),
    ("082c010000", ExitCode(300)),
    ("1409000000", TermSignal(9)),
    ("160f000000", Delivered(15)),
    ("1807000000", Terminal(7)),
    ("130b0000007f000000020000006e6f21", Rejected(127, 2, "no!")),
]
TO_SERVER = [
    ("0700000000", Terminate()),
    ("0400000000", End(Stream.STDIN)),
    ("1502000000", Signal(2)),
    ("1701000000", OutputClosed(Stream.STDOUT)),
    ("1950001800", WindowSize(24, 80)),
]


def client() -> ClientConnection:
    """Return a client's end that has heard HELLO."""
    connection = ClientConnection()
    connection.receive_data(HELLO)
    assert connection.next_event() == Hello(2)
    return connection


def server() -> ServerConnection:
    """Return a server's end whose client, of version 2, has started `true`."""
    connection = ServerConnection(Limits())
    connection.receive_data(encode_text(FrameType.ENVIRONMENT_VARIABLE, "K8PSH_PROTOCOL=2") + START)
    assert connection.next_event() == Request(command="true", version=2)
    return connection


def events_of(connection: Connection, pieces: list[bytes]) -> list[object]:
    """Return the events that come of the pieces, Data with their bytes copied."""
    events: list[object] = []
    for piece in pieces:
        connection.receive_data(piece)
        assert isinstance(connection, ClientConnection | ServerConnection)
        while (event := connection.next_event()) is not None:
            events.append((event.stream, bytes(event.data)) if isinstance(event, Data) else event)
    return events


@pytest.mark.parametrize(("text", "event"), TO_CLIENT[1:])
def test_a_client_reads_each_frame_whole_and_byte_by_byte(text: str, event: object) -> None:
    """What a frame means doesn't depend on the pieces that it comes in."""
    data = bytes.fromhex(text)
    assert events_of(client(), [data]) == [event]
    assert events_of(client(), [bytes([byte]) for byte in data]) == [event]


@pytest.mark.parametrize(("text", "event"), TO_SERVER)
def test_a_server_reads_each_frame_whole_byte_by_byte_and_with_more_behind(text: str, event: object) -> None:
    """A server takes exactly the frame's bytes, whatever follows."""
    data = bytes.fromhex(text)
    assert events_of(server(), [data]) == [event]
    assert events_of(server(), [bytes([byte]) for byte in data]) == [event]
    assert events_of(server(), [data + encode_terminate()[:3]]) == [event]


def test_stream_bytes_come_as_they_are_there() -> None:
    """A data frame is passed on in the pieces that were received, so that no length needs memory."""
    head = bytes.fromhex("05ffffffff")
    assert events_of(client(), [head + b"ab", b"c"]) == [(Stream.STDOUT, b"ab"), (Stream.STDOUT, b"c")]


def test_after_the_last_frame_nothing_is_read() -> None:
    """Bytes behind EXIT_CODE mean nothing."""
    assert events_of(client(), [encode_exit_code(3) + b"\x63rubbish"]) == [ExitCode(3)]


@pytest.mark.parametrize("number", [0, 1, 2, 3, 7, 9, 15, 17, 18, 21, 23, 25, 26, 99, 255])
def test_a_client_refuses_what_a_server_never_sends(number: int) -> None:
    """Any other frame type is a broken protocol."""
    with pytest.raises(ProtocolError, match=str(number)):
        events_of(client(), [bytes([number, 0, 0, 0, 0])])


@pytest.mark.parametrize("number", [0, 3, 5, 6, 8, 9, 16, 17, 19, 20, 22, 24, 255])
def test_a_server_refuses_what_no_client_sends_while_a_command_runs(number: int) -> None:
    """A second request, a server's frame or an unknown one is a broken protocol."""
    with pytest.raises(ProtocolError, match=str(number)):
        events_of(server(), [bytes([number, 0, 0, 0, 0])])


@pytest.mark.parametrize("number", [4, 5, 6, 7, 8, 17, 18, 21, 99])
def test_a_server_refuses_what_is_not_of_a_request_before_one(number: int) -> None:
    """Stream data and signals come only after START_COMMAND."""
    with pytest.raises(ProtocolError, match=str(number)):
        events_of(ServerConnection(Limits()), [bytes([number, 0, 0, 0, 0])])


@pytest.mark.parametrize("number", [16, 19, 20, 22, 24])
def test_a_client_of_a_version_1_server_refuses_version_2(number: int) -> None:
    """Once another frame has come, the server is one of version 1, which knows no HELLO."""
    with pytest.raises(ProtocolError):
        events_of(ClientConnection(), [encode_end(Stream.STDOUT) + bytes([number, 2, 0, 0, 0])])


def test_a_server_of_a_version_1_client_refuses_version_2() -> None:
    """SIGNAL is only for a client that has said its version."""
    connection = ServerConnection(Limits())
    assert events_of(connection, [START]) == [Request(command="true")]
    with pytest.raises(ProtocolError):
        events_of(connection, [encode_number(FrameType.SIGNAL, 2)])


@pytest.mark.parametrize("stream", [0, 3, 1 << 31])
def test_only_outputs_can_be_said_to_be_unread(stream: int) -> None:
    """OUTPUT_CLOSED names stdout or stderr."""
    with pytest.raises(ProtocolError):
        events_of(server(), [encode_number(FrameType.OUTPUT_CLOSED, stream)])


def test_a_server_has_no_bytes_for_standard_input() -> None:
    """STDIN_DATA towards a client is always empty."""
    with pytest.raises(ProtocolError):
        events_of(client(), [bytes.fromhex("040100000078")])


@pytest.mark.parametrize("payload", [b"", b"1234567"])
def test_a_rejection_without_its_numbers_is_refused(payload: bytes) -> None:
    """REJECTED begins with eight bytes."""
    with pytest.raises(ProtocolError):
        events_of(client(), [bytes([19]) + len(payload).to_bytes(4, "little") + payload])


def test_a_rejection_of_4_gib_takes_no_memory() -> None:
    """The length of a rejection is checked before anything is kept."""
    with pytest.raises(ProtocolError, match="4294967295"):
        events_of(client(), [bytes.fromhex("13ffffffff")])

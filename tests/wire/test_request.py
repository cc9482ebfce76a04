"""Requests: from their frames, in any pieces, and within the limits."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8psh.errors import LimitExceededError, ProtocolError
from k8psh.limits import Limits
from k8psh.wire.events import Request, WindowSize
from k8psh.wire.frames import FrameType, encode_number, encode_text
from k8psh.wire.server_connection import ServerConnection

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20) | st.binary(
    max_size=20
).map(lambda data: data.replace(b"\0", b"").decode("utf-8", "surrogateescape"))
NAME = st.text(st.sampled_from("ABCXYZ_19"), min_size=1, max_size=8)
REQUEST = st.builds(
    Request,
    command=TEXT,
    arguments=st.lists(TEXT, max_size=30).map(tuple),
    working_directory=TEXT,
    environment=st.dictionaries(NAME, TEXT, max_size=5),
    version=st.just(2),
    umask=st.integers(0, 0o777),
    descriptors=st.just(0),
    calls=st.lists(st.sampled_from(["a/x", "b/y"]), max_size=3).map(tuple),
    terminals=st.just(5),
    window=st.builds(WindowSize, st.integers(0, 65535), st.integers(0, 65535)),
)


def read(data: bytes, size: int = 0, limits: Limits | None = None, *, is_direct: bool = False) -> object:
    """Return the first event of a server's end that receives `data` in pieces of `size` bytes."""
    connection = ServerConnection(limits or Limits(), is_direct=is_direct)
    event = None
    for start in range(0, len(data), size or len(data)):
        connection.receive_data(data[start : start + (size or len(data))])
        event = connection.next_event()
    return event


@given(REQUEST, st.sampled_from([0, 1, 3, 64]))
def test_a_request_is_read_as_it_was_written(request: Request, size: int) -> None:
    """Every argument, variable and byte of a request arrives, in whatever pieces."""
    assert read(request.encode(), size) == request


@given(REQUEST, st.sampled_from([0, 1, 7]))
def test_a_direct_request_is_read_as_it_was_written(request: Request, size: int) -> None:
    """On the direct lane a request says which descriptors come, too."""
    expected = Request(
        command=request.command,
        arguments=request.arguments,
        working_directory=request.working_directory,
        environment=request.environment,
        version=2,
        umask=request.umask,
        descriptors=7,
        calls=request.calls,
    )
    assert read(expected.encode_direct(), size, is_direct=True) == expected


@given(st.binary(max_size=200), st.booleans())
def test_arbitrary_bytes_never_do_worse_than_breaking_the_protocol(data: bytes, is_direct: bool) -> None:
    """Rubbish is refused as such, or waits for more."""
    connection = ServerConnection(Limits(), is_direct=is_direct)
    connection.receive_data(data)
    try:
        while connection.next_event() is not None:
            pass
    except ProtocolError:
        return


@pytest.mark.parametrize("kind", [0, 1, 2, 3])
def test_a_length_is_refused_before_memory_is_taken(kind: int) -> None:
    """A header that announces 4 GiB is an error at once."""
    with pytest.raises(LimitExceededError, match="4294967295"):
        read(struct.pack("<BI", kind, 0xFFFFFFFF))


def test_the_longest_argument_is_the_kernels() -> None:
    """An argument of 128 KiB less its NUL is taken, a byte more isn't."""
    longest = encode_text(FrameType.COMMAND_ARGUMENT, "x" * (128 * 1024 - 1))
    start = encode_text(FrameType.START_COMMAND, "true")
    event = read(longest + start)
    assert isinstance(event, Request)
    assert len(event.arguments[0]) == 128 * 1024 - 1
    with pytest.raises(LimitExceededError, match="argumentBytes"):
        read(encode_text(FrameType.COMMAND_ARGUMENT, "x" * 128 * 1024) + start)


def test_a_whole_request_is_limited_counting_each_string() -> None:
    """Empty strings count as what they cost execve(2): a NUL and a pointer."""
    limits = Limits(request_bytes=90)
    empty = encode_text(FrameType.COMMAND_ARGUMENT, "")
    start = encode_text(FrameType.START_COMMAND, "")
    assert isinstance(read(empty * 9 + start, limits=limits), Request)
    with pytest.raises(LimitExceededError, match="requestBytes"):
        read(empty * 10 + start, limits=limits)


def test_a_hundred_thousand_arguments_arrive() -> None:
    """As many arguments as execve(2) takes are taken."""
    event = read(
        encode_text(FrameType.COMMAND_ARGUMENT, "a") * 100_000 + encode_text(FrameType.START_COMMAND, "x")
    )
    assert isinstance(event, Request)
    assert len(event.arguments) == 100_000


def test_a_nul_in_a_string_breaks_the_protocol() -> None:
    """No argument can hold one: it would end the string for execve(2)."""
    with pytest.raises(ProtocolError, match="NUL"):
        read(encode_text(FrameType.COMMAND_ARGUMENT, "a\0b") + encode_text(FrameType.START_COMMAND, "x"))


@pytest.mark.parametrize(
    "variable",
    ["K8PSH_UMASK=8", "K8PSH_UMASK=", "K8PSH_UMASK=7777", "K8PSH_TERMINAL=8 1 1", "K8PSH_TERMINAL=1 99999 1"],
)
def test_what_a_client_says_of_itself_is_checked(variable: str) -> None:
    """A mask or a size that can't be is refused."""
    with pytest.raises(ProtocolError):
        read(encode_text(FrameType.ENVIRONMENT_VARIABLE, variable))


def test_a_mask_that_cannot_be_is_refused_on_the_direct_lane() -> None:
    """UMASK holds nine bits."""
    with pytest.raises(ProtocolError):
        read(encode_number(FrameType.UMASK, 0o1000), is_direct=True)

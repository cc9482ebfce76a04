"""Routes files that are torn, of another version, or made to harm: never a wrong call, never a crash."""

import os
import random
import select
from collections.abc import Callable
from typing import Any

import pytest

FIELDS = [
    b"configuration=",
    b"stamp=",
    b"runtime=",
    b"connectTimeoutMs=",
    b"root=",
    b"wire=",
    b"server=",
    b"port=",
    b"socket=",
    b"tcp=",
    b"lane=",
]


def resized(data: bytes) -> bytes:
    """Return the routes with their size field put right."""
    head = b"k8psh-routes=1\0bytes="
    return head + b"%010d" % len(data) + data[len(head) + 10 :]


def replaced(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    """Return a change that puts `new` for `old`, with a size field that is right again."""

    def change(data: bytes) -> bytes:
        assert old in data
        return resized(data.replace(old, new, 1))

    return change


CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "one NUL": lambda _: b"\0",
    "no NUL at all": lambda data: data.replace(b"\0", b"\n"),
    "no last NUL": lambda data: data[:-1],
    "another version": lambda data: data.replace(b"k8psh-routes=1", b"k8psh-routes=2"),
    "a longer file": lambda data: data + b"\0",
    "the size in nine digits": lambda data: data.replace(b"bytes=0", b"bytes=", 1),
    "a negative size": lambda data: data.replace(b"bytes=0", b"bytes=-", 1),
    "an unknown field": replaced(b"server=", b"color=red\0server="),
    "a key without =": replaced(b"server=", b"server\0server="),
    "an empty field": replaced(b"server=", b"\0server="),
    "a relative runtime": replaced(b"runtime=/", b"runtime="),
    "a relative root": replaced(b"root=/", b"root="),
    "a relative wire": replaced(b"wire=", b"wire=x"),
    "a root without wire": replaced(b"wire=\0", b""),
    "no root": lambda data: resized(data[: data.index(b"root=")] + data[data.index(b"server=") :]),
    "port 0": replaced(b"port=", b"port=0\0x"),
    "port 65536": replaced(b"port=", b"port=65536\0x"),
    "a port that isn't a number": replaced(b"port=", b"port=x"),
    "a huge port": replaced(b"port=", b"port=99999999999999999999999"),
    "no port": lambda data: resized(data[: data.index(b"port=")] + data[data.index(b"command=") :]),
    "a relative socket": replaced(b"socket=@", b"socket=k"),
    "a socket without name": replaced(b"socket=@", b"socket=@\0x"),
    "a socket whose name is too long": replaced(b"socket=@", b"socket=@" + b"x" * 100),
    "tcp that is neither": replaced(b"tcp=yes", b"tcp=maybe"),
    "a lane that there isn't": replaced(b"lane=relay", b"lane=fast"),
    "a relative directory for outside": replaced(b"lane=relay", b"lane=relay\0outside=tmp"),
    "two directories for outside": replaced(b"lane=relay", b"lane=relay\0outside=/a\0outside=/b"),
    "a command without server": replaced(b"server=", b"command=true\0server="),
    "a variable with =": replaced(b"pass=", b"pass=A="),
    "a variable without name": replaced(b"pass=A", b"pass="),
    "a huge timeout": replaced(b"connectTimeoutMs=", b"connectTimeoutMs=99999999999999999999"),
    "a stamp of one number": replaced(b"stamp=", b"stamp=1\0x"),
    "a relative configuration": replaced(b"configuration=/", b"configuration="),
    "no end": lambda data: resized(data[: -len(b"end=\0")]),
    "an end with a value": replaced(b"end=", b"end=1"),
    "fields behind the end": lambda data: resized(data + b"server=x\0"),
    "everything twice": lambda data: resized(data * 2),
} | {f"no {field.decode()}": replaced(field, b"x") for field in FIELDS}


@pytest.fixture
def ends_without_a_call(place: Any, server: Any, finish: Any) -> Callable[[bytes], None]:
    """Try a routes file: the Python client, or one line, and no connection."""
    place.routes.commands = {"true": ("A", "B")}
    place.write()

    def attempt(data: bytes) -> None:
        place.routes_file.write_bytes(data)
        status, out, err = finish(place.start("true"))
        if status == 42:
            assert out.startswith(b"PYTHON")
            assert err == b""
        else:
            assert (status, out) == (125, b"")
            assert err.startswith(b"k8psh: true: ")
            assert err.count(b"\n") == 1
        server.listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.listener.accept()

    return attempt


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_bad_routes(place: Any, ends_without_a_call: Any, change: Callable[[bytes], bytes]) -> None:
    """A routes file that isn't as described is not used."""
    ends_without_a_call(change(place.routes.encode()))


def test_every_torn_file(place: Any, ends_without_a_call: Any) -> None:
    """A file that ends anywhere too early is not used, be its size field right for what is left or not."""
    whole = place.routes.encode()
    for length in range(0, len(whole), 7):
        ends_without_a_call(whole[:length])
        if length > 40:
            ends_without_a_call(resized(whole[:length]))


def test_stale_runtime_is_used(place: Any, finish: Any) -> None:
    """A torn file whose runtime is whole still names the Python client."""
    place.write()
    whole = place.routes.encode()
    place.routes_file.write_bytes(whole[: whole.index(b"root=")])
    assert finish(place.start("true"))[0] == 42


def test_huge_routes(place: Any, finish: Any) -> None:
    """A file larger than any routes is not read."""
    place.write()
    with place.routes_file.open("r+b") as file:
        file.truncate(1 << 40)
    status, _, err = finish(place.start("true"))
    assert (status, err.count(b"\n")) == (125, 1)


def test_thousands_of_roots(place: Any, server: Any, finish: Any, make_exit: Any) -> None:
    """Thousands of roots are many, but no harm."""
    place.routes.roots = [(f"{place.base}/{i:05}", f"/{i}") for i in range(20_000)] + [("/", "")]
    place.write()
    process = place.start("true")
    connection = server.accept()
    assert connection.read_request()[0] == (0, str(place.base)[1:].encode())
    connection.send(make_exit(0))
    assert finish(process)[0] == 0


def test_random_damage(place: Any, server: Any, finish: Any, make_exit: Any) -> None:
    """Whatever byte changes, the call is the right one, or Python's, or refused in a line."""
    place.write()
    whole = place.routes.encode()
    random_numbers = random.Random(1)
    for _ in range(150):
        at = random_numbers.randrange(len(whole))
        damaged = whole[:at] + bytes([whole[at] ^ 1 << random_numbers.randrange(8)]) + whole[at + 1 :]
        place.routes_file.write_bytes(damaged)
        process = place.start("true", environment={"K8PSH_FALLBACK": "0"})
        ended = os.pidfd_open(process.pid)
        ready = select.select([server.listener, ended], [], [], 20)[0]
        os.close(ended)
        if server.listener in ready:
            server.accept().send(make_exit(0))
        status, _, err = finish(process)
        assert status in (0, 42, 125)
        assert err.count(b"\n") <= 1

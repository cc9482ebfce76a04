"""What is sent of a call."""

import os
import subprocess
from typing import Any

import pytest

DIRECTORY, VARIABLE, ARGUMENT, START = 0, 1, 2, 3


def call(place: Any, server: Any, finish: Any, *command: Any, **options: Any) -> list[tuple[int, bytes]]:
    """Make a call and return its request's frames."""
    place.write()
    process = place.start(*command, **options)
    connection = server.accept()
    frames = connection.read_request()
    connection.send(b"\x08\0\0\0\0")
    assert finish(process) == (0, b"", b"")
    return frames  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "arguments",
    [
        [b"\xff\xfe", b"", "ä".encode(), b"a\nb", b"--help", b"--called-as=x"],
        [b"x" * (128 * 1024 - 1)] * 3,
        [str(i).encode() for i in range(10_000)],
        [b"a"] * 100_000,
    ],
    ids=["odd bytes", "the longest", "ten thousand", "a hundred thousand"],
)
def test_arguments(place: Any, server: Any, finish: Any, arguments: list[bytes]) -> None:
    """Arguments arrive unchanged and in order, whatever they are and however many."""
    frames = call(place, server, finish, "true", *arguments)
    assert frames == [(DIRECTORY, b""), *((ARGUMENT, argument) for argument in arguments), (START, b"true")]


def test_variables(place: Any, server: Any, finish: Any) -> None:
    """Of the variables only those that the routes name are sent, in their order, if they are set."""
    place.routes.commands = {"other": ("A",), "true": ("Z", "UNSET", "A", "EMPTY"), "last": ("PATH",)}
    environment = {"A": "1", "AA": "2", "Z": "26=", "EMPTY": "", "UNLISTED": "x"}
    frames = call(place, server, finish, "true", environment=environment)
    assert frames == [
        (DIRECTORY, b""),
        (VARIABLE, b"Z=26="),
        (VARIABLE, b"A=1"),
        (VARIABLE, b"EMPTY="),
        (START, b"true"),
    ]


def test_large_routes(place: Any, server: Any) -> None:
    """Routes far larger than the memory set aside for them are read as well."""
    place.routes.commands = {f"command{i}": ("VARIABLE",) * 10 for i in range(10_000)} | {"true": ("A",)}
    place.routes_file.write_bytes(place.routes.encode())
    place.routes.commands = {"true": ("A",)}
    place.link(place.executables / "true")
    place.start("true", environment={"A": "1"})
    assert place.routes_file.stat().st_size > 1 << 20
    frames = server.accept().read_request()
    assert frames[1:] == [(VARIABLE, b"A=1"), (START, b"true")]


def roots(place: Any) -> list[tuple[str, str]]:
    """Return roots of every kind, the longest first."""
    base = str(place.base)
    pairs = [(f"{base}/deep/mapped", "/elsewhere"), (f"{base}/deep", "/top/"), (base, "")]
    return [*pairs, (f"{place.directory}/link", "/linked")]


@pytest.mark.parametrize(
    ("below", "expected"),
    [
        ("base", b""),
        ("base/a/b", b"a/b"),
        ("base/deeper", b"deeper"),
        ("base/deep", b"/top/"),
        ("base/deep/x", b"/top/x"),
        ("base/deep/mapped", b"/elsewhere"),
        ("base/deep/mapped/y/z", b"/elsewhere/y/z"),
        ("physical", b"/linked"),
        ("physical/x", b"/linked/x"),
    ],
)
def test_working_directory(place: Any, server: Any, finish: Any, below: str, expected: bytes) -> None:
    """The first root that holds the working directory gives what the server is told."""
    directory = place.directory / below
    directory.mkdir(parents=True, exist_ok=True)
    (place.directory / "physical").mkdir(exist_ok=True)
    (place.directory / "link").symlink_to("physical")
    place.routes.roots = roots(place)
    frames = call(place, server, finish, "true", cwd=directory)
    assert frames[0] == (DIRECTORY, expected)


@pytest.mark.parametrize(("wire", "expected"), [("", b"usr/bin"), ("/", b"/usr/bin"), ("/r", b"/r/usr/bin")])
def test_the_root_directory_as_a_root(
    place: Any, server: Any, finish: Any, wire: str, expected: bytes
) -> None:
    """`/` holds everything."""
    place.routes.roots = [("/", wire)]
    frames = call(place, server, finish, "true", cwd="/usr/bin")
    assert frames[0] == (DIRECTORY, expected)


def test_directory_that_is_not_shared(place: Any, finish: Any) -> None:
    """Outside all roots the stub says which directory isn't shared and where one is."""
    place.write()
    status, _, err = finish(place.start("true", cwd="/usr/bin"))
    assert status == 125
    assert err.decode() == (
        "k8psh: true: working directory /usr/bin isn't shared: change to a directory below "
        f"{place.base}, or add a mapping for it to {place.routes.configuration}\n"
    )


def test_directory_that_no_longer_exists(place: Any, finish: Any) -> None:
    """In a removed directory the stub says so, however it was found."""
    place.write()
    gone = place.base / "gone"
    gone.mkdir()
    process = place.start("true", cwd=gone, shell='rmdir "$PWD" && exec "$@"', environment={"PWD": str(gone)})
    status, _, err = finish(process)
    assert status == 125
    assert err == b"k8psh: true: the working directory can't be told: No such file or directory\n"


def test_command_line_is_one_write(place: Any, server: Any, tmp_path: Any) -> None:
    """A request goes out in one system call."""
    place.write()
    trace = tmp_path / "trace"
    process = subprocess.Popen(
        ["strace", "-o", str(trace), "-e", "trace=sendto", str(place.executables / "true"), *"abc"],
        cwd=place.base,
        stdin=subprocess.DEVNULL,
        env={"ASAN_OPTIONS": "detect_leaks=0", "PATH": os.environ["PATH"]},
    )
    connection = server.accept()
    connection.read_request()
    connection.read_stdin()
    connection.send(b"\x08\0\0\0\0")
    assert process.wait(20) == 0
    assert trace.read_text().count("sendto(") == 2

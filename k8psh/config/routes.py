"""The routes file: what a stub needs of the configuration, in a form that a small C program reads.

`docs/routes.md` describes it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from .environment import sent_names
from .model import Command, Configuration, Server
from .paths import roots_for

ROUTES_FILE = ".k8psh-routes"
_VERSION = "1"
_SIZE_DIGITS = 10
_LARGEST_ROUTES_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Stamp:
    """What tells that a configuration file has changed."""

    modified_ns: int
    size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RoutesHead:
    """What the Python client takes from the routes: the configuration file, and its own command line."""

    configuration: str
    runtime: tuple[str, ...]


def encode_routes(configuration: Configuration, name: str, stamp: Stamp, runtime: Sequence[str]) -> bytes:
    """Return the routes of all commands, for stubs in the container called `name`.

    `runtime` is the command line that starts the Python client.
    """
    fields = list(_fields(configuration, name, stamp, runtime))
    size = len(_join([_field("k8psh-routes", _VERSION), _field("bytes", "0" * _SIZE_DIGITS), *fields]))
    return _join([_field("k8psh-routes", _VERSION), _field("bytes", f"{size:0{_SIZE_DIGITS}}"), *fields])


def decode_head(data: bytes) -> RoutesHead | None:
    """Return what the routes say before their servers, None where they aren't whole or of another version."""
    if len(data) > _LARGEST_ROUTES_BYTES or not data.endswith(b"\0end=\0"):
        return None
    pairs = [field.partition(b"=")[::2] for field in data.split(b"\0")[:-1]]
    if pairs[:2] != [
        (b"k8psh-routes", _VERSION.encode()),
        (b"bytes", f"{len(data):0{_SIZE_DIGITS}}".encode()),
    ]:
        return None
    files = [_text(value) for key, value in pairs if key == b"configuration"]
    runtime = tuple(_text(value) for key, value in pairs if key == b"runtime")
    return RoutesHead(configuration=files[0], runtime=runtime) if len(files) == 1 else None


def _fields(configuration: Configuration, name: str, stamp: Stamp, runtime: Sequence[str]) -> Iterator[bytes]:
    yield _field("configuration", configuration.file)
    yield _field("stamp", f"{stamp.modified_ns} {stamp.size}")
    for argument in runtime:
        yield _field("runtime", argument)
    yield _field("connectTimeoutMs", str(configuration.connect_timeout_ms))
    for root, wire in roots_for(configuration, name):
        yield _field("root", root)
        yield _field("wire", wire)
    for server in configuration.servers:
        yield from _server_fields(server, _winning(configuration, server))
    yield _field("end", "")


def _winning(configuration: Configuration, server: Server) -> Iterable[Command]:
    """Return the server's commands that a client gets by their name."""
    for command in server.commands:
        found = configuration.find_command(command.name)
        if found is not None and found[0] is server:
            yield command


def _server_fields(server: Server, commands: Iterable[Command]) -> Iterator[bytes]:
    yield _field("server", server.name)
    yield _field("port", str(server.port))
    yield _field("socket", server.socket_address.replace("\0", "@"))
    yield _field("tcp", "yes" if server.tcp else "no")
    for command in commands:
        yield _field("command", command.name)
        yield _field("lane", command.lane.value)
        if command.outside_directory:
            yield _field("outside", command.outside_directory)
        for variable in sent_names(command.environment):
            yield _field("pass", variable)


def _field(key: str, value: str) -> bytes:
    return f"{key}={value}".encode("utf-8", "surrogateescape")


def _text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")


def _join(fields: Iterable[bytes]) -> bytes:
    return b"".join(field + b"\0" for field in fields)

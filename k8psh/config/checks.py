"""What any syntax demands of names, numbers and paths; and what it says of the sections as a whole.

A check returns None, or what was expected in words that follow "expected".
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from .model import Server

INT32_MAX = 2**31 - 1
PORT_MAX = 65535
ID_MAX = 2**32 - 2
"""The largest uid and gid: the one above, -1, stands for none in chown(2)."""
SOCKET_PATH_MAX = 107
"""The longest path of a Unix socket, in bytes: sun_path has 108, with the NUL at its end (unix(7))."""
ROUTES_NAME = ".k8psh-routes"
OWN_NAMES = ("k8psh", "k8pshd")


def check_text(text: str) -> str | None:
    """Refuse what no argument, variable or file name can hold."""
    if "\0" in text:
        return "text without a NUL byte, which no program can be given"
    try:
        text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return "text that can be written as UTF-8 (\\uDC80 to \\uDCFF stand for single bytes)"
    return None


def check_server_name(name: str) -> str | None:
    """Refuse an empty name."""
    return None if name else "a server's name, which isn't empty"


def check_command_name(name: str) -> str | None:
    """Refuse what can't be a stub's file name."""
    if not name or "/" in name or name in (".", "..", ROUTES_NAME):
        return f"a command's name, which becomes a file's: not empty, without /, not ., .. or {ROUTES_NAME}"
    return None


def check_program(program: str) -> str | None:
    """Refuse an empty program."""
    return None if program else "a program, which isn't empty"


def check_variable_name(name: str) -> str | None:
    """Refuse what can't be a variable's name, and the marks of the classic syntax."""
    if not name or "=" in name or name.startswith("?"):
        return "a variable's name: not empty, without =, not beginning with ?"
    return None


def check_fixed_value(value: str) -> str | None:
    """Refuse the empty value, by which the model means the server's own."""
    return None if value else "a value, which isn't empty (for the server's own value write 'inherit')"


def check_absolute(path: str) -> str | None:
    """Refuse a path that isn't absolute."""
    return None if path.startswith("/") else "an absolute path"


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where something stands in its file; both count from 1."""

    line: int
    column: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """A server with the places where it begins, of its port and of its commands."""

    server: Server
    place: Place
    port_place: Place
    commands: dict[str, Place] = field(default_factory=dict)


def shared_ports(sections: Sequence[Section]) -> Iterator[tuple[Place, str]]:
    """Yield each section whose port an earlier one has."""
    first: dict[int, Section] = {}
    for section in sections:
        server = section.server
        other = first.setdefault(server.port, section)
        if other is not section:
            yield (
                section.port_place,
                f"port {server.port} of server {server.name!r} is already that of server "
                f"{other.server.name!r} on line {other.place.line}: expected a port of its own",
            )


def suspicious(sections: Sequence[Section]) -> Iterator[tuple[Place, str]]:
    """Yield what is allowed but rarely meant: server names and commands that occur twice, names of k8psh."""
    names: dict[str, Section] = {}
    commands: dict[str, tuple[Server, Place]] = {}
    for section in sections:
        server = section.server
        other = names.setdefault(server.name, section)
        if other.server.port != server.port:
            question = "is it the same one?"
            if _entrance(server) != _entrance(other.server):
                question += " Who may call one of them may call the commands of both"
            yield (
                section.place,
                f"server {server.name!r} is also on line {other.place.line}, with port {other.server.port}: "
                + question,
            )
        for name, place in section.commands.items():
            earlier = commands.get(name)
            if earlier is not None and earlier[0].port != server.port:
                yield (
                    place,
                    f"command {name!r} is also on line {earlier[1].line}, of server {earlier[0].name!r}: "
                    "clients run this one, the last",
                )
            commands[name] = (server, place)
            if name in OWN_NAMES:
                yield place, f"command {name!r} can't be called by a stub: that name is k8psh's own"


def _entrance(server: Server) -> tuple[object, ...]:
    return server.tcp, server.socket_directory, server.socket_mode, server.allow

"""The configuration's model: what every syntax is read into.

Frozen dataclasses; strings hold undecodable bytes as surrogates (`surrogateescape`), so that any file
name or argument survives.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType

from ..limits import Limits as Limits

DEFAULT_CONNECT_TIMEOUT_MS = 30_000
DEFAULT_GRACE_PERIOD_MS = 5_000
FIRST_PORT = 1120
"""The port of the first server that doesn't name one; each further one takes its predecessor's plus one."""


class RuleKind(Enum):
    """Where a variable's value comes from; the value is the mark of the classic syntax."""

    PASS = ""
    """The client's value, else the default (empty without one)."""
    OPTIONAL = "?"
    """The client's value, else the default where there is one, else the server's own, else absent."""
    FIXED = "="
    """Never the client's: the value, or where that is empty the server's own, else absent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EnvironmentRule:
    """One variable of a command's environment; `default` may hold `${...}`, expanded at each start."""

    kind: RuleKind
    name: str
    default: str = ""


class Lane(Enum):
    """How a command's streams reach its caller."""

    AUTO = "auto"
    """The direct lane where it can be had, else the relay lane."""
    DIRECT = "direct"
    """The caller's own descriptors, passed over a Unix socket."""
    RELAY = "relay"
    """Frames over TCP."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ulimit:
    """A resource limit of setrlimit(2): `name` as in RLIMIT_NAME, lower case; -1 is unlimited."""

    name: str
    soft: int
    hard: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """A program that callers may run: `executable` is the program and its leading arguments.

    `environment` holds the server's rules for all its commands first, then the command's own, in order.
    `run_as_caller`: with the caller's uid, gid and groups (direct lane only; needs a root server).
    `nice` is added to the server's own. `outside_directory`, where it isn't empty, is the absolute
    directory on the server for callers outside the shared roots. `tty`: it gets a terminal of its own where
    its caller has one. `map_arguments`, `map_output`: paths of shared roots in its arguments become the
    server's, in its output the clients' (relay lane only). Server-wide defaults are merged in.
    """

    name: str
    executable: tuple[str, ...]
    environment: tuple[EnvironmentRule, ...] = ()
    lane: Lane = Lane.AUTO
    run_as_caller: bool = False
    nice: int = 0
    ulimits: tuple[Ulimit, ...] = ()
    outside_directory: str = ""
    tty: bool = False
    map_arguments: bool = False
    map_output: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Allow:
    """Who may call: a caller with one of the uids, or with one of the gids among its groups."""

    uids: frozenset[int] = frozenset()
    gids: frozenset[int] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """A section: a server's name, its port (1 to 65535), its arguments and its commands.

    `commands` keeps the configured order; of commands with the same name only the last is here.
    The same server name may occur in several sections. `tcp`: it listens on its TCP port, too. With a
    `socket_directory` the Unix socket is a file there, with `socket_mode`; else its name is abstract.
    Without `allow` everybody who reaches the socket may call.
    """

    name: str
    port: int
    options: tuple[str, ...] = ()
    commands: tuple[Command, ...] = ()
    tcp: bool = True
    socket_directory: str = ""
    socket_mode: int = 0o666
    allow: Allow | None = None

    @property
    def socket_address(self) -> str:
        """Return the Unix socket's address as bind(2) takes it: a path, or a NUL and an abstract name."""
        if self.socket_directory:
            return f"{self.socket_directory}/k8psh-{self.port}.sock"
        return f"\0k8psh:{self.port}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Root:
    """A directory that containers share: its absolute path for clients, and for servers with another."""

    clients: str
    servers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def seen_by(self, name: str) -> str:
        """Return the root's path in the container of the server called `name`."""
        return self.servers.get(name, self.clients)


@dataclass(frozen=True, kw_only=True, slots=True)
class Configuration:
    """Everything that a configuration file says.

    `file` is the file's absolute path. `base_directory` is absolute, as clients see it. `roots` are the
    further shared directories (and one for the base directory, where a server sees it elsewhere).
    A negative `connect_timeout_ms` means for ever. `grace_period_ms` is the time between TERM and KILL.
    """

    file: str
    base_directory: str
    connect_timeout_ms: int = DEFAULT_CONNECT_TIMEOUT_MS
    grace_period_ms: int = DEFAULT_GRACE_PERIOD_MS
    roots: tuple[Root, ...] = ()
    limits: Limits = field(default_factory=Limits)
    servers: tuple[Server, ...] = ()

    def find_command(self, name: str) -> tuple[Server, Command] | None:
        """Return the server and the command that a client calls by `name`: the last one in the file."""
        for server in reversed(self.servers):
            for command in server.commands:
                if command.name == name:
                    return server, command
        return None

    def sections_of(self, name: str) -> tuple[Server, ...]:
        """Return the sections of the server called `name`, in order; none for a pure client."""
        return tuple(server for server in self.servers if server.name == name)

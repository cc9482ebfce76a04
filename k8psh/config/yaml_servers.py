"""The servers and commands of a YAML configuration: defaults, what is merged, what contradicts itself."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from .checks import PORT_MAX, SOCKET_PATH_MAX, Section, shared_ports, suspicious
from .findings import Findings
from .model import FIRST_PORT, Command, EnvironmentRule, Lane, Server
from .paths import absolute
from .yaml_keys import COMMAND_DEFAULTS, COMMAND_FIELDS, SERVER_FIELDS, model_fields
from .yaml_nodes import Value

T = TypeVar("T")
Given = Mapping[str, Any]
"""What the keys of a server or command gave; a refused one is not among them."""


def read_servers(given: Sequence[tuple[Value, Given]], findings: Findings) -> tuple[Server, ...]:
    """Return the servers of the key `servers`; note what is wrong between their keys."""
    sections = list(_sections(given))
    for place, text in shared_ports(sections):
        findings.problem(place.line, place.column, text)
    for place, text in suspicious(sections):
        findings.warning(place.line, place.column, text)
    return tuple(section.server for section in sections)


def _sections(given: Sequence[tuple[Value, Given]]) -> Iterator[Section]:
    port = FIRST_PORT - 1
    for value, server in given:
        port_value, port = server.get("port", (value, port + 1))
        if port > PORT_MAX:
            value.problem(f"no port follows {PORT_MAX}: expected a key 'port'")
        commands: dict[str, tuple[Value, Given]] = server.get("commands", {})
        yield Section(
            server=_server(value, server, port),
            place=value.place,
            port_place=port_value.place,
            commands={name: key.place for name, (key, _) in commands.items()},
        )


def _server(value: Value, given: Given, port: int) -> Server:
    written = {key.node.value for key, _ in value.entries()}
    tcp = given.get("tcp", "tcp" in written or written.isdisjoint(("allow", "socketDirectory")))
    defaults = {key: given[key] for key in COMMAND_DEFAULTS if key in given}
    _check_lane(defaults, {}, tcp)
    environment: list[EnvironmentRule] = given.get("environment", [])
    server = Server(
        name=given["name"],
        port=port,
        options=tuple(given.get("options", ())),
        tcp=tcp,
        **_socket(given, written),
        **model_fields(SERVER_FIELDS, given),
        commands=tuple(
            _command(name, command, environment, defaults, tcp)
            for name, (_, command) in given.get("commands", {}).items()
        ),
    )
    _check_address(server, given)
    return server


def _socket(given: Given, written: set[str]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    if "socketDirectory" in given:
        result["socket_directory"] = absolute(given["socketDirectory"][1], "/")
    if "socketMode" in given:
        value, result["socket_mode"] = given["socketMode"]
        if "socketDirectory" not in written:
            value.problem("only a socket file has permissions: expected a key 'socketDirectory', too")
    return result


def _check_address(server: Server, given: Given) -> None:
    length = len(server.socket_address.encode("utf-8", "surrogateescape"))
    if server.socket_directory and length > SOCKET_PATH_MAX:
        given["socketDirectory"][0].problem(
            f"the socket {server.socket_address} has a path of {length} bytes: expected at most "
            f"{SOCKET_PATH_MAX}"
        )


def _command(
    name: str, given: Given, environment: Sequence[EnvironmentRule], defaults: Given, tcp: bool
) -> Command:
    _check_lane(given, defaults, tcp)
    merged = {**defaults, **given}
    ulimits = {**defaults.get("ulimits", {}), **given.get("ulimits", {})}
    fields = model_fields(COMMAND_FIELDS, merged)
    if "outside_directory" in fields:
        fields["outside_directory"] = absolute(fields["outside_directory"], "/")
    return Command(
        name=name,
        executable=(given.get("program", name), *given.get("arguments", ())),
        environment=(*environment, *given.get("environment", ())),
        lane=_said(merged, "lane", Lane.AUTO),
        run_as_caller=_said(merged, "runAs", False),
        map_output=_said(merged, "mapOutput", False),
        ulimits=tuple(ulimits.values()),
        **fields,
    )


def _said(given: Given, key: str, default: T) -> T:
    placed: tuple[Value, T] | None = given.get(key)
    return default if placed is None else placed[1]


def _check_lane(given: Given, defaults: Given, tcp: bool) -> None:
    """Note what can't be had together, at the key among `given` that makes it so."""
    merged = {**defaults, **given}
    if _said(merged, "lane", Lane.AUTO) is not Lane.RELAY:
        for key in [key for key in ("mapOutput", "lane") if key in given][:1]:
            if _said(merged, "mapOutput", False):
                given[key][0].problem("only the relay lane can map output: expected 'lane: relay', too")
        return
    if "lane" in given and not tcp:
        given["lane"][0].problem("the relay lane needs TCP, which this server hasn't: expected 'tcp: true'")
    if _said(merged, "runAs", False):
        for key in [key for key in ("runAs", "lane") if key in given][:1]:
            given[key][0].problem(
                "'runAs: caller' and 'lane: relay' exclude each other: only the direct lane tells who calls"
            )

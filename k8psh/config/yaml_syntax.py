"""The YAML syntax, read into the model."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from types import MappingProxyType
from typing import Any

from ..errors import Problem
from .checks import PORT_MAX, Section, shared_ports, suspicious
from .findings import Findings
from .model import FIRST_PORT, Command, Configuration, EnvironmentRule, Limits, Root, Server
from .paths import absolute
from .yaml_keys import COMMAND_FIELDS, LIMIT_FIELDS, SERVER_FIELDS, TOP_FIELDS, TOP_KEYS
from .yaml_nodes import MAX_VALUES, NESTED_TOO_DEEPLY, Document, Refused, TooLargeError, Value, compose
from .yaml_values import record

_CAPITAL = re.compile("([A-Z])")


def read_yaml(
    content: bytes, file: str, environment: Mapping[str, str], shown_as: str | None = None
) -> tuple[Configuration, tuple[Problem, ...]]:
    """Read a YAML (or JSON) configuration; return it and the warnings.

    `file` is its absolute path, `shown_as` the name that problems call it by, `environment` what `${NAME}`
    is replaced from.

    Raises:
        ConfigurationError: everything that is wrong with it.
    """
    findings = Findings(shown_as or file)
    given: dict[str, Any] = {}
    root = compose(content, findings)
    if root is not None:
        document = Document(findings=findings, variables=environment, budget=repeat(1, MAX_VALUES))
        value = Value(root, "configuration", document)
        try:
            given = {} if value.is_null() else record(TOP_KEYS)(value)
        except Refused:
            given = {}
        except TooLargeError:
            findings.problem(0, 0, f"not a configuration: more than {MAX_VALUES} values")
        except RecursionError:
            findings.problem(0, 0, NESTED_TOO_DEEPLY)
    return _configuration(given, file, findings), findings.warnings()


def _configuration(given: Mapping[str, Any], file: str, findings: Findings) -> Configuration:
    return Configuration(
        file=file,
        base_directory=absolute(given.get("baseDirectory", ""), file),
        roots=_roots(given.get("mappings", [])),
        limits=Limits(**_fields(LIMIT_FIELDS, given.get("limits", {}))),
        servers=_servers(given.get("servers", []), findings),
        **_fields(TOP_FIELDS, given),
    )


def _fields(keys: Iterable[str], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the given ones of these keys, by the names that the model's fields have."""
    return {_CAPITAL.sub(r"_\1", key).lower(): given[key] for key in keys if key in given}


def _roots(mappings: Sequence[tuple[Value, Mapping[str, Any]]]) -> tuple[Root, ...]:
    roots: dict[str, Root] = {}
    seen: dict[tuple[str, str], str] = {}
    for value, given in mappings:
        clients = absolute(given["clients"], "/")
        if clients in roots:
            value.problem(f"the root {clients} is given twice: expected each once, with all its servers")
        servers = {name: absolute(path, "/") for name, (_, path) in given.get("servers", {}).items()}
        for name, path in servers.items():
            other = seen.setdefault((name, path), clients)
            if other != clients:
                value.problem(
                    f"server {name!r} sees {other} and {clients} both at {path}: expected two places"
                )
        roots[clients] = Root(clients=clients, servers=MappingProxyType(servers))
    return tuple(roots.values())


def _servers(given: Sequence[tuple[Value, Mapping[str, Any]]], findings: Findings) -> tuple[Server, ...]:
    sections = list(_sections(given))
    for place, text in shared_ports(sections):
        findings.problem(place.line, place.column, text)
    for place, text in suspicious(sections):
        findings.warning(place.line, place.column, text)
    return tuple(section.server for section in sections)


def _sections(given: Sequence[tuple[Value, Mapping[str, Any]]]) -> Iterator[Section]:
    port = FIRST_PORT - 1
    for value, server in given:
        port_value, port = server.get("port", (value, port + 1))
        if port > PORT_MAX:
            value.problem(f"no port follows {PORT_MAX}: expected a key 'port'")
        commands: dict[str, tuple[Value, Mapping[str, Any]]] = server.get("commands", {})
        yield Section(
            server=_server(server, port, commands),
            place=value.place,
            port_place=port_value.place,
            commands={name: key.place for name, (key, _) in commands.items()},
        )


def _server(
    given: Mapping[str, Any], port: int, commands: Mapping[str, tuple[Value, Mapping[str, Any]]]
) -> Server:
    shared = _fields(COMMAND_FIELDS, given)
    environment: list[EnvironmentRule] = given.get("environment", [])
    return Server(
        name=given["name"],
        port=port,
        options=tuple(given.get("options", ())),
        **_fields(SERVER_FIELDS, given),
        commands=tuple(
            _command(name, command, environment, shared) for name, (_, command) in commands.items()
        ),
    )


def _command(
    name: str, given: Mapping[str, Any], environment: Sequence[EnvironmentRule], shared: Mapping[str, Any]
) -> Command:
    return Command(
        name=name,
        executable=(given.get("program", name), *given.get("arguments", ())),
        environment=(*environment, *given.get("environment", ())),
        **{**shared, **_fields(COMMAND_FIELDS, given)},
    )

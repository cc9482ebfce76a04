"""The YAML syntax, read into the model."""

from collections.abc import Mapping, Sequence
from itertools import repeat
from types import MappingProxyType
from typing import Any

from ..errors import Problem
from .findings import Findings
from .model import Configuration, Limits, Root
from .paths import absolute
from .yaml_keys import LIMIT_FIELDS, TOP_FIELDS, TOP_KEYS, model_fields
from .yaml_nodes import MAX_VALUES, NESTED_TOO_DEEPLY, Document, Refused, TooLargeError, Value, compose
from .yaml_servers import read_servers
from .yaml_values import record


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
        limits=Limits(**model_fields(LIMIT_FIELDS, given.get("limits", {}))),
        servers=read_servers(given.get("servers", []), findings),
        **model_fields(TOP_FIELDS, given),
    )


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

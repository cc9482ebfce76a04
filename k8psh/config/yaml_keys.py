"""The YAML syntax's keys: these tables and `config/k8psh.schema.json` are where a new key goes.

What a key of a `..._FIELDS` table gives becomes the model's field of the same name (`gracePeriodMs` is
`grace_period_ms`); the others are put together in `yaml_syntax` and `yaml_servers`.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from . import checks
from .checks import INT32_MAX, PORT_MAX
from .model import EnvironmentRule, Lane, RuleKind
from .yaml_access import allow, permissions, ulimits
from .yaml_nodes import Refused, Value
from .yaml_values import Reader, choice, listing, named, number, placed, record, text, truth

_CAPITAL = re.compile("([A-Z])")

RULE_KINDS = {
    "inherit": RuleKind.FIXED,
    "fixed": RuleKind.FIXED,
    "pass": RuleKind.PASS,
    "optional": RuleKind.OPTIONAL,
}
RULE_KEYS = {
    **dict.fromkeys(RULE_KINDS, text(checks.check_variable_name)),
    "default": text(),
    "value": text(checks.check_fixed_value),
}


def _rule(value: Value) -> EnvironmentRule:
    given = record(RULE_KEYS, partial=False)(value)
    kinds = [key for key in RULE_KINDS if key in given]
    if len(kinds) != 1:
        value.problem(f"expected exactly one of the keys {', '.join(RULE_KINDS)}, found {len(kinds)}")
        raise Refused
    kind = kinds[0]
    allowed = {"fixed": "value", "pass": "default", "optional": "default"}.get(kind)
    for key in ("value", "default"):
        if key in given and key != allowed:
            value.problem(
                f"{key!r} has no meaning with {kind!r}" + (f": expected {allowed!r}" if allowed else "")
            )
    if kind == "fixed" and "value" not in given:
        value.problem("expected a key 'value' with 'fixed' (for the server's own value write 'inherit')")
    return EnvironmentRule(kind=RULE_KINDS[kind], name=given[kind], default=given.get(allowed or "", ""))


COMMAND_FIELDS: dict[str, Reader[Any]] = {
    "nice": number(-20, 19),
    "outsideDirectory": text(checks.check_absolute),
    "tty": truth(),
    "mapArguments": truth(),
}
COMMAND_DEFAULTS: dict[str, Reader[Any]] = {
    "lane": placed(choice({lane.value: lane for lane in Lane})),
    "runAs": placed(choice({"caller": True, "server": False})),
    **COMMAND_FIELDS,
    "mapOutput": placed(truth()),
    "ulimits": ulimits,
}
"""What a server may say for all its commands, too."""

_PROGRAM = text(checks.check_program)
COMMAND_KEYS: dict[str, Reader[Any]] = {
    "program": _PROGRAM,
    "arguments": listing(text()),
    "environment": listing(_rule),
    **COMMAND_DEFAULTS,
}


def _command(value: Value) -> dict[str, Any]:
    if value.is_null():
        return {}
    if isinstance(value.node.value, str):
        return {"program": _PROGRAM(value)}
    return record(COMMAND_KEYS)(value)


SERVER_FIELDS: dict[str, Reader[Any]] = {"allow": allow}
SERVER_KEYS: dict[str, Reader[Any]] = {
    "name": text(checks.check_server_name),
    "port": placed(number(1, PORT_MAX)),
    "options": listing(text()),
    "tcp": truth(),
    "socketDirectory": placed(text(checks.check_absolute)),
    "socketMode": placed(permissions),
    **SERVER_FIELDS,
    **COMMAND_DEFAULTS,
    "environment": listing(_rule),
    "commands": named(checks.check_command_name, _command),
}

MAPPING_KEYS: dict[str, Reader[Any]] = {
    "clients": text(checks.check_absolute),
    "servers": named(checks.check_server_name, text(checks.check_absolute)),
}

LIMIT_FIELDS = {
    "argumentBytes": number(1, INT32_MAX),
    "requestBytes": number(1, INT32_MAX),
}

TOP_FIELDS: dict[str, Reader[Any]] = {
    "connectTimeoutMs": number(-INT32_MAX, INT32_MAX),
    "gracePeriodMs": number(0, INT32_MAX),
}
TOP_KEYS: dict[str, Reader[Any]] = {
    "baseDirectory": text(),
    **TOP_FIELDS,
    "mappings": listing(placed(record(MAPPING_KEYS, required=("clients",)))),
    "limits": record(LIMIT_FIELDS),
    "servers": listing(placed(record(SERVER_KEYS, required=("name",)))),
}


def model_fields(keys: Iterable[str], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the given ones of these keys, by the names that the model's fields have."""
    return {_CAPITAL.sub(r"_\1", key).lower(): given[key] for key in keys if key in given}

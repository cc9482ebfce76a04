"""The YAML syntax's keys: these tables and `config/k8psh.schema.json` are where a new key goes.

What a key of a `..._FIELDS` table gives becomes the model's field of the same name (`gracePeriodMs` is
`grace_period_ms`); the others are put together in `yaml_syntax`.
"""

from typing import Any

from . import checks
from .checks import INT32_MAX, PORT_MAX
from .model import EnvironmentRule, RuleKind
from .yaml_nodes import Refused, Value
from .yaml_values import Reader, listing, named, number, placed, record, text

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


COMMAND_FIELDS: dict[str, Reader[Any]] = {}
"""What a server may say for all its commands, too."""

_PROGRAM = text(checks.check_program)
COMMAND_KEYS: dict[str, Reader[Any]] = {
    "program": _PROGRAM,
    "arguments": listing(text()),
    "environment": listing(_rule),
    **COMMAND_FIELDS,
}


def _command(value: Value) -> dict[str, Any]:
    if value.is_null():
        return {}
    if isinstance(value.node.value, str):
        return {"program": _PROGRAM(value)}
    return record(COMMAND_KEYS)(value)


SERVER_FIELDS: dict[str, Reader[Any]] = {}
SERVER_KEYS: dict[str, Reader[Any]] = {
    "name": text(checks.check_server_name),
    "port": placed(number(1, PORT_MAX)),
    "options": listing(text()),
    **SERVER_FIELDS,
    **COMMAND_FIELDS,
    "environment": listing(_rule),
    "commands": named(checks.check_command_name, _command),
}

MAPPING_KEYS: dict[str, Reader[Any]] = {
    "clients": text(checks.check_root),
    "servers": named(checks.check_server_name, text(checks.check_root)),
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

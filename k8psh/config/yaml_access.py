"""Readers of who may call (`allow`, `socketMode`), and of what bounds a command (`ulimits`)."""

import re
from typing import Any

import yaml

from .checks import ID_MAX
from .model import Allow, Ulimit
from .yaml_nodes import Refused, Value
from .yaml_values import Reader, listing, number, record, text

UNLIMITED = -1
ULIMIT_NAMES = (
    *("as", "core", "cpu", "data", "fsize", "memlock", "msgqueue", "nice", "nofile"),
    *("nproc", "rss", "rtprio", "rttime", "sigpending", "stack"),
)
"""The limits of setrlimit(2) that Python's `resource` has on Linux."""
BOUND_MAX = 2**53 - 1
"""The largest number that every reader of JSON holds exactly; beyond, there is `unlimited`."""

_PERMISSIONS = re.compile("0o?[0-7]{3}")
_EXPECTED_PERMISSIONS = "octal permissions, three digits after a 0 (such as 0660)"


def permissions(value: Value) -> int:
    """Read a file's permissions, in octal, with or without quotes.

    Without quotes YAML 1.1 has octal numbers, too; a decimal one would hardly be meant.
    """
    written: str = value.node.value if value.is_integer() else text()(value)
    if not _PERMISSIONS.fullmatch(written):
        value.problem(f"expected {_EXPECTED_PERMISSIONS}, found {written!r}")
        raise Refused
    return int(written.replace("o", ""), 8)


_IDS = listing(number(0, ID_MAX))
ALLOW_KEYS: dict[str, Reader[Any]] = {"uids": _IDS, "gids": _IDS}


def allow(value: Value) -> Allow:
    """Read who may call: at least one uid or gid."""
    given = record(ALLOW_KEYS, partial=False)(value)
    if not any(element.items() for _, element in value.entries()):
        value.problem("expected at least one of uids or gids: nobody could call")
        raise Refused
    return Allow(uids=frozenset(given.get("uids", ())), gids=frozenset(given.get("gids", ())))


_BOUND = number(0, BOUND_MAX, {"unlimited": UNLIMITED})
ULIMIT_KEYS: dict[str, Reader[Any]] = {"soft": _BOUND, "hard": _BOUND}


def _ulimit(name: str) -> Reader[Ulimit]:
    def read(value: Value) -> Ulimit:
        if not isinstance(value.node, yaml.MappingNode):
            bound = _BOUND(value)
            return Ulimit(name=name, soft=bound, hard=bound)
        given = record(ULIMIT_KEYS, required=tuple(ULIMIT_KEYS), partial=False)(value)
        soft, hard = given["soft"], given["hard"]
        if hard != UNLIMITED and (soft == UNLIMITED or soft > hard):
            value.problem("the soft limit is above the hard one: expected at most that")
            raise Refused
        return Ulimit(name=name, soft=soft, hard=hard)

    return read


ulimits: Reader[dict[str, Ulimit]] = record({name: _ulimit(name) for name in ULIMIT_NAMES})
"""Read limits by their names."""

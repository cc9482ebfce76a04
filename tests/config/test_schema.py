"""The JSON Schema and the loader accept and refuse the same."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from k8psh.config import yaml_access, yaml_keys
from k8psh.config.yaml_syntax import read_yaml
from k8psh.errors import ConfigurationError

WHOLE: dict[str, Any] = {
    "baseDirectory": "/workspace",
    "connectTimeoutMs": 1000,
    "gracePeriodMs": 100,
    "mappings": [{"clients": "/a", "servers": {"alpine": "/b"}}],
    "limits": {"argumentBytes": 1000, "requestBytes": 2000},
    "servers": [
        {
            "name": "alpine",
            "port": 2000,
            "options": ["--no-wait"],
            "tcp": True,
            "socketDirectory": "/run/k8psh",
            "socketMode": "0660",
            "allow": {"uids": [0, 1000], "gids": [5]},
            "lane": "direct",
            "runAs": "caller",
            "nice": 5,
            "outsideDirectory": "/tmp",
            "tty": True,
            "mapArguments": False,
            "ulimits": {"nofile": 10, "core": "unlimited", "cpu": {"soft": 5, "hard": 10}},
            "environment": [{"inherit": "A"}, {"fixed": "B", "value": "b"}, {"pass": "C", "default": "c"}],
            "commands": {
                "gcc": {
                    "program": "gcc",
                    "arguments": ["-c"],
                    "environment": [{"optional": "D"}],
                    "lane": "auto",
                    "runAs": "server",
                    "nice": -5,
                    "outsideDirectory": "/",
                    "tty": False,
                    "mapArguments": True,
                    "ulimits": {"nofile": 20},
                },
                "ar": None,
                "ld": "lld",
            },
        }
    ],
}
OTHERS: list[Any] = [
    *(None, True, 0, 1, -1, 65536, 2**31, -(2**31), 1.5, "", "text", "/text", ".", "a=b", "?a", "12", "a\0"),
    *([], ["text"], [1], [[]], {}, {"name": "b"}, {"text": None}, {"/": None}, {"..": None}, {"": "/text"}),
    *({"pass": "A", "value": "b"}, {"fixed": "A"}, {"inherit": "A", "pass": "B"}, {"clients": "/a"}),
    *("0777", "0o777", "660", "direct", "relay", "caller", "server", "unlimited", 2**32 - 2, 2**32 - 1),
    *(2**53 - 1, 2**53, 20, -20, -21, {"uids": [1]}, {"uids": []}, {"uids": [], "gids": [1]}),
    *({"soft": 1, "hard": 2}, {"soft": 1}, {"cpu": 1}, {"ofile": 1}),
]
BETWEEN_VALUES = re.compile(
    "is already that of|is given twice|both at|no port follows|needs TCP|exclude each other|above the hard"
)
"""Problems between values, which a schema can't express."""


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    for key, below in value.items() if isinstance(value, dict) else ():
        yield from places(below, (*path, key))
    for index, below in enumerate(value) if isinstance(value, list) else ():
        yield from places(below, (*path, index))


def changed(value: Any, path: tuple[Any, ...], change: Callable[[Any], Any]) -> Any:
    if not path:
        return change(value)
    copy = value.copy()
    copy[path[0]] = changed(value[path[0]], path[1:], change)
    return copy


def loader_accepts(document: Any) -> bool:
    """Return whether the loader accepts a document, but for what no schema can say."""
    try:
        read_yaml(json.dumps(document).encode(), "/cfgdir/k8psh.json", {})
    except ConfigurationError as error:
        return all(BETWEEN_VALUES.search(problem.text) for problem in error.problems)
    return True


def test_schema_is_a_schema(schema: dict[str, Any]) -> None:
    """The schema is well-formed itself."""
    jsonschema.Draft202012Validator.check_schema(schema)


def test_schema_and_tables_have_the_same_keys(schema: dict[str, Any]) -> None:
    """A key is in the loader's table and in the schema, or in neither."""
    below = schema["$defs"]
    assert schema["properties"].keys() == yaml_keys.TOP_KEYS.keys()
    assert schema["properties"]["limits"]["properties"].keys() == yaml_keys.LIMIT_FIELDS.keys()
    assert below["mapping"]["properties"].keys() == yaml_keys.MAPPING_KEYS.keys()
    assert below["server"]["properties"].keys() == yaml_keys.SERVER_KEYS.keys()
    assert below["command"]["anyOf"][-1]["properties"].keys() == yaml_keys.COMMAND_KEYS.keys()
    assert below["allow"]["properties"].keys() == yaml_access.ALLOW_KEYS.keys()
    assert below["ulimits"]["properties"].keys() == set(yaml_access.ULIMIT_NAMES)
    assert below["ulimit"]["anyOf"][-1]["properties"].keys() == yaml_access.ULIMIT_KEYS.keys()
    assert below["rule"]["properties"].keys() == yaml_keys.RULE_KEYS.keys()


def test_every_key_is_described(schema: dict[str, Any]) -> None:
    """An editor can say what each key means."""
    objects = [schema, schema["properties"]["limits"], *schema["$defs"].values()]
    for thing in objects:
        for name, key in thing.get("properties", {}).items():
            referred = schema["$defs"].get(key.get("$ref", "").rpartition("/")[2], {})
            assert "description" in key or "description" in referred, name


@pytest.mark.parametrize("path", list(places(WHOLE)), ids=str)
def test_any_other_value_anywhere(schema: dict[str, Any], path: tuple[Any, ...]) -> None:
    """Whatever stands at a place, loader and schema agree on it."""
    validator = jsonschema.Draft202012Validator(schema)
    for other in OTHERS:
        document = changed(WHOLE, path, lambda _, other=other: other)
        assert loader_accepts(document) == validator.is_valid(document), (path, other)


@pytest.mark.parametrize("path", [path for path in places(WHOLE) if path], ids=str)
def test_missing_and_unknown_keys(schema: dict[str, Any], path: tuple[Any, ...]) -> None:
    """A key that is missing, or that nobody knows, is accepted or refused by both."""
    validator = jsonschema.Draft202012Validator(schema)

    def without(value: Any) -> Any:
        return (
            [] if isinstance(value, list) else {key: below for key, below in value.items() if key != path[-1]}
        )

    def with_another(value: Any) -> Any:
        return [*value, 1] if isinstance(value, list) else {**value, "another": 1}

    for change in (without, with_another):
        document = changed(WHOLE, path[:-1], change)
        assert loader_accepts(document) == validator.is_valid(document), (path, change.__name__)


KEYS = [
    *yaml_keys.TOP_KEYS,
    *yaml_keys.SERVER_KEYS,
    *yaml_keys.COMMAND_KEYS,
    *yaml_keys.RULE_KEYS,
    "clients",
    "x",
]
TEXTS = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="$"), max_size=8)
SCALARS = st.none() | st.booleans() | st.integers() | TEXTS | st.sampled_from(["/a", "gcc", ".."])
DOCUMENTS = st.recursive(
    SCALARS,
    lambda below: (
        st.lists(below, max_size=4) | st.dictionaries(st.sampled_from(KEYS) | TEXTS, below, max_size=4)
    ),
    max_leaves=20,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # the schema doesn't change
@given(path=st.sampled_from([path for path in places(WHOLE) if len(path) < 5]), other=DOCUMENTS)
def test_schema_and_loader_agree_on_anything(
    schema: dict[str, Any], path: tuple[Any, ...], other: Any
) -> None:
    """Whatever the structure, loader and schema agree, and nothing but a ConfigurationError is raised."""
    document = changed(WHOLE, path, lambda _: other)
    assert loader_accepts(document) == jsonschema.Draft202012Validator(schema).is_valid(document)

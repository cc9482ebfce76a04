"""Readers of YAML values, to put into tables: a reader takes a value, notes its problems, and returns it."""

import re
from collections.abc import Callable, Container, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar

import yaml

from .checks import check_text
from .expansion import EXPRESSION
from .yaml_nodes import QUOTED_TEXT, TEXT_TAGS, Refused, Value

T = TypeVar("T")
Reader = Callable[[Value], T]
Check = Callable[[str], str | None]

_EXPRESSIONS = re.compile(r"\$\$\{|" + EXPRESSION.pattern + r"|\$\{")
_SURROGATES = re.compile("[\ud800-\udfff]")
_INTEGER = re.compile(r"-?[0-9]{1,16}")


def text(check: Check | None = None) -> Reader[str]:
    """Return a reader of text, in which expressions are replaced, and which `check` then may refuse."""

    def read(value: Value) -> str:
        if not isinstance(value.node, yaml.ScalarNode):
            raise value.refuse("text")
        if value.node.tag not in TEXT_TAGS:
            raise value.refuse(QUOTED_TEXT)
        result = _expanded(value)
        expected = check_text(result) or (check(result) if check else None)
        if expected:
            value.problem(f"expected {expected}, found {result!r}")
            raise Refused
        return result

    return read


def number(low: int, high: int, words: Mapping[str, int] = MappingProxyType({})) -> Reader[int]:
    """Return a reader of whole numbers, from `low` to `high`, written in decimal or as an expression.

    Each of `words` stands for its number, whatever the bounds.
    """
    expected = " or ".join([f"a whole number from {low} to {high}", *words])

    def read(value: Value) -> int:
        result = _plain(value, expected, words)
        if result in words:
            return words[result]
        if not _INTEGER.fullmatch(result) or not low <= int(result) <= high:
            value.problem(f"expected {expected}, found {result!r}")
            raise Refused
        return int(result)

    return read


def truth() -> Reader[bool]:
    """Return a reader of `true` and `false`, or an expression that gives one of these."""
    expected = "true or false"

    def read(value: Value) -> bool:
        result = _plain(value, expected)
        if result not in ("true", "false"):
            value.problem(f"expected {expected}, found {result!r}")
            raise Refused
        return result == "true"

    return read


def _plain(value: Value, expected: str, words: Container[str] = ()) -> str:
    """Return what is written without quotes, one of `words`, or what an expression gives."""
    if not isinstance(value.node, yaml.ScalarNode):
        raise value.refuse(expected)
    written: str = value.node.value
    if value.node.tag not in TEXT_TAGS:
        return written
    if "${" not in written and written not in words:
        raise value.refuse(expected)
    return _expanded(value)


def choice(options: Mapping[str, T]) -> Reader[T]:
    """Return a reader of one of these words; the result is what it stands for."""
    read_word = text(lambda word: None if word in options else f"one of {', '.join(options)}")
    return lambda value: options[read_word(value)]


def listing(item: Reader[T]) -> Reader[list[T]]:
    """Return a reader of lists, whose refused items are left out."""

    def read(value: Value) -> list[T]:
        result = []
        for element in value.items():
            try:
                result.append(item(element))
            except Refused:
                continue
        return result

    return read


def placed(reader: Reader[T]) -> Reader[tuple[Value, T]]:
    """Return a reader whose result has the value beside it, for later problems."""
    return lambda value: (value, reader(value))


def record(
    keys: Mapping[str, Reader[Any]], required: Sequence[str] = (), partial: bool = True
) -> Reader[dict[str, Any]]:
    """Return a reader of mappings with these keys; the result has those that were given and not refused.

    The whole is refused where one of `required` isn't among them, or unless `partial`, where any is refused.
    """

    def read(value: Value) -> dict[str, Any]:
        result: dict[str, Any] = {}
        entries = value.entries()
        for key, element in entries:
            name = key.node.value
            try:
                result[name] = _reader_of(key, keys)(element)
            except Refused:
                continue
        for name in required:
            if not any(key.node.value == name for key, _ in entries):
                value.problem(f"expected a key {name!r}")
        if any(name not in result for name in required) or (len(result) < len(entries) and not partial):
            raise Refused
        return result

    return read


def _reader_of(key: Value, keys: Mapping[str, Reader[Any]]) -> Reader[Any]:
    name = key.node.value
    if name in keys:
        return keys[name]
    key.problem(f"unknown key {name!r}{_suggestion(name, keys)}: expected one of {', '.join(keys)}")
    raise Refused


def named(check: Check, item: Reader[T]) -> Reader[dict[str, tuple[Value, T]]]:
    """Return a reader of mappings from names, which `check` may refuse; the result has the keys' places."""
    read_name = text(check)

    def read(value: Value) -> dict[str, tuple[Value, T]]:
        result: dict[str, tuple[Value, T]] = {}
        for key, element in value.entries():
            try:
                name = read_name(key)
                if name in result:
                    key.problem(f"{name!r} is given twice, first on line {result[name][0].place.line}")
                result[name] = key, item(element)
            except Refused:
                continue
        return result

    return read


def replace_expressions(
    written: str, variables: Mapping[str, str], note_undefined: Callable[[str], None] | None = None
) -> str | None:
    """Return a text with its expressions replaced and `$${` as `${`; None where a `${` begins neither."""
    if "${" not in written:
        return written
    result = []
    end = 0
    for match in _EXPRESSIONS.finditer(written):
        result.append(written[end : match.start()])
        end = match.end()
        if match[0] == "${":
            return None
        if match[0] == "$${":
            result.append("${")
            continue
        default: str | None = match[2]
        value = variables.get(match[1], default)
        if value is None and note_undefined:
            note_undefined(match[1])
        result.append(value or "")
    return "".join(result) + written[end:]


def _expanded(value: Value) -> str:
    def note_undefined(name: str) -> None:
        value.warning(f"{name} isn't set and has no default: it becomes empty")

    result = replace_expressions(value.node.value, value.document.variables, note_undefined)
    if result is None:
        value.problem("expected ${NAME} or ${NAME:-default}; for a literal ${ write $${")
        raise Refused
    if _SURROGATES.search(result):
        # JSON writes a character beyond U+FFFF as two surrogates; several escaped bytes may be one character.
        result = result.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
        if check_text(result) is None:
            result = result.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")
    return result


def _suggestion(name: str, keys: Mapping[str, Any]) -> str:
    import difflib  # only a mistake needs it

    close = difflib.get_close_matches(name, keys, 1)
    return f" (did you mean {close[0]!r}?)" if close else ""

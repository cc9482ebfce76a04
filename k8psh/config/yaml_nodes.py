"""YAML documents as nodes that know their place, so that every problem can name it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import yaml

from .checks import Place
from .findings import Findings

MAX_VALUES = 100_000
"""How many values a document may have with its aliases written out: a few lines can make billions."""

_TAG = "tag:yaml.org,2002:"
_MERGE = _TAG + "merge"
TEXT_TAGS = frozenset({_TAG + "str", _TAG + "value", _MERGE})
"""Text, and the plain `=` and `<<`, to which YAML 1.1 gives a meaning that no value here has."""

NESTED_TOO_DEEPLY = "not a configuration: nested too deeply"
QUOTED_TEXT = "text (in quotes, where YAML would take it as something else)"

_KINDS = {
    _TAG + "int": "the number {}",
    _TAG + "float": "the number {}",
    _TAG + "bool": "{}, which YAML takes as true or false",
    _TAG + "null": "nothing",
    _TAG + "timestamp": "{}, which YAML takes as a date",
}


class Refused(Exception):
    """A value can't be used; the problem has been noted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """What the values of one document share: where problems go, what `${NAME}` is replaced from."""

    findings: Findings
    variables: Mapping[str, str]
    budget: Iterator[int]


@dataclass(frozen=True, slots=True)
class Value:
    """A node of a document, and the words that call it in a problem."""

    node: yaml.Node
    label: str
    document: Document

    @property
    def place(self) -> Place:
        """Where the value begins."""
        mark = self.node.start_mark
        return Place(line=mark.line + 1, column=mark.column + 1)

    def problem(self, text: str) -> None:
        """Note a problem here."""
        self.document.findings.problem(self.place.line, self.place.column, f"{self.label}: {text}")

    def warning(self, text: str) -> None:
        """Note a warning here."""
        self.document.findings.warning(self.place.line, self.place.column, f"{self.label}: {text}")

    def refuse(self, expected: str) -> Refused:
        """Note that something else was expected here; return what to raise."""
        self.problem(f"expected {expected}, found {self.found()}")
        return Refused()

    def found(self) -> str:
        """Say what is here."""
        match self.node:
            case yaml.MappingNode():
                return "a mapping"
            case yaml.SequenceNode():
                return "a list"
        text = str(self.node.value)
        shown = text if len(text) <= 40 else text[:40] + "..."
        return _KINDS[self.node.tag].format(shown) if self.node.tag in _KINDS else repr(shown)

    def is_null(self) -> bool:
        """Return whether nothing is here."""
        return isinstance(self.node, yaml.ScalarNode) and self.node.tag == _TAG + "null"

    def is_integer(self) -> bool:
        """Return whether a number without quotes is here, as YAML 1.1 writes them."""
        return isinstance(self.node, yaml.ScalarNode) and self.node.tag == _TAG + "int"

    def items(self) -> list[Value]:
        """Return a list's items.

        Raises:
            Refused: it isn't a list.
        """
        if not isinstance(self.node, yaml.SequenceNode):
            raise self.refuse("a list")
        return [self._below(node, self.label) for node in self.node.value]

    def entries(self) -> list[tuple[Value, Value]]:
        """Return a mapping's keys and values, with what it merges by `<<`.

        Raises:
            Refused: it isn't a mapping.
        """
        return self._entries(())

    def _entries(self, outer: tuple[yaml.Node, ...]) -> list[tuple[Value, Value]]:
        if not isinstance(self.node, yaml.MappingNode) or self.node in outer:
            raise self.refuse("a mapping")
        own: dict[str, tuple[Value, Value]] = {}
        merged: list[tuple[Value, Value]] = []
        for key_node, value_node in self.node.value:
            key = self._below(key_node, self.label)
            if key_node.tag == _MERGE:
                merged += self._below(value_node, "<<")._merged((*outer, self.node))
            elif key_node.tag not in TEXT_TAGS or not isinstance(key_node, yaml.ScalarNode):
                key.problem(f"expected {QUOTED_TEXT} as a key, found {key.found()}")
            elif (first := own.get(key_node.value)) is not None:
                key.problem(f"key {key_node.value!r} is given twice, first on line {first[0].place.line}")
            else:
                own[key_node.value] = key, self._below(value_node, key_node.value)
        for key, value in merged:
            own.setdefault(key.node.value, (key, value))
        return list(own.values())

    def _merged(self, outer: tuple[yaml.Node, ...]) -> list[tuple[Value, Value]]:
        sources = self.items() if isinstance(self.node, yaml.SequenceNode) else [self]
        return [entry for source in sources for entry in source._entries(outer)]

    def _below(self, node: yaml.Node, label: str) -> Value:
        if next(self.document.budget, None) is None:
            raise TooLargeError
        return Value(node, label, self.document)


class TooLargeError(Exception):
    """The document has more than MAX_VALUES values."""


def compose(content: bytes, findings: Findings) -> yaml.Node | None:
    """Return the root of a file's only document: None where it is empty, or refused (see `findings`)."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8")
        findings.problem(*_place(before, len(before)), "expected UTF-8 text")
        return None
    return _compose_text(text.removeprefix("\ufeff"), findings)


def _compose_text(text: str, findings: Findings) -> yaml.Node | None:
    try:
        loader = yaml.SafeLoader(text)
        try:
            return loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = " ".join(part for part in (error.context, error.problem) if part)
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        findings.problem(line, column, f"not valid YAML: {what}")
    except yaml.reader.ReaderError as error:
        findings.problem(*_place(text, error.position), "not valid YAML: a character that isn't allowed")
    except RecursionError:
        findings.problem(0, 0, NESTED_TOO_DEEPLY)
    return None


def _place(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)

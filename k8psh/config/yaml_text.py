"""Texts written as YAML scalars, the way a person would: plain where that is safe, quoted where not."""

import re
from collections.abc import Iterable

import yaml

_PLAIN = re.compile(r"-*[\w/.][\w/.+=@%^~-]*")
_PRINTABLE = re.compile("[ -~\u00a0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]*")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_STRING_TAG = "tag:yaml.org,2002:str"
WIDTH = 100


def scalar(text: str) -> str:
    """Return the text as a scalar on one line, good in block and flow style and as a key."""
    if _PLAIN.fullmatch(text) and _resolved(text) == _STRING_TAG:
        return text
    if not _PRINTABLE.fullmatch(text):
        return '"' + "".join(_escaped(character) for character in text) + '"'
    if '"' in text or "\\" in text:
        return "'" + text.replace("'", "''") + "'"
    return f'"{text}"'


def entry(indent: int, key: str, texts: Iterable[str]) -> list[str]:
    """Return the lines of a key with a list of texts: none for no texts, one where they fit."""
    scalars = [scalar(text) for text in texts]
    if not scalars:
        return []
    line = f"{' ' * indent}{key}: [{', '.join(scalars)}]"
    if len(line) <= WIDTH:
        return [line]
    return [f"{' ' * indent}{key}:", *(f"{' ' * indent}  - {text}" for text in scalars)]


def _resolved(text: str) -> str:
    resolver = yaml.resolver.Resolver()
    return str(resolver.resolve(yaml.ScalarNode, text, (True, False)))  # type: ignore[no-untyped-call]  # has no types


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if _PRINTABLE.fullmatch(character):
        return character
    return f"\\u{ord(character):04X}" if ord(character) > 0xFF else f"\\x{ord(character):02X}"

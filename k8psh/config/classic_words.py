"""The words of the classic syntax: quotes, escapes, comments, expressions."""

import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass

from .expansion import EXPRESSION

_BLANKS = re.compile(r"[ \t\r\v\f]*")
_EMPTY_LINES = re.compile(r"(?:[ \t\r\v\f]|\n|#[^\n]*)*")
_SINGLE_QUOTED = re.compile(r"'((?:[^']|'')*+)'")
_DOUBLE_QUOTED = re.compile(r'"((?:[^"\\]|""|\\(?s:.))*+)"')
_ESCAPE = re.compile(r'""|\\x([0-9A-Fa-f]{2})|\\(?s:.)')
_ESCAPES = {
    '""': '"', '\\"': '"', "\\\\": "\\", "\\'": "'", "\\b": "\b", "\\t": "\t", "\\n": "\n", "\\f": "\f",
    "\\r": "\r", "\\0": "\0",
}  # fmt: skip
_UNQUOTED = {stop: re.compile(rf"[^ \t\r\v\f\n#'\"{re.escape(stop)}]+") for stop in ("", "=", "]")}

_LEFT_ALONE = "${ is left as it is: expected ${NAME} or ${NAME:-default}, in quotes where it has a blank"


class ClassicSyntaxError(Exception):
    """A fault in the text, `offset` characters from its beginning."""

    def __init__(self, offset: int, text: str) -> None:
        super().__init__(text)
        self.offset = offset
        self.text = text


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a word: its value, and the expression `${...}` that gave it (None for literal text)."""

    text: str
    expression: str | None = None


@dataclass(frozen=True, slots=True)
class Word:
    """A word: its value, the pieces that make it, and the offset of its first character."""

    text: str
    pieces: tuple[Piece, ...]
    offset: int

    def split(self, index: int) -> tuple["Word", "Word"]:
        """Return the parts before and after the character at `index` of the value."""
        return self._between(0, index), self._between(index + 1, len(self.text))

    def _between(self, start: int, end: int) -> "Word":
        pieces = []
        at = 0
        for piece in self.pieces:
            low, high = max(start - at, 0), min(end - at, len(piece.text))
            whole = low == 0 and high == len(piece.text)
            at += len(piece.text)
            if whole:
                pieces.append(piece)
            elif low < high:
                pieces.append(Piece(piece.text[low:high]))
        return Word(self.text[start:end], tuple(pieces), self.offset)


class Scanner:
    """Reads a text word by word. Quoted parts may go on over lines.

    `notes` collects (offset, warning). After a ClassicSyntaxError go on at `skip_line`.
    """

    def __init__(self, text: str, variables: Mapping[str, str]) -> None:
        self.notes: list[tuple[int, str]] = []
        self.offset = 0
        self._text = text
        self._variables = variables
        self._lines = [0, *(match.end() for match in re.finditer("\n", text))]

    def place(self, offset: int) -> tuple[int, int]:
        """Return the line and the column of an offset, both from 1."""
        line = bisect_right(self._lines, offset)
        return line, offset - self._lines[line - 1] + 1

    def skip_empty_lines(self) -> bool:
        """Go to the next word of any line; return whether there is one."""
        self.offset = self._end_of(_EMPTY_LINES)
        return self.offset < len(self._text)

    def skip_line(self, offset: int) -> None:
        """Go to the beginning of the line after the one that holds `offset`."""
        line = bisect_right(self._lines, offset)
        self.offset = self._lines[line] if line < len(self._lines) else len(self._text)

    def take(self, mark: str) -> bool:
        """Skip blanks, then the mark if it is next; return whether it was."""
        self.offset = self._end_of(_BLANKS)
        found = self._text.startswith(mark, self.offset)
        self.offset += len(mark) if found else 0
        return found

    def at_end_of_line(self) -> bool:
        """Skip blanks; return whether nothing but a comment is left of the line."""
        self.offset = self._end_of(_BLANKS)
        return self._text[self.offset : self.offset + 1] in ("", "#", "\n")

    def rest_of_line(self) -> list[Word]:
        """Return the words up to the line's end."""
        words = []
        while not self.at_end_of_line():
            words.append(self.word())
        return words

    def word(self, stop: str = "") -> Word:
        """Return the word that begins here: empty where there is none; unquoted parts end before `stop`."""
        start = self.offset
        parts: list[tuple[bool, str]] = []
        while True:
            begin = self.offset
            if self._text.startswith("'", begin):
                parts.append((False, self._quoted(_SINGLE_QUOTED).replace("''", "'")))
            elif self._text.startswith('"', begin):
                _append(parts, self._unescaped(begin + 1, self._quoted(_DOUBLE_QUOTED)))
            elif match := _UNQUOTED[stop].match(self._text, begin):
                self.offset = match.end()
                _append(parts, match[0])
            else:
                break
        pieces = tuple(piece for expands, text in parts for piece in self._pieces(start, expands, text))
        return Word("".join(piece.text for piece in pieces), pieces, start)

    def _end_of(self, pattern: re.Pattern[str]) -> int:
        match = pattern.match(self._text, self.offset)
        return match.end() if match else self.offset

    def _quoted(self, pattern: re.Pattern[str]) -> str:
        start = self.offset
        match = pattern.match(self._text, start)
        if match is None:
            raise ClassicSyntaxError(start, f"unterminated quote: expected another {self._text[start]}")
        self.offset = match.end()
        if "\n" in match[1]:
            self.notes.append(
                (start, f"this quote ends only on line {self.place(match.end())[0]}: is that meant?")
            )
        return match[1]

    def _unescaped(self, offset: int, text: str) -> str:
        def value_of(match: re.Match[str]) -> str:
            if match[1]:
                byte = int(match[1], 16)
                return chr(byte if byte < 0x80 else 0xDC00 + byte)
            if match[0] in _ESCAPES:
                return _ESCAPES[match[0]]
            raise ClassicSyntaxError(
                offset + match.start(),
                rf"unknown escape {match[0]}: expected \" \\ \' \b \t \n \f \r \0 or \xHH",
            )

        if "\\" not in text and '""' not in text:
            return text
        # Escaped bytes that make UTF-8 together are the characters that they would be if written directly.
        value = _ESCAPE.sub(value_of, text)
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")

    def _pieces(self, offset: int, expands: bool, text: str) -> list[Piece]:
        if not expands or "${" not in text:
            return [Piece(text)]
        pieces = []
        end = 0
        for match in EXPRESSION.finditer(text):
            pieces.append(Piece(text[end : match.start()]))
            pieces.append(Piece(self._value_of(offset, match), match[0]))
            end = match.end()
        pieces.append(Piece(text[end:]))
        if any("${" in piece.text for piece in pieces if piece.expression is None):
            self.notes.append((offset, _LEFT_ALONE))
        return [piece for piece in pieces if piece.text or piece.expression]

    def _value_of(self, offset: int, match: re.Match[str]) -> str:
        default: str | None = match[2]
        value = self._variables.get(match[1], default)
        if value is None:
            self.notes.append((offset, f"{match[1]} isn't set and has no default: it becomes empty"))
        return value or ""


def _append(parts: list[tuple[bool, str]], text: str) -> None:
    """Add text whose expressions are replaced; an expression may lie across unquoted and quoted parts."""
    if parts and parts[-1][0]:
        parts[-1] = True, parts[-1][1] + text
    else:
        parts.append((True, text))

"""The classic syntax, from text to settings, sections and commands whose words know where they stand."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .checks import PORT_MAX, check_text, check_variable_name
from .classic_words import ClassicSyntaxError, Scanner, Word
from .findings import Findings
from .model import FIRST_PORT, RuleKind

SETTINGS = ("baseDirectory", "connectTimeoutMs")
_KINDS = {kind.value: kind for kind in RuleKind if kind.value}


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassicRule:
    """`NAME=default`, with `?` or `=` in front."""

    kind: RuleKind
    name: Word
    default: Word


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassicCommand:
    """A line of a section; without a program `executable` is empty."""

    name: Word
    environment: tuple[ClassicRule, ...]
    executable: tuple[Word, ...]


@dataclass(kw_only=True, slots=True)
class ClassicSection:
    """A section; `port_word` is None where the port follows from the section before."""

    name: Word
    port: int
    port_word: Word | None
    environment: tuple[ClassicRule, ...]
    options: tuple[Word, ...]
    commands: list[ClassicCommand] = field(default_factory=list)


class ClassicReader:
    """Reads one file's text; what is wrong with it goes to `findings`."""

    def __init__(self, text: str, variables: Mapping[str, str], findings: Findings) -> None:
        self.settings: dict[str, Word] = {}
        self.sections: list[ClassicSection] = []
        self._findings = findings
        self._scanner = Scanner(text, variables)
        self._port = FIRST_PORT - 1
        self._in_section = False
        self._section: ClassicSection | None = None

    def read(self) -> None:
        """Read everything: `settings` and `sections` hold it then."""
        while self._scanner.skip_empty_lines():
            try:
                self._read_line()
            except ClassicSyntaxError as error:
                self.problem(error.offset, error.text)
                self._scanner.skip_line(error.offset)
        for offset, text in self._scanner.notes:
            self.warning(offset, text)

    def place(self, word: Word) -> tuple[int, int]:
        """Return a word's line and column, both from 1."""
        return self._scanner.place(word.offset)

    def problem(self, offset: int, text: str) -> None:
        """Note a problem at an offset."""
        self._findings.problem(*self._scanner.place(offset), text)

    def warning(self, offset: int, text: str) -> None:
        """Note a warning at an offset."""
        self._findings.warning(*self._scanner.place(offset), text)

    def _read_line(self) -> None:
        if self._scanner.take("["):
            self._in_section, self._section = True, None
            self._section = self._read_section()
            self.sections.append(self._section)
        elif self._in_section:
            self._read_command()
        else:
            self._read_setting()

    def _read_setting(self) -> None:
        scanner = self._scanner
        key = scanner.word(stop="=")
        if key.text not in SETTINGS:
            expected = f"{' or '.join(SETTINGS)}, or a section: [ name ]"
            raise ClassicSyntaxError(key.offset, f"unknown setting {key.text!r}: expected {expected}")
        if not scanner.take("="):
            raise ClassicSyntaxError(scanner.offset, f"expected = and a value after {key.text}")
        scanner.take("")
        value = _checked(scanner.word())
        if not scanner.at_end_of_line():
            raise ClassicSyntaxError(
                scanner.offset, "expected the line's end after the value: quote a value with blanks"
            )
        if key.text in self.settings:
            self.warning(key.offset, f"{key.text} is given twice: this one, the last, is used")
        self.settings[key.text] = value

    def _read_section(self) -> ClassicSection:
        scanner = self._scanner
        scanner.take("")
        word = _checked(scanner.word(stop="]"))
        if not scanner.take("]"):
            raise ClassicSyntaxError(
                scanner.offset, "expected ] after the server's name and port: [ name:port ]"
            )
        words = scanner.rest_of_line()
        name, port_word = _name_and_port(word)
        if not name.text:
            raise ClassicSyntaxError(name.offset, "expected a server's name: [ name ] or [ name:port ]")
        self._port = self._read_port(word, port_word)
        environment, options = self._split_environment(words, ends_at_option=True)
        return ClassicSection(
            name=name, port=self._port, port_word=port_word, environment=environment, options=options
        )

    def _read_port(self, word: Word, port_word: Word | None) -> int:
        if port_word is None:
            if self._port >= PORT_MAX:
                raise ClassicSyntaxError(
                    word.offset, f"no port is left after {PORT_MAX}: expected [ name:port ]"
                )
            return self._port + 1
        digits = port_word.text
        port = int(digits) if digits.isascii() and digits.isdecimal() and len(digits) <= 9 else 0
        if not 0 < port <= PORT_MAX:
            raise ClassicSyntaxError(word.offset, f"port {digits!r}: expected a number from 1 to {PORT_MAX}")
        return port

    def _read_command(self) -> None:
        words = self._scanner.rest_of_line()
        name = _checked(words[0])
        if name.text in SETTINGS and len(words) > 1 and words[1].text.startswith("="):
            self.warning(
                name.offset, f"{name.text} is taken as a command: settings stand before the first section"
            )
        environment, executable = self._split_environment(words[1:], ends_at_option=False)
        if executable and not executable[0].text:
            raise ClassicSyntaxError(executable[0].offset, "expected a program, which isn't empty")
        if self._section:
            self._section.commands.append(
                ClassicCommand(name=name, environment=environment, executable=executable)
            )

    def _split_environment(
        self, words: list[Word], ends_at_option: bool
    ) -> tuple[tuple[ClassicRule, ...], tuple[Word, ...]]:
        rules: list[ClassicRule] = []
        for position, word in enumerate(words):
            equals = _checked(word).text.find("=", 1)
            if equals < 0 or (ends_at_option and word.text.startswith("--")):
                return tuple(rules), tuple(_checked(other) for other in words[position:])
            rules.append(self._rule(word, equals))
        return tuple(rules), ()

    def _rule(self, word: Word, equals: int) -> ClassicRule:
        name, default = word.split(equals)
        kind = _KINDS.get(word.text[0], RuleKind.PASS)
        if kind is not RuleKind.PASS:
            _, name = name.split(0)
        if expected := check_variable_name(name.text):
            raise ClassicSyntaxError(word.offset, f"{word.text!r}: expected {expected}")
        if name.text.startswith("-") or "/" in name.text:
            self.warning(
                word.offset, f"{word.text!r} is taken as an environment variable: the program comes first"
            )
        return ClassicRule(kind=kind, name=name, default=default)


def _name_and_port(word: Word) -> tuple[Word, Word | None]:
    colon = word.text.find(":")
    return (word, None) if colon < 0 else word.split(colon)


def _checked(word: Word) -> Word:
    if expected := check_text(word.text):
        raise ClassicSyntaxError(word.offset, f"expected {expected}")
    return word

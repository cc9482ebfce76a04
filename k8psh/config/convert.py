"""A classic configuration written as YAML."""

import os
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby

from ..errors import ConfigurationError, Problem
from .checks import shared_ports
from .classic import last_of_each_name, parse_classic, placed_sections
from .classic_syntax import ClassicCommand, ClassicReader, ClassicRule, ClassicSection
from .classic_words import Word
from .load import YAML_ENDINGS, decode_classic, read_file
from .model import Configuration, RuleKind
from .yaml_text import entry, scalar
from .yaml_values import replace_expressions

_WORDS = {RuleKind.PASS: "pass", RuleKind.OPTIONAL: "optional", RuleKind.FIXED: "fixed"}


def convert(path: str, environment: Mapping[str, str]) -> str:
    """Return a classic configuration file as YAML, which loads to the same model in the same environment.

    Expressions stay expressions, except where they hold a part of the syntax (a name and its `=`). Comments
    are lost. A relative base directory becomes absolute.

    Raises:
        ConfigurationError: the file can't be read, something in it is wrong, or is allowed there only.
    """
    if path.endswith(YAML_ENDINGS):
        raise ConfigurationError([Problem(file=path, text="is YAML by its name: expected a classic file")])
    content, _ = read_file(path)
    text = decode_classic(content, path)
    reader, configuration, _ = parse_classic(text, os.path.abspath(path), environment, path)
    shared = [
        Problem(file=path, line=place.line, column=place.column, text=f"{problem} in YAML")
        for place, problem in shared_ports(placed_sections(configuration, reader))
    ]
    if shared:
        raise ConfigurationError(shared)
    return "\n".join(_document(reader, configuration, _Writer(environment))) + "\n"


class _Writer:
    """Writes words as YAML texts."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def template(self, word: Word) -> str:
        """Return the word with its expressions as they were, where YAML reads the same from that."""
        parts = []
        for literal, pieces in groupby(word.pieces, key=lambda piece: piece.expression is None):
            if literal:
                parts.append(_without_expressions("".join(piece.text for piece in pieces)))
            else:
                parts += [piece.expression or "" for piece in pieces]
        template = "".join(parts)
        same = replace_expressions(template, self._environment) == word.text
        return template if same else _without_expressions(word.text)

    def word(self, word: Word) -> str:
        """Return the word as a scalar."""
        return scalar(self.template(word))


def _without_expressions(text: str) -> str:
    return text.replace("${", "$${")


def _document(reader: ClassicReader, configuration: Configuration, writer: _Writer) -> Iterator[str]:
    base = reader.settings.get("baseDirectory")
    if base is not None and base.text.startswith("/"):
        yield f"baseDirectory: {writer.word(base)}"
    else:
        yield f"baseDirectory: {scalar(_without_expressions(configuration.base_directory))}"
    timeout = reader.settings.get("connectTimeoutMs")
    if timeout is not None:
        yield f"connectTimeoutMs: {_number(timeout, writer)}"
    if reader.sections:
        yield "servers:"
    for section in reader.sections:
        yield from _section(section, last_of_each_name(section.commands, reader), writer)


def _number(word: Word, writer: _Writer) -> str:
    template = writer.template(word)
    return scalar(template) if "${" in template else str(int(word.text))


def _section(section: ClassicSection, commands: list[ClassicCommand], writer: _Writer) -> Iterator[str]:
    yield f"  - name: {writer.word(section.name)}"
    if section.port_word is not None:
        yield f"    port: {_number(section.port_word, writer)}"
    yield from entry(4, "options", map(writer.template, section.options))
    yield from _environment(4, section.environment, writer)
    if commands:
        yield "    commands:"
    for command in commands:
        yield from _command(command, writer)


def _command(command: ClassicCommand, writer: _Writer) -> Iterator[str]:
    key = f"      {writer.word(command.name)}:"
    program, arguments = command.executable[:1], command.executable[1:]
    named = [word for word in program if writer.template(word) != writer.template(command.name)]
    if not arguments and not command.environment:
        yield " ".join([key, *map(writer.word, named)])
        return
    yield key
    for word in named:
        yield f"        program: {writer.word(word)}"
    yield from entry(8, "arguments", map(writer.template, arguments))
    yield from _environment(8, command.environment, writer)


def _environment(indent: int, rules: Iterable[ClassicRule], writer: _Writer) -> Iterator[str]:
    for position, rule in enumerate(rules):
        if position == 0:
            yield f"{' ' * indent}environment:"
        name, default = writer.word(rule.name), writer.word(rule.default)
        if rule.kind is RuleKind.FIXED and not rule.default.text:
            yield f"{' ' * indent}  - inherit: {name}"
            continue
        yield f"{' ' * indent}  - {_WORDS[rule.kind]}: {name}"
        if rule.default.pieces:
            key = "value" if rule.kind is RuleKind.FIXED else "default"
            yield f"{' ' * indent}    {key}: {default}"

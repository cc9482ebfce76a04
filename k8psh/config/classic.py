"""The classic syntax (`.conf`), read into the model."""

import re
from collections.abc import Iterable, Mapping

from ..errors import Problem
from .checks import INT32_MAX, Place, Section, check_command_name, shared_ports, suspicious
from .classic_syntax import ClassicCommand, ClassicReader, ClassicRule, ClassicSection
from .findings import Findings
from .model import DEFAULT_CONNECT_TIMEOUT_MS, Command, Configuration, EnvironmentRule, Server
from .paths import absolute

_INTEGER = re.compile(r"-?[0-9]{1,10}")


def read_classic(
    text: str, file: str, environment: Mapping[str, str], shown_as: str | None = None
) -> tuple[Configuration, tuple[Problem, ...]]:
    """Read a classic configuration; return it and the warnings.

    `file` is its absolute path, `shown_as` the name that problems call it by, `environment` what `${NAME}`
    is replaced from.

    Raises:
        ConfigurationError: everything that is wrong with it, at most one problem for a line.
    """
    _, configuration, warnings = parse_classic(text, file, environment, shown_as)
    return configuration, warnings


def parse_classic(
    text: str, file: str, environment: Mapping[str, str], shown_as: str | None = None
) -> tuple[ClassicReader, Configuration, tuple[Problem, ...]]:
    """Do as `read_classic`, and return the reader, too, which has the words as they were written."""
    findings = Findings(shown_as or file)
    reader = ClassicReader(text, environment, findings)
    reader.read()
    configuration = Configuration(
        file=file,
        base_directory=_base_directory(reader, file),
        connect_timeout_ms=_connect_timeout(reader),
        servers=tuple(_server(section, reader) for section in reader.sections),
    )
    placed = placed_sections(configuration, reader)
    for place, warning in (*shared_ports(placed), *suspicious(placed)):
        findings.warning(place.line, place.column, warning)
    return reader, configuration, findings.warnings()


def _base_directory(reader: ClassicReader, file: str) -> str:
    word = reader.settings.get("baseDirectory")
    return absolute(word.text if word else "", file)


def _connect_timeout(reader: ClassicReader) -> int:
    word = reader.settings.get("connectTimeoutMs")
    if word is None:
        return DEFAULT_CONNECT_TIMEOUT_MS
    value = int(word.text) if _INTEGER.fullmatch(word.text) else None
    if value is None or abs(value) > INT32_MAX:
        reader.problem(
            word.offset, f"connectTimeoutMs {word.text!r}: expected a whole number of milliseconds"
        )
        return DEFAULT_CONNECT_TIMEOUT_MS
    return value


def _server(section: ClassicSection, reader: ClassicReader) -> Server:
    return Server(
        name=section.name.text,
        port=section.port,
        options=tuple(word.text for word in section.options),
        commands=tuple(
            _command(command, section, reader) for command in last_of_each_name(section.commands, reader)
        ),
    )


def last_of_each_name(commands: Iterable[ClassicCommand], reader: ClassicReader) -> list[ClassicCommand]:
    """Return the commands of a section without those that a later one of the same name replaces."""
    found: dict[str, ClassicCommand] = {}
    for command in commands:
        name = command.name.text
        if earlier := found.pop(name, None):
            line, _ = reader.place(earlier.name)
            reader.warning(
                command.name.offset,
                f"command {name!r} is also on line {line}, of the same server: this one, the last, is used",
            )
        found[name] = command
    return list(found.values())


def _command(command: ClassicCommand, section: ClassicSection, reader: ClassicReader) -> Command:
    name = command.name.text
    if expected := check_command_name(name):
        reader.problem(command.name.offset, f"{name!r}: expected {expected}")
    return Command(
        name=name,
        executable=tuple(word.text for word in command.executable) or (name,),
        environment=tuple(_rule(rule) for rule in (*section.environment, *command.environment)),
    )


def _rule(rule: ClassicRule) -> EnvironmentRule:
    return EnvironmentRule(kind=rule.kind, name=rule.name.text, default=rule.default.text)


def placed_sections(configuration: Configuration, reader: ClassicReader) -> list[Section]:
    """Return the configuration's servers with their places."""
    pairs = zip(configuration.servers, reader.sections, strict=True)
    return [_placed(server, section, reader) for server, section in pairs]


def _placed(server: Server, section: ClassicSection, reader: ClassicReader) -> Section:
    line, column = reader.place(section.name)
    return Section(
        server=server,
        place=Place(line=line, column=column),
        port_place=Place(line=line, column=column),
        commands={
            command.name.text: Place(line=place[0], column=place[1])
            for command in section.commands
            for place in (reader.place(command.name),)
        },
    )

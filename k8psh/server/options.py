"""What the server's command line says."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ..command_line import SERVER_OPTIONS, Parsed, parse, refuse
from ..container import container_name


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerOptions:
    """The server's settings; `max_connections` and `timeout_ms` are negative where there is no limit."""

    name: str
    background: bool = False
    pidfile: str = "/run/k8pshd.pid"
    executable_directory: str = "."
    disable_client_executables: bool = False
    keep_client_executables: bool = False
    generate_local_executables: bool = False
    overwrite_client_executables: bool = False
    max_connections: int = -1
    timeout_ms: int = -1
    wait: bool = True


def parse_words(words: Sequence[str], warn: Callable[[str], None]) -> Parsed:
    """Read the server's options.

    With --ignore-invalid-arguments anywhere among them, `warn` is told what is wrong.

    Raises:
        UsageError: a word is wrong, and that isn't to be ignored.
    """
    invalid = _invalid(words, warn)
    values: dict[str, str] = {}
    start = 0
    while start < len(words):
        parsed = parse(SERVER_OPTIONS, words[start:], invalid)
        values |= parsed.values
        start += parsed.rest
        if start < len(words):
            invalid(f"unexpected argument {words[start]!r}")
            start += 1
    return Parsed(values, len(words))


def _invalid(words: Sequence[str], warn: Callable[[str], None]) -> Callable[[str], None]:
    return warn if any(word in ("-i", "--ignore-invalid-arguments") for word in words) else refuse


def server_options(
    sections: Sequence[str], words: Sequence[str], environment: Mapping[str, str], warn: Callable[[str], None]
) -> ServerOptions:
    """Return the settings of a server: its section's arguments first, then the command line's.

    The name is never taken from a section: it's what the section was found by.

    Raises:
        UsageError: a word of either is wrong.
    """
    all_words = [*sections, *words]
    parsed, parsed_here = parse_words(all_words, warn), parse_words(words, lambda _: None)
    invalid = _invalid(all_words, warn)
    return ServerOptions(
        name=container_name(environment, parsed_here.values.get("name", "")),
        background=parsed.has("background"),
        pidfile=parsed.values.get("pidfile", "/run/k8pshd.pid"),
        executable_directory=parsed.values.get("executable-directory", "."),
        disable_client_executables=parsed.has("disable-client-executables"),
        keep_client_executables=parsed.has("keep-client-executables"),
        generate_local_executables=parsed.has("generate-local-executables"),
        overwrite_client_executables=parsed.has("overwrite-client-executables"),
        max_connections=parsed.integer("max-connections", -1, invalid),
        timeout_ms=parsed.integer("timeout", -1, invalid),
        wait=not parsed.has("no-wait"),
    )

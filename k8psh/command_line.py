"""Options: `--option VALUE`, `--option=VALUE`, `-o VALUE`, `-oVALUE`; one table per program."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from .errors import UsageError


@dataclass(frozen=True, kw_only=True, slots=True)
class Option:
    """One option: `value` names its value in the usage, empty where it takes none."""

    short: str = ""
    long: str
    value: str = ""
    help: str

    def usage(self) -> str:
        """Return its lines in the usage."""
        names = f"-{self.short}, --{self.long}" if self.short else f"    --{self.long}"
        if self.value:
            names += f" {self.value}"
        return f"  {names:<38} {self.help}"


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a command line says: the last value of each option by long name, and the rest's first index."""

    values: Mapping[str, str]
    rest: int

    def has(self, name: str) -> bool:
        """Tell whether an option was given."""
        return name in self.values

    def integer(self, name: str, default: int, invalid: Callable[[str], None]) -> int:
        """Return an option's value as a number; `invalid` is told where it isn't one."""
        text = self.values.get(name)
        if text is None:
            return default
        try:
            return int(text)
        except ValueError:
            invalid(f"--{name} takes a whole number, not {text!r}")
            return default


def parse(table: Sequence[Option], words: Sequence[str], invalid: Callable[[str], None]) -> Parsed:
    """Read options up to the first word that isn't one, or up to and with `--`.

    `invalid` is told what is wrong with a word, and either raises or goes on behind it.
    """
    by_name = {f"--{option.long}": option for option in table}
    by_name |= {f"-{option.short}": option for option in table if option.short}
    values: dict[str, str] = {}
    index = 0
    while index < len(words):
        word = words[index]
        if word == "--":
            return Parsed(values, index + 1)
        if not word.startswith("-") or word == "-":
            break
        index += 1
        name, value = _split(word, by_name)
        option = by_name.get(name)
        if option is None:
            invalid(f"unknown option {word!r}")
        elif option.value and value is None:
            if index == len(words):
                invalid(f"{word} needs a value: {option.value}")
            else:
                values[option.long] = words[index]
                index += 1
        elif value is not None and not option.value:
            invalid(f"{name} takes no value")
        else:
            values[option.long] = value or ""
    return Parsed(values, index)


def _split(word: str, by_name: Mapping[str, Option]) -> tuple[str, str | None]:
    """Return an option word's name and the value that it carries, if any."""
    if word.startswith("--"):
        name, equals, value = word.partition("=")
        return name, value if equals else None
    option = by_name.get(word[:2])
    if option is not None and option.value and len(word) > 2:
        return word[:2], word[2:].removeprefix("=")
    return word, None


def refuse(text: str) -> None:
    """Raise what is wrong with a command line: the `invalid` of whoever doesn't go on."""
    raise UsageError(f"{text} (--help shows what there is)")


CLIENT_OPTIONS = (
    Option(
        short="c",
        long="config",
        value="FILE",
        help="configuration; default: $K8PSH_CONFIG, k8psh.conf, k8psh.yaml",
    ),
    Option(long="check", help="report every problem of the configuration; exit 0 or 78"),
    Option(long="convert", value="FILE", help="print a classic configuration as YAML"),
    Option(short="h", long="help", help="show this and exit"),
    Option(long="install", value="FILE", help="put k8psh at FILE, overwriting what is there, and exit"),
    Option(long="output", value="json", help="with --check: print the loaded configuration"),
    Option(long="probe", value="NAME", help="exit 0 if the server NAME is serving, else 1, with a line"),
    Option(short="s", long="server", help="be the server; all options are the server's (k8psh -s -h)"),
    Option(short="v", long="version", help="show the version and exit"),
)

SERVER_OPTIONS = (
    Option(short="b", long="background", help="daemonize"),
    Option(
        short="c",
        long="config",
        value="FILE",
        help="configuration; default: $K8PSH_CONFIG, k8psh.conf, k8psh.yaml",
    ),
    Option(
        short="d",
        long="disable-client-executables",
        help="no stubs for other servers' commands; remove those there",
    ),
    Option(
        short="e", long="executable-directory", value="DIRECTORY", help="where the stubs go; default: here"
    ),
    Option(short="h", long="help", help="show this and exit"),
    Option(short="i", long="ignore-invalid-arguments", help="warn of them instead of failing"),
    Option(short="k", long="keep-client-executables", help="don't remove the stubs at exit"),
    Option(short="l", long="generate-local-executables", help="stubs for this server's own commands too"),
    Option(
        short="m",
        long="max-connections",
        value="N",
        help="accept N connections in all, then exit; -1: no limit",
    ),
    Option(
        short="n", long="name", value="NAME", help="this server; default: $K8PSH_NAME, else the host's name"
    ),
    Option(short="o", long="overwrite-client-executables", help="replace files that are where stubs go"),
    Option(short="p", long="pidfile", value="FILE", help="with --background; default: /run/k8pshd.pid"),
    Option(short="t", long="timeout", value="MS", help="exit after so many milliseconds; -1: never"),
    Option(short="v", long="version", help="show the version and exit"),
    Option(short="w", long="no-wait", help="at exit, don't wait for running commands"),
)

CLIENT_USAGE = "\n".join(
    [
        "Usage: k8psh [options] command [arguments]",
        "       k8psh --server [server's options]",
        "",
        "Run a command that another container of the Pod serves, as though it were installed here.",
        "",
        *(option.usage() for option in CLIENT_OPTIONS),
        "",
        "Called by any other name, k8psh runs the command of that name.",
        "Environment: K8PSH_CONFIG, K8PSH_NAME, K8PSH_DEBUG (parts, comma separated, or All).",
    ]
)

SERVER_USAGE = "\n".join(
    [
        "Usage: k8pshd [options]",
        "",
        "Serve the commands that the configuration lists for this container; write stubs for the others.",
        "",
        *(option.usage() for option in SERVER_OPTIONS),
        "",
        "SIGTERM, SIGINT and, in the foreground, SIGHUP: accept no more, wait for running commands, exit 0.",
        "A second one ends the running commands.",
    ]
)

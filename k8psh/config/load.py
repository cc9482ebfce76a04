"""Loading a configuration file, in the syntax that its name's ending says."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import ConfigurationError, Problem
from .classic import read_classic
from .model import Configuration

CLASSIC_NAME = "k8psh.conf"
YAML_NAME = "k8psh.yaml"
YAML_ENDINGS = (".yaml", ".yml", ".json")
MAX_FILE_BYTES = 4 * 1024 * 1024
"""Far beyond any real configuration: what is larger is not one (a disk, /dev/zero)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadedConfiguration:
    """A configuration, the warnings about it, and the file's state when it was read.

    `modified_ns` counts nanoseconds since 1970, `size` bytes, as stat(2) says.
    """

    configuration: Configuration
    warnings: tuple[Problem, ...]
    modified_ns: int
    size: int


def default_path(environment: Mapping[str, str], directory: str) -> str:
    """Return the configuration's path where `--config` doesn't say it.

    That is $K8PSH_CONFIG, else k8psh.conf, else k8psh.yaml in the directory.

    Raises:
        ConfigurationError: there is neither.
    """
    configured = environment.get("K8PSH_CONFIG")
    if configured:
        return os.path.join(directory, configured)
    for name in (CLASSIC_NAME, YAML_NAME):
        path = os.path.join(directory, name)
        if os.path.lexists(path):
            return path
    text = f"has no {CLASSIC_NAME} and no {YAML_NAME}: name the configuration with --config or K8PSH_CONFIG"
    raise ConfigurationError([Problem(file=directory, text=text)])


def load(path: str, environment: Mapping[str, str]) -> LoadedConfiguration:
    """Load the configuration file at `path`; `environment` is what `${NAME}` is replaced from.

    A name that ends in .yaml, .yml or .json says YAML, any other the classic syntax.

    Raises:
        ConfigurationError: the file can't be read, or everything that is wrong with it.
    """
    content, state = read_file(path)
    file = os.path.abspath(path)
    configuration, warnings = _parse(content, file, environment, path)
    return LoadedConfiguration(
        configuration=configuration, warnings=warnings, modified_ns=state.st_mtime_ns, size=state.st_size
    )


def _parse(
    content: bytes, file: str, environment: Mapping[str, str], path: str
) -> tuple[Configuration, tuple[Problem, ...]]:
    if path.endswith(YAML_ENDINGS):
        from .yaml_syntax import read_yaml  # the import of pyyaml costs tens of milliseconds

        if path.endswith(".json"):
            content = content.replace(
                b"\t", b" "
            )  # blanks to JSON, an error to YAML, and nowhere else in JSON
        return read_yaml(content, file, environment, path)
    return read_classic(decode_classic(content, path), file, environment, path)


def decode_classic(content: bytes, path: str) -> str:
    """Return a classic file's text; bytes that aren't UTF-8 become surrogates.

    Raises:
        ConfigurationError: it isn't a text file.
    """
    if b"\0" in content:
        line = content.count(b"\n", 0, content.index(b"\0")) + 1
        raise _refused(path, "holds a NUL byte: expected a text file", line)
    return content.decode("utf-8", "surrogateescape").removeprefix("\ufeff")


def read_file(path: str) -> tuple[bytes, os.stat_result]:
    """Return a configuration file's bytes and its state when it was opened.

    Raises:
        ConfigurationError: it can't be read, or is too large.
    """
    try:
        with open(path, "rb") as file:
            state = os.fstat(file.fileno())
            content = file.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        raise _refused(path, _reason(error)) from None
    if len(content) > MAX_FILE_BYTES:
        raise _refused(path, f"is larger than {MAX_FILE_BYTES} bytes: name a configuration file")
    return content, state


def _reason(error: OSError | ValueError) -> str:
    match error:
        case FileNotFoundError():
            return "doesn't exist: name the configuration with --config or K8PSH_CONFIG"
        case IsADirectoryError():
            return "is a directory: name the configuration file in it"
        case PermissionError():
            return f"can't be read by user {os.geteuid()}: change its mode or its owner"
        case OSError(strerror=str(why)):
            return f"can't be read: {why}"
        case _:
            return "isn't a file's name"


def _refused(path: str, text: str, line: int = 0) -> ConfigurationError:
    return ConfigurationError([Problem(file=path, line=line, text=text)])

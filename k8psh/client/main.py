"""What the client program does: calls, and the tools around the configuration."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace

from .. import __version__, import_trio
from ..command_line import CLIENT_OPTIONS, CLIENT_USAGE, SERVER_OPTIONS, Parsed, parse, refuse
from ..config.load import default_path, load
from ..config.model import Configuration
from ..config.routes import ROUTES_FILE, decode_head
from ..container import NAME_VARIABLE
from ..errors import ConfigurationError, Problem, UsageError
from ..exit_status import Exited, ExitStatus
from ..process import ThisProcess, working_directory
from ..runtime import has_stub_program
from ..server.options import server_options

_NO_STUB_PROGRAM = (
    "there is no stub program for {machine} here: each call starts Python, which works but is slow; "
    "install the wheel for {machine}, or the bundle by its own --install FILE"
)


def run_client(process: ThisProcess) -> ExitStatus:
    """Do what the command line of `k8psh` asks.

    Raises:
        K8pshError: as its kinds say.
    """
    words, environment = process.arguments, process.environment
    every_option = {option.long: option for option in (*CLIENT_OPTIONS, *SERVER_OPTIONS)}
    leading = parse(tuple(every_option.values()), words, lambda _: None)
    if leading.has("server"):
        import_trio.prepare()
        from ..server.main import run_server

        return run_server(replace(process, arguments=_without_server(words, leading.rest)))
    parsed = parse(CLIENT_OPTIONS, words, refuse)
    rest = words[parsed.rest :]
    if parsed.has("help"):
        return _print(CLIENT_USAGE)
    if parsed.has("version"):
        return _print(f"k8psh {__version__}")
    if parsed.has("install"):
        from ..install import install

        install(parsed.values["install"])
        return Exited(0)
    if parsed.has("probe"):
        from .probe import probe

        probe(_configuration(parsed, environment), parsed.values["probe"])
        return Exited(0)
    if parsed.has("convert"):
        from ..config.convert import convert

        return _print(convert(parsed.values["convert"], environment).rstrip("\n"))
    if parsed.has("check") or parsed.has("output"):
        return _check(parsed, environment)
    if not rest:
        raise UsageError("no command: k8psh [options] command [arguments] (--help shows what there is)")
    return _call(_configuration(parsed, environment), process, rest)


def _configuration(parsed: Parsed, environment: Mapping[str, str]) -> Configuration:
    path = parsed.values.get("config") or default_path(environment, working_directory())
    return load(path, environment).configuration


def run_stub(process: ThisProcess) -> ExitStatus:
    """Run the command that we were called as.

    Raises:
        K8pshError: as its kinds say.
    """
    path, environment = _stub_configuration(process.called_as, process.environment)
    words = [os.path.basename(process.called_as), *process.arguments]
    return _call(load(path, environment).configuration, replace(process, environment=environment), words)


def _call(configuration: Configuration, process: ThisProcess, words: Sequence[str]) -> ExitStatus:
    import_trio.prepare()
    from .run import call  # trio comes with it, which --version and --check don't wait for

    return call(configuration, process, words)


def _stub_configuration(called_as: str, environment: Mapping[str, str]) -> tuple[str, Mapping[str, str]]:
    """Return the configuration's path and the environment: from K8PSH_CONFIG, the routes, or here."""
    try:
        with open(os.path.join(os.path.dirname(called_as), ROUTES_FILE), "rb") as file:
            head = decode_head(file.read())
    except OSError:
        head = None
    if head is None:
        return default_path(environment, working_directory()), environment
    names = [word.partition("=")[2] for word in head.runtime if word.startswith("--container=")]
    environment = {NAME_VARIABLE: names[0], **environment} if names else environment
    return environment.get("K8PSH_CONFIG") or head.configuration, environment


def _check(parsed: Parsed, environment: Mapping[str, str]) -> ExitStatus:
    """Report everything that is wrong with a configuration, or print what was loaded."""
    if parsed.values.get("output", "json") != "json":
        raise UsageError(f"--output knows only json, not {parsed.values['output']!r}")
    path = parsed.values.get("config") or default_path(environment, working_directory())
    loaded = load(path, environment)
    for warning in loaded.warnings:
        _warn(str(warning))
    _check_server_arguments(loaded.configuration)
    if not has_stub_program():
        _warn(_NO_STUB_PROGRAM.format(machine=os.uname().machine))
    if parsed.has("output"):
        from ..config.report import describe

        return _print(json.dumps(describe(loaded.configuration), indent=2))
    servers = loaded.configuration.servers
    commands = sum(len(server.commands) for server in servers)
    return _print(f"{loaded.configuration.file}: ok, {len(servers)} servers, {commands} commands")


def _check_server_arguments(configuration: Configuration) -> None:
    problems = []
    for server in configuration.servers:
        try:
            server_options(server.options, (), {}, lambda _: None)
        except UsageError as error:
            problems.append(Problem(file=configuration.file, text=f"server {server.name!r}: {error}"))
    if problems:
        raise ConfigurationError(problems)


def _warn(text: str) -> None:
    print(f"k8psh: warning: {text}", file=sys.stderr)  # noqa: T201 - the tool's output


def _without_server(words: Sequence[str], end: int) -> tuple[str, ...]:
    """Return the words without the option that made them the server's."""
    index = next(index for index in range(end) if words[index] in ("-s", "--server"))
    return (*words[:index], *words[index + 1 :])


def _print(text: str) -> ExitStatus:
    print(text)  # noqa: T201 - the tool's output
    return Exited(0)

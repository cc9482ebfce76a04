"""A loaded configuration as plain values, for programs to read."""

from typing import Any

from .model import Command, Configuration, Server


def describe(configuration: Configuration) -> dict[str, Any]:
    """Return the configuration as values that JSON has; environment rules bear the classic marks."""
    return {
        "baseDirectory": configuration.base_directory,
        "connectTimeoutMs": configuration.connect_timeout_ms,
        "servers": [_server(server) for server in configuration.servers],
    }


def _server(server: Server) -> dict[str, Any]:
    return {
        "name": server.name,
        "port": server.port,
        "options": list(server.options),
        "commands": [_command(command) for command in server.commands],
    }


def _command(command: Command) -> dict[str, Any]:
    return {
        "name": command.name,
        "environment": [[rule.kind.value + rule.name, rule.default] for rule in command.environment],
        "executable": list(command.executable),
    }

"""The recorded results of the reference's loader, and where it is wrong, what is right."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from k8psh.config.classic import read_classic
from k8psh.config.model import Configuration
from k8psh.errors import ConfigurationError

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "classic-configuration.json").read_text())
REFUSED = {"error": True}
CORRECTED_VALUES = {"hex escape lower case": ["A", os.fsdecode(b"\x0a\x3f\xff")]}


def flat(configuration: Configuration) -> dict[str, Any]:
    return {
        "baseDirectory": configuration.base_directory,
        "connectTimeoutMs": configuration.connect_timeout_ms,
        "commands": [
            {
                "name": command.name,
                "host": server.name,
                "port": server.port,
                "options": list(server.options),
                "environment": [[rule.kind.value + rule.name, rule.default] for rule in command.environment],
                "executable": list(command.executable),
            }
            for server in configuration.servers
            for command in server.commands
        ],
    }


def expected_of(case: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = case["result"]
    deviation = case.get("deviation", "the same")
    if deviation.startswith("an error"):
        return REFUSED
    if not deviation.startswith("the same"):
        result["commands"][0]["environment"] = [CORRECTED_VALUES[case["case"]]]
    return result


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["case"])
def test_recorded_case(case: dict[str, Any]) -> None:
    """Each text is read, or refused, as recorded or as its deviation says."""
    try:
        configuration, _ = read_classic(case["text"], "/cfgdir/k8psh.conf", case["environment"])
        result = flat(configuration)
    except ConfigurationError:
        result = REFUSED
    assert result == expected_of(case)

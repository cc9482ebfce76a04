"""A command's environment, from rules, what the client sent, and the server's own."""

import json
from pathlib import Path
from typing import Any

import pytest

from k8psh.config.classic import read_classic
from k8psh.config.environment import command_environment, sent_names
from k8psh.config.model import EnvironmentRule, RuleKind

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "protocol-1.json").read_text())
RECORDED = [case for case in VECTORS["server"] if case["case"].startswith("environment")]


def sent_in(content: bytes) -> dict[str, str]:
    """Return the variables of a recorded request."""
    variables = {}
    while content:
        size = int.from_bytes(content[1:5], "little")
        if content[0] == 1:
            name, _, value = content[5 : 5 + size].decode().partition("=")
            variables[name] = value
        content = content[5 + size :]
    return variables


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: case["case"])
def test_recorded_environment(case: dict[str, Any]) -> None:
    """The environment is what the reference's server gave the same command."""
    configuration, _ = read_classic(VECTORS["configuration"], "/cfgdir/k8psh.conf", {})
    found = configuration.find_command("envs")
    assert found is not None
    sent = sent_in(bytes.fromhex(case["client_sends_hex"]))
    result = command_environment(found[1].environment, sent, VECTORS["server_environment"])
    assert "".join(f"{name}={value}\n" for name, value in result.items()) == case["stdout"]


def rules(*written: str) -> list[EnvironmentRule]:
    """Return rules from their classic form."""
    configuration, _ = read_classic(f"[a]\nx {' '.join(written)}", "/cfgdir/k8psh.conf", {})
    return list(configuration.servers[0].commands[0].environment)


def test_a_client_sends_what_is_not_fixed() -> None:
    """Variables that a client may set are sent, each once, in order."""
    assert sent_names(rules("B=", "?A=x", "=C=", "=D=d", "B=2")) == ("B", "A")


EVALUATED = [
    (["A=d"], {"A": "s"}, {"A": "o"}, {"A": "s"}),
    (["A=d"], {}, {"A": "o"}, {"A": "d"}),
    (["A="], {}, {"A": "o"}, {"A": ""}),
    (["?A="], {"A": ""}, {"A": "o"}, {"A": ""}),
    (["?A="], {}, {"A": "o"}, {"A": "o"}),
    (["?A="], {}, {}, {}),
    (["?A=d"], {}, {"A": "o"}, {"A": "d"}),
    (["=A="], {"A": "s"}, {"A": "o"}, {"A": "o"}),
    (["=A="], {"A": "s"}, {}, {}),
    (["=A=f"], {"A": "s"}, {"A": "o"}, {"A": "f"}),
    ([], {"A": "s"}, {"A": "o"}, {}),
    (["A=1", "B='${A}${O}${N:-n}${N}'"], {}, {"A": "o", "O": "own"}, {"A": "1", "B": "1ownn"}),
    (["B='${A}'", "A=1"], {}, {}, {"B": "", "A": "1"}),
    (["=B='${A}'"], {"A": "s"}, {}, {"B": ""}),
    (["A=1", "C=", "A='${A}2'"], {}, {}, {"A": "12", "C": ""}),
    (["A=1", "=A="], {}, {}, {}),
    (["A='${'", "B='${A-b}'"], {}, {}, {"A": "${", "B": "${A-b}"}),
    (["A="], {"A": "${B}"}, {"B": "b"}, {"A": "${B}"}),
]


@pytest.mark.parametrize(("written", "sent", "own", "expected"), EVALUATED)
def test_evaluation(
    written: list[str], sent: dict[str, str], own: dict[str, str], expected: dict[str, str]
) -> None:
    """Each kind of rule takes its value from where it says, and nothing else gets in."""
    result = command_environment(rules(*written), sent, own)
    assert list(result.items()) == list(expected.items())


def test_kinds_are_told_by_their_marks() -> None:
    """The classic marks are the kinds' values."""
    assert [rule.kind for rule in rules("A=", "?B=", "=C=")] == [
        RuleKind.PASS,
        RuleKind.OPTIONAL,
        RuleKind.FIXED,
    ]

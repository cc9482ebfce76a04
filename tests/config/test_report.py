"""A loaded configuration as plain values."""

import json
from collections.abc import Callable
from typing import Any

from k8psh.config.report import describe


def test_both_syntaxes_are_described_alike(
    load_yaml: Callable[..., Any], load_classic: Callable[..., Any]
) -> None:
    """The values are the same whichever syntax was read, with the classic marks."""
    yaml, _, _ = load_yaml(
        "baseDirectory: /w\nservers:\n- name: a\n  options: [--no-wait]\n"
        "  environment: [{inherit: P}, {fixed: F, value: f}]\n"
        "  commands: {x: {program: y, arguments: ['1'], environment: [{pass: Q}, {optional: O, default: o}]}}"
    )
    classic, _, _ = load_classic("baseDirectory=/w\n[a] =P= =F=f --no-wait\nx Q= ?O=o y 1\n")
    assert describe(yaml) == describe(classic)
    assert json.loads(json.dumps(describe(yaml))) == {
        "baseDirectory": "/w",
        "connectTimeoutMs": 30000,
        "servers": [
            {
                "name": "a",
                "port": 1120,
                "options": ["--no-wait"],
                "commands": [
                    {
                        "name": "x",
                        "environment": [["=P", ""], ["=F", "f"], ["Q", ""], ["?O", "o"]],
                        "executable": ["y", "1"],
                    }
                ],
            }
        ],
    }

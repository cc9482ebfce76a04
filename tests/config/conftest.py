"""Loading texts as files of a directory /cfgdir."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from k8psh.config.classic import read_classic
from k8psh.config.model import Configuration
from k8psh.config.yaml_syntax import read_yaml
from k8psh.errors import ConfigurationError, Problem

Found = list[tuple[int, int, str]]
"""Line, column and text of each problem."""

Loaded = tuple[Configuration | None, Found, Found]
"""A configuration (None where it was refused), the problems, the warnings."""

LoadText = Callable[..., Loaded]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def root() -> Path:
    """Return the source tree's directory."""
    return ROOT


@pytest.fixture
def schema() -> dict[str, Any]:
    """Return the JSON Schema of the YAML syntax."""
    result: dict[str, Any] = json.loads((ROOT / "config" / "k8psh.schema.json").read_text())
    return result


@pytest.fixture
def load_classic() -> LoadText:
    """Return a function that loads a classic text."""

    def load(text: str, variables: Mapping[str, str] | None = None) -> Loaded:
        return _loaded(lambda: read_classic(text, "/cfgdir/k8psh.conf", variables or {}))

    return load


@pytest.fixture
def load_yaml() -> LoadText:
    """Return a function that loads a YAML text."""

    def load(text: str | bytes, variables: Mapping[str, str] | None = None) -> Loaded:
        content = text if isinstance(text, bytes) else text.encode()
        return _loaded(lambda: read_yaml(content, "/cfgdir/k8psh.yaml", variables or {}))

    return load


def _loaded(read: Callable[[], tuple[Configuration, tuple[Problem, ...]]]) -> Loaded:
    try:
        configuration, warnings = read()
    except ConfigurationError as error:
        return None, _found(error.problems), []
    return configuration, [], _found(warnings)


def _found(problems: tuple[Problem, ...]) -> Found:
    return [(problem.line, problem.column, problem.text) for problem in problems]

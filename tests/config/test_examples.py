"""The examples and the documentation's blocks load as they stand."""

import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from k8psh.config.load import load

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(path for path in (ROOT / "config").iterdir() if not path.name.endswith(".schema.json"))
PAGES = ("README.md", "docs/configuration.md", "docs/security.md")
FENCED = r"^ *```(yaml|conf)\n(.*?)^ *```$"
BLOCKS = [
    (syntax, textwrap.dedent(block))
    for page in PAGES
    for syntax, block in re.findall(
        r"^ *```(yaml|conf)\n(.*?)^ *```$", (ROOT / page).read_text(), re.S | re.M
    )
]
LoadText = Callable[..., Any]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_example_loads(path: Path) -> None:
    """Each example loads without a warning and has commands."""
    loaded = load(str(path), {})
    assert loaded.warnings == ()
    assert any(server.commands for server in loaded.configuration.servers)


@pytest.mark.parametrize(
    "path", [path for path in EXAMPLES if path.suffix == ".yaml"], ids=lambda path: path.name
)
def test_example_names_the_schema_and_obeys_it(schema: dict[str, Any], path: Path) -> None:
    """An editor finds the schema from the first line, and has nothing to complain about."""
    text = path.read_text()
    assert text.startswith("# yaml-language-server: $schema=k8psh.schema.json\n")
    jsonschema.Draft202012Validator(schema).validate(yaml.safe_load(text))


def test_documentation_has_examples_of_both() -> None:
    """The pattern that finds the documentation's blocks still finds them."""
    assert {syntax for syntax, _ in BLOCKS} == {"yaml", "conf"}


@pytest.mark.parametrize(("syntax", "text"), BLOCKS)
def test_documented_block_loads(
    load_yaml: LoadText, load_classic: LoadText, schema: dict[str, Any], syntax: str, text: str
) -> None:
    """Each block of the documentation loads without a warning."""
    _, problems, warnings = (load_yaml if syntax == "yaml" else load_classic)(text)
    assert (problems, warnings) == ([], [])
    if syntax == "yaml":
        jsonschema.Draft202012Validator(schema).validate(yaml.safe_load(text))


def test_both_examples_agree() -> None:
    """The classic example has the same servers, ports and commands as the YAML one."""
    yaml_servers, classic_servers = (
        [
            (server.name, server.port, [(command.name, command.executable) for command in server.commands])
            for server in load(str(ROOT / "config" / name), {}).configuration.servers
        ]
        for name in ("example.yaml", "example.conf")
    )
    assert yaml_servers == classic_servers

"""Classic configurations written as YAML."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from k8psh.config.convert import convert
from k8psh.config.load import load
from k8psh.config.yaml_syntax import read_yaml
from k8psh.config.yaml_text import scalar
from k8psh.errors import ConfigurationError

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "classic-configuration.json").read_text())
TEXTS = [(case["text"], case["environment"]) for case in VECTORS["cases"]]


def converted(directory: Path, text: str, variables: Mapping[str, str]) -> str:
    path = directory / "k8psh.conf"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    return convert(str(path), variables)


def assert_same_model(directory: Path, text: str, variables: Mapping[str, str]) -> None:
    """Check that a text, if it is good, and its conversion load to the same model."""
    try:
        yaml = converted(directory, text, variables)
    except ConfigurationError:
        return
    before = load(str(directory / "k8psh.conf"), variables).configuration
    after, _ = read_yaml(yaml.encode(), "/elsewhere/k8psh.yaml", variables)
    assert replace(after, file=before.file) == before


@pytest.mark.parametrize(("text", "variables"), TEXTS)
def test_recorded_texts(tmp_path: Path, text: str, variables: dict[str, str]) -> None:
    """Each recorded text that is good converts to the same model."""
    assert_same_model(tmp_path, text, variables)


WORD = st.text(
    st.sampled_from("ab$${}:-'\"\\=?# \n\t\udcff") | st.characters(blacklist_categories=["Cs"]), max_size=6
).map(lambda text: "'" + text.replace("'", "''") + "'")
PARTS = WORD | st.sampled_from(
    ["${A}", "${A:-d e}", "${N}", "${N:-x}", '"${N:-$}"', "$", "A=", "?B=", "=C=", "x"]
)
LINES = st.lists(st.lists(PARTS, min_size=1, max_size=3).map("".join), max_size=4).map(" ".join)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # each example writes the file anew
@given(header=LINES, lines=st.lists(LINES, max_size=4))
def test_any_words(tmp_path: Path, header: str, lines: list[str]) -> None:
    """Whatever the words hold, a good file converts to the same model."""
    text = "\n".join([f"[ a ] {header}", *(f"c{number} {line}" for number, line in enumerate(lines))])
    assert_same_model(tmp_path, text, {"A": "B=1"})


@given(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0$")))
def test_scalar_round_trip(text: str) -> None:
    """A text written as a scalar is read as it was: as an item in both styles, and as a key."""
    written = scalar(text)
    document = f"servers:\n- name: a\n  options: [{written}]\n- name: b\n  options:\n  - {written}\n"
    configuration, _ = read_yaml(document.encode(), "/c/k8psh.yaml", {})
    assert [server.options for server in configuration.servers] == [(text,), (text,)]


CLASSIC = """\
# The tools.
baseDirectory = ${WS:-/ws}
[ alpine ] =PATH= =LANG=C CFLAGS=-O2 --max-connections=100
alpine-gcc ?TERM= gcc -pipe
ar
ar
ranlib llvm-ranlib
say X='${PATH}' "Y=${Q:-a b}" sh -c 'echo "$x" no' no 5
[ "b c":${P:-2000} ]
long aaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb ccccccccccccccccccccccccccc "d\\n\\xff"
"""
YAML = """\
baseDirectory: "${WS:-/ws}"
servers:
  - name: alpine
    options: [--max-connections=100]
    environment:
      - inherit: PATH
      - fixed: LANG
        value: C
      - pass: CFLAGS
        default: -O2
    commands:
      alpine-gcc:
        program: gcc
        arguments: [-pipe]
        environment:
          - optional: TERM
      ar:
      ranlib: llvm-ranlib
      say:
        program: sh
        arguments: [-c, 'echo "$x" no', "no", "5"]
        environment:
          - pass: X
            default: "$${PATH}"
          - pass: Y
            default: "${Q:-a b}"
  - name: "b c"
    port: "${P:-2000}"
    commands:
      long:
        program: aaaaaaaaaaaaaaaaaaaaaaa
        arguments:
          - bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
          - ccccccccccccccccccccccccccc
          - "d\\n\\uDCFF"
"""


def test_result_reads_well(tmp_path: Path) -> None:
    """The YAML is what a person would write, with the expressions kept."""
    assert converted(tmp_path, CLASSIC, {}) == YAML


def test_base_directory_becomes_absolute(tmp_path: Path) -> None:
    """What depends on the classic file's place is written out."""
    assert converted(tmp_path, "", {}) == f"baseDirectory: {tmp_path}\n"
    assert converted(tmp_path, "baseDirectory = ${A}/b", {"A": "a"}) == f"baseDirectory: {tmp_path}/a/b\n"


def test_what_yaml_refuses_is_said_at_its_place(tmp_path: Path) -> None:
    """Two servers on one port are allowed in classic files only: the error has the classic file's place."""
    with pytest.raises(ConfigurationError, match=r"k8psh\.conf:2:2: port 10 of server 'b'"):
        converted(tmp_path, "[a:10]\n[b:10]\n", {})


def test_yaml_is_not_converted(tmp_path: Path) -> None:
    """A YAML file is refused, not read as a classic one."""
    with pytest.raises(ConfigurationError, match="is YAML by its name"):
        convert(str(tmp_path / "k8psh.yaml"), {})

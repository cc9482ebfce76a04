"""What is wrong with a classic file is said with its place; what is strange is said as a warning."""

import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8psh.config.classic import read_classic
from k8psh.config.classic_words import Scanner
from k8psh.errors import ConfigurationError

LoadText = Callable[..., Any]

PROBLEMS = [
    ("nothing = 1", 1, 1, "expected baseDirectory or connectTimeoutMs, or a section"),
    ("\n  gcc -c\n", 2, 3, "unknown setting 'gcc'"),
    ("baseDirectory", 1, 14, "expected = and a value"),
    ("baseDirectory = /a /b", 1, 20, "expected the line's end"),
    ("connectTimeoutMs =", 1, 19, "expected a whole number of milliseconds"),
    ("connectTimeoutMs = 1_0", 1, 20, "'1_0'"),
    ("connectTimeoutMs = 99999999999", 1, 20, "'99999999999'"),
    ("[a]\nx 'y", 2, 3, "unterminated quote: expected another '"),
    ('[a]\nx "y\n\nz', 2, 3, 'unterminated quote: expected another "'),
    ('[a]\nx """', 2, 3, "unterminated quote"),
    ('[a]\nx "ab\\qc"', 2, 6, "unknown escape \\q"),
    ('[a]\nx "\\x1g"', 2, 4, "unknown escape \\x"),
    ('[a]\nx "\\x1', 2, 3, "unterminated quote"),
    ("[ a", 1, 4, "expected ] after the server's name"),
    ("[ a b ]", 1, 5, "expected ] after the server's name"),
    ("[ ]", 1, 3, "expected a server's name"),
    ("[ :12 ]", 1, 3, "expected a server's name"),
    ("[a:]", 1, 2, "port '': expected a number from 1 to 65535"),
    ("[a:0]", 1, 2, "port '0'"),
    ("[a:65536]", 1, 2, "port '65536'"),
    ("[a:١٢]", 1, 2, "expected a number from 1 to 65535"),
    ("[a:65535]\n[b]", 2, 2, "no port is left after 65535"),
    ("[a]\na/b", 2, 1, "expected a command's name"),
    ("[a]\n..", 2, 1, "expected a command's name"),
    ('[a]\n"" x', 2, 1, "expected a command's name"),
    ("[a]\n.k8psh-routes x", 2, 1, "expected a command's name"),
    ('[a]\nx ""', 2, 3, "expected a program"),
    ("[a]\nx ?=1 y", 2, 3, "'?=1': expected a variable's name"),
    ("[a]\nx ==1 y", 2, 3, "expected a variable's name"),
    ("[a]\nx ??X=1 y", 2, 3, "expected a variable's name"),
    ('[a]\nx "\\0"', 2, 3, "without a NUL byte"),
    ('[a]\nx y "a\\x00b"', 2, 5, "without a NUL byte"),
]


@pytest.mark.parametrize(("text", "line", "column", "expected"), PROBLEMS)
def test_problem_has_a_place(
    load_classic: LoadText, text: str, line: int, column: int, expected: str
) -> None:
    """A problem names its line and column and what was expected."""
    _, problems, _ = load_classic(text)
    assert [(problem[0], problem[1]) for problem in problems] == [(line, column)]
    assert expected in problems[0][2]


def test_all_problems_are_found(load_classic: LoadText) -> None:
    """Reading goes on after a problem, so that one run shows them all; commands keep to their section."""
    text = "what = 1\nbaseDirectory\n[a:x]\nb/c\n[d:0]\ne ?=\nf 'g\n"
    _, problems, _ = load_classic(text)
    assert [problem[0] for problem in problems] == [1, 2, 3, 5, 6, 7]


def test_command_of_a_refused_section_has_no_other_section(load_classic: LoadText) -> None:
    """A command below a bad section doesn't fall to the section before it."""
    _, problems, _ = load_classic("[a]\nx\n[b:0]\nx\n")
    assert [problem[0] for problem in problems] == [3]


WARNINGS = [
    ("[a]\nx y ${NOPE}", 2, 5, "NOPE isn't set and has no default"),
    ("[a]\nx ${NO PE", 2, 3, "${ is left as it is"),
    ("[a]\nx y\nx z\n", 3, 1, "command 'x' is also on line 2, of the same server"),
    ("[a]\nx y\n[b]\nx z\n", 4, 1, "command 'x' is also on line 2, of server 'a'"),
    ("[a:10]\nx\n[a:20]\ny\n", 3, 2, "server 'a' is also on line 1, with port 10"),
    ("[a:10]\nx\n[b:10]\ny\n", 3, 2, "port 10 of server 'b' is already that of server 'a' on line 1"),
    ("[a]\nk8psh x", 2, 1, "can't be called by a stub"),
    ("[a]\nbaseDirectory = /x", 2, 1, "settings stand before the first section"),
    ("[a]\nx --flag=1", 2, 3, "is taken as an environment variable"),
    ("[a]\nx /opt/a=b/gcc", 2, 3, "is taken as an environment variable"),
    ("[a]\nx 'y\nz'", 2, 3, "this quote ends only on line 3"),
    ("connectTimeoutMs=1\nconnectTimeoutMs=2", 2, 1, "given twice"),
]


@pytest.mark.parametrize(("text", "line", "column", "expected"), WARNINGS)
def test_warning_has_a_place(
    load_classic: LoadText, text: str, line: int, column: int, expected: str
) -> None:
    """What is allowed but rarely meant is a warning with its place, and the file is loaded."""
    configuration, _, warnings = load_classic(text)
    assert configuration is not None
    assert [(warning[0], warning[1]) for warning in warnings] == [(line, column)]
    assert expected in warnings[0][2]


def test_ordinary_file_has_no_warnings(load_classic: LoadText) -> None:
    """A file without mistakes is loaded silently."""
    text = "baseDirectory = ${X:-/a}\n[ a ] =PATH= --max-connections=3\ngcc ?TERM= gcc -pipe # x\n[b]\nar\n"
    assert load_classic(text)[2] == []


WORDS = [
    ("a'b c'\"d e\"f", "ab cd ef"),
    ("'${X}'", "${X}"),
    ("'${'X}", "${X}"),
    ('"${Y:-a b}"', "a b"),
    ('${Y:-"a b"}', "a b"),
    ("${X}${X:-z}-${Y:-}", "xx-"),
    ("a\\tb", "a\\tb"),
    ('""""', '"'),
    ("''''", "'"),
    ('"\\xc3\\xbc"', "ü"),
    ('"\\xff"', os.fsdecode(b"\xff")),
    ("$X", "$X"),
    ("'two\nlines'", "two\nlines"),
]


@pytest.mark.parametrize(("written", "meant"), WORDS)
def test_word(load_classic: LoadText, written: str, meant: str) -> None:
    """Parts written next to each other are one word; each kind of quote has its rules."""
    configuration, _, _ = load_classic(f"[a]\nx program {written}\r\n", {"X": "x"})
    assert configuration.servers[0].commands[0].executable == ("program", meant)


def test_quoted_server_name_and_port_expression(load_classic: LoadText) -> None:
    """A server's name may be quoted, and its port may come from a variable."""
    configuration, _, _ = load_classic("[ 'b c':${PORT:-77} ]\nx", {"PORT": "78"})
    assert (configuration.servers[0].name, configuration.servers[0].port) == ("b c", 78)


def test_variable_set_to_nothing_is_set(load_classic: LoadText) -> None:
    """The default is for variables that aren't set, not for empty ones."""
    configuration, _, _ = load_classic("[a]\nx y a${X:-z}", {"X": ""})
    assert configuration.servers[0].commands[0].executable == ("y", "a")


def single_quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def double_quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@given(st.text(st.characters(blacklist_categories=["Cs"])))
def test_quoting_round_trip(text: str) -> None:
    """A quoted text is read as it was, whatever it holds."""
    assert Scanner(single_quoted(text) + " x", {}).word().text == text
    plain = text.replace("$", "")
    assert Scanner(double_quoted(plain) + "#", {}).word().text == plain


@given(st.binary(max_size=50))
def test_byte_escapes_round_trip(content: bytes) -> None:
    """Every byte can be written as an escape."""
    content = content.replace(b"$", b"")
    written = '"' + "".join(f"\\x{byte:02x}" for byte in content) + '"'
    assert os.fsencode(Scanner(written, {}).word().text) == content


@given(st.text(alphabet=st.sampled_from("[]:=?#'\"\\${}-ax0 \n\t") | st.characters(), max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Whatever the text, nothing but a ConfigurationError comes of it, and each problem has a place in it."""
    try:
        configuration, _ = read_classic(text, "/cfgdir/k8psh.conf", {"a": "=b:1"})
    except ConfigurationError as error:
        for problem in error.problems:
            assert 1 <= problem.line <= text.count("\n") + 1
            assert 1 <= problem.column <= len(text) + 1
    else:
        assert all(0 < server.port < 65536 for server in configuration.servers)

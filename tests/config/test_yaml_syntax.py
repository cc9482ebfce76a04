"""The YAML syntax: what it means, and that every mistake is said with its place."""

from collections.abc import Callable
from typing import Any

import pytest

from k8psh.config.model import Command, Configuration, EnvironmentRule, Limits, Root, RuleKind, Server

LoadText = Callable[..., Any]

WHOLE = """\
baseDirectory: /workspace
connectTimeoutMs: -1
gracePeriodMs: 100
mappings:
  - clients: /workspace/
    servers: {alpine: /workspace-server}
  - clients: /cache
limits: {argumentBytes: 1000, requestBytes: 2000}
servers:
  - name: alpine
    port: 2000
    options: [--max-connections=100]
    environment:
      - inherit: PATH
      - fixed: LANG
        value: C
      - pass: CFLAGS
        default: -O2
    commands:
      alpine-gcc: {program: gcc, arguments: [-pipe], environment: [{optional: TERM}]}
      ar:
      ranlib: llvm-ranlib
  - name: debian
"""


def test_whole_configuration(load_yaml: LoadText) -> None:
    """Every key ends in its place of the model."""
    configuration, problems, warnings = load_yaml(WHOLE)
    common = (
        EnvironmentRule(kind=RuleKind.FIXED, name="PATH"),
        EnvironmentRule(kind=RuleKind.FIXED, name="LANG", default="C"),
        EnvironmentRule(kind=RuleKind.PASS, name="CFLAGS", default="-O2"),
    )
    term = EnvironmentRule(kind=RuleKind.OPTIONAL, name="TERM")
    commands = (
        Command(name="alpine-gcc", executable=("gcc", "-pipe"), environment=(*common, term)),
        Command(name="ar", executable=("ar",), environment=common),
        Command(name="ranlib", executable=("llvm-ranlib",), environment=common),
    )
    assert (problems, warnings) == ([], [])
    assert configuration == Configuration(
        file="/cfgdir/k8psh.yaml",
        base_directory="/workspace",
        connect_timeout_ms=-1,
        grace_period_ms=100,
        roots=(Root(clients="/workspace", servers={"alpine": "/workspace-server"}), Root(clients="/cache")),
        limits=Limits(argument_bytes=1000, request_bytes=2000),
        servers=(
            Server(name="alpine", port=2000, options=("--max-connections=100",), commands=commands),
            Server(name="debian", port=2001),
        ),
    )


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n...\n", "{}", "null"])
def test_nothing_is_a_configuration_of_defaults(load_yaml: LoadText, text: str) -> None:
    """An empty file is a configuration without servers, whose base directory is the file's."""
    assert load_yaml(text)[0] == Configuration(file="/cfgdir/k8psh.yaml", base_directory="/cfgdir")


@pytest.mark.parametrize(
    ("written", "meant"),
    [("sub/dir", "/cfgdir/sub/dir"), ("../x", "/x"), ("/", "/"), ("//a/./b/", "/a/b"), ('""', "/cfgdir")],
)
def test_base_directory(load_yaml: LoadText, written: str, meant: str) -> None:
    """A relative base directory is relative to the file's."""
    assert load_yaml(f"baseDirectory: {written}")[0].base_directory == meant


EXPRESSIONS = [
    ("${X}/${Y:-y}", "x/y"),
    ("${X:-z}${EMPTY:-e}", "x"),
    ("$${X}$X$$", "${X}$X$$"),
    ("'$$${X}'", "$${X}"),
    ('"${Y:-two words}"', "two words"),
    ('"\\uD83D\\uDE00"', "\N{GRINNING FACE}"),
    ('"\\uDCC3\\uDCBC\\uDCFF"', "ü\udcff"),
]


@pytest.mark.parametrize(("written", "meant"), EXPRESSIONS)
def test_text(load_yaml: LoadText, written: str, meant: str) -> None:
    """Expressions are replaced, $${ stands for ${, and single bytes can be written."""
    text = f"servers:\n  - name: a\n    options:\n      - {written}\n"
    configuration, problems, warnings = load_yaml(text, {"X": "x", "EMPTY": ""})
    assert (problems, warnings) == ([], [])
    assert configuration.servers[0].options == (meant,)


def test_names_and_numbers_may_be_expressions(load_yaml: LoadText) -> None:
    """Names of servers and commands, ports and times can come from variables."""
    text = 'connectTimeoutMs: ${T:-9}\nservers: [{name: "${N}", port: "${P}", commands: {"${N}-gcc": }}]'
    configuration, _, _ = load_yaml(text, {"N": "n", "P": "81"})
    server = configuration.servers[0]
    assert (configuration.connect_timeout_ms, server.name, server.port) == (9, "n", 81)
    assert server.commands[0].name == "n-gcc"


def test_undefined_variable_is_a_warning(load_yaml: LoadText) -> None:
    """A variable that isn't set and has no default becomes empty, and is told of."""
    configuration, _, warnings = load_yaml("baseDirectory: /a${NOPE}")
    assert configuration.base_directory == "/a"
    assert warnings == [(1, 16, "baseDirectory: NOPE isn't set and has no default: it becomes empty")]


def test_anchors_and_merge_keys(load_yaml: LoadText) -> None:
    """Anchors, aliases and << work; a key of the mapping itself wins over a merged one."""
    text = """\
servers:
  - &a
    name: a
    options: &o [--no-wait]
    commands: {x: &x {program: p, arguments: ["1"]}, y: {<<: *x, program: q}}
  - {<<: [{name: b}, *a], commands: {z: *x}}
"""
    configuration, problems, _ = load_yaml(text)
    assert problems == []
    first, second = configuration.servers
    assert [command.executable for command in first.commands] == [("p", "1"), ("q", "1")]
    assert (second.name, second.options, second.commands[0].executable) == ("b", ("--no-wait",), ("p", "1"))


SERVER = "servers:\n- name: a\n  "
PROBLEMS = [
    ("prot: 1", 1, 1, "unknown key 'prot': expected one of baseDirectory, connectTimeoutMs"),
    ("server: []", 1, 1, "did you mean 'servers'?"),
    ("[]", 1, 1, "expected a mapping, found a list"),
    ("text", 1, 1, "expected a mapping, found 'text'"),
    ("baseDirectory: /a\nbaseDirectory: /b", 2, 1, "key 'baseDirectory' is given twice, first on line 1"),
    ("1: 2", 1, 1, "as a key, found the number 1"),
    ("? [a]\n: 2", 1, 3, "as a key, found a list"),
    ("connectTimeoutMs: '5'", 1, 19, "expected a whole number"),
    ("connectTimeoutMs: 0x10", 1, 19, "expected a whole number"),
    ("connectTimeoutMs: 1_000", 1, 19, "expected a whole number"),
    ("connectTimeoutMs: 1.5", 1, 19, "expected a whole number"),
    ("connectTimeoutMs: ${X:-y}", 1, 19, "found 'y'"),
    ("gracePeriodMs: -1", 1, 16, "from 0 to"),
    (f"gracePeriodMs: {'9' * 5000}", 1, 16, "expected a whole number"),
    ("limits: {argumentBytes: 0}", 1, 25, "from 1 to"),
    ("limits: {bytes: 0}", 1, 10, "expected one of argumentBytes, requestBytes"),
    ("baseDirectory: no", 1, 16, "found no, which YAML takes as true or false"),
    ("baseDirectory: 2024-01-01", 1, 16, "YAML takes as a date"),
    ("baseDirectory:", 1, 15, "found nothing"),
    ("baseDirectory: !x y", 1, 16, "expected text"),
    ("baseDirectory: a${", 1, 16, "for a literal ${ write $${"),
    ('baseDirectory: "a\\0"', 1, 16, "without a NUL byte"),
    ('baseDirectory: "a\\uD800"', 1, 16, "can be written as UTF-8"),
    ("mappings: [{clients: a}]", 1, 22, "expected an absolute path, found 'a'"),
    ("mappings: [{servers: {}}]", 1, 12, "expected a key 'clients'"),
    ("mappings: [{clients: /a, servers: {b: c}}]", 1, 39, "expected an absolute path"),
    ("mappings: [{clients: /a}, {clients: /a/}]", 1, 27, "the root /a is given twice"),
    ("mappings:\n- {clients: /a, servers: {s: /x}}\n- {clients: /b, servers: {s: /x}}", 3, 3, "both at /x"),
    ("servers: [{}]", 1, 11, "expected a key 'name'"),
    ("servers: [{name: ''}]", 1, 18, "expected a server's name"),
    (SERVER + "port: 0", 3, 9, "port: expected a whole number from 1 to 65535, found '0'"),
    (SERVER + "port: 65535\n- name: b", 4, 3, "no port follows 65535"),
    (SERVER + "port: 7\n- name: b\n  port: 7", 5, 9, "port 7 of server 'b' is already that of server 'a'"),
    (SERVER + "port: 7\n- name: a\n  port: 7", 5, 9, "port 7 of server 'a' is already that of server 'a'"),
    (SERVER + "port: 1121\n- name: b\n  port: 1120\n- name: c", 6, 3, "port 1121 of server 'c'"),
    (SERVER + "commands: {a/b: }", 3, 14, "expected a command's name"),
    (SERVER + "commands: {x: {}, '${N:-x}': {}}", 3, 21, "'x' is given twice"),
    (SERVER + "commands: {x: {program: ''}}", 3, 27, "expected a program"),
    (SERVER + "commands: {x: ''}", 3, 17, "expected a program"),
    (SERVER + "commands: {x: [a]}", 3, 17, "expected a mapping"),
    (SERVER + "commands: {x: {arguments: [-O, 2]}}", 3, 34, "in quotes"),
    (SERVER + "environment: [PATH]", 3, 17, "expected a mapping"),
    (SERVER + "environment: [{}]", 3, 17, "expected exactly one of the keys inherit, fixed, pass, optional"),
    (SERVER + "environment: [{pass: A, inherit: B}]", 3, 17, "found 2"),
    (SERVER + "environment: [{inherits: A}]", 3, 18, "did you mean 'inherit'?"),
    (SERVER + "environment: [{pass: A=B}]", 3, 24, "expected a variable's name"),
    (SERVER + "environment: [{fixed: A}]", 3, 17, "expected a key 'value'"),
    (SERVER + "environment: [{fixed: A, value: ''}]", 3, 35, "write 'inherit'"),
    (SERVER + "environment: [{inherit: A, default: b}]", 3, 17, "'default' has no meaning with 'inherit'"),
    (SERVER + "environment: [{pass: A, value: b}]", 3, 17, "expected 'default'"),
    ("a: [", 1, 5, "not valid YAML"),
    ("a: b: c", 1, 5, "not valid YAML"),
    ("a: *b", 1, 4, "not valid YAML"),
    ("a: 1\n---\nb: 2\n", 2, 1, "not valid YAML"),
    (b"baseDirectory: /a\nservers: \xff", 2, 10, "expected UTF-8"),
    (b"a: b\nc: \x01", 2, 4, "a character that isn't allowed"),
    (SERVER + "commands: &x {<<: *x}", 3, 13, "expected a mapping"),
    ("<<: 5", 1, 5, "<<: expected a mapping"),
    ("[" * 20_000, 0, 0, "nested too deeply"),
]


@pytest.mark.parametrize(("text", "line", "column", "expected"), PROBLEMS, ids=lambda value: str(value)[:40])
def test_problem_has_a_place(
    load_yaml: LoadText, text: str | bytes, line: int, column: int, expected: str
) -> None:
    """A problem names its line and column and what was expected, and nothing follows from it."""
    _, problems, _ = load_yaml(text)
    assert [(problem[0], problem[1]) for problem in problems] == [(line, column)]
    assert expected in problems[0][2]


def test_all_problems_are_found(load_yaml: LoadText) -> None:
    """One run shows every problem."""
    text = "a: 1\nbaseDirectory: 1\nservers:\n- port: x\n- name: b\n  commands: {x: 1, y: {z: 1}}\n"
    _, problems, _ = load_yaml(text)
    assert [problem[0] for problem in problems] == [1, 2, 4, 4, 6, 6]


def test_bomb_of_aliases_is_refused(load_yaml: LoadText) -> None:
    """A few lines that mean billions of values cost no time and are refused."""
    lines = ["servers:", "- name: a", "  environment: &e [" + "{pass: A}, " * 1000 + "]"]
    lines += ["  commands: &c", "    x0: &x {environment: *e}"]
    lines += [f"    x{number}: *x" for number in range(1, 1000)]
    lines += [f"- {{name: a{number}, commands: *c}}" for number in range(1000)]
    _, problems, _ = load_yaml("\n".join(lines))
    assert "values" in problems[0][2]


def test_long_chain_of_merges_is_refused(load_yaml: LoadText) -> None:
    """Mappings that merge each other thousands deep are refused, too."""
    lines = ["unread:", "- &a0 {name: a}", *(f"- &a{n} {{<<: *a{n - 1}}}" for n in range(1, 5000))]
    _, problems, _ = load_yaml("\n".join([*lines, "servers: [*a4999]"]))
    assert (0, 0, "not a configuration: nested too deeply") in problems

"""The YAML keys of who may call, of the lanes, and of how a command runs."""

import resource
from collections.abc import Callable
from typing import Any

import pytest

from k8psh.config.model import Allow, Command, Lane, Server, Ulimit
from k8psh.config.report import describe
from k8psh.config.yaml_access import BOUND_MAX, ULIMIT_NAMES

LoadText = Callable[..., Any]
LoadServer = Callable[[str], Server]
SERVER = "servers:\n- name: a\n  "


@pytest.fixture
def load_server(load_yaml: LoadText) -> LoadServer:
    """Return a function that loads the keys of a server called a, without complaint."""

    def load(keys: str) -> Server:
        configuration, problems, warnings = load_yaml(SERVER + keys.replace("\n", "\n  "))
        assert (problems, warnings) == ([], [])
        server: Server = configuration.servers[0]
        return server

    return load


def test_every_key_ends_in_its_place(load_server: LoadServer) -> None:
    """A server's and a command's keys become the model's fields."""
    server = load_server(
        "tcp: true\nsocketDirectory: /run/k8psh\nsocketMode: '0660'\nallow: {uids: [0, 1000], gids: [5]}\n"
        "commands: {x: {lane: direct, runAs: caller, nice: -20, ulimits: {nofile: 9},"
        " outsideDirectory: /tmp}, y: }"
    )
    assert server == Server(
        name="a",
        port=1120,
        tcp=True,
        socket_directory="/run/k8psh",
        socket_mode=0o660,
        allow=Allow(uids=frozenset({0, 1000}), gids=frozenset({5})),
        commands=(
            Command(
                name="x",
                executable=("x",),
                lane=Lane.DIRECT,
                run_as_caller=True,
                nice=-20,
                ulimits=(Ulimit(name="nofile", soft=9, hard=9),),
                outside_directory="/tmp",
            ),
            Command(name="y", executable=("y",)),
        ),
    )


@pytest.mark.parametrize(
    ("keys", "tcp"),
    [
        ("port: 1", True),
        ("allow: {uids: [1]}", False),
        ("socketDirectory: /a", False),
        ("allow: {gids: [1]}\ntcp: true", True),
        ("socketDirectory: /a\ntcp: true", True),
        ("tcp: false", False),
        ("tcp: ${NOT_SET:-false}", False),
    ],
)
def test_tcp_must_be_asked_for_where_callers_are_chosen(
    load_server: LoadServer, keys: str, tcp: bool
) -> None:
    """With allow or a socket directory nothing gets in by TCP unless the configuration says so."""
    assert load_server(keys).tcp is tcp


@pytest.mark.parametrize("written", ["'0640'", "0640", "0o640", "'0o640'", "${NOT_SET:-0640}"])
def test_socket_mode_is_octal(load_server: LoadServer, written: str) -> None:
    """The permissions are octal, whichever way YAML has for that."""
    server = load_server(f"socketDirectory: /a/./b/\nsocketMode: {written}")
    assert (server.socket_directory, server.socket_mode) == ("/a/b", 0o640)


@pytest.mark.parametrize(
    ("keys", "allow"),
    [
        ("{uids: [0, 4294967294]}", Allow(uids=frozenset({0, 4294967294}))),
        ("{uids: [], gids: ['${G:-7}', 7]}", Allow(gids=frozenset({7}))),
    ],
)
def test_allow(load_server: LoadServer, keys: str, allow: Allow) -> None:
    """One of both lists is enough, with one entry."""
    assert load_server(f"allow: {keys}").allow == allow


def test_command_has_the_servers_defaults_and_its_own(load_server: LoadServer) -> None:
    """A command's keys replace the server's; its ulimits do so by name."""
    server = load_server(
        "lane: direct\nrunAs: caller\nnice: 5\noutsideDirectory: /tmp/\n"
        "ulimits: {core: 0, cpu: 10, nofile: {soft: 10, hard: 20}}\n"
        "commands:\n  x:\n  y: cc\n"
        "  z: {lane: auto, runAs: server, nice: 0, outsideDirectory: /, ulimits: {stack: 1, cpu: unlimited}}"
    )
    core, nofile = Ulimit(name="core", soft=0, hard=0), Ulimit(name="nofile", soft=10, hard=20)
    x, y, z = server.commands
    assert x == Command(
        name="x",
        executable=("x",),
        lane=Lane.DIRECT,
        run_as_caller=True,
        nice=5,
        outside_directory="/tmp",
        ulimits=(core, Ulimit(name="cpu", soft=10, hard=10), nofile),
    )
    assert (y.executable, y.lane, y.ulimits) == (("cc",), x.lane, x.ulimits)
    assert z == Command(
        name="z",
        executable=("z",),
        outside_directory="/",
        ulimits=(core, Ulimit(name="cpu", soft=-1, hard=-1), nofile, Ulimit(name="stack", soft=1, hard=1)),
    )


@pytest.mark.parametrize(
    ("written", "soft", "hard"),
    [
        ("0", 0, 0),
        (str(BOUND_MAX), BOUND_MAX, BOUND_MAX),
        ("unlimited", -1, -1),
        ("{soft: 10, hard: unlimited}", 10, -1),
        ("{soft: unlimited, hard: unlimited}", -1, -1),
        ("'${NOT_SET:-unlimited}'", -1, -1),
    ],
)
def test_ulimit(load_server: LoadServer, written: str, soft: int, hard: int) -> None:
    """A limit is a number or unlimited, for both or each by itself."""
    server = load_server(f"commands: {{x: {{ulimits: {{as: {written}}}}}}}")
    assert server.commands[0].ulimits == (Ulimit(name="as", soft=soft, hard=hard),)


def test_ulimits_are_those_that_python_can_set() -> None:
    """Each of Python's limits has a name, but for the one that BSD calls another."""
    known = {name.removeprefix("RLIMIT_").lower() for name in dir(resource) if name.startswith("RLIMIT_")}
    assert known - {"ofile"} == set(ULIMIT_NAMES)
    assert resource.RLIM_INFINITY == -1


LONGEST = "/" + "d" * (107 - len("/k8psh-1120.sock") - 1)


def test_longest_socket_path(load_server: LoadServer) -> None:
    """A socket's path may have 107 bytes."""
    assert len(load_server(f"socketDirectory: {LONGEST}").socket_address) == 107


NO_TCP = "lane: the relay lane needs TCP"
EXCLUSIVE = "'runAs: caller' and 'lane: relay' exclude each other"
PROBLEMS = [
    ("tcp: yes", 8, "expected true or false, found 'yes'"),
    ("tcp: 'true'", 8, "expected true or false, found 'true'"),
    ("tcp: []", 8, "expected true or false, found a list"),
    ("tcp: ${X:-1}", 8, "found '1'"),
    ("tcp: maybe\n  allow: {uids: [1]}\n  lane: relay", 8, "expected true or false"),
    ("socketDirectory: run", 20, "expected an absolute path, found 'run'"),
    (f"socketDirectory: {LONGEST}d", 20, "has a path of 108 bytes: expected at most 107"),
    (f"socketDirectory: {LONGEST[:-2]}ü", 20, None),
    (f"socketDirectory: {LONGEST[:-1]}ü", 20, "108 bytes"),
    ("socketDirectory: /a\n  socketMode: 660", (4, 15), "expected octal permissions"),
    ("socketDirectory: /a\n  socketMode: '0668'", (4, 15), "found '0668'"),
    ("socketDirectory: /a\n  socketMode: 01777", (4, 15), "three digits after a 0"),
    ("socketDirectory: /a\n  socketMode: 6.0", (4, 15), "expected text"),
    ("socketMode: '0660'", 15, "expected a key 'socketDirectory', too"),
    ("socketMode: '0660'\n  socketDirectory: x", (4, 20), "expected an absolute path"),
    ("allow: {}", 10, "expected at least one of uids or gids"),
    ("allow: {uids: [], gids: []}", 10, "expected at least one of uids or gids"),
    ("allow:", 9, "expected a mapping, found nothing"),
    ("allow: [1]", 10, "expected a mapping, found a list"),
    ("allow: {uids: 1}", 17, "expected a list"),
    ("allow: {uids: [root]}", 18, "expected a whole number from 0 to 4294967294, found 'root'"),
    ("allow: {gids: [4294967295]}", 18, "expected a whole number"),
    ("allow: {users: [1]}", 11, "expected one of uids, gids"),
    ("lane: tcp", 9, "expected one of auto, direct, relay, found 'tcp'"),
    ("runAs: root", 10, "expected one of caller, server, found 'root'"),
    ("nice: 20", 9, "expected a whole number from -20 to 19"),
    ("outsideDirectory: tmp", 21, "expected an absolute path"),
    ("ulimits: [core]", 12, "expected a mapping"),
    ("ulimits: {files: 1}", 13, "unknown key 'files'"),
    ("ulimits: {nofiles: 1}", 13, "did you mean 'nofile'?"),
    ("ulimits: {core: -1}", 19, "from 0 to 9007199254740991 or unlimited"),
    ("ulimits: {core: none}", 19, "or unlimited, found 'none'"),
    ("ulimits: {core: {soft: 1}}", 19, "expected a key 'hard'"),
    ("ulimits: {core: {soft: 2, hard: 1}}", 19, "the soft limit is above the hard one"),
    ("ulimits: {core: {soft: unlimited, hard: 1}}", 19, "the soft limit is above the hard one"),
    ("tcp: false\n  lane: relay", (4, 9), NO_TCP),
    ("allow: {uids: [1]}\n  lane: relay\n  commands: {x: , y: }", (4, 9), NO_TCP),
    ("socketDirectory: /a\n  commands: {x: {lane: relay}}", (4, 24), NO_TCP),
    ("runAs: caller\n  lane: relay\n  commands: {x: }", 10, EXCLUSIVE),
    ("runAs: caller\n  commands: {x: {lane: relay}}", (4, 24), EXCLUSIVE),
    ("lane: relay\n  commands: {x: {runAs: caller}}", (4, 25), EXCLUSIVE),
]


@pytest.mark.parametrize(("keys", "place", "expected"), PROBLEMS, ids=lambda value: str(value)[:60])
def test_problem_has_a_place(
    load_yaml: LoadText, keys: str, place: int | tuple[int, int], expected: str | None
) -> None:
    """Wrong values and contradictions name their place, each once; `place` is a column of line 3 or both."""
    _, problems, _ = load_yaml(SERVER + keys)
    if expected is None:
        assert problems == []
        return
    assert [problem[:2] for problem in problems] == [place if isinstance(place, tuple) else (3, place)]
    assert expected in problems[0][2]


def test_contradiction_can_be_resolved_by_the_command(load_server: LoadServer) -> None:
    """A command that says otherwise than its server has no contradiction."""
    server = load_server("runAs: caller\ncommands: {x: {lane: relay, runAs: server}}")
    assert server.commands[0].lane is Lane.RELAY


def test_sections_of_one_name_share_their_callers(load_yaml: LoadText) -> None:
    """A server with two entrances is told that each leads to all its commands, if they differ."""
    same, other = (
        load_yaml(f"{SERVER}allow: {{uids: [1]}}\n- name: a\n  allow: {{uids: [{n}]}}") for n in (1, 2)
    )
    assert "commands of both" not in same[2][0][2]
    assert "commands of both" in other[2][0][2]


def test_report_keeps_its_keys(load_yaml: LoadText) -> None:
    """What programs read of a loaded configuration doesn't change with these keys."""
    text = SERVER + "tcp: false\n  nice: 1\n  commands: {x: {lane: direct}}"
    (server,) = describe(load_yaml(text)[0])["servers"]
    assert server.keys() == {"name", "port", "options", "commands"}
    assert server["commands"][0].keys() == {"name", "environment", "executable"}


def test_output_is_mapped_on_the_relay_lane_only(load_yaml: Callable[..., Any]) -> None:
    """Asking for mapped output says so clearly where the lane isn't the relay lane."""
    server = "servers:\n- name: a\n  commands:\n    x: {%s}\n"
    configuration, problems, _ = load_yaml(server % "lane: relay, mapOutput: true")
    assert problems == []
    assert configuration.servers[0].commands[0].map_output
    _, problems, _ = load_yaml(server % "mapOutput: true")
    assert len(problems) == 1
    assert "lane: relay" in str(problems[0])

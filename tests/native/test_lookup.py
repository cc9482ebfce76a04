"""Finding the routes and the command, and handing over to Python where that can't be done."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def reaches(place: Any, server: Any, finish: Any, make_exit: Any) -> Callable[..., str]:
    """Start this, see it make a call, and return the command that it asked for."""

    def run(*command: Any, **options: Any) -> str:
        process = place.start(*command, **options)
        connection = server.accept()
        frames = connection.read_request()
        connection.send(make_exit(0))
        assert finish(process) == (0, b"", b"")
        return frames[-1][1].decode()  # type: ignore[no-any-return]

    return run


@pytest.fixture
def hands_over(place: Any, finish: Any) -> Callable[..., list[str]]:
    """Start this, see it execute the Python client of the routes, and return the client's arguments."""

    def run(*command: Any, **options: Any) -> list[str]:
        status, out, err = finish(place.start(*command, **options))
        assert (status, err) == (42, b"")
        words = out.decode().split(" ")
        assert words[0] == "PYTHON"
        return [word[1:-1] for word in words[1:]]

    return run


def test_by_absolute_path(place: Any, reaches: Any) -> None:
    """A stub called by its absolute path."""
    place.write()
    assert reaches(str(place.executables / "true")) == "true"


def test_by_relative_paths(place: Any, reaches: Any) -> None:
    """A stub called by relative paths, with and without a directory."""
    place.write()
    assert reaches("../exe/true") == "true"
    place.routes.roots = [(str(place.directory), "")]
    place.write()
    assert reaches("./true", cwd=place.executables) == "true"


def test_through_path(place: Any, reaches: Any) -> None:
    """A stub found on PATH, also by a relative entry."""
    place.write()
    for entry in (str(place.executables), "../exe"):
        search = {"PATH": f"{entry}:/usr/bin:/bin"}
        assert reaches("x/x", shell='shift; exec env true "$@"', environment=search) == "true"


def test_links_elsewhere(place: Any, reaches: Any) -> None:
    """A link outside of the executable directory runs the command of the stub that it leads to."""
    place.routes.commands = {"gcc": ()}
    place.write()
    (place.directory / "one").mkdir()
    (place.directory / "one" / "cc").symlink_to("../exe/gcc")
    (place.directory / "c89").symlink_to(place.directory / "one" / "cc")
    assert reaches(str(place.directory / "one" / "cc")) == "gcc"
    assert reaches(str(place.directory / "c89")) == "gcc"


def test_own_name_comes_first(place: Any, reaches: Any) -> None:
    """A link whose name is a command is that command, whatever it leads to."""
    place.routes.commands = {"gcc": (), "cc": ()}
    place.write()
    (place.directory / "cc").symlink_to(place.executables / "gcc")
    assert reaches(str(place.directory / "cc")) == "cc"


def test_called_by_another_name(place: Any, reaches: Any) -> None:
    """argv[0] counts before the path, as a login shell or a multi-call program has it."""
    place.routes.commands = {"gcc": (), "cc": ()}
    place.write()
    shell = 'exec python3 -c \'import os, sys; os.execv(sys.argv[1], ["cc"])\' "$@"'
    assert reaches("gcc", shell=shell) == "cc"


def test_copied_executable(place: Any, reaches: Any) -> None:
    """A stub may be the executable itself instead of a link."""
    place.write()
    (place.executables / "true").unlink()
    shutil.copy(place.program[-1], place.executables / "true")
    assert reaches("true") == "true"


def test_script_interpreter(place: Any, reaches: Any) -> None:
    """A script that names a stub behind `#!` is run by that stub's command."""
    place.write()
    script = place.base / "script"
    script.write_text(f"#!{place.executables / 'true'}\n")
    script.chmod(0o755)
    assert reaches(str(script)) == "true"


def test_ring_of_links(place: Any, installed: Path, hands_over: Any) -> None:
    """Links that lead round in circles are followed only so far."""
    first, second = place.directory / "first", place.directory / "second"
    first.symlink_to(second)
    second.symlink_to(first)
    shell = f'exec python3 -c \'import os, sys; os.execv(sys.argv[1], ["{first}"])\' "$@"'
    assert hands_over(str(installed), shell=shell) == [f"--called-as={installed}"]


def test_chosen_configuration(place: Any, reaches: Any, hands_over: Any) -> None:
    """K8PSH_CONFIG may name the routes' configuration in any way, but no other."""
    place.write()
    own = place.routes.configuration
    alias = place.directory / "alias.yaml"
    alias.symlink_to(own)
    other = place.directory / "other.yaml"
    shutil.copy(own, other)
    for same in (own, str(alias), "../k8psh.yaml", ""):
        assert reaches("true", environment={"K8PSH_CONFIG": same}) == "true"
    for different in (str(other), "/no/such/file"):
        assert hands_over("true", environment={"K8PSH_CONFIG": different})


def called_as(place: Any, path: Path | None = None) -> list[str]:
    """Return what the runtime is told before the caller's arguments."""
    return ["--runtime", f"--called-as={path or place.executables / 'true'}"]


def test_changed_configuration(place: Any, hands_over: Any) -> None:
    """A configuration with another modification time, another size, or none, makes the routes stale."""
    place.write()
    file = Path(place.routes.configuration)
    status = file.stat()
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    assert hands_over("true", "a", "", "b") == [*called_as(place), "a", "", "b"]
    file.write_text(file.read_text() + "#")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert hands_over("true") == called_as(place)
    file.unlink()
    assert hands_over("true") == called_as(place)


def test_unknown_command(place: Any, hands_over: Any) -> None:
    """A command that the routes don't have is the Python client's to refuse; it is told the link's path."""
    place.write()
    place.link(place.executables / "unknown")
    elsewhere = place.directory / "elsewhere"
    elsewhere.symlink_to(place.executables / "unknown")
    assert hands_over(str(elsewhere)) == called_as(place, place.executables / "unknown")


@pytest.fixture
def installed(place: Any) -> Path:
    """Put the executable into bin/ and a runtime into runtime/, as --install does; returns bin/k8psh."""
    (place.directory / "bin").mkdir()
    (place.directory / "runtime").mkdir()
    executable = Path(shutil.copy(place.program[-1], place.directory / "bin" / "k8psh"))
    shutil.copy(place.python, place.directory / "runtime" / "start")
    place.program = [str(executable)]
    return executable


@pytest.mark.parametrize("name", ["k8psh", "k8pshd"])
def test_client_and_server_are_python(place: Any, installed: Path, hands_over: Any, name: str) -> None:
    """Called as k8psh or k8pshd the executable is the runtime, through links too, and says by which."""
    if name != "k8psh":
        (installed.parent / name).symlink_to("k8psh")
    path = installed.parent / name
    assert hands_over(str(path), "--server", "x") == [f"--called-as={path}", "--server", "x"]
    link = place.directory / name
    link.symlink_to(path)
    assert hands_over(str(link)) == [f"--called-as={link}"]


def test_no_routes(place: Any, installed: Path, hands_over: Any) -> None:
    """Without routes the runtime beside the executable answers, and is told the path of the call."""
    assert installed
    stub = place.link(place.executables / "true")
    assert hands_over("true", "a") == [f"--called-as={stub}", "a"]


def test_no_routes_and_no_runtime(place: Any, finish: Any) -> None:
    """Where there is neither, one line says which file was looked for."""
    place.program = [shutil.copy(place.program[-1], place.directory / "program")]
    place.link(place.executables / "true")
    status, out, err = finish(place.start("true"))
    assert (status, out, err.count(b"\n")) == (125, b"", 1)
    assert err.startswith(b"k8psh: true: can't start the Python client ")
    assert b"/../runtime/start: No such file or directory" in err


@pytest.mark.parametrize("forked", ["", "; true"], ids=["executed", "child"])
def test_runtime_that_leads_back(place: Any, finish: Any, forked: str) -> None:
    """A runtime that is the stub again is noticed instead of starting processes for ever."""
    place.write()
    place.python.write_text(f'#!/bin/sh\n"{place.executables}/unknown" "$@"{forked}\n')
    if not forked:
        place.python.write_text(f'#!/bin/sh\nexec "{place.executables}/unknown" "$@"\n')
    place.link(place.executables / "unknown")
    status, _, err = finish(place.start("unknown"))
    assert status == (0 if forked else 125)
    assert b"leads back" in err
    assert err.count(b"\n") == 1


def test_calls_below_a_python_client_work(place: Any, hands_over: Any) -> None:
    """The mark that finds a runtime leading back doesn't disturb other processes below it."""
    place.write()
    place.link(place.executables / "unknown")
    assert hands_over("unknown", environment={"K8PSH_FALLBACK": "1"}) == called_as(
        place, place.executables / "unknown"
    )


def test_many_arguments_for_python(place: Any, finish: Any) -> None:
    """Handing over keeps ten thousand arguments."""
    place.python.write_text('#!/bin/sh\nprintf "%s" "$#"\n')
    place.write()
    place.link(place.executables / "unknown")
    assert finish(place.start("unknown", *["x"] * 10_000)) == (0, b"10002", b"")


def test_debugging_output(place: Any, finish: Any) -> None:
    """K8PSH_DEBUG tells why Python was asked."""
    place.write()
    place.link(place.executables / "unknown")
    status, _, err = finish(place.start("unknown", environment={"K8PSH_DEBUG": "wire,stub"}))
    assert status == 42
    assert err.splitlines() == [
        b"k8psh: stub: unknown: the routes don't have the command",
        b"k8psh: stub: unknown: executing the Python client " + os.fsencode(place.python),
    ]


def test_unreadable_routes(place: Any, finish: Any, installed: Path) -> None:
    """Routes that are a directory or a fifo are not waited for and not read."""
    assert installed
    place.link(place.executables / "true")
    place.routes_file.mkdir()
    assert finish(place.start("true"))[0] == 42
    place.routes_file.rmdir()
    os.mkfifo(place.routes_file)
    assert finish(place.start("true"))[0] == 42


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_forbidden_routes(place: Any, installed: Path) -> None:
    """Routes that the caller may not read are as good as none."""
    assert installed
    place.write()
    place.routes_file.chmod(0o600)
    for directory in (place.directory, *place.directory.parents[:2]):
        directory.chmod(0o755)
    ran = subprocess.run(
        [place.executables / "true"], user=65534, group=65534, cwd="/", capture_output=True, timeout=20
    )
    assert ran.returncode == 42

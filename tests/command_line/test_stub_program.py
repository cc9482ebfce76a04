"""Where there is no stub program, each call starts Python; `k8psh --check` says so."""

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def package(root: Path, tmp_path: Path) -> Path:
    """The directory of a k8psh package as a wheel without stub program installs it."""
    without = shutil.ignore_patterns("_native", "__pycache__")
    return shutil.copytree(root / "k8psh", tmp_path / "library" / "k8psh", ignore=without)


@pytest.fixture
def check(package: Path, processes: Any, tmp_path: Path) -> Callable[..., Any]:
    """Return a function that has a k8psh, by default the package's, check a configuration."""
    configuration = tmp_path / "k8psh.conf"
    configuration.write_text("[ alpha ]\ntrue /bin/true\n")

    def run(
        *words: str, program: tuple[str, ...] = (sys.executable, "-m", "k8psh"), library: str = ""
    ) -> Any:
        return processes.run(
            [*program, "--check", "-c", str(configuration), *words],
            cwd=tmp_path,
            env={"PYTHONPATH": library or str(package.parent)},
        )

    return run


def _add_stub_program(package: Path, program: Path, mode: int = 0o755) -> None:
    (package / "_native").mkdir()
    shutil.copy(program, package / "_native" / "k8psh")
    (package / "_native" / "k8psh").chmod(mode)


def _assert_warned(result: Any) -> None:
    """Check that the configuration is good, and that one line says what is missing, where, and what helps."""
    assert result.code == 0
    assert b"k8psh.conf: ok, 1 servers, 1 commands\n" in result.out
    assert result.err.startswith(b"k8psh: warning: there is no stub program for ")
    assert result.err.count(b"\n") == 1
    assert result.err.count(os.uname().machine.encode()) == 2
    assert b"install the wheel" in result.err


def _assert_not_warned(result: Any) -> None:
    assert (result.code, result.err) == (0, b"")
    assert b"k8psh.conf: ok, 1 servers, 1 commands\n" in result.out


def test_none(check: Callable[..., Any]) -> None:
    """Without stub program a good configuration is still 0, with a warning."""
    _assert_warned(check())


def test_one_that_cannot_be_executed(check: Callable[..., Any], package: Path) -> None:
    """A stub program that can't be executed is none."""
    _add_stub_program(package, Path("/bin/true"), mode=0o644)
    _assert_warned(check())


def test_one(check: Callable[..., Any], package: Path) -> None:
    """With a stub program there's nothing to warn of."""
    _add_stub_program(package, Path("/bin/true"))
    _assert_not_warned(check())


def test_none_as_json(check: Callable[..., Any]) -> None:
    """The warning stays apart from what is printed for programs."""
    result = check("--output", "json")
    assert [server["name"] for server in json.loads(result.out)["servers"]] == ["alpha"]
    assert b"no stub program" in result.err


def test_none_and_problems(check: Callable[..., Any], tmp_path: Path) -> None:
    """Of a configuration with problems nothing but these is said."""
    (tmp_path / "k8psh.conf").write_text("[ alpha ] --nonsense\ntrue\n")
    result = check()
    assert (result.code, result.out) == (78, b"")
    assert b"stub program" not in result.err


def test_none_installed(check: Callable[..., Any], processes: Any, package: Path, tmp_path: Path) -> None:
    """What --install makes of Python packages without stub program has none, either."""
    installed = _install(processes, package, tmp_path)
    _assert_warned(check(program=(installed,), library="/none"))


def test_one_installed(
    check: Callable[..., Any], native_program: Path, processes: Any, package: Path, tmp_path: Path
) -> None:
    """What --install makes of Python packages with a stub program is that program."""
    _add_stub_program(package, native_program)
    installed = _install(processes, package, tmp_path)
    [library] = (tmp_path / "volume").glob(".k8psh-*/runtime/lib/k8psh")
    shutil.rmtree(library / "_native")  # which stubs aren't links to here
    _assert_not_warned(check(program=(installed,), library="/none"))


@pytest.mark.parametrize("name", ["start", "k8psh-runtime", "__main__.py"])
def test_command_with_a_name_of_ours(
    processes: Any,
    package: Path,
    free_port: Callable[[], int],
    tmp_path: Path,
    name: str,
) -> None:
    """A command may be called as what starts Python for us is: its Python stub calls it, too."""
    port = free_port()
    environment = {"PYTHONPATH": str(package.parent)}
    configuration = tmp_path / "k8psh.conf"
    configuration.write_text(f"baseDirectory = {tmp_path}\n[ alpha:{port} ]\n{name} /bin/echo called\n")
    (tmp_path / "k8psh").write_text(
        f"#!{sys.executable}\nfrom k8psh.__main__ import main\nraise SystemExit(main())\n"
    )
    (tmp_path / "k8psh").chmod(0o755)
    k8pshd = [str(tmp_path / "k8psh"), "--server", "-c", str(configuration), "-n"]
    processes.run([*k8pshd, "build", "-e", str(tmp_path / "stubs")], env=environment)
    server = processes.start([*k8pshd, "alpha", "-d"], env=environment)
    called = processes.run([str(tmp_path / "stubs" / name), "x"], env=environment, cwd=tmp_path)
    assert (called.code, called.out, called.err) == (0, b"called x\n", b"")
    server.terminate()
    assert processes.finish(server).code == 0


def _install(processes: Any, package: Path, directory: Path) -> str:
    """Install the package on a volume and return the program's path."""
    file = str(directory / "volume" / "k8psh")
    words = [sys.executable, "-m", "k8psh", "--install", file]
    result = processes.run(words, cwd=directory, env={"PYTHONPATH": str(package.parent)})
    assert (result.code, result.err) == (0, b"")
    return file

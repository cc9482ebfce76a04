"""The demonstration builds the same program in a Pod and by the processes that stand for one."""

import subprocess
import sys
from pathlib import Path

import pytest
from pods import PROJECT

DEMO = PROJECT / "packaging/demo.py"
BUILD = """\
  $ command -v gcc
  {exe}/gcc
  $ make
  gcc -O2 -Wall -Wextra   -c -o main.o main.c
  gcc -O2 -Wall -Wextra   -c -o primes.o primes.c
  gcc -O2 -Wall -Wextra -o primes main.o primes.o
  $ ./primes
"""
PRIMES = "The primes below 50: 2 3 5 7 11 13 17 19 23 29 31 37 41 43 47\n"


def give_demo(*options: str) -> str:
    """Return what the demonstration prints; it must succeed."""
    result = subprocess.run([sys.executable, DEMO, *options], capture_output=True, text=True, timeout=600)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def assert_built(output: str) -> None:
    """Assert that all was compiled by the server and that the program ran."""
    assert BUILD.format(exe="/k8psh/exe") in output
    assert PRIMES in output
    assert output.count("gcc: called with 7 arguments") == 3


@pytest.mark.pod
@pytest.mark.usefixtures("podman")
def test_the_demo_uses_a_pod() -> None:
    """Where there is podman, the demonstration shows a Pod's two containers."""
    output = give_demo()
    assert "brought up by podman" in output
    assert_built(output)


def test_the_demo_does_without_a_pod() -> None:
    """Two processes can stand for the containers, and the demonstration says so."""
    output = give_demo("--local")
    assert "Two local processes stand for a Pod's containers (asked for by --local)" in output
    assert_built(output)


def test_the_demo_says_what_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without make the demonstration ends with a line that names it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("sh", "ls"):
        (tmp_path / name).symlink_to(f"/bin/{name}")
    result = subprocess.run([sys.executable, DEMO, "--local"], capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stderr) == (1, "demo: make isn't installed\n")

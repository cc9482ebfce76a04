"""Builds whose makes and compilers run in several places share one make's number of jobs."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

JOBS = 4
OBJECTS = 6
COMPILER = """\
#!/bin/sh
printf + >>{log}
turns=0
until test $(tr -d - <{log} | wc -c) -ge {together} || test $turns -ge 300; do
    turns=$((turns + 1))
    sleep 0.05
done
sleep 0.2
printf - >>{log}
"""
"""Waits until as many as are to run together have started, then gives one too many the time to start."""
RECIPES = {"program": "{compiler}", "stub": "beta-sh {compiler}", "stub of the same": "alpha-sh {compiler}"}


def write_build(base: Path, recipe: str, sub_make: str, together: int) -> Path:
    """Write a Makefile with two sub-makes of six objects each; return the compilers' log."""
    log, compiler = base / "log", base / "compiler"
    log.write_text("")
    compiler.write_text(COMPILER.format(log=log, together=together))
    compiler.chmod(0o755)
    subs = ("one", "two")
    objects = " ".join(f"object{number}" for number in range(OBJECTS))
    for sub in subs:
        (base / sub).mkdir()
        command = recipe.format(compiler=compiler)
        (base / sub / "Makefile").write_text(f"all: {objects}\n{objects}:\n\t@{command}\n")
    names = " ".join(subs)
    (base / "Makefile").write_text(f"all: {names}\n{names}:\n\t@+{sub_make}\n.PHONY: all {names}\n")
    return log


def most_at_once(log: Path) -> int:
    """Return how many compilers ran at once; all of them must have run."""
    text = log.read_text()
    assert (text.count("+"), text.count("-")) == (2 * OBJECTS, 2 * OBJECTS)
    running = [text[:end].count("+") - text[:end].count("-") for end in range(len(text) + 1)]
    return max(running)


@pytest.fixture(autouse=True)
def has_make() -> None:
    """Skip where there is no make."""
    if shutil.which("make") is None:
        pytest.skip("make is what builds; it isn't here (apt-get install make)")


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_sub_makes(make_place: Callable[[str], Any], processes: Any, recipe: str) -> None:
    """Sub-makes on a server have as many jobs as make has, together, and no more."""
    place = make_place("direct")
    log = write_build(place.base, recipe, "alpha-make -s -C $@", JOBS)
    result = processes.run(["make", "-s", f"-j{JOBS}"], cwd=place.base, env=place.environment)
    assert (result.code, result.out, result.err) == (0, b"", b"")
    assert most_at_once(log) == JOBS


def test_sub_makes_of_sub_makes(make_place: Callable[[str], Any], processes: Any) -> None:
    """A make that a server's make starts on another server shares the same jobs."""
    place = make_place("direct")
    (place.base / "middle").write_text("all:\n\t@+beta-make -s -C $(SUB)\n")
    sub_make = "alpha-make -s -f middle SUB=$@"
    log = write_build(place.base, "{compiler}", sub_make, JOBS)
    result = processes.run(["make", "-s", f"-j{JOBS}"], cwd=place.base, env=place.environment)
    assert (result.code, result.out, result.err) == (0, b"", b"")
    assert most_at_once(log) == JOBS


def test_fifo(make_place: Callable[[str], Any], processes: Any, tmp_path: Path) -> None:
    """A newer make's jobserver is a fifo: make on the server takes its tokens and gives them back."""
    place = make_place("direct")
    log = write_build(place.base, "{compiler}", "$(MAKE) -s -C $@", JOBS)
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    tokens = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
    try:
        os.write(tokens, b"+" * (JOBS - 1))  # the last one is what make itself was started for
        environment = place.environment | {"MAKEFLAGS": f" -s -j{JOBS} --jobserver-auth=fifo:{fifo}"}
        result = processes.run(["alpha-make"], cwd=place.base, env=environment, executable=stub(place))
        assert (result.code, result.out, result.err) == (0, b"", b"")
        assert most_at_once(log) == JOBS
        assert os.read(tokens, 10) == b"+" * (JOBS - 1)
    finally:
        os.close(tokens)


def stub(place: Any) -> str:
    """Return the path of the server's make."""
    found = shutil.which("alpha-make", path=place.environment["PATH"])
    assert found is not None
    return found


def test_relay_lane(make_place: Callable[[str], Any], processes: Any) -> None:
    """Without descriptors to pass each sub-make has one job, and says nothing about it."""
    place = make_place("relay")
    log = write_build(place.base, "{compiler}", "alpha-make -s -C $@", 2)
    result = processes.run(["make", "-s", f"-j{JOBS}"], cwd=place.base, env=place.environment)
    assert (result.code, result.out, result.err) == (0, b"", b"")
    assert most_at_once(log) == 2

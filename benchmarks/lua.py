"""One real job: Lua, built by make with everyone's compiler."""

import importlib
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .contestants import Contestant
from .measure import rotated
from .places import BUILD, PROJECT
from .results import Results, spread
from .spawner import MeasureError

_JOBS = 2
_PACKAGE = "lua5.4"
_SUITE = "bookworm"


def build_lua(
    contestants: Sequence[Contestant],
    directory: Path,
    results: Results,
    rounds: int,
    report: Callable[[str], None],
) -> None:
    """Build Lua `rounds` times by everyone that a Makefile can call, in turn; note the seconds of each."""
    report(f"building Lua by make -j{_JOBS}, {rounds} times in turn")
    try:
        source = fetch_source()
    except MeasureError as error:
        results.skipped["building Lua"] = str(error)
        return
    seconds: dict[str, list[float]] = {}
    left = [one for one in contestants if one.tool is not None and one.share == 1]
    for turn in range(rounds):
        for one in rotated(left, turn):
            tree = directory / "lua"
            try:
                seconds.setdefault(one.name, []).append(_build(one, source, tree))
            except MeasureError as error:
                results.skipped[f"{one.name}, building Lua"] = str(error)
                left.remove(one)
            finally:
                shutil.rmtree(tree, ignore_errors=True)
    results.lua_seconds = {name: spread(values) for name, values in seconds.items() if values}


def fetch_source() -> Path:
    """Return Lua's source package as Debian has it, the one that the Pod's tests build.

    Raises:
        MeasureError: it can't be had.
    """
    packaging = str(PROJECT / "packaging")  # the Pods' harness, which isn't installed either
    sys.path.insert(0, packaging)
    try:
        debian: Any = importlib.import_module("pods.debian")
    finally:
        sys.path.remove(packaging)
    try:
        source: Path = debian.fetch_source(_PACKAGE, _SUITE, BUILD / "images" / "sources")
    except debian.DebianError as error:
        raise MeasureError(str(error)) from error
    return source


def _build(one: Contestant, source: Path, tree: Path) -> float:
    """Return how many seconds the build takes."""
    assert one.tool is not None
    tree.mkdir()
    subprocess.run(["tar", "-xf", source, "-C", tree, "--strip-components=1"], check=True)
    tools = [f"CC={one.tool('gcc')} -std=gnu99", f"AR={one.tool('ar')} rcu", f"RANLIB={one.tool('ranlib')}"]
    begin = time.monotonic()
    made = subprocess.run(
        ["make", f"-j{_JOBS}", "linux", *tools],
        cwd=tree,
        env=dict(one.environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    seconds = time.monotonic() - begin
    if made.returncode:
        raise MeasureError(f"make failed: {made.stderr.strip()[-300:]}")
    return seconds

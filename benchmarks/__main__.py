"""`python -m benchmarks`: measure, print tables, write JSON and a plot."""

import argparse
import contextlib
import json
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from . import peers
from .bundle import measure_bundle
from .contestants import HELLO, LOCAL, SEARCH_PATH, Contestant, Factory, Place, hello, local
from .goals import DIRECT, RELAY, goals
from .keys import TERMINAL_WORDS, measure_keys
from .lua import build_lua
from .measure import Measuring
from .ours import Program, k8psh, native_program, peer_program, python_program, terminals
from .places import PLOT, SOURCES
from .plot import plot
from .report import text
from .results import Results
from .spawner import MeasureError, Spawner, build


def main() -> int:
    """Measure what the options ask; the exit code is 1 where a goal is missed and --strict is given."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # what was started is ended
    results = Results(settings={name: value for name, value in vars(options).items() if name in _NUMBERS})
    try:
        with (
            tempfile.TemporaryDirectory(prefix="k8psh-bench-") as directory,
            contextlib.ExitStack() as cleanup,
        ):
            environment = {"PATH": SEARCH_PATH, "HOME": directory, "LC_ALL": "C"}
            place = Place(directory=Path(directory), python=options.python, environment=environment)
            contestants = list(_enter(cleanup, place, results, options))
            _measure(contestants, place, results, options)
    except MeasureError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 2
    print(f"\n{text(results)}")
    if options.write:
        _write(results)
    return int(options.strict and any(goal.is_met is False for goal in goals(results)))


_NUMBERS = {
    "calls": (500, "calls of `true` by one caller"),
    "callers": (64, "callers at once"),
    "rate_calls": (512, "calls by that many in turn"),
    "rate_rounds": (9, "turns of that"),
    "rounds": (3, "how often the longer measurements are made"),
    "gib": (4.0, "GiB through `cat` and out of `head`; 0: not at all"),
    "memory_calls": (10_000, "calls before a server's memory is looked at"),
    "keys": (500, "keys typed on a terminal; 0: not at all"),
    "starts": (15, "starts of the bundle's server; 0: not at all"),
    "lua_rounds": (3, "how often Lua is built; 0: not at all"),
}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    for name, (value, meaning) in _NUMBERS.items():
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, type=type(value), default=value, help=f"{meaning} (default: {value})")
    parser.add_argument("--python", default=sys.executable, help="the Python that k8psh runs on")
    parser.add_argument(
        "--only", action="append", help="measure only those with this in their names; repeatable"
    )
    parser.add_argument("--write", action="store_true", help="keep the results, and the plot for docs/")
    parser.add_argument("--strict", action="store_true", help="exit with 1 where a goal is missed")
    return parser.parse_args()


def _factories(place: Place, results: Results) -> Iterator[tuple[str, Factory]]:
    """Yield all contestants by name; those that lack a program are noted as skipped."""
    yield LOCAL, local
    yield HELLO, hello(build("hello"))
    python = python_program(place)
    try:
        native = native_program(place)
    except MeasureError as error:
        results.skipped["k8psh's stub"] = str(error)
        native = None
    if native is not None:
        yield DIRECT, k8psh(DIRECT, native, python, "direct")
        yield RELAY, k8psh(RELAY, native, python, "relay")
    for lane in ("direct", "relay"):
        name = f"k8psh, Python client, {lane} lane"
        yield name, k8psh(name, python, python, lane)
    if directory := os.environ.get("PEER_K8PSH"):
        peer = peer_program(Path(directory))
        pairs = {"peer k8psh": (peer, peer), "peer k8psh, our server": (peer, python)}
        if native is not None:
            pairs["peer k8psh, our stub"] = (native, peer)
        for name, (client, server) in pairs.items():
            yield name, k8psh(name, client, server, "relay")
    yield "ssh", peers.ssh
    yield "dropbear", peers.dropbear
    yield "s6-sudo", peers.s6_sudo
    yield "socat", peers.socat


def _enter(
    cleanup: contextlib.ExitStack, place: Place, results: Results, options: argparse.Namespace
) -> Iterator[Contestant]:
    """Start every contestant; say which can't take part."""
    wanted = options.only or [""]
    for name, factory in _factories(place, results):
        if name != LOCAL and not any(part in name for part in wanted):
            continue
        try:
            yield cleanup.enter_context(factory(place))
        except MeasureError as error:
            results.skipped[name] = str(error)
            _say(f"without {name}: {error}")


def _measure(
    contestants: list[Contestant], place: Place, results: Results, options: argparse.Namespace
) -> None:
    measuring = Measuring(Spawner(place.directory), contestants, results, _say)
    with measuring.memory(options.memory_calls):
        measuring.calls(options.calls)
        measuring.stubs()
        measuring.rates(options.callers, options.rate_calls, options.rate_rounds)
        if options.gib:
            measuring.streams(options.gib, options.rounds)
        _measure_keys(place, results, options.keys)
        _measure_bundle(place, results, options.starts)
        if options.lua_rounds:
            build_lua(contestants, place.directory, results, options.lua_rounds, _say)


def _measure_keys(place: Place, results: Results, keys: int) -> None:
    """Measure a key's way through a terminal, locally and by both lanes."""
    if not keys or DIRECT not in results.calls:
        return
    _say(f"{keys} keys on a terminal")
    results.key_us[LOCAL] = measure_keys(TERMINAL_WORDS, place, keys)
    program = Program(directory=place.directory / "bin")
    with terminals(place, program, program) as by_lane:
        results.key_us[DIRECT] = measure_keys(by_lane["direct"], place, keys)
        results.key_us[RELAY] = measure_keys(by_lane["relay"], place, keys)


def _measure_bundle(place: Place, results: Results, starts: int) -> None:
    if not starts:
        return
    _say(f"{starts} starts of the bundle's server")
    try:
        results.bundle = measure_bundle(place, Program(directory=place.directory / "python"), starts)
    except MeasureError as error:
        results.skipped["the bundle"] = str(error)


def _write(results: Results) -> None:
    machine = results.machine
    name = f"results-{machine['architecture']}-{machine['cores']}-cores-linux-{machine['kernel']}.json"
    (SOURCES / name).write_text(json.dumps(results.as_json(), indent=1) + "\n")
    PLOT.write_text(plot(results))
    _say(f"written: benchmarks/{name}, docs/{PLOT.name}")


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

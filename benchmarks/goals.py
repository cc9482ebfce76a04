"""What k8psh is meant to reach, compared with what was measured."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .contestants import HELLO, LOCAL
from .results import Bundle, Results

RELAY = "k8psh, relay lane"
DIRECT = "k8psh, direct lane"
_MIB = 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Goal:
    """A figure and its limit: `is_met` where it's on the right side, None where it wasn't measured."""

    text: str
    figure: str
    is_met: bool | None


def goals(results: Results) -> list[Goal]:
    """Return every goal with what became of it."""
    return [
        *_calls(results),
        *_stub(results),
        *_streams(results),
        *_memory(results),
        *_jobs(results),
        *_bundle(results),
    ]


def _goal(text: str, figure: Callable[[], float], limit: float, *, at_most: bool) -> Goal:
    """Return one goal; what wasn't measured is a KeyError."""
    try:
        value = figure()
    except KeyError:
        return Goal(text=text, figure="not measured", is_met=None)
    return Goal(text=text, figure=f"{value:.4g}", is_met=value <= limit if at_most else value >= limit)


def at_most(text: str, limit: float, figure: Callable[[], float]) -> Goal:
    """Return a goal that less is better for."""
    return _goal(f"{text}: at most {limit:g}", figure, limit, at_most=True)


def at_least(text: str, limit: float, figure: Callable[[], float]) -> Goal:
    """Return a goal that more is better for."""
    return _goal(f"{text}: at least {limit:g}", figure, limit, at_most=False)


def _calls(results: Results) -> Iterator[Goal]:
    calls, rates = results.calls, results.calls_per_second

    def wall(name: str) -> float:
        return calls[name].wall_us.median / calls[LOCAL].wall_us.median

    yield at_most("relay lane, one caller, times local exec", 2.6, lambda: wall(RELAY))
    yield at_most("direct lane, one caller, times local exec", 2.1, lambda: wall(DIRECT))
    yield at_most(
        "direct lane, CPU of client, server and command, times local exec",
        2.0,
        lambda: calls[DIRECT].cpu_us / calls[LOCAL].cpu_us,
    )
    yield at_least(
        "direct lane, 64 callers, part of the rate of local execs",
        0.55,
        lambda: rates[DIRECT].median / rates[LOCAL].median,
    )


def _stub(results: Results) -> Iterator[Goal]:
    for name in (RELAY, DIRECT):
        yield from _stub_on(name, results)
    yield at_most("stub, bytes of its file", 40_000, lambda: results.stubs[RELAY].file_bytes)


def _stub_on(name: str, results: Results) -> Iterator[Goal]:
    calls, stubs = results.calls, results.stubs
    yield at_most(
        f"stub, page faults more than a static hello world ({name})",
        6,
        lambda: calls[name].page_faults - calls[HELLO].page_faults,
    )
    yield at_most(f"stub, resident KiB ({name})", 400, lambda: stubs[name].resident_kib)


def _streams(results: Results) -> Iterator[Goal]:
    cat, output, quarter = results.through_cat, results.output_only, results.quarter_through_cat
    yield at_least("relay lane, through cat, GB/s", 0.7, lambda: cat[RELAY].gb_per_second)
    yield at_least("relay lane, output only, GB/s", 1.2, lambda: output[RELAY].gb_per_second)
    yield at_most(
        "relay lane, four times the bytes, times the seconds",
        4.8,
        lambda: cat[RELAY].seconds.median / quarter[RELAY].seconds.median,
    )
    yield at_least(
        "direct lane, through cat, part of local cat's rate",
        0.95,
        lambda: cat[DIRECT].gb_per_second / cat[LOCAL].gb_per_second,
    )
    yield at_most(
        "direct lane, CPU seconds of client and server meanwhile", 0.02, lambda: cat[DIRECT].own_cpu_seconds
    )


def _memory(results: Results) -> Iterator[Goal]:
    memory = results.memory
    yield at_most("relay lane, server's MiB at its worst", 40, lambda: memory[RELAY].highest_kib / _MIB)
    for name in (RELAY, DIRECT):
        yield from _memory_on(name, results)


def _memory_on(name: str, results: Results) -> Iterator[Goal]:
    memory = results.memory
    yield at_most(f"server after all calls, MiB ({name})", 32, lambda: memory[name].after_kib / _MIB)
    yield at_most(
        f"server after all calls, further descriptors ({name})",
        0,
        lambda: memory[name].descriptors_after - memory[name].descriptors_before,
    )


def _jobs(results: Results) -> Iterator[Goal]:
    lua, keys = results.lua_seconds, results.key_us
    yield at_most(
        "direct lane, building Lua, times the local build",
        1.05,
        lambda: lua[DIRECT].median / lua[LOCAL].median,
    )
    for name in (DIRECT, RELAY):
        yield at_most(
            f"a key's echo, microseconds more than locally ({name})",
            1000,
            lambda name=name: keys[name].median - keys[LOCAL].median,  # type: ignore[misc]
        )


def _bundle(results: Results) -> Iterator[Goal]:
    def figure(pick: Callable[[Bundle], float]) -> Callable[[], float]:
        def value() -> float:
            if results.bundle is None:
                raise KeyError("bundle")
            return pick(results.bundle)

        return value

    yield at_most("bundle, exec to listening, ms", 160, figure(lambda one: one.start_ms.median))
    yield at_most("bundle, server's MiB when it listens", 32, figure(lambda one: one.resident_kib / _MIB))
    yield at_most("bundle, MB on disk", 30, figure(lambda one: one.disk_bytes / 1e6))
    yield at_most("bundle, --install, seconds", 0.3, figure(lambda one: one.install_seconds.median))

"""The tables that are printed."""

from collections.abc import Iterator, Mapping, Sequence

from .contestants import LOCAL
from .goals import goals
from .results import Results, Stream

_VERDICTS = {True: "met", False: "MISSED", None: "-"}


def text(results: Results) -> str:
    """Return everything that was measured, as tables of Markdown."""
    parts = [
        _machine(results),
        _calls(results),
        _streams(results),
        _memory(results),
        _lua(results),
        _goals(results),
        _skipped(results),
    ]
    return "\n\n".join(part for part in parts if part)


def _machine(results: Results) -> str:
    facts = results.machine
    return "{cores} cores, {processor}, {system}, Linux {kernel}, Python {python}.".format(**facts)


def _calls(results: Results) -> str:
    if LOCAL not in results.calls:
        return ""
    local, rates = results.calls[LOCAL], results.calls_per_second
    head = (
        "`true`",
        "median",
        "quartiles",
        "to local",
        "CPU",
        "to local",
        "faults",
        "64 at once",
        "to local",
    )
    rows = [
        (
            name,
            f"{one.wall_us.median / 1000:.2f} ms",
            f"{one.wall_us.lower / 1000:.2f} to {one.wall_us.upper / 1000:.2f}",
            f"{one.wall_us.median / local.wall_us.median:.2f}",
            f"{one.cpu_us / 1000:.2f} ms",
            f"{one.cpu_us / local.cpu_us:.2f}",
            f"{one.page_faults:.0f}",
            f"{rates[name].median:.0f}/s" if name in rates else "",
            f"{rates[name].median / rates[LOCAL].median:.2f}" if name in rates and LOCAL in rates else "",
        )
        for name, one in results.calls.items()
    ]
    return _table(head, rows)


def _streams(results: Results) -> str:
    cat, output = results.through_cat, results.output_only
    if LOCAL not in cat or LOCAL not in output:
        return ""
    head = (
        f"{cat[LOCAL].gib:g} GiB",
        "through `cat`",
        "to local",
        "our CPU",
        "out of `head`",
        "to local",
        "our CPU",
    )
    names = list(dict.fromkeys([*cat, *output]))
    return _table(head, [(name, *_rate(cat, name), *_rate(output, name)) for name in names])


def _rate(streams: Mapping[str, Stream], name: str) -> tuple[str, str, str]:
    if name not in streams:
        return "", "", ""
    one, local = streams[name], streams[LOCAL]
    ours = f"{one.own_cpu_seconds:.2f} s" if "k8psh" in name else ""
    return f"{one.gb_per_second:.2f} GB/s", f"{one.gb_per_second / local.gb_per_second:.2f}", ours


def _memory(results: Results) -> str:
    if not results.memory:
        return ""
    head = ("server, idle", "at first", "after all", "at its worst", "descriptors at first", "after all")
    rows = [
        (
            name,
            f"{one.before_kib / 1024:.1f} MiB",
            f"{one.after_kib / 1024:.1f} MiB",
            f"{one.highest_kib / 1024:.1f} MiB",
            str(one.descriptors_before),
            str(one.descriptors_after),
        )
        for name, one in results.memory.items()
    ]
    return _table(head, rows)


def _lua(results: Results) -> str:
    seconds = results.lua_seconds
    if LOCAL not in seconds:
        return ""
    local = seconds[LOCAL].median
    rows = [(name, f"{one.median:.2f} s", f"{one.median / local:.3f}") for name, one in seconds.items()]
    return _table(("building Lua, make -j2", "median", "to local"), rows)


def _goals(results: Results) -> str:
    rows = [(goal.text, goal.figure, _VERDICTS[goal.is_met]) for goal in goals(results)]
    return _table(("goal", "measured", ""), rows)


def _skipped(results: Results) -> str:
    return "\n".join(f"Left out: {name}: {why}" for name, why in results.skipped.items())


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    return "\n".join(_lines(head, rows, widths))


def _lines(head: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[int]) -> Iterator[str]:
    yield _line(head, widths)
    yield "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    for row in rows:
        yield _line(row, widths)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "| " + " | ".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)) + " |"

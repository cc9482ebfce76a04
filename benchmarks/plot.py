"""A plot of what a call costs, as SVG."""

from collections.abc import Iterator
from html import escape

from .contestants import HELLO, LOCAL
from .results import Results, Spread

_WIDTH = 720
_LABEL_WIDTH = 220
_BAR_HEIGHT = 18
_STEP = 26
_TOP = 34
_ROOM_FOR_FIGURE = 110
_LONGEST = 12.0
"""The longest bar, in times of local exec: longer ones are cut, their figure says how long they are."""
_FONT = 'font-family="sans-serif" font-size="13"'
_OURS = "#2b6cb0"
_OTHERS = "#a0aec0"
_TEXT = "#808080"
"""Readable on white and on black pages."""


def plot(results: Results) -> str:
    """Return a bar per contestant: the median of a call in times of local exec, with its quartiles."""
    local = results.calls[LOCAL].wall_us.median
    rows = {
        name: Spread(
            median=one.wall_us.median / local,
            lower=one.wall_us.lower / local,
            upper=one.wall_us.upper / local,
        )
        for name, one in results.calls.items()
        if name != HELLO
    }
    height = _TOP + _STEP * len(rows) + 8
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" {_FONT}>',
        f'<text x="8" y="18" fill="{_TEXT}">One call of true, in times of local exec '
        f"({local / 1000:.2f} ms); median and quartiles</text>",
    ]
    for place, (name, row) in enumerate(sorted(rows.items(), key=lambda item: item[1].median)):
        lines += _bar(name, row, _TOP + _STEP * place)
    return "\n".join([*lines, "</svg>", ""])


def _bar(name: str, row: Spread, y: int) -> Iterator[str]:
    middle, base = y + _BAR_HEIGHT / 2, y + _BAR_HEIGHT - 5
    colour = _OURS if name.startswith("k8psh") else _OTHERS
    end, lower, upper = (_x(value) for value in (row.median, row.lower, row.upper))
    yield f'<text x="{_LABEL_WIDTH - 8}" y="{base}" text-anchor="end" fill="{_TEXT}">{escape(name)}</text>'
    yield (
        f'<rect x="{_LABEL_WIDTH}" y="{y}" width="{end - _LABEL_WIDTH:.1f}" height="{_BAR_HEIGHT}" '
        f'fill="{colour}"/>'
    )
    yield f'<path d="M{lower:.1f} {middle}H{upper:.1f}" stroke="{_TEXT}" stroke-width="2"/>'
    cut = " (cut)" if row.median > _LONGEST else ""
    yield f'<text x="{max(end, upper) + 8:.1f}" y="{base}" fill="{_TEXT}">{row.median:.2f}{cut}</text>'


def _x(value: float) -> float:
    room = _WIDTH - _LABEL_WIDTH - _ROOM_FOR_FIGURE
    return _LABEL_WIDTH + room * min(value, _LONGEST) / _LONGEST

"""`${NAME}` and `${NAME:-default}`: in a configuration's text when it is loaded, in defaults at a start."""

import re
from collections.abc import Callable

EXPRESSION = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
"""One expression: the variable's name, and the default (None without one), which ends at the first `}`."""


def expand(text: str, lookup: Callable[[str], str | None]) -> str:
    """Return the text with each expression replaced by the variable's value, else its default, else nothing.

    A variable that is set to the empty text counts as set. What only looks like the beginning of an
    expression stays as it is.
    """
    if "${" not in text:
        return text

    def value_of(match: re.Match[str]) -> str:
        value = lookup(match[1])
        return value if value is not None else match[2] or ""

    return EXPRESSION.sub(value_of, text)

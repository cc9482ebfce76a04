"""What goes to standard error besides a program's own lines: warnings, with K8PSH_DEBUG debugging output.

The parts are client, server, session and stubs.
"""

import logging
import sys


def set_up(program: str, parts: str) -> None:
    """Show warnings, and debugging output of the `parts` (comma separated names, or All, in any case)."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter(program))
    root = logging.getLogger("k8psh")
    root.handlers = [handler]
    root.propagate = False
    root.setLevel(logging.WARNING)
    for part in filter(None, (part.strip().lower() for part in parts.split(","))):
        logger = root if part == "all" else root.getChild(part)
        logger.setLevel(logging.DEBUG)


class _Formatter(logging.Formatter):
    def __init__(self, program: str) -> None:
        super().__init__()
        self._program = program

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        if record.levelno > logging.DEBUG:
            return f"{self._program}: {text}"
        return f"{self._program}: [{record.name.rpartition('.')[2]}] {text}"

"""Paths inside arguments and output lines, between what clients see and what a server sees. Pure."""

import re
from collections.abc import Sequence

from .model import Configuration
from .paths import roots_for


def differing_roots(configuration: Configuration, name: str) -> tuple[tuple[str, str], ...]:
    """Return (clients' path, server's path) of the roots that the server called `name` sees elsewhere.

    Longest clients' path first.
    """
    pairs = [(wire or configuration.base_directory, seen) for seen, wire in roots_for(configuration, name)]
    return tuple(sorted((pair for pair in pairs if pair[0] != pair[1]), key=lambda pair: -len(pair[0])))


class ArgumentMapping:
    """Replaces clients' paths by the server's in arguments.

    A root is found at the start of an argument, after a `=`, or after a short option (`-I/workspace`),
    where it's the whole path or its first components.
    """

    def __init__(self, roots: Sequence[tuple[str, str]]) -> None:
        self._server_paths = dict(roots)
        alternatives = "|".join(re.escape(client) for client, _ in roots)
        self._pattern = re.compile(rf"(?:(?<==)|\A(-[A-Za-z])?)({alternatives})(?=/|\Z)") if roots else None

    def map(self, argument: str) -> str:
        """Return the argument as the server is to see it."""
        if self._pattern is None:
            return argument
        return self._pattern.sub(lambda found: (found[1] or "") + self._server_paths[found[2]], argument)


class LineMapping:
    """Replaces the server's paths by clients' in lines of output."""

    def __init__(self, roots: Sequence[tuple[str, str]]) -> None:
        by_length = sorted(roots, key=lambda pair: -len(pair[1]))
        self._client_paths = {_encode(server): _encode(client) for client, server in by_length}
        alternatives = b"|".join(re.escape(server) for server in self._client_paths)
        self._pattern = re.compile(rb"(?<![\w./-])(" + alternatives + rb")(?![\w.-])") if roots else None

    def map(self, lines: bytes) -> bytes:
        """Return whole lines as a client is to see them."""
        if self._pattern is None:
            return lines
        return self._pattern.sub(lambda found: self._client_paths[found[1]], lines)


def _encode(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")

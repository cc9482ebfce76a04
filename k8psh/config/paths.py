"""Working directories, from one container's view to another's. Pure: nothing is looked up in a file system.

On the wire a directory is relative to the base directory, or the absolute path that clients see, for a
directory below another root.
"""

import os.path
from collections.abc import Callable

from ..errors import WorkingDirectoryError
from .model import Configuration, Root


def absolute(path: str, file: str) -> str:
    """Return a path that is relative to the file's directory as an absolute one, without `.` and `..`."""
    return "/" + os.path.normpath(os.path.join(os.path.dirname(file), path)).lstrip("/")


def roots_for(configuration: Configuration, name: str) -> tuple[tuple[str, str], ...]:
    """Return each root as the container called `name` sees it, and its prefix on the wire; longest first.

    The prefix is empty for the base directory, for another root the absolute path that clients see.
    """
    base = configuration.base_directory
    pairs = (
        (root.seen_by(name), "" if root.clients == base else root.clients) for root in _roots(configuration)
    )
    return tuple(sorted(pairs, key=lambda pair: (-len(_components(pair[0])), pair[1] != "")))


def to_wire(
    configuration: Configuration, name: str, directory: str, resolve: Callable[[str], str] | None = None
) -> str:
    """Return what the container called `name` sends for a working directory (absolute, without links).

    Where no root holds it, the roots are compared once more as `resolve` (os.path.realpath) gives them,
    since a root may be a symbolic link.

    Raises:
        WorkingDirectoryError: the directory lies outside all roots.
    """
    roots = roots_for(configuration, name)
    wire = _below(roots, directory)
    if wire is None and resolve is not None:
        wire = _below(tuple((resolve(seen), prefix) for seen, prefix in roots), directory)
    if wire is None:
        shared = ", ".join(seen for seen, _ in roots)
        raise WorkingDirectoryError(
            f"working directory {directory} isn't shared: change to a directory below {shared}, or add a "
            f"mapping for it to {configuration.file}"
        )
    return wire


def from_wire(configuration: Configuration, name: str, wire: str) -> str:
    """Return the absolute path that the server called `name` sees for a working directory on the wire.

    Raises:
        WorkingDirectoryError: it has a component `..` or a NUL, or lies outside all roots.
    """
    parts = _components(wire)
    if ".." in parts or "\0" in wire:
        raise WorkingDirectoryError(
            f"working directory {wire!r} has a component that leaves the shared directories"
        )
    if not wire.startswith("/"):
        parts = _components(configuration.base_directory) + parts
    for root in sorted(_roots(configuration), key=lambda root: -len(_components(root.clients))):
        prefix = _components(root.clients)
        if parts[: len(prefix)] == prefix:
            return _joined(root.seen_by(name), parts[len(prefix) :])
    raise WorkingDirectoryError(
        f"working directory {wire} isn't shared with {name}: add a mapping for it to {configuration.file}"
    )


def _roots(configuration: Configuration) -> tuple[Root, ...]:
    base = configuration.base_directory
    if any(root.clients == base for root in configuration.roots):
        return configuration.roots
    return (Root(clients=base), *configuration.roots)


def _components(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


def _joined(root: str, parts: list[str]) -> str:
    return "/".join([root.rstrip("/"), *parts]) or "/"


def _below(roots: tuple[tuple[str, str], ...], directory: str) -> str | None:
    if not directory.startswith("/"):
        return None
    parts = _components(directory)
    for seen, prefix in roots:
        root = _components(seen)
        if parts[: len(root)] == root:
            rest = parts[len(root) :]
            return _joined(prefix, rest) if prefix else "/".join(rest)
    return None

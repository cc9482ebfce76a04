"""Imports run downwards, and the middle floors know no sockets and no event loop."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "k8psh"
MIDDLE, UPPER = {"wire", "config"}, {"client", "server"}
BUILT_ON = dict.fromkeys(UPPER, MIDDLE)
"""What each package may import besides itself and the ground: the files beside it."""
DOORS = {"__main__.py": MIDDLE | UPPER, "client/main.py": {"server"}}
"""The programs' entries, which lead to each other."""
LOUD = {"trio", "socket", "select", "selectors", "asyncio", "subprocess", "signal", "threading"}


def _imported(file: Path) -> Iterator[str]:
    """Yield the first component of what a file imports, wherever in it; ours with a dot before it."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            depth = len(file.relative_to(PACKAGE).parts)
            names = [node.module] if node.module else [alias.name for alias in node.names]
            if node.level in (0, depth):
                yield from ("." * bool(node.level) + name.split(".")[0] for name in names)


def _files(*packages: str) -> list[Path]:
    return [file for package in packages for file in sorted((PACKAGE / package).glob("*.py"))]


def test_imports_run_downwards() -> None:
    """A file imports from its own package and from those below it."""
    wrong = []
    for file in _files("", *MIDDLE, *UPPER):
        path = file.relative_to(PACKAGE)
        package = path.parts[0] if len(path.parts) > 1 else ""
        allowed = {package} | BUILT_ON.get(package, set()) | DOORS.get(str(path), set())
        above = {f".{name}" for name in (MIDDLE | UPPER) - allowed}
        wrong += [f"{path}: {name}" for name in _imported(file) if name in above]
    assert not wrong


def test_middle_floors_are_quiet() -> None:
    """The wire and the configuration know no event loop, no sockets, no processes."""
    assert not [(file, name) for file in _files(*MIDDLE) for name in _imported(file) if name in LOUD]

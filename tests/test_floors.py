"""The floors of the code: imports run downwards, the lower ones know no event loop and no sockets."""

import ast
from pathlib import Path

ROOT = Path(__file__).parent.parent / "k8psh"
FLOORS = ["", "wire", "config", "server", "client", "__main__"]
"""From the ground up; the ground is the modules of the package itself."""
TOPS = {"__main__", "runtime", "install", "import_trio"}
"""Modules of the package itself that use what lies above."""


def floor_of(module: str) -> int:
    """Return the floor that a module's dotted name below k8psh lies on."""
    first = module.split(".")[0]
    return FLOORS.index(first) if first in FLOORS else 0


def imports_of(path: Path) -> set[str]:
    """Return the dotted names that a module imports, those of k8psh as `k8psh.…`."""
    package = ("k8psh", *path.relative_to(ROOT).parent.parts)
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            names.add(".".join((*base, node.module)) if node.module else ".".join(base))
    return names


def test_imports_run_downwards() -> None:
    """No module imports one of a floor above its own; the client may ask the server's options."""
    for path in ROOT.rglob("*.py"):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        if module in TOPS:
            continue
        for name in imports_of(path):
            if name.startswith("k8psh."):
                assert floor_of(name.removeprefix("k8psh.")) <= floor_of(module), f"{module} imports {name}"


def test_wire_and_configuration_know_no_event_loop_and_no_sockets() -> None:
    """The protocol and the configuration can be tested, and thought about, without input and output."""
    forbidden = {"trio", "socket", "select", "asyncio", "threading", "subprocess", "signal"}
    for floor in ("wire", "config"):
        for path in (ROOT / floor).rglob("*.py"):
            assert not imports_of(path) & forbidden, path

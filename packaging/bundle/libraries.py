"""The shared libraries that programs need, and the loader, found as the system's own loader finds them."""

import re
import subprocess
from pathlib import Path

_LIBRARY = re.compile(r"\s*(?P<name>\S+) => (?P<path>not found|\S+)( \(0x[0-9a-f]+\))?$")
_LOADER = re.compile(r"\s*(?P<path>/\S*/ld-\S+\.so\.\d+) \(0x[0-9a-f]+\)$")


def find_libraries(tree: Path) -> tuple[Path, list[Path]]:
    """Return the system's loader and its libraries that the programs and libraries in `tree` need.

    Raises:
        OSError: ldd can't be executed, or a library isn't there.
    """
    loader = None
    libraries = {}
    there = {file.name for file in tree.rglob("*.so*")}
    for file in sorted(tree.rglob("*")):
        if not _is_elf(file):
            continue
        for line in _ldd(file):
            if found := _LOADER.match(line):
                loader = Path(found["path"])
            elif found := _LIBRARY.match(line):
                if found["path"] != "not found":
                    libraries[found["name"]] = Path(found["path"])
                elif found["name"] not in there:
                    raise FileNotFoundError(f"{file.name} needs {found['name']}, which isn't there")
    if loader is None:
        raise FileNotFoundError(f"nothing in {tree} names a loader")
    return loader, sorted(libraries.values())


def _ldd(file: Path) -> list[str]:
    result = subprocess.run(["/usr/bin/ldd", file], env={}, capture_output=True, text=True)
    return result.stdout.splitlines()  # nothing for a static program, which ldd says by its exit code


def _is_elf(file: Path) -> bool:
    if file.is_symlink() or not file.is_file():
        return False
    with file.open("rb") as opened:
        return opened.read(4) == b"\x7fELF"

"""What the bundle consists of: its list, `CONTENTS`, and the licences of its parts."""

import hashlib
import importlib.metadata
import platform
import shutil
import subprocess
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
LINKED_IN = ("musl-dev",)
"""Debian's packages of which parts are linked into the C programs."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """Something that others made, or we: `texts` are the files that hold its licence."""

    name: str
    version: str
    licence: str
    texts: tuple[Path, ...]


def write_contents(tree: Path, libraries: Iterable[Path]) -> None:
    """Write `CONTENTS` and `licenses/` into the bundle `tree`; the system's `libraries` were copied there."""
    parts = [_own(), _python(), *_distributions(tree / "runtime/lib"), *_debian_packages(libraries)]
    licenses = tree / "licenses"
    for part in parts:
        directory = licenses / part.name
        directory.mkdir(parents=True)
        for text in part.texts:
            shutil.copyfile(text, directory / text.name)
    lines = ["What this bundle consists of. The licences' texts are in licenses/NAME.", ""]
    lines += [f"{part.name} {part.version}: {part.licence}" for part in parts]
    lines += ["", "Files, by SHA-256:", "", *_files(tree), ""]
    (tree / "CONTENTS").write_text("\n".join(lines))


def _own() -> Part:
    version = {}
    exec((PROJECT / "k8psh/__init__.py").read_text(), version)  # noqa: S102 - our own file, one assignment
    return Part(name="k8psh", version=version["__version__"], licence="MIT", texts=(PROJECT / "LICENSE",))


def _python() -> Part:
    library = Path(sysconfig.get_path("stdlib"))
    candidates = [library / "LICENSE.txt", Path(f"/usr/share/doc/{library.name}/copyright")]
    return Part(
        name="python",
        version=platform.python_version(),
        licence="PSF-2.0",
        texts=tuple(text for text in candidates if text.exists())[:1],
    )


def _distributions(modules: Path) -> list[Part]:
    """Return the Python packages whose modules are in the directory, and what executes them."""
    packages = {entry.name.partition(".")[0] for entry in modules.iterdir()}
    owners = importlib.metadata.packages_distributions()
    names = {owners[package][0] for package in packages if package in owners}
    return [_distribution(name) for name in sorted({*names, "pyinstaller"} - {"k8psh"}, key=str.lower)]


def _distribution(name: str) -> Part:
    distribution = importlib.metadata.distribution(name)
    about = distribution.metadata
    files = distribution.files or []
    texts = [file for file in files if file.match("*.dist-info/**") or file.match("*.dist-info/licenses/*")]
    texts = [file for file in texts if file.name.upper().startswith(("LICEN", "COPYING", "NOTICE"))]
    return Part(
        name=name.lower(),
        version=distribution.version,
        licence=about.get("License-Expression") or about.get("License") or "see the text",
        texts=tuple(Path(str(file.locate())) for file in texts),
    )


def _debian_packages(libraries: Iterable[Path]) -> list[Part]:
    """Return the packages that the system's files come from; those of no package are listed by name."""
    packages = {_owner(library) for library in libraries} | set(LINKED_IN)
    return [_debian_package(package) for package in sorted(packages - {""})]


def _owner(library: Path) -> str:
    """Return the package of a file; empty where dpkg knows none."""
    for path in (library, library.resolve(), Path(str(library.resolve()).removeprefix("/usr"))):
        found = _output("dpkg-query", "--search", str(path))
        if found:
            return found.partition(":")[0]
    return ""


def _debian_package(package: str) -> Part:
    text = Path(f"/usr/share/doc/{package}/copyright")
    return Part(
        name=package,
        version=_output("dpkg-query", "--show", "--showformat=${Version}\n", package).split("\n")[0],
        licence="see the text",
        texts=(text,) if text.exists() else (),
    )


def _output(*command: str) -> str:
    if shutil.which(command[0]) is None:
        return ""
    return subprocess.run(command, capture_output=True, text=True).stdout


def _files(tree: Path) -> list[str]:
    lines = []
    for path in sorted(tree.rglob("*")):
        name = path.relative_to(tree)
        if path.is_symlink():
            lines.append(f"{'-> ' + str(path.readlink()):<64}  {name}")
        elif path.is_file():
            lines.append(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {name}")
    return lines

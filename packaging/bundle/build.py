"""Make `dist/k8psh`: the C program, and the Python runtime with its own loader and libraries.

    python packaging/bundle/build.py

The same sources, Python and packages give the same bytes; SOURCE_DATE_EPOCH is the files' time.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from contents import write_contents
from libraries import find_libraries

PROJECT = Path(__file__).resolve().parents[2]
SPECIFICATION = PROJECT / "packaging/bundle/k8psh.spec"
WORK = PROJECT / "build/bundle"
NATIVE = PROJECT / "build/native"
TARGET = PROJECT / "dist/k8psh"
LOADER = "ld-k8psh.so.1"
"""As PyInstaller's program recognizes a loader: `ld-NAME.so.N`; native/start.c executes it."""
FIRST_TIME = "315532800"
"""The first second of 1980 in UTC: the earliest that a zip archive can name."""


class BuildError(Exception):
    """The bundle can't be made; the text says why."""


def main() -> int:
    """Build; return the exit code."""
    try:
        build(TARGET)
    except (BuildError, OSError) as error:
        sys.stderr.write(f"bundle: {error}\n")
        return 1
    return 0


def build(target: Path) -> None:
    """Make the bundle at `target`, replacing what is there once the new one is whole.

    Raises:
        BuildError: PyInstaller failed, or what it made doesn't run.
    """
    shutil.rmtree(WORK, ignore_errors=True)
    tree = WORK / "k8psh"
    time = int(os.environ.setdefault("SOURCE_DATE_EPOCH", FIRST_TIME))
    _run_pyinstaller(WORK)
    _add_programs(tree / "bin")
    shutil.copytree(WORK / "runtime", tree / "runtime")
    origins = _add_libraries(tree / "runtime")
    write_contents(tree, origins)
    _make_uniform(tree, time)
    _check(tree)
    shutil.rmtree(target, ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    tree.rename(target)


def _run_pyinstaller(work: Path) -> None:
    environment = {
        **os.environ,
        "PYTHONHASHSEED": "0",  # else sets in constants are stored in another order each time
        "PYINSTALLER_CONFIG_DIR": str(work / "cache"),
    }
    command = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level=WARN"]
    command += [f"--distpath={work}", f"--workpath={work / 'work'}", str(SPECIFICATION)]
    _run(command, environment)


def _add_programs(directory: Path) -> None:
    directory.mkdir(parents=True)
    shutil.copy(NATIVE / "k8psh", directory / "k8psh")
    (directory / "k8pshd").symlink_to("k8psh")


def _add_libraries(runtime: Path) -> list[Path]:
    """Put the loader, and the libraries that PyInstaller leaves to the system, there.

    Return what in there is the system's, by where it came from.
    """
    shutil.copy(NATIVE / "start", runtime / "start")
    loader, libraries = find_libraries(runtime)
    shutil.copy(loader, runtime / LOADER)
    for library in libraries:
        if not (runtime / "lib" / library.name).exists():
            shutil.copy(library, runtime / "lib" / library.name)
    return [loader, *libraries]


def _make_uniform(tree: Path, time: int) -> None:
    """Give every file the mode that it needs, whatever the umask, and the same time."""
    for path in sorted(tree.rglob("*"), reverse=True):
        if not path.is_symlink():
            program = path.is_dir() or path.parent.name == "bin" or path.parent == tree / "runtime"
            path.chmod(0o755 if program else 0o644)
        os.utime(path, (time, time), follow_symlinks=False)
    tree.chmod(0o755)
    os.utime(tree, (time, time))


def _check(tree: Path) -> None:
    """Run both programs with an environment that would lead others astray."""
    for program in ("k8psh", "k8pshd"):
        _run([str(tree / "bin" / program), "--version"], {"LD_LIBRARY_PATH": "/nowhere", "PYTHONHOME": "/"})


def _run(command: list[str], environment: dict[str, str]) -> None:
    result = subprocess.run(
        command, cwd=PROJECT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if result.returncode:
        said = result.stdout + result.stderr
        raise BuildError(f"{' '.join(command)}: exit code {result.returncode}\n{said}")


if __name__ == "__main__":
    sys.exit(main())

"""A busybox that is linked with musl, built from Debian's source package by this machine's musl-gcc.

It stands for the distributions that are made so. Only what `busybox/config` lists is in it, which takes
seconds to build.
"""

import shutil
import subprocess
import tarfile
from pathlib import Path

from . import debian

CONFIGURATION = Path(__file__).with_name("busybox") / "config"
BUILD_TIMEOUT = 300
"""Seconds for one of make's goals; the build takes ten."""
ANSWERS = "\n" * 1000
"""The default, for each question that the configuration leaves open; there are some dozens."""


def build_busybox(source: Path, directory: Path) -> tuple[Path, list[str]]:
    """Build busybox in an empty directory and return its file and its applets' names.

    Args:
        source: The source package's upstream tar file.
        directory: Where it is unpacked and built.

    Raises:
        DebianError: The build failed.
    """
    with tarfile.open(source) as archive:
        # An argument since Python 3.11.4; Debian 12 has 3.11.2, whose only way is that of its own.
        archive.extraction_filter = getattr(tarfile, "tar_filter", None)
        archive.extractall(directory)  # noqa: S202 - signed by Debian, and filtered where that can be had
    [tree] = directory.iterdir()
    _run(["make", "--quiet", "allnoconfig"], tree)
    wanted = CONFIGURATION.read_text().splitlines()
    names = {line.partition("=")[0] for line in wanted}
    given = (tree / ".config").read_text().splitlines()
    kept = [line for line in given if not names & set(line.split()[1:2])]
    (tree / ".config").write_text("\n".join([*kept, *wanted, ""]))
    _run(["make", "--quiet", "oldconfig"], tree)
    _run(["make", "--quiet", "--jobs=2", "CC=musl-gcc", "busybox"], tree)
    return tree / "busybox", _run([str(tree / "busybox"), "--list"], tree).split()


def _run(command: list[str], directory: Path) -> str:
    if not shutil.which("musl-gcc"):
        raise debian.DebianError("musl-gcc isn't installed")
    try:
        result = subprocess.run(
            command, cwd=directory, input=ANSWERS, capture_output=True, text=True, timeout=BUILD_TIMEOUT
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise debian.DebianError(f"{' '.join(command)}: {error}") from None
    if result.returncode:
        raise debian.DebianError(f"{' '.join(command)}: exit code {result.returncode}\n{result.stderr}")
    return result.stdout

"""Puts the stub into the wheel, whose name then says for which machines it is.

The stub is static: it runs on any Linux of its machine, with glibc, musl or neither. Where it can't be
built, the wheel is for every machine, and its commands are stubs in Python.
"""

import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

STUB = "k8psh/_native/k8psh"
OLDEST = ("manylinux2014", "manylinux_2_17", "musllinux_1_1")
"""The oldest libraries that installers have names for; the stub needs none."""


class StubHook(BuildHookInterface[Any]):
    """hatchling's interface: `initialize` runs before the files of the wheel are collected."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the stub, and have it and its machine in the wheel; an editable installation has its own."""
        stub = Path(self.root) / "build/native/k8psh"
        can_build = sys.platform.startswith("linux") and shutil.which("musl-gcc") and shutil.which("make")
        if version == "editable" or not can_build:
            return
        subprocess.run(["make", "--quiet", f"--directory={self.root}/native"], check=True)  # noqa: S607
        build_data["force_include"][str(stub)] = STUB
        build_data["tag"] = f"py3-none-{'.'.join(f'{oldest}_{platform.machine()}' for oldest in OLDEST)}"
        build_data["pure_python"] = False

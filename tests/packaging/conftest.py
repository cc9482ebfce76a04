"""The bundle, built once from a copy of the sources, and volumes that only root can make."""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

BUILT_FROM = (
    ".gitignore",
    "LICENSE",
    "README.md",
    "k8psh",
    "native",
    "packaging",
    "pyproject.toml",
    "requirements.lock",
)
BUILD_SECONDS = 300


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs the bundle or a wheel, which take seconds to build."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def copy_sources(root: Path) -> Callable[[Path], Path]:
    """Return a function that copies what packages are built from: others may be editing the source tree."""

    def copy(target: Path) -> Path:
        target.mkdir(parents=True)
        for name in BUILT_FROM:
            source = root / name
            if source.is_dir():
                shutil.copytree(
                    source, target / name, ignore=shutil.ignore_patterns("__pycache__", "_native")
                )
            else:
                shutil.copy(source, target)
        return target

    return copy


@pytest.fixture(scope="session")
def run_tool() -> Callable[..., str]:
    """Return a function that runs a program which must succeed, and returns what it prints."""

    def run(*command: str | Path, **keywords: Any) -> str:
        result = subprocess.run(command, capture_output=True, text=True, timeout=BUILD_SECONDS, **keywords)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    return run


@pytest.fixture(scope="session")
def build_bundle(run_tool: Callable[..., str]) -> Callable[[Path], Path]:
    """Return a function that builds the bundle of a source tree."""
    if shutil.which("musl-gcc") is None or importlib.util.find_spec("PyInstaller") is None:
        pytest.skip("musl-gcc and PyInstaller build the bundle: make setup")

    def build(sources: Path) -> Path:
        run_tool("make", "--quiet", "-C", sources / "native")
        run_tool(sys.executable, sources / "packaging/bundle/build.py")
        return sources / "dist/k8psh"

    return build


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory, copy_sources: Callable[[Path], Path]) -> Path:
    """A copy of the sources."""
    directory = tmp_path_factory.mktemp("sources")
    directory.chmod(0o755)
    directory.parent.chmod(0o755)  # other users execute what is built here
    directory.parent.parent.chmod(0o755)
    return copy_sources(directory / "k8psh")


@pytest.fixture(scope="session")
def bundle(sources: Path, build_bundle: Callable[[Path], Path]) -> Path:
    """The bundle's directory."""
    return build_bundle(sources)


@pytest.fixture
def own_mounts(processes: Any) -> Callable[..., Any]:
    """Return a function that runs a shell script whose mounts are its own; skip where that can't be had."""
    unshare = ["unshare", "--mount"]
    if os.geteuid() != 0 or processes.run([*unshare, "true"]).code:
        pytest.skip("needs root that may mount")

    def run(script: str, **keywords: Any) -> Any:
        return processes.run([*unshare, "/bin/sh", "-euc", script], **keywords)

    return run

"""What users get, away from the source tree, against the conformance suite: the bundle, and the wheel."""

import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SUITE_SECONDS = 1200


@pytest.fixture
def conforms(root: Path) -> Callable[[Path], None]:
    """Return a function that runs the conformance suite with the programs of a directory; see INSTALLED."""

    def run(programs: Path) -> None:
        suite = [sys.executable, "-m", "pytest", "-q", "-m", "not slow", "-p", "no:cacheprovider"]
        result = subprocess.run(
            [*suite, root / "tests/conformance"],
            cwd=root,
            env={**os.environ, "K8PSH_TEST_INSTALLED": str(programs)},
            capture_output=True,
            text=True,
            timeout=SUITE_SECONDS,
        )
        assert result.returncode == 0, result.stdout[-20_000:] + result.stderr[-2_000:]

    return run


def lay_out(directory: Path, *, python: tuple[Path, Path], native: tuple[Path, Path]) -> Path:
    """Return a directory of programs as the suite expects it: each pair is k8psh and k8pshd."""
    for name, programs in (("python", python), ("native", native)):
        (directory / name).mkdir(parents=True)
        for program, target in zip(("k8psh", "k8pshd"), programs, strict=True):
            (directory / name / program).symlink_to(target)
    return directory


def test_the_bundle_conforms(
    bundle: Path, tmp_path: Path, run_tool: Callable[..., str], conforms: Callable[[Path], None]
) -> None:
    """The bundle's stub and its Python, client and server, pass the suite."""
    client = tmp_path / "client"
    start = f'-DSTART="{bundle / "runtime/start"}"'
    run_tool("musl-gcc", "-static", "-D_GNU_SOURCE", start, "-o", client, HERE / "python_client.c")
    own = (bundle / "bin/k8psh", bundle / "bin/k8pshd")
    conforms(lay_out(tmp_path / "programs", python=(client, client), native=own))


@pytest.fixture(scope="session")
def packages(sources: Path, run_tool: Callable[..., str]) -> Path:
    """The directory with the wheel and the source archive."""
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", sources / "packages"]
    run_tool(*build, sources, cwd=sources.parent)
    return sources / "packages"


def test_the_wheel_holds_the_stub(packages: Path) -> None:
    """The wheel is for Linux on this machine with any libc, and its stub can be executed."""
    machine = os.uname().machine
    [wheel] = packages.glob("*.whl")
    tags = wheel.name.removesuffix(".whl").split("-")[2:]
    assert tags[:2] == ["py3", "none"]
    assert set(tags[2].split(".")) >= {f"manylinux_2_17_{machine}", f"musllinux_1_1_{machine}"}
    with zipfile.ZipFile(wheel) as archive:
        assert archive.getinfo("k8psh/_native/k8psh").external_attr >> 16 & 0o111 == 0o111


def test_the_source_archive_has_what_it_is_built_from(packages: Path) -> None:
    """The source archive has the stub's sources and the hooks, and nothing that was built."""
    [path] = packages.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"native/main.c", "packaging/wheel_hook.py", "LICENSE", "k8psh/__main__.py"} <= names
    assert not [name for name in names if name.startswith(("build/", "dist/", "k8psh/_native"))]


def test_the_wheel_conforms(
    packages: Path,
    root: Path,
    tmp_path: Path,
    run_tool: Callable[..., str],
    conforms: Callable[[Path], None],
) -> None:
    """Installed by pip in an empty environment, the Python programs and the wheel's stub pass the suite."""
    environment = tmp_path / "environment"
    run_tool(sys.executable, "-m", "venv", environment)
    [wheel] = packages.glob("*.whl")
    pip = [environment / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run_tool(*pip, f"--constraint={root / 'requirements.lock'}", wheel, cwd=tmp_path)
    [stub] = environment.glob("lib/python3.*/site-packages/k8psh/_native/k8psh")
    python = (environment / "bin/k8psh", environment / "bin/k8pshd")
    conforms(lay_out(tmp_path / "programs", python=python, native=(stub, python[1])))

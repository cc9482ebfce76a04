"""test/k8s/build-matrix.yaml: one run of cmake and ninja builds Lua for three C libraries."""

import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from pods import PROJECT
from pods.manifest import read_manifest
from pods.podman import Podman

pytestmark = pytest.mark.pod

MANIFEST = PROJECT / "test/k8s/build-matrix.yaml"
BUILD_TIMEOUT = 400
"""Seconds: three builds of Lua take 20 where the machine does nothing else."""
PROGRAM = "print(_VERSION, 7 // 2, string.format('%.3f', math.pi)) os.exit(3)"


@dataclass(frozen=True, kw_only=True)
class Toolchain:
    """What is expected of a toolchain's results: the C library, the loader, where they can run."""

    library: str
    loader: str
    image: str


TOOLCHAINS = {
    "bookworm": Toolchain(library="glibc 2.36", loader="ld-linux", image="k8psh-test-toolchain"),
    "bullseye": Toolchain(library="glibc 2.31", loader="ld-linux", image="k8psh-test-toolchain-bullseye"),
    # The image of the compiler has both C libraries; this one has only musl.
    "musl": Toolchain(library="musl", loader="ld-musl", image="k8psh-test-musl"),
}


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """A build that is over: where the results are, what was printed, and every container's exit code."""

    results: Path
    output: str
    exit_codes: Mapping[str, int]


@pytest.fixture(scope="module")
def matrix(podman: Podman, tmp_path_factory: pytest.TempPathFactory) -> Matrix:
    """Return the build by the manifest as it is."""
    results = tmp_path_factory.mktemp("matrix") / "results"
    with podman.play(MANIFEST) as pod:
        exit_codes = {name: pod.wait(name, BUILD_TIMEOUT) for name in ("build", *TOOLCHAINS)}
        if exit_codes["build"] == 0:
            shutil.copytree(pod.volume("workspace") / "matrix", results)
        return Matrix(results=results, output=pod.logs("build"), exit_codes=exit_codes)


@pytest.fixture(params=TOOLCHAINS)
def name(request: pytest.FixtureRequest) -> str:
    """Return each toolchain's name in turn."""
    return str(request.param)


def run_in(podman: Podman, image: str, matrix: Matrix, *command: str) -> subprocess.CompletedProcess[str]:
    """Run one of the results in a container of an image, by its path below the results."""
    return podman.attempt(
        *("run", "--rm", "--network=none", f"--volume={matrix.results}:/results:ro", "--workdir=/results"),
        *(f"localhost/{image}", *command),
    )


def test_the_build_succeeds(matrix: Matrix) -> None:
    """The build and, ended by it, the three servers have exit code 0; the results ran in their containers."""
    assert matrix.exit_codes == dict.fromkeys(("build", *TOOLCHAINS), 0), matrix.output
    lines = [f"{name}: Lua 5.4 with {toolchain.library}" for name, toolchain in TOOLCHAINS.items()]
    assert matrix.output.splitlines()[-3:] == lines


def test_cmake_took_every_tool_from_the_toolchain(matrix: Matrix, name: str) -> None:
    """The compiler and its friends, found by the prefix, are the stubs of one server."""
    cache = (matrix.results / name / "CMakeCache.txt").read_text()
    tools = dict(re.findall(r"^CMAKE_(C_COMPILER|AR|NM|OBJDUMP|RANLIB|STRIP):\w+=(.*)$", cache, re.M))
    friends = {
        tool: f"/k8psh/exe/{name}-{tool.lower()}" for tool in ("AR", "NM", "OBJDUMP", "RANLIB", "STRIP")
    }
    assert tools == friends | {"C_COMPILER": f"/k8psh/exe/{name}-gcc"}


def test_cmake_ran_its_tests_where_the_library_is(matrix: Matrix, name: str) -> None:
    """The toolchain's programs were run by its server, and passed."""
    report = (matrix.results / name / "Testing/Temporary/LastTest.log").read_text()
    assert f'"/k8psh/exe/{name}-run" "/workspace/matrix/{name}/libc"' in report
    assert report.count("Test Passed.") == 2


def test_each_result_links_its_c_library(matrix: Matrix, name: str) -> None:
    """The loader is the C library's, and no symbol is of a later version than the toolchain's."""
    command = ["readelf", "--wide", "--program-headers", "--version-info", f"{matrix.results}/{name}/lua"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert TOOLCHAINS[name].loader in text
    versions = {(int(major), int(minor)) for major, minor in re.findall(r"GLIBC_(\d+)\.(\d+)", text)}
    library, _, version = TOOLCHAINS[name].library.partition(" ")
    assert bool(versions) == (library == "glibc")
    assert all(found <= tuple(map(int, version.split("."))) for found in versions)


def test_each_result_runs_in_its_own_container(podman: Podman, matrix: Matrix, name: str) -> None:
    """Lua runs where its C library is, with output and exit code, as does the program that embeds it."""
    result = run_in(podman, TOOLCHAINS[name].image, matrix, f"{name}/lua", "-e", PROGRAM)
    assert (result.returncode, result.stdout, result.stderr) == (3, "Lua 5.4\t3\t3.142\n", "")
    result = run_in(podman, TOOLCHAINS[name].image, matrix, f"{name}/libc")
    assert (result.returncode, result.stdout) == (0, f"Lua 5.4 with {TOOLCHAINS[name].library}\n")


@pytest.mark.parametrize(
    ("name", "where", "message"),
    [("bookworm", "bullseye", "GLIBC_2.34' not found"), ("bookworm", "musl", ""), ("musl", "bullseye", "")],
)
def test_no_result_runs_where_its_library_is_not(
    podman: Podman, matrix: Matrix, name: str, where: str, message: str
) -> None:
    """What is built for a newer or another C library doesn't start: the matrix is needed."""
    result = run_in(podman, TOOLCHAINS[where].image, matrix, f"{name}/lua", "-v")
    assert result.returncode in (1, 127)
    assert message in result.stderr


def test_the_example_configuration_is_the_manifests() -> None:
    """config/build-matrix.yaml and the manifest's ConfigMap say the same."""
    text = read_manifest(MANIFEST).document("ConfigMap")["data"]["k8psh.yaml"]
    assert yaml.safe_load(text) == yaml.safe_load((PROJECT / "config/build-matrix.yaml").read_text())

"""test/k8s/test.yaml: one container builds Lua with the compiler of another."""

import filecmp
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from pods import PROJECT
from pods.manifest import Manifest, read_manifest
from pods.podman import Podman

pytestmark = pytest.mark.pod

MANIFEST = PROJECT / "test/k8s/test.yaml"
PROGRAM = "print(_VERSION, 7 // 2, string.rep('k8psh ', 3)) os.exit(3)"
BROKEN = "int answer(void) { return missing; }\n"


@dataclass(frozen=True, kw_only=True)
class Build:
    """A build that is over: the source tree, what was printed, and the exit code."""

    tree: Path
    output: str
    exit_code: int


def build_in_pod(podman: Podman, manifest: Manifest, directory: Path) -> Build:
    """Build by the manifest's Pod; both of its containers end, the server with exit code 0."""
    # Two streams would reach the container's log by two pipes, in no certain order.
    [script] = manifest.container("build")["args"]
    manifest.container("build")["args"] = [f"exec 2>&1\n{script}"]
    with podman.play(manifest.write(directory / "pod.yaml")) as pod:
        exit_code = pod.wait("build")
        assert pod.wait("toolchain", timeout=20) == 0, pod.logs("toolchain")
        tree = Path(shutil.copytree(pod.volume("workspace") / "lua", directory / "lua"))
        return Build(tree=tree, output=pod.logs("build"), exit_code=exit_code)


def build_locally(podman: Podman, directory: Path, script: str) -> Build:
    """Build in one container: the toolchain's, with a copy of the other image's make and sources."""
    run = ("run", "--rm", "--network=none", f"--volume={directory}:/workspace", "--workdir=/workspace")
    copy = "cp /usr/bin/make .; cp -R /usr/src/lua5.4 lua"
    podman.run(*run, "localhost/k8psh-test-build", "sh", "-ec", copy)
    result = podman.attempt(
        *run,
        "--env=PATH=/usr/bin:/bin:/workspace",
        "localhost/k8psh-test-toolchain",
        *("sh", "-ec", f"exec 2>&1; cd lua; {script}"),
    )
    return Build(tree=directory / "lua", output=result.stdout, exit_code=result.returncode)


@pytest.fixture(scope="module")
def in_pod(podman: Podman, tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Return the build by the manifest as it is."""
    return build_in_pod(podman, read_manifest(MANIFEST), tmp_path_factory.mktemp("pod"))


@pytest.fixture(scope="module")
def locally(podman: Podman, tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Return the same build without k8psh."""
    return build_locally(podman, tmp_path_factory.mktemp("local"), "make linux")


def test_the_pod_builds_and_runs_lua(in_pod: Build) -> None:
    """The Pod's build succeeds and the program it built prints what it should."""
    assert in_pod.exit_code == 0, in_pod.output
    assert in_pod.output.endswith("Lua 5.4 built and run in a Pod: 2 3 5 7\n")


def test_the_pod_builds_the_same_bytes(in_pod: Build, locally: Build) -> None:
    """Every file that the Pod's build left is the local build's, byte for byte."""
    assert locally.exit_code == 0, locally.output
    names = {path.relative_to(locally.tree) for path in locally.tree.rglob("*") if path.is_file()}
    assert {path.relative_to(in_pod.tree) for path in in_pod.tree.rglob("*") if path.is_file()} == names
    built = {name.name for name in names if name.suffix in (".o", ".a", "")}
    assert built >= {"lua", "luac", "liblua.a", "lapi.o", "lvm.o"}
    assert len([name for name in built if name.endswith(".o")]) >= 30
    different = [n for n in names if not filecmp.cmp(in_pod.tree / n, locally.tree / n, shallow=False)]
    assert not different


def test_the_pod_prints_what_a_local_build_prints(in_pod: Build, locally: Build) -> None:
    """The build's lines are those of a local build, followed by the program's one."""
    assert in_pod.output.splitlines()[:-1] == locally.output.splitlines()


def test_the_built_program_behaves_like_the_local_one(podman: Podman, in_pod: Build, locally: Build) -> None:
    """Both programs print the same and end with the same exit code."""
    results = [
        podman.attempt(
            *("run", "--rm", "--network=none", f"--volume={build.tree}:/lua:ro"),
            *("localhost/k8psh-test-build", "/lua/src/lua", "-e", PROGRAM),
        )
        for build in (in_pod, locally)
    ]
    assert results[0].stdout == results[1].stdout == "Lua 5.4\t3\tk8psh k8psh k8psh \n"
    assert [result.returncode for result in results] == [3, 3]


def test_a_failing_compile_fails_make_as_it_does_locally(podman: Podman, tmp_path: Path) -> None:
    """A source that doesn't compile ends the build with the local build's message and exit code."""
    script = f"echo '{BROKEN.strip()}' >> src/lapi.c; make linux"
    manifest = read_manifest(MANIFEST)
    container = manifest.container("build")
    container["args"] = [container["args"][0].replace("make linux", script)]
    (tmp_path / "local").mkdir()
    local = build_locally(podman, tmp_path / "local", script)
    assert local.exit_code == 2
    assert "'missing' undeclared" in local.output
    build = build_in_pod(podman, manifest, tmp_path)
    assert (build.exit_code, build.output) == (local.exit_code, local.output)

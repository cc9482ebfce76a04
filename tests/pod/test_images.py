"""What is in the images of the containers, and what isn't: no compiler in the build's, no Python in any."""

import os
import re
from pathlib import Path

import pytest
from pods import PROJECT
from pods.manifest import read_manifest
from pods.podman import Podman

pytestmark = pytest.mark.pod

TOOLS = re.compile(r"(.*-)?(gcc|g\+\+|cc|c99|cpp|cc1|as|ld|ld\.bfd|gold|ar|ranlib|clang|tcc)(-[\d.]+)?")
PYTHON = re.compile(r"(lib)?python\d.*|.*\.py[co]?")
DATA = "usr/share"
"""Below it are no programs, but files that are executable by mistake."""


def files_of(podman: Podman, image: str) -> set[Path]:
    """Return the files of an image, relative to its root, without those that belong to no program."""
    container = podman.run("create", "--network=none", f"localhost/{image}", "true").strip()
    root = Path(podman.run("mount", container).strip())
    found = (Path(directory, name) for directory, _, names in os.walk(root) for name in names)
    paths = {path.relative_to(root) for path in found}
    podman.run("rm", container)
    return {path for path in paths if not path.is_relative_to(DATA)}


def tools_of(podman: Podman, image: str) -> set[str]:
    """Return the names of all that could be a compiler, an assembler, a linker or an archiver."""
    return {path.name for path in files_of(podman, image) if TOOLS.fullmatch(path.name)}


def test_the_build_image_has_no_compiler(podman: Podman) -> None:
    """The build's image has make, cmake and ninja, but nothing that they would call to compile."""
    assert not tools_of(podman, "k8psh-test-build")
    assert {Path("usr/bin", name) for name in ("make", "cmake", "ninja")} <= files_of(
        podman, "k8psh-test-build"
    )


@pytest.mark.parametrize("suffix", ["", "-bullseye", "-musl"])
def test_the_toolchains_have_compilers(podman: Podman, suffix: str) -> None:
    """What the build's image hasn't got is found by the same search in the toolchains' images."""
    assert {"gcc", "cc1", "as", "ld", "ar"} <= tools_of(podman, f"k8psh-test-toolchain{suffix}")


def test_no_image_has_python(podman: Podman) -> None:
    """The manifests' containers run k8psh without Python; only the image that brings k8psh holds any."""
    manifests = [read_manifest(file) for file in (PROJECT / "test/k8s").glob("*.yaml")]
    images = {image for manifest in manifests for image in manifest.images()}
    have = {image for image in images if any(PYTHON.fullmatch(path.name) for path in files_of(podman, image))}
    assert have == {"k8psh"}


def test_the_scratch_image_is_one_file(podman: Podman) -> None:
    """Besides what every container is given, it holds a busybox."""
    given = {"dev", "etc", "proc", "run", "sys"}
    files = {path for path in files_of(podman, "k8psh-test-scratch") if path.parts[0] not in given}
    assert files == {Path("bin/busybox")}


def test_the_musl_image_has_one_c_library(podman: Podman) -> None:
    """Its only library is musl, by its own name and as a loader."""
    names = {path.name for path in files_of(podman, "k8psh-test-musl") if path.parts[0] in ("lib", "usr")}
    assert "libc.so" in names
    assert {name for name in names if not name.startswith("ld-musl-")} == {"libc.so"}

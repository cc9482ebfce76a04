"""The images of the Pods' containers, each made once and kept under `build/images`."""

import contextlib
import fcntl
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Collection, Iterator, Mapping
from fnmatch import fnmatch
from pathlib import Path

from . import BUILD, PROJECT, debian
from .musl import build_busybox
from .podman import Podman, PodmanError, private_podman
from .table import BASE_OF_K8PSH, TABLE, Image, keys

IMAGES = BUILD / "images"
STORE = IMAGES / "store"
SOURCES = IMAGES / "sources"
WHEELS = BUILD / "wheels"
PATH = "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@contextlib.contextmanager
def podman_with_images(needed: Collection[str] = ()) -> Iterator[Podman]:
    """Yield a private podman that has the images of the table, and `k8psh` built from this source tree.

    Args:
        needed: The names of those that have to be made first if they are outdated; none names all.

    Raises:
        PodmanError: podman is missing or failed.
        DebianError: What the images are made of can't be fetched.
    """
    IMAGES.mkdir(parents=True, exist_ok=True)
    with (IMAGES / "lock").open("w") as lock:
        # Those that use the images keep others from changing them meanwhile.
        fcntl.flock(lock, fcntl.LOCK_SH)
        if _outdated(_wanted(needed)):
            fcntl.flock(lock, fcntl.LOCK_EX)
            _make_outdated(lock.fileno(), _wanted(needed))
            fcntl.flock(lock, fcntl.LOCK_SH)
        with private_podman(images=[STORE], keep_open=[lock.fileno()]) as podman:
            yield podman


def _wanted(needed: Collection[str]) -> dict[str, str]:
    """Return the keys of the needed images, and of the one that `k8psh` is built in; none names all."""
    own = keys()
    missing = set(needed) - own.keys()
    if missing:
        raise PodmanError(f"no image called {', '.join(sorted(missing))} is made here")
    return {name: key for name, key in own.items() if not needed or name in {*needed, BASE_OF_K8PSH}}


def _outdated(wanted: Mapping[str, str]) -> dict[str, Path]:
    """Return the outdated or missing images, and the file for the key of each."""
    files = {name: IMAGES / f"{name}.key" for name in wanted}
    return {
        name: file for name, file in files.items() if not file.exists() or file.read_text() != wanted[name]
    }


def _make_outdated(lock: int, wanted: Mapping[str, str]) -> None:
    images = {image.name: image for image in TABLE}
    with private_podman(kept=STORE, keep_open=[lock]) as podman:
        for name, file in _outdated(wanted).items():
            sys.stderr.write(f"making the image {name} ...\n")
            file.unlink(missing_ok=True)
            if name in images:
                _make(podman, images[name])
            else:
                _build(podman)
            podman.run("image", "prune", "--force")
            file.write_text(wanted[name])


def _make(podman: Podman, image: Image) -> None:
    packages, root = podman.state / "packages.tar", podman.state / "root.tar"
    debian.make_root(packages, image.suite, image.packages)
    if image.only:
        _filter(packages, root, image.only)
    else:
        packages.rename(root)
    with tarfile.open(root, "a") as archive:
        for package in image.sources:
            _add_source(archive, image, package)
        for tree in image.trees:
            archive.add(PROJECT / tree, f"./usr/src/{Path(tree).name}", filter=_by_root)
        if image.busybox:
            _add_busybox(archive, image)
    podman.run("import", "--change", PATH, root, f"localhost/{image.name}", timeout=600)
    root.unlink()


def _filter(packages: Path, root: Path, patterns: tuple[str, ...]) -> None:
    """Move those members of a tar file that match one of the patterns to a new one."""
    with tarfile.open(packages) as given, tarfile.open(root, "w") as kept:
        for member in given:
            if any(fnmatch(member.name, f"./{pattern}") for pattern in patterns):
                kept.addfile(member, given.extractfile(member) if member.isfile() else None)
    packages.unlink()


def _add_busybox(archive: tarfile.TarFile, image: Image) -> None:
    source = debian.fetch_source("busybox", image.suite, SOURCES)
    with tempfile.TemporaryDirectory(dir=BUILD) as directory:
        program, applets = build_busybox(source, Path(directory))
        archive.add(program, "./bin/busybox", filter=_by_root)
    for applet in applets:
        link = tarfile.TarInfo(f"./bin/{applet}")
        link.type, link.linkname = tarfile.SYMTYPE, "busybox"
        archive.addfile(link)


def _add_source(archive: tarfile.TarFile, image: Image, package: str) -> None:
    with tarfile.open(debian.fetch_source(package, image.suite, SOURCES)) as source:
        for member in source:
            content = source.extractfile(member) if member.isfile() else None
            member.name = "/".join(["./usr/src", package, *Path(member.name).parts[1:]])
            archive.addfile(_by_root(member), content)


def _by_root(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    return member


def _build(podman: Podman) -> None:
    """Build `k8psh`, and `k8psh-debug`, from this project's Dockerfile and the wheels that it needs."""
    make_wheels()
    build = ["build", "--network=none", f"--build-arg=BASE=localhost/{BASE_OF_K8PSH}"]
    build += ["--build-arg=PIP=--no-index --find-links=wheels"]
    podman.run(*build, "--tag=localhost/k8psh", PROJECT, timeout=600)
    podman.run(*build, "--tag=localhost/k8psh-debug", "--target=debug", PROJECT, timeout=600)


def make_wheels() -> None:
    """Leave the wheels of what the bundle is made of and by, for Debian 12's Python, in `build/wheels`.

    Raises:
        PodmanError: pip failed.
    """
    WHEELS.mkdir(parents=True, exist_ok=True)
    for wheel in WHEELS.glob("*.whl"):
        wheel.unlink()
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "download"]
    pip += ["--only-binary=:all:", "--python-version=3.11", f"--dest={WHEELS}"]
    _pip([*pip, f"--constraint={PROJECT / 'requirements.lock'}", "pyinstaller", "pyyaml", "trio"])


def _pip(command: list[str]) -> None:
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600)
    if result.returncode:
        raise PodmanError(f"{' '.join(command)}: exit code {result.returncode}\n{result.stderr}")

"""The images of the Pods' containers: each one line of a table, made once and kept under `build/images`.

`python3 packaging/images.py` writes them as files that `docker load` and `ctr images import` read.
"""

import contextlib
import fcntl
import hashlib
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from . import BUILD, PROJECT, debian
from .podman import Podman, PodmanError, private_podman

IMAGES = BUILD / "images"
STORE = IMAGES / "store"
SOURCES = IMAGES / "sources"
WHEELS = BUILD / "wheels"
PATH = "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
BASE_OF_K8PSH = "k8psh-base"
BASE = ("base-files", "libc6", "dash", "coreutils")


@dataclass(frozen=True, kw_only=True)
class Image:
    """A root filesystem of Debian packages.

    `sources` are source packages and `trees` directories of this project: each lies in the image's
    `/usr/src`, a package unpacked and by its name.
    """

    name: str
    packages: tuple[str, ...]
    suite: str = "bookworm"
    sources: tuple[str, ...] = ()
    trees: tuple[str, ...] = ()

    def key(self) -> str:
        """Return a text that changes whenever the image must be made anew."""
        digest = hashlib.sha256(repr(self).encode())
        for tree in self.trees:
            digest.update(_files_digest(sorted((PROJECT / tree).rglob("*"))))
        return digest.hexdigest()[:16]


# Until the stubs and the server are native, every container carries Python 3.11 for them.
PYTHON = ("python3",)
BUILDER = (
    "bash",
    "binutils",
    "gcc",
    "libc-bin",
    "libc6-dev",
    "libpython3-dev",
    "make",
    "musl-tools",
    "python3-venv",
)
"""What the Dockerfile's build stage would otherwise fetch."""
TABLE = (
    Image(name=BASE_OF_K8PSH, packages=(*BASE, *BUILDER)),
    Image(name="k8psh-test-toolchain", packages=(*BASE, *PYTHON, "binutils", "gcc", "libc6-dev")),
    Image(
        name="k8psh-test-build",
        packages=(*BASE, *PYTHON, "make"),
        sources=("lua5.4",),
        trees=("examples/demo",),
    ),
)


@contextlib.contextmanager
def podman_with_images() -> Iterator[Podman]:
    """Yield a private podman that has every image of the table, and `k8psh` built from this source tree.

    Raises:
        PodmanError: podman is missing or failed.
        DebianError: What the images are made of can't be fetched.
    """
    IMAGES.mkdir(parents=True, exist_ok=True)
    with (IMAGES / "lock").open("w") as lock:
        # Those that use the images keep others from changing them meanwhile.
        fcntl.flock(lock, fcntl.LOCK_SH)
        if _outdated(keys()):
            fcntl.flock(lock, fcntl.LOCK_EX)
            _make_outdated(lock.fileno())
            fcntl.flock(lock, fcntl.LOCK_SH)
        with private_podman(images=[STORE], keep_open=[lock.fileno()]) as podman:
            yield podman


def keys() -> dict[str, str]:
    """Return for every image a text that changes when the image must be made anew."""
    own = {image.name: image.key() for image in TABLE}
    trees = [tree for name in ("k8psh", "native", "packaging/bundle") for tree in (PROJECT / name).rglob("*")]
    parts = [PROJECT / "requirements.lock", PROJECT / "Dockerfile", *sorted(trees)]
    files = [part for part in parts if part.parent.name != "__pycache__"]
    digest = hashlib.sha256(own[BASE_OF_K8PSH].encode() + _files_digest(files))
    return own | {"k8psh": digest.hexdigest()[:16]}


def _outdated(wanted: Mapping[str, str]) -> dict[str, Path]:
    """Return the outdated or missing images, and the file for the key of each."""
    files = {name: IMAGES / f"{name}.key" for name in wanted}
    return {
        name: file for name, file in files.items() if not file.exists() or file.read_text() != wanted[name]
    }


def _make_outdated(lock: int) -> None:
    wanted = keys()
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
    tar = podman.state / "root.tar"
    debian.make_root(tar, image.suite, image.packages)
    with tarfile.open(tar, "a") as archive:
        for package in image.sources:
            _add_source(archive, image, package)
        for tree in image.trees:
            archive.add(PROJECT / tree, f"./usr/src/{Path(tree).name}", filter=_by_root)
    podman.run("import", "--change", PATH, tar, f"localhost/{image.name}", timeout=600)
    tar.unlink()


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
    """Build the image `k8psh` from this project's Dockerfile and the wheels it names."""
    make_wheels()
    podman.run(
        "build",
        "--network=none",
        "--no-cache",  # podman doesn't notice when what is mounted in a step has changed
        f"--build-arg=BASE=localhost/{BASE_OF_K8PSH}",
        "--build-arg=PIP=--no-index --find-links=wheels",
        "--tag=localhost/k8psh",
        PROJECT,
        timeout=600,
    )


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


def _files_digest(files: list[Path]) -> bytes:
    digest = hashlib.sha256()
    for file in files:
        if file.is_file():
            digest.update(os.fsencode(file.relative_to(PROJECT)) + b"\0")
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.digest()

"""The images of the Pods' containers, a line for each: what is in it, and when it is outdated."""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from . import PROJECT

BASE_OF_K8PSH = "k8psh-base"
BASE = ("base-files", "libc6", "dash", "coreutils")
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
MUSL = (
    "lib/ld-musl-*.so.1",
    "lib/*-linux-musl/libc.so",
    "usr/lib/ld-musl-*.so.1",
    "usr/lib/*-linux-musl/libc.so",
)
"""The loader and the library, which are one file by two names, of Debian's package."""


@dataclass(frozen=True, kw_only=True)
class Image:
    """A root filesystem of Debian packages.

    Attributes:
        name: The image's.
        packages: With everything that they depend on.
        suite: The Debian release that they are from.
        only: Patterns of the packages' files; nothing else of them is there. Empty: all is.
        busybox: Whether there is a busybox that is linked with musl, and a link for each of its applets.
        sources: Source packages: each lies unpacked, and by its name, in `/usr/src`.
        trees: Directories of this project that lie in `/usr/src`.
    """

    name: str
    packages: tuple[str, ...]
    suite: str = "bookworm"
    only: tuple[str, ...] = ()
    busybox: bool = False
    sources: tuple[str, ...] = ()
    trees: tuple[str, ...] = ()

    def key(self) -> str:
        """Return a text that changes whenever the image must be made anew."""
        digest = hashlib.sha256(repr(self).encode())
        trees = [*self.trees, *(["packaging/pods/busybox"] if self.busybox else [])]
        for tree in trees:
            digest.update(files_digest((PROJECT / tree).rglob("*")))
        return digest.hexdigest()[:16]


TABLE = (
    Image(name=BASE_OF_K8PSH, packages=(*BASE, *BUILDER)),
    Image(name="k8psh-test-toolchain", packages=(*BASE, "binutils", "gcc", "libc6-dev")),
    Image(
        name="k8psh-test-toolchain-bullseye",
        packages=(*BASE, "binutils", "gcc", "libc6-dev"),
        suite="bullseye",
    ),
    # Debian's gcc for another C library: it is the results that are musl's.
    Image(name="k8psh-test-toolchain-musl", packages=(*BASE, "binutils", "gcc", "musl-tools")),
    Image(
        name="k8psh-test-build",
        packages=(*BASE, "cmake", "make", "ninja-build"),
        sources=("lua5.4",),
        trees=("examples/demo", "examples/build-matrix"),
    ),
    Image(name="k8psh-test-scratch", packages=("busybox-static",), only=("bin/busybox",)),
    Image(name="k8psh-test-musl", packages=("musl",), only=MUSL, busybox=True),
)


def keys() -> dict[str, str]:
    """Return for every image, also the one of k8psh, a text that changes when it must be made anew."""
    own = {image.name: image.key() for image in TABLE}
    trees = [tree for name in ("k8psh", "native", "packaging/bundle") for tree in (PROJECT / name).rglob("*")]
    parts = [PROJECT / "requirements.lock", PROJECT / "Dockerfile", *trees]
    # What is built into the source tree isn't part of the image.
    files = [part for part in parts if part.parent.name not in ("__pycache__", "_native")]
    digest = hashlib.sha256(own[BASE_OF_K8PSH].encode() + files_digest(files))
    return own | {"k8psh": digest.hexdigest()[:16]}


def files_digest(paths: Iterable[Path]) -> bytes:
    """Return a digest of the names and contents of those paths, all in this project, that are files."""
    digest = hashlib.sha256()
    for file in sorted(paths):
        if file.is_file():
            digest.update(os.fsencode(file.relative_to(PROJECT)) + b"\0")
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.digest()

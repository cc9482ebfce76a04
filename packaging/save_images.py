"""Make the images of the manifests in test/k8s and save each as a file that a cluster can load.

`docker load`, `kind load image-archive`, `minikube image load` and `ctr --namespace k8s.io images import`
read them; each has the name that the manifests use.
"""

import argparse
import sys
from pathlib import Path

from pods import BUILD
from pods.debian import DebianError
from pods.images import podman_with_images
from pods.podman import PodmanError, why_not
from pods.table import BASE_OF_K8PSH, keys

REGISTRY = "docker.io/library"
"""What a name without a registry means to a cluster."""


def main() -> int:
    """Save the images, name the files, and return the exit code."""
    parser = argparse.ArgumentParser(prog="save_images", description=__doc__)
    parser.add_argument("directory", nargs="?", type=Path, default=BUILD / "images", help="for the files")
    directory: Path = parser.parse_args().directory
    try:
        if reason := why_not():
            raise PodmanError(reason)
        save(directory)
    except (PodmanError, DebianError) as error:
        sys.stderr.write(f"save_images: {error}\n")
        return 1
    return 0


def save(directory: Path) -> None:
    """Save every image that a manifest names; raise PodmanError or DebianError where that fails."""
    directory.mkdir(parents=True, exist_ok=True)
    with podman_with_images() as podman:
        for name in keys():
            if name != BASE_OF_K8PSH:
                file = directory / f"{name}.tar"
                file.unlink(missing_ok=True)
                podman.run("tag", f"localhost/{name}", f"{REGISTRY}/{name}")
                podman.run("save", f"--output={file}", f"{REGISTRY}/{name}:latest", timeout=600)
                sys.stdout.write(f"{file}\n")


if __name__ == "__main__":
    sys.exit(main())

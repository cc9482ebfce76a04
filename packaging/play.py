"""Bring up a manifest's Pod on this machine, without a cluster, and show what its containers print.

The exit code is that of the first container that fails, in the manifest's order.
"""

import argparse
import sys
from pathlib import Path

from pods.debian import DebianError
from pods.images import podman_with_images
from pods.kubelet import sidecars
from pods.manifest import read_manifest
from pods.podman import PodmanError, why_not


def main() -> int:
    """Play the manifest that the command line names, and return the exit code."""
    parser = argparse.ArgumentParser(prog="play", description=__doc__)
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--timeout", type=float, default=600, metavar="SECONDS", help="for each container")
    arguments = parser.parse_args()
    try:
        if reason := why_not():
            raise PodmanError(reason)
        return play(arguments.manifest, arguments.timeout)
    except (PodmanError, DebianError) as error:
        sys.stderr.write(f"play: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130


def play(file: Path, timeout: float) -> int:
    """Bring the Pod up, print each container's output when it has ended, and return the exit code.

    Raises:
        PodmanError, DebianError: The Pod doesn't come up, or a container runs on after `timeout` seconds.
    """
    manifest = read_manifest(file)
    names = [container["name"] for container in manifest.containers()]
    own = sidecars(manifest)
    codes = []
    with podman_with_images(manifest.images()) as podman, podman.play(file) as pod:
        # As in a cluster, sidecars end when the others have.
        for name in sorted(names, key=own.__contains__):
            if not podman.exists(f"{pod.name}-{name}"):
                continue  # one for initialisation; it has ended well
            codes.append(pod.stop(name) if name in own else pod.wait(name, timeout))
            for line in pod.logs(name).splitlines():
                sys.stdout.write(f"[{name}] {line}\n")
            sys.stdout.write(f"[{name}] exit code {codes[-1]}\n")
    return next((code for code in codes if code), 0)


if __name__ == "__main__":
    sys.exit(main())

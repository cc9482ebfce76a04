"""What a cluster's kubelet does for a Pod and podman doesn't: emptyDir for every user, native sidecars."""

import os
from copy import deepcopy
from pathlib import Path

from .manifest import Manifest

SETGID = 0o2000


def translate(manifest: Manifest, volumes: Path) -> Manifest:
    """Return a manifest that podman plays as a kubelet plays the given one.

    - Each emptyDir is a directory below `volumes`, made here, that every user may write to. With `fsGroup` it
      and what is made in it belongs to that group. (podman would give it to one container's user.)
    - A native sidecar, an init container with `restartPolicy: Always`, is one of the ordinary containers.
      They don't wait for its startup probe, and it doesn't end by itself: see `sidecars`.
    """
    translated = Manifest(documents=deepcopy(manifest.documents))
    specification = translated.document("Pod")["spec"]
    group = specification.get("securityContext", {}).get("fsGroup")
    for volume in specification.get("volumes", []):
        if "emptyDir" in volume:
            del volume["emptyDir"]
            directory = _make_volume(volumes / volume["name"], group)
            volume["hostPath"] = {"path": str(directory), "type": "Directory"}
    own = sidecars(translated)
    initial = specification.pop("initContainers", [])
    if rest := [container for container in initial if container["name"] not in own]:
        specification["initContainers"] = rest
    moved = [container for container in initial if container["name"] in own]
    for container in moved:
        del container["restartPolicy"]
        container.pop("startupProbe", None)
    specification["containers"][:0] = moved
    return translated


def sidecars(manifest: Manifest) -> list[str]:
    """Return the native sidecars' names; a kubelet ends them once the ordinary containers have ended."""
    initial = manifest.document("Pod")["spec"].get("initContainers", [])
    return [container["name"] for container in initial if container.get("restartPolicy") == "Always"]


def _make_volume(directory: Path, group: int | None) -> Path:
    directory.mkdir(parents=True)
    if group is not None:
        os.chown(directory, -1, group)
    directory.chmod(0o777 | (SETGID if group is not None else 0))
    return directory

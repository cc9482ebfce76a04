"""Pod manifests as data, so that a test can change what one says without keeping a copy of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The documents of a manifest, free to be changed."""

    documents: list[dict[str, Any]]

    def write(self, file: Path) -> Path:
        """Write the manifest to `file` and return that."""
        file.write_text(yaml.safe_dump_all(self.documents, sort_keys=False))
        return file

    def document(self, kind: str) -> dict[str, Any]:
        """Return the first document of a kind; raise StopIteration where there is none."""
        return next(document for document in self.documents if document["kind"] == kind)

    def containers(self) -> Iterator[dict[str, Any]]:
        """Yield every container of the Pod, those for its initialisation first."""
        specification = self.document("Pod")["spec"]
        yield from specification.get("initContainers", [])
        yield from specification["containers"]

    def container(self, name: str) -> dict[str, Any]:
        """Return the container called `name`; raise StopIteration where there is none."""
        return next(container for container in self.containers() if container["name"] == name)

    def images(self) -> set[str]:
        """Return the images that the containers are of."""
        return {container["image"] for container in self.containers()}


def read_manifest(file: Path) -> Manifest:
    """Read a manifest of one or more documents."""
    return Manifest(documents=list(yaml.safe_load_all(file.read_text())))

"""Every manifest in test/k8s names what there is: images, volumes, servers."""

from pathlib import Path

import pytest
from pods import PROJECT
from pods.manifest import Manifest, read_manifest
from pods.table import BASE_OF_K8PSH, keys

from k8psh.config.load import load

FILES = sorted((PROJECT / "test/k8s").glob("*.yaml"))


@pytest.fixture(params=FILES, ids=lambda file: file.name)
def manifest(request: pytest.FixtureRequest) -> Manifest:
    """Return each manifest in turn."""
    return read_manifest(request.param)


def test_there_are_manifests() -> None:
    """The directory that users are told of isn't empty."""
    assert FILES


def test_the_images_are_made_here(manifest: Manifest) -> None:
    """Each container's image is one that this project makes, and isn't looked for elsewhere first."""
    assert manifest.images() <= keys().keys() - {BASE_OF_K8PSH}
    assert {container["imagePullPolicy"] for container in manifest.containers()} == {"IfNotPresent"}


def test_the_volumes_exist(manifest: Manifest) -> None:
    """Each volume that a container mounts is defined, and each one that is defined is mounted."""
    mounted = {mount["name"] for container in manifest.containers() for mount in container["volumeMounts"]}
    assert mounted == {volume["name"] for volume in manifest.document("Pod")["spec"]["volumes"]}


def test_the_configuration_loads(manifest: Manifest, tmp_path: Path) -> None:
    """The configuration has no problem and no warning, and its servers are containers of the Pod."""
    [(name, text)] = manifest.document("ConfigMap")["data"].items()
    (tmp_path / name).write_text(text)
    loaded = load(str(tmp_path / name), {})
    assert not loaded.warnings
    servers = {server.name for server in loaded.configuration.servers}
    assert servers <= {container["name"] for container in manifest.containers()}

"""Manifests are translated for podman to what a kubelet would have made of them."""

import stat
from pathlib import Path

import pytest
from pods.kubelet import sidecars, translate
from pods.manifest import Manifest

PROBE = {"exec": {"command": ["/k8psh/bin/k8psh", "--probe", "server"]}}


@pytest.fixture
def manifest() -> Manifest:
    """Return a manifest with a container for initialisation, a sidecar, an ordinary one, and two volumes."""
    specification = {
        "initContainers": [
            {"name": "first"},
            {"name": "sidecar", "restartPolicy": "Always", "startupProbe": PROBE},
        ],
        "containers": [{"name": "main"}],
        "volumes": [{"name": "shared", "emptyDir": {}}, {"name": "text", "configMap": {"name": "text"}}],
    }
    return Manifest(documents=[{"kind": "ConfigMap"}, {"kind": "Pod", "spec": specification}])


def test_a_sidecar_is_an_ordinary_container(manifest: Manifest, tmp_path: Path) -> None:
    """The sidecar comes before the others, without what podman doesn't know; the rest stays in its place."""
    specification = translate(manifest, tmp_path).document("Pod")["spec"]
    assert specification["initContainers"] == [{"name": "first"}]
    assert specification["containers"] == [{"name": "sidecar"}, {"name": "main"}]


def test_only_containers_that_restart_are_sidecars(manifest: Manifest) -> None:
    """What makes a container for initialisation a sidecar is its own restart policy."""
    assert sidecars(manifest) == ["sidecar"]


def test_no_container_for_initialisation_is_left(manifest: Manifest, tmp_path: Path) -> None:
    """Where all were sidecars, the key goes as well."""
    del manifest.document("Pod")["spec"]["initContainers"][0]
    assert "initContainers" not in translate(manifest, tmp_path).document("Pod")["spec"]


def test_every_user_may_write_to_a_volume(manifest: Manifest, tmp_path: Path) -> None:
    """An emptyDir is an empty directory of its own, with all permissions; other volumes stay as they are."""
    volumes = translate(manifest, tmp_path / "volumes").document("Pod")["spec"]["volumes"]
    directory = tmp_path / "volumes" / "shared"
    assert volumes[0] == {"name": "shared", "hostPath": {"path": str(directory), "type": "Directory"}}
    assert volumes[1] == {"name": "text", "configMap": {"name": "text"}}
    assert stat.S_IMODE(directory.stat().st_mode) == 0o777
    assert not list(directory.iterdir())


def test_a_volume_belongs_to_the_group_of_the_pod(manifest: Manifest, tmp_path: Path) -> None:
    """With fsGroup what is made in the volume has its group."""
    group = tmp_path.stat().st_gid
    manifest.document("Pod")["spec"]["securityContext"] = {"fsGroup": group}
    translate(manifest, tmp_path)
    status = (tmp_path / "shared").stat()
    assert (stat.S_IMODE(status.st_mode), status.st_gid) == (0o2777, group)


def test_the_given_manifest_stays_as_it_is(manifest: Manifest, tmp_path: Path) -> None:
    """Translating changes nothing of the manifest that a user would apply."""
    before = repr(manifest)
    translate(manifest, tmp_path)
    assert repr(manifest) == before

"""test/k8s/sidecar.yaml: the toolchain is a native sidecar, by its shape and, translated, by podman."""

import subprocess
import sys
import time
from typing import Any

import pytest
from pods import PROJECT
from pods.manifest import read_manifest
from pods.podman import Pod, Podman

MANIFEST = PROJECT / "test/k8s/sidecar.yaml"
PRIMES = "The primes below 50: 2 3 5 7 11 13 17 19 23 29 31 37 41 43 47"


@pytest.fixture
def specification() -> dict[str, Any]:
    """Return what the manifest says about its Pod."""
    result: dict[str, Any] = read_manifest(MANIFEST).document("Pod")["spec"]
    return result


def test_the_toolchain_is_a_native_sidecar(specification: dict[str, Any]) -> None:
    """It is the last of the init containers, after k8psh's installation, and restarts; nothing else does."""
    policies = [(c["name"], c.get("restartPolicy")) for c in specification["initContainers"]]
    assert policies == [("install", None), ("sources", None), ("toolchain", "Always")]
    assert [container["name"] for container in specification["containers"]] == ["build"]
    assert "restartPolicy" not in specification["containers"][0]
    assert specification["restartPolicy"] == "Never"


def test_the_probe_is_of_the_installed_program(specification: dict[str, Any]) -> None:
    """The startup probe executes what the first container installs, and asks for the sidecar's own server."""
    install, _, toolchain = specification["initContainers"]
    probe = toolchain["startupProbe"]
    assert set(probe) <= {"exec", "periodSeconds", "failureThreshold", "timeoutSeconds"}
    assert probe["exec"] == {"command": [install["args"][1], "--probe", "toolchain"]}
    assert {"name": "K8PSH_NAME", "value": "toolchain"} in toolchain["env"]


@pytest.mark.pod
@pytest.mark.usefixtures("podman")
def test_the_sidecar_ends_after_the_build() -> None:
    """The build prints its result; the sidecar, ended by SIGTERM after it, has exit code 0."""
    command = [sys.executable, str(PROJECT / "packaging/play.py"), str(MANIFEST)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[-2:] == ["[build] exit code 0", "[toolchain] exit code 0"]
    assert lines[-3].endswith(PRIMES)


@pytest.mark.pod
def test_the_probe_tells_whether_the_sidecar_is_serving(
    podman: Podman, specification: dict[str, Any]
) -> None:
    """It answers 0 soon after the start; for a server that isn't there it answers 1, with a line."""
    probe = specification["initContainers"][2]["startupProbe"]
    with podman.play(MANIFEST) as pod:
        assert serving_after_seconds(pod, probe["exec"]["command"]) <= probe["failureThreshold"]
        other = pod.execute("toolchain", *probe["exec"]["command"][:-1], "build")
        assert (other.returncode, other.stderr.count("\n")) == (1, 1)
        assert other.stderr.startswith("k8psh: ")


def serving_after_seconds(pod: Pod, command: list[str]) -> int:
    """Ask as a kubelet does, every second, and return how many times were needed; at most a minute long."""
    for times in range(60):
        if pod.execute("toolchain", *command).returncode == 0:
            return times
        time.sleep(1)
    raise AssertionError(pod.logs("toolchain"))

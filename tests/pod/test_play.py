"""packaging/play.py shows what the containers of a Pod print, and ends as they do."""

import subprocess
import sys
from pathlib import Path

import pytest
from pods import PROJECT

pytestmark = [pytest.mark.pod, pytest.mark.usefixtures("podman")]

POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: played
spec:
  restartPolicy: Never
  initContainers:
  - {{name: first, image: k8psh-test-build, command: [sh, -c, "{first}"]}}
  containers:
  - {{name: good, image: k8psh-test-build, command: [echo, fine]}}
  - {{name: bad, image: k8psh-test-build, command: [sh, -c, "echo one; exit 7"]}}
"""


def play(directory: Path, first: str) -> subprocess.CompletedProcess[str]:
    """Play a Pod whose container for initialisation runs a script."""
    manifest = directory / "pod.yaml"
    manifest.write_text(POD.format(first=first))
    command = [sys.executable, str(PROJECT / "packaging/play.py"), str(manifest)]
    return subprocess.run(command, capture_output=True, text=True, timeout=600)


def test_output_and_exit_codes_are_shown(tmp_path: Path) -> None:
    """Each line bears its container's name, and the first exit code that isn't 0 is the program's."""
    result = play(tmp_path, "true")
    lines = ["[good] fine", "[good] exit code 0", "[bad] one", "[bad] exit code 7"]
    assert result.stdout.splitlines() == lines
    assert result.returncode == 7


def test_a_pod_that_does_not_come_up_says_why(tmp_path: Path) -> None:
    """Where initialisation fails, what its container wrote is said, without a traceback."""
    result = play(tmp_path, "echo no place; exit 3")
    assert result.returncode == 1
    assert result.stderr.startswith("play: podman kube play ")
    assert "played-first wrote:\nno place\n" in result.stderr
    assert "Traceback" not in result.stderr


def test_an_unknown_image_is_named(tmp_path: Path) -> None:
    """An image that isn't made here can't be fetched either: it is named before anything is brought up."""
    (tmp_path / "pod.yaml").write_text(POD.format(first="true").replace("k8psh-test-build", "no-such-image"))
    command = [sys.executable, str(PROJECT / "packaging/play.py"), str(tmp_path / "pod.yaml")]
    result = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert (result.returncode, result.stderr) == (1, "play: no image called no-such-image is made here\n")

"""Nothing stays behind of a private podman, whatever way its user ended."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from pods import PROJECT, cleaner
from pods.cleaner import CGROUPS, GROUP_OF_PODS, mounts_below
from pods.podman import Podman

pytestmark = pytest.mark.pod

POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: cleaning
spec:
  restartPolicy: Never
  containers:
  - name: sleeper
    image: k8psh-test-build
    command: [sleep, "600"]
    volumeMounts:
    - {name: scratch, mountPath: /scratch}
  volumes:
  - name: scratch
    emptyDir: {}
"""
USER = """\
import sys
sys.path.insert(0, sys.argv[1])
from pods.images import STORE
from pods.podman import private_podman
with private_podman(images=[STORE]) as podman:
    manifest = podman.state / "pod.yaml"
    manifest.write_text(sys.argv[2])
    with podman.play(manifest) as pod:
        process = podman.run("inspect", "--format={{.State.Pid}}", "cleaning-sleeper").strip()
        print(podman.state, process, podman.run("pod", "ps", "--quiet", "--no-trunc").strip(), flush=True)
        sys.stdin.read()
"""


class User:
    """A process with a podman and a Pod of its own."""

    def __init__(self) -> None:
        command = [sys.executable, "-c", USER, str(PROJECT / "packaging"), POD]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        state, container, self.pod = self.process.stdout.readline().split()
        self.state = Path(state)
        self.others = [int(container), guard_of(self.state)]

    def assert_nothing_left(self) -> None:
        """Assert that its processes, directory, mounts and control groups go away."""
        for pid in self.others:
            wait_until_gone(pid)
        assert not mounts_below(self.state)
        assert not self.state.exists()
        assert not list(CGROUPS.glob(f"*/{GROUP_OF_PODS}/{self.pod}"))


def guard_of(state: Path) -> int:
    """Return the process that cleans a private directory."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue  # it has ended meanwhile
        if os.fsencode(cleaner.__file__) in command and os.fsencode(state) in command:
            return int(process.name)
    raise AssertionError(f"no process guards {state}")


def wait_until_gone(pid: int) -> None:
    """Wait until a process that isn't a child of this one has ended."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    ended, _, _ = select.select([descriptor], [], [], 60)
    os.close(descriptor)
    assert ended, f"process {pid} is still there"


@pytest.mark.usefixtures("podman")
def test_nothing_is_left_after_an_ordinary_end() -> None:
    """A user that ends by itself leaves no process, mount, directory or control group."""
    user = User()
    assert mounts_below(user.state)
    user.process.communicate()
    assert user.process.returncode == 0
    user.assert_nothing_left()


@pytest.mark.usefixtures("podman")
@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_after_an_interruption(signal_number: signal.Signals) -> None:
    """A user that is ended by a signal leaves no process, mount, directory or control group."""
    user = User()
    user.process.send_signal(signal_number)
    user.process.communicate()
    user.assert_nothing_left()


def test_a_volume_starts_empty(podman: Podman, tmp_path: Path) -> None:
    """A Pod's emptyDir doesn't hold the files of an earlier Pod's of the same name."""
    manifest = tmp_path / "pod.yaml"
    manifest.write_text(POD)
    for _ in range(2):
        with podman.play(manifest) as pod:
            assert not list(pod.volume("scratch").iterdir())
            (pod.volume("scratch") / "left").touch()

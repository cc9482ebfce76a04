"""Remove everything that podman made in a private directory, whatever way its user ended.

Run as a process of its own, it waits for the end of its standard input, which its parent holds: the parent's
exit, also by KILL, closes it. So a test that is interrupted leaves no container, mount or cgroup behind.
"""

import contextlib
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
GROUP_OF_PODS = "libpod_parent"
REMOVED_PODS = "removed-pods"
"""The file of the private directory that holds the ids of those Pods that podman doesn't know any more."""
PODMAN = "podman"
UMOUNT = "umount"
MONITOR_TIMEOUT = 5
"""Seconds for a container's monitor to end after its container; it usually takes a tenth of one."""
GROUP_TIMEOUT = 10
GROUP_INTERVAL = 0.05
"""Seconds for process 1 to reap a container's processes, and between two attempts."""
PODMAN_TIMEOUT = 60
"""Seconds for podman to remove a run's pods: it kills without a grace period, so this means it is stuck."""


def clean(state: Path, storage: Path) -> None:
    """Remove the containers and mounts of `storage`, then the directory `state` with everything in it."""
    pods = _podman("pod", "ps", "--quiet", "--no-trunc").split()
    remove_pods(_podman, pods)
    with contextlib.suppress(OSError):
        pods += (state / REMOVED_PODS).read_text().split()
    _podman("container", "rm", "--all", "--force", "--time=0")
    for place in (storage, state):
        for mount in mounts_below(place):
            subprocess.run([UMOUNT, "--lazy", mount], capture_output=True)
    shutil.rmtree(state, ignore_errors=True)
    _remove_groups(pods)


def remove_pods(podman: Callable[..., str], pods: Sequence[str]) -> None:
    """Kill and remove Pods; `podman` runs podman with its arguments and returns its standard output."""
    for pod in pods:
        containers = podman("ps", "--all", "--quiet", f"--filter=pod={pod}").split()
        monitors = podman("inspect", "--format={{.State.ConmonPid}}", *containers).split()
        podman("pod", "kill", pod)
        # While a container's monitor is in the Pod's control group, podman can't remove that, and tries again
        # only after seconds.
        for monitor in monitors:
            _wait_for_process(int(monitor))
        podman("pod", "rm", "--force", "--time=0", pod)


def _podman(*arguments: str) -> str:
    command = [PODMAN, *arguments]
    with contextlib.suppress(subprocess.TimeoutExpired, OSError):
        result = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PODMAN_TIMEOUT
        )
        return result.stdout
    return ""


def _wait_for_process(process: int) -> None:
    """Wait until a process has ended, or the time for it is over."""
    try:
        descriptor = os.pidfd_open(process)
    except OSError:
        return  # it has ended, or never was: a container that wasn't started says 0
    select.select([descriptor], [], [], MONITOR_TIMEOUT)
    os.close(descriptor)


def _remove_groups(pods: list[str]) -> None:
    """Remove the control groups that podman leaves, at once or as soon as they are empty.

    It leaves some where a machine has both versions of control groups. An ended process belongs to its group
    until process 1 has reaped it, which nothing tells of.
    """
    deadline = time.monotonic() + GROUP_TIMEOUT
    while _try_to_remove_groups(pods) and time.monotonic() < deadline:
        time.sleep(GROUP_INTERVAL)
    for parent in CGROUPS.glob(f"*/{GROUP_OF_PODS}"):
        # Only empty ones can be removed, so those that another podman uses stay.
        for group in (parent / "conmon", parent):
            with contextlib.suppress(OSError):
                group.rmdir()


def _try_to_remove_groups(pods: list[str]) -> bool:
    """Remove those groups of the Pods that are empty; return whether some are left."""
    left = False
    for top in (group for pod in pods for group in CGROUPS.glob(f"*/{GROUP_OF_PODS}/{pod}")):
        for group, _, _ in os.walk(top, topdown=False):
            with contextlib.suppress(OSError):
                os.rmdir(group)
        left = left or top.exists()
    return left


def mounts_below(directory: Path) -> list[str]:
    """Return the mount points at or below `directory`, the deepest first."""
    prefix = os.path.realpath(directory)
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    # mountinfo writes a blank as \040; see proc(5).
    plain = [point.encode().decode("unicode_escape") for point in points]
    return sorted((p for p in plain if p == prefix or p.startswith(prefix + "/")), key=len, reverse=True)


if __name__ == "__main__":
    sys.stdin.buffer.read()
    clean(Path(sys.argv[1]), Path(sys.argv[2]))

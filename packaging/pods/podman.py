"""podman with a storage of its own, and the Pods that it brings up from manifests."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import BUILD, cleaner
from .kubelet import sidecars, translate
from .manifest import read_manifest

CONTAINERS_CONF = """\
[containers]
# Raising a limit is refused where CAP_SYS_RESOURCE is missing, so name limits that are lower.
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
log_driver = "k8s-file"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
# crun refuses machines with both versions of cgroups.
runtime = "runc"
tmp_dir = "{state}/tmp"
[network]
network_config_dir = "{state}/networks"
"""
STORAGE_CONF = """\
[storage]
driver = "overlay"
graphroot = "{storage}"
runroot = "{state}/run"
[storage.options]
additionalimagestores = [{images}]
"""
CAP_SYS_ADMIN = 21
"""The bit of the capability to mount; see capability.h."""


class PodmanError(Exception):
    """podman failed, or isn't there; the text is what it said."""


def why_not() -> str:
    """Return why there can be no Pods for this user, however much is installed; empty if there can be."""
    if os.geteuid() != 0:
        return "Pods by podman need root"
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:") and not int(line.split()[1], 16) >> CAP_SYS_ADMIN & 1:
            return "Pods by podman need CAP_SYS_ADMIN: this root may not mount"
    return ""


@dataclass(frozen=True, kw_only=True)
class Podman:
    """One podman: `state` is the private directory of its run, `environment` what makes podman use it."""

    state: Path
    environment: Mapping[str, str]

    def run(self, *arguments: str | Path, timeout: float = 120) -> str:
        """Run podman and return its standard output.

        Args:
            arguments: podman's.
            timeout: Seconds after which it counts as stuck.

        Raises:
            PodmanError: Its exit code isn't 0, or it is stuck.
        """
        result = self.attempt(*arguments, timeout=timeout)
        if result.returncode:
            what = " ".join(map(str, arguments))
            raise PodmanError(f"podman {what}: exit code {result.returncode}\n{result.stderr}")
        return result.stdout

    def attempt(self, *arguments: str | Path, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run podman and return its result, whatever the exit code; raise PodmanError where it is stuck."""
        try:
            return subprocess.run(
                [cleaner.PODMAN, *arguments],
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                errors="surrogateescape",
                timeout=timeout,
            )
        except subprocess.TimeoutExpired:
            raise PodmanError(f"podman {arguments[0]}: not finished after {timeout} s") from None

    def exists(self, container: str) -> bool:
        """Return whether there is a container of that name, running or not."""
        return self.attempt("container", "exists", container).returncode == 0

    def logs(self, container: str) -> str:
        """Return what a container has written to standard output and standard error, in order."""
        result = subprocess.run(
            [cleaner.PODMAN, "logs", container],
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            errors="surrogateescape",
            timeout=60,
        )
        return result.stdout

    @contextlib.contextmanager
    def play(self, manifest: Path) -> Iterator["Pod"]:
        """Bring a manifest's Pod up, without a network but the Pod's own loopback, and at the end down.

        Its init containers have ended well when the block is entered.

        Raises:
            PodmanError: The Pod doesn't come up.
        """
        pods = self._pod_ids()
        directory = Path(tempfile.mkdtemp(prefix="play-", dir=self.state))
        directory.chmod(0o755)  # any user's container works on the volumes below
        try:
            given = read_manifest(manifest)
            translated = translate(given, directory / "volumes")
            self._bring_up(translated.write(directory / "pod.yaml"))
            [identity] = self._pod_ids() - pods
            name = self.run("pod", "inspect", "--format={{.Name}}", identity).strip()
            yield Pod(podman=self, name=name, volumes=directory / "volumes", sidecars=sidecars(given))
        finally:
            for identity in self._pod_ids() - pods:
                self._remove_pod(identity)
            shutil.rmtree(directory)

    def _bring_up(self, manifest: Path) -> None:
        """Bring a Pod up, or raise PodmanError with what its containers wrote."""
        before = self._container_names()
        try:
            self.run("kube", "play", "--network=none", manifest)
        except PodmanError as error:
            names = sorted(self._container_names() - before)
            logs = "".join(f"\n{name} wrote:\n{self.logs(name)}" for name in names if "infra" not in name)
            raise PodmanError(f"{error}{logs}") from None

    def _container_names(self) -> set[str]:
        return set(self.run("ps", "--all", "--format={{.Names}}").split())

    def _remove_pod(self, identity: str) -> None:
        with (self.state / cleaner.REMOVED_PODS).open("a") as file:
            file.write(f"{identity}\n")
        cleaner.remove_pods(self._output, [identity])

    def _output(self, *arguments: str) -> str:
        return self.attempt(*arguments).stdout

    def _pod_ids(self) -> set[str]:
        return set(self.run("pod", "ps", "--quiet", "--no-trunc").split())


@dataclass(frozen=True, kw_only=True)
class Pod:
    """A Pod that is up."""

    podman: Podman
    name: str
    volumes: Path
    sidecars: Sequence[str]

    def wait(self, container: str, timeout: float = 120) -> int:
        """Wait at most `timeout` seconds until a container has ended, and return its exit code.

        Raises:
            PodmanError: It runs on; the text holds what it wrote so far.
        """
        try:
            return int(self.podman.run("wait", f"{self.name}-{container}", timeout=timeout))
        except PodmanError as error:
            raise PodmanError(f"{error}\n{container} wrote:\n{self.logs(container)}") from None

    def stop(self, container: str, grace: int = 30) -> int:
        """End a container by SIGTERM, after `grace` seconds by SIGKILL, and return its exit code."""
        self.podman.run("stop", f"--time={grace}", f"{self.name}-{container}")
        return self.wait(container)

    def logs(self, container: str) -> str:
        """Return what a container has written to standard output and standard error, in order."""
        return self.podman.logs(f"{self.name}-{container}")

    def execute(self, container: str, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in a container that is up, as `kubectl exec` does, and return its result."""
        return self.podman.attempt("exec", f"{self.name}-{container}", *command)

    def volume(self, name: str) -> Path:
        """Return where an emptyDir's files lie."""
        return self.volumes / name


@contextlib.contextmanager
def private_podman(
    *, images: Sequence[Path] = (), kept: Path | None = None, keep_open: Sequence[int] = ()
) -> Iterator[Podman]:
    """Yield a podman that shares nothing with the machine's, and remove all its traces at the end.

    Args:
        images: Storages whose images it may use but not change.
        kept: Where its images are kept, for one process at a time; without it they go at the end.
        keep_open: Descriptors that stay open until the traces are removed, for example a lock.

    Raises:
        PodmanError: podman isn't installed.
    """
    for program in ("podman", "runc", "catatonit"):
        if not shutil.which(program) and not Path("/usr/libexec/podman", program).exists():
            raise PodmanError(f"{program} isn't installed")
    BUILD.mkdir(exist_ok=True)
    if kept:
        # A storage remembers the directories that it was first used with.
        state, storage = kept.with_suffix(".run"), kept
        state.mkdir(exist_ok=True)
    else:
        state = Path(tempfile.mkdtemp(prefix="podman-", dir=BUILD))
        storage = state / "storage"
    names = ", ".join(f'"{store}"' for store in images)
    (state / "containers.conf").write_text(CONTAINERS_CONF.format(state=state))
    (state / "storage.conf").write_text(STORAGE_CONF.format(state=state, storage=storage, images=names))
    files = {
        "CONTAINERS_CONF": f"{state}/containers.conf",
        "CONTAINERS_STORAGE_CONF": f"{state}/storage.conf",
    }
    environment = dict(os.environ) | files
    guard = subprocess.Popen(
        [sys.executable, "-I", cleaner.__file__, state, storage],
        stdin=subprocess.PIPE,
        env=environment,
        pass_fds=keep_open,
        start_new_session=True,
    )
    try:
        yield Podman(state=state, environment=environment)
    finally:
        guard.communicate()

"""test/k8s/restricted.yaml: servers on an empty root, musl, Debian 11 and 12, none of them privileged."""

from collections.abc import Iterator
from subprocess import CompletedProcess

import pytest
from pods import PROJECT
from pods.manifest import Manifest, read_manifest
from pods.podman import Pod, Podman

pytestmark = pytest.mark.pod

MANIFEST = PROJECT / "test/k8s/restricted.yaml"
SERVERS = {"scratch": 1001, "musl": 1002, "bullseye": 1003, "bookworm": 1004}
"""The servers and their users."""
GROUP = 2000
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
WAIT = "busybox sleep 600"


def direct(manifest: Manifest) -> None:
    """Leave all but the build as it is: on the direct lane, each container with its own processes."""


def relay(manifest: Manifest) -> None:
    """Let everybody call by TCP, and the build do so."""
    data = manifest.document("ConfigMap")["data"]
    lines = data["k8psh.yaml"].splitlines(keepends=True)
    data["k8psh.yaml"] = "".join(line for line in lines if "allow:" not in line)
    manifest.container("build")["env"].append({"name": "K8PSH_LANE", "value": "relay"})


def shared_processes(manifest: Manifest) -> None:
    """Let all containers see each other's processes; then no server is process 1."""
    manifest.document("Pod")["spec"]["shareProcessNamespace"] = True


@pytest.fixture(scope="module", params=[direct, relay, shared_processes], ids=lambda change: change.__name__)
def pod(
    request: pytest.FixtureRequest, podman: Podman, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pod]:
    """Yield the Pod with stubs, whose build waits for what a test has executed there."""
    manifest = read_manifest(MANIFEST)
    build = manifest.container("build")
    # The servers live on: what ends them belongs to the script's end.
    stubs = [line for line in build["args"][0].splitlines() if "executable-directory" in line]
    build["args"] = ["\n".join([*stubs, ">ready", WAIT])]
    request.param(manifest)
    with podman.play(manifest.write(tmp_path_factory.mktemp("pod") / "pod.yaml")) as pod:
        wait_for_stubs(pod)
        yield pod


def wait_for_stubs(pod: Pod) -> None:
    """Wait until the build has written its stubs."""
    script = "for second in $(busybox seq 30); do [ ! -e ready ] || exit 0; busybox sleep 1; done; exit 1"
    assert pod.execute("build", "busybox", "sh", "-c", script).returncode == 0, pod.logs("build")


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> str:
    """Return each server's name in turn."""
    return str(request.param)


def call(pod: Pod, server: str, script: str) -> CompletedProcess[str]:
    """Run a shell script of the build, in which `run` calls a program of the server."""
    prefix = f"{server}-run busybox" if server == "scratch" else f"{server}-run"
    definition = f'umask 002; PATH=/k8psh/exe:$PATH; run() {{ {prefix} "$@"; }}'
    return pod.execute("build", "busybox", "sh", "-c", f"{definition}\n{script}")


def test_the_manifest_runs_as_it_is(podman: Podman) -> None:
    """A program that one server has linked runs on all, and every container ends with exit code 0."""
    with podman.play(MANIFEST) as pod:
        exit_codes = {name: pod.wait(name) for name in ("build", *SERVERS)}
        output = pod.logs("build")
    assert exit_codes == dict.fromkeys(("build", *SERVERS), 0), output
    starts = [f"{server}: Compiled by gcc 12" for server in SERVERS]
    assert [line[: len(start)] for line, start in zip(output.splitlines(), starts, strict=True)] == starts


def test_exit_codes_and_errors_arrive(pod: Pod, server: str) -> None:
    """A command's exit code and what it says on standard error are the stub's."""
    result = call(pod, server, "run sh -c 'echo out; echo wrong >&2; exit 7'")
    assert (result.returncode, result.stdout, result.stderr) == (7, "out\n", "wrong\n")


def test_signals_arrive(pod: Pod, server: str) -> None:
    """The stub dies by the signal that its command died by."""
    assert call(pod, server, "run sh -c 'kill -TERM $$'; exit $?").returncode == 128 + 15


def test_streams_are_whole(pod: Pod, server: str) -> None:
    """Four MiB through a command come out again."""
    script = "busybox dd if=/dev/zero bs=65536 count=64 2>/dev/null | run cat | busybox wc -c"
    assert call(pod, server, script).stdout == f"{4 << 20}\n"


def test_each_server_has_its_own_user(pod: Pod, server: str) -> None:
    """What a server makes is its user's, and all may change it."""
    assert call(pod, server, "run id -u").stdout == f"{SERVERS[server]}\n"
    result = call(pod, server, f"run touch made-by-{server} && echo more >>made-by-{server}")
    assert (result.returncode, result.stderr) == (0, "")
    status = (pod.volume("workspace") / f"made-by-{server}").stat()
    assert (status.st_uid, status.st_gid) == (SERVERS[server], GROUP)


def test_nothing_else_can_be_written(pod: Pod, server: str) -> None:
    """A server's root file system is read-only, k8psh's volume as well; and it has no capability."""
    result = call(pod, server, "run touch /new; run touch /k8psh/new; run cat /proc/self/status")
    assert result.stderr.count("Read-only file system") == 2
    assert "\nCapEff:\t0000000000000000\n" in result.stdout


def test_a_command_sees_nothing_of_the_runtime(pod: Pod, server: str) -> None:
    """A command's environment is what is configured, without a trace of what its server runs on."""
    assert call(pod, server, f"PATH=/k8psh/exe; {server}-run").stdout == f"PATH={PATH}\n"


@pytest.mark.parametrize("pod", [direct, shared_processes], indirect=True, ids=lambda change: change.__name__)
def test_another_group_is_refused(podman: Podman, pod: Pod) -> None:
    """A caller without the Pod's group is told that it may not call; TCP couldn't tell."""
    stub = "/k8psh/exe/musl-run"
    container = f"{pod.name}-build"
    result = podman.attempt("exec", "--user=1000:1000", "--workdir=/workspace", container, stub)
    assert result.returncode == 125, result.stdout
    assert "user 1000, group 1000 may not call" in result.stderr

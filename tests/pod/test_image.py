"""The image that the Dockerfile makes: it prints its version, and installs k8psh on a volume."""

import tarfile
from pathlib import Path

import pytest
from pods.podman import Podman

from k8psh import __version__

pytestmark = pytest.mark.pod

RUN = ("run", "--rm", "--network=none")
IMAGE = "localhost/k8psh"
OTHER_IMAGE = "localhost/k8psh-test-build"
NOBODY = "--user=65534:65534"


@pytest.fixture
def volume(tmp_path: Path) -> str:
    """Return podman's option for a directory, mounted at /k8psh, that every user may write to."""
    directory = tmp_path / "volume"
    directory.mkdir()
    directory.chmod(0o777)
    return f"--volume={directory}:/k8psh"


def test_the_image_prints_its_version(podman: Podman) -> None:
    """Without arguments the image prints k8psh's version and ends with exit code 0."""
    assert podman.run(*RUN, IMAGE) == f"k8psh {__version__}\n"


def test_the_image_runs_as_any_user_without_writing(podman: Podman) -> None:
    """A user that the image doesn't know can run it, also with a read-only root file system."""
    assert podman.run(*RUN, NOBODY, "--read-only", IMAGE) == f"k8psh {__version__}\n"


def test_the_image_is_labelled(podman: Podman) -> None:
    """The image says what it is."""
    title = '{{index .Config.Labels "org.opencontainers.image.title"}}'
    assert podman.run("image", "inspect", f"--format={title}", IMAGE).strip() == "k8psh"


def test_the_image_holds_nothing_else(podman: Podman, tmp_path: Path) -> None:
    """There is no other program in the image, no shell and no library of a system."""
    container = podman.run("create", "--network=none", IMAGE).strip()
    podman.run("export", f"--output={tmp_path / 'root.tar'}", container)
    podman.run("rm", container)
    with tarfile.open(tmp_path / "root.tar") as archive:
        files = [member.name for member in archive if not member.isdir()]
    assert {"bin/k8psh", "bin/k8pshd", "CONTENTS", "runtime/start"} <= set(files)
    own = ("CONTENTS", "bin/k8psh", "licenses/", "runtime/")
    of_podman = ("dev/", "etc/", "proc/", "run/", "sys/", ".dockerenv")
    assert not [name for name in files if not name.startswith((*own, *of_podman))]


def test_the_debug_variant(podman: Podman) -> None:
    """The debug variant is the same with K8PSH_DEBUG set."""
    show = "--format={{json .Config.Env}} {{json .Config.Entrypoint}} {{json .Config.Cmd}}"
    released, debug = (podman.run("image", "inspect", show, image) for image in (IMAGE, f"{IMAGE}-debug"))
    assert "K8PSH_DEBUG" not in released
    assert '"K8PSH_DEBUG=All"' in debug
    assert debug.endswith(' ["/bin/k8psh"] ["--version"]\n')


@pytest.mark.parametrize("user", ["--user=0", NOBODY])
def test_what_the_image_installs_runs_in_another_container(podman: Podman, volume: str, user: str) -> None:
    """The installed programs run where k8psh isn't part of the image, from a volume that is read-only."""
    podman.run(*RUN, user, volume, IMAGE, "--install", "/k8psh/bin/k8pshd")
    installed = podman.run(
        *RUN, NOBODY, "--read-only", f"{volume}:ro", OTHER_IMAGE, "/k8psh/bin/k8pshd", "-v"
    )
    assert installed == f"k8pshd {__version__}\n"


def test_an_install_that_is_not_allowed_says_why(podman: Podman, volume: str) -> None:
    """Installing on a read-only volume ends with 125 and one line that says so."""
    result = podman.attempt(*RUN, f"{volume}:ro", IMAGE, "--install", "/k8psh/bin/k8pshd")
    assert result.returncode == 125
    assert result.stderr.startswith("k8psh: can't install to /k8psh/bin/k8pshd: ")
    assert result.stderr.count("\n") == 1
    assert "ead-only file system" in result.stderr

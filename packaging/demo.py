"""Compile a small C project in a container that has no compiler, by the compiler of another, and show it.

Two containers of a Pod by podman; where root or podman can't be had, two local processes that stand for them.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from pods import PROJECT
from pods.debian import DebianError
from pods.images import podman_with_images
from pods.manifest import read_manifest
from pods.podman import Pod, PodmanError, why_not
from pods.stand_in import StandInError, run_stand_in

MANIFEST = PROJECT / "test/k8s/demo.yaml"
SOURCES = PROJECT / "examples/demo"
PROGRAMS = ("sh", "ls", "make", "env", "rm")
"""What the project's build runs besides the compiler."""

IN_A_POD = """
Pod k8psh-demo, brought up by podman from test/k8s/demo.yaml:
  container toolchain   has gcc; runs k8pshd, which offers it
  container build       has make and the sources, but no compiler
"""
BY_PROCESSES = """
Two local processes stand for a Pod's containers ({reason}):
  process toolchain     finds gcc; runs k8pshd, which offers it
  process build         finds {programs} and the stubs, but no compiler
"""


class DemoError(Exception):
    """The demonstration can't be given; the text says why."""


def main() -> int:
    """Give the demonstration and return the exit code."""
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument(
        "--local", action="store_true", help="use local processes, also where there is podman"
    )
    arguments = parser.parse_args()
    try:
        show(arguments.local)
    except (DemoError, StandInError) as error:
        return fail(str(error))
    except KeyboardInterrupt:
        return fail("interrupted")
    return 0


def fail(text: str) -> int:
    """Say why there is no demonstration, and return the exit code for that."""
    sys.stderr.write(f"demo: {text}\n")
    return 1


def show(local: bool) -> None:
    """Show the build in a Pod where that can be, else by local processes."""
    reason = "asked for by --local" if local else why_not()
    if not reason:
        try:
            show_pod()
            return
        except (PodmanError, DebianError) as error:
            reason = str(error).splitlines()[0]
    say(BY_PROCESSES.format(reason=reason, programs=", ".join(PROGRAMS)))
    with tempfile.TemporaryDirectory(prefix="k8psh-demo-") as directory:
        start = time.monotonic()
        printed = run_stand_in(read_manifest(MANIFEST), SOURCES, PROGRAMS, Path(directory))
        for name, output in printed.items():
            say_printed(f"process {name}", output.replace(directory, ""))
        say_seconds(start)


def show_pod() -> None:
    """Bring the Pod up and show what its build container prints.

    Raises:
        PodmanError, DebianError: There can be no Pod here.
        DemoError: There can, but its build fails.
    """
    with podman_with_images(read_manifest(MANIFEST).images()) as podman:
        say(IN_A_POD)
        start = time.monotonic()
        with podman.play(MANIFEST) as pod:
            show_containers(pod)
        say_seconds(start)


def show_containers(pod: Pod) -> None:
    """Show what the Pod's containers print; raise DemoError where one fails."""
    try:
        ends = {"build": pod.wait("build", timeout=60)}
        if not ends["build"]:
            ends["toolchain"] = pod.wait("toolchain", timeout=20)
    except PodmanError as error:
        raise DemoError(str(error)) from None
    for name in ("build", "toolchain"):
        say_printed(f"container {name}", pod.logs(name))
    if any(ends.values()):
        raise DemoError(f"a container failed; exit codes: {ends}")


def say_printed(who: str, output: str) -> None:
    """Print what a container or process printed, indented."""
    say(f"\nWhat {who} printed:\n")
    for line in output.splitlines():
        say(f"  {line}\n")


def say_seconds(start: float) -> None:
    """Print how long everything has taken since `start` on the monotonic clock."""
    say(f"\nUp, built, run and down again in {time.monotonic() - start:.1f} s.\n")


def say(text: str) -> None:
    """Print at once, so that it is in order with what others print."""
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

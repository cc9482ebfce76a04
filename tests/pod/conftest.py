"""Pods by podman: one podman with all images for the whole run, one Pod for each test that asks."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
# The harness is shared with the demo, which isn't a test, so it lies outside of tests/.
sys.path.insert(0, str(PROJECT / "packaging"))

from pods.images import podman_with_images  # noqa: E402  (found by the line above)
from pods.podman import Podman, why_not  # noqa: E402


@pytest.fixture(scope="session")
def podman() -> Iterator[Podman]:
    """Yield a podman that has the images; a missing podman is a failure where root could have it."""
    if reason := why_not():
        (pytest.fail if os.environ.get("K8PSH_TEST_EVERYTHING") else pytest.skip)(reason)
    with podman_with_images() as podman:
        yield podman

"""Real Pods on a machine without a cluster: root filesystems, images and podman, all kept under `build/`."""

from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
BUILD = PROJECT / "build"

"""Where things lie."""

from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
SOURCES = PROJECT / "benchmarks"
BUILD = PROJECT / "build"
PLOT = PROJECT / "docs" / "benchmarks.svg"

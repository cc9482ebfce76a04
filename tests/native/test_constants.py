"""The numbers that the C and the Python side share."""

import re
from pathlib import Path

from k8psh.wire.frames import FrameType

HEADER = Path(__file__).parents[2] / "native" / "frames.h"


FIRST_OF_PROTOCOL_2 = 16


def test_frame_types() -> None:
    """Every frame type of the stub has the number that Python gives it; those of protocol 1 are all there."""
    found = re.findall(r"^ {4}FRAME_(\w+) = (\d+),$", HEADER.read_text(), re.MULTILINE)
    numbers = {name: int(number) for name, number in found}
    expected = {kind.name: kind.value for kind in FrameType}
    assert numbers == {name: expected.get(name) for name in numbers}
    assert {name for name, number in expected.items() if number < FIRST_OF_PROTOCOL_2} <= numbers.keys()

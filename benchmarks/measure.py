"""Measure contestants, in turns: what disturbs one disturbs all."""

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Sequence

from .contestants import LOCAL, Carries, Contestant, waiting
from .processes import Used, count_descriptors, cpu_used, resident_kib, status_kib
from .results import Calls, Memory, Results, Stream, Stub, spread
from .spawner import Block, MeasureError, Spawner

_SETTLE_SECONDS = 0.2
"""How long a server gets to close what its last calls left, before it's looked at."""
_CALLERS_FOR_MEMORY = 4
_BLOCK = 25
"""How many calls one makes before it's the next one's turn."""

Report = Callable[[str], None]


class Measuring:
    """What every measurement needs; a contestant that fails in one of them is missing there."""

    def __init__(
        self, spawner: Spawner, contestants: Sequence[Contestant], results: Results, report: Report
    ) -> None:
        self._spawner = spawner
        self._contestants = contestants
        self._results = results
        self._report = report

    def calls(self, count: int) -> None:
        """Call `true` `count` times by everyone, a block at a time."""
        self._report(f"{count} calls of `true`, {_BLOCK} in turn")
        present = [one for one in self._contestants if self._try(one, "true", self._block)]
        time.sleep(_SETTLE_SECONDS)
        before = {one.name: cpu_used(one.servers) for one in present}
        blocks: dict[str, list[Block]] = {one.name: [] for one in present}
        for turn in range(math.ceil(count / _BLOCK)):
            for one in rotated(present, turn):
                blocks[one.name].append(self._block(one))
        time.sleep(_SETTLE_SECONDS)
        for one in present:
            calls = [call for part in blocks[one.name] for call in part.calls]
            served = used_since(before[one.name], one)
            cpu_us = sum(call.cpu_us for call in calls) + (served.own + served.children) * 1e6
            self._results.calls[one.name] = Calls(
                count=len(calls),
                wall_us=spread([call.wall_us for call in calls]),
                cpu_us=cpu_us / len(calls),
                page_faults=spread([call.page_faults for call in calls]).median,
            )

    def rates(self, callers: int, count: int, rounds: int) -> None:
        """Keep `callers` calls of `true` running, `count` in all, `rounds` times by everyone."""
        self._report(f"{callers} callers at once, {count} calls, {rounds} times in turn")
        rates: dict[str, list[float]] = {}

        def measure(one: Contestant) -> None:
            calls = max(callers, int(count * one.share))
            block = self._spawner.calls(one.words(["true"]), one.environment, calls, callers)
            rates.setdefault(one.name, []).append(calls / block.wall_seconds)

        present = [one for one in self._contestants if one.takes_crowds]
        self._take_turns(present, rounds, f"{callers} callers", measure)
        self._results.calls_per_second = {name: spread(values) for name, values in rates.items()}

    def streams(self, gib: float, rounds: int) -> None:
        """Send `gib` GiB through `cat`, a quarter of that, and let `head` write as much."""
        self._report(f"{gib:g} GiB through `cat`, and out of `head`, {rounds} times in turn")
        results, quarter = self._results, gib / 4
        results.through_cat = self._stream("cat", gib, rounds)
        results.quarter_through_cat = self._stream("cat", quarter, rounds)
        results.output_only = self._stream("head", gib, rounds)

    def _stream(self, program: str, gib: float, rounds: int) -> dict[str, Stream]:
        carried: dict[str, list[tuple[float, float]]] = {}

        def measure(one: Contestant) -> None:
            if one.name in carried and one.carries is Carries.SLOWLY:
                return
            size = stream_bytes(one, gib)
            before = cpu_used(one.servers)
            if program == "cat":
                block = self._spawner.stream(one.words(["cat"]), one.environment, size)
            else:
                words = one.words(["head", "-c", str(size), "/dev/zero"])
                block = self._spawner.stream(words, one.environment, 0)
            if block.bytes_out != size:
                raise MeasureError(f"{block.bytes_out} of {size} bytes arrived")
            time.sleep(_SETTLE_SECONDS)
            client = 0.0 if one.name == LOCAL else block.calls[0].cpu_us / 1e6
            own = client + used_since(before, one).own
            carried.setdefault(one.name, []).append((block.wall_seconds, own))

        present = [one for one in self._contestants if one.carries is not Carries.NOT]
        self._take_turns(present, rounds, f"{gib:g} GiB, {program}", measure)
        return {
            one.name: Stream(
                gib=stream_bytes(one, gib) / 1024**3,
                seconds=spread([seconds for seconds, _ in carried[one.name]]),
                own_cpu_seconds=spread([own for _, own in carried[one.name]]).median,
            )
            for one in present
            if one.name in carried
        }

    @contextlib.contextmanager
    def memory(self, count: int) -> Iterator[None]:
        """Look at our servers before the block; behind it, make `count` calls and look again."""
        ours = [one for one in self._contestants if one.is_ours and one.share == 1]
        before = {
            one.name: (status_kib(one.servers[0], "VmRSS"), count_descriptors(one.servers[0])) for one in ours
        }
        yield
        self._report(f"{count} calls, for our servers' memory")

        def measure(one: Contestant) -> None:
            self._spawner.calls(one.words(["true"]), one.environment, count, _CALLERS_FOR_MEMORY)
            time.sleep(_SETTLE_SECONDS)
            pid, (resident, descriptors) = one.servers[0], before[one.name]
            self._results.memory[one.name] = Memory(
                before_kib=resident,
                after_kib=status_kib(pid, "VmRSS"),
                highest_kib=status_kib(pid, "VmHWM"),
                descriptors_before=descriptors,
                descriptors_after=count_descriptors(pid),
                calls=count,
            )

        self._take_turns(ours, 1, "memory", measure)

    def stubs(self) -> None:
        """Look at our stub program while it waits for its command."""
        for one in self._contestants:
            if one.stub is not None:
                size = one.stub.resolve().stat().st_size
                with waiting(one, self._spawner.directory) as pid:
                    resident = resident_kib(pid)
                self._results.stubs[one.name] = Stub(file_bytes=size, resident_kib=resident)

    def _block(self, one: Contestant) -> Block:
        count = max(1, int(_BLOCK * one.share))
        return self._spawner.calls(one.words(["true"]), one.environment, count)

    def _take_turns(
        self, present: Sequence[Contestant], rounds: int, what: str, measure: Callable[[Contestant], object]
    ) -> None:
        left = list(present)
        for turn in range(rounds):
            for one in rotated(left, turn):
                if not self._try(one, what, measure):
                    left.remove(one)

    def _try(self, one: Contestant, what: str, measure: Callable[[Contestant], object]) -> bool:
        try:
            measure(one)
        except MeasureError as error:
            self._results.skipped[f"{one.name}, {what}"] = str(error)
            return False
        return True


def rotated(present: Sequence[Contestant], turn: int) -> list[Contestant]:
    """Return everyone, another one first each turn: who comes after whom makes a difference."""
    return [present[(place + turn) % len(present)] for place in range(len(present))]


def used_since(before: Used, one: Contestant) -> Used:
    """Return the CPU seconds that a contestant's servers took since then."""
    now = cpu_used(one.servers)
    return Used(own=now.own - before.own, children=now.children - before.children)


def stream_bytes(one: Contestant, gib: float) -> int:
    """Return how many bytes a contestant carries: a slow one a quarter, since the rate is what matters."""
    return int(gib * 1024**3 * (0.25 if one.carries is Carries.SLOWLY else 1))

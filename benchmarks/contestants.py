"""Ways to run a command: what is started for it, and which processes serve it."""

import contextlib
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path

SEARCH_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
LOCAL = "local exec"
HELLO = "static hello world"


class Carries(Enum):
    """Whether one takes part in throughput; a slow one carries a quarter of the bytes, once."""

    WELL = auto()
    SLOWLY = auto()
    NOT = auto()


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where contestants run: a directory of their own (commands run there, too), and the Python to use."""

    directory: Path
    python: str
    environment: Mapping[str, str]

    def below(self, name: str) -> Path:
        """Return a new directory of that name."""
        directory = self.directory / name
        directory.mkdir()
        return directory


@dataclass(frozen=True, kw_only=True, slots=True)
class Contestant:
    """One way; `words` makes of a command what is to be started, in `environment`.

    `servers` are process ids: their CPU, and that of their descendants, is the call's. `tool` returns
    what a Makefile calls a program by, where that can be done. A slow contestant makes only a `share` of
    the calls. `is_ours` says that the server is of this source tree, `stub` is the client's executable.
    """

    name: str
    words: Callable[[Sequence[str]], Sequence[str]]
    environment: Mapping[str, str] = field(repr=False)
    servers: tuple[int, ...] = ()
    tool: Callable[[str], str] | None = None
    share: float = 1.0
    is_ours: bool = False
    stub: Path | None = None
    carries: Carries = Carries.WELL
    takes_crowds: bool = True
    """Whether it takes part where many call at once."""


Factory = Callable[[Place], AbstractContextManager[Contestant]]


@contextlib.contextmanager
def local(place: Place) -> Iterator[Contestant]:
    """Yield the measure of all others."""
    yield Contestant(name=LOCAL, words=list, environment=place.environment, tool=lambda name: name)


def hello(program: Path) -> Factory:
    """Return what the stub's page faults are compared with: a static program that does nothing else."""

    @contextlib.contextmanager
    def greeting(place: Place) -> Iterator[Contestant]:
        yield Contestant(
            name=HELLO,
            words=lambda _: [str(program)],
            environment=place.environment,
            carries=Carries.NOT,
            takes_crowds=False,
        )

    return greeting


@contextlib.contextmanager
def waiting(contestant: Contestant, directory: Path) -> Iterator[int]:
    """Yield the process id of a client while its `cat` waits for more."""
    with subprocess.Popen(
        contestant.words(["cat"]),
        env=dict(contestant.environment),
        cwd=directory,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"k\n")
        process.stdin.flush()
        process.stdout.readline()
        yield process.pid
        process.stdin.close()

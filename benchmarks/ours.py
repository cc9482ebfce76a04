"""k8psh as a contestant: this source tree's, another one's, and both mixed."""

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .contestants import SEARCH_PATH, Carries, Contestant, Factory, Place, waiting
from .keys import TERMINAL_COMMAND, TERMINAL_WORDS
from .places import BUILD, PROJECT
from .processes import free_port, listens, running
from .spawner import MeasureError

_COMMANDS = ("true", "cat", "head", "readlink", "gcc", "ar", "ranlib")
_START = """\
#!{python} -P
import sys

sys.path.insert(0, {project!r})
from k8psh.__main__ import main

sys.exit(main())
"""
_SHARE_OF_PYTHON = 0.1
"""Python takes a tenth of a second to start: a tenth of the calls says as much."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """Where the executables k8psh and k8pshd lie."""

    directory: Path
    is_ours: bool = True
    share: float = 1.0


def python_program(place: Place) -> Program:
    """Return this source tree's k8psh without its stub program, as pip installs it where there is none."""
    directory = place.below("python")
    shutil.copytree(PROJECT / "k8psh", directory / "source" / "k8psh", ignore=lambda *_: ["_native"])
    _write_start(directory / "k8psh", place.python, directory / "source")
    (directory / "k8pshd").symlink_to("k8psh")
    return Program(directory=directory, share=_SHARE_OF_PYTHON)


def native_program(place: Place) -> Program:
    """Return this source tree's k8psh, laid out as `--install` does.

    Raises:
        MeasureError: the stub program can't be built.
    """
    made = subprocess.run(["make", "-s", "-C", PROJECT / "native"], capture_output=True, text=True)
    if made.returncode:
        raise MeasureError(f"the stub program can't be built: {made.stderr.strip()}")
    runtime, directory = place.below("runtime"), place.below("bin")
    _write_start(runtime / "start", place.python)
    shutil.copy2(BUILD / "native" / "k8psh", directory)
    (directory / "k8pshd").symlink_to("k8psh")
    return Program(directory=directory)


def peer_program(directory: Path) -> Program:
    """Return another k8psh, in a directory with the executables k8psh and k8pshd.

    Raises:
        MeasureError: they aren't there.
    """
    for name in ("k8psh", "k8pshd"):
        if not os.access(directory / name, os.X_OK):
            raise MeasureError(f"there is no executable {directory / name}")
    return Program(directory=directory.resolve(), is_ours=False)


def k8psh(name: str, client: Program, server: Program, lane: str = "") -> Factory:
    """Return a contestant: stubs of `client`, a server of its own of `server`, on a lane of protocol 2."""

    @contextlib.contextmanager
    def serving(place: Place) -> Iterator[Contestant]:
        directory = place.below(name.replace(" ", "-"))
        port = free_port()
        configuration = directory / "k8psh.conf"
        configuration.write_text(_configuration(place.directory, port))
        environment = dict(place.environment) | ({"K8PSH_LANE": lane} if lane else {})
        options = ["--config", str(configuration), "--executable-directory"]
        words = [str(server.directory / "k8pshd"), "-n", "tools", "-d", *options, str(directory / "none")]
        stubs = directory / "stubs"
        stubs.mkdir()
        with running(words, directory, listens(port), environment=environment) as pid:
            _write_stubs([str(client.directory / "k8pshd"), "-n", "build", *options, str(stubs)], environment)
            contestant = Contestant(
                name=name,
                words=lambda command: [str(stubs / os.path.basename(command[0])), *command[1:]],
                environment=environment,
                servers=(pid,),
                tool=lambda tool: str(stubs / tool),
                share=client.share,
                takes_crowds=client.share == 1,
                carries=Carries.WELL if client.share == 1 else Carries.SLOWLY,
                is_ours=server.is_ours and client.is_ours,
                stub=stubs / "true" if client.is_ours and client.share == 1 else None,
            )
            if lane:
                _check_lane(contestant, lane, place)
            if contestant.stub is not None:
                _check_stub(contestant, place)
            yield contestant

    return serving


def _write_start(path: Path, python: str, source: Path = PROJECT) -> None:
    path.write_text(_START.format(python=python, project=str(source)))
    path.chmod(0o755)


def _configuration(base: Path, port: int) -> str:
    """Return the classic syntax, which every k8psh reads; the programs are the ones of local exec."""
    commands = [f"{name} {path}" for name in _COMMANDS if (path := shutil.which(name))]
    return "\n".join(
        [f"baseDirectory = {base}", f"[ tools:{port} ] =PATH={SEARCH_PATH} =LC_ALL=C", *commands, ""]
    )


@contextlib.contextmanager
def terminals(place: Place, client: Program, server: Program) -> Iterator[dict[str, Sequence[str]]]:
    """Serve a command with a terminal of its own; yield the words of its stub."""
    directory, port = place.below("terminals"), free_port()
    configuration = directory / "k8psh.yaml"
    configuration.write_text(
        json.dumps(
            {
                "baseDirectory": str(place.directory),
                "servers": [
                    {
                        "name": "tools",
                        "port": port,
                        "environment": [{"fixed": "PATH", "value": SEARCH_PATH}],
                        "commands": {TERMINAL_COMMAND: _terminal_command()},
                    }
                ],
            }
        )
    )
    stubs = directory / "stubs"
    options = ["--config", str(configuration), "--executable-directory", str(stubs)]
    words = [str(server.directory / "k8pshd"), "-n", "tools", "-d", "--config", str(configuration)]
    with running(words, directory, listens(port), environment=dict(place.environment)):
        _write_stubs([str(client.directory / "k8pshd"), "-n", "build", *options], dict(place.environment))
        yield {
            lane: ["env", f"K8PSH_LANE={lane}", str(stubs / TERMINAL_COMMAND)] for lane in ("direct", "relay")
        }


def _terminal_command() -> dict[str, object]:
    program, *arguments = TERMINAL_WORDS
    return {"program": program, "arguments": arguments, "tty": True}


def _write_stubs(words: Sequence[str], environment: dict[str, str]) -> None:
    made = subprocess.run(words, env=environment, capture_output=True, text=True)
    if made.returncode:
        raise MeasureError(f"the stubs can't be written: {made.stderr.strip()}")


def _check_lane(contestant: Contestant, lane: str, place: Place) -> None:
    """See that the lane is the one that was asked for: only the direct one hands over the caller's stdin."""
    answer = subprocess.run(
        contestant.words(["readlink", "/proc/self/fd/0"]),
        env=dict(contestant.environment),
        cwd=place.directory,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    is_direct = answer.stdout.strip() == os.devnull
    if answer.returncode or is_direct != (lane == "direct"):
        said = answer.stderr.strip() or f"its stdin is {answer.stdout.strip()}"
        raise MeasureError(f"no call came by the {lane} lane: {said}")


def _check_stub(contestant: Contestant, place: Place) -> None:
    """See that the stub makes the call itself: where it can't, Python does, which would be measured."""
    assert contestant.stub is not None
    with waiting(contestant, place.directory) as pid:
        program = os.readlink(f"/proc/{pid}/exe")
    if program != str(contestant.stub.resolve()):
        raise MeasureError(f"its stub has {program} make the call; K8PSH_DEBUG=All says why")

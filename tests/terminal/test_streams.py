"""What a command sees of its caller's terminal, and what of both comes through."""

import os
from pathlib import Path
from typing import Any

import pytest

SEES = "for i in 0 1 2; do test -t $i && printf t || printf f; done"
"""A script that says which of its streams are terminals."""
MAKEFILE = """\
all: {names}
{names}:
\t@$(COMMAND) -c 'stty -g <{device} >>modes; echo $@'
"""


@pytest.mark.parametrize(
    ("redirection", "seen"),
    [("", "ttt"), ("2>errors", "ttf"), ("| cat", "tft"), (">file; cat file", "tft"), ("</dev/null", "fff")],
)
def test_redirections(screen: Any, place: Any, redirection: str, seen: str) -> None:
    """What the caller redirects is no terminal; without one to type on the command gets none of its own."""
    expected = "ftt" if redirection == "</dev/null" and place.is_direct else seen
    screen.enter(f"run -c '{SEES}; echo' {redirection}")
    screen.wait(f"\n{expected}\n")


def test_error_file(screen: Any, place: Any) -> None:
    """What goes to a file for errors isn't on the screen."""
    screen.enter("run -c 'echo shown; echo hidden >&2' 2>errors; echo over")
    text = screen.wait("\nshown\nover\n")
    assert "\nhidden" not in text
    assert (place.base / "errors").read_text() == "hidden\n"


def test_plain_command(screen: Any, place: Any) -> None:
    """A command without a terminal of its own has the caller's on the direct lane, pipes on the other."""
    screen.enter(f"plain -c '{SEES}; echo'")
    screen.wait("\nttt\n" if place.is_direct else "\nfff\n")


def test_size(screen: Any) -> None:
    """The command's terminal has the caller's size, also after that has changed."""
    screen.enter("run -c 'stty size; trap \"stty size\" WINCH; while :; do sleep 0.05; done'")
    screen.wait("\n50 100\n")
    screen.resize(90, 40)
    screen.wait("\n40 90\n")
    screen.key("C-c")
    screen.wait_status(130)


def test_type_ahead(screen: Any, place: Any) -> None:
    """Lines that are typed before the command runs are there when it reads."""
    go = place.base / "go"
    go.unlink(missing_ok=True)
    reading = 'read first; read second; echo "$first+$second"'
    screen.enter(f"sh -c 'echo on; until test -e go; do sleep 0.05; done; exec run -c \"$0\"' '{reading}'")
    screen.wait("\non\n")
    screen.enter("early")
    screen.enter("bird")
    screen.wait("\nearly\nbird\n")
    go.touch()
    screen.wait("\nearly+bird\n")
    screen.wait_status(0)


def test_statuses(screen: Any) -> None:
    """A status, and a signal that ends the command, come through."""
    screen.enter(
        "run -c 'exit 42'; echo $?; run -c 'kill -TERM $$'; echo $?; run -c 'kill -KILL $$'; echo $?"
    )
    text = screen.wait("\n137\n")
    assert [line for line in text.splitlines() if line.isdigit()] == ["42", "143", "137"]


def test_last_output(place: Any, processes: Any) -> None:
    """All that a command has written is shown, in order, though it ends at once."""
    master, slave = os.openpty()
    environment = {"K8PSH_LANE": place.lane}
    script = "seq 1 100000; printf end"
    with os.fdopen(master, "rb", 0) as screen:
        words = [place.stubs / "run", "-c", script]
        process = processes.start(
            words, stdin=slave, stdout=slave, stderr=slave, cwd=place.base, env=environment
        )
        os.close(slave)
        shown = read_to_end(screen)
    assert process.wait(20) == 0
    assert shown == b"".join(b"%d\r\n" % number for number in range(1, 100001)) + b"end"


def read_to_end(screen: Any) -> bytes:
    """Return all that is written to a terminal until nobody has it open any more."""
    shown = b""
    while True:
        try:
            shown += screen.read(65536)
        except OSError:
            return shown


@pytest.mark.parametrize("command", ["run", "plain"])
def test_parallel_jobs(screen: Any, place: Any, command: str) -> None:
    """Four jobs of make on one terminal all write to it, and leave it with the modes that it had.

    make gives its terminal for input to one of them at a time: only that one can get one of its own.
    """
    names = [f"job{number}" for number in range(8)]
    device = screen.device()
    text = MAKEFILE.format(names=" ".join(names), device=device)
    Path(place.base / "Makefile").write_text(text)
    Path(place.base / "modes").unlink(missing_ok=True)
    screen.enter(f"sh -c 'stty -g >before; make -j4 COMMAND={command}; stty -g >after; echo over'")
    screen.wait("over", 2)
    screen.wait_status(0)
    assert sorted(word for word in screen.text().split() if word.startswith("job")) == names
    before, after = ((place.base / name).read_text() for name in ("before", "after"))
    assert before == after
    if command == "plain":
        assert set((place.base / "modes").read_text().splitlines()) == {before.strip()}

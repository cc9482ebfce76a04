"""Which descriptors of a command are a terminal, and that nothing is lost on it."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

WHICH = "for n in 0 1 2; do test -t $n && echo $n is >> found || echo $n is not >> found; done"


def which_are(place: Any, screen: Any, redirection: str) -> list[str]:
    """Call a shell with a redirection; return what it found about its descriptors."""
    found: Path = place.base / "found"
    found.unlink(missing_ok=True)
    screen.enter(f"{place.stub('sh')} -c '{WHICH}' {redirection}; echo 'end'ed")
    screen.wait("\nended\n")
    return found.read_text().splitlines()


def test_all_three(place: Any, screen: Any) -> None:
    """Where nothing is redirected, all are the command's own terminal."""
    assert which_are(place, screen, "") == ["0 is", "1 is", "2 is"]


def test_pipe_at_the_output(place: Any, screen: Any) -> None:
    """`stub | cat`: the output is no terminal, the input is."""
    assert which_are(place, screen, "| cat") == ["0 is", "1 is not", "2 is"]


def test_file_for_errors(place: Any, screen: Any) -> None:
    """`stub 2>file`: what goes to the file goes there alone."""
    assert which_are(place, screen, "2> errors") == ["0 is", "1 is", "2 is not"]


def test_redirected_input(place: Any, screen: Any) -> None:
    """`stub < file`: there is nobody to talk to, hence no terminal of its own.

    In the direct lane the outputs are still the caller's terminal.
    """
    direct = place.kind.lane == "direct"
    expected = ["0 is not", "1 is", "2 is"] if direct else ["0 is not", "1 is not", "2 is not"]
    assert which_are(place, screen, "< /dev/null") == expected


def test_what_is_piped_is_not_changed(place: Any, screen: Any) -> None:
    """A terminal's output gets carriage returns, a pipe's doesn't; both arrive whole."""
    script = "seq 1 5000; echo to-the-screen >&2; cat > typed"
    screen.enter(f"{place.stub('sh')} -c '{script}' > numbers; echo 'end'ed")
    screen.wait("\nto-the-screen\n")
    screen.enter("typed line")
    screen.key("C-d")
    screen.wait("\nended\n")
    assert (place.base / "numbers").read_text() == "".join(f"{number}\n" for number in range(1, 5001))
    assert (place.base / "typed").read_text() == "typed line\n"


def test_plain_command_has_the_callers_terminal(place: Any, screen: Any) -> None:
    """Without `tty: true` the direct lane passes the terminal itself, and the relay lane pipes."""
    screen.enter(
        f"{place.stub('plain-sh')} -c 'readlink /proc/self/fd/0 /proc/self/fd/1 > found'; echo 'end'ed"
    )
    screen.wait("\nended\n")
    found = (place.base / "found").read_text().splitlines()
    if place.kind.lane == "direct":
        assert found[0] == screen.tty
    else:
        assert found[0].startswith("pipe:")


def test_end_of_output_is_shown(place: Any, screen: Any) -> None:
    """What a command writes just before it ends is on the screen, to the last line, in order."""
    screen.enter(f"{place.stub('seq')} 1 100000; echo 'end'ed")
    shown = screen.wait("\nended\n").splitlines()
    end = shown.index("ended")
    assert shown[end - 30 : end] == [str(number) for number in range(100000 - 29, 100001)]


def test_all_output_arrives(place: Any) -> None:
    """Every byte of a long output comes out of the caller's terminal, with its carriage returns."""
    ours, theirs = os.openpty()
    environment = {"PATH": os.environ["PATH"], "K8PSH_LANE": place.kind.lane}
    with subprocess.Popen(
        [place.stub("seq"), "1", "200000"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=place.base,
        env=environment,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        said = read_all(ours)
    assert process.returncode == 0
    assert said == b"".join(b"%d\r\n" % number for number in range(1, 200001))


def read_all(master: int) -> bytes:
    """Return what a terminal shows until nobody has it open any more; close it."""
    said = bytearray()
    with open(master, "rb", buffering=0) as file:
        while True:
            try:
                said += file.read(65536)
            except OSError:
                return bytes(said)


def test_typed_ahead(own_place: Callable[..., Any], open_screen: Any, wait_until: Any) -> None:
    """What is typed before the command has started is the command's input."""
    place = own_place(server={"tty": True})
    screen = open_screen("sh", "-c", f"echo be$((1)); exec {place.client.path('cat')}", cwd=place.client.base)
    screen.wait("be1")
    screen.enter("typed ahead")
    screen.wait("typed ahead")
    place.start_server()
    screen.wait("\ntyped ahead\ntyped ahead\n")
    screen.enter("typed later")
    screen.wait("\ntyped later\ntyped later\n")
    screen.key("C-d")
    wait_until(lambda: "Pane is dead" in screen.text(), "the end of cat")

"""Programs that people talk to, each through a stub on a real terminal."""

from pathlib import Path
from typing import Any

import pytest

SLEEP = "sh -c 'echo ready$((1)); exec sleep 1000'"
"""A job that says when it runs; what is typed to start it doesn't contain what it says."""


def test_bash_has_job_control(place: Any, screen: Any) -> None:
    """Stop, background, foreground and interrupt work inside, and the shell's exit code is the stub's."""
    screen.enter(place.stub("bash"))
    screen.wait("remote>")
    assert "no job control" not in screen.text()
    screen.enter(SLEEP)
    screen.wait("ready1")
    screen.key("C-z")
    screen.wait("Stopped")
    screen.enter("bg")
    screen.wait("&")
    screen.enter("jobs")
    screen.wait("Running")
    screen.enter("fg")
    screen.wait("exec sleep 1000", 4)
    screen.key("C-c")
    screen.wait_status(130)
    screen.enter("exit 7")
    screen.wait("local>", 2)
    screen.wait_status(7)


def test_vi_edits_a_file(place: Any, screen: Any) -> None:
    """Its keys arrive as they are, Escape among them, and the file has what was typed."""
    file = place.base / "edited"
    file.write_text("second line\n")
    screen.enter(f"{place.stub('vi')} edited; echo 'end'ed")
    screen.wait("second line")
    screen.enter("Ofirst line")
    screen.wait("first line")
    screen.key("Escape")
    screen.enter(":wq")
    screen.wait("ended")
    assert file.read_text().splitlines()[0] == "first line"
    assert "second line" in file.read_text()


def test_less_shows_the_end_of_a_file(place: Any, screen: Any) -> None:
    """Keys move it, and `q` gives the shell its screen back."""
    (place.base / "long").write_text("".join(f"line-{number}-\n" for number in range(1000)))
    screen.enter(f"{place.stub('less')} long; echo 'end'ed")
    screen.wait("line-40-")
    screen.key("G")
    screen.wait("line-999-")
    screen.key("q")
    screen.wait("ended")


def test_top_goes_on_until_a_key(place: Any, screen: Any) -> None:
    """It fills the screen, and ends by `q`."""
    screen.enter(f"{place.stub('top')} -d 100; echo 'end'ed")
    screen.wait("load average")
    screen.key("q")
    screen.wait("ended")


def test_python_answers(place: Any, screen: Any) -> None:
    """An interrupt ends what it computes, not itself; the end of input does."""
    screen.enter(f"{place.stub('python3')} -q")
    screen.wait(">>>")
    screen.enter("import time; print('ready' + '1'); time.sleep(1000)")
    screen.wait("ready1")
    screen.key("C-c")
    screen.wait("KeyboardInterrupt")
    screen.wait(">>>", 2)
    screen.enter("6 * 7")
    screen.wait("\n42\n")
    screen.key("C-c")
    screen.wait("KeyboardInterrupt", 2)
    screen.key("C-d")
    screen.wait("local>", 2)
    screen.wait_status(0)


def test_password_is_not_shown(place: Any, screen: Any) -> None:
    """A prompt on /dev/tty, the command's controlling terminal, takes what is typed without an echo."""
    question = "import getpass; print('reversed:', getpass.getpass('Say: ')[::-1])"
    screen.enter(f'{place.stub("python3")} -c "{question}"')
    screen.wait("\nSay:")
    screen.enter("secret")
    assert "secret" not in screen.wait("reversed: terces")


def test_resize_reaches_the_command(place: Any, screen: Any) -> None:
    """The command's terminal has the size of the caller's from the start, and is told of each change."""
    script = 'trap "stty size" WINCH; stty size; while :; do read -t 1000 line; done'
    screen.enter(f"{place.stub('bash')} -c '{script}'")
    screen.wait("\n50 100\n")
    screen.resize(90, 40)
    screen.wait("\n40 90\n")
    screen.resize(110, 45)
    screen.wait("\n45 110\n")


@pytest.mark.parametrize(("key", "status"), [("C-c", 130), ("C-\\", 131)], ids=["interrupt", "quit"])
def test_keys_that_end(place: Any, screen: Any, key: str, status: int) -> None:
    """The command ends by the key's signal, which its own terminal sends, and the stub by the same one."""
    screen.enter(f"{place.stub('sh')} -c 'ulimit -c 0; echo ready$((1)); exec sleep 1000'")
    screen.wait("ready1")
    screen.key(key)
    screen.wait("local>", 2)
    screen.wait_status(status)


@pytest.mark.parametrize("status", [0, 7, 255])
def test_exit_code(place: Any, screen: Any, status: int) -> None:
    """The command's exit code is the stub's."""
    screen.enter(f"{place.stub('sh')} -c 'exit {status}'")
    screen.wait("local>", 2)
    screen.wait_status(status)


def test_hang_up_ends_the_command(
    place: Any, open_screen: Any, wait_until: Any, is_alive: Any, tmp_path: Path
) -> None:
    """Closing the terminal's window hangs the command's terminal up: it ends, and so does the stub."""
    pids = tmp_path / "pid"
    script = f"echo $$ > {pids}.new; mv {pids}.new {pids}; exec sleep 1000"
    screen = open_screen(place.stub("sh"), "-c", script)
    wait_until(pids.exists, "the command")
    screen.close()
    wait_until(lambda: not is_alive(int(pids.read_text())), "the command's end")
    wait_until(lambda: not is_alive(screen.pid), "the stub's end")

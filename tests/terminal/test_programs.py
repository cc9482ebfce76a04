"""Programs that want a terminal of their own, with the keys that people press in them."""

import shutil
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def require() -> Any:
    """Return a function that skips the test where a program isn't here."""

    def find(program: str, package: str) -> None:
        if shutil.which(program) is None:
            pytest.skip(f"{program} isn't here (apt-get install {package})")

    return find


def test_shell_with_job_control(screen: Any) -> None:
    """A shell stops, continues and interrupts its jobs by the usual keys, then ends with its own status."""
    screen.enter("shell")
    screen.wait("inner>")
    screen.enter("sh -c 'echo on; exec sleep 1000'")
    screen.wait("\non\n")
    screen.key("C-z")
    screen.wait("Stopped")
    screen.enter("bg")
    screen.wait("[1]+ sh -c 'echo on; exec sleep 1000' &")
    screen.enter("jobs")
    screen.wait("Running")
    screen.enter("fg")
    screen.wait("\nsh -c 'echo on; exec sleep 1000'\n")
    screen.key("C-c")
    screen.wait("^C\ninner>")
    screen.enter("exit 5")
    screen.wait_status(5)


def test_interpreter(screen: Any) -> None:
    """Python's prompt survives Ctrl-C, edits lines, and ends at Ctrl-D."""
    screen.enter("interpreter -q")
    screen.wait(">>>")
    screen.type("1 +")
    screen.key("C-c")
    screen.wait("KeyboardInterrupt")
    screen.type("40 + 3")
    screen.key("BSpace")
    screen.enter("2")
    screen.wait("\n42\n")
    screen.key("C-d")
    screen.wait("prompt>", 2)
    screen.wait_status(0)


def test_editor(screen: Any, place: Any, require: Any) -> None:
    """An editor fills the screen, takes keys one by one, and gives the screen back."""
    require("vi", "vim-tiny")
    file = Path(place.base) / "edited"
    file.unlink(missing_ok=True)
    screen.enter("editor edited")
    screen.wait("\n~\n~\n")
    screen.type("ihello")
    screen.key("Escape")
    screen.type("yyp")
    screen.wait("hello\nhello\n")
    screen.enter(":wq")
    screen.wait_status(0)
    assert file.read_text() == "hello\nhello\n"


def test_pager(screen: Any, place: Any, require: Any) -> None:
    """A pager shows a screenful, scrolls by a key and ends by another."""
    require("less", "less")
    (place.base / "numbers").write_text("".join(f"line {number}\n" for number in range(1, 1001)))
    screen.enter("pager numbers")
    screen.wait("line 49\n")
    screen.type(" ")
    screen.wait("line 98\n")
    screen.type("G")
    screen.wait("line 1000\n")
    screen.type("q")
    screen.wait_status(0)


def test_pager_in_a_pipeline(screen: Any, require: Any) -> None:
    """A pager whose input is a pipe reads its keys from the controlling terminal."""
    require("less", "less")
    screen.enter("run -c 'seq 1 1000 | less'")
    screen.wait("\n49\n")
    screen.type("G")
    screen.wait("\n1000\n")
    screen.type("q")
    screen.wait_status(0)


def test_processes(screen: Any, require: Any) -> None:
    """A program that redraws the screen fills it, and ends by its key."""
    require("top", "procps")
    screen.enter("processes -d 1")
    screen.wait("PID USER")
    screen.type("q")
    screen.wait_status(0)


def test_password(screen: Any) -> None:
    """A password is asked for on /dev/tty, without echo, though the output goes to a file."""
    script = 'import getpass; print("got", getpass.getpass("secret: "))'
    screen.enter(f"interpreter -c '{script}' > answer; cat answer")
    screen.wait("\nsecret:")
    screen.enter("open sesame")
    text = screen.wait("\ngot open sesame\n")
    assert text.count("open sesame") == 1

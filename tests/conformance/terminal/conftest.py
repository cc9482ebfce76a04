"""Real terminals, tmux's, with programs on them that call commands which have a terminal of their own."""

import os
import shutil
import subprocess
import termios
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

COLUMNS, ROWS = 100, 50
VI = ["vi"] if shutil.which("vi") else ["busybox", "vi"]
TTY_COMMANDS: dict[str, Any] = {
    "bash": {"program": "bash", "arguments": ["--norc", "--noprofile"]},
    "vi": {"program": VI[0], "arguments": VI[1:]},
    **dict.fromkeys(("sh", "cat", "less", "top", "python3", "seq"), None),
}
ENVIRONMENT = [
    {"fixed": "PATH", "value": "/usr/local/bin:/usr/bin:/bin"},
    {"fixed": "PS1", "value": "remote> "},
    {"optional": "TERM"},
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A server and stubs of one kind for it; `plain-sh` is the only command without `tty: true`."""

    kind: Any
    stubs: Path
    base: Path

    def stub(self, command: str) -> str:
        """Return a stub's path."""
        return str(self.stubs / command)


class Screen:
    """A program on a terminal of its own, what it shows, and the keys."""

    def __init__(self, wait_until: Callable[..., Any], words: list[str], cwd: Path, lane: str) -> None:
        self._wait_until = wait_until
        self._tmux = ["tmux", "-L", f"k8psh-test-{uuid.uuid4()}", "-f", "/dev/null"]
        variables = ["TERM=screen", "PS1=local> ", f"PATH={os.environ['PATH']}", f"K8PSH_LANE={lane}"]
        size = ["-x", str(COLUMNS), "-y", str(ROWS)]
        self._run("new-session", "-d", *size, "-c", str(cwd), "env", "-i", *variables, *words)
        self._run("set-option", "-w", "remain-on-exit", "on")
        self.tty = self._ask("pane_tty")
        self.pid = int(self._ask("pane_pid"))

    def _run(self, *words: str) -> str:
        return subprocess.run([*self._tmux, *words], check=True, capture_output=True, text=True).stdout

    def _ask(self, name: str) -> str:
        return self._run("display-message", "-p", f"#{{{name}}}").strip()

    def text(self) -> str:
        """Return what is on the screen, long lines in one piece."""
        return self._run("capture-pane", "-p", "-J")

    def wait(self, text: str, times: int = 1) -> str:
        """Wait until the screen has this text so often; return the screen."""
        try:
            self._wait_until(lambda: self.text().count(text) >= times, repr(text))
        except BaseException as error:
            error.add_note(self.text().rstrip())
            raise
        return self.text()

    def enter(self, line: str) -> None:
        """Type a line."""
        self._run("send-keys", "-l", line)
        self._run("send-keys", "Enter")

    def key(self, name: str) -> None:
        """Press a key by tmux's name."""
        self._run("send-keys", name)

    def resize(self, columns: int, rows: int) -> None:
        """Change the terminal's size."""
        self._run("resize-window", "-x", str(columns), "-y", str(rows))

    def modes(self) -> list[Any]:
        """Return the terminal's modes, without the bit that says that input is to be read again."""
        descriptor = os.open(self.tty, os.O_RDONLY | os.O_NOCTTY)
        try:
            modes = termios.tcgetattr(descriptor)
        finally:
            os.close(descriptor)
        modes[3] &= ~termios.PENDIN
        return modes

    def is_raw(self) -> bool:
        """Tell whether keys are passed on as they are."""
        return not self.modes()[3] & (termios.ICANON | termios.ISIG | termios.ECHO)

    def wait_raw(self) -> None:
        """Wait until a stub has begun to pass keys on."""
        self._wait_until(self.is_raw, "raw mode")

    def child(self) -> int:
        """Return the process id of the program's only child."""
        path = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        return int(self._wait_until(path.read_text, "a child").split()[0])

    def wait_status(self, status: int) -> None:
        """Ask the shell, which must be at its prompt, how the last command ended."""
        self.enter('echo "status=$?."')
        self.wait(f"\nstatus={status}.\n")

    def close(self) -> None:
        """Hang the terminal up."""
        subprocess.run([*self._tmux, "kill-server"], check=False, capture_output=True)


@pytest.fixture(scope="session")
def tty_server(
    tmp_path_factory: pytest.TempPathFactory,
    session_processes: Any,
    python_program: Path,
    free_port: Callable[[], int],
    write_configuration: Callable[..., Path],
    wait_serving: Callable[..., None],
) -> Iterator[Path]:
    """A server whose commands have `tty: true`; its configuration."""
    directory = tmp_path_factory.mktemp("tty")
    port = free_port()
    commands = {**TTY_COMMANDS, "plain-sh": {"program": "sh", "tty": False}}
    settings = {"tty": True, "environment": ENVIRONMENT}
    configuration = write_configuration(directory, port, commands, gracePeriodMs=400, server=settings)
    words = [python_program.parent / "k8pshd", "-n", "alpha", "-d", "-e", directory / "none"]
    with (directory / "log").open("wb") as log:
        process = session_processes.start(
            [*words, "-c", configuration], stdout=log, stderr=log, cwd=directory
        )
    wait_serving(port, process)
    yield configuration
    assert process.poll() is None, (directory / "log").read_text()


@pytest.fixture(scope="session")
def place(kind: Any, tty_server: Path, write_stubs: Callable[[Path, Path], Path]) -> Place:
    """Stubs of a kind for that server."""
    stubs = tty_server.parent / f"stubs-{kind.program}"
    if not stubs.exists():
        write_stubs(tty_server, stubs)
    return Place(kind=kind, stubs=stubs, base=tty_server.parent / "base")


@pytest.fixture
def open_screen(place: Place, wait_until: Callable[..., Any]) -> Iterator[Callable[..., Screen]]:
    """Return a function that starts a program on a terminal; without words it's an interactive bash."""
    if shutil.which("tmux") is None:
        pytest.skip("tmux is the terminal; it isn't here (apt-get install tmux)")
    screens: list[Screen] = []

    def start(*words: str, cwd: Path | None = None) -> Screen:
        shell = ["bash", "--norc", "--noprofile"]
        screens.append(Screen(wait_until, list(words) or shell, cwd or place.base, place.kind.lane))
        return screens[-1]

    yield start
    for screen in screens:
        screen.close()


@pytest.fixture
def screen(open_screen: Callable[..., Screen]) -> Screen:
    """A terminal with a shell at its prompt."""
    screen = open_screen()
    screen.wait("local>")
    return screen

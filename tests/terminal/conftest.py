"""Stubs on real terminals: every client, every lane, in windows of a tmux server of the test's own."""

import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

CLIENTS = {
    "python-relay": ("python_program", "relay"),
    "python-direct": ("python_program", "direct"),
    "native-relay": ("native_program", "relay"),
    "native-direct": ("native_program", "direct"),
}
COMMANDS: dict[str, Any] = {
    "shell": {"program": "/bin/bash", "arguments": ["--norc", "--noprofile"], "tty": True},
    "editor": {"program": "vi", "arguments": ["-u", "NONE"], "tty": True},
    "pager": {"program": "less", "tty": True},
    "processes": {"program": "top", "tty": True},
    "interpreter": {"program": "python3", "tty": True},
    "run": {"program": "/bin/sh", "tty": True},
    "plain": {"program": "/bin/sh"},
}
VARIABLES = {"PATH": "/usr/bin:/bin", "TERM": "screen", "PS1": "inner> ", "LC_ALL": "C.UTF-8"}


class Place:
    """A server, the stubs of one kind for it, and the directory that both share."""

    def __init__(self, stubs: Path, lane: str, base: Path, start: Callable[[], Any]) -> None:
        self.stubs = stubs
        self.lane = lane
        self.base = base
        self.start_server = start

    @property
    def is_direct(self) -> bool:
        """Tell whether commands get the caller's own descriptors."""
        return self.lane == "direct"


class Screen:
    """bash on a terminal of 100 columns and 50 rows, in which `typed` keys have their effects."""

    def __init__(self, place: Place, wait_until: Callable[..., Any]) -> None:
        self._wait_until = wait_until
        self._tmux = ["tmux", "-L", f"k8psh-test-{uuid.uuid4()}", "-f", "/dev/null"]
        path = f"PATH={place.stubs}:/usr/bin:/bin"
        variables = ["TERM=screen", "PS1=prompt> ", "LC_ALL=C.UTF-8", path, f"K8PSH_LANE={place.lane}"]
        shell = ["env", "-i", *variables, "bash", "--norc", "--noprofile"]
        self._run("new-session", "-d", "-x", "100", "-y", "50", "-c", str(place.base), *shell)
        self.wait("prompt>")

    def _run(self, *words: str) -> str:
        return subprocess.run([*self._tmux, *words], check=True, capture_output=True, text=True).stdout

    def text(self) -> str:
        """Return what is on the screen, long lines in one piece."""
        lines = self._run("capture-pane", "-p", "-J").split("\n")
        return "\n".join(line.rstrip() for line in lines)

    def wait(self, text: str, times: int = 1) -> str:
        """Wait until the screen has this text so often; return the screen."""

        def shows() -> bool:
            return self.text().count(text) >= times

        try:
            self._wait_until(shows, f"{text!r} on the screen")
        except BaseException:
            print(self.text())  # noqa: T201 - pytest shows it with the failure
            raise
        return self.text()

    def wait_for(self, condition: Callable[[str], Any], what: str) -> Any:
        """Wait until a condition of the screen's text holds; return what it gives."""
        return self._wait_until(lambda: condition(self.text()), what)

    def enter(self, line: str) -> None:
        """Type a line."""
        self.type(line)
        self.key("Enter")

    def type(self, text: str) -> None:
        """Type a text, without a line's end."""
        self._run("send-keys", "-l", text)

    def key(self, name: str) -> None:
        """Press a key by tmux's name."""
        self._run("send-keys", name)

    def resize(self, columns: int, rows: int) -> None:
        """Change the terminal's size."""
        self._run("resize-window", "-x", str(columns), "-y", str(rows))

    def clear(self) -> None:
        """Clear the screen of the shell, which must be at its prompt."""
        self.enter("clear")
        self.wait_for(lambda text: text.strip() == "prompt>", "an empty screen")

    def wait_status(self, status: int) -> None:
        """Wait until the shell has the terminal again, and ask it how the last command ended.

        Keys pressed earlier could still be the command's.
        """
        self._wait_until(lambda: self.foreground() == self.shell_pid(), "the shell's prompt")
        self.enter('echo "status=$?"')
        self.wait(f"\nstatus={status}\n")

    def shell_pid(self) -> int:
        """Return the shell's process id."""
        return int(self._run("display-message", "-p", "#{pane_pid}"))

    def foreground(self) -> int:
        """Return the process group that has the terminal."""
        return int(Path(f"/proc/{self.shell_pid()}/stat").read_text().rpartition(")")[2].split()[5])

    def device(self) -> str:
        """Return the terminal's path."""
        return self._run("display-message", "-p", "#{pane_tty}").strip()

    def close(self) -> None:
        """End the shell and what it runs."""
        subprocess.run([*self._tmux, "kill-server"], check=False, capture_output=True)


def _parameters() -> list[Any]:
    """Return the clients' names; what starts Python for each call is run among the slow tests."""
    return [
        pytest.param(name, marks=pytest.mark.slow if name.startswith("python") else ()) for name in CLIENTS
    ]


@pytest.fixture(scope="session", params=_parameters())
def place(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    session_processes: Any,
    make_place: Callable[..., Place],
) -> Place:
    """A place whose server runs for all tests."""
    made = make_place(tmp_path_factory.mktemp("terminal"), request.param, session_processes)
    made.start_server()
    return made


@pytest.fixture
def own_place(
    place: Place, tmp_path: Path, processes: Any, make_place: Callable[..., Place]
) -> Callable[[], Place]:
    """Return a function that makes a place of a test's own, of the same kind."""
    kind = next(name for name in CLIENTS if str(place.stubs).endswith(name))
    return lambda: make_place(tmp_path, kind, processes)


@pytest.fixture(scope="session")
def make_place(
    request: pytest.FixtureRequest,
    python_program: Path,
    write_configuration: Callable[..., Path],
    free_port: Callable[[], int],
    wait_serving: Callable[..., None],
) -> Callable[..., Place]:
    """Return a function that makes a place in a directory, for a kind of client."""

    def make(directory: Path, kind: str, processes: Any) -> Place:
        fixture, lane = CLIENTS[kind]
        program = request.getfixturevalue(fixture)
        port = free_port()
        environment = [{"fixed": name, "value": value} for name, value in VARIABLES.items()]
        configuration = write_configuration(directory, port, COMMANDS, server={"environment": environment})
        stubs = directory / kind
        written = processes.run([program.parent / "k8pshd", "-n", "build", "-e", stubs, "-c", configuration])
        assert (written.code, written.err) == (0, b"")
        for name in COMMANDS:
            (stubs / name).unlink()  # a built source tree prefers the stub program, whoever writes
            (stubs / name).symlink_to(program)
        server = [python_program.parent / "k8pshd", "-n", "alpha", "-d", "-e", directory / "none"]

        def start() -> Any:
            with (directory / "log").open("ab") as log:
                words = [*server, "-c", configuration]
                process = processes.start(words, stdout=log, stderr=log, cwd=directory)
            wait_serving(port, process)
            return process

        return Place(stubs, lane, directory / "base", start)

    return make


@pytest.fixture
def make_screen(wait_until: Callable[..., Any]) -> Iterator[Callable[[Place], Screen]]:
    """Return a function that opens a terminal with a shell at a place."""
    if shutil.which("tmux") is None:
        pytest.skip("tmux is the terminal; it isn't here (apt-get install tmux)")
    screens: list[Screen] = []

    def make(place: Place) -> Screen:
        screens.append(Screen(place, wait_until))
        return screens[-1]

    yield make
    for screen in screens:
        screen.close()


@pytest.fixture
def screen(place: Place, make_screen: Callable[[Place], Screen]) -> Screen:
    """A terminal with a shell."""
    return make_screen(place)

"""Stubs in an interactive shell on a terminal: what the keys of job control do, and who is left."""

import shutil
import signal
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

LOOP = "echo ready $$; while :; do sleep 0.05; done"
"""A script that says which process it is, then runs until a signal."""


class Screen:
    """bash on a terminal of tmux's, in which `typed` keys have their effects."""

    def __init__(self, client: Any, wait_until: Callable[..., Any]) -> None:
        self._wait_until = wait_until
        self._tmux = ["tmux", "-L", f"k8psh-test-{uuid.uuid4()}", "-f", "/dev/null"]
        variables = ["TERM=screen", "PS1=prompt> ", "PATH=/usr/bin:/bin", f"K8PSH_LANE={client.kind.lane}"]
        shell = ["env", "-i", *variables, "bash", "--norc", "--noprofile"]
        self._run("new-session", "-d", "-x", "100", "-y", "50", "-c", str(client.base), *shell)
        self.wait("prompt>")

    def _run(self, *words: str) -> str:
        return subprocess.run([*self._tmux, *words], check=True, capture_output=True, text=True).stdout

    def text(self) -> str:
        """Return what is on the screen, long lines in one piece."""
        return self._run("capture-pane", "-p", "-J")

    def wait(self, text: str, times: int = 1) -> str:
        """Wait until the screen has this text so often; return the screen."""
        self._wait_until(lambda: self.text().count(text) >= times, f"{text!r} on the screen")
        return self.text()

    def enter(self, line: str) -> None:
        """Type a line."""
        self._run("send-keys", "-l", line)
        self._run("send-keys", "Enter")

    def key(self, name: str) -> None:
        """Press a key by tmux's name."""
        self._run("send-keys", name)

    def resize(self, columns: int) -> None:
        """Change the terminal's width."""
        self._run("resize-window", "-x", str(columns), "-y", "50")

    def start_loop(self, stub: str, before: str = "", redirection: str = "") -> int:
        """Run the loop in the foreground; return its process id."""
        self.enter(f"{stub} -c '{before}{LOOP}' {redirection}")
        self._wait_until(lambda: any(map(is_ready, self.text().splitlines())), "the loop")
        return int(next(filter(is_ready, self.text().splitlines())).split()[1])

    def wait_status(self, status: int) -> None:
        """Ask the shell, which must be at its prompt, how the last command ended."""
        self.enter('echo "status=$?"')
        self.wait(f"\nstatus={status}\n")

    def close(self) -> None:
        """End the shell and what it runs."""
        self._run("kill-server")


def is_ready(line: str) -> bool:
    """Return whether a line is what the loop prints."""
    words = line.split()
    return len(words) == 2 and words[0] == "ready" and words[1].isdigit()


def state(pid: int) -> str:
    """Return a process's state as ps(1) has it; empty for one that doesn't exist."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


@pytest.fixture
def screen(client: Any, wait_until: Callable[..., Any]) -> Iterator[Screen]:
    """A terminal with a shell."""
    if shutil.which("tmux") is None:
        pytest.skip("tmux is the terminal; it isn't here (apt-get install tmux)")
    made = Screen(client, wait_until)
    yield made
    made.close()


@pytest.mark.parametrize(("key", "status"), [("C-c", 130), ("C-\\", 131)], ids=["interrupt", "quit"])
def test_keys_that_end(client: Any, screen: Any, wait_until: Any, key: str, status: int) -> None:
    """The command ends by the key's signal, and the shell sees the stub end by it."""
    pid = screen.start_loop(client.path("sh"))
    screen.key(key)
    screen.wait("prompt>", 2)
    screen.wait_status(status)
    wait_until(lambda: state(pid) in ("", "Z"), "the command's end")


def test_interrupt_ends_a_loop_of_calls(client: Any, screen: Any) -> None:
    """A shell's loop ends with the call that is interrupted, since that died by the signal."""
    screen.enter(f"for i in 1 2 3; do {client.path('sh')} -c 'echo turn '$i'; sleep 1000'; done")
    screen.wait("\nturn 1\n")
    screen.key("C-c")
    screen.wait("prompt>", 2)
    assert "\nturn 2\n" not in screen.text()


def test_handled_interrupt(client: Any, screen: Any) -> None:
    """A command that handles the key goes on, and its exit code counts."""
    screen.start_loop(client.path("sh"), before='trap "echo heard; exit 7" INT; ')
    screen.key("C-c")
    screen.wait("\n^Cheard\n")
    screen.wait_status(7)


def test_stop_and_foreground(client: Any, screen: Any, wait_until: Any) -> None:
    """The stop key stops command and stub, and gives the shell back; fg makes both go on."""
    pid = screen.start_loop(client.path("sh"))
    for turn in (1, 2):
        screen.key("C-z")
        screen.wait("Stopped", turn)
        wait_until(lambda: state(pid) == "T", "the command's stop")
        screen.enter("fg")
        wait_until(lambda: state(pid) in ("S", "R"), "the command's going on")
    screen.key("C-c")
    screen.wait("prompt>", 4)
    screen.wait_status(130)


def test_background(client: Any, screen: Any, wait_until: Any) -> None:
    """`bg` makes a stopped command go on behind the shell's back, and `kill %1` ends it.

    Its input isn't the terminal: on the relay lane the client reads that for it, and would be stopped.
    """
    pid = screen.start_loop(client.path("sh"), redirection="</dev/null")
    screen.key("C-z")
    screen.wait("Stopped")
    wait_until(lambda: state(pid) == "T", "the command's stop")
    screen.enter("bg")
    wait_until(lambda: state(pid) in ("S", "R"), "the command's going on")
    screen.enter("kill %1; wait %1")
    screen.wait("Terminated")
    screen.wait_status(143)


def test_input_after_a_stop(client: Any, screen: Any) -> None:
    """What is typed before a stop and after it reaches the command, and the end of input, too."""
    screen.enter(f"{client.path('sh')} -c 'printf rea; echo dy; exec cat'")
    screen.wait("\nready\n")  # what is typed while the shell is still starting it is shown twice or not
    screen.enter("before")
    screen.wait("\nbefore\nbefore\n")
    screen.key("C-z")
    screen.wait("Stopped")
    screen.enter("fg")
    screen.wait("exec cat", 3)
    screen.enter("after")
    screen.wait("\nafter\nafter\n")
    screen.key("C-d")
    screen.wait_status(0)


def test_resize(client: Any, screen: Any) -> None:
    """A command that wants to know hears that the terminal has another size."""
    screen.start_loop(client.path("sh"), before='trap "echo size" WINCH; ')
    screen.resize(90)
    screen.wait("\nsize\n")
    screen.key("C-c")
    screen.wait("prompt>", 2)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["TERM", "INT"])
def test_stopped_server(own_place: Any, number: signal.Signals, wait_until: Any) -> None:
    """A client whose server doesn't answer ends by the second signal."""
    place = own_place()
    server = place.start_server()
    process = place.client.start("sh", "-c", "trap '' INT; echo ready; sleep 1000")
    assert process.stdout.readline() == b"ready\n"
    server.send_signal(signal.SIGSTOP)
    wait_until(lambda: state(server.pid) == "T", "the server's stop")
    process.send_signal(number)
    wait_until(lambda: has_taken(process.pid, number), "the first one to be taken")
    process.send_signal(number)
    assert process.wait(20) == -number
    server.send_signal(signal.SIGCONT)


def has_taken(pid: int, number: int) -> bool:
    """Return whether a process has dealt with a signal: it isn't pending, and the process sleeps again."""
    status = Path(f"/proc/{pid}/status").read_text()
    pending = (int(status.partition(name)[2].split()[0], 16) for name in ("SigPnd:", "ShdPnd:"))
    return state(pid) == "S" and not any(mask & 1 << number - 1 for mask in pending)

"""How a server begins and ends, and what its options do."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

GRACE_SECONDS = 5  # without gracePeriodMs in the configuration
SLOW = b"trap 'exit 7' TERM; echo ready; read x; exit 3"


@pytest.fixture
def begin(site: Any, make_request: Callable[..., bytes]) -> Callable[[], Any]:
    """Return a function that begins a call whose command runs until it gets a line, or exits 7 at TERM."""

    def start() -> Any:
        call = site.call(make_request(b"sh", b"-c", SLOW))
        call.read_stdout(6)
        return call

    return start


@pytest.fixture
def wait_refused(site: Any, wait_until: Callable[..., Any]) -> Callable[[], None]:
    """Return a function that waits until the server accepts no more connections."""

    def is_refused() -> bool:
        try:
            site.call().socket.close()
        except ConnectionRefusedError:
            return True
        return False

    return lambda: wait_until(is_refused, "no more connections")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_waiting_for_commands(
    site: Any,
    serving: Callable[..., Any],
    begin: Callable[[], Any],
    make_frame: Callable[..., bytes],
    wait_refused: Callable[[], None],
    number: int,
) -> None:
    """A server that is told to end accepts no more, waits for its commands, and exits with 0."""
    server = serving("-d")
    with begin() as call:
        server.send_signal(number)
        wait_refused()
        assert server.poll() is None
        call.send(make_frame(4, b"\n"))
        assert call.finish().exit_code == 3
    assert site.processes.finish(server).code == 0


def test_second_signal(
    site: Any, serving: Callable[..., Any], begin: Callable[[], Any], wait_refused: Callable[[], None]
) -> None:
    """A second signal ends the running commands, whose clients learn how, and the server with 0."""
    server = serving("-d")
    with begin() as call:
        server.terminate()
        wait_refused()
        server.terminate()
        assert call.finish().exit_code == 7
        assert site.processes.finish(server).code == 0


def test_no_wait(site: Any, serving: Callable[..., Any], begin: Callable[[], Any]) -> None:
    """With --no-wait, one signal ends the running commands, too."""
    server = serving("-d", "--no-wait")
    with begin() as call:
        server.terminate()
        assert call.finish().exit_code == 7
        assert site.processes.finish(server).code == 0


IMPATIENT = """\
baseDirectory: base
gracePeriodMs: 200
servers:
- name: alpha
  port: {port}
  environment: [{{inherit: PATH}}]
  commands: {{sh: /bin/sh}}
"""
STUBBORN = b"trap '' TERM; echo ready; while :; do sleep 1; done"


def test_command_that_does_not_want_to_end(
    site: Any, serving: Callable[..., Any], make_request: Callable[..., bytes]
) -> None:
    """A server that doesn't wait kills a command that ignores TERM when the grace period is over."""
    site.configuration = site.directory / "k8psh.yaml"
    site.configure(template=IMPATIENT)
    server = serving("-d", "--no-wait")
    with site.call(make_request(b"sh", b"-c", STUBBORN)) as call:
        call.read_stdout(6)
        server.terminate()
        assert call.finish().exit_code == 128 + signal.SIGKILL
        assert site.processes.finish(server).code == 0


def test_connection_without_request(site: Any, serving: Callable[..., Any]) -> None:
    """A server that doesn't wait isn't held up by a connection that has said nothing yet."""
    server = serving("-d", "--no-wait")
    with site.call():
        server.terminate()
        assert site.processes.finish(server).code == 0


def test_third_signal(
    site: Any,
    serving: Callable[..., Any],
    make_request: Callable[..., bytes],
    wait_refused: Callable[[], None],
) -> None:
    """A signal to a server that is ending its commands ends their grace period."""
    server = serving("-d", "--no-wait")
    with site.call(make_request(b"sh", b"-c", STUBBORN)) as call:
        call.read_stdout(6)
        server.terminate()
        wait_refused()
        before = time.monotonic()
        server.terminate()
        assert call.finish().exit_code == 128 + signal.SIGKILL
        assert time.monotonic() - before < GRACE_SECONDS
    assert site.processes.finish(server).code == 0


def test_commands_end_with_the_server(
    site: Any,
    serving: Callable[..., Any],
    make_request: Callable[..., bytes],
    wait_until: Callable[..., Any],
    is_alive: Callable[[int], bool],
) -> None:
    """The commands of a server that doesn't wait, and their background children, are asked to end."""
    server = serving("-d", "-w")
    with site.call(make_request(b"sh", b"-c", b"sleep 1000 & echo $$ $!; wait")) as call:
        wait_until(lambda: call.read_stdout(1).endswith(b"\n"))
        pids = [int(word) for word in call.reply.stdout.split()]
        server.terminate()
        assert site.processes.finish(server).code == 0
        wait_until(lambda: not any(map(is_alive, pids)), "the commands' end")


def test_timeout(site: Any) -> None:
    """--timeout ends the server with 0."""
    before = time.monotonic()
    assert site.run("-d", "--timeout", "300").code == 0
    assert 0.3 < time.monotonic() - before < 10


@pytest.mark.parametrize(
    "words", [("-m", "3"), ("-m3",), ("--max-connections=3",), ("--max-connections", "3")]
)
def test_max_connections(site: Any, wait_until: Callable[..., Any], words: tuple[str, ...]) -> None:
    """After the last allowed connection the server ends with 0, and that call is served."""
    server = site.start("-d", *words)

    def call() -> Any:
        try:
            return site.exit_code_of("exit 5")
        except ConnectionRefusedError:
            assert server.poll() is None
            return None

    assert [wait_until(call), call(), call()] == [5, 5, 5]
    assert site.processes.finish(server).code == 0


def test_options_in_the_section(site: Any) -> None:
    """Options may stand in the server's section; the command line's come after them."""
    site.configure(options="--timeout=60000 --max-connections=1 -d")
    assert site.run("--timeout=100").code == 0


def test_port_in_use(site: Any, serving: Callable[..., Any]) -> None:
    """A port that is taken gives a line and 125."""
    serving("-d")
    result = site.run("-d")
    assert (result.code, result.err.count(b"\n")) == (125, 1)
    assert b"%d" % site.port in result.err


def test_restart(site: Any, serving: Callable[..., Any]) -> None:
    """A server that was killed can be started again at once."""
    server = serving("-d")
    server.kill()
    server.wait()
    serving("-d")
    assert site.exit_code_of("exit 2") == 2


@pytest.mark.parametrize("word", ["--nonsense", "-x", "surplus", "--timeout=soon", "--max-connections"])
def test_wrong_words(site: Any, word: str) -> None:
    """A wrong word is an error, or with --ignore-invalid-arguments a warning."""
    result = site.run("-d", word)
    assert (result.code, result.err.count(b"\n")) == (125, 1)
    result = site.run("-d", "-i", "-m0", word)
    assert (result.code, result.err.count(b"\n")) == (0, 1)
    assert word.split("=")[0].lstrip("-").encode() in result.err


LIBC_SIGNALS = 1 << 31 | 1 << 32
"""Signals 32 and 33, the C library's own: what glibc's posix_spawn starts (make does) has one ignored."""


def test_commands_see_default_signals(
    site: Any, serving: Callable[..., Any], make_request: Callable[..., bytes]
) -> None:
    """A command starts with default signal actions, even where the server was started as a background job."""
    ignoring = lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)  # noqa: E731 - Popen wants a function
    serving("-d", preexec_fn=ignoring)
    with site.call(make_request(b"sh", b"-c", b"grep Sig[BI] /proc/self/status"), b"\4\0\0\0\0") as call:
        lines = call.finish().stdout.decode().split()
    masks = {name: int(mask, 16) & ~LIBC_SIGNALS for name, mask in zip(lines[::2], lines[1::2], strict=True)}
    assert masks == {"SigBlk:": 0, "SigIgn:": 0}


def test_commands_get_no_descriptors(
    site: Any, serving: Callable[..., Any], make_request: Callable[..., bytes]
) -> None:
    """A command has its three streams and no descriptor of the server's."""
    serving("-d")
    with (
        site.call(make_request(b"cat")),
        site.call(make_request(b"sh", b"-c", b"ls /proc/self/fd"), b"\4\0\0\0\0") as call,
    ):
        assert call.finish().stdout.split() == [b"0", b"1", b"2", b"3"]  # 3 is ls's own


def test_background(
    site: Any, wait_until: Callable[..., Any], is_alive: Callable[[int], bool], tmp_path: Path
) -> None:
    """In the background the server has a pidfile, ignores HUP, and removes the file at its end."""
    pidfile = tmp_path / "pid"
    started = site.run("-d", "--background", f"--pidfile={pidfile}")
    assert (started.code, started.out, started.err) == (0, b"", b"")
    pid = int(pidfile.read_text())
    assert site.exit_code_of("exit 4") == 4
    os.kill(pid, signal.SIGHUP)
    assert site.exit_code_of("exit 5") == 5
    assert os.getsid(pid) != os.getsid(0)
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not is_alive(pid), "the server's end")
    assert not pidfile.exists()


def test_existing_pidfile(site: Any, tmp_path: Path) -> None:
    """A pidfile that exists is an error that the caller sees, and is left alone."""
    pidfile = tmp_path / "pid"
    pidfile.write_text("1\n")
    result = site.run("-d", "-b", "-p", str(pidfile))
    assert (result.code, result.err.count(b"\n")) == (125, 1)
    assert bytes(pidfile) in result.err
    assert pidfile.read_text() == "1\n"


def test_error_in_the_background(site: Any, serving: Callable[..., Any], tmp_path: Path) -> None:
    """What keeps a background server from starting reaches its caller, and no pidfile stays."""
    serving("-d")
    result = site.run("-d", "-b", "-p", str(tmp_path / "pid"))
    assert (result.code, result.err.count(b"\n")) == (125, 1)
    assert not (tmp_path / "pid").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="a process namespace needs root")
def test_process_1_reaps_orphans(
    site: Any,
    processes: Any,
    wait_serving: Callable[..., None],
    wait_until: Callable[..., Any],
) -> None:
    """As process 1 the server reaps what its commands leave behind, and no exit code is lost by that."""
    server = [str(site.program.parent / "k8pshd"), "-n", "alpha", "-d", "-c", str(site.configuration)]
    process = processes.start(
        ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", *server], cwd=site.directory
    )
    wait_serving(site.port, process)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    (init,) = children.read_text().split()
    orphans = Path(f"/proc/{init}/task/{init}/children")
    for _ in range(5):
        assert site.exit_code_of("(sleep 0.1 & sleep 0.2 & :) ; sleep 0.3; exit 7") == 7
    wait_until(lambda: not orphans.read_text(), "the orphans' end")
    os.kill(int(init), signal.SIGTERM)
    assert processes.finish(process).code == 0

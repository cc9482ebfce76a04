"""Many calls, many callers, much data: nothing grows, nothing is lost."""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

GIB = 1 << 30
MIB = 1 << 20


def _status(pid: int, name: str) -> int:
    """Return a number of /proc/PID/status; sizes are in KiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise AssertionError(name)


def _resources(pid: int) -> dict[str, int]:
    return {
        "descriptors": len(os.listdir(f"/proc/{pid}/fd")),
        "threads": _status(pid, "Threads"),
        "children": len(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()),
    }


def _forget_peak(pid: int) -> int:
    """Set the peak of a process's memory to what it is now, and return that in bytes."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return _status(pid, "VmHWM") * 1024


@pytest.fixture
def server(serving: Callable[..., Any]) -> Any:
    """A server of the test's own."""
    return serving("-d")


def _call_many(site: Any, make_request: Callable[..., bytes], count: int) -> None:
    """Make calls of each kind: good ones, refused ones, those that break off."""
    whole = make_request(b"true") + b"\4\0\0\0\0"
    for number in range(count):
        with site.call(whole) as call:
            assert call.finish().exit_code == 0
        if number % 50 == 0:
            site.call(make_request(b"cat")).socket.close()
            site.call(b"\0\0").socket.close()
            with site.call(make_request(b"nonexistent")) as call:
                assert call.finish().exit_code == 127


@pytest.mark.parametrize("count", [300, pytest.param(10_000, marks=pytest.mark.slow)])
def test_nothing_leaks(
    site: Any,
    server: Any,
    make_request: Callable[..., bytes],
    wait_until: Callable[..., Any],
    count: int,
) -> None:
    """After many calls the server has no descriptor, thread or child more than before, and no more memory."""
    _call_many(site, make_request, 100)
    wait_until(lambda: _resources(server.pid)["children"] == 0)
    before = _resources(server.pid)
    memory = _status(server.pid, "VmRSS")
    _call_many(site, make_request, count)
    wait_until(lambda: _resources(server.pid) == before, f"{before}")
    assert _status(server.pid, "VmRSS") - memory < 2 * 1024
    assert _status(server.pid, "VmRSS") < 40 * 1024


def test_callers_at_once(
    site: Any, server: Any, make_request: Callable[..., bytes], make_frame: Callable[..., bytes]
) -> None:
    """64 callers at once each get their own output and exit code."""
    failed: list[object] = []
    together = threading.Barrier(64)

    def call(number: int) -> None:
        text = b"%d " % number * 3000
        with site.call(make_request(b"sh", b"-c", b"cat; exit %d" % number)) as raw:
            together.wait(30)
            raw.send(make_frame(4, text), make_frame(4))
            reply = raw.finish()
        if (reply.exit_code, bytes(reply.stdout)) != (number, text):
            failed.append((number, reply))

    threads = [threading.Thread(target=call, args=(number,)) for number in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failed
    assert server.poll() is None


def test_slow_reader(
    site: Any, server: Any, make_request: Callable[..., bytes], wait_still: Callable[[int], None]
) -> None:
    """A client that doesn't read makes the command wait, and not the server grow."""
    peak = _forget_peak(server.pid)
    with (
        site.call(make_request(b"cat"), b"\4\0\0\0\0"),
        site.call(make_request(b"sh", b"-c", b"cat /dev/zero")),
    ):
        wait_still(server.pid)
        assert _status(server.pid, "VmHWM") * 1024 - peak < 4 * MIB


def test_slow_command(
    site: Any, server: Any, make_request: Callable[..., bytes], make_frame: Callable[..., bytes]
) -> None:
    """A command that doesn't read makes the client wait, and not the server grow."""
    peak = _forget_peak(server.pid)
    with site.call(make_request(b"sh", b"-c", b"echo; exec sleep 1000")) as call:
        call.read_stdout(1)
        call.socket.settimeout(0.5)
        with pytest.raises(TimeoutError):
            call.send(make_frame(4, bytes(GIB // 8)))
        assert _status(server.pid, "VmHWM") * 1024 - peak < 4 * MIB


@pytest.mark.slow
@pytest.mark.parametrize("program", ["python_program", "native_program"])
@pytest.mark.parametrize("lane", ["relay", "direct"])
def test_memory_is_bounded(
    request: pytest.FixtureRequest, site: Any, server: Any, processes: Any, program: str, lane: str
) -> None:
    """While 1 GiB goes through `cat`, the peaks of server and client grow by less than 4 MiB."""
    client = request.getfixturevalue(program)
    words = [str(client), "-c", str(site.configuration), "cat"]
    if program == "native_program":
        stubs = site.directory / "native-stubs"
        k8pshd = str(client.parent / "k8pshd")
        processes.run([k8pshd, "-n", "build", "-e", str(stubs), "-c", str(site.configuration)])
        words = [str(stubs / "cat")]
    peaks = []
    server_peak = _forget_peak(server.pid)
    for size in (1000, GIB):
        source = processes.start(["head", "-c", str(size), "/dev/zero"])
        caller = processes.start(words, stdin=source.stdout, cwd=site.base, env={"K8PSH_LANE": lane})
        counter = processes.start(["wc", "-c"], stdin=caller.stdout)
        source.stdout.close()
        caller.stdout.close()
        assert int(counter.stdout.read()) == size
        _, status, usage = os.wait4(caller.pid, 0)
        caller.returncode = os.waitstatus_to_exitcode(status)
        assert caller.returncode == 0
        peaks.append(usage.ru_maxrss * 1024)
    assert peaks[1] - peaks[0] < 4 * MIB
    assert _status(server.pid, "VmHWM") * 1024 - server_peak < 4 * MIB

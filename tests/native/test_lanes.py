"""Which way a call takes: the Unix socket, TCP, or first the one and then the other."""

import contextlib
import os
from pathlib import Path
from typing import Any

import pytest

WISHES = [("auto", None), ("direct", None), ("relay", "auto"), ("relay", "direct"), ("auto", "")]
"""The routes' lane and the caller's, which lead to the Unix socket where there is one."""


def end_call(connection: Any, process: Any, finish: Any, make_exit: Any) -> None:
    """Take a call's request and end it."""
    connection.read_request()
    connection.drop_descriptors()
    connection.send(make_exit(5))
    assert finish(process)[0] == 5


@pytest.mark.parametrize(("lane", "wish"), WISHES)
def test_unix_socket_first(
    place: Any, server: Any, finish: Any, make_exit: Any, lane: str, wish: str | None
) -> None:
    """A server that listens on both is called directly unless the relay lane is asked for."""
    place.routes.lane, place.routes.socket = lane, server.abstract
    place.write()
    process = place.start("true", environment={} if wish is None else {"K8PSH_LANE": wish})
    end_call(server.accept(server.abstract), process, finish, make_exit)


@pytest.mark.parametrize(("lane", "wish"), [("relay", None), ("direct", "relay"), ("auto", "relay")])
def test_relay_lane(
    place: Any, server: Any, finish: Any, make_exit: Any, lane: str, wish: str | None
) -> None:
    """The relay lane leads to TCP, although the Unix socket is there."""
    place.routes.lane, place.routes.socket = lane, server.abstract
    place.write()
    process = place.start("true", environment={} if wish is None else {"K8PSH_LANE": wish})
    end_call(server.accept(), process, finish, make_exit)


def test_socket_file(place: Any, server: Any, finish: Any, make_exit: Any) -> None:
    """The Unix socket may be a file."""
    place.routes.lane, place.routes.socket, place.routes.tcp = "auto", server.path, "no"
    place.write()
    process = place.start("true")
    end_call(server.accept(server.path), process, finish, make_exit)


@pytest.mark.parametrize("socket", ["@k8psh-test-nobody", "/nowhere/k8psh.sock"])
def test_tcp_where_there_is_no_unix_socket(
    place: Any, server: Any, finish: Any, make_exit: Any, socket: str
) -> None:
    """Without a Unix socket the automatic lane is TCP, at once."""
    place.routes.lane, place.routes.socket = "auto", socket
    place.write()
    process = place.start("true")
    end_call(server.accept(), process, finish, make_exit)


def test_abstract_name_is_compared_whole(place: Any, server: Any, finish: Any, make_exit: Any) -> None:
    """The name is as long as the routes say: one that only begins alike is another."""
    place.routes.lane, place.routes.socket = "auto", server.abstract + "0"
    place.write()
    process = place.start("true")
    end_call(server.accept(), process, finish, make_exit)


@pytest.mark.parametrize(("lane", "tcp"), [("direct", "yes"), ("auto", "no"), ("direct", "no")])
def test_no_way_to_tcp(place: Any, server: Any, finish: Any, lane: str, tcp: str) -> None:
    """Where only the direct lane is allowed, or the server has no TCP, a missing Unix socket is told."""
    place.routes.lane, place.routes.tcp = lane, tcp
    place.write()
    status, out, err = finish(place.start("true"))
    assert (status, out, err.count(b"\n")) == (125, b"", 1)
    assert b"no connection to the server 'alpha' on port" in err
    server.listener.setblocking(False)
    with pytest.raises(BlockingIOError):
        server.listener.accept()


def test_relay_lane_without_tcp(place: Any, finish: Any) -> None:
    """The relay lane of a server without TCP is said to be missing, at once."""
    place.routes.connect_timeout_ms, place.routes.tcp = 20_000, "no"
    place.write()
    status, _, err = finish(place.start("true"))
    assert (status, err) == (125, b"k8psh: true: the server 'alpha' has no TCP, which the relay lane needs\n")


def test_lane_that_there_is_not(place: Any, finish: Any) -> None:
    """A K8PSH_LANE of another kind is refused before anything is tried."""
    place.write()
    status, _, err = finish(place.start("true", environment={"K8PSH_LANE": "fast"}))
    assert (status, err) == (125, b"k8psh: true: K8PSH_LANE is 'fast': expected direct, relay or auto\n")


@pytest.mark.parametrize("kind", ["unix", "tcp"])
def test_server_that_comes_late(place: Any, server: Any, finish: Any, make_exit: Any, kind: str) -> None:
    """Both addresses are tried again, whichever the server listens on first."""
    port = server.port
    server.close()
    place.routes.lane, place.routes.socket, place.routes.connect_timeout_ms = "auto", server.abstract, 20_000
    place.write()
    process = place.start("true", environment={"K8PSH_DEBUG": "stub"})
    for _ in range(2):
        assert b"again" in process.stderr.readline()
    if kind == "unix":
        server.unix[server.abstract] = server.listen_unix(server.abstract)
        connection = server.accept(server.abstract)
    else:
        server.listener = server.listen_tcp(port)
        connection = server.accept()
    end_call(connection, process, finish, make_exit)


def test_full_backlog(place: Any, server: Any, finish: Any, make_exit: Any) -> None:
    """A Unix socket that many wait for is waited for too: the automatic lane doesn't change."""
    server.unix[server.abstract].listen(0)
    waiting = []
    with contextlib.suppress(BlockingIOError):
        while True:
            waiting.append(server.connect_unix(server.abstract))
    place.routes.lane, place.routes.socket, place.routes.connect_timeout_ms = "auto", server.abstract, 20_000
    place.write()
    process = place.start("true", environment={"K8PSH_DEBUG": "stub"})
    assert b"again: Resource temporarily unavailable" in process.stderr.readline()
    for client in waiting:
        server.accept(server.abstract)
        client.close()
    end_call(server.accept(server.abstract), process, finish, make_exit)


@pytest.mark.skipif(
    os.getuid() != 0, reason="root may connect to every socket file: only another user can fail"
)
def test_socket_file_that_may_not_be_used(place: Any, server: Any, finish: Any) -> None:
    """A socket file whose mode keeps the caller out is named as that."""
    Path(server.path).chmod(0o600)
    place.routes.lane, place.routes.socket = "direct", server.path
    place.write()
    for directory in [place.directory, *place.directory.parents[:3], *Path(server.path).parents[:3]]:
        directory.chmod(0o755)
    program = place.directory / "stub"
    program.write_bytes(Path(place.program[-1]).read_bytes())
    program.chmod(0o755)
    place.program[-1] = str(program)
    place.write()
    status, _, err = finish(place.start("true", user=65534, group=65534))
    assert (status, b"(Permission denied)" in err) == (125, True)


@pytest.mark.parametrize("cwd", ["/usr/bin", None])
def test_directory_for_callers_outside(place: Any, server: Any, cwd: str | None) -> None:
    """A command may have a working directory for callers whose own isn't shared, and only for those."""
    place.routes.outside = "/srv/elsewhere"
    place.write()
    place.start("true", cwd=cwd)
    assert server.accept().read_request()[0] == (0, b"" if cwd is None else b"/srv/elsewhere")

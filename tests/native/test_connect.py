"""Reaching the server, or saying that it can't be reached."""

import socket
import time
from typing import Any


def test_server_that_comes_late(place: Any, server: Any, finish: Any, make_exit: Any) -> None:
    """A stub that starts before its server waits for it, and tries soon enough."""
    port = server.port
    server.close()
    place.routes.connect_timeout_ms = 10_000
    place.write()
    process = place.start("true", environment={"K8PSH_DEBUG": "All"})
    for _ in range(3):
        assert b"again" in process.stderr.readline()
    server.listener = server.listen_tcp(port)
    connection = server.accept()
    connection.read_request()
    connection.send(make_exit(11))
    assert finish(process)[0] == 11


def test_no_server(place: Any, server: Any, finish: Any) -> None:
    """When the connect timeout has passed the stub names server and address in one line."""
    server.close()
    place.routes.connect_timeout_ms = 300
    place.write()
    before = time.monotonic()
    status, out, err = finish(place.start("true"))
    assert time.monotonic() - before >= 0.3
    assert (status, out) == (125, b"")
    assert err.startswith(
        b"k8psh: true: no connection to the server 'alpha' on port %d in 300 ms" % server.port
    )
    assert err.count(b"\n") == 1


def test_no_patience(place: Any, server: Any, finish: Any) -> None:
    """A connect timeout of 0 means one try."""
    server.close()
    place.write()
    assert finish(place.start("true"))[0] == 125


def test_connection_that_nobody_answers(place: Any, server: Any, finish: Any) -> None:
    """A full backlog, where connecting neither succeeds nor fails, ends at the timeout as well."""
    server.listener.listen(0)
    waiting = [socket.socket() for _ in range(4)]
    for client in waiting:
        client.setblocking(False)
        client.connect_ex(("127.0.0.1", server.port))
    place.routes.connect_timeout_ms = 400
    place.write()
    status, _, err = finish(place.start("true"))
    assert status == 125
    assert b"no connection" in err
    for client in waiting:
        client.close()


def test_server_hangs_up_during_a_large_request(place: Any, server: Any, finish: Any, make_exit: Any) -> None:
    """A server that refuses a request before it has read it is heard, or its loss is told."""
    place.write()
    process = place.start("true", *["x" * 100_000] * 15)
    connection = server.accept()
    connection.read_frame()
    connection.send(make_exit(77))
    connection.close()
    assert finish(process)[0] in (77, 125)

"""The stubs that a server writes and removes."""

import os
from collections.abc import Callable
from typing import Any

import pytest

ROUTES = ".k8psh-routes"
OTHERS = {"remote", "distant"}
OWN = {"cat", "true", "sh"}


def _end(site: Any, server: Any) -> Any:
    server.terminate()
    return site.processes.finish(server)


def test_pure_client(site: Any) -> None:
    """A name without commands gets stubs for all, which stay when k8pshd exits."""
    result = site.run(name="build")
    assert (result.code, result.out, result.err) == (0, b"", b"")
    assert site.stub_names() == OWN | OTHERS | {ROUTES}
    for name in OWN | OTHERS:
        assert os.access(site.stubs / name, os.X_OK)


def test_stubs_live_with_the_server(site: Any, serving: Callable[..., Any]) -> None:
    """A server has stubs for others' commands, and removes them at its end."""
    server = serving()
    assert site.stub_names() == OTHERS | {ROUTES}
    assert _end(site, server).code == 0
    assert site.stub_names() == set()


@pytest.mark.parametrize("word", ["-k", "--keep-client-executables"])
def test_kept_stubs(site: Any, serving: Callable[..., Any], word: str) -> None:
    """With --keep-client-executables they stay."""
    _end(site, serving(word))
    assert site.stub_names() == OTHERS | {ROUTES}


@pytest.mark.parametrize("word", ["-l", "--generate-local-executables"])
def test_local_stubs(site: Any, serving: Callable[..., Any], word: str) -> None:
    """With --generate-local-executables there are stubs for the server's own commands, too."""
    server = serving(word)
    assert site.stub_names() == OWN | OTHERS | {ROUTES}
    _end(site, server)
    assert site.stub_names() == set()


@pytest.mark.parametrize("word", ["-d", "--disable-client-executables"])
def test_disabled_stubs(site: Any, serving: Callable[..., Any], word: str) -> None:
    """With --disable-client-executables there are none, and old ones are removed."""
    _end(site, serving("-k"))
    assert site.stub_names() >= OTHERS
    serving(word)
    assert not site.stub_names() & OTHERS


def test_file_in_the_way(site: Any) -> None:
    """A file where a stub should go is an error, and then none is written."""
    site.stubs.mkdir()
    (site.stubs / "remote").write_text("precious")
    result = site.run()
    assert (result.code, result.err.count(b"\n")) == (125, 1)
    assert b"remote" in result.err
    assert site.stub_names() == {"remote"}
    assert (site.stubs / "remote").read_text() == "precious"


@pytest.mark.parametrize("word", ["-o", "--overwrite-client-executables"])
def test_overwriting(site: Any, serving: Callable[..., Any], word: str) -> None:
    """With --overwrite-client-executables it's replaced."""
    site.stubs.mkdir()
    (site.stubs / "remote").write_text("old")
    server = serving(word)
    assert (site.stubs / "remote").is_symlink()
    _end(site, server)
    assert site.stub_names() == set()


def test_directory_in_the_way(site: Any) -> None:
    """A directory is never replaced."""
    (site.stubs / "remote").mkdir(parents=True)
    result = site.run("-o")
    assert (result.code, result.err.count(b"\n")) == (125, 1)
    assert (site.stubs / "remote").is_dir()


def test_foreign_files_stay(site: Any, serving: Callable[..., Any]) -> None:
    """At its end a server removes only what it wrote."""
    server = serving()
    (site.stubs / "mine").write_text("x")
    (site.stubs / "remote").unlink()
    (site.stubs / "remote").write_text("replaced by its user")
    _end(site, server)
    assert site.stub_names() == {"mine", "remote"}


def test_directory_that_cannot_be_written(site: Any) -> None:
    """An executable directory that can't be made gives a line that names it, and 125."""
    site.stubs.write_text("a file")
    result = site.run()
    assert (result.code, result.err.count(b"\n")) == (125, 1)
    assert bytes(site.stubs) in result.err


def test_default_directory(site: Any, processes: Any) -> None:
    """Without --executable-directory the stubs go to the working directory."""
    here = site.directory / "here"
    here.mkdir()
    words = [str(site.program.parent / "k8pshd"), "-n", "build", "-c", str(site.configuration)]
    assert processes.run(words, cwd=here).code == 0
    assert {path.name for path in here.iterdir()} == OWN | OTHERS | {ROUTES}


def test_two_servers_in_one_directory(
    site: Any, serving: Callable[..., Any], wait_until: Callable[..., Any]
) -> None:
    """Servers that share an executable directory don't remove each other's stubs or routes."""
    alpha = serving()
    beta = site.start(name="beta")
    wait_until(lambda: site.stub_names() == OWN | OTHERS | {ROUTES}, "both servers' stubs")
    _end(site, alpha)
    assert site.stub_names() == OWN | {ROUTES}
    _end(site, beta)
    assert site.stub_names() == set()


def test_call_by_a_stub(site: Any, serving: Callable[..., Any], processes: Any) -> None:
    """A stub that a server wrote calls, from wherever its caller's PATH finds it."""
    serving("-l")
    environment = {"PATH": f"{site.stubs}:/usr/bin:/bin"}
    result = processes.run(["/bin/sh", "-c", "true && sh -c 'exit 3'"], cwd=site.base, env=environment)
    assert (result.code, result.err) == (3, b"")


def test_connections_leave_the_stubs(site: Any, serving: Callable[..., Any]) -> None:
    """A probe of the port doesn't cost the stubs."""
    server = serving()
    for _ in range(5):
        site.call().socket.close()
    assert site.exit_code_of("exit 1") == 1
    assert site.stub_names() == OTHERS | {ROUTES}
    assert server.poll() is None


def test_changed_configuration(site: Any, serving: Callable[..., Any], processes: Any) -> None:
    """A stub never gives a stale answer: when the configuration changes, it's read again."""
    serving("-l")
    stub = str(site.stubs / "sh")
    site.configuration.write_text(site.configuration.read_text().replace("sh /bin/sh", "changed /bin/sh"))
    result = processes.run([stub, "-c", "exit 3"], cwd=site.base)
    assert result.code == 127
    assert result.err.startswith(b"k8psh: sh: ")

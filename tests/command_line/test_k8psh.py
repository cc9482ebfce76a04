"""What `k8psh` and `k8pshd` do besides calling and serving."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

CONFIGURATION = "[ alpha:{port} ] =PATH=/usr/bin:/bin\ntrue /bin/true\nsh /bin/sh\n"


@pytest.fixture
def configuration(tmp_path: Path, free_port: Callable[[], int]) -> Path:
    """A classic configuration with one server, alpha."""
    path = tmp_path / "k8psh.conf"
    path.write_text(CONFIGURATION.format(port=free_port()))
    return path


@pytest.fixture
def k8psh(python_program: Path, processes: Any, tmp_path: Path) -> Callable[..., Any]:
    """Return a function that runs k8psh, or another `program` beside it, in the configuration's directory."""

    def run(*words: str, program: str = "k8psh", **keywords: Any) -> Any:
        keywords.setdefault("cwd", tmp_path)
        return processes.run([str(python_program.parent / program), *words], **keywords)

    return run


def _assert_line(result: Any, code: int, *texts: str) -> None:
    """Check that one line on stderr says what is wrong, without a traceback."""
    assert (result.code, result.out) == (code, b"")
    assert result.err.startswith(b"k8psh: ")
    assert result.err.count(b"\n") == 1
    assert all(text.encode() in result.err for text in texts)


@pytest.mark.parametrize("word", ["-h", "--help"])
def test_help(k8psh: Callable[..., Any], word: str) -> None:
    """The usage names every option, of the client and of the server."""
    client, server = k8psh(word), k8psh(word, program="k8pshd")
    assert (client.code, client.err, server.code, server.err) == (0, b"", 0, b"")
    assert all(option in client.out for option in (b"--config", b"--install", b"--server", b"--check"))
    assert all(option in server.out for option in (b"--background", b"--no-wait", b"--max-connections"))
    assert k8psh("--server", word).out == server.out


@pytest.mark.parametrize("word", ["-v", "--version"])
def test_version(k8psh: Callable[..., Any], word: str) -> None:
    """The version is `k8psh VERSION`, or `k8pshd VERSION`."""
    client, server = k8psh(word).out.decode(), k8psh(word, program="k8pshd").out.decode()
    assert client.startswith("k8psh 2.")
    assert server == client.replace("k8psh", "k8pshd")
    assert k8psh("-s", word).out.decode() == server


@pytest.mark.parametrize("word", ["--nonsense", "-x", "--help=yes", "--config"])
def test_wrong_option(k8psh: Callable[..., Any], word: str) -> None:
    """A word that is no option gives a line that names it, and 125."""
    _assert_line(k8psh(word), 125, word.split("=")[0])


def test_no_command(k8psh: Callable[..., Any]) -> None:
    """Without a command there is nothing to do."""
    _assert_line(k8psh(), 125, "command")


@pytest.mark.usefixtures("configuration")
def test_check(k8psh: Callable[..., Any]) -> None:
    """A good configuration is 0, and counted."""
    result = k8psh("--check")
    assert result.code == 0
    assert b"k8psh.conf: ok, 1 servers, 2 commands\n" in result.out


def test_check_with_problems(k8psh: Callable[..., Any], configuration: Path) -> None:
    """Every problem of a bad one is a line with its place, and the exit code is 78."""
    configuration.write_text("nonsense = 1\n[ alpha:0 ]\n[ beta ] --nonsense\n'open\n")
    result = k8psh("--check", "--config", str(configuration))
    assert (result.code, result.out) == (78, b"")
    lines = result.err.decode().splitlines()
    assert len(lines) > 1
    assert all(line.startswith(f"k8psh: {configuration}:") for line in lines)


def test_check_of_server_options(k8psh: Callable[..., Any], configuration: Path) -> None:
    """A wrong option in a server's section is a problem of the configuration."""
    configuration.write_text("[ alpha ] --nonsense\ntrue\n")
    result = k8psh("--check")
    assert result.code == 78
    assert b"--nonsense" in result.err


def test_check_of_a_missing_file(k8psh: Callable[..., Any]) -> None:
    """A configuration that isn't there is a problem, too."""
    _assert_line(k8psh("--check", "-c", "missing.conf"), 78, "missing.conf")


@pytest.mark.usefixtures("configuration")
def test_check_as_json(k8psh: Callable[..., Any]) -> None:
    """The loaded configuration can be printed for programs."""
    result = k8psh("--check", "--output", "json")
    loaded = json.loads(result.out)
    assert result.code == 0
    assert [server["name"] for server in loaded["servers"]] == ["alpha"]
    assert [command["name"] for command in loaded["servers"][0]["commands"]] == ["true", "sh"]
    _assert_line(k8psh("--check", "--output=xml"), 125, "xml")


def test_convert(k8psh: Callable[..., Any], configuration: Path, tmp_path: Path) -> None:
    """A classic configuration converted is YAML that loads to the same."""
    converted = tmp_path / "converted.yaml"
    result = k8psh("--convert", str(configuration))
    assert (result.code, result.err) == (0, b"")
    converted.write_bytes(result.out)
    classic, yaml = (
        json.loads(k8psh("--check", "--output=json", "-c", str(path)).out)
        for path in (configuration, converted)
    )
    assert classic == yaml


@pytest.fixture
def alpha(configuration: Path, python_program: Path, processes: Any) -> Any:
    """A server that is starting; calls wait for it."""
    words = [str(python_program.parent / "k8pshd"), "-n", "alpha", "-d", "-c", str(configuration)]
    return processes.start(words, cwd=configuration.parent)


@pytest.mark.usefixtures("alpha")
def test_calls(k8psh: Callable[..., Any], configuration: Path) -> None:
    """`k8psh COMMAND` calls; its own options come before the command, all others are the command's."""
    assert k8psh("sh", "-c", "exit 3").code == 3
    assert k8psh("-c", str(configuration), "sh", "-c", "exit 4").code == 4
    assert k8psh("--", "sh", "-c", 'exit "$1"', "--help", "5").code == 5
    assert k8psh("sh", "-c", 'echo "$0"', "--version").out == b"--version\n"


@pytest.mark.usefixtures("alpha")
def test_configuration_by_the_environment(k8psh: Callable[..., Any], configuration: Path) -> None:
    """K8PSH_CONFIG names the configuration, and --config overrides it."""
    assert k8psh("true").code == 0
    moved = configuration.rename(configuration.parent / "moved.conf")
    assert k8psh("true", env={"K8PSH_CONFIG": str(moved)}).code == 0
    assert k8psh("true", env={"K8PSH_CONFIG": "/missing"}).code == 78
    assert k8psh("--config", str(moved), "true", env={"K8PSH_CONFIG": "/missing"}).code == 0


def test_unknown_command(k8psh: Callable[..., Any], configuration: Path) -> None:
    """A command that no server has is 127."""
    _assert_line(k8psh("nonsense"), 127, "nonsense", str(configuration))


def test_no_configuration(k8psh: Callable[..., Any]) -> None:
    """Without a configuration nothing can be called or served."""
    for program in ("k8psh", "k8pshd"):
        result = k8psh("true", program=program)
        assert result.code in (78, 125)
        assert result.err.count(b"\n") == 1
        assert b"Traceback" not in result.err


def test_broken_configuration(k8psh: Callable[..., Any], configuration: Path) -> None:
    """A configuration that can't be loaded is 78, for calls and servers alike."""
    configuration.write_text("'open\n")
    for program, words in (("k8psh", ["true"]), ("k8pshd", [])):
        result = k8psh(*words, program=program)
        assert (result.code, result.out) == (78, b"")
        assert b"k8psh.conf:1:" in result.err


def test_name_by_the_environment(k8psh: Callable[..., Any], configuration: Path) -> None:
    """K8PSH_NAME says which server this is, and --name overrides it."""
    configuration.write_text(CONFIGURATION.format(port=1).replace("true", "remote") + "x /bin/true\n")
    stubs = configuration.parent / "stubs"
    words = ("-e", str(stubs), "-l")
    assert k8psh(*words, program="k8pshd", env={"K8PSH_NAME": "build"}).code == 0
    assert {path.name for path in stubs.iterdir()} >= {"remote", "sh", "x"}
    named = k8psh("--server", "--name", "build", "-o", *words, env={"K8PSH_NAME": "alpha"})
    assert (named.code, named.err) == (0, b"")


@pytest.mark.usefixtures("alpha")
def test_debugging(k8psh: Callable[..., Any]) -> None:
    """K8PSH_DEBUG=All says what goes on, on stderr; the call's result is the same."""
    result = k8psh("sh", "-c", "echo out; exit 3", env={"K8PSH_DEBUG": "All"})
    assert (result.code, result.out) == (3, b"out\n")
    server = k8psh("--name=build", "-e", "stubs", program="k8pshd", env={"K8PSH_DEBUG": "stubs"})
    assert b"[stubs]" in server.err


def test_output_that_nobody_reads(python_program: Path, processes: Any) -> None:
    """Help that can't be written to its pipe ends by SIGPIPE, as other programs do."""
    reader, writer = os.pipe()
    os.close(reader)
    result = processes.run([str(python_program), "--help"], stdout=writer)
    os.close(writer)
    assert (result.code, result.err) == (141, b"")


def test_full_device(python_program: Path, processes: Any) -> None:
    """Help that can't be written is an error, not a traceback."""
    with open("/dev/full", "wb") as full:
        result = processes.run([str(python_program), "--help"], stdout=full, stderr=PIPE)
    assert result.code == 125
    assert result.err.startswith(b"k8psh: ")
    assert b"Traceback" not in result.err


def test_working_directory_that_is_gone(k8psh: Callable[..., Any], tmp_path: Path) -> None:
    """A deleted working directory gives a line, for calls and servers alike."""
    for program, words in (("k8psh", ["true"]), ("k8pshd", [])):
        gone = tmp_path / f"gone-{program}"
        gone.mkdir()
        result = k8psh(*words, program=program, preexec_fn=gone.rmdir, cwd=gone)
        assert result.code == 125
        assert result.err.count(b"\n") == 1
        assert b"working directory" in result.err


def test_probe(k8psh: Callable[..., Any], alpha: Any, wait_until: Callable[..., Any]) -> None:
    """--probe tells by its exit code whether a server serves."""
    wait_until(lambda: k8psh("--probe", "alpha").code == 0, "the server")
    alpha.terminate()
    alpha.wait()
    result = k8psh("--probe", "alpha")
    assert (result.code, result.err.count(b"\n")) == (1, 1)

"""Finding and reading configuration files."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from k8psh.config.load import MAX_FILE_BYTES, default_path, load
from k8psh.errors import ConfigurationError


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("k8psh.conf", "[a]\nx"),
        ("anything", "[a]\nx"),
        ("k8psh.conf", "\ufeff[a]\r\nx\r\n"),
        ("k8psh.yaml", "servers: [{name: a, commands: {x: }}]"),
        ("k8psh.yml", "\ufeffservers:\r\n- name: a\r\n  commands: {x: }\r\n"),
        ("k8psh.json", '{"servers":\n\t[{"name": "a", "commands": {"x": null}}]}'),
    ],
)
def test_syntax_is_the_endings(tmp_path: Path, name: str, text: str) -> None:
    """The file's ending says its syntax; the file's directory is the base directory."""
    path = tmp_path / name
    path.write_bytes(text.encode())
    loaded = load(str(path), {})
    assert [command.name for command in loaded.configuration.servers[0].commands] == ["x"]
    assert loaded.configuration.base_directory == str(tmp_path)
    assert loaded.configuration.file == str(path)
    assert (loaded.modified_ns, loaded.size) == (path.stat().st_mtime_ns, len(text.encode()))


def test_bytes_that_are_not_utf8_survive(tmp_path: Path) -> None:
    """A classic file may hold any byte but NUL."""
    path = tmp_path / "k8psh.conf"
    path.write_bytes(b"[a]\nx \xff\xfe")
    program = load(str(path), {}).configuration.servers[0].commands[0].executable[0]
    assert os.fsencode(program) == b"\xff\xfe"


def test_warnings_are_returned(tmp_path: Path) -> None:
    """Warnings name the file as it was given."""
    path = tmp_path / "k8psh.conf"
    path.write_text("[a]\nx y ${NOPE}")
    relative = os.path.relpath(path)
    assert [str(warning) for warning in load(relative, {}).warnings] == [
        f"{relative}:2:5: NOPE isn't set and has no default: it becomes empty"
    ]


def problem_of(path: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(path, {})
    assert len(caught.value.problems) == 1
    assert str(caught.value).startswith(path)
    return str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """What can't be read says why and what to do, in one line."""
    rubbish = tmp_path / "rubbish"
    rubbish.write_bytes(b"[a]\nx \0")
    large = tmp_path / "large"
    large.write_bytes(b"#" * (MAX_FILE_BYTES + 1))
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    assert "doesn't exist: name the configuration with --config" in problem_of(str(tmp_path / "nothing"))
    assert "is a directory" in problem_of(str(tmp_path))
    assert ":2: holds a NUL byte" in problem_of(str(rubbish))
    assert "is larger than" in problem_of(str(large))
    assert "can't be read: Too many levels" in problem_of(str(loop))
    assert "isn't a file's name" in problem_of("a\0b")
    assert "can't be read" in problem_of(f"{rubbish}/below")


def test_file_of_another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that the user may not read says which user that is; root is never refused, so it is played."""

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    assert f"can't be read by user {os.geteuid()}" in problem_of(str(tmp_path / "k8psh.conf"))


@pytest.mark.parametrize("name", ["k8psh.conf", "k8psh.yaml"])
def test_default_is_what_exists(tmp_path: Path, name: str) -> None:
    """Without --config and K8PSH_CONFIG it is the file in the directory."""
    (tmp_path / name).touch()
    assert default_path({}, str(tmp_path)) == str(tmp_path / name)
    assert default_path({"K8PSH_CONFIG": ""}, str(tmp_path)) == str(tmp_path / name)


def test_default_prefers_the_classic_name(tmp_path: Path) -> None:
    """Where both are there, k8psh.conf is used, as ever."""
    (tmp_path / "k8psh.conf").touch()
    (tmp_path / "k8psh.yaml").touch()
    assert default_path({}, str(tmp_path)) == str(tmp_path / "k8psh.conf")


def test_variable_names_the_configuration(tmp_path: Path) -> None:
    """K8PSH_CONFIG comes first; a relative one is relative to the directory."""
    (tmp_path / "k8psh.conf").touch()
    assert default_path({"K8PSH_CONFIG": "/etc/x.yaml"}, str(tmp_path)) == "/etc/x.yaml"
    assert default_path({"K8PSH_CONFIG": "x.yaml"}, str(tmp_path)) == str(tmp_path / "x.yaml")


def test_no_configuration_says_what_was_looked_for(tmp_path: Path) -> None:
    """Where nothing is found the error names the files, the option and the variable."""
    with pytest.raises(ConfigurationError, match=r"k8psh\.conf .*k8psh\.yaml.*--config.*K8PSH_CONFIG"):
        default_path({}, str(tmp_path))


def test_classic_files_need_no_yaml(root: Path) -> None:
    """Loading a classic file imports neither pyyaml nor trio, which cost more than all the rest."""
    code = (
        "import sys; from k8psh.config.load import load; load('config/example.conf', {}); "
        "sys.exit(any(name in sys.modules for name in ('yaml', 'trio')))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0

"""What one would use instead: ssh, dropbear, s6-sudo, socat; private, on the loopback, ended behind us."""

import contextlib
import itertools
import os
import pwd
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from .contestants import Carries, Contestant, Place
from .processes import free_port, listens, running
from .spawner import MeasureError

_SHELL = "/bin/dash"
"""The login shell of the user who is called: it starts in a third of the time that bash takes."""
_SSHD = "/usr/sbin/sshd"
_SHARE_WITHOUT_MASTER = 0.2
"""Dropbear makes a connection per call: a fifth of the calls says as much."""


@contextlib.contextmanager
def ssh(place: Place) -> Iterator[Contestant]:
    """Yield ssh with a master connection.

    Raises:
        MeasureError: it isn't installed, or doesn't come up.
    """
    _need(_SSHD, "ssh", "ssh-keygen")
    directory = place.below("ssh")
    port, control = free_port(), directory / "control"
    for name in ("host", "key"):
        _run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(directory / name)])
    settings = {
        "Port": port,
        "ListenAddress": "127.0.0.1",
        "HostKey": directory / "host",
        "AuthorizedKeysFile": directory / "key.pub",
        "PidFile": "none",
        "UsePAM": "no",
        "StrictModes": "no",
        "PermitRootLogin": "yes",
        "MaxSessions": 1000,
    }
    configuration = directory / "sshd_config"
    configuration.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    server = [*_as_user_with(directory), _SSHD, "-D", "-e", "-f", str(configuration)]
    client = ["ssh", "-F", "none", "-S", str(control), "-p", str(port)]
    checks = ["-i", str(directory / "key"), "-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR"]
    master = [*client, *checks, "-o", f"UserKnownHostsFile={directory / 'known'}", "-M", "-N", "127.0.0.1"]
    with (
        running(server, directory, listens(port)) as server_pid,
        running(master, directory, control.exists) as master_pid,
    ):
        yield Contestant(
            name="ssh, master connection",
            words=lambda command: [*client, "127.0.0.1", shlex.join(command)],
            environment=place.environment,
            servers=(server_pid, master_pid),
            tool=lambda name: str(_script(directory / name, [*client, "127.0.0.1"], name)),
            carries=Carries.SLOWLY,
        )


@contextlib.contextmanager
def dropbear(place: Place) -> Iterator[Contestant]:
    """Yield dropbear's client and server: a connection per call.

    Raises:
        MeasureError: it isn't installed, doesn't come up, or may not have a user of its own.
    """
    _need("dropbear", "dbclient", "dropbearkey")
    directory = place.below("dropbear")
    prefix = _as_user_with(directory)
    if not prefix:
        raise MeasureError("its keys are looked for in the user's home; only root can show it another")
    port = free_port()
    _run(["dropbearkey", "-t", "ed25519", "-f", str(directory / "host")])
    made = _run(["dropbearkey", "-t", "ed25519", "-f", str(directory / "key")])
    (directory / ".ssh").mkdir(mode=0o700)
    keys = directory / ".ssh" / "authorized_keys"
    keys.write_text("".join(f"{line}\n" for line in made.splitlines() if line.startswith("ssh-")))
    keys.chmod(0o600)
    server = [*prefix, "dropbear", "-F", "-E", "-r", str(directory / "host"), "-p", f"127.0.0.1:{port}"]
    client = ["dbclient", "-y", "-y", "-i", str(directory / "key"), "-p", str(port), "127.0.0.1"]
    with running([*server, "-P", str(directory / "pid")], directory, listens(port)) as pid:
        yield Contestant(
            name="dropbear",
            words=lambda command: [*client, shlex.join(command)],
            environment=place.environment,
            servers=(pid,),
            share=_SHARE_WITHOUT_MASTER,
            carries=Carries.SLOWLY,
            takes_crowds=False,  # it refuses more than five that aren't authenticated yet
        )


@contextlib.contextmanager
def s6_sudo(place: Place) -> Iterator[Contestant]:
    """Yield s6-sudo, which passes descriptors over a Unix socket.

    Raises:
        MeasureError: it isn't installed, or doesn't come up.
    """
    _need("s6-ipcserver", "s6-sudo", "s6-sudod")
    directory = place.below("s6")
    path = directory / "socket"
    server = ["s6-ipcserver", "-c", "200", "-C", "200", str(path), "s6-sudod"]
    with running(server, directory, path.exists, environment=place.environment) as pid:
        yield Contestant(
            name="s6-sudo",
            words=lambda command: ["s6-sudo", str(path), *command],
            environment=place.environment,
            servers=(pid,),
        )


@contextlib.contextmanager
def socat(place: Place) -> Iterator[Contestant]:
    """Yield socat: bytes over a Unix socket, and neither arguments nor an exit code. A server per command.

    Raises:
        MeasureError: it isn't installed.
    """
    _need("socat")
    directory = place.below("socat")
    numbers = itertools.count()
    with contextlib.ExitStack() as cleanup:
        paths: dict[tuple[str, ...], Path] = {}
        servers: list[int] = []

        def words(command: Sequence[str]) -> list[str]:
            key = tuple(command)
            if key not in paths:
                path = directory / f"socket{next(numbers)}"
                server = ["socat", f"UNIX-LISTEN:{path},fork,backlog=1024", f"EXEC:{shlex.join(command)}"]
                servers.append(cleanup.enter_context(running(server, directory, path.exists)))
                paths[key] = path
            return ["socat", "-", f"UNIX-CONNECT:{paths[key]}"]

        words(["true"])
        yield Contestant(
            name="socat",
            words=words,
            environment=place.environment,
            servers=tuple(servers),
            carries=Carries.NOT,
        )


def _as_user_with(home: Path) -> list[str]:
    """Return what starts a server that sees our user with another home and a small shell: only root can."""
    if os.geteuid() != 0:
        return []
    user = pwd.getpwuid(0)
    accounts = home / "passwd"
    lines = [f"{user.pw_name}:x:0:0::{home}:{_SHELL}"]
    lines += [line for line in Path("/etc/passwd").read_text().splitlines() if line.split(":")[2] != "0"]
    accounts.write_text("\n".join([*lines, ""]))
    # sshd wants its directory in /run, which an installation without an init doesn't have.
    prepare = 'mount --bind "$1" /etc/passwd && mount -t tmpfs tmpfs /run && mkdir -m 755 /run/sshd && '
    script = prepare + 'shift && exec "$@"'
    return ["unshare", "--mount", "--", "/bin/sh", "-c", script, "sh", str(accounts)]


def _need(*programs: str) -> None:
    for program in programs:
        if shutil.which(program) is None:
            raise MeasureError(f"{program} isn't installed")


def _run(words: Sequence[str]) -> str:
    made = subprocess.run(words, capture_output=True, text=True)
    if made.returncode:
        raise MeasureError(f"{words[0]} failed: {made.stderr.strip()}")
    return made.stdout


def _script(path: Path, words: Sequence[str], program: str) -> Path:
    """Write a stub by way of a shell: a Makefile can call it, and it keeps the working directory."""
    path.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "cd $PWD && {program} $*"\n')
    path.chmod(0o755)
    return path

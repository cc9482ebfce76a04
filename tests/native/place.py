"""Where the stub under test is called: routes files for it, and a stand-in for Python."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(kw_only=True)
class Routes:
    """What a routes file says; each test changes what it is about."""

    configuration: str
    runtime: Sequence[str]
    port: int = 1
    connect_timeout_ms: int = 0
    roots: Sequence[tuple[str, str]] = ()
    server: str = "alpha"
    socket: str = "@k8psh-test"
    tcp: str = "yes"
    lane: str = "relay"
    outside: str = ""
    commands: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def fields(self) -> list[str]:
        """Return the fields between `bytes` and `end`."""
        status = os.stat(self.configuration)
        fields = [f"configuration={self.configuration}", f"stamp={status.st_mtime_ns} {status.st_size}"]
        fields += [f"runtime={argument}" for argument in self.runtime]
        fields.append(f"connectTimeoutMs={self.connect_timeout_ms}")
        for root, wire in self.roots:
            fields += [f"root={root}", f"wire={wire}"]
        fields += [f"server={self.server}", f"port={self.port}", f"socket={self.socket}", f"tcp={self.tcp}"]
        outside = [f"outside={self.outside}"] if self.outside else []
        for name, variables in self.commands.items():
            passed = [f"pass={variable}" for variable in variables]
            fields += [f"command={name}", f"lane={self.lane}", *outside, *passed]
        return fields

    def encode(self) -> bytes:
        """Return the file's bytes."""
        return encode_routes(self.fields())


def encode_routes(fields: Sequence[str]) -> bytes:
    """Return a whole routes file with a right size field."""
    rest = b"".join(os.fsencode(text) + b"\0" for text in [*fields, "end="])
    head = b"k8psh-routes=1\0"
    size = len(head) + len(b"bytes=0123456789\0") + len(rest)
    return head + b"bytes=%010d\0" % size + rest


class Place:
    """An executable directory with stubs and routes, a base directory, and a stand-in for Python."""

    def __init__(self, directory: Path, program: Sequence[str], port: int) -> None:
        self.directory = directory
        self.base = directory / "base"
        self.executables = directory / "exe"
        self.base.mkdir()
        self.executables.mkdir()
        self.program = list(program)
        self.prefix: list[str] = self.program[:-1]
        """An emulator or checker that runs the stub, by which it is started with its path and arguments."""
        self.processes: list[subprocess.Popen[bytes]] = []
        configuration = directory / "k8psh.yaml"
        configuration.write_text("baseDirectory: base\n")
        # A whole second: qemu-s390x's stat leaves out the nanoseconds.
        os.utime(configuration, (1_700_000_000, 1_700_000_000))
        self.python = directory / "python-client"
        self.python.write_text('#!/bin/sh\nprintf "PYTHON"\nprintf " [%s]" "$@"\nexit 42\n')
        self.python.chmod(0o755)
        self.routes = Routes(
            configuration=str(configuration),
            runtime=[str(self.python), "--runtime"],
            port=port,
            roots=[(str(self.base), "")],
            commands={"true": ()},
        )

    @property
    def routes_file(self) -> Path:
        """The routes' path."""
        return self.executables / ".k8psh-routes"

    def write(self) -> None:
        """Write the routes as they stand, and a stub for each command."""
        self.routes_file.write_bytes(self.routes.encode())
        for name in self.routes.commands:
            self.link(self.executables / name)

    def link(self, path: Path) -> Path:
        """Make `path` a link to the executable."""
        path.unlink(missing_ok=True)
        path.symlink_to(self.program[-1])
        return path

    def path_of(self, command: str | bytes) -> str:
        """Return the stub's path, given that or the command's name."""
        name = os.fsdecode(command)
        return name if "/" in name else str(self.executables / name)

    def start(
        self,
        *command: str | bytes,
        shell: str | None = None,
        cwd: Path | None = None,
        environment: Mapping[str, str] | None = None,
        **streams: object,
    ) -> subprocess.Popen[bytes]:
        """Start a stub by its command's name, or its path where that has a slash.

        `shell` is a line of sh that executes it as `"$@"`. Standard input is /dev/null, the others are
        pipes, unless `streams` (Popen's keywords) say otherwise.
        """
        before = [] if shell is None else ["/bin/sh", "-c", shell, "sh"]
        pipes: dict[str, object] = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
        }
        variables = {"PATH": os.environ["PATH"], **(environment or {})}
        process = subprocess.Popen(  # type: ignore[call-overload]
            [*before, *self.prefix, self.path_of(command[0]), *command[1:]],
            cwd=cwd or self.base,
            env=variables,
            **(pipes | streams),
        )
        self.processes.append(process)
        return process  # type: ignore[no-any-return]

    def close(self) -> None:
        """Kill what a failed test has left."""
        for process in self.processes:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()

"""Local processes that stand for a Pod's two containers, where there can be no containers.

They run the manifest's own commands. Its directories are replaced by private ones, and the build's PATH holds
only what the build names, so that a compiler is found through a stub or not at all.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from . import PROJECT
from .manifest import Manifest

TIMEOUT = 60
"""Seconds for one of the processes: compiling a few small files takes one or two."""


class StandInError(Exception):
    """What the processes need isn't installed, or a process failed; the text says which and why."""


def run_stand_in(
    manifest: Manifest, sources: Path, programs: Sequence[str], directory: Path
) -> dict[str, str]:
    """Run a manifest's containers `toolchain` and `build` as processes; return what each printed, by name.

    Args:
        manifest: The manifest; its container `build` ends the server of the other.
        sources: The project's directory, copied to the build's working directory.
        programs: What the build finds on its PATH besides the stubs.
        directory: An empty directory, which stands for the Pod's volumes.

    Raises:
        StandInError: A program is missing, or a process ends with another exit code than 0.
    """
    tools = directory / "tools"
    tools.mkdir()
    for program in (*programs, "python3"):
        found = sys.executable if program == "python3" else shutil.which(program)
        if not found:
            raise StandInError(f"{program} isn't installed")
        (tools / program).symlink_to(found)
    _write_configuration(manifest, directory / "etc/k8psh/k8psh.yaml")
    build = _moved(manifest.container("build"), directory)
    toolchain = _moved(manifest.container("toolchain"), directory)
    shutil.copytree(sources, build["workingDir"])
    install = _moved(manifest.container("install"), directory)["args"]
    _output([sys.executable, "-m", "k8psh", *install], os.environ | {"PYTHONPATH": str(PROJECT)}, directory)
    # As in a Pod, either may be the first: a stub waits for its server.
    with (directory / "toolchain.log").open("w+") as log:
        environment = _environment(toolchain, os.environ["PATH"])
        server = subprocess.Popen(toolchain["command"], env=environment, stdout=log, stderr=log)
        try:
            command = [*build["command"], *build["args"]]
            printed = _output(command, _environment(build, str(tools)), Path(build["workingDir"]))
            server.wait(TIMEOUT)
        except (StandInError, subprocess.TimeoutExpired) as error:
            log.seek(0)
            raise StandInError(f"{error}\nThe server printed:\n{log.read()}") from None
        finally:
            server.kill()
            server.wait()
        log.seek(0)
        return {"build": printed, "toolchain": log.read()}


def _write_configuration(manifest: Manifest, file: Path) -> None:
    configuration = yaml.safe_load(manifest.document("ConfigMap")["data"][file.name])
    configuration["baseDirectory"] = str(file.parents[2] / "workspace")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        # The usual port may be taken: this isn't a Pod with ports of its own.
        configuration["servers"][0]["port"] = listener.getsockname()[1]
    file.parent.mkdir(parents=True)
    file.write_text(yaml.safe_dump(configuration, sort_keys=False))


def _moved(value: Any, directory: Path) -> Any:  # noqa: ANN401 - YAML has no better type
    """Return a part of the manifest with the volumes' paths in its texts moved into `directory`."""
    match value:
        case str():
            return re.sub(r"(?<![\w/])/(?=(etc/k8psh|k8psh|workspace)\b)", f"{directory}/", value)
        case list():
            return [_moved(item, directory) for item in value]
        case dict():
            return {key: _moved(item, directory) for key, item in value.items()}
        case _:
            return value


def _environment(container: Mapping[str, Any], path: str) -> dict[str, str]:
    return {"PATH": path} | {variable["name"]: variable["value"] for variable in container["env"]}


def _output(command: Sequence[str], environment: Mapping[str, str], directory: Path) -> str:
    try:
        result = subprocess.run(
            command,
            env=dict(environment),
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            errors="surrogateescape",
            timeout=TIMEOUT,
        )
    except subprocess.TimeoutExpired as error:
        raise StandInError(f"{command[0]}: not finished after {TIMEOUT} s\n{error.stdout!r}") from None
    if result.returncode:
        raise StandInError(f"{command[0]}: exit code {result.returncode}\n{result.stdout}")
    return result.stdout

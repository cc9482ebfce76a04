"""Put k8psh on a volume that other containers mount: `--install FILE`.

The executable and its runtime lie together in a directory beside FILE that is named for its contents; FILE
is a link into it. So FILE changes at once, from the old program to the new one, and a server that was
started from the old files keeps them.
"""

import contextlib
import errno
import hashlib
import importlib.util
import os
import shutil
import tempfile
from collections.abc import Iterator

from . import __version__
from .errors import K8pshError
from .runtime import NATIVE_PROGRAM, START

_PACKAGES = ("k8psh", "trio", "attr", "attrs", "outcome", "sniffio", "sortedcontainers", "idna", "yaml")
"""What runs: k8psh, and trio's and pyyaml's own needs; all of it works as plain Python."""

_START_SCRIPT = """\
#!/usr/bin/env python3
# Starts k8psh with the Python packages that lie in {lib}.
import os
import sys

if sys.version_info < (3, 11):
    sys.exit("k8psh: Python 3.11 or later is needed, this is %d.%d" % sys.version_info[:2])
here = os.path.dirname(os.path.realpath(__file__))
sys.path[0] = os.path.join(here, {lib!r})
from k8psh.__main__ import main

sys.exit(main())
"""


def install(file: str) -> None:
    """Put the executable at `file` and its runtime beside it, replacing what is there, all or nothing.

    Raises:
        K8pshError: the volume can't be written, or what was written can't be executed there.
    """
    directory = os.path.dirname(os.path.abspath(file))
    os.umask(0o022)  # other users' containers run what is installed here
    try:
        os.makedirs(directory, exist_ok=True)
        temporary = tempfile.mkdtemp(prefix=".k8psh-", suffix=".tmp", dir=directory)
    except OSError as error:
        raise _refused(file, error) from error
    try:
        _write_tree(temporary)
        _check_executable(os.path.join(temporary, "bin", "k8psh"), directory)
        tree = os.path.join(directory, f".k8psh-{__version__}-{_digest(temporary)}")
        _rename_unless_there(temporary, tree)
        _link(os.path.join(os.path.basename(tree), "bin", "k8psh"), os.path.abspath(file))
    except (OSError, shutil.Error) as error:
        raise _refused(file, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _write_tree(tree: str) -> None:
    os.chmod(tree, 0o755)  # noqa: S103 - mkdtemp's 0700 would keep other users' containers out
    binaries, runtime = os.path.join(tree, "bin"), os.path.join(tree, "runtime")
    os.makedirs(binaries)
    os.makedirs(runtime)
    library = os.path.join(runtime, "lib")
    for package in _PACKAGES:
        source = _package_directory(package)
        shutil.copytree(
            source, os.path.join(library, package), ignore=shutil.ignore_patterns("tests", "*.so")
        )
    _write_script(os.path.join(runtime, START), "lib")
    executable = os.path.join(binaries, "k8psh")
    if os.path.isfile(NATIVE_PROGRAM):
        shutil.copy2(NATIVE_PROGRAM, executable)
    else:
        _write_script(executable, "../runtime/lib")
    os.symlink("k8psh", os.path.join(binaries, "k8pshd"))


def _package_directory(package: str) -> str:
    specification = importlib.util.find_spec(package)
    if specification is None or not specification.submodule_search_locations:
        raise K8pshError(f"the Python package {package} isn't there to be installed")
    return specification.submodule_search_locations[0]


def _write_script(path: str, library: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(_START_SCRIPT.format(lib=library))
    os.chmod(path, 0o755)  # noqa: S103 - every container runs it


def _check_executable(path: str, directory: str) -> None:
    """Refuse a volume that nothing can be executed from, by name."""
    if os.statvfs(directory).f_flag & os.ST_NOEXEC or not os.access(path, os.X_OK):
        raise OSError(errno.EACCES, "the volume is mounted noexec, nothing could be executed from it")


def _digest(tree: str) -> str:
    digest = hashlib.sha256()
    for path in sorted(_files(tree)):
        digest.update(os.path.relpath(path, tree).encode(errors="surrogateescape") + b"\0")
        with open(path, "rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:12]


def _files(tree: str) -> Iterator[str]:
    for directory, _, files in os.walk(tree):
        for name in files:
            yield os.path.join(directory, name)


def _rename_unless_there(temporary: str, tree: str) -> None:
    """Give the tree its name; one of that name is the same, from an earlier or a parallel install."""
    try:
        os.rename(temporary, tree)
    except OSError as error:
        if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
            raise


def _link(target: str, file: str) -> None:
    temporary = f"{file}.{os.getpid()}.tmp"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary)
    os.symlink(target, temporary)
    try:
        os.rename(temporary, file)
    except OSError:
        os.unlink(temporary)
        raise


def _refused(file: str, error: Exception) -> K8pshError:
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return K8pshError(f"can't install to {file}: {reason}")

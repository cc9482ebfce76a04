"""Put k8psh on a volume that other containers mount: `--install FILE`.

The executable and its runtime lie together in a directory beside FILE that is named for its contents; FILE
is a link into it. So FILE changes at once, from the old program to the new one, and a server that was
started from the old files keeps them.
"""

import contextlib
import errno
import fcntl
import hashlib
import importlib.util
import os
import shutil
import tempfile
from collections.abc import Iterator

from . import __version__
from .errors import K8pshError
from .runtime import NATIVE_PROGRAM, START, bundle_directory

_CONTENTS = "CONTENTS"
"""The bundle's list of its files with their digests: what it says is what they are."""
_FILES = "\nFiles, by SHA-256:\n\n"
_NAME_COLUMN = 66
"""Behind _FILES each line has a digest, or `-> ` and a link's target, and from this column on the name."""
_STAGING = (".k8psh-", ".tmp")
"""How the name of an install's unfinished files begins and ends."""
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
    file = os.path.abspath(file)
    directory = os.path.dirname(file)
    os.umask(0o022)  # other users' containers run what is installed here
    try:
        os.makedirs(directory, exist_ok=True)
        _refuse_noexec(directory)
        with _alone(directory), _staging(directory) as staging:
            name = _provide_tree(directory, os.path.join(staging, "tree"))
            link = os.path.join(staging, "link")
            os.symlink(os.path.join(name, "bin", "k8psh"), link)
            os.rename(link, file)
    except OSError as error:
        raise K8pshError(f"can't install to {file}: {error.strerror or error}") from error


def _refuse_noexec(directory: str) -> None:
    """Refuse a volume that nothing can be executed from, by name."""
    if os.statvfs(directory).f_flag & os.ST_NOEXEC:
        raise OSError(errno.EACCES, "the volume is mounted noexec, nothing could be executed from it")


@contextlib.contextmanager
def _alone(directory: str) -> Iterator[None]:
    """Wait until no other install works in the directory; remove what interrupted ones have left there."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError:  # a filesystem without locks: nothing collides, but nobody knows what is abandoned
            yield
            return
        for entry in os.scandir(directory):
            if entry.name.startswith(_STAGING[0]) and entry.name.endswith(_STAGING[1]):
                shutil.rmtree(entry.path, ignore_errors=True)
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _staging(directory: str) -> Iterator[str]:
    """Yield a new directory for unfinished files, on the same volume."""
    path = tempfile.mkdtemp(prefix=_STAGING[0], suffix=_STAGING[1], dir=directory)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _provide_tree(directory: str, staged: str) -> str:
    """Return the name of the directory with this k8psh's files; made by way of `staged` where new."""
    bundle = bundle_directory()
    if bundle is None:
        _write_packages(staged)
    elif os.path.isdir(os.path.join(directory, name := _tree_name(bundle))):
        return name
    else:
        _copy_bundle(bundle, staged)
    name = _tree_name(staged)
    _rename_unless_there(staged, os.path.join(directory, name))
    return name


def _tree_name(tree: str) -> str:
    return f".k8psh-{__version__}-{_digest(tree)}"


def _copy_bundle(bundle: str, tree: str) -> None:
    """Copy the files that the bundle's list names: in an image they lie at the root, among others."""
    with open(os.path.join(bundle, _CONTENTS), encoding="utf-8") as file:
        lines = file.read().partition(_FILES)[2].splitlines()
    for line in [" " * _NAME_COLUMN + _CONTENTS, *lines]:
        target = os.path.join(tree, line[_NAME_COLUMN:])
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if line.startswith("-> "):
            os.symlink(line[3:_NAME_COLUMN].rstrip(), target)
        else:
            _copy_file(os.path.join(bundle, line[_NAME_COLUMN:]), target)


def _copy_tree(source: str, target: str, without: tuple[str, ...] = ()) -> None:
    """Copy files, links and modes, but nothing whose name ends as `without` says; end at the first error."""
    os.mkdir(target)
    for entry in os.scandir(source):
        path = os.path.join(target, entry.name)
        if entry.name.endswith(without):
            continue
        if entry.is_symlink():
            os.symlink(os.readlink(entry.path), path)
        elif entry.is_dir():
            _copy_tree(entry.path, path, without)
        else:
            _copy_file(entry.path, path)


def _copy_file(source: str, target: str) -> None:
    shutil.copyfile(source, target)
    os.chmod(target, os.stat(source).st_mode | 0o444)


def _write_packages(tree: str) -> None:
    """Write what the Python packages of this installation amount to: their own start, in Python, and them."""
    binaries, runtime = os.path.join(tree, "bin"), os.path.join(tree, "runtime")
    library = os.path.join(runtime, "lib")
    os.makedirs(library)
    os.makedirs(binaries)
    for package in _PACKAGES:
        _copy_tree(_package_directory(package), os.path.join(library, package), without=("tests", ".so"))
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


def _digest(tree: str) -> str:
    """Return a text that names the tree's contents."""
    digest = hashlib.sha256()
    contents = os.path.join(tree, _CONTENTS)
    for path in [contents] if os.path.exists(contents) else sorted(_files(tree)):
        digest.update(os.path.relpath(path, tree).encode(errors="surrogateescape") + b"\0")
        with open(path, "rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:12]


def _files(tree: str) -> Iterator[str]:
    """Yield what makes a tree what it is: not what Python has compiled of it by chance."""
    for directory, _, files in os.walk(tree):
        if os.path.basename(directory) == "__pycache__":
            continue
        for name in files:
            yield os.path.join(directory, name)


def _rename_unless_there(temporary: str, tree: str) -> None:
    """Give the tree its name; one of that name is the same, from an earlier or a parallel install."""
    try:
        os.rename(temporary, tree)
    except OSError as error:
        if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
            raise

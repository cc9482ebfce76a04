"""How this k8psh was started: what stubs link to, and the command line that starts Python again."""

import os
import shutil
import sys
from dataclasses import dataclass

from .errors import K8pshError

NATIVE_PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "_native", "k8psh")
"""The stub program that a wheel carries for its platform."""
START = "start"
"""The name of an installed runtime's entry, which the stub program executes."""
PROGRAM = "k8psh-runtime"
"""The name of the bundle's Python program, which its `start` executes."""
_KEPT = b"K8PSH_KEPT_"
"""The prefix under which the bundle's `start` keeps what the caller has set for its own libc."""
_OURS = (_KEPT, b"LD_", b"_PYI_")
"""What variables begin with that are ours in the bundle: no child may see them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Runtime:
    """`executable` is client, server or stub by its name; `command` starts Python, with more to follow."""

    executable: str
    command: tuple[str, ...]


def is_bundle() -> bool:
    """Tell whether this is the bundle's Python, with its own loader and libraries."""
    return bool(getattr(sys, "frozen", False))


def bundle_directory() -> str | None:
    """Return where the whole bundle lies, `bin` and `runtime`; None where this isn't the bundle's Python."""
    return os.path.dirname(os.path.dirname(os.path.realpath(sys.argv[0]))) if is_bundle() else None


def restore_environment() -> None:
    """Make this process's variables those that the caller gave, whatever started Python has added."""
    os.environb.pop(b"K8PSH_FALLBACK", None)  # the stub's word to a Python that leads back to it; we don't
    if not is_bundle():
        return
    given = {name.removeprefix(_KEPT): value for name, value in os.environb.items() if name.startswith(_KEPT)}
    for name in [name for name in os.environb if name.startswith(_OURS)]:
        del os.environb[name]
    os.environb.update(given)


def find_runtime(called_as: str) -> Runtime:
    """Return what stubs are made of; `called_as` is the path by which this program was executed.

    Raises:
        K8pshError: there is no executable that could be linked to.
    """
    if _is_behind_stub_program():
        start = os.path.join(os.path.dirname(os.path.realpath(sys.argv[0])), START)
        return Runtime(executable=os.path.abspath(called_as), command=(start,))
    command = (sys.executable, "-P", "-m", __package__)
    for candidate in (NATIVE_PROGRAM, *_scripts(called_as)):
        if _is_executable(candidate):
            return Runtime(executable=candidate, command=command)
    raise K8pshError(
        "there is no k8psh executable that stubs could be links to: install it, by pip or by --install FILE"
    )


def has_stub_program() -> bool:
    """Tell whether stubs are links to the stub program; where they aren't, each call starts Python."""
    return _is_behind_stub_program() or _is_executable(NATIVE_PROGRAM)


def _is_behind_stub_program() -> bool:
    """Tell whether the stub program has started us: in the bundle, and where --install has put it."""
    return os.path.basename(sys.argv[0]) in (START, PROGRAM)


def _is_executable(path: str) -> bool:
    return os.access(path, os.X_OK) and os.path.isfile(path)


def _scripts(called_as: str) -> list[str]:
    """Return where the console script may be, which does a stub's work where there is no stub program."""
    places = [os.path.abspath(called_as)] if os.path.basename(called_as) in ("k8psh", "k8pshd") else []
    places.append(os.path.join(os.path.dirname(sys.executable), "k8psh"))
    found = shutil.which("k8psh")
    return [*places, found] if found else places

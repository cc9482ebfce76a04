"""What stands for large modules that trio imports, but that k8psh never uses.

Without ssl the bundle needs no OpenSSL (6 MB, 10 ms at every start). Without ctypes it needs no libffi, and
trio, which names its threads by it, doesn't search for a C library: that would run the container's ldconfig,
gcc and ld. idna, 5 ms, is for host names that aren't ASCII: k8psh knows none. hmac, 4 ms with hashlib, is for
DTLS.
"""

import sys
from types import ModuleType
from typing import NoReturn

NAMES = ("ctypes", "ctypes.util", "hmac", "idna", "ssl")


def put_in_place() -> None:
    """Make the modules of NAMES importable; whatever is called in them raises OSError."""
    util = ModuleType("ctypes.util")
    vars(util)["find_library"] = _find_no_library
    ctypes = ModuleType("ctypes")
    vars(ctypes).update(util=util, CDLL=_refuse)
    modules = (ctypes, util, *(ModuleType(name) for name in NAMES[2:]))
    sys.modules.update(zip(NAMES, modules, strict=True))


def _find_no_library(_name: str) -> None:
    """Find nothing, as ctypes does where there is no compiler."""


def _refuse(name: str) -> NoReturn:
    raise OSError(f"{name} can't be loaded: the bundle has no ctypes")

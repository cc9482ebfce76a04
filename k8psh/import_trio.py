"""Import trio without the search for a C library that its import makes."""

import ctypes.util


def prepare() -> None:
    """Do this before trio is first imported: find nothing where trio looks for libpthread.

    `ctypes.util.find_library` starts `ldconfig`, and where there is none `gcc` or `cc` from PATH: in a
    build container that is a stub, which imports trio, and so on without end. trio wants the library only
    to give threads their names, and does without (trio/_core/_thread_cache.py, 0.35).
    """
    ctypes.util.find_library = lambda name: None  # noqa: ARG005 - the signature is ctypes's

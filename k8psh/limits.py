"""How much a peer may send."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How much a request may hold, in bytes.

    The defaults are the kernel's own for execve(2): MAX_ARG_STRLEN is 32 pages for one string, and all
    of them together may take three quarters of an 8 MiB stack limit.
    """

    argument_bytes: int = 128 * 1024
    request_bytes: int = 6 * 1024 * 1024

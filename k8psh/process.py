"""This process, as it was started."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from .errors import K8pshError


@dataclass(frozen=True, kw_only=True, slots=True)
class ThisProcess:
    """How we were called: by which path, with which arguments and variables.

    Strings hold undecodable bytes as surrogates of UTF-8, whatever the locale. `closed` are those of the
    descriptors 0 to 2 that were closed; null has taken their places.
    """

    called_as: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    closed: frozenset[int] = frozenset()


def working_directory() -> str:
    """Return this process's working directory.

    Raises:
        K8pshError: it is deleted, or can't be told for another reason.
    """
    try:
        return os.getcwd()
    except OSError as error:
        raise K8pshError(f"the working directory can't be told: {error.strerror}") from error


def open_null() -> int:
    """Return a new descriptor that reads as empty and drops what is written; an empty root has no /dev."""
    try:
        return os.open(os.devnull, os.O_RDWR)
    except OSError:
        return os.memfd_create("null")

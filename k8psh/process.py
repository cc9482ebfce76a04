"""This process, as it was started."""

from collections.abc import Mapping
from dataclasses import dataclass


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

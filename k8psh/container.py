"""Which container this is."""

import socket
from collections.abc import Mapping

NAME_VARIABLE = "K8PSH_NAME"


def container_name(environment: Mapping[str, str], given: str = "") -> str:
    """Return this container's name: the given one, else $K8PSH_NAME, else the host's."""
    return given or environment.get(NAME_VARIABLE) or socket.gethostname()

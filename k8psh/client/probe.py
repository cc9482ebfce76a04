"""Tell whether a server is serving, without a call: for a kubelet that asks every few seconds."""

import socket

from ..config.model import Configuration, Server
from ..errors import K8pshError

_TIMEOUT_SECONDS = 0.9
"""For one connection: a kubelet's own patience is 1 s unless the manifest says otherwise."""


class NotServingError(K8pshError):
    """The server doesn't take connections."""

    exit_code = 1


def probe(configuration: Configuration, name: str) -> None:
    """Connect to every section of the server `name`, by either lane, and close again.

    Raises:
        NotServingError: a section can't be reached, or there is no such server.
    """
    sections = [section for section in configuration.sections_of(name) if section.commands]
    if not sections:
        raise NotServingError(f"{configuration.file} has no server {name!r} with commands")
    for section in sections:
        _connect(section)


def _connect(server: Server) -> None:
    addresses: list[tuple[int, str | tuple[str, int]]] = [(socket.AF_UNIX, server.socket_address)]
    if server.tcp:
        addresses.append((socket.AF_INET, ("127.0.0.1", server.port)))
    reason = ""
    for family, address in addresses:
        with socket.socket(family, socket.SOCK_STREAM) as sock:
            sock.settimeout(_TIMEOUT_SECONDS)
            try:
                sock.connect(address)
            except OSError as error:
                reason = error.strerror or str(error)
            else:
                return
    raise NotServingError(f"the server {server.name!r} isn't serving on port {server.port} ({reason})")

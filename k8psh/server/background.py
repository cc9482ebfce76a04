"""Go on in the background, with a pidfile."""

import contextlib
import os
from collections.abc import Callable, Iterator

from ..errors import K8pshError
from ..process import open_null


def detach() -> Callable[[], None]:
    """Leave the caller's session; return, in the new process, what tells the caller that all is well.

    The caller waits for that and then exits with 0, or with 125 where the new process ended before. Its
    error line still reaches the caller's stderr: the standard streams go to null only when all is well.
    """
    ready, tell = os.pipe()
    if os.fork():
        os.close(tell)
        os._exit(0 if os.read(ready, 1) else K8pshError.exit_code)
    os.close(ready)
    os.setsid()
    if os.fork():
        os._exit(0)

    def all_is_well() -> None:
        null = open_null()
        for descriptor in range(3):
            os.dup2(null, descriptor, inheritable=False)
        os.close(null)
        os.write(tell, b"1")
        os.close(tell)

    return all_is_well


@contextlib.contextmanager
def pidfile(path: str) -> Iterator[None]:
    """Hold a file with our process id; it's removed at the block's end.

    Raises:
        K8pshError: it exists, or can't be written.
    """
    try:
        with open(path, "x", encoding="ascii") as file:
            file.write(f"{os.getpid()}\n")
    except FileExistsError:
        raise K8pshError(
            f"the pidfile {path} exists: is another k8pshd running? "
            "If not, remove it, or name another by --pidfile"
        ) from None
    except OSError as error:
        raise K8pshError(f"the pidfile {path} can't be written: {error.strerror}") from error
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.unlink(path)

"""Which frame may come when: the only place that says so."""

from enum import Enum, auto

from .frames import FrameType

_REQUEST = frozenset(
    {
        FrameType.WORKING_DIRECTORY,
        FrameType.ENVIRONMENT_VARIABLE,
        FrameType.COMMAND_ARGUMENT,
        FrameType.START_COMMAND,
    }
)


class State(Enum):
    """What one end of a connection waits for."""

    REQUEST = auto()
    """The server, until START_COMMAND."""
    RUNNING = auto()
    """The server, while the command runs."""
    REPLY = auto()
    """The client, until EXIT_CODE."""
    OVER = auto()
    """The client, after it: nothing more is read."""


RECEIVABLE: dict[State, frozenset[FrameType]] = {
    State.REQUEST: _REQUEST,
    State.RUNNING: frozenset({FrameType.STDIN_DATA, FrameType.TERMINATE_COMMAND}),
    State.REPLY: frozenset(
        {FrameType.STDIN_DATA, FrameType.STDOUT_DATA, FrameType.STDERR_DATA, FrameType.EXIT_CODE}
    ),
    State.OVER: frozenset(),
}

AFTER: dict[FrameType, State] = {
    FrameType.START_COMMAND: State.RUNNING,
    FrameType.EXIT_CODE: State.OVER,
}
"""The state that a received frame leads to; every other one leaves it as it is."""

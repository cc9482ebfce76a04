"""Which frame may come when: the only place that says so."""

from enum import IntEnum, auto

from .frames import FrameType

_REQUEST = frozenset(
    {
        FrameType.WORKING_DIRECTORY,
        FrameType.ENVIRONMENT_VARIABLE,
        FrameType.COMMAND_ARGUMENT,
        FrameType.START_COMMAND,
    }
)
_STREAMS = frozenset({FrameType.STDIN_DATA, FrameType.STDOUT_DATA, FrameType.STDERR_DATA})
_ENDS = frozenset({FrameType.EXIT_CODE, FrameType.TERM_SIGNAL, FrameType.REJECTED})


class State(IntEnum):
    """What one end of a connection waits for; numbers, since the hash of another Enum is Python's to make."""

    REQUEST = auto()
    """The server on the relay lane, until START_COMMAND."""
    REQUEST_DIRECT = auto()
    """The server on the direct lane, until START_COMMAND."""
    RUNNING = auto()
    """The server, while the command of a client of version 1 runs."""
    RUNNING_2 = auto()
    """The server, while the command of a client of version 2 runs on the relay lane."""
    RUNNING_DIRECT = auto()
    """The server, while the command runs on the direct lane."""
    REPLY = auto()
    """The client on the relay lane, until the server's version is known by HELLO or by its absence."""
    REPLY_1 = auto()
    """The client of a server of version 1, until EXIT_CODE."""
    REPLY_2 = auto()
    """The client of a server of version 2, until the last frame."""
    REPLY_DIRECT = auto()
    """The client on the direct lane, until the last frame."""
    OVER = auto()
    """The client, after the last frame: nothing more is read."""


_RECEIVABLE: dict[State, frozenset[FrameType]] = {
    State.REQUEST: _REQUEST,
    State.REQUEST_DIRECT: _REQUEST | {FrameType.DESCRIPTORS, FrameType.UMASK},
    State.RUNNING: frozenset({FrameType.STDIN_DATA, FrameType.TERMINATE_COMMAND}),
    State.RUNNING_2: frozenset(
        {
            FrameType.STDIN_DATA,
            FrameType.TERMINATE_COMMAND,
            FrameType.SIGNAL,
            FrameType.OUTPUT_CLOSED,
            FrameType.WINDOW_SIZE,
        }
    ),
    State.RUNNING_DIRECT: frozenset({FrameType.TERMINATE_COMMAND, FrameType.SIGNAL}),
    State.REPLY: _STREAMS | {FrameType.EXIT_CODE, FrameType.HELLO},
    State.REPLY_1: _STREAMS | {FrameType.EXIT_CODE},
    State.REPLY_2: _STREAMS | _ENDS | {FrameType.DELIVERED, FrameType.TERMINAL},
    State.REPLY_DIRECT: _ENDS | {FrameType.DELIVERED, FrameType.TERMINAL},
    State.OVER: frozenset(),
}

RECEIVABLE = {state: {int(kind): kind for kind in kinds} for state, kinds in _RECEIVABLE.items()}
"""The types that may come in a state, by their numbers."""

AFTER: dict[tuple[State, FrameType], State] = {
    (State.REQUEST_DIRECT, FrameType.START_COMMAND): State.RUNNING_DIRECT,
    (State.REPLY, FrameType.HELLO): State.REPLY_2,
    **{(State.REPLY, kind): State.REPLY_1 for kind in _STREAMS},
    **{
        (state, kind): State.OVER
        for state in (State.REPLY, State.REPLY_1, State.REPLY_2, State.REPLY_DIRECT)
        for kind in _ENDS
    },
}
"""The state that a received frame leads to; every other one leaves it as it is.

START_COMMAND on the relay lane leads to RUNNING or RUNNING_2: that depends on the request.
"""

"""MAKEFLAGS across containers: which descriptors hold the tokens, and what a command is told."""

import pytest

from k8psh.jobserver import Jobserver, find_jobserver, rewrite_makeflags


@pytest.mark.parametrize(
    ("makeflags", "jobserver"),
    [
        ("", None),
        ("k -j4", None),
        (" -j4 --jobserver-auth=3,4", Jobserver(3, 4)),
        ("--jobserver-fds=5,6 -j", Jobserver(5, 6)),
        (" -j4 --jobserver-auth=fifo:/tmp/GMfifo12", Jobserver(fifo="/tmp/GMfifo12")),
        ("--jobserver-auth=3,4 --jobserver-auth=7,8", Jobserver(7, 8)),
        (" -j4 -- X=--jobserver-auth=3,4", None),
    ],
)
def test_the_jobserver_is_the_last_that_is_named(makeflags: str, jobserver: Jobserver | None) -> None:
    """What stands behind the dashes is a variable's value, not an option."""
    assert find_jobserver(makeflags) == jobserver


@pytest.mark.parametrize(
    ("makeflags", "passed", "expected"),
    [
        (" -j4 --jobserver-auth=3,4", {3: 17, 4: 18}, (" -j4 --jobserver-auth=17,18", (17, 18))),
        (" -j4 --jobserver-auth=fifo:/tmp/x", {5: 20}, (" -j4 --jobserver-auth=20,20", (20,))),
        (" -j4 --jobserver-auth=3,4", {}, ("", ())),
        ("kw -j4 --jobserver-auth=3,4 -- A=1", {3: 17}, ("kw -- A=1", ())),
        (" -j --jobserver-fds=3,4 -- A=-j4", {}, (" -- A=-j4", ())),
        ("k", {}, ("k", ())),
    ],
)
def test_a_command_is_told_our_descriptors_or_nothing(
    makeflags: str, passed: dict[int, int], expected: tuple[str, tuple[int, ...]]
) -> None:
    """Without the descriptors, the jobserver and the number of jobs are taken out, and nothing else is."""
    flags, inherited = rewrite_makeflags(makeflags, passed)
    assert (flags.strip(), inherited) == (expected[0].strip(), expected[1])

"""Questions that the model answers."""

from k8psh.config.model import Command, Configuration, Root, Server


def command(name: str, program: str) -> Command:
    return Command(name=name, executable=(program,))


CONFIGURATION = Configuration(
    file="/c/k8psh.conf",
    base_directory="/c",
    servers=(
        Server(name="a", port=1, commands=(command("x", "first"), command("y", "y"))),
        Server(name="b", port=2, commands=(command("x", "second"),)),
        Server(name="a", port=3),
    ),
)


def test_last_command_of_a_name_is_found() -> None:
    """A client runs the last command of the name in the file; without one there is none."""
    found = CONFIGURATION.find_command("x")
    assert found is not None
    assert (found[0].name, found[1].executable) == ("b", ("second",))
    assert CONFIGURATION.find_command("z") is None


def test_sections_of_a_name() -> None:
    """A server has all sections with its name; a pure client has none."""
    assert [section.port for section in CONFIGURATION.sections_of("a")] == [1, 3]
    assert CONFIGURATION.sections_of("build") == ()


def test_root_is_seen_elsewhere_by_some() -> None:
    """A container sees a root where the mapping says, else where clients do."""
    root = Root(clients="/w", servers={"a": "/x"})
    assert (root.seen_by("a"), root.seen_by("b")) == ("/x", "/w")

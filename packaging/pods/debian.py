"""Where this machine gets Debian from, and what is fetched from there: root filesystems, source packages."""

import platform
import subprocess
from collections.abc import Iterator
from pathlib import Path

APT = Path("/etc/apt")
SECURITY_AND_UPDATES = ("", "-updates", "-security")
FETCH_TIMEOUT = 600
"""Seconds that one call of a package tool may take: a slow mirror, not a stuck one."""


class DebianError(Exception):
    """What is needed can't be fetched; the text says what and why."""


def machine_sources(suite: str, kind: str = "deb", apt: Path = APT) -> str:
    """Return the machine's own Debian sources, rewritten to a suite, in apt's one-line form.

    Entries of others than Debian are left out: a mirror is Debian's where it offers the machine's release
    under its plain name. So no mirror's name is needed here, and a machine with a mirror of its own uses it.

    Args:
        suite: A release's code name.
        kind: `deb`, or `deb-src` for source packages (also where the machine has no such entry).
        apt: The directory of apt's configuration.

    Raises:
        DebianError: The machine isn't a Debian, or has no such entry.
    """
    release = platform.freedesktop_os_release()
    own = release.get("VERSION_CODENAME", "")
    lines = []
    for options, address, offered, components in _entries(apt):
        for ending in SECURITY_AND_UPDATES:
            if offered == own + ending and "main" in components:
                signed = f" [{options}]" if options else ""
                lines.append(f"{kind}{signed} {address} {suite}{ending} main\n")
    if release.get("ID") != "debian" or not lines:
        raise DebianError(f"no Debian mirror for {own or 'this system'} is configured in {apt}")
    return "".join(dict.fromkeys(lines))


def _entries(apt: Path) -> Iterator[tuple[str, str, str, list[str]]]:
    """Yield each configured repository of binary packages: options, address, suite, components."""
    for file in [apt / "sources.list", *sorted(apt.glob("sources.list.d/*"))]:
        if not file.is_file():
            continue
        if file.suffix == ".list":
            yield from _one_line_entries(file.read_text())
        elif file.suffix == ".sources":
            yield from _stanza_entries(file.read_text())


def _one_line_entries(text: str) -> Iterator[tuple[str, str, str, list[str]]]:
    for line in text.splitlines():
        kind, _, rest = line.partition("#")[0].strip().partition(" ")
        options = ""
        if rest.lstrip().startswith("["):
            options, _, rest = rest.lstrip()[1:].partition("]")
        match kind, rest.split():
            case "deb", [address, suite, *components]:
                yield options.strip(), address, suite, components


def _stanza_entries(text: str) -> Iterator[tuple[str, str, str, list[str]]]:
    for stanza in text.split("\n\n"):
        fields: dict[str, str] = {}
        for line in stanza.splitlines():
            key, colon, value = line.partition(":")
            if colon and not line.startswith(("#", " ", "\t")):
                fields[key.strip().lower()] = value.strip()
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() == "no":
            continue
        key = fields.get("signed-by", "")
        # A key may also be written out in the stanza: then the machine's trusted ones have to do.
        options = f"signed-by={key}" if key.startswith("/") else ""
        for address in fields.get("uris", "").split():
            for suite in fields.get("suites", "").split():
                yield options, address, suite, fields.get("components", "").split()


def make_root(tar: Path, suite: str, packages: tuple[str, ...]) -> None:
    """Unpack packages and what they depend on into a root filesystem, and leave it as a tar file.

    Packages are unpacked, not configured: nothing of them runs, so this takes seconds.

    Raises:
        DebianError: mmdebstrap failed.
    """
    sources = tar.with_suffix(".list")
    sources.write_text(machine_sources(suite))
    command = ["mmdebstrap", "--quiet", "--variant=extract", "--mode=root"]
    try:
        _run([*command, f"--include={','.join(packages)}", suite, str(tar), str(sources)])
    finally:
        sources.unlink()


def fetch_source(package: str, suite: str, directory: Path) -> Path:
    """Return the upstream tar file of a suite's source package, fetched into `directory` if it isn't there.

    Raises:
        DebianError: apt-get failed, or the package has no single upstream tar file.
    """
    directory.mkdir(parents=True, exist_ok=True)
    if not (found := sorted(directory.glob(f"{package}_*.orig.tar.*"))):
        lists = directory / "apt"
        for name in ("lists/partial", "cache/archives/partial"):
            (lists / name).mkdir(parents=True, exist_ok=True)
        (lists / "sources.list").write_text(machine_sources(suite, "deb-src"))
        apt = ["apt-get", "--quiet=2", "--option=APT::Sandbox::User=root"]
        for key, value in (
            ("Dir::Etc::SourceList", lists / "sources.list"),
            ("Dir::Etc::SourceParts", "/dev/null"),
            ("Dir::State::Lists", lists / "lists"),
            ("Dir::Cache", lists / "cache"),
        ):
            apt.append(f"--option={key}={value}")
        _run([*apt, "update"])
        _run([*apt, "source", "--download-only", package], directory)
        found = sorted(directory.glob(f"{package}_*.orig.tar.*"))
    if len(found) != 1:
        raise DebianError(f"one upstream tar file of {package} was expected in {directory}, not {len(found)}")
    return found[0]


def _run(command: list[str], directory: Path | None = None) -> None:
    try:
        subprocess.run(
            command,
            cwd=directory,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=FETCH_TIMEOUT,
        )
    except FileNotFoundError:
        raise DebianError(f"{command[0]} isn't installed") from None
    except subprocess.TimeoutExpired:
        raise DebianError(f"{' '.join(command)}: not finished after {FETCH_TIMEOUT} s") from None
    except subprocess.CalledProcessError as error:
        raise DebianError(f"{' '.join(command)}: exit code {error.returncode}\n{error.stdout}") from None

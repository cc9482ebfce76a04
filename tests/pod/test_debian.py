"""The machine's package sources are rewritten for other suites and kinds, and only Debian's."""

import platform
from pathlib import Path

import pytest
from pods.debian import DebianError, machine_sources

STANZAS = """\
# The machine's own mirror.
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates bookworm-backports
Components: main contrib
Signed-By: /usr/share/keyrings/archive.gpg

Types: deb
URIs: http://mirror.example/security
Suites: bookworm-security
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 abcd

Types: deb
URIs: http://tools.example/apt
Suites: stable-bookworm
Components: main

Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main
Enabled: no
"""


@pytest.fixture
def apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty apt configuration of a Debian 12."""
    monkeypatch.setattr(
        platform, "freedesktop_os_release", lambda: {"ID": "debian", "VERSION_CODENAME": "bookworm"}
    )
    (tmp_path / "sources.list.d").mkdir()
    return tmp_path


def test_stanzas_are_read(apt: Path) -> None:
    """Debian's enabled repositories for release, updates and security are kept; others' aren't."""
    (apt / "sources.list.d" / "debian.sources").write_text(STANZAS)
    assert machine_sources("bookworm", apt=apt) == (
        "deb [signed-by=/usr/share/keyrings/archive.gpg] http://mirror.example/debian bookworm main\n"
        "deb [signed-by=/usr/share/keyrings/archive.gpg] http://mirror.example/debian bookworm-updates main\n"
        "deb http://mirror.example/security bookworm-security main\n"
    )


def test_lines_are_read(apt: Path) -> None:
    """Lines with and without options are read; comments and entries for sources aren't."""
    (apt / "sources.list").write_text(
        "# deb http://old.example/debian bookworm main\n"
        "deb-src http://mirror.example/debian bookworm main\n"
        "deb [ arch=amd64 trusted=yes ] http://mirror.example/debian bookworm main non-free # ours\n"
    )
    (apt / "sources.list.d" / "more.list").write_text(
        "deb http://mirror.example/debian bookworm-updates main\n"
    )
    (apt / "sources.list.d" / "ignored.bak").write_text("deb http://ignored.example/debian bookworm main\n")
    assert machine_sources("bookworm", apt=apt) == (
        "deb [arch=amd64 trusted=yes] http://mirror.example/debian bookworm main\n"
        "deb http://mirror.example/debian bookworm-updates main\n"
    )


def test_another_suite_and_kind_can_be_asked_for(apt: Path) -> None:
    """The same mirror is named for an older release, or for source packages."""
    (apt / "sources.list").write_text("deb http://mirror.example/debian bookworm main\n")
    assert machine_sources("bullseye", apt=apt) == "deb http://mirror.example/debian bullseye main\n"
    assert (
        machine_sources("bookworm", "deb-src", apt) == "deb-src http://mirror.example/debian bookworm main\n"
    )


def test_a_machine_without_debian_is_refused(apt: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no mirror is Debian's, or the machine is another system, the error says where we looked."""
    with pytest.raises(DebianError, match=f"no Debian mirror for bookworm is configured in {apt}"):
        machine_sources("bookworm", apt=apt)
    (apt / "sources.list").write_text("deb http://mirror.example/ubuntu jammy main\n")
    release = {"ID": "ubuntu", "VERSION_CODENAME": "jammy"}
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: release)
    with pytest.raises(DebianError, match="no Debian mirror for jammy"):
        machine_sources("bookworm", apt=apt)

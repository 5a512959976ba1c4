"""System packages, by apt where root or sudo allows, else by telling the reader what to type."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from install.progress import InstallProblem, run, step

#: What Placewise needs beside PostgreSQL: the fence around file readers, and a typeface for print.
BASE = ("libseccomp2", "fonts-liberation")
BROWSER = "chromium"

_SERVERS = Path("/usr/lib/postgresql")
_SHARES = Path("/usr/share/postgresql")
_CLUSTER_SETTINGS = Path("/etc/postgresql-common/createcluster.d")
_PATIENTLY = ("--option", "DPkg::Lock::Timeout=300")  # the machine may be at its own updates
_ADVICE = "Look at the lines above; then run the same make command again."


def ensure(*, tests: bool) -> None:
    """Install the missing system packages.

    Raises
    ------
    InstallProblem
        Neither root nor sudo, no apt, or apt failed.
    """
    with step("Checking PostgreSQL with PostGIS") as line:
        version = postgis_version()
        line.outcome = f"found {version}" if version else "not installed"
    with step("Checking system packages") as line:
        missing = [name for name in BASE if not _is_installed(name)]
        if tests and shutil.which(BROWSER) is None:
            missing.append(BROWSER)
        if importlib.util.find_spec("ensurepip") is None:  # Debian keeps this part of Python apart
            missing.append(f"python{sys.version_info.major}.{sys.version_info.minor}-venv")
        line.outcome = ", ".join(missing) + " missing" if missing else "all there"
    if version is None:
        missing.append(_postgis_package())
    if missing:
        with step(f"Installing {', '.join(missing)}"), _without_a_cluster_of_debians():
            _install(missing)


def postgis_version() -> int | None:
    """Newest major version of PostgreSQL that is installed with its server and PostGIS."""
    found = [
        int(server.parent.parent.name)
        for server in _SERVERS.glob("[0-9]*/bin/initdb")
        if (_SHARES / server.parent.parent.name / "extension" / "postgis.control").exists()
    ]
    return max(found, default=None)


def _postgis_package() -> str:
    """The PostGIS package for a server that is here, else the newest that apt offers."""
    pattern = r"^postgresql-[0-9]+-postgis-3$"
    offered = _search(pattern)
    if not offered:
        _update()
        offered = _search(pattern)
    if not offered:
        raise InstallProblem("apt offers no package postgresql-…-postgis-3; Debian 12 and Ubuntu 22.04 do.")
    here = [name for name in offered if (_SERVERS / name.split("-")[1] / "bin" / "initdb").exists()]
    return max(here or offered, key=lambda name: int(name.split("-")[1]))


def _search(pattern: str) -> list[str]:
    _require_apt()
    said = run(["apt-cache", "search", "--names-only", pattern], advice=_ADVICE)
    return [line.split(" ")[0] for line in said.splitlines()]


def _install(names: Sequence[str]) -> None:
    command = ["apt-get", *_PATIENTLY, "install", "--yes", "--no-install-recommends", *names]
    _require_apt()
    if not _may_install():
        raise InstallProblem(
            "Installing system packages needs root or sudo. Run this, then make again:\n\n"
            "  sudo apt-get update && sudo apt-get install --yes --no-install-recommends "
            f"{shlex.join(names)}\n"
        )
    if not all(_is_offered(name) for name in names):
        _update()
    try:
        _as_root(command)
    except InstallProblem:  # package lists that are days old name files that are gone
        _update()
        _as_root(command)


def _update() -> None:
    if not _may_install():
        raise InstallProblem(
            "The lists of system packages are empty. Run this, then make again:\n\n  sudo apt-get update\n"
        )
    _as_root(["apt-get", *_PATIENTLY, "update"])


def _is_installed(name: str) -> bool:
    done = subprocess.run(
        ["dpkg-query", "--show", "--showformat=${db:Status-Status}", name],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout == "installed"


def _is_offered(name: str) -> bool:
    said = run(["apt-cache", "policy", name], advice=_ADVICE)
    return re.search(r"Candidate: (?!\(none\))", said) is not None


def _require_apt() -> None:
    if shutil.which("apt-get") is None:
        raise InstallProblem(
            "This installs on Debian and Ubuntu. Elsewhere install PostgreSQL with PostGIS, "
            "libseccomp and Chromium by hand, or use docker-compose.yml."
        )


def _may_install() -> bool:
    if os.geteuid() == 0:
        return True
    sudo = shutil.which("sudo")
    return (
        sudo is not None
        and subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode == 0
    )


def _as_root(words: Sequence[str]) -> None:
    before = [] if os.geteuid() == 0 else ["sudo", "-n"]
    run([*before, "env", "DEBIAN_FRONTEND=noninteractive", *words], advice=_ADVICE)


@contextmanager
def _without_a_cluster_of_debians() -> Iterator[None]:
    """Have a newly installed PostgreSQL start no server of its own on port 5432.

    Debian asks this folder before it makes the first cluster. A server that is already there
    stays as it is, and later installations behave as ever.
    """
    note = _CLUSTER_SETTINGS / "placewise.conf"
    if not _may_install():
        yield
        return
    made = not _CLUSTER_SETTINGS.exists()
    _as_root(["mkdir", "-p", str(_CLUSTER_SETTINGS)])
    _as_root(["sh", "-c", f"echo create_main_cluster = false > {note}"])
    try:
        yield
    finally:
        _as_root(["rm", str(note)])
        if made:
            _as_root(["rmdir", str(_CLUSTER_SETTINGS)])

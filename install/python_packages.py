"""The ``.venv``: pinned and hashed packages, and the ``placewise`` command."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from install.progress import run, step

_ADVICE = "Is the package registry reachable? Then run the same make command again."
_STAMP = "installed.sha256"

# A path file and this script stand in for an editable install, which would fetch a build tool.
_COMMAND = '#!/bin/sh\nexec "$(dirname "$0")/python" -m placewise "$@"\n'


def ensure(root: Path, *, tests: bool) -> Path:
    """Make or renew ``.venv`` and return its Python.

    The test requirements contain the runtime ones: an environment made for tests serves both.
    """
    venv = root / ".venv"
    runtime, everything = root / "requirements.txt", root / "requirements-test.txt"
    make_venv(venv, label="Making the Python environment")
    wanted = everything if tests else runtime
    install_hashed(venv, wanted, label="Installing Python packages", also_enough=everything)
    _link_project(root, venv)
    return venv / "bin" / "python"


def make_venv(venv: Path, *, label: str) -> None:
    """Make a virtual environment unless a working one is there."""
    with step(label) as line:
        python = venv / "bin" / "python"
        if (
            python.exists()
            and subprocess.run(
                [python, "-m", "pip", "--version"], capture_output=True, check=False
            ).returncode
            == 0
        ):
            line.outcome = "already there"
            return
        run([sys.executable, "-m", "venv", "--clear", venv], advice="")


def install_hashed(venv: Path, requirements: Path, *, label: str, also_enough: Path | None = None) -> None:
    """Install a hashed requirements file, unless it or ``also_enough`` was installed last."""
    stamp = venv / _STAMP
    with step(label) as line:
        last = stamp.read_text(encoding="utf-8") if stamp.exists() else ""
        if last in {digest(file) for file in (requirements, also_enough) if file}:
            line.outcome = "up to date"
            return
        stamp.unlink(missing_ok=True)
        words = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
        run([venv / "bin" / "python", *words, "--requirement", requirements], advice=_ADVICE)
        stamp.write_text(digest(requirements), encoding="utf-8")


def digest(*files: Path) -> str:
    """One hash over the contents of some files."""
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def _link_project(root: Path, venv: Path) -> None:
    for packages in venv.glob("lib/python3*/site-packages"):
        (packages / "placewise.pth").write_text(f"{root}\n", encoding="utf-8")
    command = venv / "bin" / "placewise"
    command.write_text(_COMMAND, encoding="utf-8")
    command.chmod(0o755)
    # The process that reads a file may write nothing, and would compile its modules anew for every file.
    run([venv / "bin" / "python", "-m", "compileall", "-q", root / "placewise" / "intake"], advice="")

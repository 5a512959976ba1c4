"""``python3 -m install [--tests | --secrets]``: make this checkout ready to run."""

from __future__ import annotations

import argparse
import fcntl
import os
import sys
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036 - whoever starts this may have an older one
    sys.exit(
        f"Placewise needs Python 3.11 or newer; {sys.executable} is {sys.version.split()[0]}.\n"
        "If another is installed, name it: make demo PYTHON=python3.12"
    )

from install import compose_secrets, front_end, python_packages, system
from install.progress import InstallProblem

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    """Install what is missing, one line for each step; 1 when it stopped with advice."""
    parser = argparse.ArgumentParser(prog="python3 -m install", description=__doc__)
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--tests", action="store_true", help="also what the tests need")
    choice.add_argument("--secrets", action="store_true", help="only make the secrets of docker-compose.yml")
    options = parser.parse_args()
    try:
        if options.secrets:
            compose_secrets.ensure(ROOT / "secrets")
        else:
            _install(tests=options.tests)
    except InstallProblem as problem:
        print(f"\n{problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _install(*, tests: bool) -> None:
    here = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(here, fcntl.LOCK_EX)  # two make commands at once: the second finds all done
        system.ensure(tests=tests)
        python = python_packages.ensure(ROOT, tests=tests)
        front_end.ensure(ROOT, python)
    finally:
        os.close(here)


if __name__ == "__main__":
    sys.exit(main())

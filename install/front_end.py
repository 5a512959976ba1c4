"""Front-end packages by npm, with the system's Node.js or one from a Python package, then assets."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from install.progress import run, step
from install.python_packages import digest, install_hashed, make_venv

OLDEST_NODE = (20, 19)

_ADVICE = "Is the package registry reachable? Then run: make assets"


def ensure(root: Path, python: Path) -> None:
    """Install the locked packages and make ``static/vendor``, each only where something changed."""
    modules = root / "node_modules"
    lock = root / "package-lock.json"
    if _stamp(modules, "packages") != digest(lock):
        programs = _node_programs(root)
        with step("Installing front-end packages"):
            env = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', '')}"}
            words = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            run([programs / "npm", *words, "--prefix", root], advice=_ADVICE, env=env)
            _write_stamp(modules, "packages", digest(lock))
    web = root / "placewise" / "web"
    made_from = digest(lock, root / "requirements.txt", web / "assets.py")
    with step("Making front-end assets") as line:
        if _stamp(modules, "assets") == made_from and (web / "static/vendor/manifest.json").exists():
            line.outcome = "up to date"
            return
        line.outcome = run([python, "-m", "placewise.web.assets"], advice="").strip()
        _write_stamp(modules, "assets", made_from)


def _node_programs(root: Path) -> Path:
    """Folder with a ``node`` and an ``npm`` that are new enough."""
    with step("Checking Node.js") as line:
        node, npm = shutil.which("node"), shutil.which("npm")
        version = _version(node) if node and npm else ()
        found = ".".join(str(part) for part in version) or "none"
        new_enough = version >= OLDEST_NODE
        line.outcome = f"found {found}" + ("" if new_enough else ", taking one from Python's registry")
    if new_enough and npm:
        return Path(npm).parent
    venv = root / ".venv-node"
    make_venv(venv, label="Making a Python environment for Node.js")
    install_hashed(venv, root / "requirements-node.txt", label="Installing Node.js")
    return venv / "bin"


def _version(node: str) -> tuple[int, ...]:
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    return tuple(int(part) for part in re.findall(r"\d+", said)[:3])


def _stamp(modules: Path, name: str) -> str:
    path = modules / f".placewise-{name}"
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _write_stamp(modules: Path, name: str, value: str) -> None:
    (modules / f".placewise-{name}").write_text(value, encoding="utf-8")

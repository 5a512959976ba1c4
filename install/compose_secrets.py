"""The secrets that ``docker-compose.yml`` hands to its services, one file each."""

from __future__ import annotations

import secrets
from pathlib import Path

from install.progress import step

#: Role in the database and file of its connection string.
_ROLES = {
    "admin_url": "postgres",
    "database_url": "placewise_app",
    "door_url": "placewise_door",
    "worker_url": "placewise_worker",
}


def ensure(folder: Path) -> None:
    """Make the missing secrets; one that exists is never changed.

    The folder is closed to other users of the machine; the files in it are readable, because a
    container sees only the file, and as a user of its own.
    """
    folder.mkdir(exist_ok=True)
    folder.chmod(0o700)
    with step(f"Making secrets in {folder.name}/") as line:
        password = _keep(folder / "admin_password.txt", secrets.token_urlsafe(32))
        made = [_keep(folder / "secret_key.txt", secrets.token_urlsafe(48))]
        for name, role in _ROLES.items():
            word = password if role == "postgres" else secrets.token_urlsafe(32)
            made.append(_keep(folder / f"{name}.txt", f"postgresql://{role}:{word}@db:5432/placewise"))
        line.outcome = f"{len(made) + 1} there"


def _keep(path: Path, value: str) -> str:
    if not path.exists():
        path.write_text(value + "\n", encoding="utf-8")
        path.chmod(0o444)
    return path.read_text(encoding="utf-8").strip()

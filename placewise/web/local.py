"""The database of this machine: the private cluster with its logins, for the demo and the command line.

A server named in the settings (``PLACEWISE_DATABASE_URL`` and ``PLACEWISE_DOOR_URL``) takes its place.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import placewise
from placewise.core.settings import read, require
from placewise.store.administration import administrator, database_url, set_login_passwords
from placewise.store.cluster import PrivateCluster, data_folder
from placewise.store.migrate import migrate

APPLICATION_LOGIN = "placewise_app"
DOOR_LOGIN = "placewise_door"
WORKER_LOGIN = "placewise_worker"
_LOGINS = (APPLICATION_LOGIN, DOOR_LOGIN, WORKER_LOGIN)
PROJECT_ROOT = Path(placewise.__file__).resolve().parents[1]

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Connections:
    """The ways into one database, and the folder beside it.

    Attributes
    ----------
    database_url, door_url, worker_url : str
        The pages', the sign-in's and the worker's logins; the last may be empty where a server is configured.
    admin_url : str or None
        The operator's; none where only the two logins are configured.
    secret_key : str
        Signs the browser's cookie.
    data_dir : Path
        Uploads waiting for acceptance.
    """

    database_url: str
    door_url: str
    worker_url: str
    admin_url: str | None
    secret_key: str
    data_dir: Path

    def environment(self) -> dict[str, str]:
        """Settings of the web service that uses these connections."""
        return {
            "PLACEWISE_DATABASE_URL": self.database_url,
            "PLACEWISE_DOOR_URL": self.door_url,
            "PLACEWISE_WORKER_URL": self.worker_url,
            "PLACEWISE_SECRET_KEY": self.secret_key,
            "PLACEWISE_DATA_DIR": str(self.data_dir),
        }


@contextmanager
def connections(say: Say) -> Iterator[Connections]:
    """Connections from the settings, or to the private cluster, started now unless it runs already."""
    if read("PLACEWISE_DATABASE_URL"):
        yield Connections(
            require("PLACEWISE_DATABASE_URL"),
            require("PLACEWISE_DOOR_URL"),
            read("PLACEWISE_WORKER_URL") or "",
            read("PLACEWISE_ADMIN_URL"),
            read("PLACEWISE_SECRET_KEY") or "",
            Path(require("PLACEWISE_DATA_DIR")),
        )
        return
    with private_database(say) as private:
        yield private


@contextmanager
def private_database(say: Say) -> Iterator[Connections]:
    """The private cluster, started, migrated and with passwords for its logins."""
    folder = data_folder(PROJECT_ROOT)
    with PrivateCluster(folder) as cluster:
        admin_url = cluster.superuser_dsn()
        for name in migrate(admin_url):
            say(f"  {name}")
        passwords = _kept_secrets(folder / "logins.json")
        logins = {name: passwords[name] for name in _LOGINS}
        with administrator(admin_url) as connection:
            set_login_passwords(connection, logins)
        yield Connections(
            database_url(admin_url, APPLICATION_LOGIN, logins[APPLICATION_LOGIN]),
            database_url(admin_url, DOOR_LOGIN, logins[DOOR_LOGIN]),
            database_url(admin_url, WORKER_LOGIN, logins[WORKER_LOGIN]),
            admin_url,
            passwords["secret_key"],
            folder,
        )


def _kept_secrets(path: Path) -> Mapping[str, str]:
    """Passwords made once and kept, readable by this user alone; what a newer version needs is added."""
    try:
        kept: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        kept = {}
    missing = [name for name in (*_LOGINS, "secret_key") if name not in kept]
    if missing:
        kept.update((name, secrets.token_urlsafe(32)) for name in missing)
        beside = path.with_suffix(".new")
        beside.unlink(missing_ok=True)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(kept, file)
        beside.replace(path)
    return kept

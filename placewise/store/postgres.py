"""The PostgreSQL programs on this machine, the user they run as and the folders they may use."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from placewise.core.errors import ClusterUnavailable

SUPERUSER = "postgres"


@dataclass(frozen=True, slots=True)
class Programs:
    """One installed PostgreSQL server that has PostGIS."""

    folder: Path
    major: int

    def run(self, name: str, *words: str | Path, identity: Identity) -> subprocess.CompletedProcess[str]:
        """Run one program to its end, free of the caller's ``PG…`` settings."""
        drop = identity.dropped
        return subprocess.run(
            [self.folder / name, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            cwd="/",  # ours may be closed to that user
            env={
                **{key: value for key, value in os.environ.items() if not key.startswith("PG")},
                "LC_ALL": "C",
            },
            user=identity.uid if drop else None,
            group=identity.gid if drop else None,
            extra_groups=[] if drop else None,
        )


def find_programs(major: int | None = None) -> Programs:
    """Newest installed PostgreSQL that has PostGIS, or the one of a given major version.

    Raises
    ------
    ClusterUnavailable
        None is installed; the message says what to install.
    """
    folders = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if on_path := shutil.which("initdb"):
        folders.append(Path(on_path).resolve().parent)
    found = [Programs(folder, _major_version(folder)) for folder in folders if _has_postgis(folder)]
    fitting = [programs for programs in found if major in (None, programs.major)]
    if fitting:
        return max(fitting, key=lambda programs: programs.major)
    if found:
        have = ", ".join(sorted({str(programs.major) for programs in found}))
        raise ClusterUnavailable(
            f"The data belong to PostgreSQL {major}, installed is {have}. Install "
            f"postgresql-{major}-postgis-3, or move the data folder away to start afresh."
        )
    raise ClusterUnavailable("PostgreSQL with PostGIS is not installed; run: make install")


def _major_version(folder: Path) -> int:
    said = subprocess.run([folder / "postgres", "-V"], capture_output=True, text=True, check=True)
    match = re.search(r"\) (\d+)", said.stdout)
    if match is None:
        raise ClusterUnavailable(f"{folder}/postgres does not say its version: {said.stdout!r}")
    return int(match[1])


def _has_postgis(folder: Path) -> bool:
    shares = (
        Path("/usr/share/postgresql") / folder.parent.name,  # Debian keeps them apart
        folder.parent / "share",
        folder.parent / "share" / "postgresql",
    )
    return any((share / "extension" / "postgis.control").exists() for share in shares)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the server process runs as; ``dropped`` where that is not who we are."""

    uid: int
    gid: int
    dropped: bool

    @classmethod
    def choose(cls) -> Identity:
        """Ourselves, or the system user ``postgres`` where we are root."""
        if os.getuid() != 0:
            return cls(os.getuid(), os.getgid(), dropped=False)
        try:
            user = pwd.getpwnam(SUPERUSER)
        except KeyError:
            raise ClusterUnavailable(
                "PostgreSQL refuses to run as root and there is no system user 'postgres'; run: make install"
            ) from None
        return cls(user.pw_uid, user.pw_gid, dropped=True)

    def barred_from(self, folder: Path) -> Path | None:
        """The first existing folder on the way that this user cannot pass."""
        for step in (*reversed(folder.parents), folder):
            if not step.exists():
                return None
            info = step.stat()
            if info.st_uid == self.uid:
                needed = stat.S_IXUSR
            elif info.st_gid == self.gid:
                needed = stat.S_IXGRP
            else:
                needed = stat.S_IXOTH
            if not info.st_mode & needed:
                return step
        return None


def make_folders(folder: Path, *, passable: bool) -> None:
    """Make missing folders, whatever the umask; ``passable`` lets other users walk through."""
    for step in (*reversed(folder.parents), folder):
        try:
            step.mkdir()
        except FileExistsError:
            continue
        except OSError as problem:
            raise ClusterUnavailable(
                f"Cannot make the folder {step} ({problem.strerror}); "
                "set PLACEWISE_DATA_DIR to a folder you may write to."
            ) from problem
        step.chmod(0o711 if passable else 0o700)


def require_own_folder(folder: Path, uid: int) -> None:
    """Refuse a folder that someone else made, or a link to one."""
    info = folder.lstat()
    if not stat.S_ISDIR(info.st_mode):
        raise ClusterUnavailable(f"{folder} is not a folder; remove it.")
    if info.st_uid != uid:
        raise ClusterUnavailable(
            f"{folder} belongs to user {info.st_uid}, not to {uid}; work as that user, "
            "or set PLACEWISE_DATA_DIR to a folder of your own."
        )

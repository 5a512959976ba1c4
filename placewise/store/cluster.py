"""A private PostgreSQL + PostGIS server for the demo and the tests: own folder, own socket, no TCP.

Linux only: a server is recognised by its working folder in ``/proc``, which stays true after a
crash, when a process number may already belong to a stranger.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import shlex
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import psycopg2
from psycopg2.extensions import make_dsn

from placewise.core.errors import ClusterUnavailable
from placewise.core.settings import read
from placewise.store.postgres import (
    SUPERUSER,
    Identity,
    Programs,
    find_programs,
    make_folders,
    require_own_folder,
)

DATABASE = "placewise"

_PORT = 5432  # only a part of the socket's name; without it PGPORT would decide
_SOCKET_PARENT = Path("/tmp")  # noqa: S108 - a socket's path has at most 107 bytes; TMPDIR varies
_PATIENCE_S = 10.0

_SETTINGS = {
    "listen_addresses": "",
    "port": str(_PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "60",
    "shared_buffers": "256MB",
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    "jit": "off",  # page queries are short: compiling them costs more than it saves
    "timezone": "UTC",
    "log_timezone": "UTC",
    # A server log must not become a second, unguarded copy of case data.
    "log_statement": "none",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}

#: A test database is thrown away after any crash, so nothing is paid for surviving one.
_FAST_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


def data_folder(project_root: Path) -> Path:
    """Folder for everything Placewise keeps on this machine, not created here.

    ``PLACEWISE_DATA_DIR`` wins; else ``.placewise`` in the project; else, for root in a project
    that the server's own user cannot reach (a clone under ``/root``), ``/var/lib/placewise``.
    """
    if given := read("PLACEWISE_DATA_DIR"):
        return Path(given).expanduser().resolve()
    root = project_root.resolve()
    identity = Identity.choose()
    if identity.dropped and identity.barred_from(root):
        return Path("/var/lib/placewise") / _tag(root)
    return root / ".placewise"


def _tag(path: Path) -> str:
    return hashlib.sha256(str(path).encode()).hexdigest()[:12]


class PrivateCluster:
    """A server of our own, reached only through a socket that only its user (and root) can open.

    It survives the death of whoever started it and its own: the next ``start`` finds it alive, or
    mends it. Whoever starts it first owns it and stops it; later starters only use it. An owner
    that was killed is replaced by the next starter. The database ``placewise`` is made empty:
    extensions, roles and tables belong to the migrations.

    Parameters
    ----------
    home : Path
        Folder for data, log and password; made where missing, readable by nobody else.
    fast : bool
        For tests: gives up safety against power loss. Takes effect when the server starts.

    Attributes
    ----------
    owner : bool
        Whether ``stop`` will stop the server.
    """

    def __init__(self, home: Path, *, fast: bool = False) -> None:
        self.home = home.resolve()
        self.data = self.home / "data"
        self.socket_folder = _SOCKET_PARENT / f"placewise-{_tag(self.home)}"
        self._settings = {
            **_SETTINGS,
            **(_FAST_SETTINGS if fast else {}),
            "unix_socket_directories": str(self.socket_folder),
        }
        self._identity = Identity.choose()
        self._password = self.home / "password"
        self._claim: IO[str] | None = None

    @property
    def owner(self) -> bool:
        """Whether this object is the one that stops the server."""
        return self._claim is not None

    def superuser_dsn(self, dbname: str = DATABASE) -> str:
        """Connection string of the server's superuser, password included."""
        try:
            password = self._password.read_text(encoding="utf-8").strip()
        except OSError as problem:
            raise ClusterUnavailable(
                f"The password file {self._password} cannot be read ({problem.strerror})."
            ) from problem
        return make_dsn(
            host=str(self.socket_folder),
            port=_PORT,
            user=SUPERUSER,
            password=password,
            dbname=dbname,
        )

    def start(self) -> Self:
        """Start the server, or join the one that runs; make its database where missing.

        Raises
        ------
        ClusterUnavailable
            PostgreSQL is missing, of another major version, cannot reach the folder or will not
            start; nothing half-started is left behind.
        """
        self._prepare_home()
        with self._alone():
            self._prepare_socket_folder()
            if not self.data.exists():
                self._initialise(find_programs())
            self._claim = self._claim or self._try_claim()
            try:
                self._bring_up()
            except BaseException:
                self._release(stop=True)
                raise
        return self

    def stop(self) -> None:
        """Stop the server if this object owns it."""
        if self.owner:
            with self._alone():
                self._release(stop=True)

    def halt(self) -> bool:
        """Stop the server whoever started it; whether there was one to stop."""
        if not self.home.exists():
            return False
        with self._alone():
            was_running = self._running()
            self._shut_down()
            self._release(stop=False)
        return was_running

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    # --- Folders and locks ---------------------------------------------------------------------

    def _prepare_home(self) -> None:
        """Home belongs to us, so the server's user cannot plant files that root would open."""
        make_folders(self.home, passable=self._identity.dropped)
        require_own_folder(self.home, os.getuid())
        self.home.chmod(0o711 if self._identity.dropped else 0o700)
        if barrier := self._identity.barred_from(self.home):
            raise ClusterUnavailable(
                f"The database's user cannot pass through {barrier}; "
                "set PLACEWISE_DATA_DIR to a folder elsewhere."
            )

    def _prepare_socket_folder(self) -> None:
        """Anyone may plant a name in the parent: what is there must be ours and closed."""
        try:
            self.socket_folder.mkdir(mode=0o700)
        except FileExistsError:
            require_own_folder(self.socket_folder, self._identity.uid)
            if self.socket_folder.stat().st_mode & 0o077:
                raise ClusterUnavailable(f"{self.socket_folder} is open to others; remove it.") from None
        else:
            os.chown(self.socket_folder, self._identity.uid, self._identity.gid)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One starter or stopper at a time; a killed one frees its turn."""
        with self._lock_file("lock") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            yield

    def _lock_file(self, name: str) -> IO[str]:
        path = self.home / name
        path.touch(mode=0o600)  # whoever may read a file may lock it
        return path.open("w")

    def _try_claim(self) -> IO[str] | None:
        """Own the server unless its owner lives: the kernel drops a dead process's lock."""
        claim = self._lock_file("owner")
        try:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            claim.close()
            return None
        return claim

    def _release(self, *, stop: bool) -> None:
        if self._claim is None:
            return
        try:
            if stop:
                self._shut_down()
        finally:
            self._claim.close()
            self._claim = None

    # --- The server ----------------------------------------------------------------------------

    def _initialise(self, programs: Programs) -> None:
        """Make the data folder under another name: ``data`` is complete or absent."""
        unfinished = self.home / "data.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        os.chown(unfinished, self._identity.uid, self._identity.gid)
        self._password.unlink(missing_ok=True)
        self._password.touch(mode=0o600)
        if self._identity.dropped:  # initdb reads it as the server's user
            os.chown(self._password, -1, self._identity.gid)
            self._password.chmod(0o640)
        self._password.write_text(secrets.token_urlsafe(24) + "\n", encoding="utf-8")
        options = ["--username", SUPERUSER, "--auth", "scram-sha-256", "--encoding", "UTF8"]
        options += ["--no-locale", "--no-sync", f"--pwfile={self._password}"]
        self._run(programs, "initdb", "--pgdata", unfinished, *options)
        unfinished.rename(self.data)

    def _launch(self) -> None:
        programs = self._programs()
        words = [word for name, value in self._settings.items() for word in ("-c", f"{name}={value}")]
        # Without --log the server would keep our pipe open and we would wait for ever.
        options = [f"--log={self._log}", f"--options={shlex.join(words)}", "--wait", "--timeout=60"]
        try:
            self._run(programs, "pg_ctl", "start", "--pgdata", self.data, *options)
        except BaseException:
            self._shut_down()
            raise

    def _shut_down(self) -> None:
        for mode in ("fast", "immediate"):
            if not self._running():
                break
            options = [f"--mode={mode}", "--wait", "--timeout=30"]
            self._run(self._programs(), "pg_ctl", "stop", "--pgdata", self.data, *options, check=False)
        if self._running():
            raise ClusterUnavailable(f"The server in {self.data} will not stop; see {self._log}.")
        shutil.rmtree(self.socket_folder, ignore_errors=True)

    def _bring_up(self) -> None:
        """Have a server that answers: one may be dying or recovering when we look."""
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            if not self._running():
                self._clear_after_crash()
                self._launch()
            try:
                return self._create_database()
            except psycopg2.OperationalError as problem:
                if time.monotonic() > deadline:
                    raise ClusterUnavailable(
                        f"The server in {self.data} runs but accepts no connection: {problem}"
                    ) from problem
                time.sleep(0.1)

    def _create_database(self) -> None:
        connection = psycopg2.connect(self.superuser_dsn("postgres"))
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,))
                if cursor.fetchone() is None:
                    cursor.execute("CREATE DATABASE placewise")
        finally:
            connection.close()

    def _programs(self) -> Programs:
        return find_programs(int((self.data / "PG_VERSION").read_text(encoding="utf-8")))

    # --- Processes -----------------------------------------------------------------------------

    @property
    def _log(self) -> Path:
        return self.data / "server.log"

    def _running(self) -> bool:
        """Whether the process that the data folder names is really its server."""
        try:
            pid = int((self.data / "postmaster.pid").read_text(encoding="utf-8").split("\n")[0])
        except (FileNotFoundError, ValueError):
            return False
        return self._works_here(pid)

    def _works_here(self, pid: int) -> bool:
        """Whether a process works in the data folder; false for the dead and for strangers."""
        try:
            return Path(f"/proc/{pid}/cwd").readlink() == self.data
        except OSError:
            return False

    def _clear_after_crash(self) -> None:
        """Wait for a dead server's children, then drop its lock files.

        PostgreSQL itself would refuse to start while any process has the dead one's number.
        """
        deadline = time.monotonic() + _PATIENCE_S
        while left := [
            int(entry.name)
            for entry in Path("/proc").iterdir()
            if entry.name.isdecimal() and self._works_here(int(entry.name))
        ]:
            if time.monotonic() > deadline:
                raise ClusterUnavailable(f"Processes {left} of a dead server still hold its data.")
            time.sleep(0.05)
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        (self.socket_folder / f".s.PGSQL.{_PORT}.lock").unlink(missing_ok=True)

    def _run(self, programs: Programs, name: str, *words: str | Path, check: bool = True) -> None:
        done = programs.run(name, *words, identity=self._identity)
        if check and done.returncode:
            log = self._log.read_text(encoding="utf-8") if self._log.exists() else ""
            raise ClusterUnavailable(f"{name} failed: {done.stdout}{log[-1500:]}".strip())


def main(words: list[str]) -> int:
    """``python -m placewise.store.cluster stop``: stop this project's server, whoever owns it."""
    if words != ["stop"]:
        print("usage: python -m placewise.store.cluster stop", file=sys.stderr)
        return 2
    root = Path(__file__).resolve().parents[2]
    stopped = PrivateCluster(data_folder(root)).halt()
    print("Stopped the database server." if stopped else "No database server was running.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

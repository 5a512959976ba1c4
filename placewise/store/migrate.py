"""Brings a database to this version: numbered SQL files, forward only, each once and whole."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import psycopg2
from procrastinate.schema import SchemaManager
from psycopg2.extensions import connection as Connection  # noqa: N812 - the driver's class has a lower-case name

from placewise.core.errors import MigrationRefused
from placewise.core.vocabulary import terms, vocabularies

LOCK = "SELECT pg_advisory_lock(727204)"
UNLOCK = "SELECT pg_advisory_unlock(727204)"
BOOK = """
CREATE SCHEMA IF NOT EXISTS migration;
CREATE TABLE IF NOT EXISTS migration.applied (
    name text PRIMARY KEY, sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now());
"""
APPLIED = "SELECT name, sha256 FROM migration.applied"
RECORD = "INSERT INTO migration.applied (name, sha256) VALUES (%s, %s)"
TIMEOUTS = "SET LOCAL lock_timeout = '2s'; SET LOCAL statement_timeout = '10min'"
SERVER_VERSION = "SELECT current_setting('server_version_num')::integer"
SAVE_TERM = """
INSERT INTO ref.term (vocabulary, code, label, gloss, valid_from, valid_to, extra) VALUES (%s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (vocabulary, code) DO UPDATE SET label = excluded.label, gloss = excluded.gloss,
    valid_from = excluded.valid_from, valid_to = excluded.valid_to, extra = excluded.extra
"""

#: A restore from a dump loses this mark of the extension's function, and with it the spatial indexes (0001).
LEAKPROOF = "ALTER FUNCTION public.geometry_overlaps(public.geometry, public.geometry) LEAKPROOF"

# The queue's tables are its library's own; its migrations are noted beside ours, under this name.
QUEUE = "procrastinate/"
AS_QUEUE = "SET LOCAL ROLE placewise_queue; SET LOCAL search_path = queue"
OPEN_QUEUE = """
DO $$
DECLARE
    routine regprocedure;
BEGIN
    FOR routine IN SELECT p.oid FROM pg_proc p WHERE p.pronamespace = 'queue'::regnamespace LOOP
        EXECUTE format('ALTER ROUTINE %s SET search_path = pg_catalog, queue, pg_temp', routine);
        EXECUTE format('REVOKE ALL ON ROUTINE %s FROM PUBLIC', routine);
        EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO placewise_worker, placewise_guard', routine);
    END LOOP;
END $$;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA queue TO placewise_worker;
GRANT SELECT, INSERT, UPDATE ON queue.procrastinate_jobs, queue.procrastinate_events TO placewise_guard;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA queue TO placewise_worker, placewise_guard;
"""

#: First servers with the row-level-security fixes that the wall relies on.
OLDEST_SERVERS = {15: 150014, 16: 160010, 17: 170006}


def migrations() -> list[tuple[str, str]]:
    """Name and text of every migration in order; the HEAD file names the last.

    Raises
    ------
    MigrationRefused
        HEAD and the folder disagree: two branches each added a migration.
    """
    folder = files("placewise.store") / "migrations"
    found = sorted(
        (p.name, p.read_text(encoding="utf-8")) for p in folder.iterdir() if p.name.endswith(".sql")
    )
    head = (folder / "HEAD").read_text(encoding="utf-8").strip()
    if not found or found[-1][0] != head:
        raise MigrationRefused(
            f"migrations/HEAD names {head}, the folder ends with {found[-1][0]}: renumber one."
        )
    return found


def migrate(admin_url: str, *, say: Callable[[str], None] = lambda _: None) -> list[str]:
    """Apply what is missing and bring the vocabulary rows up to date.

    Parameters
    ----------
    admin_url : str
        Connection of a superuser (extensions and one LEAKPROOF mark need it).
    say : callable
        Told the name of each migration as it is applied.

    Returns
    -------
    list of str
        Names of the migrations applied now.

    Raises
    ------
    MigrationRefused
        The server is too old, or an applied migration was changed afterwards.
    """
    connection = psycopg2.connect(admin_url)
    try:
        connection.autocommit = True
        _check_server(connection)
        with connection.cursor() as cursor:
            cursor.execute(LOCK)
            cursor.execute(BOOK)
        done = _apply(connection, say)
        _bring_queue(connection)
        _save_terms(connection)
        with connection.cursor() as cursor:
            cursor.execute(LEAKPROOF)
            cursor.execute(UNLOCK)
        return done
    finally:
        connection.close()


def _check_server(connection: Connection) -> None:
    with connection.cursor() as cursor:
        cursor.execute(SERVER_VERSION)
        (version,) = cursor.fetchone() or (0,)
    oldest = OLDEST_SERVERS.get(version // 10000, 0 if version >= 180000 else 150014)
    if version < oldest:
        raise MigrationRefused(
            f"PostgreSQL {version // 10000}.{version % 10000} lacks row-level-security fixes; upgrade it first."
        )


def _apply(connection: Connection, say: Callable[[str], None]) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(APPLIED)
        applied = dict(cursor.fetchall())
    done = []
    for name, text in migrations():
        digest = hashlib.sha256(text.encode()).hexdigest()
        if name in applied:
            if applied[name] != digest:
                raise MigrationRefused(
                    f"{name} was changed after it had been applied; add a new migration instead."
                )
            continue
        say(name)
        connection.autocommit = False
        with connection, connection.cursor() as cursor:
            cursor.execute(TIMEOUTS)
            cursor.execute(text)
            cursor.execute(RECORD, (name, digest))
        connection.autocommit = True
        done.append(name)
    return done


def _bring_queue(connection: Connection) -> None:
    """Make the queue's tables, or bring them from an older version of its library to this one."""
    theirs = {path.name: path for path in sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql"))}
    with connection.cursor() as cursor:
        cursor.execute(APPLIED)
        applied = {name.removeprefix(QUEUE) for name, _ in cursor.fetchall() if name.startswith(QUEUE)}
    missing = [name for name in theirs if name not in applied]
    if not missing:
        return
    texts = [theirs[name].read_text(encoding="utf-8") for name in missing]
    connection.autocommit = False
    with connection, connection.cursor() as cursor:
        cursor.execute(TIMEOUTS)
        cursor.execute(AS_QUEUE)
        for text in texts if applied else [SchemaManager.get_schema()]:
            cursor.execute(text)
        cursor.execute(OPEN_QUEUE)
        cursor.execute("RESET ROLE")
        for name in missing:
            digest = hashlib.sha256(theirs[name].read_bytes()).hexdigest()
            cursor.execute(RECORD, (f"{QUEUE}{name}", digest))
    connection.autocommit = True


def _save_terms(connection: Connection) -> None:
    rows = [
        (name, t.code, t.label, t.gloss, t.valid_from, t.valid_to, t.extra)
        for name in vocabularies()
        for t in terms(name).values()
    ]
    with connection.cursor() as cursor:
        for row in rows:
            cursor.execute(SAVE_TERM, row)

"""What an operator does from the command line: partnerships, agencies, accounts and the logins' passwords.

Runs on the administrator's connection, which no page has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 - the driver's class has a lower-case name
from psycopg2.extensions import make_dsn, parse_dsn

from placewise.core.errors import NotFound
from placewise.core.scope import Role

SAVE_PARTNERSHIP = """
INSERT INTO placewise.partnership (slug, name, synthetic) VALUES (%s, %s, %s)
ON CONFLICT (slug) DO UPDATE SET name = excluded.name RETURNING partnership_id
"""
SAVE_AGENCY = """
INSERT INTO placewise.agency (partnership_id, code, name, kind) VALUES (%s, %s, %s, %s)
ON CONFLICT (partnership_id, code) DO UPDATE SET name = excluded.name RETURNING agency_id
"""
FIND_PARTNERSHIP = "SELECT partnership_id FROM placewise.partnership WHERE slug = %s"
LIST_PARTNERSHIPS = "SELECT slug, name FROM placewise.partnership ORDER BY slug"
FIND_AGENCY = "SELECT agency_id FROM placewise.agency WHERE partnership_id = %s AND code = %s"
SAVE_ACCOUNT = """
INSERT INTO guard.account (email, display_name, password_hash) VALUES (lower(%s), %s, %s)
ON CONFLICT (email) DO UPDATE SET display_name = excluded.display_name,
    password_hash = coalesce(excluded.password_hash, guard.account.password_hash), active = true
RETURNING account_id
"""
SAVE_MEMBERSHIP = """
INSERT INTO guard.membership (partnership_id, account_id, agency_id, roles) VALUES (%s, %s, %s, %s)
ON CONFLICT (partnership_id, account_id) DO UPDATE SET agency_id = excluded.agency_id, roles = excluded.roles,
    valid_to = excluded.valid_to
"""
DEACTIVATE = "UPDATE guard.account SET active = false WHERE email = lower(%s)"
END_SESSIONS = """
UPDATE guard.web_session SET ended_at = clock_timestamp()
 WHERE ended_at IS NULL AND account_id = (SELECT account_id FROM guard.account WHERE email = lower(%s))
"""
SAVE_PLACE_GRANT = """
INSERT INTO guard.place_grant (partnership_id, account_id, place_id, until, reason)
SELECT p.partnership_id, a.account_id, p.place_id, now() + %s * interval '1 day', %s
  FROM placewise.place p, guard.account a
 WHERE p.partnership_id = %s AND p.local_ref = %s AND a.email = lower(%s)
ON CONFLICT (partnership_id, account_id, place_id) DO UPDATE SET until = excluded.until, reason = excluded.reason
"""
SET_PASSWORD = sql.SQL("ALTER ROLE {} PASSWORD {}")
ANALYSE = "ANALYZE"


@dataclass(frozen=True, slots=True)
class Partnership:
    """A partnership and its agencies by code."""

    partnership_id: UUID
    agencies: Mapping[str, UUID]


@contextmanager
def administrator(admin_url: str) -> Iterator[Connection]:
    """One transaction on the administrator's connection."""
    connection = psycopg2.connect(admin_url)
    try:
        with connection:
            yield connection
    finally:
        connection.close()


def database_url(admin_url: str, login: str, password: str) -> str:
    """The administrator's database, reached as another login."""
    return make_dsn(admin_url, user=login, password=password)


def login_of(url: str) -> tuple[str, str]:
    """Name and password that a connection string holds."""
    parts = parse_dsn(url)
    return parts.get("user", ""), parts.get("password", "")


def set_login_passwords(connection: Connection, passwords: Mapping[str, str]) -> None:
    """Give the application's logins their passwords."""
    with connection.cursor() as cursor:
        for role, password in passwords.items():
            cursor.execute(SET_PASSWORD.format(sql.Identifier(role), sql.Literal(password)))


def save_partnership(
    connection: Connection, slug: str, name: str, agencies: Mapping[str, tuple[str, str]], *, synthetic: bool
) -> Partnership:
    """Create a partnership with agencies ``{code: (name, kind)}`` (one at least), or rename what is there."""
    with connection.cursor() as cursor:
        cursor.execute(SAVE_PARTNERSHIP, (slug, name, synthetic))
        partnership_id = UUID(str(_one(cursor.fetchone())))
        found = {}
        for code, (agency_name, kind) in agencies.items():
            cursor.execute(SAVE_AGENCY, (str(partnership_id), code, agency_name, kind))
            found[code] = UUID(str(_one(cursor.fetchone())))
    save_account(
        connection,
        command_email(slug),
        "Command line",
        None,
        partnership_id=partnership_id,
        agency=next(iter(agencies)),
        roles=Role.COORDINATOR,
    )
    return Partnership(partnership_id, found)


def command_email(slug: str) -> str:
    """Account in whose name the command line acts in a partnership; it has no password and cannot sign in."""
    return f"command-line@{slug}.invalid"


def get_partnership_id(connection: Connection, slug: str) -> UUID:
    """Id of a partnership by its short name.

    Raises
    ------
    NotFound
        No such partnership; the message lists those that there are.
    """
    with connection.cursor() as cursor:
        cursor.execute(FIND_PARTNERSHIP, (slug,))
        if row := cursor.fetchone():
            return UUID(str(row[0]))
        cursor.execute(LIST_PARTNERSHIPS)
        known = ", ".join(f"{s} ({n})" for s, n in cursor.fetchall()) or "none yet"
    raise NotFound(f"There is no partnership {slug!r}. Known: {known}.")


def save_account(
    connection: Connection,
    email: str,
    display_name: str,
    password_hash: str | None,
    *,
    partnership_id: UUID,
    agency: str,
    roles: Role,
) -> UUID:
    """Create or update an account and its membership in one partnership.

    Raises
    ------
    NotFound
        The partnership has no agency of that code.
    """
    with connection.cursor() as cursor:
        cursor.execute(FIND_AGENCY, (str(partnership_id), agency))
        if (row := cursor.fetchone()) is None:
            raise NotFound(f"The partnership has no agency with the code {agency!r}.")
        cursor.execute(SAVE_ACCOUNT, (email, display_name, password_hash))
        account_id = UUID(str(_one(cursor.fetchone())))
        cursor.execute(SAVE_MEMBERSHIP, (str(partnership_id), str(account_id), str(row[0]), int(roles)))
    return account_id


def deactivate_account(connection: Connection, email: str) -> None:
    """Close an account and end its sessions at once."""
    with connection.cursor() as cursor:
        cursor.execute(DEACTIVATE, (email,))
        if cursor.rowcount == 0:
            raise NotFound(f"There is no account {email!r}.")
        cursor.execute(END_SESSIONS, (email,))


def grant_place(
    connection: Connection, email: str, place_ref: str, *, slug: str, days: int, reason: str
) -> None:
    """Name a place for a task-and-finish member until the group ends."""
    partnership_id = get_partnership_id(connection, slug)
    with connection.cursor() as cursor:
        cursor.execute(SAVE_PLACE_GRANT, (days, reason, str(partnership_id), place_ref, email))
        if cursor.rowcount == 0:
            raise NotFound(f"No place {place_ref!r} or no account {email!r} in this partnership.")


def analyse(admin_url: str) -> None:
    """Refresh the planner's statistics after a first load."""
    connection = psycopg2.connect(admin_url)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(ANALYSE)
    finally:
        connection.close()


def _one(row: tuple[object, ...] | None) -> object:
    if row is None:
        raise NotFound("The database returned no row where one was expected.")
    return row[0]

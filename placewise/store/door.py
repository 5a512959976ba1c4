"""Sign-in's own connection: it may start and end sessions and see no record."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from uuid import UUID

from placewise.core.errors import NotFound, SignInRefused, TooManyAttempts
from placewise.core.scope import Role
from placewise.store.pool import Pool
from placewise.store.refusals import translated

MAY_TRY = "SELECT guard.may_try(%s, %s)"
CREDENTIALS = "SELECT account_id, password_hash FROM guard.credentials(%s)"
NOTE_REFUSED = "SELECT guard.note_refused_sign_in(%s, %s)"
START = "SELECT guard.start_session(%s, %s, %s, %s)"
END = "SELECT guard.end_session(%s)"
MEMBERSHIPS = """
SELECT partnership_id, slug, name, synthetic, agency_name, roles, display_name, account_id FROM guard.memberships(%s)
"""


@dataclass(frozen=True, slots=True)
class Membership:
    """One partnership in which a signed-in person may act."""

    partnership_id: UUID
    slug: str
    partnership: str
    synthetic: bool
    agency: str
    roles: Role
    display_name: str
    account_id: UUID


class Door:
    """Starts and ends sign-in sessions; the password itself is checked by the caller."""

    def __init__(self, url: str, *, idle_minutes: int, session_hours: int) -> None:
        self._pool = Pool(url, size=4)
        self._idle_minutes = idle_minutes
        self._session_hours = session_hours

    def credentials(self, email: str, *, address: str) -> tuple[UUID, str | None] | None:
        """Account id and password hash, after the rate limit let the attempt through.

        Raises
        ------
        TooManyAttempts
            6 failures within a minute for the account from this address, 30 for the address or 60 for
            the account. A database that cannot count raises too: the limit fails closed.
        """
        with translated(), self._pool.connection() as connection, connection.cursor() as cursor:
            cursor.execute(MAY_TRY, (email, address))
            (allowed,) = cursor.fetchone() or (False,)
            if allowed:
                cursor.execute(CREDENTIALS, (email,))
                return cursor.fetchone()
        raise TooManyAttempts("Too many failed attempts from here. Wait a minute, then try again.")

    def refuse(self, email: str, *, address: str) -> SignInRefused:
        """Log a refused sign-in and count it; the error to raise."""
        with translated(), self._pool.connection() as connection, connection.cursor() as cursor:
            cursor.execute(NOTE_REFUSED, (email, address))
        return SignInRefused("Check your email address and password.")

    def start(self, account_id: UUID) -> str:
        """Start a session for an account whose password was right; its token (256 random bits)."""
        token = secrets.token_urlsafe(32)
        with translated(), self._pool.connection() as connection, connection.cursor() as cursor:
            cursor.execute(START, (account_id, _hash(token), self._idle_minutes, self._session_hours))
        return token

    def start_for_operator(self, email: str, slug: str) -> tuple[str, UUID]:
        """Start a session from the command line, whose user has this login's password already.

        Returns
        -------
        tuple of str and UUID
            The session's token and the partnership's id.

        Raises
        ------
        NotFound
            No such active account, or it is no member of that partnership.
        """
        with translated(), self._pool.connection() as connection, connection.cursor() as cursor:
            cursor.execute(CREDENTIALS, (email,))
            found = cursor.fetchone()
        if found is None:
            raise NotFound(
                f"There is no active account {email!r}; or the partnership {slug!r} does not exist."
            )
        token = self.start(found[0])
        for membership in self.memberships(token):
            if membership.slug == slug:
                return token, membership.partnership_id
        self.end(token)
        raise NotFound(f"The account {email!r} is not a member of the partnership {slug!r}.")

    def end(self, token: str) -> None:
        """End a session at once, everywhere."""
        with translated(), self._pool.connection() as connection, connection.cursor() as cursor:
            cursor.execute(END, (_hash(token),))

    def memberships(self, token: str) -> list[Membership]:
        """Partnerships the bearer may act in; empty when the session is over."""
        with translated(), self._pool.connection() as connection, connection.cursor() as cursor:
            cursor.execute(MEMBERSHIPS, (_hash(token),))
            return [Membership(p, s, n, y, a, Role(r), d, i) for p, s, n, y, a, r, d, i in cursor.fetchall()]

    def ping(self) -> None:
        """Raise ``DatabaseBusy`` unless the database answers."""
        with translated(), self._pool.connection() as connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1")

    def close(self) -> None:
        """Close free connections."""
        self._pool.close()


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()

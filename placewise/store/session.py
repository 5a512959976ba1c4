"""The only way to the records: one transaction, one identity, one audit event.

``Database.session`` begins a transaction as the unprivileged application login, has the database verify
and sign who is asking, yields, appends the audit event as the last statement of that same transaction and
commits. Only then may bytes leave. No scope, no rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - the driver's class has a lower-case name
from psycopg2.extras import Json, register_uuid
from psycopg2.sql import Composable

from placewise.core.errors import NotAllowed, NotFound
from placewise.core.scope import UNAUDITED, Action, Role, Scope
from placewise.store.pool import Pool
from placewise.store.refusals import translated

register_uuid()  # type: ignore[no-untyped-call]  # the library is not typed

OPEN = "SELECT account, agency, role_bits FROM guard.open(%s, %s)"
APPEND = "SELECT audit.append(%s, %s, %s, %s, %s, %s, %s)"

Params = Sequence[Any] | Mapping[str, Any]
Statement = str | Composable


class Session:
    """One verified identity inside one transaction.

    Attributes
    ----------
    scope : Scope
        What it was opened with.
    account_id, agency_id : UUID
        As the database verified them.
    roles : Role
        What this person may do in this partnership.
    """

    def __init__(self, cursor: Cursor, scope: Scope, action: Action) -> None:
        self._cursor = cursor
        self.scope = scope
        self._action = action
        self._object_id: UUID | None = None
        self._purpose: str | None = None
        self._count = 0
        self._detail: Mapping[str, Any] = {}
        cursor.execute(OPEN, (scope.token, scope.partnership_id))
        account_id, agency_id, roles = cursor.fetchone() or (None, None, 0)
        self.account_id: UUID = account_id
        self.agency_id: UUID = agency_id
        self.roles = Role(roles)

    @property
    def cursor(self) -> Cursor:
        """The transaction's cursor, for COPY; the store's own modules use it and nobody else."""
        return self._cursor

    def rows(self, statement: Statement, params: Params = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        self._cursor.execute(statement, params)
        return self._cursor.fetchall()

    def row(self, statement: Statement, params: Params = ()) -> tuple[Any, ...] | None:
        """First row of a query, or none."""
        self._cursor.execute(statement, params)
        return self._cursor.fetchone()

    def run(self, statement: Statement, params: Params = ()) -> int:
        """Execute a change; the number of rows touched."""
        self._cursor.execute(statement, params)
        return self._cursor.rowcount

    def require(self, roles: Role) -> None:
        """Raise ``NotAllowed`` unless one of these roles is held. The database's policies stand behind it."""
        if not self.roles & roles:
            raise NotAllowed("Your role in this partnership does not cover this.")

    def note(
        self,
        *,
        object_id: UUID | None = None,
        purpose: str | None = None,
        count: int | None = None,
        **detail: Any,
    ) -> None:
        """Add to this session's audit event: what was looked at, why, how many. Ids and counts, never contents."""
        self._object_id = object_id or self._object_id
        self._purpose = purpose or self._purpose
        self._count = self._count if count is None else count
        self._detail = {**self._detail, **detail}

    def append(self, outcome: str) -> None:
        """Write the audit event."""
        values = (
            self._action.value,
            self._object_id,
            self._purpose,
            outcome,
            self._count,
            self.scope.request_id,
            Json(dict(self._detail)),
        )
        self._cursor.execute(APPEND, values)


class Database:
    """The application's connection to its database."""

    def __init__(self, url: str, *, size: int = 8) -> None:
        self._pool = Pool(url, size=size)

    @contextmanager
    def session(self, scope: Scope, action: Action) -> Iterator[Session]:
        """Open one transaction for one identity and one audited action.

        Raises
        ------
        NotSignedIn
            The database does not accept the token for this partnership.
        RuleBroken, DatabaseBusy, NotFound, NotAllowed
            As the work inside raises them; a refusal is logged in a transaction of its own.
        """
        try:
            with translated(), self._pool.connection() as connection, connection.cursor() as cursor:
                session = Session(cursor, scope, action)
                yield session
                if action not in UNAUDITED:
                    session.append("allow")
        except (NotAllowed, NotFound):
            self._log_refusal(scope, action)
            raise

    def close(self) -> None:
        """Close free connections."""
        self._pool.close()

    def _log_refusal(self, scope: Scope, action: Action) -> None:
        with translated(), self._pool.connection() as connection, connection.cursor() as cursor:
            Session(cursor, scope, action).append("deny")

"""The audit log, read: who did what, when and why. It is written by ``store.session`` alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from placewise.store.session import Session

# The policies leave an auditor their own partnership's events, and anyone else their own.
LIST = """
SELECT seq, at, account_id, action, object_id, outcome, payload::jsonb ->> 'purpose', (payload::jsonb ->> 'n')::integer
  FROM audit.event
 WHERE (%(action)s IS NULL OR action = %(action)s)
   AND (%(account_id)s IS NULL OR account_id = %(account_id)s)
   AND (%(before)s IS NULL OR seq < %(before)s)
 ORDER BY seq DESC LIMIT %(limit)s
"""
LIST_ACTORS = "SELECT account_id, display_name, agency_name FROM guard.name_accounts()"


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One entry of the log.

    Attributes
    ----------
    seq : int
        Its number in the partnership's chain, without gaps.
    object_id : UUID or None
        The one record it was about, if one.
    purpose : str or None
        The reason given; None when none was asked for, or when retention erased it.
    count : int or None
        How many records were shown or changed.
    """

    seq: int
    at: datetime
    account_id: UUID | None
    action: str
    object_id: UUID | None
    outcome: str
    purpose: str | None
    count: int | None


@dataclass(frozen=True, slots=True)
class Actor:
    """A person whom the log may name."""

    account_id: UUID
    name: str
    agency: str


def list_events(
    session: Session,
    *,
    action: str | None = None,
    account_id: UUID | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[AuditEvent]:
    """Events of the partnership, newest first, from below the number ``before``."""
    params = {"action": action, "account_id": account_id, "before": before, "limit": limit}
    return [AuditEvent(*row) for row in session.rows(LIST, params)]


def list_actors(session: Session) -> list[Actor]:
    """Members of the partnership by name, for auditors.

    Raises
    ------
    NotAllowed
        The person asking is no auditor; the database itself refuses.
    """
    return [Actor(*row) for row in session.rows(LIST_ACTORS)]

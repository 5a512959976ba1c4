"""Accounts of a partnership, as its administrators see them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from placewise.core.scope import Role
from placewise.store.session import Session

LIST = """
SELECT account_id, display_name, email, agency_name, roles, valid_from, valid_to, active, signs_in, last_sign_in
  FROM guard.list_accounts()
"""


@dataclass(frozen=True, slots=True)
class Account:
    """One account and its membership of the partnership in hand.

    Attributes
    ----------
    signs_in : bool
        False for the account by which the command line acts.
    """

    account_id: UUID
    name: str
    email: str
    agency: str
    roles: Role
    valid_from: date
    valid_to: date
    active: bool
    signs_in: bool
    last_sign_in: datetime | None


def list_accounts(session: Session) -> list[Account]:
    """All accounts of the partnership, by name.

    Raises
    ------
    NotAllowed
        The person asking is no administrator; the database itself refuses.
    """
    return [
        Account(i, n, e, a, Role(r), since, until, active, signs_in, seen)
        for i, n, e, a, r, since, until, active, signs_in, seen in session.rows(LIST)
    ]

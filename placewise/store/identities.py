"""People as pseudonyms, and the one way to a name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from placewise.store.lookups import get_visible
from placewise.store.refusals import translated
from placewise.store.session import Session

GET_PERSON = """
SELECT p.person_id, p.pseudonym, p.kind, p.age_band, p.concern_category, p.source_grade, p.assessment, p.basis,
       p.handling, p.handling_conditions, p.review_due, a.name
  FROM placewise.person p JOIN placewise.agency a ON a.agency_id = p.source_agency
 WHERE p.person_id = %(id)s
"""
REVEAL_IDENTITY = """
SELECT given_name, family_name, date_of_birth, address FROM guard.reveal_identity(%s, %s, %s)
"""


@dataclass(frozen=True, slots=True)
class Person:
    """A child or an adult, without a name."""

    person_id: UUID
    pseudonym: str
    kind: str
    age_band: str
    concern_category: str
    source_grade: int | None
    assessment: str | None
    basis: str | None
    handling: str
    handling_conditions: str | None
    review_due: date | None
    agency: str

    @property
    def is_of_concern(self) -> bool:
        """Whether an adult stands here as a person of concern; a child never does."""
        return self.kind == "adult" and self.concern_category in ("suspected", "convicted", "associate")


@dataclass(frozen=True, slots=True)
class Identity:
    """What the vault holds about one person."""

    given_name: str | None
    family_name: str | None
    date_of_birth: date | None
    address: str | None


def get_person(session: Session, person_id: UUID) -> Person:
    """One person, by pseudonym.

    Raises
    ------
    NotFound
        Absent, hidden or another partnership's.
    """
    return Person(*get_visible(session, GET_PERSON, person_id))


def reveal_identity(session: Session, person_id: UUID, *, reason: str) -> Identity | None:
    """One person's identity; the database logs it with the reason before it answers. None when none is held.

    Raises
    ------
    RuleBroken
        The reason has fewer than ten characters; the session goes on.
    """
    session.run("SAVEPOINT reveal")
    try:
        with translated():
            row = session.row(REVEAL_IDENTITY, (person_id, reason, session.scope.request_id))
    except Exception:
        session.run("ROLLBACK TO SAVEPOINT reveal")
        raise
    return Identity(*row) if row else None

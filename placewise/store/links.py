"""Links and the records they join, as the reader may see them; row-level security has taken the rest away."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple
from uuid import UUID

from placewise.store.session import Session

#: More links than this round one picture, and the reader is asked to narrow it before anything is fetched.
MOST_LINKS = 5_000

# A membership reads as a link from the person to the group that lasts until the day of leaving.
LIST_STEPS = """
SELECT coalesce(l.from_person, l.from_group, l.from_place), coalesce(l.to_person, l.to_group, l.to_place),
       l.type, l.expires_on
  FROM placewise.link l
 WHERE l.from_person = ANY (%(ids)s) OR l.from_group = ANY (%(ids)s) OR l.from_place = ANY (%(ids)s)
    OR l.to_person = ANY (%(ids)s) OR l.to_group = ANY (%(ids)s) OR l.to_place = ANY (%(ids)s)
UNION ALL
SELECT m.person_id, m.peer_group_id, NULL, m.left_on
  FROM placewise.peer_group_member m
 WHERE m.person_id = ANY (%(ids)s) OR m.peer_group_id = ANY (%(ids)s)
LIMIT %(most)s
"""
LIST_LINKS_AMONG = """
SELECT l.link_id, coalesce(l.from_person, l.from_group, l.from_place), coalesce(l.to_person, l.to_group, l.to_place),
       l.type, l.strength, l.first_seen, l.last_seen, l.expires_on,
       (SELECT count(*) FROM placewise.link_evidence v WHERE v.link_id = l.link_id AND v.event_id IS NOT NULL),
       l.source_grade, l.assessment, l.basis, l.handling, l.handling_conditions, l.contradicted_by, a.name
  FROM placewise.link l JOIN placewise.agency a ON a.agency_id = l.source_agency
 WHERE (l.from_person = ANY (%(ids)s) OR l.from_group = ANY (%(ids)s) OR l.from_place = ANY (%(ids)s))
   AND (l.to_person = ANY (%(ids)s) OR l.to_group = ANY (%(ids)s) OR l.to_place = ANY (%(ids)s))
UNION ALL
SELECT m.peer_group_member_id, m.person_id, m.peer_group_id, NULL, 'known', m.joined_on, NULL, m.left_on, 0,
       m.source_grade, m.assessment, m.basis, m.handling, m.handling_conditions, NULL, a.name
  FROM placewise.peer_group_member m JOIN placewise.agency a ON a.agency_id = m.source_agency
 WHERE m.person_id = ANY (%(ids)s) AND m.peer_group_id = ANY (%(ids)s)
LIMIT %(most)s
"""
LIST_ENDS = """
SELECT person_id, kind, pseudonym, age_band, concern_category, source_grade, assessment FROM placewise.person
 WHERE person_id = ANY (%(ids)s)
UNION ALL
SELECT peer_group_id, 'group', name, NULL, NULL, NULL, NULL FROM placewise.peer_group
 WHERE peer_group_id = ANY (%(ids)s)
UNION ALL
SELECT place_id, 'place', name, location_type, NULL, NULL, NULL FROM placewise.place WHERE place_id = ANY (%(ids)s)
"""


class StepRow(NamedTuple):
    """Both ends of a link or membership, and what decides whether to go along it; ``type`` as in `LinkRow`."""

    source: UUID
    target: UUID
    type: str | None
    expires_on: date | None


@dataclass(frozen=True, slots=True)
class LinkRow:
    """One link or membership; ``type`` is None for a membership."""

    link_id: UUID
    source: UUID
    target: UUID
    type: str | None
    strength: str
    first_seen: date | None
    last_seen: date | None
    expires_on: date | None
    evidence_count: int
    source_grade: int | None
    assessment: str | None
    basis: str | None
    handling: str
    handling_conditions: str | None
    contradicted_by: str | None
    agency: str


@dataclass(frozen=True, slots=True)
class EndRow:
    """A record that links join. ``detail`` is a person's age band or a place's type."""

    record_id: UUID
    kind: str
    label: str
    detail: str | None
    concern_category: str | None
    source_grade: int | None
    assessment: str | None


def list_steps(session: Session, ids: Collection[UUID]) -> list[StepRow]:
    """Where links lead that have an end among these, expired ones too; one more than `MOST_LINKS` at most."""
    return [StepRow(*row) for row in session.rows(LIST_STEPS, _asked(ids))]


def list_links_among(session: Session, ids: Collection[UUID]) -> list[LinkRow]:
    """Links with both ends among these, expired ones too; one more than `MOST_LINKS` at most."""
    return [LinkRow(*row) for row in session.rows(LIST_LINKS_AMONG, _asked(ids))]


def list_ends(session: Session, ids: Collection[UUID]) -> list[EndRow]:
    """The records with these ids that the reader may see, in no order."""
    return [EndRow(*row) for row in session.rows(LIST_ENDS, {"ids": list(ids)})]


def _asked(ids: Collection[UUID]) -> dict[str, object]:
    return {"ids": list(ids), "most": MOST_LINKS + 1}

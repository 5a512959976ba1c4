"""Peer groups and their dated membership."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from placewise.store.lookups import get_visible
from placewise.store.session import Session

# Order of name, always: a count beside a group is for reading, never for ranking.
LIST_GROUPS = """
SELECT g.peer_group_id, g.name, g.assessment_status, g.handling, g.handling_conditions,
       (SELECT count(DISTINCT m.person_id) FROM placewise.peer_group_member m
         WHERE m.peer_group_id = g.peer_group_id AND (m.left_on IS NULL OR m.left_on >= %(today)s)),
       (SELECT count(DISTINCT coalesce(l.from_place, l.to_place)) FROM placewise.link l
         WHERE (l.from_group = g.peer_group_id OR l.to_group = g.peer_group_id)
           AND coalesce(l.from_place, l.to_place) IS NOT NULL AND l.expires_on >= %(today)s)
  FROM placewise.peer_group g
 ORDER BY lower(g.name), g.peer_group_id
"""
GET_GROUP = """
SELECT g.peer_group_id, g.name, g.assessment_status, g.norms, g.strengths, a.name, g.source_grade, g.assessment,
       g.handling, g.handling_conditions, g.basis, g.review_due
  FROM placewise.peer_group g JOIN placewise.agency a ON a.agency_id = g.source_agency
 WHERE g.peer_group_id = %(id)s
"""
LIST_MEMBERS = """
SELECT p.person_id, p.pseudonym, p.kind, p.age_band, m.joined_on, m.left_on
  FROM placewise.peer_group_member m JOIN placewise.person p ON p.person_id = m.person_id
 WHERE m.peer_group_id = %(id)s
 ORDER BY p.pseudonym, m.joined_on
"""
LIST_PLACES_OF_GROUP = """
SELECT DISTINCT ON (lower(p.name), p.place_id) p.place_id, p.name, p.location_type, l.type, l.strength, l.last_seen
  FROM placewise.link l JOIN placewise.place p ON p.place_id = coalesce(l.from_place, l.to_place)
 WHERE (l.from_group = %(id)s OR l.to_group = %(id)s) AND l.expires_on >= %(today)s
 ORDER BY lower(p.name), p.place_id, l.last_seen DESC
"""
LIST_GROUPS_AT_PLACE = """
SELECT g.peer_group_id, g.name,
       (SELECT count(DISTINCT m.person_id) FROM placewise.peer_group_member m
         WHERE m.peer_group_id = g.peer_group_id AND (m.left_on IS NULL OR m.left_on >= %(today)s)),
       max(l.last_seen)
  FROM placewise.link l JOIN placewise.peer_group g ON g.peer_group_id = coalesce(l.from_group, l.to_group)
 WHERE (l.from_place = %(id)s OR l.to_place = %(id)s) AND l.expires_on >= %(today)s
 GROUP BY g.peer_group_id, g.name
 ORDER BY lower(g.name), g.peer_group_id
"""
LIST_GROUPS_OF_PERSON = """
SELECT g.peer_group_id, g.name, m.joined_on, m.left_on
  FROM placewise.peer_group_member m JOIN placewise.peer_group g ON g.peer_group_id = m.peer_group_id
 WHERE m.person_id = %(id)s
 ORDER BY lower(g.name), m.joined_on
"""


@dataclass(frozen=True, slots=True)
class GroupRow:
    """One line of the list of peer groups."""

    peer_group_id: UUID
    name: str
    assessment_status: str
    handling: str
    handling_conditions: str | None
    member_count: int
    place_count: int


@dataclass(frozen=True, slots=True)
class Group:
    """One peer group with its evidence."""

    peer_group_id: UUID
    name: str
    assessment_status: str
    norms: str | None
    strengths: str | None
    agency: str
    source_grade: int | None
    assessment: str | None
    handling: str
    handling_conditions: str | None
    basis: str | None
    review_due: date | None


@dataclass(frozen=True, slots=True)
class Member:
    """A person's time in a peer group."""

    person_id: UUID
    pseudonym: str
    kind: str
    age_band: str
    joined_on: date | None
    left_on: date | None

    def has_left(self, today: date) -> bool:
        """Whether the membership is over."""
        return self.left_on is not None and self.left_on < today


@dataclass(frozen=True, slots=True)
class GroupPlace:
    """A place a peer group is linked to."""

    place_id: UUID
    name: str
    location_type: str
    type: str
    strength: str
    last_seen: date


@dataclass(frozen=True, slots=True)
class PlaceGroup:
    """A peer group linked to a place: how many children, never which."""

    peer_group_id: UUID
    name: str
    member_count: int
    last_seen: date


@dataclass(frozen=True, slots=True)
class PersonGroup:
    """A peer group a person belongs or belonged to."""

    peer_group_id: UUID
    name: str
    joined_on: date | None
    left_on: date | None


def list_groups(session: Session, *, today: date) -> list[GroupRow]:
    """Peer groups by name, with counts of present members and of places in links that stand."""
    return [GroupRow(*row) for row in session.rows(LIST_GROUPS, {"today": today})]


def get_group(session: Session, peer_group_id: UUID) -> Group:
    """One peer group.

    Raises
    ------
    NotFound
        Absent, hidden or another partnership's.
    """
    return Group(*get_visible(session, GET_GROUP, peer_group_id))


def list_members(session: Session, peer_group_id: UUID) -> list[Member]:
    """Members, also former ones, by pseudonym."""
    return [Member(*row) for row in session.rows(LIST_MEMBERS, {"id": peer_group_id})]


def list_places_of_group(session: Session, peer_group_id: UUID, *, today: date) -> list[GroupPlace]:
    """Places in links of the group that stand, by name."""
    return [GroupPlace(*row) for row in session.rows(LIST_PLACES_OF_GROUP, _on(peer_group_id, today))]


def list_groups_at_place(session: Session, place_id: UUID, *, today: date) -> list[PlaceGroup]:
    """Peer groups in links of the place that stand, by name."""
    return [PlaceGroup(*row) for row in session.rows(LIST_GROUPS_AT_PLACE, _on(place_id, today))]


def list_groups_of_person(session: Session, person_id: UUID) -> list[PersonGroup]:
    """Peer groups of a person, also former ones, by name."""
    return [PersonGroup(*row) for row in session.rows(LIST_GROUPS_OF_PERSON, {"id": person_id})]


def _on(record_id: UUID, today: date) -> dict[str, Any]:
    return {"id": record_id, "today": today}

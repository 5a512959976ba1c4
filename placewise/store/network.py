"""The whole network as arrays: who and what is linked, by binary COPY under row-level security, no object per row.

Ids stay in the answer as 16 bytes; everything else speaks of nodes by position, of codes by position in their
vocabulary, and of days by number.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from placewise.core.vocabulary import terms
from placewise.store.copying_out import EPOCH, Columns, copy_out
from placewise.store.session import Session

Ids = NDArray[np.void]
Positions = NDArray[np.int32]
Days = NDArray[np.int32]
Codes = NDArray[np.int8]
Flags = NDArray[np.bool_]

#: Kinds of node, in the order in which they stand.
KINDS = ("group", "place", "adult", "child")
#: A person's place in a peer group stands among the links, with a type of its own after those of the vocabulary.
LINK_TYPES = (*terms("link_type"), "member")
#: Position of a code that is absent, of an agency that was not asked for, of a place that is not named.
NONE = -1
#: Days without a date: a membership whose beginning is not known, or that has no end.
ALWAYS, NEVER = np.iinfo(np.int32).min, np.iinfo(np.int32).max

_CODES = """
    (coalesce(array_position(%(assessments)s::text[], {0}.assessment), 0) << 8) | (coalesce({0}.source_grade, 0) << 12)
"""
# Codes share one number, because each further field costs as much as the rest of the row. A code that is absent is 0.
NODES = f"""
COPY (
    SELECT person_id, array_position(%(kinds)s::text[], kind)
           | (array_position(%(concerns)s::text[], concern_category) << 4) | {_CODES.format("p")}
      FROM placewise.person p
    UNION ALL
    SELECT peer_group_id, 1 | {_CODES.format("g")} FROM placewise.peer_group g
    UNION ALL
    SELECT place_id, 2 | {_CODES.format("q")}
           | (coalesce(array_position(%(locations)s::text[], location_type), 0) << 16)
           | ((place_role IS NOT DISTINCT FROM 'protective_place')::integer << 24)
      FROM placewise.place q
) TO STDOUT (FORMAT binary)
"""  # noqa: S608  only constants are put in
LINKS = f"""
COPY (
    SELECT link_id, coalesce(from_person, from_group, from_place), coalesce(to_person, to_group, to_place),
           first_seen, last_seen, expires_on, (recorded_at AT TIME ZONE 'Europe/London')::date,
           coalesce(array_position(%(types)s::text[], type), 0)
           | (coalesce(array_position(%(strengths)s::text[], strength), 0) << 6) | {_CODES.format("l")}
           | ((contradicted_by IS NOT NULL)::integer << 16)
           | (coalesce(array_position(%(agencies)s::uuid[], source_agency), 0) << 17)
      FROM placewise.link l
    UNION ALL
    SELECT peer_group_member_id, person_id, peer_group_id, coalesce(joined_on, '-infinity'),
           '-infinity', coalesce(left_on, 'infinity'), (recorded_at AT TIME ZONE 'Europe/London')::date,
           %(member)s | (1 << 6) | {_CODES.format("m")}
           | (coalesce(array_position(%(agencies)s::uuid[], source_agency), 0) << 17)
      FROM placewise.peer_group_member m
) TO STDOUT (FORMAT binary)
"""  # noqa: S608  only constants are put in
# A missing episode lasts until the child is back.
PRESENCES = """
COPY (
    SELECT n.event_id, n.person_id, coalesce(e.place_id, %(nobody)s::uuid), e.occurred_from,
           coalesce(m.returned_at, e.occurred_to), (e.recorded_at AT TIME ZONE 'Europe/London')::date,
           coalesce(array_position(%(roles)s::text[], n.role), 0)
           | ((e.relation = 'found_there')::integer << 8)
           | ((e.source_grade IS NOT DISTINCT FROM 3 OR e.assessment IS NOT DISTINCT FROM 'E')::integer << 9)
      FROM placewise.event_person n
      JOIN placewise.event e ON e.partnership_id = n.partnership_id AND e.event_id = n.event_id
      LEFT JOIN placewise.missing_episode m ON m.partnership_id = e.partnership_id AND m.event_id = e.event_id
) TO STDOUT (FORMAT binary)
"""
LIST_EVIDENCE = """
SELECT link_id, event_id FROM placewise.link_evidence
 WHERE link_id = ANY (%(ids)s) AND event_id IS NOT NULL ORDER BY link_id, event_id
"""
# A million links take some seconds, on a busy machine more than a page's statement otherwise may.
PATIENCE = "SET LOCAL statement_timeout = '60s'"
READ_STATE = """
SELECT guard.data_version(), array(SELECT guard.granted_records() ORDER BY 1),
       array(SELECT guard.granted_places() ORDER BY 1)
"""
_DAY_0 = (EPOCH.date() - EPOCH.date().replace(year=1970)).days


@dataclass(frozen=True)
class _Sized:
    @property
    def nbytes(self) -> int:
        """Memory that the arrays take."""
        return sum(
            value.nbytes for f in fields(self) if isinstance(value := getattr(self, f.name), np.ndarray)
        )


@dataclass(frozen=True)
class NodeColumns(_Sized):
    """Nodes by kind, then id; a row each.

    Attributes
    ----------
    id : ndarray of 16-byte records
    kind : ndarray of int8
        Position in `KINDS`.
    concern, assessment, location_type : ndarray of int8
        Position in ``concern_category``, ``assessment`` and ``location_type``; `NONE` where absent.
    source_grade : ndarray of int8
        1 to 3; 0 where not graded.
    protective : ndarray of bool
        A place that keeps children safe.
    """

    id: Ids
    kind: Codes
    concern: Codes
    assessment: Codes
    source_grade: Codes
    location_type: Codes
    protective: Flags

    @property
    def n(self) -> int:
        """Number of nodes."""
        return self.kind.size

    @cached_property
    def _by_id(self) -> tuple[NDArray[np.uint64], NDArray[np.uint64], Positions, int]:
        high, low = _words(self.id)
        order = np.lexsort((low, high)).astype(np.int32)
        runs = np.unique(high, return_counts=True)[1]
        return high[order], low[order], order, int(runs.max(initial=0))

    def locate(self, ids: Ids) -> Positions:
        """Position of each id among the nodes, `NONE` where it is not there; shape of ``ids``."""
        known_high, known_low, order, longest_run = self._by_id
        high, low = _words(ids)
        found = np.full(high.size, NONE, dtype=np.int32)
        first = np.searchsorted(known_high, high)
        for step in range(longest_run):  # one, unless ids share their first half
            here = np.minimum(first + step, known_high.size - 1)
            hit = (known_high[here] == high) & (known_low[here] == low)
            found[hit] = order[here[hit]]
        return found


@dataclass(frozen=True)
class LinkColumns(_Sized):
    """Links and memberships between nodes, a row each, in no order.

    Attributes
    ----------
    id : ndarray of 16-byte records
    source, target : ndarray of int32
        Positions among the nodes.
    first_seen, last_seen, expires_on, recorded_on : ndarray of int32
        Days since 1970; `ALWAYS` and `NEVER` where a membership has no date. When it was last seen is not known.
    type : ndarray of int8
        Position in `LINK_TYPES`.
    strength, assessment : ndarray of int8
        Position in ``link_strength`` and ``assessment``; `NONE` where absent.
    source_grade : ndarray of int8
        1 to 3; 0 where not graded.
    contradicted : ndarray of bool
        There is evidence against it, which is kept beside it.
    agency : ndarray of int16
        Position in the agency ids of the answer.
    """

    id: Ids
    source: Positions
    target: Positions
    first_seen: Days
    last_seen: Days
    expires_on: Days
    recorded_on: Days
    type: Codes
    strength: Codes
    assessment: Codes
    source_grade: Codes
    contradicted: Flags
    agency: NDArray[np.int16]

    @property
    def n(self) -> int:
        """Number of links."""
        return self.source.size


@dataclass(frozen=True)
class PresenceColumns(_Sized):
    """Who is named in which record, where and when, a row each.

    Attributes
    ----------
    event_id : ndarray of 16-byte records
    person, place : ndarray of int32
        Positions among the nodes; ``place`` is `NONE` where no place, or none that the reader may see, is named.
    begin, end : ndarray of datetime64[m]
        UTC.
    recorded_on : ndarray of int32
        Days since 1970.
    role : ndarray of int8
        Position in ``person_event_role``; `NONE` where absent.
    found, doubtful : ndarray of bool
        Whether the place is where the child was found; source graded 3 or assessment E.
    """

    event_id: Ids
    person: Positions
    place: Positions
    begin: NDArray[np.datetime64]
    end: NDArray[np.datetime64]
    recorded_on: Days
    role: Codes
    found: Flags
    doubtful: Flags


def read_state(session: Session) -> tuple[Any, ...]:
    """What decides, besides the reader's account, agency and roles, what of the records they see.

    The version of the partnership's data, which every committed change moves, and the grants that hold now. As long as
    they stay the same, so does what the same reader reads.
    """
    version, records, places = session.row(READ_STATE) or (0, [], [])
    return version, tuple(records), tuple(places)


def list_nodes(session: Session) -> NodeColumns:
    """All people, peer groups and places that the reader may see."""
    words = {
        "kinds": list(KINDS),
        "concerns": list(terms("concern_category")),
        "assessments": list(terms("assessment")),
        "locations": list(terms("location_type")),
    }
    rows = copy_out(session, NODES, words, {"id": "V16", "codes": ">i4"})
    kind = (rows["codes"] & 15) - 1
    order = np.lexsort((*_words(rows["id"])[::-1], kind))
    ids, codes = rows["id"][order], rows["codes"][order]
    return NodeColumns(
        id=ids,
        kind=_code(codes, 0, 4),
        concern=_code(codes, 4, 4),
        assessment=_code(codes, 8, 4),
        source_grade=_code(codes, 12, 4) + np.int8(1),
        location_type=_code(codes, 16, 8),
        protective=(codes >> 24 & 1).astype(np.bool_),
    )


def list_links(session: Session, nodes: NodeColumns, *, agencies: list[UUID]) -> LinkColumns:
    """All links and memberships between these nodes that the reader may see.

    A link to a node that is not there (its reader brought it in and may not see the other end) is left out.

    Parameters
    ----------
    agencies : list of UUID
        The order gives the numbers in ``agency``.
    """
    words = {
        "types": list(LINK_TYPES),
        "strengths": list(terms("link_strength")),
        "assessments": list(terms("assessment")),
        "agencies": agencies,
        "member": len(LINK_TYPES),
    }
    days = ("first_seen", "last_seen", "expires_on", "recorded_on")
    widths = {"id": "V16", "source": "V16", "target": "V16", **dict.fromkeys(days, ">i4"), "codes": ">i4"}

    def made(rows: Columns) -> Columns:
        source, target = nodes.locate(rows["source"]), nodes.locate(rows["target"])
        kept = (source != NONE) & (target != NONE)
        codes = rows["codes"][kept]
        return {
            "id": rows["id"][kept],
            "source": source[kept],
            "target": target[kept],
            **{name: _days(rows[name][kept]) for name in days},
            "type": _code(codes, 0, 6),
            "strength": _code(codes, 6, 2),
            "assessment": _code(codes, 8, 4),
            "source_grade": _code(codes, 12, 4) + np.int8(1),
            "contradicted": (codes >> 16 & 1).astype(np.bool_),
            "agency": ((codes >> 17) - 1).astype(np.int16),
        }

    session.run(PATIENCE)
    return LinkColumns(**copy_out(session, LINKS, words, widths, made=made))


def list_presences(session: Session, nodes: NodeColumns) -> PresenceColumns:
    """Who is named in which event that the reader may see, as far as the people are among the nodes."""
    words = {"nobody": UUID(int=0), "roles": list(terms("person_event_role"))}
    widths = {
        **dict.fromkeys(("event_id", "person", "place"), "V16"),
        **dict.fromkeys(("begin", "end"), ">i8"),
        **dict.fromkeys(("recorded_on", "codes"), ">i4"),
    }

    def made(rows: Columns) -> Columns:
        person = nodes.locate(rows["person"])
        kept = person != NONE
        codes = rows["codes"][kept]
        return {
            "event_id": rows["event_id"][kept],
            "person": person[kept],
            "place": nodes.locate(rows["place"][kept]),
            "begin": _minutes(rows["begin"][kept]),
            "end": _minutes(rows["end"][kept]),
            "recorded_on": _days(rows["recorded_on"][kept]),
            "role": _code(codes, 0, 8),
            "found": (codes >> 8 & 1).astype(np.bool_),
            "doubtful": (codes >> 9 & 1).astype(np.bool_),
        }

    session.run(PATIENCE)
    return PresenceColumns(**copy_out(session, PRESENCES, words, widths, made=made))


def list_evidence(session: Session, links: Collection[UUID]) -> dict[UUID, list[UUID]]:
    """Events that justify each of these links, as far as the reader may see them; a link without any is absent."""
    found: dict[UUID, list[UUID]] = {}
    for link_id, event_id in session.rows(LIST_EVIDENCE, {"ids": list(links)}) if links else []:
        found.setdefault(link_id, []).append(event_id)
    return found


def _code(codes: NDArray[Any], shift: int, bits: int) -> Codes:
    """A code out of the number that it shares with others; 0 there is `NONE`."""
    return ((codes >> shift & (1 << bits) - 1) - 1).astype(np.int8)


def _days(days: NDArray[np.int32]) -> Days:
    """Days since 2000 as days since 1970; without a date as they are."""
    return np.where((days == ALWAYS) | (days == NEVER), days, days + np.int32(_DAY_0))


def _minutes(moments: NDArray[np.int64]) -> NDArray[np.datetime64]:
    """Microseconds since 2000 as moments."""
    return (moments // 60_000_000).astype("timedelta64[m]") + np.datetime64("2000-01-01T00:00", "m")


def _words(ids: Ids) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Both halves of each id as numbers that sort as the ids do."""
    halves = np.ascontiguousarray(ids).view(">u8").reshape(-1, 2).astype(np.uint64)
    return halves[:, 0].copy(), halves[:, 1].copy()

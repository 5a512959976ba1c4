"""Events as arrays, for maps: one binary COPY under row-level security, no object per record.

Codes come as positions in their vocabulary, times as microseconds, coordinates as metres. 100,000 events take
about a third of a second of the database and a twentieth of Python.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from placewise.core.vocabulary import terms
from placewise.store.copying_out import EPOCH, Columns, copy_out
from placewise.store.session import Session

Bytes: TypeAlias = NDArray[np.void]
Floats: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]
Integers: TypeAlias = NDArray[np.int64]

#: Position of a code that is absent.
NONE = -1
_NOBODY = bytes(16)  # the nil UUID stands for NULL, which would break the fixed width

# Every column is of fixed width and never NULL (copying_out).
# An event without coordinates of its own stands at its place, as far as the place's location is known.
EVENTS = """
COPY (
    SELECT e.event_id, coalesce(e.place_id, %(nobody)s::uuid), e.occurred_from, e.occurred_to,
        coalesce(array_position(%(agencies)s::uuid[], e.source_agency), 0),
        coalesce(array_position(%(kinds)s::text[], e.kind), 0),
        coalesce(array_position(%(categories)s::text[], e.category), 0),
        CASE WHEN e.harm_types = '{}' THEN 0 ELSE
            coalesce((SELECT bit_or(1 << (array_position(%(harms)s::text[], h) - 1))
                FROM unnest(e.harm_types) h), 0) END,
        coalesce(array_position(%(relations)s::text[], e.relation), 0),
        coalesce(array_position(%(accuracies)s::text[], CASE WHEN e.geom IS NULL AND p.geom IS NOT NULL
            THEN p.accuracy ELSE e.accuracy END), 0),
        coalesce(CASE WHEN e.geom IS NULL THEN p.radius_m ELSE e.radius_m END, 'NaN')::float8,
        coalesce(public.ST_X(spot.geom), 'NaN')::float8, coalesce(public.ST_Y(spot.geom), 'NaN')::float8,
        coalesce(e.boundary_id, %(nobody)s::uuid)
      FROM placewise.event e
      LEFT JOIN placewise.place p ON e.geom IS NULL AND p.partnership_id = e.partnership_id AND p.place_id = e.place_id
      CROSS JOIN LATERAL (SELECT CASE WHEN public.GeometryType(coalesce(e.geom, p.geom)) = 'POINT'
          THEN coalesce(e.geom, p.geom) ELSE public.ST_PointOnSurface(coalesce(e.geom, p.geom)) END AS geom) spot
     WHERE e.occurred_from < %(until)s AND e.occurred_to >= %(since)s AND e.recorded_at <= %(as_at)s
) TO STDOUT (FORMAT binary)
"""

# Of all events this person may see: the period is cut out by the events' own rows, which costs less than a join.
CHILDREN = """
COPY (
    SELECT DISTINCT ep.event_id, ep.person_id
      FROM placewise.event_person ep
      JOIN placewise.person c ON c.partnership_id = ep.partnership_id AND c.person_id = ep.person_id
     WHERE c.kind = 'child'
) TO STDOUT (FORMAT binary)
"""

_EVENT_COLUMNS = {
    "event_id": "V16",
    "place_id": "V16",
    "occurred_from": ">i8",
    "occurred_to": ">i8",
    "agency": ">i4",
    "kind": ">i4",
    "category": ">i4",
    "harms": ">i4",
    "relation": ">i4",
    "accuracy": ">i4",
    "radius_m": ">f8",
    "x": ">f8",
    "y": ">f8",
    "boundary_id": "V16",
}
_CHILD_COLUMNS = {"event_id": "V16", "person_id": "V16"}


@dataclass(frozen=True, slots=True)
class EventColumns:
    """Events of one period, a row each.

    Attributes
    ----------
    occurred_from_us, occurred_to_us : ndarray of int64
        Microseconds since 1970 (UTC); the event happened somewhere between.
    agency : ndarray of int64
        Position in the agency ids that were asked for.
    kind, category, relation, accuracy : ndarray of int64
        Position in the vocabulary of that name; `NONE` where absent.
    harms : ndarray of int64
        Bit i is set for the i-th harm type; 0 where none is recorded.
    x, y : ndarray of float64
        Eastings and northings (EPSG:27700); NaN without a location.
    radius_m : ndarray of float64
        How far off the location may be; NaN where not stated.
    has_area : ndarray of bool
        An area (ward, LSOA …) is named.
    place_id, boundary_id : ndarray of 16-byte records
        Nil UUID where no place, or no area, is named.
    child_event, child : ndarray of int64
        One row for each child of each event: the event's row, and a number that stands for the child within
        this answer only.
    """

    occurred_from_us: Integers
    occurred_to_us: Integers
    agency: Integers
    kind: Integers
    category: Integers
    harms: Integers
    relation: Integers
    accuracy: Integers
    radius_m: Floats
    x: Floats
    y: Floats
    has_area: Flags
    place_id: Bytes
    child_event: Integers
    child: Integers
    boundary_id: Bytes

    @property
    def n(self) -> int:
        """Number of events."""
        return self.x.size


def list_event_columns(
    session: Session, *, since: datetime, until: datetime, as_at: datetime, agencies: list[UUID]
) -> EventColumns:
    """Events that touch [since, until) and were on record at ``as_at``.

    Parameters
    ----------
    since, until, as_at : datetime
        With a time zone.
    agencies : list of UUID
        The order gives the numbers in ``agency``.
    """
    period = {"since": since, "until": until, "as_at": as_at}
    words = {
        "nobody": UUID(bytes=_NOBODY),
        "agencies": agencies,
        "kinds": list(terms("event_kind")),
        "categories": list(terms("crime_category")),
        "harms": list(terms("harm_type")),
        "relations": list(terms("relation")),
        "accuracies": list(terms("accuracy")),
    }
    rows = copy_out(session, EVENTS, period | words, _EVENT_COLUMNS)
    links = copy_out(session, CHILDREN, {}, _CHILD_COLUMNS)
    child_event, child = _numbered(rows["event_id"], links)
    epoch = int(EPOCH.timestamp()) * 1_000_000

    def whole(name: str) -> Integers:
        return np.asarray(rows[name], dtype=np.int64)

    def metres(name: str) -> Floats:
        return np.asarray(rows[name], dtype=np.float64)

    return EventColumns(
        occurred_from_us=whole("occurred_from") + epoch,
        occurred_to_us=whole("occurred_to") + epoch,
        agency=whole("agency") - 1,
        kind=whole("kind") - 1,
        category=whole("category") - 1,
        harms=whole("harms"),
        relation=whole("relation") - 1,
        accuracy=whole("accuracy") - 1,
        radius_m=metres("radius_m"),
        x=metres("x"),
        y=metres("y"),
        has_area=rows["boundary_id"] != np.void(_NOBODY),
        place_id=rows["place_id"],
        child_event=child_event,
        child=child,
        boundary_id=rows["boundary_id"],
    )


def _numbered(event_ids: Bytes, links: Columns) -> tuple[Integers, Integers]:
    """Row of the event and a small number for the child, for each pair of ids."""
    if not links["event_id"].size:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    row_of = dict(zip(event_ids.tolist(), range(event_ids.size), strict=True))
    numbers: dict[bytes, int] = {}
    pairs = [
        (row_of[event], numbers.setdefault(person, len(numbers)))
        for event, person in zip(links["event_id"].tolist(), links["person_id"].tolist(), strict=True)
        if event in row_of
    ]
    events, children = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return events, children


def rows_by_place(place_id: Bytes) -> dict[UUID, Integers]:
    """Rows of the events of each place; events without a place are left out."""
    found: dict[bytes, list[int]] = {}
    for row, key in enumerate(place_id.tolist()):
        if key != _NOBODY:
            found.setdefault(key, []).append(row)
    return {UUID(bytes=key): np.array(rows, dtype=np.int64) for key, rows in found.items()}

"""Events at places, and how much each agency sent at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from placewise.store.session import Session

# An event belongs to the moment in the middle of its interval, as in the monthly series.
COUNT_AT_PLACES = """
SELECT e.place_id, a.name, date_trunc('month', middle AT TIME ZONE 'Europe/London')::date,
       count(*) FILTER (WHERE e.relation = ANY (%(relations)s)), count(*)
  FROM placewise.event e JOIN placewise.agency a ON a.agency_id = e.source_agency,
       LATERAL (SELECT e.occurred_from + (e.occurred_to - e.occurred_from) / 2 AS middle) m
 WHERE e.place_id IS NOT NULL AND e.occurred_from < %(until)s AND middle >= %(since)s AND middle < %(until)s
 GROUP BY 1, 2, 3
"""
LIST_EVENTS = """
SELECT e.event_id, e.kind, e.relation, e.harm_types, e.occurred_from, e.occurred_to, e.accuracy, a.name,
       e.source_grade, e.assessment, e.handling, e.handling_conditions, e.basis
  FROM placewise.event e JOIN placewise.agency a ON a.agency_id = e.source_agency
 WHERE e.place_id = %(id)s AND e.occurred_from < %(until)s AND e.occurred_to >= %(since)s
 ORDER BY e.occurred_from DESC, e.event_id
"""
COUNT_OUTSIDE = """
SELECT count(*) FILTER (WHERE occurred_to < %(since)s), count(*) FILTER (WHERE occurred_from >= %(until)s)
  FROM placewise.event WHERE place_id = %(id)s AND (occurred_to < %(since)s OR occurred_from >= %(until)s)
"""
# To look a moment up among the months' beginnings costs a third of truncating it. Intake refuses what begins in the
# future, so the months up to the next hold every event.
COUNT_BY_AGENCY_MONTH = """
WITH month AS MATERIALIZED (
    SELECT array_agg(first AT TIME ZONE 'Europe/London' ORDER BY first) AS begins
      FROM (SELECT date_trunc('month', min(occurred_from) AT TIME ZONE 'Europe/London') AS oldest,
                   greatest(max(occurred_from), now()) AT TIME ZONE 'Europe/London' AS newest
              FROM placewise.event) reach,
           generate_series(oldest, newest + interval '1 month', interval '1 month') AS first)
SELECT source_agency, (begins[bucket] AT TIME ZONE 'Europe/London')::date, n
  FROM month, (
       SELECT source_agency, count(*) AS n,
              width_bucket(occurred_from + (occurred_to - occurred_from) / 2, (SELECT begins FROM month)) AS bucket
         FROM placewise.event
        WHERE %(as_at)s IS NULL OR recorded_at <= %(as_at)s
        GROUP BY 1, 3) sent
"""
# The shape is a value by the time events are looked up, so that their index serves; joined to it, every event is read.
COUNT_UNNAMED_NEAR = """
SELECT count(*)
  FROM placewise.event e
 WHERE e.geom && (SELECT public.ST_Expand(p.geom, %(distance_m)s) FROM placewise.place p WHERE p.place_id = %(id)s)
   AND public.ST_Distance(e.geom, (SELECT p.geom FROM placewise.place p WHERE p.place_id = %(id)s)) <= %(distance_m)s
   AND e.kind NOT IN ('recorded_crime', 'stop_search') AND e.place_id IS NULL
   AND e.relation = ANY (%(relations)s) AND e.accuracy = ANY (%(accuracies)s)
   AND e.occurred_from < %(until)s AND e.occurred_to >= %(since)s
"""


@dataclass(frozen=True, slots=True)
class PlaceEvent:
    """One record about a place: no name, no free text."""

    event_id: UUID
    kind: str
    relation: str
    harm_types: list[str]
    occurred_from: datetime
    occurred_to: datetime
    accuracy: str
    agency: str
    source_grade: int | None
    assessment: str | None
    handling: str
    handling_conditions: str | None
    basis: str | None


def count_at_places(
    session: Session, *, since: datetime, until: datetime, relations: Sequence[str]
) -> list[tuple[UUID, str, date, int, int]]:
    """Place, agency, first day of the month, records with one of these relations, and all records."""
    params = {"since": since, "until": until, "relations": list(relations)}
    rows = session.rows(COUNT_AT_PLACES, params)
    return [(place_id, agency, month, int(harm), int(n)) for place_id, agency, month, harm, n in rows]


def list_events(session: Session, place_id: UUID, *, since: datetime, until: datetime) -> list[PlaceEvent]:
    """Events of a place that touch [since, until), newest first; every relation, to be told apart."""
    rows = session.rows(LIST_EVENTS, {"id": place_id, "since": since, "until": until})
    return [PlaceEvent(*row) for row in rows]


def count_outside(session: Session, place_id: UUID, *, since: datetime, until: datetime) -> tuple[int, int]:
    """Events of a place that ended before ``since``, and that began at ``until`` or later."""
    before, after = session.row(COUNT_OUTSIDE, {"id": place_id, "since": since, "until": until}) or (0, 0)
    return int(before), int(after)


def count_by_agency_month(session: Session, *, as_at: datetime | None = None) -> list[tuple[UUID, date, int]]:
    """Agency, first day of the month, and how many records of anything anywhere it sent about that month.

    Of all months held, as far as this person may see; with ``as_at``, of the records that were held then.
    """
    rows = session.rows(COUNT_BY_AGENCY_MONTH, {"as_at": as_at})
    return [(agency_id, month, int(n)) for agency_id, month, n in rows]


def count_unnamed_near(
    session: Session,
    place_id: UUID,
    *,
    distance_m: float,
    since: datetime,
    until: datetime,
    relations: Sequence[str],
    accuracies: Sequence[str],
) -> int:
    """Partners' events within a distance of a place's shape that name no place.

    Published crime is not among them: it lies on snap points, and is no record that could name the place.
    """
    params = {
        "id": place_id,
        "distance_m": distance_m,
        "since": since,
        "until": until,
        "relations": list(relations),
        "accuracies": list(accuracies),
    }
    (n,) = session.row(COUNT_UNNAMED_NEAR, params) or (0,)
    return int(n)

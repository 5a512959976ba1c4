"""Records of harm in and around chosen ground, for a comparison of before and after; and the children they name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import shapely

from placewise.core.vocabulary import PLACEABLE_RADIUS_M, harm_relations, placeable_accuracies
from placewise.store.session import Session

# Published crime lies on snap points and says nothing of harm to a child; the index of positions leaves it out too. A
# record without coordinates stands at its place, as on the map. The frame is a value, so that the indexes serve.
LIST_HARM = """
WITH found AS (
    SELECT e.event_id, e.geom
      FROM placewise.event e
     WHERE e.geom && public.ST_GeomFromWKB(%(frame)s, 27700) AND e.kind NOT IN ('recorded_crime', 'stop_search')
       AND e.accuracy = ANY (%(accuracies)s) AND coalesce(e.radius_m, 0) <= %(radius_m)s
    UNION
    SELECT e.event_id, p.geom
      FROM placewise.place p JOIN placewise.event e ON e.partnership_id = p.partnership_id AND e.place_id = p.place_id
     WHERE e.geom IS NULL AND p.geom && public.ST_GeomFromWKB(%(frame)s, 27700)
       AND p.accuracy = ANY (%(accuracies)s) AND coalesce(p.radius_m, 0) <= %(radius_m)s
    UNION
    SELECT e.event_id, coalesce(e.geom, p.geom)
      FROM placewise.event e JOIN placewise.place p ON p.partnership_id = e.partnership_id AND p.place_id = e.place_id
     WHERE e.place_id = ANY (%(places)s))
SELECT e.event_id, e.place_id, a.name, e.occurred_from, e.occurred_to, public.ST_X(spot.geom), public.ST_Y(spot.geom)
  FROM found f
  JOIN placewise.event e ON e.event_id = f.event_id
  JOIN placewise.agency a ON a.agency_id = e.source_agency
 CROSS JOIN LATERAL (SELECT CASE WHEN public.GeometryType(f.geom) = 'POINT' THEN f.geom
                                 ELSE public.ST_PointOnSurface(f.geom) END AS geom) spot
 WHERE e.kind NOT IN ('recorded_crime', 'stop_search') AND e.relation = ANY (%(relations)s)
   AND e.occurred_from < %(until)s AND e.occurred_to >= %(since)s AND e.recorded_at <= %(as_at)s
"""
# Records of harm of the whole partnership that stand nowhere finer than a neighbourhood.
COUNT_ROUGH = """
SELECT count(*) FILTER (WHERE middle < %(changed)s), count(*) FILTER (WHERE middle >= %(changed)s)
  FROM placewise.event e
  LEFT JOIN placewise.place p ON e.geom IS NULL AND p.partnership_id = e.partnership_id AND p.place_id = e.place_id
 CROSS JOIN LATERAL (SELECT e.occurred_from + (e.occurred_to - e.occurred_from) / 2 AS middle,
                            CASE WHEN e.geom IS NULL AND p.geom IS NOT NULL
                                 THEN p.accuracy ELSE e.accuracy END AS accuracy,
                            CASE WHEN e.geom IS NULL THEN p.radius_m ELSE e.radius_m END AS radius_m,
                            coalesce(e.geom, p.geom) AS geom) here
 WHERE e.kind NOT IN ('recorded_crime', 'stop_search') AND e.relation = ANY (%(relations)s)
   AND e.occurred_from < %(until)s AND e.occurred_to >= %(since)s AND e.recorded_at <= %(as_at)s
   AND here.middle >= %(since)s AND here.middle < %(until)s AND e.place_id <> ALL (%(places)s) IS NOT FALSE
   AND (here.geom IS NULL OR here.accuracy <> ALL (%(accuracies)s) OR coalesce(here.radius_m, 0) > %(radius_m)s)
"""
LIST_CHILDREN = """
SELECT ep.event_id, ep.person_id
  FROM placewise.event_person ep
  JOIN placewise.person c ON c.partnership_id = ep.partnership_id AND c.person_id = ep.person_id
 WHERE c.kind = 'child' AND ep.event_id = ANY (%(events)s)
"""


@dataclass(frozen=True, slots=True)
class HarmRecord:
    """A record of harm whose whereabouts are known; metres, EPSG:27700."""

    event_id: UUID
    place_id: UUID | None
    agency: str
    occurred_from: datetime
    occurred_to: datetime
    x: float
    y: float

    @property
    def middle(self) -> datetime:
        """The moment that a record of uncertain time belongs to, as in the monthly series."""
        return self.occurred_from + (self.occurred_to - self.occurred_from) / 2


def list_harm(
    session: Session,
    frame: shapely.Geometry,
    *,
    places: Sequence[UUID],
    since: datetime,
    until: datetime,
    as_at: datetime,
) -> list[HarmRecord]:
    """Partners' records of harm that touch [since, until) and were held at ``as_at``.

    Those within the box of ``frame`` (EPSG:27700) and known to 200 m or better, and those that name one of ``places``,
    however roughly they are located otherwise.
    """
    values = _asked(places, since, until, as_at) | {
        "frame": shapely.to_wkb(shapely.box(*shapely.bounds(frame)))
    }
    return [HarmRecord(*row) for row in session.rows(LIST_HARM, values)]


def count_rough(
    session: Session,
    *,
    places: Sequence[UUID],
    since: datetime,
    changed: datetime,
    until: datetime,
    as_at: datetime,
) -> tuple[int, int]:
    """Records of harm before and after a change that are known too roughly to lie in any area, or not at all."""
    values = _asked(places, since, until, as_at) | {"changed": changed}
    before, after = session.row(COUNT_ROUGH, values) or (0, 0)
    return int(before), int(after)


def list_children(session: Session, events: Sequence[UUID]) -> dict[UUID, list[UUID]]:
    """Children of each of these events, as far as this person may see them; events without any are absent."""
    found: dict[UUID, list[UUID]] = {}
    for event_id, person_id in session.rows(LIST_CHILDREN, {"events": list(events)}) if events else []:
        found.setdefault(event_id, []).append(person_id)
    return found


def _asked(places: Sequence[UUID], since: datetime, until: datetime, as_at: datetime) -> dict[str, object]:
    return {
        "places": list(places),
        "since": since,
        "until": until,
        "as_at": as_at,
        "relations": list(harm_relations()),
        "accuracies": list(placeable_accuracies()),
        "radius_m": PLACEABLE_RADIUS_M,
    }

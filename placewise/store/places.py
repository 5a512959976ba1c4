"""Places: the list, one place, its surroundings, and changes to what describes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from placewise.store.lookups import get_visible
from placewise.store.refusals import translated
from placewise.store.session import Session

LIST_PLACES = """
SELECT p.place_id, p.name, p.location_type, p.status, p.online, p.handling, p.handling_conditions
  FROM placewise.place p
 WHERE (%(type)s IS NULL OR p.location_type = %(type)s)
   AND (%(status)s IS NULL OR p.status = %(status)s)
   AND (%(name)s IS NULL OR strpos(lower(p.name || E'\\n' || array_to_string(p.aliases, E'\\n')), lower(%(name)s)) > 0)
 ORDER BY lower(p.name), p.place_id
"""
GET_PLACE = """
SELECT p.place_id, p.name, p.aliases, p.location_type, p.place_role, p.status, p.opening_hours, p.place_manager,
       p.guardianship, p.strengths, p.review_due, p.version, p.online, p.geom IS NOT NULL, p.accuracy, p.radius_m,
       a.name, p.source_grade, p.assessment, p.handling, p.handling_conditions, p.basis, p.recorded_at,
       public.GeometryType(p.geom)
  FROM placewise.place p JOIN placewise.agency a ON a.agency_id = p.source_agency
 WHERE p.place_id = %(id)s
"""
LOCK_DESCRIPTION = """
SELECT name, aliases, location_type, place_role, status, opening_hours, place_manager, guardianship, strengths,
       review_due, version
  FROM placewise.place WHERE place_id = %(id)s FOR UPDATE
"""
SAVE_DESCRIPTION = """
UPDATE placewise.place
   SET name = %(name)s, aliases = %(aliases)s, location_type = %(location_type)s, place_role = %(place_role)s,
       status = %(status)s, opening_hours = %(opening_hours)s, place_manager = %(place_manager)s,
       guardianship = %(guardianship)s, strengths = %(strengths)s, review_due = %(review_due)s,
       version = version + 1
 WHERE place_id = %(place_id)s
RETURNING version
"""
# The window is square and at least twice least_half_m wide; y is turned downwards by ST_AsSVG, so the box is given that
# way too.
GET_EXTRACT_BOX = """
WITH box AS (
    SELECT public.ST_Centroid(public.ST_Envelope(geom)) AS centre,
           greatest(%(least_half_m)s, 0.75 * greatest(public.ST_XMax(geom) - public.ST_XMin(geom),
                                         public.ST_YMax(geom) - public.ST_YMin(geom)),
                    1.6 * coalesce(radius_m, 0)) AS half, geom
      FROM placewise.place WHERE place_id = %(id)s AND geom IS NOT NULL)
SELECT public.ST_X(centre) - half, -(public.ST_Y(centre) + half), 2 * half, public.ST_X(centre), -public.ST_Y(centre),
       CASE WHEN public.ST_Dimension(geom) > 0 THEN public.ST_AsSVG(geom, 0, 0) END, public.ST_Dimension(geom)
  FROM box
"""
LIST_EXTRACT_STREETS = """
WITH frame AS (SELECT public.ST_MakeEnvelope(%(left)s, %(bottom)s, %(right)s, %(top)s, 27700) AS box)
SELECT s.street_class, s.name, public.ST_AsSVG(clipped.line, 0, 0), public.ST_Length(clipped.line),
       public.ST_X(middle.point), -public.ST_Y(middle.point)
  FROM frame, placewise.street s,
       LATERAL (SELECT public.ST_Intersection(s.geom, frame.box) AS line) clipped,
       LATERAL (SELECT public.ST_LineInterpolatePoint(public.ST_GeometryN(
            public.ST_LineMerge(public.ST_CollectionExtract(clipped.line, 2)), 1), 0.5) AS point) middle
 WHERE s.geom && frame.box AND public.ST_Intersects(s.geom, frame.box)
   AND NOT public.ST_IsEmpty(public.ST_CollectionExtract(clipped.line, 2))
 ORDER BY s.street_class = 'main', s.name, s.street_id
"""
LIST_EXTRACT_FEATURES = """
WITH frame AS (SELECT public.ST_MakeEnvelope(%(left)s, %(bottom)s, %(right)s, %(top)s, 27700) AS box)
SELECT f.kind, f.name, public.ST_AsSVG(clipped.shape, 0, 0), public.ST_Dimension(f.geom), public.ST_X(middle.point),
       -public.ST_Y(middle.point)
  FROM frame, placewise.feature f,
       LATERAL (SELECT public.ST_Intersection(f.geom, frame.box) AS shape) clipped,
       LATERAL (SELECT public.ST_PointOnSurface(clipped.shape) AS point) middle
 WHERE f.geom && frame.box AND public.ST_Intersects(f.geom, frame.box)
 ORDER BY public.ST_Dimension(f.geom) DESC, f.kind, f.name, f.feature_id
"""


@dataclass(frozen=True, slots=True)
class PlaceRow:
    """One line of the list of places."""

    place_id: UUID
    name: str
    location_type: str
    status: str
    online: bool
    handling: str
    handling_conditions: str | None


@dataclass(frozen=True, slots=True)
class Description:
    """What an editor may change about a place. Empty text is None."""

    name: str
    aliases: tuple[str, ...]
    location_type: str
    place_role: str | None
    status: str
    opening_hours: str | None
    place_manager: str | None
    guardianship: str | None
    strengths: str | None
    review_due: date | None


@dataclass(frozen=True, slots=True)
class Place:
    """One place with its evidence; its shape stays in the database."""

    place_id: UUID
    described: Description
    version: int
    online: bool
    located: bool
    accuracy: str
    radius_m: float | None
    agency: str
    source_grade: int | None
    assessment: str | None
    handling: str
    handling_conditions: str | None
    basis: str | None
    recorded_at: datetime
    shape: str | None

    @property
    def name(self) -> str:
        """The place's name."""
        return self.described.name


@dataclass(frozen=True, slots=True)
class ExtractPart:
    """A street, or what else the base map shows. ``path`` is SVG path data in metres, y downwards."""

    kind: str
    name: str
    path: str
    size: float
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Extract:
    """The ground round a place: a square of ``width_m`` whose top left corner is (left, top), y downwards.

    Attributes
    ----------
    path : str or None
        The place's own outline or route; None for a point.
    dimension : {0, 1, 2}
        Of the place: point, route, area.
    """

    left: float
    top: float
    width_m: float
    x: float
    y: float
    path: str | None
    dimension: int
    streets: Sequence[ExtractPart]
    features: Sequence[ExtractPart]


def list_places(
    session: Session, *, location_type: str | None = None, status: str | None = None, name: str | None = None
) -> list[PlaceRow]:
    """Places in order of name; ``name`` is looked for in names and aliases."""
    params = {"type": location_type, "status": status, "name": name}
    return [PlaceRow(*row) for row in session.rows(LIST_PLACES, params)]


def get_place(session: Session, place_id: UUID) -> Place:
    """One place.

    Raises
    ------
    NotFound
        Absent, hidden or another partnership's.
    """
    row = get_visible(session, GET_PLACE, place_id)
    return Place(row[0], _described(row[1:11]), *row[11:])


def lock_description(session: Session, place_id: UUID) -> tuple[Description, int]:
    """Description and version of a place, which nobody else can change until this session ends.

    Raises
    ------
    NotFound
        Absent, hidden or another partnership's.
    """
    row = get_visible(session, LOCK_DESCRIPTION, place_id)
    return _described(row[:10]), int(row[10])


def save_description(session: Session, place_id: UUID, description: Description) -> int:
    """Replace a place's description; the new version. Lock it first: the old version is not compared here.

    Raises
    ------
    RuleBroken
        The database refused; the session goes on as if nothing had been tried.
    """
    values: Mapping[str, Any] = {**asdict(description), "aliases": list(description.aliases)}
    session.run("SAVEPOINT description")
    try:
        with translated():
            (version,) = session.row(SAVE_DESCRIPTION, {**values, "place_id": place_id}) or (0,)
    except Exception:
        session.run("ROLLBACK TO SAVEPOINT description")
        raise
    return int(version)


def find_extract(session: Session, place_id: UUID, *, least_half_m: float = 200) -> Extract | None:
    """The ground round a place, at least so far each way; none for a place without a geometry."""
    box = session.row(GET_EXTRACT_BOX, {"id": place_id, "least_half_m": least_half_m})
    if box is None:
        return None
    left, top, width, x, y, path, dimension = box
    frame = {"left": left, "right": left + width, "top": -top, "bottom": -top - width}
    streets = [ExtractPart(*row) for row in session.rows(LIST_EXTRACT_STREETS, frame)]
    features = [ExtractPart(*row) for row in session.rows(LIST_EXTRACT_FEATURES, frame)]
    return Extract(left, top, width, x, y, path, dimension, streets, features)


def _described(row: tuple[Any, ...]) -> Description:
    return Description(row[0], tuple(row[1]), *row[2:])

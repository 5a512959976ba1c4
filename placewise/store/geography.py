"""The ground a partnership works on: its boundaries, agencies and mapped places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import UUID

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from placewise.core.vocabulary import PLACEABLE_RADIUS_M
from placewise.store.session import Session

Shapes: TypeAlias = NDArray[np.object_]

# The newest vintage of each kind: older ones stay for records coded to them.
BOUNDARIES = """
SELECT b.boundary_id, b.code, b.name, public.ST_AsBinary(b.geom)
  FROM placewise.boundary b
 WHERE b.kind = %(kind)s
   AND b.vintage = (SELECT max(o.vintage) FROM placewise.boundary o WHERE o.kind = %(kind)s)
 ORDER BY b.name, b.code
"""
OUTLINES = """
SELECT b.boundary_id, b.code, b.name, public.ST_AsBinary(public.ST_SimplifyPreserveTopology(b.geom, %(tolerance_m)s))
  FROM placewise.boundary b
 WHERE b.kind = %(kind)s
   AND b.vintage = (SELECT max(o.vintage) FROM placewise.boundary o WHERE o.kind = %(kind)s)
 ORDER BY b.name, b.code
"""
# Of the newest year that residents are held for, and where two vintages carry it, of the newer.
RESIDENTS = """
SELECT b.boundary_id, b.residents, b.residents_year, public.ST_AsBinary(b.geom)
  FROM placewise.boundary b
 WHERE b.kind = %(kind)s AND (b.residents_year, b.vintage) = (
       SELECT o.residents_year, o.vintage FROM placewise.boundary o
        WHERE o.kind = %(kind)s AND o.residents_year IS NOT NULL
        ORDER BY o.residents_year DESC, o.vintage DESC LIMIT 1)
 ORDER BY b.name, b.code
"""
BOUNDARY_KINDS = "SELECT kind, count(*) FROM placewise.boundary GROUP BY kind"
AGENCIES = "SELECT agency_id, code, name, kind FROM placewise.agency ORDER BY name"
PLACES = """
SELECT place_id, name, location_type, place_role, status, online, accuracy, radius_m, public.ST_AsBinary(geom)
  FROM placewise.place ORDER BY name, place_id
"""

BOUNDARIES_BY_ID = """
SELECT b.boundary_id, b.code, b.name, public.ST_AsBinary(b.geom)
  FROM placewise.boundary b WHERE b.boundary_id = ANY(%(ids)s::uuid[]) ORDER BY b.name, b.code
"""
WATER = """
SELECT public.ST_AsBinary(geom) FROM placewise.feature WHERE kind = 'water' AND public.ST_Dimension(geom) = 2
"""
STREETS = "SELECT public.ST_AsBinary(geom) FROM placewise.street ORDER BY street_id"

# Ground that belongs to everybody. Shops, schools and clubs are on the base map too, but a name beside a figure is
# read as its cause.
NEAREST_GROUND = """
SELECT near.name
  FROM unnest(%(x)s::float8[], %(y)s::float8[]) WITH ORDINALITY AS given(x, y, n)
 CROSS JOIN LATERAL (SELECT public.ST_SetSRID(public.ST_MakePoint(given.x, given.y), 27700) AS geom) spot
  LEFT JOIN LATERAL (
    SELECT g.name FROM (
        SELECT s.name, s.geom FROM placewise.street s
         WHERE s.name <> '' AND public.ST_DWithin(s.geom, spot.geom, %(within_m)s)
         UNION ALL
        SELECT f.name, f.geom FROM placewise.feature f
         WHERE f.name <> '' AND f.kind IN ('park', 'station')
           AND public.ST_DWithin(f.geom, spot.geom, %(within_m)s)) g
     ORDER BY public.ST_Distance(g.geom, spot.geom), g.name
     LIMIT 1) near ON true
 ORDER BY given.n
"""


@dataclass(frozen=True, slots=True)
class Areas:
    """Boundaries of one kind, by name; shapes in EPSG:27700."""

    ids: tuple[UUID, ...]
    codes: tuple[str, ...]
    names: tuple[str, ...]
    shapes: Shapes


@dataclass(frozen=True, slots=True)
class ResidentAreas:
    """Areas of one kind with the people who live in each; shapes in EPSG:27700."""

    kind: str
    year: int
    ids: tuple[UUID, ...]
    residents: NDArray[np.int64]
    shapes: Shapes


@dataclass(frozen=True, slots=True)
class Agency:
    """A member of the partnership that sends records."""

    agency_id: UUID
    code: str
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class MappedPlace:
    """A place as a map shows it; ``shape`` (EPSG:27700) is None for an online place."""

    place_id: UUID
    name: str
    location_type: str
    place_role: str | None
    status: str
    online: bool
    accuracy: str
    radius_m: float | None
    shape: shapely.Geometry | None

    @property
    def is_drawn(self) -> bool:
        """Located finely enough to stand on a map."""
        return self.shape is not None and (self.radius_m or 0) <= PLACEABLE_RADIUS_M


def list_areas(session: Session, kind: str) -> Areas:
    """Boundaries of one kind (``ward``, ``lsoa``, ``msoa``, ``local_authority``), newest vintage."""
    return _areas(session.rows(BOUNDARIES, {"kind": kind}))


def list_named_areas(session: Session, ids: Sequence[UUID]) -> Areas:
    """Boundaries by id, of any kind and vintage; ids that nobody may see or that are gone are left out."""
    return _areas(session.rows(BOUNDARIES_BY_ID, {"ids": list(ids)}) if ids else [])


def list_residents(session: Session, kind: str) -> ResidentAreas | None:
    """Residents of the areas of one kind, of the newest year held; None where none of them has any."""
    rows = session.rows(RESIDENTS, {"kind": kind})
    if not rows:
        return None
    shapes = shapely.from_wkb(np.array([bytes(row[3]) for row in rows], dtype=object))
    counts = np.array([row[1] for row in rows], dtype=np.int64)
    return ResidentAreas(kind, int(rows[0][2]), tuple(row[0] for row in rows), counts, np.asarray(shapes))


def list_water(session: Session) -> Shapes:
    """Lakes, rivers and docks as surfaces, EPSG:27700."""
    return _shapes(session.rows(WATER))


def list_streets(session: Session) -> Shapes:
    """The line of every street, EPSG:27700."""
    return _shapes(session.rows(STREETS))


def _shapes(rows: list[tuple[memoryview]]) -> Shapes:
    return np.asarray(shapely.from_wkb(np.array([bytes(wkb) for (wkb,) in rows], dtype=object)))


def list_outlines(session: Session, kind: str, *, tolerance_m: float) -> Areas:
    """The same for drawing: corners that move the line by less than ``tolerance_m`` are left out."""
    return _areas(session.rows(OUTLINES, {"kind": kind, "tolerance_m": tolerance_m}))


def _areas(rows: list[tuple[UUID, str, str, memoryview]]) -> Areas:
    shapes = shapely.from_wkb(np.array([bytes(row[3]) for row in rows], dtype=object))
    ids, codes, names = (tuple(row[column] for row in rows) for column in range(3))
    return Areas(ids, codes, names, shapes)  # type: ignore[arg-type]  # columns turned into rows


def grid_series(shape: shapely.Geometry | None) -> gpd.GeoSeries:
    """One shape in EPSG:27700 as a series that says so, which is what spatial statistics take."""
    return grid_shapes([shape])


def grid_shapes(shapes: Sequence[shapely.Geometry | None] | NDArray[np.object_]) -> gpd.GeoSeries:
    """Shapes in EPSG:27700 as a series that says so."""
    return gpd.GeoSeries(shapes, crs="EPSG:27700")


def count_boundaries(session: Session) -> dict[str, int]:
    """Number of boundaries of each kind, all vintages."""
    return dict(session.rows(BOUNDARY_KINDS))


def list_agencies(session: Session) -> list[Agency]:
    """The partnership's agencies by name."""
    return [Agency(*row) for row in session.rows(AGENCIES)]


def list_nearest_ground(
    session: Session, x: NDArray[np.float64], y: NDArray[np.float64], *, within_m: float
) -> list[str]:
    """Name of the street, park or station nearest to each point (EPSG:27700); empty where none is so near."""
    spots = {"x": x.tolist(), "y": y.tolist(), "within_m": within_m}
    return [name or "" for (name,) in session.rows(NEAREST_GROUND, spots)]


def list_mapped_places(session: Session) -> list[MappedPlace]:
    """Every place this person may see, by name."""
    return [_place(*row) for row in session.rows(PLACES)]


def _place(*row: Any) -> MappedPlace:
    shape = None if row[-1] is None else shapely.from_wkb(bytes(row[-1]))
    return MappedPlace(*row[:-1], shape)  # type: ignore[call-arg]  # columns in the order of the fields

"""Where records may have been: spread over their circle, along their street, or over their ward without its water."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import numpy as np
import shapely
from numpy.typing import NDArray

from placewise.core.vocabulary import terms
from placewise.geo.density import square_grid
from placewise.geo.spread import (
    NOWHERE,
    Spread,
    joined,
    spread_along_lines,
    spread_over_areas,
    spread_over_discs,
)
from placewise.panel.hotspot_ground import Ground
from placewise.panel.hotspot_records import Records, known_within_m
from placewise.store.geography import Areas, grid_shapes, list_named_areas, list_streets, list_water
from placewise.store.session import Session

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]
Geometries = NDArray[np.object_]

#: Known by the name of an area: a point that comes with it is only the area's middle.
_BY_AREA = ("ward", "borough")
#: Discs together are given about this many points; with more records, each has fewer.
_POINTS_AT_MOST = 300_000


@dataclass(frozen=True)
class Shapes:
    """What the ground is made of, EPSG:27700: named areas, water and the lines of streets."""

    areas: Areas
    water: Geometries = field(repr=False)
    streets: Geometries = field(repr=False)


@dataclass(frozen=True)
class Terrain:
    """What tells where a record may have been.

    Attributes
    ----------
    land : GeoSeries
        Study area without water, EPSG:27700; one shape.
    areas : ndarray of shapely geometries
        Named areas without water; empty ones are all water.
    area_of : ndarray of int64, shape (records,)
        Position of each record's area in ``areas``, -1 for none.
    streets : ndarray of shapely lines
    """

    land: Any = field(repr=False)
    areas: Geometries = field(repr=False)
    area_of: Integers = field(repr=False)
    streets: Geometries = field(repr=False)


@dataclass(frozen=True)
class Whereabouts:
    """Records as parts, each where it may have been.

    Attributes
    ----------
    fine, rough : Spread
        Of records fine enough for a cell, and of those known only roughly.
    along_street, over_circle : int
        Fine records spread along a street, and over a circle wider than a step of the surface.
    """

    fine: Spread = field(repr=False)
    rough: Spread = field(repr=False)
    along_street: int
    over_circle: int


def read_terrain(session: Session, records: Records, ground: Ground) -> Terrain:
    """Water, streets, and the areas that rough records name."""
    rough = np.flatnonzero(records.rough)
    ids = {bytes(key) for key in records.columns.boundary_id[rough].tolist()} - {bytes(16)}
    areas = list_named_areas(session, sorted(UUID(bytes=key) for key in ids))
    return terrain_of(records, ground, Shapes(areas, list_water(session), list_streets(session)))


def terrain_of(records: Records, ground: Ground, shapes: Shapes) -> Terrain:
    """The terrain from shapes that were read already."""
    wet = shapely.union_all(shapes.water)
    at = {key.bytes: position for position, key in enumerate(shapes.areas.ids)}
    area_of = np.full(records.columns.n, NOWHERE)
    rough = np.flatnonzero(records.rough)
    area_of[rough] = [at.get(bytes(key), NOWHERE) for key in records.columns.boundary_id[rough].tolist()]
    dry = np.asarray(shapely.difference(shapes.areas.shapes, wet), dtype=object).reshape(-1)
    area_of[~np.append(shapely.area(dry) > 0, False)[area_of]] = NOWHERE
    return Terrain(ground.frame.difference(wet), dry, area_of, shapes.streets)


def spreadable(records: Records, terrain: Terrain) -> Flags:
    """Which rough records can be put anywhere at all, shape (records,)."""
    by_area, by_circle = _ways(records, terrain)
    return by_area | by_circle


def _ways(records: Records, terrain: Terrain) -> tuple[Flags, Flags]:
    """Rough records to spread over their area, and those to spread over a circle."""
    named = _is(records.columns.accuracy, *_BY_AREA) | ~records.located
    by_area = records.rough & (terrain.area_of != NOWHERE) & named
    within = known_within_m(records.columns)
    by_circle = records.rough & records.located & np.isfinite(within) & ~by_area
    return by_area, by_circle


def spread_records(
    records: Records, terrain: Terrain, placed: Flags, *, cell_m: float, bandwidth_m: float
) -> Whereabouts:
    """Put every record where it may have been.

    Parameters
    ----------
    placed : ndarray of bool, shape (records,)
        Fine records that are on the map.
    cell_m, bandwidth_m : float
        Of the surface. Steps are a sixth of the bandwidth, or half a cell: finer ones would be smoothed away.
    """
    columns, within = records.columns, known_within_m(records.columns)
    step_m = max(cell_m / 2, bandwidth_m / 6)
    street = _streets_of(records, terrain, placed & _is(columns.accuracy, "street"), within)
    by_area, by_circle = _ways(records, terrain)
    discs = placed & (street == NOWHERE)
    fine = joined(
        _over_discs(records, discs, within, step_m),
        spread_along_lines(grid_shapes(terrain.streets), street[street != NOWHERE], spacing_m=step_m),
    )
    rough = joined(
        _over_discs(records, by_circle, within, step_m, land=terrain.land),
        _over_areas(terrain, terrain.area_of[by_area], 2 * step_m),
    )
    wide = discs & (within > step_m)
    return Whereabouts(fine, rough, int((street != NOWHERE).sum()), int(wide.sum()))


def _streets_of(records: Records, terrain: Terrain, on_street: Flags, within: Floats) -> Integers:
    """Position of the street each record known to a street lies on, -1 where none is near enough."""
    street = np.full(records.columns.n, NOWHERE)
    rows = np.flatnonzero(on_street)
    if rows.size and terrain.streets.size:
        spots = shapely.points(records.columns.x[rows], records.columns.y[rows])
        tree = shapely.STRtree(terrain.streets)
        (found, nearest), away = tree.query_nearest(spots, return_distance=True, all_matches=False)
        near = away <= within[rows[found]]
        street[rows[found[near]]] = nearest[near]
    return street


def _over_discs(records: Records, rows: Flags, within: Floats, step_m: float, land: Any = None) -> Spread:
    """Spread over circles, those at one spot together: published points hold many records each."""
    x, y, radius, count = (np.concatenate(part) for part in zip(*_discs(records, rows, within), strict=True))
    points = float((np.pi * (radius / step_m) ** 2).clip(min=1).sum())
    spacing_m = step_m * max(1.0, np.sqrt(points / _POINTS_AT_MOST))
    # A circle narrower than a step is a point: one step would put it off its middle.
    radius = np.where(radius > step_m, radius, 0.0)
    return spread_over_discs(x, y, radius, spacing_m=spacing_m, land=land, count=count)


def _over_areas(terrain: Terrain, area: Integers, cell_m: float) -> Spread:
    """Spread over named areas, as shares of cells that cover them."""
    areas = grid_shapes(terrain.areas)
    used = areas.iloc[np.unique(area)] if area.size else terrain.land
    return spread_over_areas(areas, area, grid=square_grid(used, cell_m=cell_m))


def _discs(records: Records, rows: Flags, within: Floats) -> Iterator[tuple[Floats, Floats, Floats, Floats]]:
    """Distinct spots of each radius, with the number of records there."""
    yield np.empty(0), np.empty(0), np.empty(0), np.empty(0)
    for radius in np.unique(within[rows]):
        here = np.flatnonzero(rows & (within == radius))
        spots, count = np.unique(records.columns.x[here] + 1j * records.columns.y[here], return_counts=True)
        yield spots.real, spots.imag, np.full(spots.size, radius), count.astype(np.float64)


def _is(values: Integers, *codes: str) -> Flags:
    chosen = np.array([code in codes for code in terms("accuracy")] + [False])
    found: Flags = chosen[values]
    return found

"""Records that may have been in more than one place: shared out over where each may have been."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from placewise.core.errors import MissingValue, TooFewRecords
from placewise.geo.crs import (
    Floats,
    Integers,
    require_british_grid,
    require_coordinates,
    require_counts,
)
from placewise.geo.density import SquareGrid

Geometries = NDArray[np.object_]

NOWHERE = -1
# Steps of a sunflower: no two of its points share a direction, so that it fills a disc evenly.
_GOLDEN_ANGLE = np.pi * (3 - np.sqrt(5))
_MOST_POINTS = 4096


@dataclass(frozen=True)
class Spread:
    """Records as points that carry parts of them.

    Attributes
    ----------
    x, y : ndarray of float64, shape (m,)
        Metres, EPSG:27700.
    weight : ndarray of float64, shape (m,)
        The part of a record (or of several at the same place) that each point carries.
    n_records : int
        Records given.
    n_nowhere : float
        Records, or parts of them, that could be put nowhere: all water, or outside the grid.
    """

    x: Floats = field(repr=False)
    y: Floats = field(repr=False)
    weight: Floats = field(repr=False)
    n_records: int
    n_nowhere: float = 0.0


class CellShares(NamedTuple):
    """How much of each area lies in which cell; one entry for each area and cell that overlap.

    Attributes
    ----------
    area, cell : ndarray of int64, shape (m,)
        Positions in the areas and cells given.
    share : ndarray of float64, shape (m,)
        Share of the area's land that lies in the cell; what lies in no cell is missing from the sum.
    """

    area: Integers
    cell: Integers
    share: Floats


def spread_points(x: ArrayLike, y: ArrayLike) -> Spread:
    """Take records whose place is known exactly: one point each.

    Raises
    ------
    WrongCRS, MissingValue
        See `require_coordinates`.
    """
    xs, ys = require_coordinates(x, y)
    return Spread(xs, ys, np.ones(xs.size), xs.size)


def spread_over_discs(
    x: ArrayLike,
    y: ArrayLike,
    radius_m: ArrayLike,
    *,
    spacing_m: float,
    land: gpd.GeoSeries | None = None,
    count: ArrayLike | None = None,
) -> Spread:
    """Spread each record evenly over the disc of its accuracy radius.

    It supposes that every spot of the disc is equally likely, which no radius really says.

    Parameters
    ----------
    x, y : array_like of shape (n,)
        Metres, EPSG:27700. Not modified.
    radius_m : array_like of float >= 0, shape (n,)
        Nought: a point.
    spacing_m : float
        Distance between the points of a disc: half a cell or less of the surface to be made. A disc has
        4,096 points at most.
    land : GeoSeries, EPSG:27700, optional
        Where records can be (the study area minus water). Parts of a disc off it go to its other parts; a
        record with no land in its disc is counted as nowhere.
    count : array_like of float >= 0, shape (n,), optional
        Records that share each disc, where they were put together beforehand; 1 by default.

    Returns
    -------
    Spread

    Raises
    ------
    MissingValue
        A coordinate or radius is missing, infinite or negative.
    WrongCRS
        Degrees, or land in another CRS.

    Notes
    -----
    Points on Vogel's sunflower, doi 10.1016/0025-5564(79)90080-4. Time O(points).

    Examples
    --------
    >>> spread = spread_over_discs([540000.0], [180000.0], [100.0], spacing_m=25)
    >>> spread.x.size, round(float(spread.weight.sum()), 9)
    (51, 1.0)
    """
    xs, ys = require_coordinates(x, y)
    radii = require_counts(radius_m, what="accuracy radii")
    if radii.shape != xs.shape:
        raise ValueError(f"{radii.size} accuracy radii for {xs.size} records")
    held = np.ones(xs.size) if count is None else require_counts(count)
    if held.shape != xs.shape:
        raise ValueError(f"{held.size} counts for {xs.size} discs")
    _check_spacing(spacing_m)
    number = np.clip(np.ceil(np.pi * (radii / spacing_m) ** 2), 1, _MOST_POINTS).astype(np.int64)
    record = np.repeat(np.arange(xs.size), number)
    step = np.arange(record.size) - np.repeat(np.cumsum(number) - number, number)
    away = radii[record] * np.sqrt((step + 0.5) / number[record])
    # A record known to half a step is a point; one point of a sunflower would lie off its middle.
    away[number[record] == 1] = 0.0
    px, py = (
        xs[record] + away * np.cos(step * _GOLDEN_ANGLE),
        ys[record] + away * np.sin(step * _GOLDEN_ANGLE),
    )
    if land is not None:
        ground = _land(land)
        dry = shapely.contains_xy(ground, px, py)
        record, px, py = record[dry], px[dry], py[dry]
    kept = np.bincount(record, minlength=xs.size)
    nowhere = float(held[kept == 0].sum())
    return Spread(px, py, held[record] / kept[record], int(held.sum()), nowhere)


def spread_along_lines(lines: gpd.GeoSeries, line: ArrayLike, *, spacing_m: float) -> Spread:
    """Spread each record evenly along the street segment it is known to.

    Parameters
    ----------
    lines : GeoSeries of LineString, EPSG:27700
        Not modified.
    line : array_like of int, shape (n,)
        Position in ``lines`` of each record's segment, -1 for none: counted as nowhere.
    spacing_m : float
        Largest distance between points.

    Raises
    ------
    WrongCRS, IndexError
        Lines in another CRS; a position that is not one.

    Examples
    --------
    >>> street = gpd.GeoSeries([shapely.LineString([(540000, 180000), (540100, 180000)])], crs="EPSG:27700")
    >>> spread_along_lines(street, [0, 0], spacing_m=50).x.tolist()
    [540025.0, 540075.0]
    """
    require_british_grid(lines.crs)
    _check_spacing(spacing_m)
    shapes = lines.geometry.to_numpy()
    records, nowhere = _records_of(line, len(shapes))
    length = shapely.length(shapes)
    n_records, used = int(records.sum()) + nowhere, np.flatnonzero((records > 0) & (length > 0))
    number = np.maximum(np.ceil(length[used] / spacing_m), 1).astype(np.int64)
    source = np.repeat(used, number)
    count = np.repeat(number, number)
    step = np.arange(source.size) - np.repeat(np.cumsum(number) - number, number)
    points = shapely.line_interpolate_point(shapes[source], (step + 0.5) / count * length[source])
    return Spread(
        shapely.get_x(points),
        shapely.get_y(points),
        records[source] / count,
        n_records,
        float(n_records - records[used].sum()),
    )


def cell_shares(areas: gpd.GeoSeries, cells: Geometries, *, water: gpd.GeoSeries | None = None) -> CellShares:
    """Say how much of each area's land lies in each cell, for records known only to the area.

    It supposes that harm is equally likely everywhere in the area but in water, which is why such records
    must never be shown as precise: use the shares beside, not instead of, the precise records.

    Parameters
    ----------
    areas : GeoSeries of polygons, EPSG:27700
        Wards, say. Not modified.
    cells : ndarray of shapely polygons, shape (k,)
        Metres, EPSG:27700; they must not overlap.
    water : GeoSeries, EPSG:27700, optional
        Left out of every area.

    Returns
    -------
    CellShares
        Feed ``share`` of each record's area to `counts.weight_per_cell`.

    Raises
    ------
    WrongCRS
    TooFewRecords
        An area is empty, or all water.

    Notes
    -----
    Time O(pairs that overlap); only cells on an outline are cut.

    Examples
    --------
    >>> ward = gpd.GeoSeries([shapely.box(540000, 180000, 540200, 180100)], crs="EPSG:27700")
    >>> cells = shapely.box([540000, 540150], 180000, [540150, 540300], 180100)
    >>> cell_shares(ward, cells).share.tolist()
    [0.75, 0.25]
    """
    require_british_grid(areas.crs)
    shapes = areas.geometry.to_numpy()
    if water is not None:
        shapes = shapely.difference(shapes, _land(water))
    size = shapely.area(shapes)
    if np.any(~(size > 0)):
        raise TooFewRecords(
            f"{int(np.count_nonzero(~(size > 0)))} of the areas are empty or all water; a record known only "
            "to such an area can be put nowhere."
        )
    shapely.prepare(shapes)
    area, cell = shapely.STRtree(cells).query(shapes, predicate="intersects")
    within = shapely.contains_properly(shapes[area], cells[cell])
    overlap = np.where(within, shapely.area(cells[cell]), 0.0)
    cut = np.flatnonzero(~within)
    overlap[cut] = shapely.area(shapely.intersection(shapes[area[cut]], cells[cell[cut]]))
    order = np.lexsort((cell, area))
    order = order[overlap[order] > 0]
    return CellShares(area[order], cell[order], overlap[order] / size[area[order]])


def spread_over_areas(
    areas: gpd.GeoSeries, area: ArrayLike, *, grid: SquareGrid, water: gpd.GeoSeries | None = None
) -> Spread:
    """Spread each record evenly over the land of the area it is known to, as shares of grid cells.

    Parameters
    ----------
    areas : GeoSeries of polygons, EPSG:27700
    area : array_like of int, shape (n,)
        Position in ``areas`` of each record's area, -1 for none: counted as nowhere.
    grid : SquareGrid
        Parts of an area off the grid are counted as nowhere.
    water : GeoSeries, EPSG:27700, optional

    Raises
    ------
    WrongCRS, TooFewRecords, IndexError
        As for `cell_shares`; a position that is not one.
    """
    require_british_grid(areas.crs)
    records, nowhere = _records_of(area, len(areas))
    used = np.flatnonzero(records)
    if not used.size:
        return Spread(np.empty(0), np.empty(0), np.empty(0), nowhere, float(nowhere))
    x, y = _centres_near(grid, areas.iloc[used].total_bounds)
    half = grid.cell_m / 2
    shares = cell_shares(areas.iloc[used], shapely.box(x - half, y - half, x + half, y + half), water=water)
    weight = shares.share * records[used][shares.area]
    given = int(records.sum())
    return Spread(
        x[shares.cell], y[shares.cell], weight, given + nowhere, nowhere + max(given - weight.sum(), 0.0)
    )


def joined(*spreads: Spread) -> Spread:
    """Put spreads of several kinds of record together."""
    return Spread(
        np.concatenate([s.x for s in spreads]),
        np.concatenate([s.y for s in spreads]),
        np.concatenate([s.weight for s in spreads]),
        sum(s.n_records for s in spreads),
        sum(s.n_nowhere for s in spreads),
    )


def _check_spacing(spacing_m: float) -> None:
    if not spacing_m > 0:
        raise ValueError(f"spacing_m must be above nought, not {spacing_m}")


def _land(shapes: gpd.GeoSeries) -> shapely.Geometry:
    require_british_grid(shapes.crs)
    land = shapely.union_all(shapes.geometry.to_numpy())
    shapely.prepare(land)
    return land


def _records_of(position: ArrayLike, n: int) -> tuple[Integers, int]:
    """Return how many records each shape has, and how many have none."""
    positions = np.asarray(position)
    if positions.size and not np.issubdtype(positions.dtype, np.integer):
        raise MissingValue("Positions must be whole numbers; use -1 for a record whose shape is not known.")
    positions = positions.astype(np.int64)
    if positions.size and (positions.min() < NOWHERE or positions.max() >= n):
        raise IndexError(f"positions must lie between -1 and {n - 1}")
    per_shape = np.bincount(positions + 1, minlength=n + 1).astype(np.int64)
    return per_shape[1:], int(per_shape[0])


def _centres_near(grid: SquareGrid, bounds: Floats) -> tuple[Floats, Floats]:
    """Return the centres of the grid's cells that touch a box."""
    half = grid.cell_m / 2
    x = grid.x_m[(grid.x_m > bounds[0] - half) & (grid.x_m < bounds[2] + half)]
    y = grid.y_m[(grid.y_m > bounds[1] - half) & (grid.y_m < bounds[3] + half)]
    across, up = np.meshgrid(x, y)
    return across.ravel(), up.ravel()

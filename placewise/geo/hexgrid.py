"""Hexagonal cells with a fixed origin: the same spot is always in the same cell, whatever the map shows."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from placewise.core.errors import TooFewCells
from placewise.geo.adjacency import Adjacency, adjacency_from_pairs
from placewise.geo.crs import (
    BRITISH_NATIONAL_GRID,
    Floats,
    Integers,
    require_british_grid,
    require_coordinates,
)

Include = Literal["intersects", "centre"]

# Axial coordinates of a pointy-topped lattice whose cell (0, 0) is centred on the grid's false origin.
# An id packs q and r into 42 bits, so that it survives JSON and JavaScript's 53-bit integers.
_HALF = 1 << 20
_FULL = 1 << 21
MIN_CELL_WIDTH_M = 10.0
_NEIGHBOURS = ((1, 0), (0, 1), (-1, 1), (-1, 0), (0, -1), (1, -1))
# Corner offsets in units of half a width (x) and half a side (y): whole numbers, so that two cells
# that share a corner compute it from the same integers and get the same bits.
_CORNER_X = np.array([0, 1, 1, 0, -1, -1, 0])
_CORNER_Y = np.array([-2, -1, 1, 2, 1, -1, -2])
# Two boundaries drawn along one line overlap by rounding; less than this share of a cell is no overlap.
_SLIVER = 1e-9
_CHUNK = 1 << 15  # temporaries of this length stay in the processor's cache
_SQRT3 = math.sqrt(3)
# A look-up table is quicker than a search until it has this many places, and this many more a cell.
_TABLE_AT_LEAST, _TABLE_TO_CELLS = 1_000_000, 8


def pack_cell(q: ArrayLike, r: ArrayLike) -> Integers:
    """Return the cell id of axial coordinates q (along x) and r (row).

    Examples
    --------
    >>> unpack_cell(pack_cell([5, -3], [-7, 0]))[0].tolist()
    [5, -3]
    """
    return (np.asarray(q, dtype=np.int64) + _HALF) * _FULL + (np.asarray(r, dtype=np.int64) + _HALF)


def unpack_cell(cell: ArrayLike) -> tuple[Integers, Integers]:
    """Return axial coordinates (q, r) of cell ids."""
    q, r = np.divmod(np.asarray(cell, dtype=np.int64), np.int64(_FULL))
    return q - _HALF, r - _HALF


def cells_of_points(x: ArrayLike, y: ArrayLike, *, cell_width_m: float) -> Integers:
    """Name the hexagon each point lies in.

    The id depends on the point and the cell width only, never on the extent of a map or on the other
    points; ids of different widths must not be mixed. A point exactly on an edge always goes to the same
    one of the cells that share it.

    Parameters
    ----------
    x, y : array_like of shape (n,)
        Eastings and northings, metres, EPSG:27700.
    cell_width_m : float
        Distance between opposite sides, which is also the distance between neighbouring centres.

    Returns
    -------
    ndarray of int64, shape (n,)

    Raises
    ------
    WrongCRS, MissingValue
        See `require_coordinates`.

    Notes
    -----
    Rounding of cube coordinates (q + r + s = 0): round each, then restore the sum by recomputing the one
    that moved furthest. Time O(n).

    Examples
    --------
    >>> a, b = cells_of_points([540000.0, 540010.0], [180000.0, 180000.0], cell_width_m=250)
    >>> bool(a == b)
    True
    """
    xs, ys = require_coordinates(x, y)
    width = _checked_width(cell_width_m)
    cell = np.empty(xs.size, dtype=np.int64)
    for start in range(0, xs.size, _CHUNK):
        part = slice(start, start + _CHUNK)
        cell[part] = _round_to_cells(xs[part], ys[part], width)
    return cell


def _checked_width(cell_width_m: float) -> float:
    if not cell_width_m >= MIN_CELL_WIDTH_M:
        raise ValueError(f"cell_width_m must be at least {MIN_CELL_WIDTH_M:g} metres, not {cell_width_m}")
    return float(cell_width_m)


def _round_to_cells(x: Floats, y: Floats, width: float) -> Integers:
    r = y * (2 / (_SQRT3 * width))
    q = x * (1 / width) - 0.5 * r
    s = -q - r
    rounded_q, rounded_r, rounded_s = np.rint(q), np.rint(r), np.rint(s)
    q -= rounded_q
    r -= rounded_r
    s -= rounded_s
    np.abs(q, out=q)
    np.abs(r, out=r)
    np.abs(s, out=s)
    move_q = (q > r) & (q > s)
    move_r = ~move_q & (r > s)
    excess = rounded_q + rounded_r + rounded_s
    rounded_q -= excess * move_q
    rounded_r -= excess * move_r
    # Small whole numbers: exact in float64, so one conversion at the end is enough.
    packed: Integers = ((rounded_q + _HALF) * _FULL + (rounded_r + _HALF)).astype(np.int64)
    return packed


def centres_of_cells(cell: ArrayLike, *, cell_width_m: float) -> tuple[Floats, Floats]:
    """Return eastings and northings (metres) of the centres of cells."""
    q, r = unpack_cell(cell)
    width = _checked_width(cell_width_m)
    x = np.asarray((2 * q + r) * (width / 2), dtype=np.float64)
    y = np.asarray(3 * r * (width / _SQRT3 / 2), dtype=np.float64)
    return x, y


def polygons_of_cells(cell: ArrayLike, *, cell_width_m: float) -> NDArray[np.object_]:
    """Return the hexagons of cells as shapely polygons; cells that touch share corners to the bit."""
    q, r = unpack_cell(cell)
    width = _checked_width(cell_width_m)
    x = ((2 * q + r)[:, None] + _CORNER_X) * (width / 2)
    y = (3 * r[:, None] + _CORNER_Y) * (width / _SQRT3 / 2)
    return np.asarray(shapely.polygons(np.stack([x, y], axis=-1)), dtype=np.object_)


@dataclass(frozen=True)
class HexGrid:
    """The cells of one study area, in order of their ids.

    Attributes
    ----------
    cell_width_m : float
    cell : ndarray of int64, shape (n,)
        Ids, ascending. A cell's place in this array is its *position*, used by counts and statistics.
    share_inside : ndarray of float64, shape (n,)
        Share of the cell's area inside the boundary, in (0, 1].
    """

    cell_width_m: float
    cell: Integers
    share_inside: Floats = field(repr=False)

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return self.cell.size

    @cached_property
    def _table(self) -> tuple[int, int, Integers]:
        """A rectangle of positions by (q, r) with a border of -1, for look-up without searching."""
        q, r = unpack_cell(self.cell)
        q_low, r_low = int(q.min()) - 1, int(r.min()) - 1
        table = np.full((int(q.max()) - q_low + 2, int(r.max()) - r_low + 2), -1, dtype=np.int64)
        table[q - q_low, r - r_low] = np.arange(self.n_cells)
        return q_low, r_low, table

    @cached_property
    def _is_far_flung(self) -> bool:
        """Whether a rectangle around all cells would be mostly empty, and far larger than they are."""
        q, r = unpack_cell(self.cell)
        return int(np.ptp(q)) * int(np.ptp(r)) > _TABLE_AT_LEAST + _TABLE_TO_CELLS * self.n_cells

    def _look_up(self, q: Integers, r: Integers) -> Integers:
        if self._is_far_flung:
            wanted = pack_cell(q, r)
            at = np.minimum(np.searchsorted(self.cell, wanted), self.n_cells - 1)
            return np.where(self.cell[at] == wanted, at, -1)
        q_low, r_low, table = self._table
        # Out-of-range coordinates fall on the border, which holds -1.
        row = np.clip(q - q_low, 0, table.shape[0] - 1)
        column = np.clip(r - r_low, 0, table.shape[1] - 1)
        found: Integers = table[row, column]
        return found

    def positions(self, cell: ArrayLike) -> Integers:
        """Return the position of each cell id in this grid, -1 where it is not part of it."""
        q, r = unpack_cell(cell)
        return self._look_up(q, r)

    def locate(self, x: ArrayLike, y: ArrayLike) -> Integers:
        """Return the position of the cell each point lies in, -1 outside the study area.

        Parameters
        ----------
        x, y : array_like of shape (n,)
            Metres, EPSG:27700.
        """
        cell = cells_of_points(x, y, cell_width_m=self.cell_width_m)
        position = np.empty(cell.size, dtype=np.int64)
        for start in range(0, cell.size, _CHUNK):
            part = slice(start, start + _CHUNK)
            position[part] = self.positions(cell[part])
        return position

    @cached_property
    def adjacency(self) -> Adjacency:
        """The up to six neighbours of each cell that are in the study area."""
        q, r = unpack_cell(self.cell)
        here = np.arange(self.n_cells)
        pairs = [(here, self._look_up(q + dq, r + dr)) for dq, dr in _NEIGHBOURS]
        source = np.concatenate([a for a, _ in pairs])
        target = np.concatenate([b for _, b in pairs])
        inside = target >= 0
        return adjacency_from_pairs(source[inside], target[inside], n_cells=self.n_cells)

    def frame(self) -> gpd.GeoDataFrame:
        """Return the cells as polygons.

        Returns
        -------
        GeoDataFrame, EPSG:27700
            Columns ``cell``, ``share_inside``, ``geometry``; row i is position i.
        """
        return gpd.GeoDataFrame(
            {"cell": self.cell, "share_inside": self.share_inside},
            geometry=polygons_of_cells(self.cell, cell_width_m=self.cell_width_m),
            crs=BRITISH_NATIONAL_GRID,
        )


def hex_grid(
    boundary: gpd.GeoDataFrame | gpd.GeoSeries, *, cell_width_m: float, include: Include = "intersects"
) -> HexGrid:
    """Cover a boundary with pointy-topped hexagons of a fixed national lattice.

    A cell is a counting frame and nothing more: it is no neighbourhood anyone lives in, and its number
    depends on where the lattice happens to lie. With another cell width the picture changes.

    Parameters
    ----------
    boundary : GeoDataFrame or GeoSeries, EPSG:27700
        Polygons; their union is the study area. Not modified.
    cell_width_m : float
        Distance between opposite sides.
    include : {"intersects", "centre"}
        ``"intersects"`` (the default) keeps every cell that shares area with the boundary, so that no
        record inside it is lost; ``share_inside`` tells how much of an edge cell is inside.
        ``"centre"`` keeps the cells whose centre is inside, for which records near the edge may fall
        outside the grid: count them.

    Raises
    ------
    WrongCRS
        The boundary has no CRS or one other than EPSG:27700.
    TooFewCells
        The boundary is empty, or no cell qualifies.

    Notes
    -----
    Time and memory grow with the number of cells in the bounding boxes of the boundary's parts, or in the one
    box around them all if that is smaller.

    Examples
    --------
    >>> square = gpd.GeoSeries([shapely.box(540000, 180000, 541000, 181000)], crs="EPSG:27700")
    >>> grid = hex_grid(square, cell_width_m=500)
    >>> area_inside = (grid.share_inside * np.sqrt(3) / 2 * 500**2).sum()
    >>> grid.n_cells, round(float(area_inside))
    (8, 1000000)
    """
    require_british_grid(boundary.crs)
    area = shapely.union_all(boundary.geometry.to_numpy())
    width = _checked_width(cell_width_m)
    if area.is_empty:
        raise TooFewCells("The boundary is empty, so there is nothing to divide into cells.")
    cell = _cells_over(area, width)
    share = _share_inside(area, cell, width)
    if include == "centre":
        x, y = centres_of_cells(cell, cell_width_m=width)
        keep = shapely.contains_xy(area, x, y) & (share > 0)
    else:
        keep = share > 0
    if not keep.any():
        raise TooFewCells(f"No cell of {width:g} m belongs to the boundary. Choose a smaller cell width.")
    return HexGrid(width, cell[keep], share[keep])


def _cells_over(area: shapely.Geometry, width: float) -> Integers:
    """Return every cell that can touch the area, ascending; far parts without the land between them."""
    boxes = shapely.bounds(shapely.get_parts(area))
    whole = shapely.bounds(area)
    rim = 4 * width  # of cells to spare on both sides of a box
    in_parts, in_whole = (
        np.sum((b[..., 2] - b[..., 0] + rim) * (b[..., 3] - b[..., 1] + rim)) for b in (boxes, whole)
    )
    chosen = boxes if in_parts < in_whole else whole[None, :]
    return np.unique(np.concatenate([_cells_over_box(tuple(box), width) for box in chosen.tolist()]))


def _cells_over_box(bounds: tuple[float, float, float, float], width: float) -> Integers:
    """Return every cell that can touch the box, and a ring more."""
    x_low, y_low, x_high, y_high = bounds
    row_height = width * _SQRT3 / 2
    rows = np.arange(np.floor(y_low / row_height) - 1, np.ceil(y_high / row_height) + 2)
    first = np.floor(x_low / width - rows / 2) - 1
    count = int(np.ceil((x_high - x_low) / width)) + 4
    q = first[:, None] + np.arange(count)
    return pack_cell(q.ravel(), np.repeat(rows, count))


def _share_inside(area: shapely.Geometry, cell: Integers, width: float) -> Floats:
    hexagons = polygons_of_cells(cell, cell_width_m=width)
    shapely.prepare(area)
    share: Floats = shapely.contains_properly(area, hexagons).astype(np.float64)
    # Only cells on the edge need their overlap measured.
    edge = (share == 0) & shapely.intersects(area, hexagons)
    full = width**2 * _SQRT3 / 2
    share[edge] = np.minimum(shapely.area(shapely.intersection(hexagons[edge], area)) / full, 1.0)
    share[share < _SLIVER] = 0.0
    return share

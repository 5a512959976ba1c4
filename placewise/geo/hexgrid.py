"""Hexagonal cells with a fixed origin: the same spot is always in the same cell, whatever the map shows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from placewise.geo.cells import (
    CHUNK,
    CellGrid,
    Include,
    checked_width,
    cover,
    pack_cell,
    pack_whole,
    unpack_cell,
)
from placewise.geo.crs import Floats, Integers, require_coordinates

__all__ = [
    "HexGrid",
    "cells_of_points",
    "centres_of_cells",
    "hex_grid",
    "pack_cell",
    "polygons_of_cells",
    "unpack_cell",
]

# Axial coordinates of a pointy-topped lattice whose cell (0, 0) is centred on the grid's false origin.
# Corner offsets in units of half a width (x) and half a side (y): whole numbers, so that two cells
# that share a corner compute it from the same integers and get the same bits.
_CORNER_X = np.array([0, 1, 1, 0, -1, -1, 0])
_CORNER_Y = np.array([-2, -1, 1, 2, 1, -1, -2])
_SQRT3 = math.sqrt(3)


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
    width = checked_width(cell_width_m)
    cell = np.empty(xs.size, dtype=np.int64)
    for start in range(0, xs.size, CHUNK):
        part = slice(start, start + CHUNK)
        cell[part] = pack_whole(*_round_to_cells(xs[part], ys[part], width))
    return cell


def _round_to_cells(x: Floats, y: Floats, width: float) -> tuple[Floats, Floats]:
    r = y * (2 / (_SQRT3 * width))
    q = x * (1 / width)
    q -= 0.5 * r
    s = -q
    s -= r
    rounded_q, rounded_r, rounded_s = np.rint(q), np.rint(r), np.rint(s)
    q -= rounded_q
    r -= rounded_r
    s -= rounded_s
    for offset in (q, r, s):
        np.abs(offset, out=offset)
    move_q = (q > r) & (q > s)
    move_r = ~move_q & (r > s)
    excess = rounded_s
    excess += rounded_q
    excess += rounded_r
    rounded_q -= excess * move_q
    rounded_r -= excess * move_r
    return rounded_q, rounded_r


def centres_of_cells(cell: ArrayLike, *, cell_width_m: float) -> tuple[Floats, Floats]:
    """Return eastings and northings (metres) of the centres of cells."""
    q, r = unpack_cell(cell)
    width = checked_width(cell_width_m)
    x = np.asarray((2 * q + r) * (width / 2), dtype=np.float64)
    y = np.asarray(3 * r * (width / _SQRT3 / 2), dtype=np.float64)
    return x, y


def polygons_of_cells(cell: ArrayLike, *, cell_width_m: float) -> NDArray[np.object_]:
    """Return the hexagons of cells as shapely polygons; cells that touch share corners to the bit."""
    q, r = unpack_cell(cell)
    width = checked_width(cell_width_m)
    x = ((2 * q + r)[:, None] + _CORNER_X) * (width / 2)
    y = (3 * r[:, None] + _CORNER_Y) * (width / _SQRT3 / 2)
    return np.asarray(shapely.polygons(np.stack([x, y], axis=-1)), dtype=np.object_)


@dataclass(frozen=True)
class HexGrid(CellGrid):
    """The hexagons of one study area, named by axial coordinates."""

    neighbours: ClassVar[Mapping[str, tuple[int, int]]] = {
        "North-east": (0, 1),
        "East": (1, 0),
        "South-east": (1, -1),
        "South-west": (0, -1),
        "West": (-1, 0),
        "North-west": (-1, 1),
    }
    hexagonal: ClassVar[bool] = True

    @property
    def cell_area_m2(self) -> float:
        """Area of a whole cell."""
        return self.cell_width_m**2 * _SQRT3 / 2

    @property
    def corner_m(self) -> float:
        """Distance from a cell's centre to its corners."""
        return self.cell_width_m / _SQRT3

    @staticmethod
    def lattice_of_points(x: Floats, y: Floats, cell_width_m: float) -> tuple[Floats, Floats]:
        """Axial coordinates of the hexagon that each point lies in."""
        return _round_to_cells(x, y, cell_width_m)

    @staticmethod
    def over_box(bounds: tuple[float, float, float, float], cell_width_m: float) -> Integers:
        """Ids of every cell that can touch a box, and a ring more."""
        return _cells_over_box(bounds, cell_width_m)

    def centres(self, positions: Integers) -> tuple[Floats, Floats]:
        """Eastings and northings (metres) of the centres of cells given by position."""
        return centres_of_cells(self.cell[positions], cell_width_m=self.cell_width_m)

    def polygons(self) -> NDArray[np.object_]:
        """Hexagons of all cells; those that touch share corners to the bit."""
        return polygons_of_cells(self.cell, cell_width_m=self.cell_width_m)


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
    return cover(HexGrid, boundary, cell_width_m=cell_width_m, include=include)


def _cells_over_box(bounds: tuple[float, float, float, float], width: float) -> Integers:
    """Return every cell that can touch the box, and a ring more."""
    x_low, y_low, x_high, y_high = bounds
    row_height = width * _SQRT3 / 2
    rows = np.arange(np.floor(y_low / row_height) - 1, np.ceil(y_high / row_height) + 2)
    first = np.floor(x_low / width - rows / 2) - 1
    count = int(np.ceil((x_high - x_low) / width)) + 4
    q = first[:, None] + np.arange(count)
    return pack_cell(q.ravel(), np.repeat(rows, count))

"""Square cells with a fixed origin: the corners of each are whole multiples of its width on the National Grid."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from placewise.geo.cells import CellGrid, Include, cover, pack_cell, unpack_cell
from placewise.geo.crs import Floats, Integers


@dataclass(frozen=True)
class SquareCells(CellGrid):
    """The squares of one study area, named by column and row from the grid's false origin.

    Neighbours are the eight around a cell, corners too: with four, a cluster along a diagonal would fall apart.
    """

    neighbours: ClassVar[Mapping[str, tuple[int, int]]] = {
        "North": (0, 1),
        "North-east": (1, 1),
        "East": (1, 0),
        "South-east": (1, -1),
        "South": (0, -1),
        "South-west": (-1, -1),
        "West": (-1, 0),
        "North-west": (-1, 1),
    }
    hexagonal: ClassVar[bool] = False

    @property
    def cell_area_m2(self) -> float:
        """Area of a whole cell."""
        return self.cell_width_m**2

    @property
    def corner_m(self) -> float:
        """Distance from a cell's centre to its corners."""
        return self.cell_width_m / math.sqrt(2)

    @staticmethod
    def lattice_of_points(x: Floats, y: Floats, cell_width_m: float) -> tuple[Floats, Floats]:
        """Column and row of the square that each point lies in; it has its south and west sides, not the others."""
        return np.floor(x / cell_width_m), np.floor(y / cell_width_m)

    @staticmethod
    def over_box(bounds: tuple[float, float, float, float], cell_width_m: float) -> Integers:
        """Ids of every cell that can touch a box, and a ring more."""
        west, south, east, north = (int(edge // cell_width_m) for edge in bounds)
        column, row = np.meshgrid(np.arange(west - 1, east + 2), np.arange(south - 1, north + 2))
        return pack_cell(column.ravel(), row.ravel())

    def centres(self, positions: Integers) -> tuple[Floats, Floats]:
        """Eastings and northings (metres) of the centres of cells given by position."""
        column, row = unpack_cell(self.cell[positions])
        x, y = ((number + 0.5) * self.cell_width_m for number in (column, row))
        return np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)

    def polygons(self) -> NDArray[np.object_]:
        """Squares of all cells; those that touch share corners to the bit."""
        column, row = unpack_cell(self.cell)
        width = self.cell_width_m
        return np.asarray(
            shapely.box(column * width, row * width, (column + 1) * width, (row + 1) * width),
            dtype=np.object_,
        )


def square_cells(
    boundary: gpd.GeoDataFrame | gpd.GeoSeries, *, cell_width_m: float, include: Include = "intersects"
) -> SquareCells:
    """Cover a boundary with squares of a fixed national lattice.

    Squares are easier to name than hexagons and line up with other maps' grids; their neighbours lie at two
    distances. For the rest they are the same frame, and no neighbourhood anyone lives in.

    Parameters
    ----------
    boundary, include
        As for `hexgrid.hex_grid`.
    cell_width_m : float
        Side of a square.

    Raises
    ------
    WrongCRS, TooFewCells
        As for `hexgrid.hex_grid`.

    Examples
    --------
    >>> square = gpd.GeoSeries([shapely.box(540000, 180000, 541000, 181200)], crs="EPSG:27700")
    >>> grid = square_cells(square, cell_width_m=500)
    >>> grid.n_cells, grid.share_inside.round(3).tolist()
    (6, [1.0, 1.0, 0.4, 1.0, 1.0, 0.4])
    >>> grid.locate([540499.9, 540500.0, 539999.9], [180000.0] * 3).tolist()
    [0, 3, -1]
    """
    return cover(SquareCells, boundary, cell_width_m=cell_width_m, include=include)

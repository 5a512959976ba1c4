"""Cells as counting frames on a lattice of the whole country: ids, positions, neighbours, and what is covered."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar, Literal, NamedTuple, TypeVar

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

# An id packs lattice coordinates q and r into 42 bits, so that it survives JSON and JavaScript's 53-bit integers.
_HALF = 1 << 20
_FULL = 1 << 21
MIN_CELL_WIDTH_M = 10.0
# Two boundaries drawn along one line overlap by rounding; less than this share of a cell is no overlap.
_SLIVER = 1e-9
CHUNK = 1 << 14  # temporaries of this length stay in the processor's cache
# A look-up table is quicker than a search until it has this many places, and this many more a cell.
_TABLE_AT_LEAST, _TABLE_TO_CELLS = 1_000_000, 8


def pack_cell(q: ArrayLike, r: ArrayLike) -> Integers:
    """Return the cell id of lattice coordinates q (along x) and r (row).

    Examples
    --------
    >>> unpack_cell(pack_cell([5, -3], [-7, 0]))[0].tolist()
    [5, -3]
    """
    return (np.asarray(q, dtype=np.int64) + _HALF) * _FULL + (np.asarray(r, dtype=np.int64) + _HALF)


def pack_whole(q: Floats, r: Floats) -> Integers:
    """As `pack_cell`, of whole numbers kept as floats: exact, and one conversion at the end is enough."""
    packed: Integers = ((q + _HALF) * _FULL + (r + _HALF)).astype(np.int64)
    return packed


def unpack_cell(cell: ArrayLike) -> tuple[Integers, Integers]:
    """Return lattice coordinates (q, r) of cell ids."""
    q, r = np.divmod(np.asarray(cell, dtype=np.int64), np.int64(_FULL))
    return q - _HALF, r - _HALF


def checked_width(cell_width_m: float) -> float:
    """Return a cell width as a number of metres; a ValueError below `MIN_CELL_WIDTH_M`."""
    if not cell_width_m >= MIN_CELL_WIDTH_M:
        raise ValueError(f"cell_width_m must be at least {MIN_CELL_WIDTH_M:g} metres, not {cell_width_m}")
    return float(cell_width_m)


class Table(NamedTuple):
    """A rectangle of positions by lattice coordinates, from a corner; -1 for no cell, as all along its border."""

    q_low: int
    r_low: int
    position: Integers


@dataclass(frozen=True)
class CellGrid(ABC):
    """The cells of one study area, in order of their ids; of one shape, on a lattice of the whole country.

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

    #: Steps (q, r) from a cell to its neighbours, by where they lie.
    neighbours: ClassVar[Mapping[str, tuple[int, int]]]
    #: Hexagons, or else squares.
    hexagonal: ClassVar[bool]

    @property
    @abstractmethod
    def cell_area_m2(self) -> float:
        """Area of a whole cell."""

    @property
    @abstractmethod
    def corner_m(self) -> float:
        """Distance from a cell's centre to its corners."""

    @staticmethod
    @abstractmethod
    def lattice_of_points(x: Floats, y: Floats, cell_width_m: float) -> tuple[Floats, Floats]:
        """Lattice coordinates (q, r), whole, of the cell that each point lies in, whether or not it is in a grid."""

    @staticmethod
    @abstractmethod
    def over_box(bounds: tuple[float, float, float, float], cell_width_m: float) -> Integers:
        """Ids of every cell that can touch a box, and a ring more."""

    @abstractmethod
    def centres(self, positions: Integers) -> tuple[Floats, Floats]:
        """Eastings and northings (metres) of the centres of cells given by position."""

    @abstractmethod
    def polygons(self) -> NDArray[np.object_]:
        """Shapes of all cells; those that touch share corners to the bit."""

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return self.cell.size

    @cached_property
    def table(self) -> Table | None:
        """Positions for look-up without searching; None where a rectangle around all cells would be mostly empty."""
        q, r = unpack_cell(self.cell)
        if int(np.ptp(q)) * int(np.ptp(r)) > _TABLE_AT_LEAST + _TABLE_TO_CELLS * self.n_cells:
            return None
        q_low, r_low = int(q.min()) - 1, int(r.min()) - 1
        position = np.full((int(q.max()) - q_low + 2, int(r.max()) - r_low + 2), -1, dtype=np.int64)
        position[q - q_low, r - r_low] = np.arange(self.n_cells)
        return Table(q_low, r_low, position)

    def _look_up(self, q: Integers, r: Integers) -> Integers:
        if self.table is None:
            wanted = pack_cell(q, r)
            at = np.minimum(np.searchsorted(self.cell, wanted), self.n_cells - 1)
            return np.where(self.cell[at] == wanted, at, -1)
        q_low, r_low, table = self.table
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
        xs, ys = require_coordinates(x, y)
        position = np.empty(xs.size, dtype=np.int64)
        for start in range(0, xs.size, CHUNK):
            part = slice(start, start + CHUNK)
            q, r = self.lattice_of_points(xs[part], ys[part], self.cell_width_m)
            if self.table is None:
                position[part] = self._look_up(q.astype(np.int64), r.astype(np.int64))
                continue
            q_low, r_low, table = self.table
            # Out-of-range coordinates fall on the border, which holds -1.
            row = np.clip(q - q_low, 0, table.shape[0] - 1)
            row *= table.shape[1]
            row += np.clip(r - r_low, 0, table.shape[1] - 1)
            np.take(table, row.astype(np.int64), out=position[part], mode="clip")
        return position

    @cached_property
    def adjacency(self) -> Adjacency:
        """The neighbours of each cell that are in the study area."""
        q, r = unpack_cell(self.cell)
        here = np.arange(self.n_cells)
        pairs = [(here, self._look_up(q + dq, r + dr)) for dq, dr in self.neighbours.values()]
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
            geometry=self.polygons(),
            crs=BRITISH_NATIONAL_GRID,
        )


SomeGrid = TypeVar("SomeGrid", bound=CellGrid)


def cover(
    kind: type[SomeGrid], boundary: gpd.GeoDataFrame | gpd.GeoSeries, *, cell_width_m: float, include: Include
) -> SomeGrid:
    """Cover a boundary with cells of one kind; see `hexgrid.hex_grid` for what the options and errors mean."""
    require_british_grid(boundary.crs)
    area = shapely.union_all(boundary.geometry.to_numpy())
    width = checked_width(cell_width_m)
    if area.is_empty:
        raise TooFewCells("The boundary is empty, so there is nothing to divide into cells.")
    cell = _cells_over(kind, area, width)
    every = kind(width, cell, np.ones(cell.size))
    share = _share_inside(area, every)
    keep = share > 0
    if include == "centre":
        keep &= shapely.contains_xy(area, *every.centres(np.arange(cell.size)))
    if not keep.any():
        raise TooFewCells(f"No cell of {width:g} m belongs to the boundary. Choose a smaller cell width.")
    return kind(width, cell[keep], share[keep])


def _cells_over(kind: type[CellGrid], area: shapely.Geometry, width: float) -> Integers:
    """Return every cell that can touch the area, ascending; far parts without the land between them."""
    boxes = shapely.bounds(shapely.get_parts(area))
    whole = shapely.bounds(area)
    rim = 4 * width  # of cells to spare on both sides of a box
    in_parts, in_whole = (
        np.sum((b[..., 2] - b[..., 0] + rim) * (b[..., 3] - b[..., 1] + rim)) for b in (boxes, whole)
    )
    chosen = boxes if in_parts < in_whole else whole[None, :]
    return np.unique(np.concatenate([kind.over_box(tuple(box), width) for box in chosen.tolist()]))


def _share_inside(area: shapely.Geometry, grid: CellGrid) -> Floats:
    shapes = grid.polygons()
    shapely.prepare(area)
    share: Floats = shapely.contains_properly(area, shapes).astype(np.float64)
    # Only cells on the edge need their overlap measured.
    edge = (share == 0) & shapely.intersects(area, shapes)
    overlap = shapely.area(shapely.intersection(shapes[edge], area))
    share[edge] = np.minimum(overlap / grid.cell_area_m2, 1.0)
    share[share < _SLIVER] = 0.0
    return share

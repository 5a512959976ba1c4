"""The map's own surfaces, made from earlier months only, so that they can be held against the month that came."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placewise.core.errors import NoVariation, TooFewCells
from placewise.geo.adjacency import Adjacency
from placewise.geo.cells import CellGrid
from placewise.geo.counts import incidents_per_cell, independent_reports_around, independent_reports_per_cell
from placewise.geo.density import Edge, SquareGrid, cells_inside, kernel_density, square_grid
from placewise.geo.getis_ord import gi_star
from placewise.geo.kernels import Kernel
from placewise.panel.hotspots import DENSE_REPORTS_A_CELL

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

#: Side of the squares that records are smoothed on, and how many there may be before they grow.
SQUARE_M, MOST_SQUARES = 50.0, 1_000_000
_SMALLEST_P = 1e-300


@dataclass(frozen=True, slots=True)
class Earlier:
    """Records of the months before a cut-off, shape (n,) each.

    Attributes
    ----------
    cell : ndarray of int64
    child : ndarray of int64
        -1 where none is named.
    x, y : ndarray of float64
        Metres, EPSG:27700.
    """

    cell: Integers
    child: Integers
    x: Floats
    y: Floats


@dataclass(frozen=True, slots=True)
class Counted:
    """Records in each cell: the map's counts, which are the plain count itself."""

    n_cells: int

    def value(self, earlier: Earlier) -> Floats:
        """Records, shape (cells,)."""
        return incidents_per_cell(earlier.cell, n_cells=self.n_cells).astype(np.float64)


@dataclass(frozen=True, slots=True)
class Smoothed:
    """The map's density, gathered into its cells.

    Attributes
    ----------
    squares : SquareGrid
    inside : ndarray of bool, shape (rows, columns)
    cell_of_square : ndarray of int64, shape (squares inside,)
        Cell of each square's centre, -1 for none.
    area_km2 : ndarray of float64, shape (cells,)
    """

    squares: SquareGrid
    inside: Flags = field(repr=False)
    cell_of_square: Integers = field(repr=False)
    area_km2: Floats = field(repr=False)
    bandwidth_m: float
    kernel: Kernel
    edge: Edge

    def value(self, earlier: Earlier) -> Floats:
        """Records that the surface puts into each cell, shape (cells,)."""
        surface = kernel_density(
            earlier.x,
            earlier.y,
            grid=self.squares,
            bandwidth_m=self.bandwidth_m,
            kernel=self.kernel,
            inside=self.inside,
            edge=self.edge,
        )
        held = self.cell_of_square >= 0
        cell, density = self.cell_of_square[held], surface.values[self.inside][held]
        n = self.area_km2.size
        mean = np.bincount(cell, weights=density, minlength=n) / np.maximum(np.bincount(cell, minlength=n), 1)
        # Transforms leave a rounding error of either sign where there is nothing.
        return np.maximum(mean, 0.0) * self.area_km2


@dataclass(frozen=True, slots=True)
class Compared:
    """How sure the map's comparison with chance is of each neighbourhood (Getis–Ord Gi*), each child once.

    Attributes
    ----------
    share_inside : ndarray of float64, shape (cells,)
    """

    adjacency: Adjacency = field(repr=False)
    share_inside: Floats = field(repr=False)

    def value(self, earlier: Earlier) -> Floats:
        """Minus the logarithm of p, by a cell's size; noughts where nothing can be compared; shape (cells,)."""
        reports = independent_reports_per_cell(earlier.cell, earlier.child, n_cells=self.share_inside.size)
        around = independent_reports_around(earlier.cell, earlier.child, self.adjacency)
        try:
            if reports.mean() >= DENSE_REPORTS_A_CELL:
                test = gi_star(reports, self.adjacency, method="shuffle")
            else:
                test = gi_star(reports, self.adjacency, totals=around, exposure=self.share_inside)
        except (NoVariation, TooFewCells):
            return np.zeros(self.share_inside.size)
        return np.asarray(-np.log10(np.maximum(test.p, _SMALLEST_P)) * self.share_inside)


Surface = Counted | Smoothed | Compared


def smoothed_surface(
    frame: Any, grid: CellGrid, area_km2: Floats, *, bandwidth_m: float, kernel: Kernel, edge: Edge
) -> Smoothed:
    """Lay squares over the study area (a GeoSeries in EPSG:27700) and name the cell each lies in."""
    x_low, y_low, x_high, y_high = frame.total_bounds
    side = SQUARE_M
    while (x_high - x_low) * (y_high - y_low) / side**2 > MOST_SQUARES:
        side *= 2
    squares = square_grid(frame, cell_m=side)
    inside = cells_inside(frame, squares)
    x, y = np.meshgrid(squares.x_m, squares.y_m)
    cell = grid.locate(x[inside], y[inside])
    return Smoothed(squares, inside, cell, area_km2, max(bandwidth_m, side), kernel, edge)


def from_months_before(
    surface: Surface, records: Earlier, month: Integers, *, before: int
) -> Callable[[float], Floats]:
    """Make the surface at a cut-off (position of a month) from the ``before`` months up to it; each once."""
    made: dict[float, Floats] = {}

    def at(cutoff: float) -> Floats:
        if cutoff not in made:
            used = (records.cell >= 0) & (month < cutoff) & (month >= cutoff - before)
            made[cutoff] = surface.value(
                Earlier(records.cell[used], records.child[used], records.x[used], records.y[used])
            )
        return made[cutoff]

    return at

"""Kernel density: records per square kilometre, smoothed over a stated distance."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import ArrayLike

from placewise.core.errors import BadBandwidth, TooFewRecords
from placewise.geo.crs import Flags, Floats, require_british_grid, require_coordinates, require_counts
from placewise.geo.kernels import SQUARE_METRES_PER_KM2, Binning, Kernel, smooth_mask, smooth_points

Edge = Literal["uniform", "conserving", "none"]


class SquareGrid(NamedTuple):
    """Square cells in rows from south to north; coordinates in metres, EPSG:27700.

    Attributes
    ----------
    x_min_m, y_min_m : float
        South-west corner.
    cell_m : float
        Side of a cell.
    rows, columns : int
    """

    x_min_m: float
    y_min_m: float
    cell_m: float
    rows: int
    columns: int

    @property
    def x_m(self) -> Floats:
        """Eastings of the cell centres, shape (columns,)."""
        return np.asarray(self.x_min_m + (np.arange(self.columns) + 0.5) * self.cell_m, dtype=np.float64)

    @property
    def y_m(self) -> Floats:
        """Northings of the cell centres, shape (rows,), ascending."""
        return np.asarray(self.y_min_m + (np.arange(self.rows) + 0.5) * self.cell_m, dtype=np.float64)

    @property
    def transform(self) -> tuple[float, float, float, float, float, float]:
        """Affine coefficients (a, b, c, d, e, f): x = a·column + c and y = e·row + f at a cell's corner."""
        return (self.cell_m, 0.0, self.x_min_m, 0.0, self.cell_m, self.y_min_m)


@dataclass(frozen=True)
class DensitySurface:
    """A smoothed surface and what it was made from.

    Attributes
    ----------
    values : ndarray of float64, shape (rows, columns)
        Records per km² at the cell centres, row 0 in the south; NaN outside the boundary if there is one.
    grid : SquareGrid
    bandwidth_m : float
    kernel : {"quartic", "gaussian"}
    n : int
        Records used.
    n_outside : int
        Records left out because they lie outside the boundary.
    """

    values: Floats = field(repr=False)
    grid: SquareGrid
    bandwidth_m: float
    kernel: Kernel
    n: int
    n_outside: int


def square_grid(boundary: gpd.GeoDataFrame | gpd.GeoSeries, *, cell_m: float) -> SquareGrid:
    """Cover a boundary's bounding box with squares whose corners are multiples of ``cell_m``.

    Raises
    ------
    WrongCRS
        The boundary is not in EPSG:27700.

    Examples
    --------
    >>> area = gpd.GeoSeries([shapely.box(540010, 180010, 540190, 180090)], crs="EPSG:27700")
    >>> grid = square_grid(area, cell_m=50)
    >>> grid.x_min_m, grid.y_min_m, grid.rows, grid.columns
    (540000.0, 180000.0, 2, 4)
    """
    require_british_grid(boundary.crs)
    if not cell_m > 0:
        raise ValueError(f"cell_m must be above nought, not {cell_m}")
    if not boundary.size or not np.isfinite(boundary.total_bounds).all():
        raise TooFewRecords("The boundary is empty, so there is nothing to cover.")
    x_low, y_low, x_high, y_high = boundary.total_bounds
    column, row = np.floor(x_low / cell_m), np.floor(y_low / cell_m)
    columns, rows = np.ceil(x_high / cell_m) - column, np.ceil(y_high / cell_m) - row
    return SquareGrid(float(column * cell_m), float(row * cell_m), float(cell_m), int(rows), int(columns))


def cells_inside(boundary: gpd.GeoDataFrame | gpd.GeoSeries, grid: SquareGrid) -> Flags:
    """Return which cells have their centre inside the boundary, shape (rows, columns).

    Raises
    ------
    WrongCRS
        The boundary is not in EPSG:27700.
    """
    require_british_grid(boundary.crs)
    area = shapely.union_all(boundary.geometry.to_numpy())
    shapely.prepare(area)
    inside: Flags = shapely.contains_xy(area, *np.meshgrid(grid.x_m, grid.y_m))
    return inside


def kernel_density(
    x: ArrayLike,
    y: ArrayLike,
    *,
    grid: SquareGrid,
    bandwidth_m: float,
    kernel: Kernel = "quartic",
    weights: ArrayLike | None = None,
    inside: Flags | None = None,
    edge: Edge = "uniform",
    binning: Binning = "linear",
) -> DensitySurface:
    """Smooth records into a surface of records per square kilometre.

    The figure at a spot is a weighted count of the records within the bandwidth, per km². It is not a
    probability, it is not a test (noise gives peaks too), and it crosses rivers and railways as if they
    were not there. Its look depends on the bandwidth far more than on the cell size.

    Parameters
    ----------
    x, y : array_like of shape (n,)
        Metres, EPSG:27700. Not modified. Records outside the grid count as far as they reach into it.
    grid : SquareGrid
    bandwidth_m : float
        Quartic: the distance at which a record stops counting. Gaussian: the standard deviation.
    kernel : {"quartic", "gaussian"}
    weights : array_like of float >= 0, shape (n,), optional
        Weight of each record; 1 by default.
    inside : ndarray of bool, shape (rows, columns), optional
        Study area. When given, records in cells outside are left out and counted, and cells outside
        become NaN.
    edge : {"uniform", "conserving", "none"}
        What to do at the study area's edge, where part of each kernel falls outside. ``"uniform"``: each
        value is divided by the share of its kernel that lies inside, so that edges are not understated;
        it supposes that beyond the edge things are as inside. ``"conserving"``: each *record* is divided
        by that share where it lies, so that the surface adds up to the number of records. ``"none"``:
        left as it is; values at an edge are about halved.
    binning : {"linear", "cubic"}
        How records are shared among cells where there are too many for an exact sum. Cubic is up to ten
        times closer and up to three times slower.

    Returns
    -------
    DensitySurface

    Raises
    ------
    BadBandwidth
        The bandwidth is not a number of at least one cell's side, or it is more than the longest side of
        the study area.
    WrongCRS, MissingValue
        See `require_coordinates`.

    Notes
    -----
    Quartic ``3/(πh²) (1 − d²/h²)²``; Gaussian ``exp(−d²/2h²)/(2πh²)``. Up to so many distinct spots as
    that takes no longer (`kernels.exact_spots`) the sum is exact; above that, records are first shared
    linearly among the nearest cells, with the smear this causes taken out of the kernel. Measured errors
    are in `docs/methods.md`. Time O(n + cells log cells). Silverman 1986, doi 10.1201/9781315140919; edge
    correction Diggle 1985, doi 10.2307/2347366; conserving Jones 1993, doi 10.1007/BF00147776.

    Examples
    --------
    >>> grid = SquareGrid(540000.0, 180000.0, 100.0, rows=5, columns=5)
    >>> surface = kernel_density([540250.0], [180250.0], grid=grid, bandwidth_m=200)
    >>> round(float(surface.values[2, 2]), 3)     # at the record: 3 / (pi * 0.2**2) per km²
    23.873
    >>> round(float(surface.values[2, 3]), 3)     # 100 m away: (1 - 1/4)**2 of that
    13.429
    """
    xs, ys = require_coordinates(x, y)
    _check_options(kernel, edge, binning)
    _check_bandwidth(bandwidth_m, grid, inside)
    shares = None if weights is None else require_counts(weights, what="weights")
    if shares is not None and shares.shape != xs.shape:
        raise ValueError(f"{shares.size} weights for {xs.size} records")
    n_all, reach = xs.size, bandwidth_m / grid.cell_m
    if inside is not None:
        keep = points_inside(xs, ys, grid, inside)
        xs, ys, shares = xs[keep], ys[keep], None if shares is None else shares[keep]
    # Work in cells from the corner: numbers near nought keep more digits than national eastings.
    u, v = (xs - grid.x_min_m) / grid.cell_m, (ys - grid.y_min_m) / grid.cell_m
    within = smooth_mask(inside, reach, kernel) if inside is not None and edge != "none" else None
    if within is not None and edge == "conserving":
        own = within[v.astype(np.int64), u.astype(np.int64)]
        shares = (1.0 if shares is None else shares) / own
    values = smooth_points(
        u, v, shares, shape=(grid.rows, grid.columns), bandwidth=reach, kernel=kernel, binning=binning
    )
    values *= SQUARE_METRES_PER_KM2 / grid.cell_m**2
    if inside is not None:
        if within is not None and edge == "uniform":
            values /= np.where(inside, within, 1.0)
        values = np.where(inside, values, np.nan)
    return DensitySurface(values, grid, float(bandwidth_m), kernel, xs.size, n_all - xs.size)


def _check_options(kernel: str, edge: str, binning: str) -> None:
    for name, given, known in (
        ("kernel", kernel, ("quartic", "gaussian")),
        ("edge", edge, ("uniform", "conserving", "none")),
        ("binning", binning, ("linear", "cubic")),
    ):
        if given not in known:
            raise ValueError(f"{name} is {', '.join(known[:-1])} or {known[-1]}, not {given!r}")


def _check_bandwidth(bandwidth_m: float, grid: SquareGrid, inside: Flags | None) -> None:
    if not (np.isfinite(bandwidth_m) and bandwidth_m >= grid.cell_m):
        raise BadBandwidth(
            f"The smoothing distance must be at least one grid cell ({grid.cell_m:g} m), not {bandwidth_m:g} m."
            " Choose a longer distance or smaller cells."
        )
    if inside is None or not inside.any():
        return
    sides = (np.ptp(np.flatnonzero(inside.any(axis=axis))) + 1 for axis in (0, 1))
    longest_m = float(max(sides)) * grid.cell_m
    if bandwidth_m > longest_m:
        raise BadBandwidth(
            f"The smoothing distance ({bandwidth_m:g} m) is more than the study area is wide or high"
            f" ({longest_m:g} m), so the map would be one flat colour. Choose a shorter distance."
        )


def points_inside(x: Floats, y: Floats, grid: SquareGrid, inside: Flags) -> Flags:
    """Return which points lie in a cell of the study area, shape (n,).

    Parameters
    ----------
    x, y : ndarray of shape (n,)
        Metres, EPSG:27700.
    inside : ndarray of bool, shape (rows, columns)
    """
    if inside.shape != (grid.rows, grid.columns):
        raise ValueError(f"inside has shape {inside.shape}, the grid {(grid.rows, grid.columns)}")
    column = np.floor((x - grid.x_min_m) / grid.cell_m).astype(np.int64)
    row = np.floor((y - grid.y_min_m) / grid.cell_m).astype(np.int64)
    on_grid = (column >= 0) & (column < grid.columns) & (row >= 0) & (row < grid.rows)
    keep: Flags = on_grid.copy()
    keep[on_grid] = inside[row[on_grid], column[on_grid]]
    return keep

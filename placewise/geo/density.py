"""Kernel density: records per square kilometre, smoothed over a stated distance."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import ArrayLike

from placewise.core.errors import BadBandwidth, TooFewRecords
from placewise.geo.crs import Flags, Floats, require_british_grid, require_coordinates, require_counts
from placewise.geo.kernels import SQUARE_METRES_PER_KM2, Kernel, smooth_mask, smooth_points

# A quartic kernel of radius h has standard deviation h / √8 on either axis.
QUARTIC_PER_GAUSSIAN = math.sqrt(8)


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


def silverman_bandwidth_m(x: ArrayLike, y: ArrayLike, *, kernel: Kernel = "quartic") -> float:
    """Suggest a bandwidth from how far the records lie apart.

    A rule made for one round cloud of points: over a borough with several centres it is too wide, and
    with many records at one spot too narrow. A start for a choice, not a finding.

    Parameters
    ----------
    x, y : array_like of shape (n,)
        Metres, EPSG:27700.
    kernel : {"quartic", "gaussian"}
        The quartic's figure is √8 of the Gaussian's, which gives both the same standard deviation.

    Raises
    ------
    TooFewRecords
        Fewer than two records, or all at one spot.

    Notes
    -----
    ``σ n^(-1/6)`` with σ the mean over both axes of min(deviation, interquartile range / 1.349), an axis
    without a positive range falling back on its deviation. Silverman 1986, doi 10.1201/9781315140919,
    sections 3.4.2 and 4.3.2.
    """
    xs, ys = require_coordinates(x, y)
    if xs.size < 2:
        raise TooFewRecords("At least two records are needed to suggest a smoothing distance.")
    spread = float(np.mean([_robust_spread(axis) for axis in (xs, ys)]))
    if spread == 0:
        raise TooFewRecords("All records are at one spot, so no smoothing distance can be suggested.")
    width = spread / float(xs.size ** (1 / 6))
    return width * QUARTIC_PER_GAUSSIAN if kernel == "quartic" else width


def _robust_spread(values: Floats) -> float:
    deviation = float(values.std(ddof=1))
    low, high = np.quantile(values, [0.25, 0.75])
    return min(deviation, float(high - low) / 1.349) if high > low else deviation


def kernel_density(
    x: ArrayLike,
    y: ArrayLike,
    *,
    grid: SquareGrid,
    bandwidth_m: float,
    kernel: Kernel = "quartic",
    weights: ArrayLike | None = None,
    inside: Flags | None = None,
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
        Study area. When given, records in cells outside are left out and counted, cells outside become
        NaN, and each value is divided by the share of its kernel that lies inside, so that edges are not
        understated (uniform edge correction). It supposes that beyond the edge things are as inside.

    Returns
    -------
    DensitySurface

    Raises
    ------
    BadBandwidth
        The bandwidth is not a number of at least one cell's side.
    WrongCRS, MissingValue
        See `require_coordinates`.

    Notes
    -----
    Quartic ``3/(πh²) (1 − d²/h²)²``; Gaussian ``exp(−d²/2h²)/(2πh²)``. Up to 50,000 distinct spots
    (Gaussian: 2,000) the sum is exact; above that, records are first shared linearly among the nearest
    cells, with the smear this causes taken out of the kernel. Measured errors are in
    `docs/methods.md`. Time O(n + cells log cells). Silverman 1986, doi 10.1201/9781315140919; edge
    correction Diggle 1985, doi 10.2307/2347366.

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
    if not (np.isfinite(bandwidth_m) and bandwidth_m >= grid.cell_m):
        raise BadBandwidth(
            f"The smoothing distance must be at least one grid cell ({grid.cell_m:g} m), not {bandwidth_m:g} m."
        )
    shares = None if weights is None else require_counts(weights, what="weights")
    if shares is not None and shares.shape != xs.shape:
        raise ValueError(f"{shares.size} weights for {xs.size} records")
    n_all = xs.size
    if inside is not None:
        keep = _points_inside(xs, ys, grid, inside)
        xs, ys, shares = xs[keep], ys[keep], None if shares is None else shares[keep]
    # Work in cells from the corner: numbers near nought keep more digits than national eastings.
    u, v = (xs - grid.x_min_m) / grid.cell_m, (ys - grid.y_min_m) / grid.cell_m
    reach = bandwidth_m / grid.cell_m
    if kernel not in {"quartic", "gaussian"}:
        raise ValueError(f"kernel is quartic or gaussian, not {kernel!r}")
    values = smooth_points(u, v, shares, shape=(grid.rows, grid.columns), bandwidth=reach, kernel=kernel)
    values *= SQUARE_METRES_PER_KM2 / grid.cell_m**2
    if inside is not None:
        share = smooth_mask(inside, reach, kernel)
        values = np.where(inside, values / np.where(inside, share, 1.0), np.nan)
    return DensitySurface(values, grid, float(bandwidth_m), kernel, xs.size, n_all - xs.size)


def _points_inside(x: Floats, y: Floats, grid: SquareGrid, inside: Flags) -> Flags:
    if inside.shape != (grid.rows, grid.columns):
        raise ValueError(f"inside has shape {inside.shape}, the grid {(grid.rows, grid.columns)}")
    column = np.floor((x - grid.x_min_m) / grid.cell_m).astype(np.int64)
    row = np.floor((y - grid.y_min_m) / grid.cell_m).astype(np.int64)
    on_grid = (column >= 0) & (column < grid.columns) & (row >= 0) & (row < grid.rows)
    keep: Flags = on_grid.copy()
    keep[on_grid] = inside[row[on_grid], column[on_grid]]
    return keep

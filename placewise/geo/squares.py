"""Square cells as counting frames: how many points each holds, its neighbours, and sums over windows."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from placewise.geo.adjacency import Adjacency, adjacency_from_pairs
from placewise.geo.crs import Flags, Floats, Integers, require_coordinates
from placewise.geo.density import SquareGrid
from placewise.geo.getis_ord import GiStar, Method, gi_star_of_sums

OUTSIDE = -1


def count_in_squares(x: ArrayLike, y: ArrayLike, *, grid: SquareGrid) -> tuple[Integers, int]:
    """Count points by the cell they lie in; and those off the grid.

    A cell has its south and west sides, not the other two.

    Parameters
    ----------
    x, y : array_like of shape (n,)
        Metres, EPSG:27700.
    grid : SquareGrid
        Of fewer than 2³¹ cells.

    Returns
    -------
    counts : ndarray of int64, shape (rows, columns)
    n_outside : int

    Raises
    ------
    WrongCRS, MissingValue
        See `require_coordinates`.

    Notes
    -----
    Time O(n + cells), compiled (decision 0013).

    Examples
    --------
    >>> grid = SquareGrid(540000.0, 180000.0, 100.0, rows=2, columns=3)
    >>> counts, n_outside = count_in_squares([540250, 540100, 540300], [180050, 180100, 180000], grid=grid)
    >>> counts.tolist(), n_outside
    ([[0, 0, 1], [0, 1, 0]], 1)
    """
    from placewise.geo.squares_compiled import count_points

    xs, ys = require_coordinates(x, y)
    shape = (grid.rows, grid.columns)
    counts = count_points(xs, ys, (grid.x_min_m, grid.y_min_m), grid.cell_m, shape)
    return counts[:-1].reshape(shape), int(counts[-1])


def window_sums(values: Floats, *, reach: int = 1) -> Floats:
    """Sum each cell and the cells up to ``reach`` rows and columns away; off the grid counts as nought.

    Parameters
    ----------
    values : ndarray of shape (rows, columns)
    reach : int >= 0

    Notes
    -----
    Time O(cells × (reach + 1)): sums along one axis, then of those along the other.

    Examples
    --------
    >>> window_sums(np.array([[1.0, 2.0, 4.0]])).tolist()
    [[3.0, 7.0, 6.0]]
    """
    if values.ndim != 2 or reach < 0:
        raise ValueError("window_sums needs rows and columns, and a reach of nought or more")
    return _sums_along(_sums_along(values, reach).T, reach).T


def _sums_along(values: Floats, reach: int) -> Floats:
    """Sum each row and the rows up to ``reach`` away."""
    total = values.astype(np.float64)
    for away in range(1, min(reach + 1, values.shape[0])):
        total[away:] += values[:-away]
        total[:-away] += values[away:]
    return total


def square_adjacency(grid: SquareGrid, *, reach: int = 1, inside: Flags | None = None) -> Adjacency:
    """Return the neighbours of each cell: those up to ``reach`` rows and columns away.

    Parameters
    ----------
    inside : ndarray of bool, shape (rows, columns), optional
        Study area; cells outside have no neighbours and are none.
    """
    usable = np.ones((grid.rows, grid.columns), dtype=bool) if inside is None else inside
    if usable.shape != (grid.rows, grid.columns):
        raise ValueError(f"inside has shape {usable.shape}, the grid {(grid.rows, grid.columns)}")
    framed = np.pad(
        np.where(usable, np.arange(usable.size).reshape(usable.shape), OUTSIDE),
        reach,
        constant_values=OUTSIDE,
    )
    middle = framed[reach : reach + grid.rows, reach : reach + grid.columns]
    source, target = [], []
    for down in range(2 * reach + 1):
        for along in range(2 * reach + 1):
            other = framed[down : down + grid.rows, along : along + grid.columns]
            pair = (middle >= 0) & (other >= 0)
            source.append(middle[pair])
            target.append(other[pair])
    return adjacency_from_pairs(np.concatenate(source), np.concatenate(target), n_cells=usable.size)


def gi_star_of_squares(
    counts: ArrayLike, *, reach: int = 1, inside: Flags | None = None, method: Method = "even_spread"
) -> GiStar:
    """Compare each square window with the whole study area; see `getis_ord.gi_star` for what it means.

    Parameters
    ----------
    counts : array_like of int >= 0, shape (rows, columns)
        Count each child once a cell. Not modified.
    reach : int
        Rows and columns on either side of a cell that belong to its window.
    inside : ndarray of bool, shape (rows, columns), optional
        Study area; cells outside are neither counted nor judged.
    method : {"even_spread", "shuffle", "normal"}

    Returns
    -------
    GiStar
        One entry for each cell inside, in rows from the south.

    Raises
    ------
    MissingValue, TooFewCells, NoVariation
        As for `getis_ord.gi_star`.

    Notes
    -----
    Time O(cells × (reach + 1)); the answer is `getis_ord.gi_star`'s with `square_adjacency`.

    Examples
    --------
    >>> result = gi_star_of_squares([[4, 4, 0, 0]])
    >>> result.total.tolist(), round(float(result.z[0]), 4)
    ([8.0, 8.0, 4.0, 0.0], 1.7321)
    """
    image = np.asarray(counts, dtype=np.float64)
    if image.ndim != 2 or (inside is not None and inside.shape != image.shape):
        raise ValueError(f"counts need rows and columns, and inside the same shape, not {image.shape}")
    if inside is None:
        down, along = (_sums_along(np.ones((length, 1)), reach) for length in image.shape)
        total, size = window_sums(image, reach=reach), down * along.T
        image, total, size = image.ravel(), total.ravel(), size.ravel()
    else:
        # Not-a-number outside would spread into the windows of cells inside.
        total = window_sums(np.where(inside, image, 0.0), reach=reach)[inside]
        size = window_sums(inside.astype(np.float64), reach=reach)[inside]
        image = image[inside]
    return gi_star_of_sums(image, total, size.astype(np.int64), method=method)

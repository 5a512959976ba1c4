"""Points to cells without losing where they lie: linear and cubic sharing among the nearest cells."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from placewise.geo.crs import Floats, Integers

# Linear sharing spreads a point like a triangle one cell wide: on average over all places in a cell this
# adds this variance (in cells²) on either axis, which a smoothing kernel must be relieved of.
LINEAR_VARIANCE = 1 / 6
# Cubic sharing adds none, but reaches this many cells beyond the point's own.
CUBIC_REACH = 2
_CHUNK = 1 << 15


def linear_bins(u: Floats, v: Floats, weights: Floats | None, shape: tuple[int, int]) -> Floats:
    """Share each point among the four nearest cell centres ("cloud in cell"); keeps count and mean place.

    A smear remains: see `LINEAR_VARIANCE`. Shares are never negative.

    Parameters
    ----------
    u, v : ndarray of shape (n,)
        Column and row coordinates in cells from the corner, at least half a cell and less than
        ``shape - 0.5``; the first cell's centre is (0.5, 0.5). Not modified.
    weights : ndarray of shape (n,) or None
    shape : (rows, columns)

    Returns
    -------
    ndarray of float64, shape (rows, columns)

    Notes
    -----
    Time O(n + cells). Jones and Lotwick 1984, doi 10.2307/2347674; Hockney and Eastwood 1988,
    doi 10.1201/9780367806934, section 5-2.

    Examples
    --------
    >>> linear_bins(np.array([0.75]), np.array([0.5]), None, (2, 2)).tolist()
    [[0.75, 0.25], [0.0, 0.0]]
    """
    cell = np.empty(u.size, dtype=np.int64)
    right, up, both = np.empty(u.size), np.empty(u.size), np.empty(u.size)
    for part in _chunks(u.size):
        a, b = u[part] - 0.5, v[part] - 0.5
        column, row = np.floor(a), np.floor(b)
        cell[part] = row * shape[1] + column
        a -= column
        b -= row
        w = 1.0 if weights is None else weights[part]
        np.multiply(a, w, out=right[part])
        np.multiply(b, w, out=up[part])
        np.multiply(right[part], b, out=both[part])
    whole = _sum_by_cell(cell, weights, shape)
    east, north, corner = (_sum_by_cell(cell, share, shape) for share in (right, up, both))
    # Four sums by one index array, then shared out cell by cell: cheaper than sixteen scattered adds.
    bins = whole - east - north + corner
    bins[:, 1:] += (east - corner)[:, :-1]
    bins[1:] += (north - corner)[:-1]
    bins[1:, 1:] += corner[:-1, :-1]
    return bins


def cubic_bins(u: Floats, v: Floats, weights: Floats | None, shape: tuple[int, int]) -> Floats:
    """Share each point among the sixteen nearest cell centres; keeps count, mean place and variance.

    No smear is left to take out, but some shares are slightly negative: smooth the result before showing
    it.

    Parameters
    ----------
    u, v : ndarray of shape (n,)
        As for `linear_bins`, at least one and a half cells from every edge.
    weights : ndarray of shape (n,) or None
    shape : (rows, columns)

    Returns
    -------
    ndarray of float64, shape (rows, columns)

    Notes
    -----
    The transpose of cubic convolution interpolation (a = −1/2). Time O(n + cells). Keys 1981,
    doi 10.1109/TASSP.1981.1163711.

    Examples
    --------
    >>> bins = cubic_bins(np.array([2.0]), np.array([1.5]), None, (4, 4))
    >>> bins[1].tolist()          # half-way between two centres
    [-0.0625, 0.5625, 0.5625, -0.0625]
    """
    bins = np.zeros(shape[0] * shape[1])
    # Scattered adds of a chunk at a time; a whole picture per chunk would cost more than the points.
    step = max(_CHUNK, bins.size // 4)
    for start in range(0, u.size, step):
        part = slice(start, start + step)
        column, row = np.floor(u[part] - 0.5), np.floor(v[part] - 0.5)
        along = _keys_shares(u[part] - 0.5 - column)
        across = _keys_shares(v[part] - 0.5 - row)
        if weights is not None:
            along = [share * weights[part] for share in along]
        home = (row * shape[1] + column).astype(np.int64)
        for r, q in enumerate(across, start=-1):
            for c, p in enumerate(along, start=-1):
                bins += np.bincount(home + (r * shape[1] + c), p * q, bins.size)
    return bins.reshape(shape)


def _keys_shares(f: Floats) -> list[Floats]:
    """Return the shares of the four centres at −1, 0, 1 and 2 cells from the one below a point."""
    square = f * f
    cube = square * f
    return [
        square - 0.5 * (f + cube),
        1 - 2.5 * square + 1.5 * cube,
        0.5 * f + 2 * square - 1.5 * cube,
        0.5 * (cube - square),
    ]


def _sum_by_cell(cell: Integers, weights: Floats | None, shape: tuple[int, int]) -> Floats:
    return np.bincount(cell, weights, shape[0] * shape[1]).astype(np.float64, copy=False).reshape(shape)


def _chunks(n: int) -> Iterator[slice]:
    return (slice(start, start + _CHUNK) for start in range(0, n, _CHUNK))

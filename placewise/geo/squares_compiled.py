"""Points counted on square cells, compiled: as arrays, each step would go through memory. See `compiled`."""

from __future__ import annotations

import numpy as np

from placewise.compiled import compiled
from placewise.geo.crs import Floats, Integers

_CHUNK = 1024  # points whose cells are worked out several at a time before they are counted one by one


@compiled
def count_points(
    x: Floats, y: Floats, corner_m: tuple[float, float], cell_m: float, shape: tuple[int, int]
) -> Integers:
    """Return how many of n points lie in each cell (rows from the south), and last how many in none."""
    rows, columns = float(shape[0]), float(shape[1])
    counts = np.zeros(shape[0] * shape[1] + 1, np.int64)
    outside = rows * columns
    cell = np.empty(_CHUNK, np.int32)
    for start in range(0, x.size, _CHUNK):
        xs, ys = x[start : start + _CHUNK], y[start : start + _CHUNK]
        for i in range(xs.size):
            column = np.floor((xs[i] - corner_m[0]) / cell_m)
            row = np.floor((ys[i] - corner_m[1]) / cell_m)
            # No "and", which would be a branch; and far coordinates fit into no integer.
            within = (column >= 0.0) & (column < columns) & (row >= 0.0) & (row < rows)
            cell[i] = np.int32(row * columns + column if within else outside)
        for i in range(xs.size):
            counts[cell[i]] += 1
    return counts

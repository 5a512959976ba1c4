"""The exact distribution of a neighbourhood total when the counts are dealt to the cells at random."""

from __future__ import annotations

import numpy as np

from placewise.geo.crs import Floats, Integers


def shuffle_tail(values: Integers, total: Integers, size: Integers) -> Floats:
    """Return the chance that ``size[i]`` cells drawn without replacement sum to at least ``total[i]``.

    This is what random permutations estimate, without the randomness: every deal is counted.

    Parameters
    ----------
    values : ndarray of int >= 0, shape (n,)
        The count of each cell.
    total, size : ndarray of int, shape (m,)
        Sums to judge, and how many cells each sums over (1 to n).

    Returns
    -------
    ndarray of float64, shape (m,)

    Notes
    -----
    The number of ways to reach each (cells drawn, sum) is the coefficient of ``∏ (1 + u tᵛ)`` over the
    cells, built up one distinct value v at a time (multivariate hypergeometric). Sums past the largest
    total asked for share one last bin. All terms are positive, so small tails keep their digits. Time
    O(Σ over distinct values of min(multiplicity, k) × k × largest total).

    Examples
    --------
    >>> shuffle_tail(np.array([0, 0, 1, 2]), np.array([3, 2]), np.array([2, 2])).round(4).tolist()
    [0.1667, 0.5]
    """
    k, cap = int(size.max()), int(total.max())
    ways = _ways_to_sum(values, k, cap)
    reach = np.cumsum(ways[:, ::-1], axis=1)[:, ::-1]
    # The row's own sum, not a binomial coefficient, so that the chance of reaching nought is exactly 1.
    tail: Floats = reach[size, total] / reach[size, 0]
    return tail


def _ways_to_sum(values: Integers, k: int, cap: int) -> Floats:
    """Return relative ways to draw j cells (row) that sum to s (column); the last column is s >= cap."""
    scale = k / values.size
    ways = np.zeros((k + 1, cap + 1))
    ways[0, 0] = 1.0
    top = 0  # no sum above it is reachable yet, so the rest of each row is still nought
    drawn = 0
    for value, multiplicity in zip(*np.unique(values, return_counts=True), strict=True):
        most = min(int(multiplicity), k)
        coefficient = _scaled_choices(int(multiplicity), most, scale)
        top_after = min(cap, top + most * int(value))
        # Rows from the bottom up, so that each still reads the rows of before this value.
        for j in range(min(k, drawn + most), 0, -1):
            for i in range(1, min(most, j) + 1):
                _add_shifted(ways[j], ways[j - i, : top + 1], i * int(value), coefficient[i], cap)
        top, drawn = top_after, min(k, drawn + most)
    return ways


def _add_shifted(row: Floats, source: Floats, shift: int, factor: float, cap: int) -> None:
    fits = max(min(source.size, cap - shift), 0)
    row[shift : shift + fits] += factor * source[:fits]
    row[cap] += factor * source[fits:].sum()


def _scaled_choices(multiplicity: int, most: int, scale: float) -> Floats:
    """Return C(multiplicity, i) scaleⁱ for i = 0 … most; with scale k / n all stay in range."""
    i = np.arange(1, most + 1)
    coefficient: Floats = np.cumprod(np.concatenate([[1.0], (multiplicity - i + 1) / i * scale]))
    return coefficient

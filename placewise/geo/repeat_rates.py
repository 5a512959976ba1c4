"""Rates and quotients where several records may be one child's repeats: children are drawn, not records."""

from __future__ import annotations

from concurrent.futures import Executor
from functools import partial

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse, special

from placewise.core.errors import TooFewRecords
from placewise.core.progress import OnProgress
from placewise.geo.chunks import blocks, replicate_generator, stacked
from placewise.geo.counts import NO_CHILD, OUTSIDE, group_numbers
from placewise.geo.crs import Floats, Integers, require_counts
from placewise.geo.rates import SMALLEST_BACKGROUND, SMALLEST_CHILDREN, Rates, rates_of

N_REDRAWS = 999
_BLOCK = 100  # redraws at once, with one generator
_PIECE = 2 * _BLOCK


def location_quotients_by_child(
    cell: ArrayLike,
    child: ArrayLike,
    background: ArrayLike,
    *,
    background_is: str,
    seed: int,
    smallest: float = SMALLEST_BACKGROUND,
    smallest_children: int = SMALLEST_CHILDREN,
    n_redraws: int = N_REDRAWS,
    confidence: float = 0.95,
    executor: Executor | None = None,
    on_progress: OnProgress | None = None,
) -> Rates:
    """As `rates.location_quotients`, for records some of which are repeats of one child.

    Children are drawn again with all their records, wherever those happened, so that one child's repeats
    widen the interval as they must.

    Parameters
    ----------
    cell, child : array_like of int, shape (m,)
        One row a record: its cell (-1 outside) and child (-1 where none is recorded: then a record stands
        for itself). Not modified.
    background : array_like of float >= 0, shape (n_cells,)
        Taken as known.
    background_is : str
    seed : int
    smallest : float
    smallest_children : int
        Cells with fewer children (and records without one) are refused: so few cannot be redrawn.
    n_redraws : int
    confidence : float
    executor, on_progress
        Who makes the redraws, and who is told; see `chunks.pieces`.

    Raises
    ------
    MissingValue, TooFewRecords
        As for `rates.location_quotients`.
    CalculationStopped
        ``on_progress`` returned False.

    Notes
    -----
    Percentile bootstrap of clusters: Efron and Tibshirani 1993, doi 10.1201/9780429246593; Field and Welsh
    2007, doi 10.1111/j.1467-9868.2007.00593.x. Measured coverage is in `docs/methods.md`. Time
    O(redraws × pairs of child and cell).
    """
    others = require_counts(background, what="backgrounds")
    table = _records_by_cluster(cell, child, others.size)
    counts = np.asarray(table.sum(axis=0), dtype=np.float64).ravel()
    n, all_others = counts.sum(), others.sum()
    if not n:
        raise TooFewRecords("There are no records to compare with the background.")
    work = partial(_redrawn_shares, table, seed=seed)
    shares = stacked(work, n_redraws, size=_PIECE, executor=executor, on_progress=on_progress)
    low, high = np.quantile(shares, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    clusters = np.asarray((table > 0).sum(axis=0), dtype=np.float64).ravel()
    return rates_of(
        (counts, low * n, high * n),
        others,
        background_is,
        per=all_others / n,
        smallest=smallest,
        confidence=confidence,
        refused=clusters < smallest_children,
        interval="bootstrap",
        quotient=True,
    )


def records_per_child(
    cell: ArrayLike,
    child: ArrayLike,
    *,
    n_cells: int,
    smallest_children: int = SMALLEST_CHILDREN,
    confidence: float = 0.95,
) -> Rates:
    """Return records per different child in each cell: how far repeats make the count.

    About a place, never about a child. Records without a recorded child are left out. A high figure may
    be one child's many reports, which are that child's need for help and not more children at risk.

    Parameters
    ----------
    cell, child : array_like of int, shape (m,)
        As for `location_quotients_by_child`.
    n_cells : int
    smallest_children : int
        Cells with fewer children are refused.
    confidence : float

    Raises
    ------
    TooFewRecords
        Every cell has too few children.

    Notes
    -----
    Children differ and repeat, so their records are no Poisson count. The interval is Student's on the
    logarithm of the mean (delta method), which cannot reach below nought; children taken as drawn
    independently. Measured coverage is in `docs/methods.md`.

    Examples
    --------
    >>> rates = records_per_child([0] * 6, [1, 1, 1, 2, 3, 3], n_cells=1, smallest_children=3)
    >>> rates.rate.tolist(), rates.denominator.tolist()
    ([2.0], [3.0])
    """
    cells, children = _positions(cell, child, n_cells)
    known = children != NO_CHILD
    table = _records_by_cluster(cells[known], children[known], n_cells)
    counts = np.asarray(table.sum(axis=0), dtype=np.float64).ravel()
    squares = np.asarray(table.multiply(table).sum(axis=0), dtype=np.float64).ravel()
    number = np.asarray((table > 0).sum(axis=0), dtype=np.float64).ravel()
    some = np.maximum(number, 2)
    mean = counts / np.maximum(number, 1)
    variance = np.maximum(squares - counts * mean, 0) / (some - 1)
    relative = np.sqrt(variance / some) / np.maximum(mean, 1)
    width = np.exp(special.stdtrit(some - 1, (1 + confidence) / 2) * relative)
    return rates_of(
        (counts, counts / width, counts * width),
        number,
        "different children recorded there",
        per=1.0,
        smallest=smallest_children,
        confidence=confidence,
        interval="student",
    )


def _positions(cell: ArrayLike, child: ArrayLike, n_cells: int) -> tuple[Integers, Integers]:
    cells, children = np.asarray(cell, dtype=np.int64), np.asarray(child, dtype=np.int64)
    if cells.shape != children.shape:
        raise ValueError(f"{cells.size} cells for {children.size} children")
    if cells.size and (cells.min() < OUTSIDE or cells.max() >= n_cells):
        raise IndexError(f"cell positions must lie between -1 and {n_cells - 1}")
    inside = cells != OUTSIDE
    return cells[inside], children[inside]


def _records_by_cluster(cell: ArrayLike, child: ArrayLike, n_cells: int) -> sparse.csr_array:
    """Count records by cluster (a child, or a record without one) and cell."""
    cells, children = _positions(cell, child, n_cells)
    cluster = group_numbers(children, children.size)
    shape = (int(cluster.max(initial=-1)) + 1, n_cells)
    return sparse.coo_array((np.ones(cells.size), (cluster, cells)), shape=shape).tocsr()


def _redrawn_shares(table: sparse.csr_array, first: int, count: int, *, seed: int) -> Floats:
    """Draw the clusters again with replacement: each cell's share of the records, shape (count, n_cells)."""
    drawn, n = [], table.shape[0]
    for number, rows in blocks(first, count, _BLOCK):
        rng = replicate_generator(seed, number)
        picked = rng.integers(0, n, (rows, n)) + n * np.arange(rows)[:, None]
        times = np.bincount(picked.ravel(), minlength=rows * n).reshape(rows, n).astype(np.float64)
        counts = np.asarray((table.T @ times.T).T, dtype=np.float64)
        drawn.append(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1))
    return np.concatenate(drawn)

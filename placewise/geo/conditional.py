"""Conditional permutation: what the neighbours of a cell would add up to, were the other cells shuffled."""

from __future__ import annotations

from concurrent.futures import Executor
from functools import partial
from typing import Literal, NamedTuple

import numpy as np

from placewise.core.errors import NoVariation, TooFewCells
from placewise.core.progress import OnProgress
from placewise.geo.adjacency import Adjacency
from placewise.geo.chunks import blocks, replicate_generator, summed
from placewise.geo.crs import Floats, Integers

Alternative = Literal["greater", "less", "two_sided"]

N_PERMUTATIONS = 999
MIN_CELLS = 4
BLOCK = 250  # permutations dealt at once, with one generator
_PIECE = 8 * BLOCK
_ROUNDING = 1e-12


class Exceedances(NamedTuple):
    """How many permutations gave a total as high, and as low, as the one observed; shape (n,)."""

    at_least: Integers
    at_most: Integers


def require_comparable(values: Floats, adjacency: Adjacency) -> None:
    """Refuse values that no shuffle can tell apart.

    Raises
    ------
    TooFewCells
        Fewer than four cells, or no cell has a neighbour.
    NoVariation
        All values are equal.
    """
    if values.shape != (adjacency.n_cells,):
        raise ValueError(f"{values.size} values for {adjacency.n_cells} cells")
    if values.size < MIN_CELLS or not adjacency.indices.size:
        raise TooFewCells("There are too few neighbouring cells to compare. Choose a smaller cell width.")
    if values.min() == values.max():
        raise NoVariation("Every cell has the same value, so none stands out.")


def count_exceedances(
    values: Floats, total: Floats, size: Integers, first: int, count: int, *, seed: int
) -> Integers:
    """Count, over one piece of permutations, the totals at least, and at most, as high as observed.

    Each cell keeps its own value; the values of all *other* cells are dealt without replacement to its
    ``size[i]`` neighbours. One deal of values serves all cells, so the p-values of cells share their
    sampling error (as they do in esda).

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        The value of each cell.
    total : ndarray of float64, shape (n,)
        Sum over each cell's neighbours, itself left out.
    size : ndarray of int, shape (n,)
        Number of neighbours, 0 to n - 1.
    first, count : int
        Permutations ``first`` to ``first + count - 1``; ``first`` is a whole number of `BLOCK`.
    seed : int

    Returns
    -------
    ndarray of int64, shape (2, n)
        At least, and at most.

    Notes
    -----
    Deal an ordered sample of max(size) + 1 of all n values; leaving cell i out of it leaves a fair ordered
    sample of the others. Only the few cells that are in the sample themselves need a total of their own,
    so the work is O(R max(size) + n log R) for R permutations, not O(n R max(size)).
    """
    found = np.zeros((2, values.size), dtype=np.int64)
    for number, n_permutations in blocks(first, count, BLOCK):
        rng = replicate_generator(seed, number)
        dealt = _ordered_samples(
            rng, values.size, min(int(size.max(initial=0)) + 1, values.size), n_permutations
        )
        found += _exceedances(values, total, size, dealt)
    return found


def _exceedances(values: Floats, total: Floats, size: Integers, dealt: Integers) -> Integers:
    """Count over the deals of one block, shape (permutations, largest size + 1)."""
    n, n_permutations = values.size, dealt.shape[0]
    reached = np.zeros((n_permutations, dealt.shape[1] + 1))
    np.cumsum(values[dealt], axis=1, out=reached[:, 1:])
    most = int(size.max(initial=0))
    slack = _ROUNDING * max(float(np.abs(values).max(initial=0.0)) * (most + 1), 1e-300)
    at_least, at_most = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    for k in np.unique(size):
        cells = np.flatnonzero(size == k)
        in_order = np.sort(reached[:, k])
        at_least[cells] = n_permutations - np.searchsorted(in_order, total[cells] - slack)
        at_most[cells] = np.searchsorted(in_order, total[cells] + slack, side="right")
    # Put right the cells that were dealt their own value: leave it out and take one value more.
    deal, place = np.divmod(np.arange(dealt.size), dealt.shape[1])
    cell = dealt.ravel()
    own = place < size[cell]
    deal, cell = deal[own], cell[own]
    wrong, right = reached[deal, size[cell]], reached[deal, size[cell] + 1] - values[cell]
    seen = total[cell]
    change = (right >= seen - slack).astype(np.int64) - (wrong >= seen - slack)
    np.add.at(at_least, cell, change)
    change = (right <= seen + slack).astype(np.int64) - (wrong <= seen + slack)
    np.add.at(at_most, cell, change)
    return np.stack([at_least, at_most])


def _ordered_samples(rng: np.random.Generator, n: int, size: int, n_samples: int) -> Integers:
    """Return ordered samples without replacement, shape (n_samples, size)."""
    if size * size > n:
        return np.argsort(rng.random((n_samples, n)), axis=1)[:, :size].astype(np.int64)
    samples = rng.integers(0, n, (n_samples, size))
    # Few repeats in a few of many: deal those rows again, which keeps every ordered sample equally likely.
    while True:
        ordered = np.sort(samples, axis=1)
        again = np.flatnonzero((ordered[:, 1:] == ordered[:, :-1]).any(axis=1))
        if not again.size:
            return samples
        samples[again] = rng.integers(0, n, (again.size, size))


def permutation_exceedances(
    values: Floats,
    total: Floats,
    size: Integers,
    *,
    n_permutations: int,
    seed: int,
    executor: Executor | None = None,
    on_progress: OnProgress | None = None,
) -> Exceedances:
    """Deal all permutations, piece by piece, and add up what `count_exceedances` found.

    Executor, progress and errors are those of `chunks.pieces`.
    """
    work = partial(count_exceedances, values, total, size, seed=seed)
    return Exceedances(*summed(work, n_permutations, size=_PIECE, executor=executor, on_progress=on_progress))


def tail_of(found: Exceedances, *, alternative: Alternative, n_permutations: int) -> Floats:
    """Turn the summed exceedances of all chunks into p-values in (0, 1].

    Examples
    --------
    >>> found = Exceedances(np.array([4]), np.array([996]))
    >>> tail_of(found, alternative="two_sided", n_permutations=999).tolist()
    [0.01]
    """
    upper: Floats = (found.at_least + 1) / (n_permutations + 1)
    lower: Floats = (found.at_most + 1) / (n_permutations + 1)
    if alternative == "greater":
        return upper
    if alternative == "less":
        return lower
    if alternative == "two_sided":
        return np.asarray(np.minimum(2 * np.minimum(upper, lower), 1.0), dtype=np.float64)
    raise ValueError(f"alternative is greater, less or two_sided, not {alternative!r}")

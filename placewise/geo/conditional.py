"""Conditional permutation: what the neighbours of a cell would add up to, were the other cells shuffled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

import numpy as np

from placewise.core.errors import CalculationStopped
from placewise.geo.crs import Floats, Integers

Alternative = Literal["greater", "less", "two_sided"]
Progress = Callable[[int, int], bool]

N_PERMUTATIONS = 999
_CHUNK = 250  # permutations dealt by one call; also what a chunk's random stream is tied to
_ROUNDING = 1e-12


class Exceedances(NamedTuple):
    """How many permutations gave a total as high, and as low, as the one observed; shape (n,)."""

    at_least: Integers
    at_most: Integers


def permutation_chunks(n_permutations: int) -> Iterator[tuple[int, int]]:
    """Yield (chunk number, permutations in it); each chunk may be dealt anywhere, in any order.

    Examples
    --------
    >>> list(permutation_chunks(600))
    [(0, 250), (1, 250), (2, 100)]
    """
    for number, start in enumerate(range(0, n_permutations, _CHUNK)):
        yield number, min(_CHUNK, n_permutations - start)


def count_exceedances(
    values: Floats, total: Floats, size: Integers, *, n_permutations: int, seed: int, chunk: int = 0
) -> Exceedances:
    """Deal one chunk of permutations and count the totals at least, and at most, as high as observed.

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
    n_permutations, seed, chunk : int
        The random stream is that of (seed, chunk): the same wherever and whenever the chunk is dealt.

    Notes
    -----
    Deal an ordered sample of max(size) + 1 of all n values; leaving cell i out of it leaves a fair ordered
    sample of the others. Only the few cells that are in the sample themselves need a total of their own,
    so the work is O(R max(size) + n log R) for R permutations, not O(n R max(size)).
    """
    n, most = values.size, int(size.max(initial=0))
    rng = np.random.default_rng([seed, chunk])
    dealt = _ordered_samples(rng, n, min(most + 1, n), n_permutations)
    reached = np.zeros((n_permutations, dealt.shape[1] + 1))
    np.cumsum(values[dealt], axis=1, out=reached[:, 1:])
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
    return Exceedances(at_least, at_most)


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
    on_progress: Progress | None = None,
) -> Exceedances:
    """Deal all chunks one after another and add up what `count_exceedances` found.

    Parameters
    ----------
    on_progress : callable, optional
        Called with (done, total) permutations; returning False stops the work.

    Raises
    ------
    CalculationStopped
        ``on_progress`` returned False.
    """
    if n_permutations < 1:
        raise ValueError(f"n_permutations must be at least 1, not {n_permutations}")
    at_least, at_most = np.zeros(values.size, dtype=np.int64), np.zeros(values.size, dtype=np.int64)
    done = 0
    for chunk, count in permutation_chunks(n_permutations):
        more, less = count_exceedances(values, total, size, n_permutations=count, seed=seed, chunk=chunk)
        at_least += more
        at_most += less
        done += count
        if on_progress is not None and on_progress(done, n_permutations) is False:
            raise CalculationStopped("The calculation was stopped; no result was kept.")
    return Exceedances(at_least, at_most)


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

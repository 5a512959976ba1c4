"""Dealing the times of records out anew: what chance alone would do to nearness in space and time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from placewise.core.errors import CalculationStopped, MissingValue, NoVariation, TooFewRecords
from placewise.geo.crs import Floats, Integers

Alternative = Literal["more", "fewer"]
Progress = Callable[[int, int], bool]
Number = TypeVar("Number", np.int64, np.float64)

#: Shufflings between two reports of progress.
CHUNK = 50


class TimeBlocks(NamedTuple):
    """Which records may exchange their times.

    Attributes
    ----------
    members : tuple of ndarray of int64, shape (blocks, size)
        One array for each block size: a row a child (or a record without one), its records in the order of
        time. Rows of one array may exchange their times.
    child : ndarray of int64, shape (n,)
        A number for each block, so that two records are one child's when they are equal.
    """

    members: tuple[Integers, ...]
    child: Integers

    @property
    def n_records(self) -> int:
        """Records in all."""
        return self.child.size

    @property
    def n_movable(self) -> int:
        """Records whose times can change places with another's."""
        return sum(rows.size for rows in self.members if rows.shape[0] > 1)


def time_blocks(t_days: Floats, child: ArrayLike | None = None) -> TimeBlocks:
    """Bind each child's records together, so that a shuffling moves their times as one.

    Times are exchanged between children with equally many records, the earliest for the earliest: the
    gaps between one child's records stay what some child's gaps were. Exact under the null that a child's
    places have nothing to do with its dates, among children with equally many records.

    Parameters
    ----------
    t_days : ndarray of float64, shape (n,)
    child : array_like of int, shape (n,), optional
        A number for each child, -1 for none; without it every record stands alone.

    Raises
    ------
    TooFewRecords
        Fewer than two records.
    NoVariation
        All records have the same time, or no two children have equally many records.

    Examples
    --------
    >>> blocks = time_blocks(np.array([5.0, 1.0, 3.0, 9.0]), [7, 7, -1, -1])
    >>> [rows.tolist() for rows in blocks.members], blocks.n_movable
    ([[[3], [2]], [[1, 0]]], 2)
    """
    if t_days.size < 2:
        raise TooFewRecords("At least two records are needed to look for nearness in space and time.")
    if t_days.min() == t_days.max():
        raise NoVariation("All records have the same time, so none can be nearer in time than others.")
    block = _block_numbers(t_days.size, child)
    size = np.bincount(block)[block]
    order = np.lexsort((t_days, block, size))
    sizes, firsts = np.unique(size[order], return_index=True)
    ends = [*firsts[1:], order.size]
    members = tuple(
        order[first:end].reshape(-1, k).astype(np.int64)
        for k, first, end in zip(sizes.tolist(), firsts.tolist(), ends, strict=True)
    )
    blocks = TimeBlocks(members, block)
    if blocks.n_movable == 0:
        raise NoVariation(
            "No two children have equally many records, so no times can be exchanged. Choose a longer period."
        )
    return blocks


def _block_numbers(n: int, child: ArrayLike | None) -> Integers:
    if child is None:
        return np.arange(n, dtype=np.int64)
    ids = np.asarray(child)
    if ids.shape != (n,) or not np.issubdtype(ids.dtype, np.integer):
        raise ValueError("child needs one whole number a record, -1 for none")
    alone = ids < 0
    own: Integers = np.where(alone, -1 - np.arange(n), ids).astype(np.int64)
    return np.unique(own, return_inverse=True)[1].astype(np.int64)


def shuffled(blocks: TimeBlocks, rng: np.random.Generator) -> Integers:
    """Return for each record the record whose time it gets, shape (n,)."""
    source = np.empty(blocks.n_records, dtype=np.int64)
    for rows in blocks.members:
        source[rows] = rows[rng.permutation(rows.shape[0])] if rows.shape[0] > 1 else rows
    return source


def shuffle_generator(seed: int, number: int) -> np.random.Generator:
    """Return the random numbers of one shuffling: the same in whichever piece or place it is made."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number,)))


def in_chunks(
    work: Callable[[int, int], NDArray[Number]], *, permutations: int, on_progress: Progress | None = None
) -> NDArray[Number]:
    """Do ``permutations`` shufflings piece by piece and stack what they give.

    Parameters
    ----------
    work : callable
        ``work(first, count)`` returns those of shufflings ``first`` to ``first + count - 1``, shape
        (count, …), each from its own number only (`shuffle_generator`): pieces of any size, made
        anywhere, give the same.
    permutations : int
    on_progress : callable, optional
        Told (done, total) after each piece; returning False stops the work.

    Raises
    ------
    CalculationStopped
        ``on_progress`` returned False.
    """
    if permutations < 1:
        raise ValueError(f"permutations must be 1 or more, not {permutations}")
    pieces = []
    for first in range(0, permutations, CHUNK):
        count = min(CHUNK, permutations - first)
        pieces.append(work(first, count))
        if on_progress is not None and not on_progress(first + count, permutations):
            raise CalculationStopped("The calculation was stopped. Nothing of it was kept.")
    return np.concatenate(pieces)


def monte_carlo_p(
    observed: ArrayLike, by_chance: ArrayLike, *, alternative: Alternative, confidence: float = 0.95
) -> tuple[Floats, Floats, Floats]:
    """Return p and the range in which endless shuffling would put it.

    Parameters
    ----------
    observed : array_like, shape (…)
    by_chance : array_like, shape (permutations, …)
    alternative : {"more", "fewer"}
        Stated before the data are seen.

    Returns
    -------
    p, low, high : ndarray of float64, shape (…)
        p is (1 + shufflings at least as extreme) / (1 + shufflings), which never claims more than it may;
        low and high are Clopper and Pearson's for the share of shufflings at least as extreme.

    Notes
    -----
    Phipson and Smyth 2010, doi 10.2202/1544-6115.1585; Clopper and Pearson 1934,
    doi 10.1093/biomet/26.4.404.

    Examples
    --------
    >>> p, low, high = monte_carlo_p(3, [1, 2, 3, 0], alternative="more")
    >>> float(p), round(float(low), 4), round(float(high), 4)
    (0.4, 0.0063, 0.8059)
    """
    seen, chance = np.asarray(observed), np.asarray(by_chance)
    if alternative not in ("more", "fewer"):
        raise ValueError(f"alternative is more or fewer, not {alternative!r}")
    m = chance.shape[0]
    as_extreme = (chance >= seen if alternative == "more" else chance <= seen).sum(axis=0).astype(np.float64)
    tail = (1 - confidence) / 2
    low = np.where(
        as_extreme > 0, special.betaincinv(np.maximum(as_extreme, 1), m - as_extreme + 1, tail), 0.0
    )
    high = np.where(
        as_extreme < m, special.betaincinv(as_extreme + 1, np.maximum(m - as_extreme, 1), 1 - tail), 1.0
    )
    return (1 + as_extreme) / (1 + m), low, high


def require_days(t_days: ArrayLike, n: int) -> Floats:
    """Return times in days as float64, shape (n,), checked; the input is not modified.

    Raises
    ------
    MissingValue
        A time is NaN or infinite.
    """
    times = np.asarray(t_days, dtype=np.float64)
    if times.shape != (n,):
        raise ValueError(f"t_days needs one time a record: {times.shape} for {n} records")
    gaps = int(np.count_nonzero(~np.isfinite(times)))
    if gaps:
        raise MissingValue(f"{gaps} of {n} records have no usable time. Leave them out and count them.")
    return times

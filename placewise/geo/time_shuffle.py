"""Dealing the times of records out anew: what chance alone would do to nearness in space and time."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from placewise.core.errors import MissingValue, NoVariation, TooFewRecords
from placewise.geo.counts import group_numbers
from placewise.geo.crs import Floats, Integers


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
    def all_alone(self) -> bool:
        """No child has more than one record."""
        return len(self.members) == 1 and self.members[0].shape[1] == 1

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
    ([[[2], [3]], [[1, 0]]], 2)
    """
    if t_days.size < 2:
        raise TooFewRecords("At least two records are needed to look for nearness in space and time.")
    if t_days.min() == t_days.max():
        raise NoVariation("All records have the same time, so none can be nearer in time than others.")
    blocks = kept_together(t_days, child)
    if blocks.n_movable == 0:
        raise NoVariation(
            "No two children have equally many records, so no times can be exchanged. Choose a longer period."
        )
    return blocks


def kept_together(t_days: ArrayLike, child: ArrayLike | None) -> TimeBlocks:
    """Bind each child's records together in the order of time; see `time_blocks`, which also refuses."""
    times = np.asarray(t_days)
    block = group_numbers(child, times.size)
    size = np.bincount(block)[block]
    order = np.lexsort((times, block, size))
    sizes, firsts = np.unique(size[order], return_index=True)
    ends = [*firsts[1:], order.size]
    members = tuple(
        order[first:end].reshape(-1, k).astype(np.int64)
        for k, first, end in zip(sizes.tolist(), firsts.tolist(), ends, strict=True)
    )
    return TimeBlocks(members, block)


def shuffled(blocks: TimeBlocks, rng: np.random.Generator) -> Integers:
    """Return for each record the record whose time it gets, shape (n,)."""
    if blocks.all_alone:
        return rng.permutation(blocks.n_records)
    source = np.empty(blocks.n_records, dtype=np.int64)
    for rows in blocks.members:
        source[rows] = rows[rng.permutation(rows.shape[0])] if rows.shape[0] > 1 else rows
    return source


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

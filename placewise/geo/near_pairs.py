"""Pairs of records near one another on the ground, counted by distance and time, without an n × n matrix."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from placewise.core.errors import TooManyPairs
from placewise.geo.chunks import replicate_generator
from placewise.geo.crs import Floats, Integers, require_coordinates
from placewise.geo.time_shuffle import TimeBlocks, require_days, shuffled, time_blocks

Times = NDArray[Any]

#: Above this the pairs alone need more than about a gigabyte while they are sought.
MAX_PAIRS = 30_000_000
_BLOCK = 1 << 16  # pairs at a time, so that what is between two steps stays in the processor's cache


class NearPairs(NamedTuple):
    """Pairs of records within the largest distance, by distance band; small enough to send to a worker.

    Attributes
    ----------
    first, second : ndarray of int64, shape (pairs,)
        Positions of the two records, sorted by band.
    band_ends : tuple of int
        Where each distance band ends in them.
    times : ndarray of int or float, shape (n,)
        Days, in the smallest type that holds them exactly.
    edges : tuple of float
        Bounds of the time bands in days, first to last.
    blocks : TimeBlocks
    n_own : int
        Pairs left out because both records are one child's.
    """

    first: Integers
    second: Integers
    band_ends: tuple[int, ...]
    times: Times
    edges: tuple[float, ...]
    blocks: TimeBlocks
    n_own: int


def near_pairs(
    x: ArrayLike,
    y: ArrayLike,
    t_days: ArrayLike,
    *,
    space_edges_m: Sequence[float],
    time_edges_days: Sequence[float],
    child: ArrayLike | None = None,
) -> NearPairs:
    """Find the pairs of different children's records within the largest distance.

    Parameters, errors and cost as in `near_repeat_table`, whose first half this is: it is done once, and
    `permuted_counts` may then be run anywhere.
    """
    xs, ys = require_coordinates(x, y)
    times = require_days(t_days, xs.size)
    space = _require_edges(space_edges_m, "space_edges_m")
    time = _require_edges(time_edges_days, "time_edges_days")
    blocks = time_blocks(times, child)
    first, second, distance = _within(xs, ys, space[-1])
    own = blocks.child[first] == blocks.child[second]
    kept = ~own & (distance >= space[0]) & (distance < space[-1])
    first, second = first[kept], second[kept]
    band = (np.searchsorted(space, distance[kept], side="right") - 1).astype(np.int16)
    order = np.argsort(band, kind="stable")
    ends = tuple(int(end) for end in np.cumsum(np.bincount(band, minlength=len(space) - 1)))
    return NearPairs(
        first[order],
        second[order],
        ends,
        _smallest_exact(times),
        tuple(time),
        blocks,
        int(np.count_nonzero(own & (distance < space[-1]))),
    )


def permuted_counts(pairs: NearPairs, first: int, count: int, *, seed: int) -> Integers:
    """Count the pairs of each band after each of some shufflings: one independent piece of the work.

    Returns
    -------
    ndarray of int64, shape (count, distance bands, time bands)
        Shufflings ``first`` to ``first + count - 1``.

    Notes
    -----
    Depends on nothing but its arguments, so pieces may run anywhere and in any order. Time
    O(count × pairs), memory O(n).
    """
    return np.stack(
        [
            counts_by_band(pairs, pairs.times[shuffled(pairs.blocks, replicate_generator(seed, number))])
            for number in range(first, first + count)
        ]
    )


def _require_edges(edges: Sequence[float], name: str) -> Floats:
    bounds = np.asarray(edges, dtype=np.float64)
    if bounds.ndim != 1 or bounds.size < 2 or not np.all(np.isfinite(bounds)):
        raise ValueError(f"{name} needs at least two bounds")
    if bounds[0] < 0 or np.any(np.diff(bounds) <= 0):
        raise ValueError(f"{name} must rise from nought or more")
    return bounds


def _within(x: Floats, y: Floats, limit_m: float) -> tuple[Integers, Integers, Floats]:
    tree = cKDTree(np.column_stack([x, y]))
    n_pairs = (int(tree.count_neighbors(tree, limit_m)) - x.size) // 2
    if n_pairs > MAX_PAIRS:
        raise TooManyPairs(
            f"{n_pairs:,} pairs of records lie within {limit_m:g} m, and {MAX_PAIRS:,} can be compared. "
            "Choose a shorter distance, a shorter period or a smaller area."
        )
    pairs = tree.query_pairs(limit_m, output_type="ndarray")
    first, second = pairs[:, 0], pairs[:, 1]
    return first, second, np.hypot(x[first] - x[second], y[first] - y[second])


def _smallest_exact(times: Floats) -> Times:
    """Whole days from the first in 16 or 32 bits: less memory to read for each pair."""
    since: Floats = times - times.min()
    if np.any(times != np.rint(times)) or since.max() > np.iinfo(np.int32).max:
        return since
    return since.astype(np.int16) if since.max() <= np.iinfo(np.int16).max else since.astype(np.int32)


def counts_by_band(pairs: NearPairs, times: Times) -> Integers:
    """Count the pairs by band, given each record's time: shape (distance bands, time bands)."""
    whole = np.issubdtype(times.dtype, np.integer)
    # A whole number is below 7.5 when it is below 8, and whole numbers compare faster.
    edges = [math.ceil(edge) if whole else edge for edge in pairs.edges]
    below = np.zeros((len(pairs.band_ends), len(edges)), dtype=np.int64)
    start = 0
    for band, end in enumerate(pairs.band_ends):
        for at in range(start, end, _BLOCK):
            until = min(at + _BLOCK, end)
            # "clip" reads without a second look at each position; all are in range.
            gap = times.take(pairs.first[at:until], mode="clip")
            gap -= times.take(pairs.second[at:until], mode="clip")
            np.abs(gap, out=gap)
            for k, edge in enumerate(edges):
                below[band, k] += np.count_nonzero(gap < edge) if edge > 0 else 0
        start = end
    return np.diff(below, axis=1)

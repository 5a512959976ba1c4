"""Jacquez's test: whether the nearest records in space are also the nearest in time."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial import cKDTree

from placewise.core.errors import TooFewRecords, TooManyPairs
from placewise.core.progress import OnProgress
from placewise.geo.chunks import replicate_generator, stacked
from placewise.geo.crs import Floats, Integers, require_coordinates
from placewise.geo.monte_carlo import Alternative, rank_p
from placewise.geo.near_pairs import MAX_PAIRS
from placewise.geo.time_shuffle import TimeBlocks, require_days, shuffled, time_blocks

# Two distances that differ by less are one distance: a root and its square do not round alike.
_EQUAL = 1e-12
# Ties in time are only counted, not kept, so there may be more of them.
_TIES_IN_TIME = 100
_PIECE = 50  # shufflings


class Reach(NamedTuple):
    """How far each record's k nearest go, among other children's records.

    Attributes
    ----------
    radius : ndarray of float64, shape (n,)
        Distance to the k-th nearest.
    share : ndarray of float64, shape (n,)
        What each record at exactly that distance counts: places left over the records that compete for
        them. 1 where there is no tie.
    """

    radius: Floats
    share: Floats

    def weight(self, record: Integers, distance: Floats) -> Floats:
        """Return 1 for a nearer record than the k-th, the share for one as far, 0 beyond."""
        radius = self.radius[record]
        inside = distance < radius * (1 - _EQUAL)
        tied = ~inside & (distance <= radius * (1 + _EQUAL))
        weight: Floats = inside + tied * self.share[record]
        return weight


class Neighbours(NamedTuple):
    """What a shuffling needs; small enough to send to a worker.

    Attributes
    ----------
    record, neighbour : ndarray of int64, shape (pairs,)
        Each record and its nearest in space.
    weight : ndarray of float64, shape (pairs,)
    times : ndarray of float64, shape (n,)
    in_time : Reach
    blocks : TimeBlocks
    """

    record: Integers
    neighbour: Integers
    weight: Floats
    times: Floats
    in_time: Reach
    blocks: TimeBlocks


@dataclass(frozen=True)
class JacquezTest:
    """The result of `jacquez_test`.

    Attributes
    ----------
    statistic : float
        Pairs (a record and one of its k nearest in space) that are also k nearest in time. Whole where
        there are no ties.
    certain, possible : int
        The same however ties are broken: at least, at most.
    expected, ratio : float
        Mean over the shufflings; statistic over it (NaN where none is expected).
    p, p_low, p_high : float
        Chance of a statistic at least this extreme and its Monte Carlo interval.
    k, n_records, n_movable, alternative, permutations, seed
        As given, and as in `near_repeat.NearRepeatTable`.
    """

    statistic: float
    certain: int
    possible: int
    expected: float
    ratio: float
    p: float
    p_low: float
    p_high: float
    k: int
    n_records: int
    n_movable: int
    alternative: Alternative
    permutations: int
    seed: int


def jacquez_test(
    x: ArrayLike,
    y: ArrayLike,
    t_days: ArrayLike,
    *,
    k: int,
    seed: int,
    child: ArrayLike | None = None,
    alternative: Alternative = "more",
    permutations: int = 999,
    executor: Executor | None = None,
    on_progress: OnProgress | None = None,
) -> JacquezTest:
    """Test for contagion without choosing a distance or a period: only how many neighbours count.

    Nearest means near in a crowded place and far in an empty one, so busy and quiet parts weigh alike. A
    high ratio does not say how near, why, or who followed whom. Where the choice of distances is plain,
    `near_repeat.knox_test` says more.

    Parameters
    ----------
    x, y : array_like of shape (n,)
        Metres, EPSG:27700. Not modified.
    t_days : array_like of shape (n,)
        Days since any moment. Not modified.
    k : int >= 1
        Neighbours a record; fixed beforehand, 3 to 10 as a rule.
    seed : int
    child : array_like of int, shape (n,), optional
        Children's numbers, -1 for none: neighbours are other children's records, and one child's times
        move together.
    alternative : {"more", "fewer"}
        Fixed beforehand.
    permutations : int
    executor, on_progress
        Who makes the shufflings, and who is told; see `chunks.pieces`.

    Raises
    ------
    WrongCRS, MissingValue
        Degrees, or gaps in coordinates or times.
    TooFewRecords
        Not more than k records of other children for every record.
    NoVariation
        All records at one time, or no times that could change places.
    TooManyPairs
        So many records tie that more than `near_pairs.MAX_PAIRS` neighbours would have to be kept.
    CalculationStopped
        ``on_progress`` returned False.

    Notes
    -----
    ``J = Σᵢ Σⱼ sᵢⱼ tᵢⱼ`` with s, t = 1 for a k nearest neighbour. Where several records tie for the last
    places each counts its share of them, so that the result does not depend on the order of the file.
    Time O(n log n + n (k + most records of a child) + permutations × n k). Jacquez 1996,
    doi 10.1002/(SICI)1097-0258(19960930)15:18<1935::AID-SIM406>3.0.CO;2-I.

    Examples
    --------
    >>> x, t = [0, 10, 5000, 5010, 9000, 9010], [1, 2, 50, 51, 90, 91]
    >>> test = jacquez_test(x, [200_000] * 6, t, k=1, seed=1)
    >>> test.statistic, test.certain, test.possible
    (6.0, 6, 6)
    """
    near = nearest_neighbours(x, y, t_days, k=k, child=child)
    chance = stacked(
        partial(permuted_statistics, near, seed=seed),
        permutations,
        size=_PIECE,
        executor=executor,
        on_progress=on_progress,
    )
    unmoved = np.arange(near.times.size)
    in_time = _weights_in_time(near, unmoved)
    statistic, expected = _statistic(near, unmoved), float(chance.mean())
    p, low, high = rank_p(statistic, chance, alternative=alternative)
    sure = (near.weight > 1 - _EQUAL) & (in_time > 1 - _EQUAL)
    return JacquezTest(
        statistic=statistic,
        certain=int(sure.sum()),
        possible=int(((near.weight > 0) & (in_time > 0)).sum()),
        expected=expected,
        ratio=statistic / expected if expected else float("nan"),
        p=float(p),
        p_low=float(low),
        p_high=float(high),
        k=k,
        n_records=near.times.size,
        n_movable=near.blocks.n_movable,
        alternative=alternative,
        permutations=permutations,
        seed=seed,
    )


def nearest_neighbours(
    x: ArrayLike, y: ArrayLike, t_days: ArrayLike, *, k: int, child: ArrayLike | None = None
) -> Neighbours:
    """Find the k nearest in space and how far the k nearest in time go: once, before any shuffling.

    Parameters and errors as in `jacquez_test`.
    """
    xs, ys = require_coordinates(x, y)
    times = require_days(t_days, xs.size)
    if k < 1:
        raise ValueError(f"k must be 1 or more, not {k}")
    blocks = time_blocks(times, child)
    largest = max(rows.shape[1] for rows in blocks.members)
    if xs.size - largest < k:
        raise TooFewRecords(f"Every record needs {k} of other children beside it. Choose a smaller k.")
    at = np.column_stack([xs, ys])
    # Looked at before any search: in a tree each record on a spot is compared with each other one there.
    _require_few(_ties(at), "one spot")
    _require_few(_ties(times[:, None]) // _TIES_IN_TIME, "one day")
    tree = cKDTree(at)
    in_space, within = _reach(tree, blocks, k, largest)
    _require_few(int(within.sum()), "one spot")
    lists = tree.query_ball_point(tree.data, in_space.radius * (1 + _EQUAL))
    record = np.repeat(np.arange(xs.size), within)
    neighbour = np.concatenate(lists).astype(np.int64)
    other = blocks.child[record] != blocks.child[neighbour]
    record, neighbour = record[other], neighbour[other]
    weight = in_space.weight(record, np.hypot(xs[record] - xs[neighbour], ys[record] - ys[neighbour]))
    in_time, _ = _reach(cKDTree(times[:, None]), blocks, k, largest)
    return Neighbours(record, neighbour, weight, times, in_time, blocks)


def _ties(coordinates: Floats) -> int:
    """Return how many ordered pairs of records share a coordinate, each record with itself included."""
    _, many = np.unique(coordinates, axis=0, return_counts=True)
    return int((many.astype(np.int64) ** 2).sum())


def _require_few(n_pairs: int, where: str) -> None:
    if n_pairs > MAX_PAIRS:
        raise TooManyPairs(
            f"So many records share {where} that each would have to be compared with most of the others. "
            "Choose a shorter period or a smaller area."
        )


def permuted_statistics(near: Neighbours, first: int, count: int, *, seed: int) -> Floats:
    """Return the statistic after shufflings ``first`` to ``first + count - 1``: an independent piece of work."""
    return np.array(
        [
            _statistic(near, shuffled(near.blocks, replicate_generator(seed, number)))
            for number in range(first, first + count)
        ]
    )


def _statistic(near: Neighbours, source: Integers) -> float:
    # Rounded, so that sums of the same shares in another order tie as they should.
    return round(float(near.weight @ _weights_in_time(near, source)), 9)


def _weights_in_time(near: Neighbours, source: Integers) -> Floats:
    giver, other = source[near.record], source[near.neighbour]
    return near.in_time.weight(giver, np.abs(near.times[giver] - near.times[other]))


def _reach(tree: cKDTree, blocks: TimeBlocks, k: int, largest: int) -> tuple[Reach, Integers]:
    """Return the reach of the k nearest of other children, and how many records of anyone lie within."""
    n = blocks.n_records
    distance, index = tree.query(tree.data, k=min(k + largest, n))
    own = blocks.child[index] == blocks.child[:, None]
    ordered = np.sort(np.where(own, np.inf, distance), axis=1)
    radius = ordered[:, k - 1]
    nearer = (ordered < (radius * (1 - _EQUAL))[:, None]).sum(axis=1)
    within = tree.query_ball_point(tree.data, radius * (1 + _EQUAL), return_length=True).astype(np.int64)
    tied = within - _own_within(tree, blocks, radius) - nearer
    return Reach(radius, (k - nearer) / tied), within


def _own_within(tree: cKDTree, blocks: TimeBlocks, radius: Floats) -> Integers:
    """Count each child's own records within its records' reach, themselves included."""
    count = np.ones(radius.size, dtype=np.int64)
    for rows in blocks.members:
        for row in rows if rows.shape[1] > 1 else ():
            gaps = np.sqrt(((tree.data[row, None] - tree.data[None, row]) ** 2).sum(axis=2))
            count[row] = (gaps <= (radius[row] * (1 + _EQUAL))[:, None]).sum(axis=1)
    return count

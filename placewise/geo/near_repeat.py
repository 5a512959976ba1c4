"""Near repeats: whether records close in space are also closer in time than chance would put them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from placewise.core.progress import OnProgress
from placewise.geo.chunks import stacked
from placewise.geo.crs import Floats, Integers
from placewise.geo.monte_carlo import Alternative, rank_p
from placewise.geo.multiplicity import benjamini_hochberg
from placewise.geo.near_pairs import NearPairs, counts_by_band, near_pairs, permuted_counts

#: Nearer than this is "same place": coordinates are kept to the metre.
SAME_PLACE_M = 1.0
_PIECE = 50  # shufflings


@dataclass(frozen=True)
class NearRepeatTable:
    """The result of `near_repeat_table`; arrays have a row a distance band and a column a time band.

    Attributes
    ----------
    space_labels, time_labels : tuple of str
        A band holds its lower bound and not its upper.
    observed : ndarray of int64
        Pairs of records, each pair once.
    expected : ndarray of float64
        Mean over the shufflings.
    ratio, ratio_low, ratio_high : ndarray of float64
        Observed over expected, and the range left open by the number of shufflings; NaN where none is
        expected. It says nothing about how sure the finding is: that is p.
    chance_low, chance_high : ndarray of float64
        The middle 95% of what the shufflings gave.
    p, p_low, p_high, q : ndarray of float64
        Chance of pairs at least this extreme, its Monte Carlo interval, and p adjusted over the table
        (Benjamini–Hochberg).
    n_records, n_movable, n_own_pairs : int
        Records; those whose times could change places; pairs left out because both are one child's.
    alternative, permutations, seed
        As given.
    """

    space_labels: tuple[str, ...]
    time_labels: tuple[str, ...]
    observed: Integers = field(repr=False)
    expected: Floats = field(repr=False)
    ratio: Floats
    ratio_low: Floats = field(repr=False)
    ratio_high: Floats = field(repr=False)
    chance_low: Floats = field(repr=False)
    chance_high: Floats = field(repr=False)
    p: Floats
    p_low: Floats = field(repr=False)
    p_high: Floats = field(repr=False)
    q: Floats = field(repr=False)
    n_records: int
    n_movable: int
    n_own_pairs: int
    alternative: Alternative
    permutations: int
    seed: int


@dataclass(frozen=True)
class KnoxTest:
    """The result of `knox_test`.

    Attributes
    ----------
    observed, margin_expected : ndarray, shape (2, 2)
        Rows: near in space, or not; columns: near in time, or not. The second is row total times column
        total over all pairs, which supposes that pairs are independent; they are not quite.
    p_poisson : float
        P(more than observed) for a Poisson count with the margins' mean, as older tables have it: not
        the p to report.
    expected : float
        Mean of the near pairs over the shufflings.
    ratio, ratio_low, ratio_high, p, p_low, p_high, n_movable, n_own_pairs, alternative, permutations, seed
        As in `NearRepeatTable`.
    """

    observed: Integers
    margin_expected: Floats
    p_poisson: float
    expected: float
    ratio: float
    ratio_low: float
    ratio_high: float
    p: float
    p_low: float
    p_high: float
    n_movable: int
    n_own_pairs: int
    alternative: Alternative
    permutations: int
    seed: int

    @property
    def statistic(self) -> int:
        """Pairs near in space and in time."""
        return int(self.observed[0, 0])


def near_repeat_table(
    x: ArrayLike,
    y: ArrayLike,
    t_days: ArrayLike,
    *,
    seed: int,
    space_edges_m: Sequence[float] = (0, SAME_PLACE_M, 100, 200, 300, 400, 500),
    time_edges_days: Sequence[float] = (0, 8, 15, 22, 29),
    child: ArrayLike | None = None,
    alternative: Alternative = "more",
    permutations: int = 999,
    executor: Executor | None = None,
    on_progress: OnProgress | None = None,
) -> NearRepeatTable:
    """Compare how many pairs of records are near in space and time with what shuffled times give.

    A ratio above 1 says that a record tends to be followed by others near it soon after, *as recorded*.
    It does not say why (one group at work, one campaign of recording, one hot summer evening), nor that
    any child led another into harm. Where children come and go (a home that opens), places have their
    own dates, and the test shows that too.

    Parameters
    ----------
    x, y : array_like of shape (n,)
        Metres, EPSG:27700. Not modified.
    t_days : array_like of shape (n,)
        Times in days since any moment; whole days, or with a fraction. Not modified.
    seed : int
        The same seed gives the same table.
    space_edges_m, time_edges_days : sequence of float
        Ascending bounds; a band holds its lower bound and not its upper. The first distance band by
        default is nearer than a metre, "same place": true of the records, which may have been snapped.
    child : array_like of int, shape (n,), optional
        Children's numbers, -1 for none. One child's own repeats are not contagion: its pairs with itself
        are left out and counted, and its times move together (`time_shuffle.time_blocks`).
    alternative : {"more", "fewer"}
        Chosen before the data are seen.
    permutations : int
    executor, on_progress
        Who makes the shufflings, and who is told; see `chunks.pieces`.

    Returns
    -------
    NearRepeatTable

    Raises
    ------
    WrongCRS, MissingValue
        Degrees, or gaps in coordinates or times.
    TooFewRecords, NoVariation
        Fewer than two records, all at one time, or no times that could change places.
    TooManyPairs
        More than `MAX_PAIRS` pairs within the largest distance.
    CalculationStopped
        ``on_progress`` returned False.

    Notes
    -----
    Time O(n log n + permutations × pairs), memory O(n + pairs); never n × n. Knox 1964,
    doi 10.2307/2985220; Johnson and others 2007, doi 10.1007/s10940-007-9025-3.

    Examples
    --------
    >>> x, t = [0, 0, 5000, 5000, 9000, 9000], [1, 2, 50, 51, 90, 91]
    >>> table = near_repeat_table(x, [200_000] * 6, t, seed=1, space_edges_m=(0, 1), time_edges_days=(0, 8))
    >>> table.space_labels, table.time_labels, table.observed.tolist()
    (('same place',), ('0 to 7 days',), [[3]])
    """
    pairs = near_pairs(
        x, y, t_days, space_edges_m=space_edges_m, time_edges_days=time_edges_days, child=child
    )
    chance = stacked(
        partial(permuted_counts, pairs, seed=seed),
        permutations,
        size=_PIECE,
        executor=executor,
        on_progress=on_progress,
    )
    return summarise(pairs, chance, space_edges_m=space_edges_m, alternative=alternative, seed=seed)


def summarise(
    pairs: NearPairs,
    chance: Integers,
    *,
    space_edges_m: Sequence[float],
    alternative: Alternative = "more",
    seed: int,
) -> NearRepeatTable:
    """Put the counts of all pieces, shape (permutations, distance bands, time bands), into one table."""
    observed = counts_by_band(pairs, pairs.times)
    expected, ratio_low, ratio_high = _expected(observed, chance)
    p, p_low, p_high = rank_p(observed, chance, alternative=alternative)
    chance_low, chance_high = np.quantile(chance, [0.025, 0.975], axis=0)
    whole = bool(np.issubdtype(pairs.times.dtype, np.integer))
    return NearRepeatTable(
        space_labels=space_labels(space_edges_m),
        time_labels=time_labels(pairs.edges, whole_days=whole),
        observed=observed,
        expected=expected,
        ratio=_over(observed, expected),
        ratio_low=ratio_low,
        ratio_high=ratio_high,
        chance_low=chance_low,
        chance_high=chance_high,
        p=p,
        p_low=p_low,
        p_high=p_high,
        q=benjamini_hochberg(p.ravel()).reshape(p.shape),
        n_records=pairs.blocks.n_records,
        n_movable=pairs.blocks.n_movable,
        n_own_pairs=pairs.n_own,
        alternative=alternative,
        permutations=chance.shape[0],
        seed=seed,
    )


def knox_test(
    x: ArrayLike,
    y: ArrayLike,
    t_days: ArrayLike,
    *,
    within_m: float,
    within_days: float,
    seed: int,
    child: ArrayLike | None = None,
    alternative: Alternative = "more",
    permutations: int = 999,
    executor: Executor | None = None,
    on_progress: OnProgress | None = None,
) -> KnoxTest:
    """Test one question: whether more pairs are near in space *and* time than shuffled times give.

    What a ratio means and does not mean, the other parameters, the errors and the cost are those of
    `near_repeat_table`. Near means no farther than ``within_m`` metres and no more than ``within_days``
    days, both included.

    Examples
    --------
    >>> x, t = [0, 0, 5000, 5000, 9000, 9000], [1, 2, 50, 51, 90, 91]
    >>> test = knox_test(x, [200_000] * 6, t, within_m=100, within_days=7, seed=1)
    >>> test.observed.tolist(), test.margin_expected[0, 0].round(2).item()
    ([[3, 0], [0, 12]], 0.6)
    """
    upper_m, upper_days = np.nextafter(within_m, np.inf), np.nextafter(within_days, np.inf)
    pairs = near_pairs(x, y, t_days, space_edges_m=(0, upper_m), time_edges_days=(0, upper_days), child=child)
    chance = stacked(
        partial(permuted_counts, pairs, seed=seed),
        permutations,
        size=_PIECE,
        executor=executor,
        on_progress=on_progress,
    )
    near = counts_by_band(pairs, pairs.times)
    expected, ratio_low, ratio_high = _expected(near, chance)
    p, p_low, p_high = rank_p(near, chance, alternative=alternative)
    observed = _two_by_two(pairs, int(near[0, 0]), within_days)
    rows, columns = observed.sum(axis=1), observed.sum(axis=0)
    margins = np.outer(rows, columns) / max(observed.sum(), 1)
    return KnoxTest(
        observed=observed,
        margin_expected=margins,
        p_poisson=float(special.pdtrc(float(near[0, 0]), margins[0, 0])),
        expected=float(expected[0, 0]),
        ratio=float(_over(near, expected)[0, 0]),
        ratio_low=float(ratio_low[0, 0]),
        ratio_high=float(ratio_high[0, 0]),
        p=float(p[0, 0]),
        p_low=float(p_low[0, 0]),
        p_high=float(p_high[0, 0]),
        n_movable=pairs.blocks.n_movable,
        n_own_pairs=pairs.n_own,
        alternative=alternative,
        permutations=permutations,
        seed=seed,
    )


def space_labels(edges_m: Sequence[float]) -> tuple[str, ...]:
    """Name distance bands; each holds its lower bound and not its upper.

    Examples
    --------
    >>> space_labels((0, 1, 100, 250))
    ('same place', '1 to 100 m', '100 to 250 m')
    """
    return tuple(
        "same place" if low == 0 and high <= SAME_PLACE_M else f"{low:g} to {high:g} m"
        for low, high in pairwise(edges_m)
    )


def time_labels(edges_days: Sequence[float], *, whole_days: bool) -> tuple[str, ...]:
    """Name time bands; with whole days the last day in a band is named, otherwise its upper bound.

    Examples
    --------
    >>> time_labels((0, 1, 8, 15), whole_days=True)
    ('same day', '1 to 7 days', '8 to 14 days')
    >>> time_labels((0, 1, 8), whole_days=False)
    ('under 1 day', '1 to under 8 days')
    """
    named = []
    for low, high in pairwise(edges_days):
        first, last = math.ceil(low), math.ceil(high) - 1
        if not whole_days or first > last:
            named.append(f"{low:g} to under {high:g} days" if low else f"under {high:g} day{_plural(high)}")
        elif first == last:
            named.append("same day" if last == 0 else f"{last} day{_plural(last)}")
        else:
            named.append(f"{first} to {last} days")
    return tuple(named)


def _plural(number: float) -> str:
    return "" if number == 1 else "s"


def _over(observed: Integers, expected: Floats) -> Floats:
    none = expected == 0
    ratio: Floats = np.where(none, np.nan, observed / np.where(none, 1.0, expected))
    return ratio


def _expected(observed: Integers, chance: Integers) -> tuple[Floats, Floats, Floats]:
    """Mean of the shufflings, and the ratio's range from the standard error of that mean."""
    mean = chance.mean(axis=0)
    error = 1.96 * chance.std(axis=0) / np.sqrt(chance.shape[0])
    lower = np.maximum(mean - error, 0.0)
    high = np.where((lower == 0) & (mean > 0), np.inf, _over(observed, lower))
    return mean, _over(observed, mean + error), np.where(observed == 0, _over(observed, mean), high)


def _two_by_two(pairs: NearPairs, near: int, within_days: float) -> Integers:
    times = pairs.times.astype(np.float64)
    n, ordered = times.size, np.sort(times)
    in_time = int((np.searchsorted(ordered, ordered + within_days, side="right") - np.arange(1, n + 1)).sum())
    total = n * (n - 1) // 2
    for rows in pairs.blocks.members:
        one, other = np.triu_indices(rows.shape[1], k=1)
        total -= rows.shape[0] * one.size
        for row in rows if one.size else ():
            in_time -= int(np.count_nonzero(times[row[other]] - times[row[one]] <= within_days))
    in_space = pairs.first.size
    return np.array([[near, in_space - near], [in_time - near, total - in_space - in_time + near]])

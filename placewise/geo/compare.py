"""One place, two periods: whether its records rose or fell by more than ordinary variation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from placewise.core.errors import MissingValue
from placewise.geo.crs import Floats, Integers
from placewise.geo.intervals import Comparison, compare_counts
from placewise.geo.time_shuffle import require_days


class Period(NamedTuple):
    """Days from ``start`` up to, not including, ``end``, counted from any one moment.

    Attributes
    ----------
    start, end : float
    silent_days : float
        Days within it in which no reports were received (`series.reports_received`); no records may lie
        in them, and they do not count as time observed.
    """

    start: float
    end: float
    silent_days: float = 0.0

    @property
    def days_observed(self) -> float:
        """Its length less the silent days."""
        return self.end - self.start - self.silent_days


@dataclass(frozen=True)
class PeriodComparison:
    """The result of `compare_periods`.

    Attributes
    ----------
    incidents : Comparison
        All records: what happened, as recorded. One child's repeats can make it look extraordinary.
    each_child_once : Comparison
        The comparison to draw a verdict from: each child counts once in all, shared between the periods
        as its records are; each record without a child counts once.
    days_observed : tuple of float
        Now and at baseline.
    children : tuple of int
        Different children recorded now and at baseline (a child in both is in both).
    n_elsewhen : int
        Records in neither period, left out.
    """

    incidents: Comparison
    each_child_once: Comparison
    days_observed: tuple[float, float]
    children: tuple[int, int]
    n_elsewhen: int


def compare_periods(
    t_days: ArrayLike,
    *,
    now: Period,
    baseline: Period,
    child: ArrayLike | None = None,
    confidence: float = 0.95,
) -> PeriodComparison:
    """Compare the records of one place in two periods, by the exact test of `intervals.compare_counts`.

    Fix the periods before looking: a period chosen because it looked bad will look better next time
    whatever is done. "Ordinary" does not mean that nothing changed, and a difference has no cause
    attached.

    Parameters
    ----------
    t_days : array_like of shape (n,)
        Days from the moment the periods are counted from. Not modified.
    now, baseline : Period
        They must not overlap; their lengths may differ.
    child : array_like of int, shape (n,), optional
        Children's numbers, -1 for none.
    confidence : float

    Returns
    -------
    PeriodComparison

    Raises
    ------
    MissingValue
        A time is missing, or a period has no day in which reports were received.
    ValueError
        The periods overlap.

    Notes
    -----
    Given the total, the count now is binomial with its share s of the days observed (Przyborowski and
    Wilenski 1940, doi 10.1093/biomet/31.3-4.313). A child with a records now and b at baseline adds
    a / (a + b) to the count now: s on average when nothing changed, and scattered no more than if all its
    records fell into one period, so the binomial is an honest bound. The sum is rounded towards what is
    expected. Time O(n log n).

    Examples
    --------
    >>> done = compare_periods([1, 2, 3, 8, 9], now=Period(7, 14), baseline=Period(0, 7), child=[1, 1, 2, 1, 3])
    >>> done.incidents.count, done.incidents.baseline, done.children, done.each_child_once.verdict
    (2, 3, (2, 2), 'too_few')
    """
    times = require_days(t_days, np.size(np.asarray(t_days)))
    lengths = _require_periods(now, baseline)
    share = lengths[0] / sum(lengths)
    in_now, in_baseline = ((period.start <= times) & (times < period.end) for period in (now, baseline))
    own = _children(times.size, child)
    a, b = np.bincount(own[in_now], minlength=times.size), np.bincount(own[in_baseline], minlength=times.size)
    compare = partial(
        compare_counts, exposure=lengths[0], baseline_exposure=lengths[1], confidence=confidence
    )
    named = np.ones(times.size, dtype=bool) if child is None else np.asarray(child) >= 0
    once = _once(a, b, share)
    return PeriodComparison(
        incidents=compare(int(in_now.sum()), int(in_baseline.sum())),
        each_child_once=compare(*once),
        days_observed=lengths,
        children=(0, 0)
        if child is None
        else (_different(own, in_now & named), _different(own, in_baseline & named)),
        n_elsewhen=int((~(in_now | in_baseline)).sum()),
    )


def _different(own: Integers, which: np.ndarray) -> int:
    return int(np.unique(own[which]).size)


def _once(now: Integers, baseline: Integers, share: float) -> tuple[int, int]:
    """Sum each child's share of its records that are now, rounded towards what is expected."""
    both = now + baseline
    some = both > 0
    fractions: Floats = now[some] / both[some]
    # A sum of thirds may come out a rounding beside the whole number it is.
    total, count = int(some.sum()), round(float(fractions.sum()), 9)
    rounded = math.floor(count) if count > share * total else math.ceil(count)
    return rounded, total - rounded


def _children(n: int, child: ArrayLike | None) -> Integers:
    """Number children and records without a child from 0 to at most n - 1."""
    if child is None:
        return np.arange(n, dtype=np.int64)
    ids = np.asarray(child)
    if ids.shape != (n,) or not (np.issubdtype(ids.dtype, np.integer) or n == 0):
        raise ValueError("child needs one whole number a record, -1 for none")
    alone = np.where(ids < 0, -1 - np.arange(n), ids)
    return np.unique(alone, return_inverse=True)[1].astype(np.int64)


def _require_periods(now: Period, baseline: Period) -> tuple[float, float]:
    for period in (now, baseline):
        if not (math.isfinite(period.days_observed) and period.silent_days >= 0 and period.days_observed > 0):
            raise MissingValue(
                "A period has no day in which reports were received, so there is nothing to compare. "
                "Choose periods with reports."
            )
    if max(now.start, baseline.start) < min(now.end, baseline.end):
        raise ValueError("The two periods overlap, so a record would count in both")
    return now.days_observed, baseline.days_observed

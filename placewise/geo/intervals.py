"""How sure a count is, and whether two counts differ by more than chance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import special

from placewise.core.errors import MissingValue
from placewise.geo.crs import Flags, Floats

Verdict = Literal["higher", "lower", "ordinary", "too_few"]

# No search for the smallest detectable count goes past this; no place has so many records.
_LARGEST_COUNT = 1 << 40


def poisson_interval(count: ArrayLike, *, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Give the range of long-run averages that a count is compatible with.

    The range covers the scatter of independent events only. It knows nothing of events never reported,
    nor of one child's repeats, which make it too narrow.

    Parameters
    ----------
    count : array_like of int >= 0, shape (n,)
    confidence : float
        Between 0 and 1.

    Returns
    -------
    low, high : ndarray of float64, shape (n,)

    Raises
    ------
    MissingValue
        A count is missing, negative or not whole.

    Notes
    -----
    Exact (at least the stated confidence): Garwood 1936, doi 10.1093/biomet/28.3-4.437.

    Examples
    --------
    >>> low, high = poisson_interval([0, 4])
    >>> low.round(2).tolist(), high.round(2).tolist()      # for nought: -log(0.025) = 3.69
    ([0.0, 1.09], [3.69, 10.24])
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, not {confidence}")
    counts = np.asarray(count, dtype=np.float64)
    if not np.all((counts >= 0) & (counts == np.rint(counts))):
        raise MissingValue("Counts must be whole numbers of nought or more.")
    tail = (1 - confidence) / 2
    low = np.where(counts > 0, special.gammaincinv(np.maximum(counts, 1), tail), 0.0)
    return low, np.asarray(special.gammainccinv(counts + 1, tail), dtype=np.float64)


def apart_by_chance(expected: ArrayLike, *, confidence: float = 0.95) -> float:
    """Give how many counts would have an interval that misses their own long-run average, by chance alone.

    Fewer than the one in twenty that 95% allows: a whole number is seldom just as unlikely, and a count of nought
    says nothing against an average of less than 3.7.

    Parameters
    ----------
    expected : array_like of float > 0, shape (n,)
        Long-run averages; the counts are taken as independent (Poisson) and their intervals as `poisson_interval`.
    confidence : float

    Examples
    --------
    >>> round(apart_by_chance([1.0] * 100), 2)
    1.9
    """
    tail, average = (1 - confidence) / 2, np.asarray(expected, dtype=np.float64)
    most = np.ceil(special.pdtrik(1 - tail, average))
    least = np.where(np.exp(-average) < tail, np.ceil(special.pdtrik(tail, average)), 0.0)
    below = np.where(least > 0, special.pdtr(np.maximum(least, 1) - 1, average), 0.0)
    return float((special.pdtrc(most, average) + below).sum())


def with_intervals(
    counts: pd.Series, *, received: Flags | None = None, confidence: float = 0.95
) -> pd.DataFrame:
    """Add exact Poisson intervals to a series of counts, such as `series.monthly_counts` returns.

    Parameters
    ----------
    counts : Series of int
        Not modified; its index is kept.
    received : ndarray of bool, shape (n,), optional
        False where reports are missing (`series.reports_received`): the count stays, the interval becomes
        NaN, because an incomplete count says nothing about the average.

    Returns
    -------
    DataFrame
        Columns ``count``, ``low``, ``high``, ``received``.

    Examples
    --------
    >>> with_intervals(pd.Series([4], index=["May"])).round(2).to_dict("records")
    [{'count': 4, 'low': 1.09, 'high': 10.24, 'received': True}]
    """
    low, high = poisson_interval(counts.to_numpy(), confidence=confidence)
    complete = np.ones(len(counts), dtype=bool) if received is None else np.asarray(received, dtype=bool)
    return pd.DataFrame(
        {
            "count": counts.to_numpy(),
            "low": np.where(complete, low, np.nan),
            "high": np.where(complete, high, np.nan),
            "received": complete,
        },
        index=counts.index,
    )


@dataclass(frozen=True)
class Comparison:
    """Two counts side by side, and what may be said about them.

    Attributes
    ----------
    count, baseline : int
    verdict : {"higher", "lower", "ordinary", "too_few"}
        ``"too_few"``: so few that no division of them between the two could have stood out.
    p : float
        Exact two-sided chance of a division at least this uneven, had the rates been equal.
    rate_ratio, low, high : float
        Rate now over rate at baseline, with its interval; NaN where both counts are nought, infinite
        where only the baseline is.
    smallest_rise : int
        Smallest count that would have been called higher than this baseline.
    largest_fall : int or None
        Largest count that would have been called lower; None where not even nought would have been.
    """

    count: int
    baseline: int
    verdict: Verdict
    p: float
    rate_ratio: float
    low: float
    high: float
    smallest_rise: int
    largest_fall: int | None

    @property
    def sentence(self) -> str:
        """The verdict as a chair would say it."""
        pair = f"{self.count} against {self.baseline}"
        if self.verdict == "too_few":
            return f"{pair}: too few to tell"
        if self.verdict != "ordinary":
            return f"{pair}: {self.verdict}, by more than ordinary variation"
        fall = (
            "no fall, even to nought, could have"
            if self.largest_fall is None
            else f"so would a fall to {self.largest_fall} or fewer"
        )
        return f"{pair}: within ordinary variation (a rise to {self.smallest_rise} or more would stand out; {fall})"


def compare_counts(
    count: int,
    baseline: int,
    *,
    exposure: float = 1.0,
    baseline_exposure: float = 1.0,
    confidence: float = 0.95,
) -> Comparison:
    """Say whether a count differs from a baseline by more than ordinary variation.

    "Within ordinary variation" does not mean that nothing changed; read the smallest change that would
    have stood out. A difference does not say what caused it. Compare independent reports: one child's
    repeats make ordinary variation look extraordinary.

    Parameters
    ----------
    count, baseline : int >= 0
        Records now and in the period or place compared with.
    exposure, baseline_exposure : float > 0
        Their lengths (days) or sizes, in the same unit.
    confidence : float
        The verdict's false-alarm rate is at most ``1 - confidence``.

    Returns
    -------
    Comparison

    Raises
    ------
    MissingValue
        A count is negative or not whole, or an exposure not above nought.

    Notes
    -----
    Given the sum of two Poisson counts, the first is binomial with the share of exposure; p is twice the
    smaller exact tail, the interval Clopper and Pearson's. Przyborowski and Wilenski 1940,
    doi 10.1093/biomet/31.3-4.313; Clopper and Pearson 1934, doi 10.1093/biomet/26.4.404.

    Examples
    --------
    >>> compare_counts(4, 2).verdict, compare_counts(3, 2).verdict, compare_counts(6, 0).verdict
    ('ordinary', 'too_few', 'higher')
    >>> compare_counts(3, 2).sentence
    '3 against 2: too few to tell'
    >>> round(compare_counts(6, 0).p, 5)       # 2 * (1/2)**6
    0.03125
    """
    _check_comparison(count, baseline, exposure, baseline_exposure, confidence)
    alpha = 1 - confidence
    share = exposure / (exposure + baseline_exposure)
    p = _two_sided(count, baseline, share)
    total = count + baseline
    settled = min(_two_sided(total, 0, share), _two_sided(0, total, share)) <= alpha
    if not settled:
        verdict: Verdict = "too_few"
    elif p > alpha:
        verdict = "ordinary"
    else:
        verdict = "higher" if count / exposure > baseline / baseline_exposure else "lower"
    odds = baseline_exposure / exposure
    low, high = (odds * bound for bound in _odds_interval(count, baseline, alpha))
    return Comparison(
        count=count,
        baseline=baseline,
        verdict=verdict,
        p=p,
        rate_ratio=odds * _ratio(count, baseline),
        low=low,
        high=high,
        smallest_rise=_smallest_rise(baseline, share, alpha),
        largest_fall=_largest_fall(baseline, share, alpha),
    )


def _check_comparison(
    count: int, baseline: int, exposure: float, baseline_exposure: float, confidence: float
) -> None:
    if any(c < 0 or c != int(c) for c in (count, baseline)):
        raise MissingValue("Counts must be whole numbers of nought or more.")
    if not (0 < exposure < np.inf and 0 < baseline_exposure < np.inf):
        raise MissingValue("Both periods must be longer than nought.")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, not {confidence}")


def _at_least(count: int, total: int, share: float) -> float:
    """P(X >= count) for X ~ Binomial(total, share)."""
    return 1.0 if count <= 0 else float(special.betainc(count, total - count + 1, share))


def _two_sided(count: int, baseline: int, share: float) -> float:
    total = count + baseline
    smaller = min(_at_least(count, total, share), _at_least(baseline, total, 1 - share))
    return min(1.0, 2 * smaller)


def _ratio(count: float, baseline: float) -> float:
    if baseline:
        return count / baseline
    return float("inf") if count else float("nan")


def _odds_interval(count: int, baseline: int, alpha: float) -> tuple[float, float]:
    """Clopper–Pearson limits for the share of the total, as odds."""
    if count + baseline == 0:
        return float("nan"), float("nan")
    low = float(special.betaincinv(count, baseline + 1, alpha / 2)) if count else 0.0
    high = float(special.betaincinv(count + 1, baseline, 1 - alpha / 2)) if baseline else 1.0
    return low / (1 - low), high / (1 - high) if high < 1 else float("inf")


def _smallest_rise(baseline: int, share: float, alpha: float) -> int:
    """Double until a rise stands out, then halve the gap: the tail only falls as the count grows."""

    def stands_out(count: int) -> bool:
        return 2 * _at_least(count, count + baseline, share) <= alpha

    high = 1
    while not stands_out(high) and high < _LARGEST_COUNT:
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if stands_out(middle) else (middle, high)
    return high


def _largest_fall(baseline: int, share: float, alpha: float) -> int | None:
    def stands_out(count: int) -> bool:
        return 2 * _at_least(baseline, count + baseline, 1 - share) <= alpha

    if not stands_out(0):
        return None
    low, high = 0, 1
    while stands_out(high):
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if stands_out(middle) else (low, middle)
    return low

"""Is a series of steps rising or falling: Mann–Kendall's test and Sen's slope, for many cells at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from placewise.core.errors import MissingValue
from placewise.geo.crs import Floats, Integers
from placewise.geo.trend_pairs import compare

Correction = Literal["none", "hamed_rao"]

# Pairwise slopes held at once: 8 bytes each.
_SLOPES_AT_ONCE = 1 << 22
# Steps whose detrended values differ by less than this share of the largest are tied: the difference is
# rounding of the subtracted line.
_ROUNDING = 1e-12
_WHOLE = "iu"  # numpy's kinds of whole numbers, of which none is missing


@dataclass(frozen=True)
class Trend:
    """The result of `mann_kendall`, one entry a series.

    Attributes
    ----------
    s : ndarray of int64
        Later-is-higher pairs less later-is-lower pairs.
    variance : ndarray of float64
        Of ``s`` if there is no trend, allowing for ties and, if asked for, autocorrelation.
    z : ndarray of float64
        Standard score of ``s`` with continuity correction. NaN where it cannot be worked out.
    p : ndarray of float64
        Two-sided, from the normal approximation. NaN where z is.
    tau : ndarray of float64
        ``s`` over the number of pairs; −1 (always falling) to 1.
    n : ndarray of int64
        Known steps.
    correction : {"none", "hamed_rao"}
    """

    s: Integers
    variance: Floats
    z: Floats
    p: Floats
    tau: Floats
    n: Integers
    correction: Correction

    def direction(self, *, alpha: float = 0.05) -> NDArray[np.int8]:
        """Return 1 (rising), −1 (falling) or 0 (no discernible trend), shape (n,)."""
        clear = self.p <= alpha  # False where p is NaN
        return (np.sign(self.s) * clear).astype(np.int8)


@dataclass(frozen=True)
class Slope:
    """The result of `sens_slope`, one entry a series; NaN where fewer than two steps are known.

    Attributes
    ----------
    slope, low, high : ndarray of float64
        Change a step, and its confidence interval.
    """

    slope: Floats
    low: Floats
    high: Floats


def mann_kendall(
    series: ArrayLike,
    *,
    correction: Correction = "none",
    max_lag: int | None = None,
    alpha: float = 0.05,
) -> Trend:
    """Test each series for a steady rise or fall.

    "No trend found" is not "no change": a rise and a fall cancel, and ten steps show only strong trends.
    The test takes the steps for independent; where one step carries over into the next (overlapping
    windows do so by construction) it finds trends in noise, unless corrected.

    Parameters
    ----------
    series : array_like of float, shape (T,) or (T, n)
        Steps in rows, one series a column. NaN is a step that is not known: it is left out, not taken
        for nought. Short integers are quicker. Not modified.
    correction : {"none", "hamed_rao"}
        ``"hamed_rao"`` multiplies the variance by what significant autocorrelations of the detrended
        ranks add or take away. With few steps it is rough: `docs/methods.md` gives its false alarms.
        Gaps are closed up before lags are counted.
    max_lag : int, optional
        Longest lag ``"hamed_rao"`` looks at; all by default.
    alpha : float
        Two-sided level at which an autocorrelation counts.

    Returns
    -------
    Trend
        Arrays of shape (n,); (1,) for one series. A series of equal values has z 0 and p 1; one with
        fewer than three known steps, or whose corrected variance is not positive, has z and p NaN.

    Raises
    ------
    MissingValue
        A value is infinite.

    Notes
    -----
    ``S = Σ sign(x_j − x_i)`` over i < j, ``Var S = (n(n−1)(2n+5) − Σ t(t−1)(2t+5)) / 18`` over groups of
    t tied values, ``z = (S ∓ 1) / √Var S``. Time O(n T²), compiled for several (decision 0013). Mann 1945,
    doi 10.2307/1907187; Kendall 1975, Rank Correlation Methods; Hamed and Rao 1998,
    doi 10.1016/S0022-1694(97)00125-X.

    Examples
    --------
    >>> found = mann_kendall([10, 10, 10, 5, 10, 20, 18, 17, 15, 24, 15])     # EPA QA/G-9S, page 109
    >>> int(found.s[0]), round(float(found.variance[0]), 2), round(float(found.z[0]), 3)
    (22, 155.33, 1.685)
    """
    values = _columns(series)
    if correction not in {"none", "hamed_rao"}:
        raise ValueError(f"correction is none or hamed_rao, not {correction!r}")
    n = _known_steps(values)
    pairs = n * (n - 1) // 2
    rises, tied_pairs, tie_term = compare(values)
    s = 2 * rises - (pairs - tied_pairs)
    variance = (n * (n - 1) * (2 * n + 5) - tie_term) / 18
    if correction == "hamed_rao":
        variance = variance * _hamed_rao(values.astype(np.float64), n, max_lag, alpha)
    usable = (n >= 3) & ((variance > 0) | (s == 0))
    z = np.where(usable, 0.0, np.nan)
    moved = usable & (s != 0)
    z[moved] = (s[moved] - np.sign(s[moved])) / np.sqrt(variance[moved])
    p = 2 * special.ndtr(-np.abs(z))
    tau = np.where(pairs > 0, s / np.maximum(pairs, 1), np.nan)
    return Trend(s, variance, z, p, tau, n, correction)


def sens_slope(series: ArrayLike, *, confidence: float = 0.95) -> Slope:
    """Say how much each series changes a step, and how sure that is.

    The median over all pairs of steps of the change a step: a few odd months hardly move it. It describes
    the steps given; it is no forecast. For sparse counts it is often exactly 0, because most pairs are
    equal: then there is nothing to read from it.

    Parameters
    ----------
    series : array_like of float, shape (T,) or (T, n)
        As for `mann_kendall`; NaN is a step that is not known. Not modified.
    confidence : float
        Of the interval, which takes the steps for independent.

    Returns
    -------
    Slope
        Arrays of shape (n,), in units of the series a step.

    Raises
    ------
    MissingValue
        A value is infinite.

    Notes
    -----
    Of the N slopes in order, the interval's ends are those ranked (N ∓ C) / 2, C being the normal quantile
    times the deviation of Mann–Kendall's S. Time O(n T² log T). Sen 1968,
    doi 10.1080/01621459.1968.10480934.

    Examples
    --------
    >>> sens_slope([5.0, 6.0, 11.0, 8.0, 10.0]).slope.tolist()     # 3 before 5, 1, 1, 1, 1.25, 1.33, …
    [1.125]
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, not {confidence}")
    values = _columns(series).astype(np.float64, copy=False)
    steps, n = values.shape
    earlier, later = np.triu_indices(steps, k=1)
    out = np.full((3, n), np.nan)
    if not earlier.size:
        return Slope(*out)
    reach = special.ndtri((1 + confidence) / 2) * np.sqrt(mann_kendall(values).variance)
    block = max(1, _SLOPES_AT_ONCE // earlier.size)
    for start in range(0, n, block):
        part = slice(start, start + block)
        rows = np.ascontiguousarray(values[:, part].T)
        slopes = (rows[:, later] - rows[:, earlier]) / (later - earlier)
        slopes.sort(axis=1)  # NaN go last
        out[:, part] = _middle_and_ends(slopes, reach[part])
    return Slope(*out)


def _columns(series: ArrayLike) -> NDArray[Any]:
    """Return steps in rows, one series a column: integers as they are, other numbers as float64."""
    values = np.asarray(series)
    if values.dtype.kind not in _WHOLE:
        values = values.astype(np.float64, copy=False)
    if values.ndim == 1:
        values = values[:, None]
    if values.ndim != 2:
        raise ValueError(f"series has steps in rows and one series a column, not {values.ndim} dimensions")
    infinite = 0 if values.dtype.kind in _WHOLE else int(np.count_nonzero(np.isinf(values)))
    if infinite:
        raise MissingValue(f"{infinite} of {values.size} values are infinite; a step not known is NaN.")
    return values


def _known_steps(values: NDArray[Any]) -> Integers:
    if values.dtype.kind in _WHOLE:
        return np.full(values.shape[1], values.shape[0], dtype=np.int64)
    known: Integers = np.count_nonzero(~np.isnan(values), axis=0).astype(np.int64)
    return known


def _hamed_rao(values: Floats, n: Integers, max_lag: int | None, alpha: float) -> Floats:
    """Return by how much autocorrelation multiplies the variance of S."""
    steps = values.shape[0]
    slope = sens_slope(values).slope
    known_first = np.argsort(np.isnan(values), axis=0, kind="stable")
    closed = np.take_along_axis(values, known_first, axis=0)
    detrended = closed - np.arange(1, steps + 1)[:, None] * np.nan_to_num(slope)
    grain = _ROUNDING * np.nanmax(np.abs(np.where(np.isnan(closed), 0.0, detrended)), axis=0, initial=1.0)
    detrended = np.rint(detrended / grain)
    present = np.arange(steps)[:, None] < n
    ranks = stats.rankdata(np.where(present, detrended, np.inf), axis=0)
    # Steps past the last known one add nothing to any product below.
    centred = np.where(present, ranks - (n + 1) / 2, 0.0)
    power = (centred**2).sum(axis=0)
    size = n.astype(np.float64)
    limit = special.ndtri(1 - alpha / 2) / np.sqrt(np.maximum(size, 1))
    extra = np.zeros(values.shape[1])
    for lag in range(1, min(steps, steps if max_lag is None else max_lag + 1)):
        product = (centred[lag:] * centred[:-lag]).sum(axis=0)
        correlation = np.divide(product, power, out=np.zeros_like(power), where=power > 0)
        weight = (size - lag) * (size - lag - 1) * (size - lag - 2)
        extra += np.where((np.abs(correlation) > limit) & (lag < n), weight * correlation, 0.0)
    factor: Floats = 1 + 2 * extra / np.maximum(size * (size - 1) * (size - 2), 1)
    return factor


def _middle_and_ends(slopes: Floats, reach: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the median and the interval's ends of each row, which is sorted with NaN last."""
    count = np.count_nonzero(~np.isnan(slopes), axis=1)
    last = np.maximum(count - 1, 0)
    row = np.arange(count.size)
    middle = (slopes[row, last // 2] + slopes[row, (last + 1) // 2]) / 2
    low = np.clip(np.rint((count - reach) / 2).astype(np.int64) - 1, 0, last)
    high = np.clip(np.rint((count + reach) / 2).astype(np.int64), 0, last)
    return middle, slopes[row, low], slopes[row, high]

"""Is there a part of the year with more, or fewer, events than the rest, year after year."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from placewise.core.errors import MissingValue
from placewise.geo.crs import Flags, Floats, Integers
from placewise.geo.trend import sens_slope

MONTHS_A_YEAR = 12
# Standardised sums that differ by less are equal: the difference is rounding.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Season:
    """The run of calendar months that differs most from the rest of the year, and what chance makes of it.

    Attributes
    ----------
    first : int
        Calendar month in which the run begins, 1 to 12; it may run past December.
    length : int
        Months in the run.
    more : bool
        More than in the rest of the year; False for fewer.
    z : float
        Standardised rank sum of the run; 0 where all months are equal.
    p : float
        Chance of a run, of any length looked for and wherever in the year, at least so far from the rest;
        in (0, 1].
    n_months : int
        Known months.
    """

    first: int
    length: int
    more: bool
    z: float
    p: float
    n_months: int


def find_season(
    counts: ArrayLike,
    *,
    first_month: int,
    days: ArrayLike | None = None,
    lengths: Sequence[int] = (1, 2, 3, 4),
    detrend: bool = True,
    permutations: int = 1999,
    seed: int = 0,
) -> Season:
    """Say which run of calendar months has most, or fewest, events, and whether chance would give as much.

    Months are ranked within each year, so one month of one year, however extreme, weighs no more than the
    highest of twelve: a burst is not a season. "No season found" is not "evenly spread": with two years only
    a strong season can be told from chance. It knows nothing of who reported: schools send little in the
    holidays.

    Parameters
    ----------
    counts : array_like of float >= 0, shape (n,)
        Events of consecutive months; NaN where a month is not known. Not modified.
    first_month : int
        Calendar month of the first count, 1 to 12.
    days : array_like of float > 0, shape (n,), optional
        Days observed in each month; equal by default.
    lengths : sequence of int
        Lengths of the runs looked for, 1 to 11.
    detrend : bool
        Take Sen's slope away first, or a steady rise would read as a season at the end of each year.
    permutations : int
        Shuffles of the months within each year.
    seed : int

    Returns
    -------
    Season

    Raises
    ------
    MissingValue
        No month is known, or a count is negative or infinite.

    Notes
    -----
    Years are blocks of twelve months counted back from the last. The statistic is the largest standardised
    sum of within-year ranks over all runs, in either direction; for one year and one length in one direction
    it is Hewitt's (Hewitt et al. 1971, doi 10.1136/jech.25.3.174; other lengths: Rogerson 1996, doi
    10.1093/ije/25.3.644). Time O(permutations × n).

    Examples
    --------
    >>> found = find_season([2, 3, 2, 1, 2, 9, 8, 9, 2, 1, 3, 2] * 3, first_month=1)
    >>> found.first, found.length, found.more, found.p < 0.01
    (6, 3, True, True)
    """
    values = _checked(counts)
    rates = values if days is None else values / np.asarray(days, dtype=np.float64)
    if detrend:
        slope = float(np.nan_to_num(sens_slope(rates).slope[0]))
        rates = rates - slope * np.arange(rates.size)
    scores, known, month = _by_year(rates, first_month)
    runs = _runs(lengths)
    scale = np.sqrt(_variance(scores, known, month, runs))
    rng = np.random.default_rng(seed)
    observed = _standardised(_folded(scores[None], month), runs, scale)[0]
    shuffled = np.zeros((permutations, MONTHS_A_YEAR))
    for year in range(scores.shape[0]):
        here = np.flatnonzero(known[year])
        drawn = rng.permuted(np.tile(scores[year, here], (permutations, 1)), axis=1)
        shuffled[:, month[here]] += drawn
    largest = np.abs(_standardised(shuffled, runs, scale)).max(axis=1)
    best = int(np.abs(observed).argmax())
    reached = int(np.count_nonzero(largest >= abs(observed[best]) - _ROUNDING))
    return Season(
        first=int(best % MONTHS_A_YEAR) + 1,
        length=int(lengths[best // MONTHS_A_YEAR]),
        more=bool(observed[best] > 0),
        z=float(observed[best]),
        p=(1 + reached) / (1 + permutations),
        n_months=int(known.sum()),
    )


def _checked(counts: ArrayLike) -> Floats:
    values = np.asarray(counts, dtype=np.float64)
    if values.ndim != 1 or not np.isfinite(values).any():
        raise MissingValue("A season needs the counts of consecutive months, some of them known.")
    if np.any(np.isinf(values)) or np.any(values < 0):
        raise MissingValue("A monthly count is negative or infinite.")
    return values


def _by_year(rates: Floats, first_month: int) -> tuple[Floats, Flags, Integers]:
    """Return centred ranks within each year (years, 12), which are known, and each column's calendar month."""
    before = -rates.size % MONTHS_A_YEAR
    table = np.concatenate([np.full(before, np.nan), rates]).reshape(-1, MONTHS_A_YEAR)
    known = ~np.isnan(table)
    scores = np.zeros(table.shape)
    for year, here in enumerate(known):
        if here.any():
            # Subtracting the slope leaves rounding behind; equal rates must stay equal.
            ranks = stats.rankdata(np.round(table[year, here], 9))
            scores[year, here] = ranks - ranks.mean()
    month = (first_month - 1 - before + np.arange(MONTHS_A_YEAR)) % MONTHS_A_YEAR
    return scores, known, month


def _runs(lengths: Sequence[int]) -> Floats:
    """Return which calendar months each run covers, shape (12, 12 × lengths): for each length, each beginning."""
    first, month = np.meshgrid(np.arange(MONTHS_A_YEAR), np.arange(MONTHS_A_YEAR))
    after = (month - first) % MONTHS_A_YEAR
    return np.concatenate([(after < length).astype(np.float64) for length in lengths], axis=1)


def _variance(scores: Floats, known: Flags, month: Integers, runs: Floats) -> Floats:
    """Return the variance of each run's sum when scores are dealt to the known months of their year at random."""
    variance = np.zeros(runs.shape[1])
    for year, here in enumerate(known):
        m = int(here.sum())
        if m > 1:
            covered = here.astype(np.float64) @ runs[month]
            variance += covered * (m - covered) / (m - 1) * scores[year, here].var()
    return variance


def _folded(scores: Floats, month: Integers) -> Floats:
    folded = np.zeros((scores.shape[0], MONTHS_A_YEAR))
    folded[:, month] = scores.sum(axis=1)
    return folded


def _standardised(sums: Floats, runs: Floats, scale: Floats) -> Floats:
    found: Floats = np.divide(sums @ runs, scale, out=np.zeros((sums.shape[0], scale.size)), where=scale > 0)
    return found

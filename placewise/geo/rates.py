"""Counts against something: residents, children or a background, with the denominator named."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from placewise.core.errors import MissingValue, TooFewRecords
from placewise.geo.crs import Flags, Floats, require_counts
from placewise.geo.intervals import poisson_interval

IntervalKind = Literal["exact", "bootstrap", "student"]

# Below these a rate is refused: it would swing with a single record, and a small number of residents or
# children can point to one of them. They are defaults; a partnership may be stricter.
SMALLEST_POPULATION = 100.0
SMALLEST_BACKGROUND = 20.0
SMALLEST_CHILDREN = 10


@dataclass(frozen=True)
class Rates:
    """Rates, one entry a cell or area, and what they are rates of.

    Attributes
    ----------
    count, denominator : ndarray of float64
    denominator_is : str
        The denominator in words, to be shown with every figure.
    per : float
        The rate is ``per × count / denominator``; a location quotient has 1.
    rate, low, high : ndarray of float64
        The rate and its interval; NaN where refused.
    too_small : ndarray of bool
        The denominator is below ``smallest``, so no rate is given.
    smallest : float
    confidence : float
    interval : {"exact", "bootstrap", "student"}
    """

    count: Floats
    denominator: Floats
    denominator_is: str
    per: float
    rate: Floats
    low: Floats
    high: Floats
    too_small: Flags
    smallest: float
    confidence: float = field(repr=False)
    interval: IntervalKind


def population_rates(
    count: ArrayLike,
    population: ArrayLike,
    *,
    population_is: str,
    per: float = 1000.0,
    smallest: float = SMALLEST_POPULATION,
    confidence: float = 0.95,
) -> Rates:
    """Return records per so many residents.

    Not the risk of a resident: those recorded in a town centre mostly live elsewhere. The interval covers
    the scatter of independent records only; count each child once (`counts.independent_reports_per_cell`).

    Parameters
    ----------
    count : array_like of int >= 0, shape (n,)
    population : array_like of float >= 0, shape (n,)
        Residents, or resident-years for a period other than a year; taken as known.
    population_is : str
        For example "residents aged 10 to 17, mid-2020".
    per : float
    smallest : float
        Denominators below are refused.
    confidence : float

    Raises
    ------
    MissingValue
        A count is missing, negative or not whole, or a population missing or negative.
    TooFewRecords
        Every denominator is too small.

    Notes
    -----
    Exact Poisson limits: Garwood 1936, doi 10.1093/biomet/28.3-4.437.

    Examples
    --------
    >>> rates = population_rates([4, 1], [2000, 60], population_is="residents aged 10 to 17")
    >>> rates.rate.tolist(), rates.low.round(2).tolist(), rates.too_small.tolist()
    ([2.0, nan], [0.54, nan], [False, True])
    """
    counts, people = _pair(count, population, "populations")
    low, high = poisson_interval(counts, confidence=confidence)
    return rates_of(
        (counts, low, high), people, population_is, per=per, smallest=smallest, confidence=confidence
    )


def background_rates(
    count: ArrayLike,
    background: ArrayLike,
    *,
    background_is: str,
    counted_in: bool,
    per: float = 100.0,
    smallest: float = SMALLEST_BACKGROUND,
    confidence: float = 0.95,
) -> Rates:
    """Return records per so many of a chosen background, such as all incidents recorded there.

    A high figure may come from a background that is low or badly recorded. Choose the background before
    the data are seen.

    Parameters
    ----------
    count, background : array_like of int >= 0, shape (n,)
    background_is : str
        For example "all recorded incidents, same months".
    counted_in : bool
        Whether the records are part of the background (a share) or apart from it (a ratio).
    per, smallest, confidence
        As for `population_rates`.

    Raises
    ------
    MissingValue
        A count is missing, negative, not whole, or more than the background it is part of.
    TooFewRecords
        Every denominator is too small.

    Notes
    -----
    Exact: for a share Clopper and Pearson 1934, doi 10.1093/biomet/26.4.404; for a ratio the same, given
    the sum (Przyborowski and Wilenski 1940, doi 10.1093/biomet/31.3-4.313).

    Examples
    --------
    >>> share = background_rates([5], [50], background_is="all incidents", counted_in=True)
    >>> share.rate.tolist(), share.low.round(1).tolist(), share.high.round(1).tolist()
    ([10.0], [3.3], [21.8])
    """
    counts, others = _pair(count, background, "backgrounds")
    _check_whole(others)
    if counted_in and np.any(counts > others):
        raise MissingValue("A count is more than the background it is said to be part of.")
    total = others if counted_in else counts + others
    low, high = _share_limits(counts, total, confidence)
    if not counted_in:
        low, high = _odds(low), _odds(high)
    edges = (counts, _times(low, others), _times(high, others))
    return rates_of(edges, others, background_is, per=per, smallest=smallest, confidence=confidence)


def location_quotients(
    count: ArrayLike,
    background: ArrayLike,
    *,
    background_is: str,
    background_is_counted: bool,
    smallest: float = SMALLEST_BACKGROUND,
    confidence: float = 0.95,
) -> Rates:
    """Compare each cell's share of the records with its share of a background; 1 is like the whole area.

    Above 1 says "more of the records than of the background", not "many": two records can give a large
    quotient. Choose the background before the data are seen.

    Parameters
    ----------
    count : array_like of int >= 0, shape (n,)
        Records; count each child once, or use `repeat_rates.location_quotients_by_child`.
    background : array_like of float >= 0, shape (n,)
        Residents, or records apart from those counted.
    background_is : str
    background_is_counted : bool
        True: the background is itself a count of records (whole numbers) and scatters like them. False: it
        is known, like a census.
    smallest, confidence
        As for `population_rates`.

    Raises
    ------
    MissingValue
        A count is missing, negative or not whole, or a background missing or negative.
    TooFewRecords
        There are no records, or every denominator is too small.

    Notes
    -----
    Exact, given the total of the records: Clopper and Pearson 1934, doi 10.1093/biomet/26.4.404; with a
    counted background given the cell's sum of both, taking the two totals as known. LQ: Brantingham and
    Brantingham 1997 (location quotients in crime analysis), after Isard 1960.

    Examples
    --------
    >>> lq = location_quotients([6, 4], [30, 70], background_is="residents", background_is_counted=False)
    >>> lq.rate.round(3).tolist()
    [2.0, 0.571]
    """
    counts, others = _pair(count, background, "backgrounds")
    n, all_others = counts.sum(), others.sum()
    if not n:
        raise TooFewRecords("There are no records to compare with the background.")
    if background_is_counted:
        _check_whole(others)
        low, high = (_odds(bound) for bound in _share_limits(counts, counts + others, confidence))
        edges = (counts, _times(low, others), _times(high, others))
    else:
        low, high = _share_limits(counts, np.full_like(counts, n), confidence)
        edges = (counts, low * n, high * n)
    return rates_of(
        edges,
        others,
        background_is,
        per=all_others / n,
        smallest=smallest,
        confidence=confidence,
        quotient=True,
    )


def rates_of(
    edges: tuple[Floats, Floats, Floats],
    denominator: Floats,
    denominator_is: str,
    *,
    per: float,
    smallest: float,
    confidence: float,
    refused: Flags | None = None,
    interval: IntervalKind = "exact",
    quotient: bool = False,
) -> Rates:
    """Divide a count and its limits by a denominator, refusing where that is too small.

    Parameters
    ----------
    edges : tuple of ndarray, shape (n,)
        Count, lower and upper limit of the count.
    refused : ndarray of bool, shape (n,), optional
        Cells to refuse for another reason.
    quotient : bool
        ``per`` is part of the figure's definition, not a unit to show.

    Raises
    ------
    TooFewRecords
        Nothing is left.
    """
    if not denominator_is.strip():
        raise ValueError("the denominator must be named")
    too_small = (denominator < smallest) | (denominator <= 0)
    if refused is not None:
        too_small |= refused
    if too_small.all():
        raise TooFewRecords(
            f"No rate can be given: every denominator ({denominator_is}) is below {smallest:g}, or too few "
            "children are recorded. Use larger areas or a longer period."
        )
    below = np.where(too_small, np.nan, denominator)
    rate, low, high = (per * edge / below for edge in edges)
    return Rates(
        edges[0],
        denominator,
        denominator_is,
        1.0 if quotient else per,
        rate,
        low,
        high,
        too_small,
        float(smallest),
        confidence,
        interval,
    )


def _pair(count: ArrayLike, denominator: ArrayLike, what: str) -> tuple[Floats, Floats]:
    counts, others = require_counts(count), require_counts(denominator, what=what)
    _check_whole(counts)
    if counts.shape != others.shape:
        raise ValueError(f"{counts.size} counts for {others.size} {what}")
    return counts, others


def _check_whole(counts: Floats) -> None:
    if np.any(counts != np.rint(counts)):
        raise MissingValue("Counts must be whole numbers of nought or more.")


def _times(bound: Floats, background: Floats) -> Floats:
    """Multiply limits by a background; where there is none an infinite limit means nothing, and is refused later."""
    return np.where(background > 0, bound, 0.0) * background


def _share_limits(count: Floats, total: Floats, confidence: float) -> tuple[Floats, Floats]:
    """Clopper and Pearson's limits of a share; 0 to 1 where there is nothing to share."""
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, not {confidence}")
    tail, rest = (1 - confidence) / 2, total - count
    low = np.where(count > 0, special.betaincinv(np.maximum(count, 1), rest + 1, tail), 0.0)
    high = np.where(rest > 0, special.betaincinv(count + 1, np.maximum(rest, 1), 1 - tail), 1.0)
    return low, high


def _odds(share: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        odds: Floats = share / (1 - share)
    return odds

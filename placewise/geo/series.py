"""Counts by calendar month, and which months an agency reported in at all."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from placewise.core.errors import MissingValue
from placewise.geo.crs import Flags
from placewise.geo.local_time import LONDON, intervals

Sharing = Literal["midpoint", "proportional"]

SILENT_MONTHS = 2
MIN_REPORTING_MONTHS = 3
#: Who sends so many records in a usual month has no month without any by chance (e to the -10).
NEVER_NONE = 10


def monthly_counts(
    start: pd.Series | pd.DatetimeIndex,
    end: pd.Series | pd.DatetimeIndex | None = None,
    *,
    first_month: pd.Period | str,
    last_month: pd.Period | str,
    sharing: Sharing = "midpoint",
) -> pd.Series:
    """Count events by month of the London calendar.

    A count is of records received. A nought may be a quiet month or a silent agency: see
    `reports_received`.

    Parameters
    ----------
    start, end : Series or DatetimeIndex of datetime64, shape (n,)
        Events lie in [start, end); with a time zone, or without for London time. A missing end means an
        instant. Not modified.
    first_month, last_month : Period or str
        Such as ``"2026-01"``; both are included. Events outside are left out.
    sharing : {"midpoint", "proportional"}
        What becomes of an event that spans months. ``"midpoint"`` (the default) gives it whole to the
        month of its middle, so that counts stay whole and their intervals exact; ``"proportional"``
        shares it by elapsed time.

    Returns
    -------
    Series
        Indexed by monthly Period, one row a month without gaps; int64, or float64 if proportional.

    Raises
    ------
    MissingValue
        A start is missing or an end precedes its start.

    Examples
    --------
    >>> utc = pd.DatetimeIndex(["2026-06-30 23:30", "2026-06-30 22:30"], tz="UTC")   # 00:30 and 23:30 BST
    >>> monthly_counts(utc, first_month="2026-06", last_month="2026-07").tolist()
    [1, 1]
    """
    begins, ends = intervals(start, end)
    months = pd.period_range(first_month, last_month, freq="M")
    if not len(months):
        raise ValueError(f"last_month {last_month} is before first_month {first_month}")
    edges = (
        pd.date_range(months[0].start_time, periods=len(months) + 1, freq="MS", tz=LONDON).as_unit("ns").asi8
    )
    from_ns, to_ns = begins.asi8, ends.asi8
    if sharing == "midpoint":
        counts = _by_instant(from_ns + (to_ns - from_ns) // 2, edges)
    elif sharing == "proportional":
        counts = _by_overlap(from_ns, to_ns, edges)
    else:
        raise ValueError(f"sharing is midpoint or proportional, not {sharing!r}")
    return pd.Series(counts, index=months, name="count")


def _by_instant(instant: np.ndarray, edges: np.ndarray) -> np.ndarray:
    month = np.searchsorted(edges, instant, side="right")
    return np.bincount(month, minlength=edges.size + 1)[1 : edges.size].astype(np.int64)


def _by_overlap(from_ns: np.ndarray, to_ns: np.ndarray, edges: np.ndarray) -> np.ndarray:
    instant = to_ns == from_ns
    counts = _by_instant(from_ns[instant], edges).astype(np.float64)
    lasting, until = from_ns[~instant], to_ns[~instant]
    length = (until - lasting).astype(np.float64)
    for month in range(edges.size - 1):
        overlap = np.minimum(until, edges[month + 1]) - np.maximum(lasting, edges[month])
        counts[month] += (np.maximum(overlap, 0) / length).sum()
    return counts


def reports_held(counts: pd.DataFrame) -> pd.DataFrame:
    """Tell months about which an agency reported from months of which nothing of it is held.

    The one rule for map, places and home: an agency reported about a month if at least one record of it
    about that month, of any kind and anywhere, is held. Nothing else is proof of a report.

    Parameters
    ----------
    counts : DataFrame of int >= 0, shape (months, agencies)
        Not modified.

    Returns
    -------
    DataFrame of bool, same shape

    Raises
    ------
    MissingValue
        A count is missing or negative.

    Examples
    --------
    >>> reports_held(pd.DataFrame({"police": [5, 0, 6]}))["police"].tolist()
    [True, False, True]
    """
    if not np.all(counts.to_numpy(dtype=np.float64) >= 0):
        raise MissingValue("Monthly counts must be numbers of nought or more.")
    return counts > 0


def reports_received(counts: pd.DataFrame) -> pd.DataFrame:
    """Tell months in which an agency's reports must be missing from those in which they may be whole.

    An inference from the counts alone: it cannot see an agency that sent half of what it knew, nor one
    that truly had nothing for two months. Where an agency says what it sent, believe that instead. True
    says only that nothing is known to be missing; whether anything came at all, `reports_held` says.

    Parameters
    ----------
    counts : DataFrame of int >= 0, shape (months, agencies)
        Consecutive months in rows, agencies in columns. Not modified.

    Returns
    -------
    DataFrame of bool, same shape
        False where reports are missing. The rule: an agency that sends `NEVER_NONE` or more in its median
        month with reports is missing in every month without any. Another agency that *usually reports* — at least
        `MIN_REPORTING_MONTHS` months with reports, and a median above nought from its first such month to
        its last — and shows nought for `SILENT_MONTHS` or more consecutive months was silent in those
        months. One lone nought of it, and any nought of an agency that reports now and then, may be a
        quiet month.

    Raises
    ------
    MissingValue
        A count is missing or negative.

    Examples
    --------
    >>> counts = pd.DataFrame({"police": [5, 4, 0, 6, 5, 7], "health": [3, 2, 4, 3, 0, 0]})
    >>> reports_received(counts)["health"].tolist(), bool(reports_received(counts)["police"].all())
    ([True, True, True, True, False, False], True)
    """
    held = reports_held(counts).to_numpy()
    values = counts.to_numpy(dtype=np.float64)
    received = np.ones(values.shape, dtype=bool)
    for column in range(values.shape[1]):
        if _never_without(values[:, column]):
            received[:, column] = held[:, column]
        elif _usually_reports(values[:, column]):
            received[:, column] = ~_long_silence(values[:, column])
    return pd.DataFrame(received, index=counts.index, columns=counts.columns)


def _never_without(values: np.ndarray) -> bool:
    return bool(values.any() and np.median(values[values > 0]) >= NEVER_NONE)


def _usually_reports(values: np.ndarray) -> bool:
    reporting = np.flatnonzero(values)
    if reporting.size < MIN_REPORTING_MONTHS:
        return False
    return bool(np.median(values[reporting[0] : reporting[-1] + 1]) > 0)


def _long_silence(values: np.ndarray) -> Flags:
    """Mark runs of at least `SILENT_MONTHS` noughts."""
    edge = np.diff(np.concatenate([[0], (values == 0).astype(np.int8), [0]]))
    starts, stops = np.flatnonzero(edge == 1), np.flatnonzero(edge == -1)
    silent = np.zeros(values.size, dtype=bool)
    for first, stop in zip(starts, stops, strict=True):
        if stop - first >= SILENT_MONTHS:
            silent[first:stop] = True
    return silent

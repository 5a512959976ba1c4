"""Hour by weekday: when events happened, as far as their times are known."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from placewise.geo.crs import Flags, Floats, Integers
from placewise.geo.local_time import HOUR_NS, LONDON, intervals

HOURS_A_WEEK = 168
_WEEK_NS = HOURS_A_WEEK * HOUR_NS


@dataclass(frozen=True)
class WeekClock:
    """Weights by weekday and hour, and the events that could not take part.

    Attributes
    ----------
    weights : ndarray of float64, shape (7, 24)
        Row 0 is Monday, column h the hour from h:00, London time. The sum is ``n``.
    n : int
        Events spread.
    n_time_unknown : int
        Events known only by date or month: left out.
    """

    weights: Floats = field(repr=False)
    n: int
    n_time_unknown: int


def week_clock(
    start: pd.Series | pd.DatetimeIndex,
    end: pd.Series | pd.DatetimeIndex | None = None,
    *,
    time_known: Flags | None = None,
) -> WeekClock:
    """Spread each event evenly over the hours in which it may have happened.

    A cell's weight is the number of events to *expect* there if every moment of an event's interval was
    equally likely. It is not a count, and broad bands often tell of long intervals ("some time that
    night") and not of long-lasting harm.

    Parameters
    ----------
    start, end : Series or DatetimeIndex of datetime64, shape (n,)
        Events lie in [start, end); with a time zone, or without for London time. A missing end, or none
        given, means an instant, which falls in the hour that begins at or before it. Not modified.
    time_known : ndarray of bool, shape (n,), optional
        False for events known only to the day or month. They are left out and counted: spreading them
        evenly would wash out the pattern.

    Returns
    -------
    WeekClock

    Raises
    ------
    MissingValue
        A start is missing where the time is known, or an end precedes its start.

    Notes
    -----
    Every event weighs 1. One of a week or longer adds 1/168 to each cell. Weight follows elapsed time, so
    across a clock change the hour that occurs twice gets twice as much. Time O(hours covered).
    Ratcliffe 2002, doi 10.1023/A:1013240828824 (aoristic analysis).

    Examples
    --------
    >>> start = pd.DatetimeIndex(["2026-05-14 22:15"])         # a Thursday
    >>> clock = week_clock(start, pd.DatetimeIndex(["2026-05-15 00:15"]))
    >>> clock.weights[3, 22:].tolist(), clock.weights[4, :1].tolist()
    ([0.375, 0.5], [0.125])
    """
    known = np.ones(len(start), dtype=bool) if time_known is None else np.asarray(time_known, dtype=bool)
    if known.shape != (len(start),):
        raise ValueError(f"time_known has shape {known.shape} for {len(start)} events")
    if end is not None and len(end) != len(start):
        raise ValueError(f"{len(end)} ends for {len(start)} starts")
    begins, ends = intervals(start[known], None if end is None else end[known])
    from_ns, to_ns = begins.asi8, ends.asi8
    long = to_ns - from_ns >= _WEEK_NS
    weights = _spread(from_ns[~long], to_ns[~long])
    weights += long.sum() / HOURS_A_WEEK
    return WeekClock(weights.reshape(7, 24), int(known.sum()), int((~known).sum()))


def _spread(from_ns: Integers, to_ns: Integers) -> Floats:
    """Cut intervals at each whole UTC hour; London's offset is whole hours, so its hours cut there too."""
    first = from_ns // HOUR_NS
    pieces = np.maximum(-(-to_ns // HOUR_NS) - first, 1)
    event = np.repeat(np.arange(first.size), pieces)
    rank = np.arange(event.size) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    hour = first[event] + rank
    covered = np.minimum(to_ns[event], (hour + 1) * HOUR_NS) - np.maximum(from_ns[event], hour * HOUR_NS)
    length = (to_ns - from_ns)[event]
    instant = length == 0
    share = np.where(instant, 1.0, covered / np.where(instant, 1, length))
    return np.bincount(_hour_of_week(hour), weights=share, minlength=HOURS_A_WEEK).astype(np.float64)


def _hour_of_week(utc_hour: Integers) -> Integers:
    """Return 0 (Monday 0:00 London) to 167; each hour's offset is looked up once."""
    first, last = (int(utc_hour.min()), int(utc_hour.max())) if utc_hour.size else (0, -1)
    if last - first < utc_hour.size:  # a table of every hour between costs less than sorting
        distinct, position = np.arange(first, last + 1), utc_hour - first
    else:
        distinct, position = np.unique(utc_hour, return_inverse=True)
    local = pd.DatetimeIndex((distinct * HOUR_NS).view("datetime64[ns]"), tz="UTC").tz_convert(LONDON)
    week_hour: Integers = local.day_of_week.to_numpy() * 24 + local.hour.to_numpy()
    return week_hour[position]

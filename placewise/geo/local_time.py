"""Instants and the clock on the wall: everything partners write is London time."""

from __future__ import annotations

import numpy as np
import pandas as pd

from placewise.core.errors import MissingValue

LONDON = "Europe/London"
HOUR_NS = 3_600_000_000_000


def london_times(times: pd.Series | pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Return times as instants in Europe/London; the input is not modified.

    Parameters
    ----------
    times : Series or DatetimeIndex of datetime64, shape (n,)
        With a time zone (converted) or without (read as the London clock: an hour that occurs twice in
        October is taken as the first, one that does not occur in March as the next hour's start).

    Examples
    --------
    >>> summer = pd.DatetimeIndex(["2026-06-30 23:30"], tz="UTC")
    >>> str(london_times(summer)[0])
    '2026-07-01 00:30:00+01:00'
    """
    index = pd.DatetimeIndex(times)
    if index.tz is None:
        first = np.ones(len(index), dtype=bool)
        return index.as_unit("ns").tz_localize(LONDON, ambiguous=first, nonexistent="shift_forward")
    return index.as_unit("ns").tz_convert(LONDON)


def intervals(
    start: pd.Series | pd.DatetimeIndex, end: pd.Series | pd.DatetimeIndex | None
) -> tuple[pd.DatetimeIndex, pd.DatetimeIndex]:
    """Return starts and ends in Europe/London; a missing end means an instant.

    Raises
    ------
    MissingValue
        A start is missing, or an end lies before its start; the message counts them.
    """
    begins = london_times(start)
    absent = int(np.count_nonzero(begins.isna()))
    if absent:
        raise MissingValue(
            f"{absent} of {len(begins)} events have no start time. Leave them out and count them."
        )
    if end is None:
        return begins, begins
    ends = london_times(end)
    if len(ends) != len(begins):
        raise ValueError(f"{len(ends)} ends for {len(begins)} starts")
    ends = ends.where(ends.notna(), begins)
    backwards = int(np.count_nonzero(ends < begins))
    if backwards:
        raise MissingValue(f"{backwards} of {len(begins)} events end before they start.")
    return begins, ends

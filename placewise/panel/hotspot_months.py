"""Calendar months of London: how the map speaks of time."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

#: Long enough for each season once.
USUAL_MONTHS = 12
LONDON = ZoneInfo("Europe/London")
_SHAPE = re.compile(r"(?:19|20)\d\d-(?:0[1-9]|1[0-2])")


def is_month(text: str) -> bool:
    """Whether a text is a month such as ``2026-05``."""
    return bool(_SHAPE.fullmatch(text))


def month_of(moment: datetime) -> str:
    """Month of an instant, in London.

    >>> from datetime import UTC
    >>> month_of(datetime(2026, 6, 30, 23, 30, tzinfo=UTC))
    '2026-07'
    """
    return f"{moment.astimezone(LONDON):%Y-%m}"


def moved(month: str, by: int) -> str:
    """The month ``by`` months later (earlier if negative).

    >>> moved("2026-01", -2)
    '2025-11'
    """
    count = int(month[:4]) * 12 + int(month[5:]) - 1 + by
    return f"{count // 12:04}-{count % 12 + 1:02}"


def months_between(first: str, last: str) -> list[str]:
    """Every month from ``first`` to ``last``, both included; empty when they are the wrong way round."""
    months = []
    while first <= last:
        months.append(first)
        first = moved(first, 1)
    return months


def start_of(month: str) -> datetime:
    """The instant at which a month begins."""
    return datetime(int(month[:4]), int(month[5:]), 1, tzinfo=LONDON)


def edges_us(months: list[str]) -> NDArray[np.int64]:
    """Where months begin and the last one ends, microseconds since 1970; shape (months + 1,)."""
    starts = [start_of(month) for month in [*months, moved(months[-1], 1)]]
    return np.array([int(start.timestamp()) * 1_000_000 for start in starts], dtype=np.int64)


def gaps_named(gaps: list[str]) -> str:
    """Months in words, those that follow each other as one.

    >>> gaps_named(["2016-03"]), gaps_named(["2016-03", "2016-05", "2016-06"])
    ('March 2016', 'March 2016 and May 2016 to June 2016')
    """
    runs: list[list[str]] = []
    for month in gaps:
        if runs and moved(runs[-1][-1], 1) == month:
            runs[-1].append(month)
        else:
            runs.append([month])
    words = [named(run[0]) + (f" to {named(run[-1])}" if len(run) > 1 else "") for run in runs]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def held_words(n_months: int, gaps: list[str]) -> str:
    """How many months of a period have data, and which have none; for map, places and home alike.

    >>> held_words(5, ["2026-01", "2026-02"])
    'Data held for 3 of these 5 months: nothing is held for January 2026 to February 2026.'
    """
    held = f"Data held for {n_months - len(gaps)} of these {n_months} months"
    if n_months == 1:
        held = "No data held for this month"
    return f"{held}: nothing is held for {gaps_named(gaps)}."


def named(month: str) -> str:
    """A month as read aloud.

    >>> named("2026-05")
    'May 2026'
    """
    return f"{start_of(month):%B %Y}"


def short_name(month: str) -> str:
    """A month where room is short.

    >>> short_name("2026-05")
    'May 2026'
    >>> short_name("2026-04")
    'Apr 2026'
    """
    return f"{start_of(month):%b %Y}"

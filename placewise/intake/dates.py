"""Days, times and months as people write them, as exact intervals in UTC.

Dates are day first; a column that can only be month first is asked about, never guessed row by row.
Times without a zone are Europe/London: the hour that happens twice in October is taken as the first, the
hour that does not exist in March as an hour later, and both are said aloud.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from placewise.intake.cells import Kind
from placewise.intake.coded import Coded
from placewise.intake.run import BadCell, Run
from placewise.intake.table import positions

LONDON = ZoneInfo("Europe/London")
Times = NDArray[np.datetime64]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NUMERIC = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{2}|\d{4})(?:[ T,]+(.+))?", re.ASCII)
_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[T ](.+))?", re.ASCII)
_WORDS = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?[ -]([A-Za-z]{3,9})\.?[ -](\d{4})(?:[ ,]+(.+))?", re.ASCII)
_CLOCK = re.compile(
    r"(\d{1,2})[:.]?(\d{2})(?::(\d{2})(?:\.\d+)?)? ?(am|pm)?(Z|[+-]\d{2}:?\d{2})?", re.ASCII | re.I
)
_MONTH_ISO = re.compile(r"(\d{4})-(\d{2})(?:-01)?", re.ASCII)
_MONTH_WORD = re.compile(r"([A-Za-z]{3,9})[- ](\d{2}|\d{4})", re.ASCII)
_BAD_DATE = BadCell("invalid-date", "There is no such date. Write it like 14/05/2026 or 2026-05-14.")
_EARLIEST = 1900


@dataclass(frozen=True, slots=True)
class Moment(Kind):
    """A day, or a day with a time; parsed to (start, end) in microseconds since 1970, UTC."""

    @property
    def words(self) -> str:
        """What a person may write in the cell."""
        return "date, or date and time: `14/05/2026`, `14/05/2026 22:15` (day first) or ISO 8601"

    def parse(self, text: str, run: Run, column: str) -> tuple[int, int]:
        """Half-open interval of a day, or twice the same instant for a time."""
        day, clock = _split(text, run, column)
        if not clock:
            start, end = (
                _local(day, time(), run, column, text),
                _local(day + timedelta(1), time(), run, column, text),
            )
        else:
            start = end = _instant(day, clock, run, column, text)
        if start > run.now_us:
            raise BadCell("date-in-future", "The date lies in the future. Check the year.")
        return start, end


@dataclass(frozen=True, slots=True)
class Day(Kind):
    """A day of the calendar."""

    future: bool = False
    birth: bool = False

    @property
    def words(self) -> str:
        """What a person may write in the cell."""
        return "date: `14/05/2026` (day first) or `2026-05-14`"

    def parse(self, text: str, run: Run, column: str) -> date:
        """A date that exists and, unless it may be one, is not in the future."""
        day, _ = _split(text, run, column)
        if not self.future and day > run.context.now.astimezone(LONDON).date():
            code = "dob-range" if self.birth else "date-in-future"
            raise BadCell(code, "The date lies in the future. Check the year.")
        return day


@dataclass(frozen=True, slots=True)
class Month(Kind):
    """A month as police.uk writes it, also after a spreadsheet has been at it; (start, end) in UTC."""

    @property
    def words(self) -> str:
        """What a person may write in the cell."""
        return "month: `2025-02` or `Feb-25`"

    def parse(self, text: str, run: Run, column: str) -> tuple[int, int]:
        """From 00:00 of the first, local time, to 00:00 of the first of the next month."""
        year, month = _month(text)
        start = datetime(year, month, 1, tzinfo=LONDON)
        end = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=LONDON)
        if _microseconds(start) > run.now_us:
            raise BadCell("date-in-future", "The month lies in the future. Check the year.")
        run.seen["months"].add((year, month))
        return _microseconds(start), _microseconds(end)


def _month(text: str) -> tuple[int, int]:
    if match := _MONTH_ISO.fullmatch(text):
        year, month = int(match[1]), int(match[2])
    elif (match := _MONTH_WORD.fullmatch(text)) and match[1][:3].lower() in _MONTHS:
        # police.uk publishes months since December 2010, so two digits leave no doubt here.
        year, month = (
            int(match[2]) + (2000 if len(match[2]) == 2 else 0),
            1 + _MONTHS.index(match[1][:3].lower()),
        )
    else:
        raise BadCell("invalid-date", "Not a month. Write it like 2025-02.")
    if not 1 <= month <= 12 or not _EARLIEST <= year <= 9990:
        raise BadCell("invalid-date", "There is no such month. Write it like 2025-02.")
    return year, month


def starts(intervals: Sequence[tuple[int, int] | None]) -> Times:
    """Beginnings of parsed moments as ``datetime64[us]``; NaT where there is none."""
    return _times(intervals, 0)


def ends(intervals: Sequence[tuple[int, int] | None]) -> Times:
    """Ends of parsed moments as ``datetime64[us]``; NaT where there is none."""
    return _times(intervals, 1)


def _times(intervals: Sequence[tuple[int, int] | None], side: int) -> Times:
    if isinstance(intervals, Coded):
        return _times(intervals.distinct, side)[positions(intervals)]
    missing = np.iinfo(np.int64).min  # how numpy stores NaT
    return np.array([pair[side] if pair else missing for pair in intervals], dtype=np.int64).view(
        "datetime64[us]"
    )


def _split(text: str, run: Run, column: str) -> tuple[date, str]:
    """Day, and what stands after it."""
    if match := _NUMERIC.fullmatch(text):
        run.seen[f"{column} forms"].add("day first")
        return _numeric_day(match[1], match[2], match[3], run, column), match[4] or ""
    if match := _ISO.fullmatch(text):
        run.seen[f"{column} forms"].add("year first")
        return _day(int(match[1]), int(match[2]), int(match[3])), match[4] or ""
    if (match := _WORDS.fullmatch(text)) and match[2][:3].lower() in _MONTHS:
        run.seen[f"{column} forms"].add("month in words")
        month = 1 + _MONTHS.index(match[2][:3].lower())
        return _day(int(match[3]), month, int(match[1])), match[4] or ""
    if text.isdigit() and 20_000 < int(text[:6]) < 80_000:
        raise BadCell(
            "excel-serial",
            "A spreadsheet's day number, not a date. Format the column as a date and save again.",
        )
    raise _BAD_DATE


def _numeric_day(first: str, second: str, year: str, run: Run, column: str) -> date:
    if len(year) == 2:
        raise BadCell("two-digit-year", "The year has two digits, so the century is in doubt. Write four.")
    a, b = int(first), int(second)
    if a > 12 >= b >= 1:
        run.seen[f"{column} day first"].add((a, b))
    elif b > 12 >= a >= 1:
        run.seen[f"{column} month first"].add((a, b))
    if run.context.answers.get("date-order") == "month-first":
        a, b = b, a
    return _day(int(year), b, a)


def _day(year: int, month: int, day: int) -> date:
    try:
        result = date(year, month, day)
    except ValueError:
        raise _BAD_DATE from None
    if not _EARLIEST <= year <= 9990:
        raise _BAD_DATE
    return result


def _instant(day: date, clock: str, run: Run, column: str, text: str) -> int:
    match = _CLOCK.fullmatch(clock.strip())
    if not match:
        raise BadCell("invalid-time", "Not a time. Write it like 22:15.")
    hour, minute, second = int(match[1]), int(match[2]), int(match[3] or 0)
    half = (match[4] or "").lower()
    if half and 1 <= hour <= 12:
        hour = hour % 12 + (12 if half == "pm" else 0)
    elif half:
        raise BadCell("invalid-time", "There is no such time. Write it like 22:15.")
    if (hour, minute, second) == (24, 0, 0):
        run.note(column, text, "midnight-24")
        day, hour = day + timedelta(1), 0
    try:
        at = time(hour, minute, second)
    except ValueError:
        raise BadCell("invalid-time", "There is no such time. Write it like 22:15.") from None
    if match[5]:
        moment = datetime.combine(day, at, tzinfo=_offset(match[5]))
        if moment.astimezone(LONDON).date() != day:
            run.note(column, text, "local-day")
        return _microseconds(moment)
    return _local(day, at, run, column, text)


def _offset(zone: str) -> timezone:
    if zone.upper() == "Z":
        return UTC
    hours, minutes = int(zone[1:3]), int(zone[-2:])
    if hours > 14 or minutes > 59:
        raise BadCell("invalid-time", "There is no such time zone. Write it like +01:00, or leave it out.")
    sign = -1 if zone[0] == "-" else 1
    return timezone(sign * timedelta(hours=hours, minutes=minutes))


def _local(day: date, at: time, run: Run, column: str, text: str) -> int:
    wall = datetime.combine(day, at, tzinfo=LONDON)
    if wall.utcoffset() != wall.replace(fold=1).utcoffset():
        run.note(column, text, "clock-change")
    # With fold 0 the repeated hour is its first pass, and a skipped time falls one hour later.
    return _microseconds(wall)


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)

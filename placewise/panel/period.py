"""The whole months that places are judged by: two years up to the newest that is over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from placewise.store import overview
from placewise.store.session import Session

LONDON = ZoneInfo("Europe/London")
MONTHS = 24


def moment_words(moment: datetime) -> str:
    """A date and time in London.

    >>> moment_words(datetime.fromisoformat("2026-05-14T21:15:00+00:00"))
    '14 May 2026, 22:15'
    """
    local = moment.astimezone(LONDON)
    return f"{local.day} {local:%B %Y, %H:%M}"


@dataclass(frozen=True, slots=True)
class Period:
    """Whole months of the London calendar, twenty-four unless told; ``last`` is the first day of the newest."""

    last: date
    length: int = MONTHS

    @property
    def months(self) -> tuple[date, ...]:
        """First days, oldest first."""
        found = [self.last]
        while len(found) < self.length:
            found.append(month_before(found[-1]))
        return tuple(reversed(found))

    def start_of(self, months_back: int) -> datetime:
        """Midnight at which the last so many months begin; nought is the end of the period."""
        first = month_after(self.last)
        for _ in range(months_back):
            first = month_before(first)
        return start_of_month(first)

    @property
    def since(self) -> datetime:
        """Its beginning."""
        return self.start_of(self.length)

    @property
    def until(self) -> datetime:
        """Its end, which is no longer part of it."""
        return self.start_of(0)

    def days(self, *, newest: int, oldest: int) -> int:
        """Days from ``oldest`` months back to ``newest`` months back."""
        return (self.start_of(newest).date() - self.start_of(oldest).date()).days


def last_full_month(newest: date, *, today: date) -> date:
    """First day of the newest month with records that is over.

    >>> last_full_month(date(2026, 5, 14), today=date(2026, 5, 20))
    datetime.date(2026, 4, 1)
    >>> last_full_month(date(2026, 5, 14), today=date(2026, 7, 1))
    datetime.date(2026, 5, 1)
    """
    month = newest.replace(day=1)
    return month_before(month) if month == today.replace(day=1) else month


def start_of_month(month: date) -> datetime:
    """Midnight in London at which a month begins."""
    return datetime(month.year, month.month, 1, tzinfo=LONDON)


def month_before(month: date) -> date:
    """First day of the month before."""
    return date(month.year - (month.month == 1), (month.month - 2) % 12 + 1, 1)


def month_after(month: date) -> date:
    """First day of the month after."""
    return date(month.year + (month.month == 12), month.month % 12 + 1, 1)


def find_period(session: Session, *, today: date) -> Period | None:
    """The period that ends with the newest full month with records; none when there are no records."""
    newest = overview.find_newest_record(session)
    return None if newest is None else Period(last_full_month(newest, today=today))


def reading_day(session: Session, *, today: date, synthetic: bool) -> date:
    """The day on which expiry is judged.

    Today; but the fictional borough's time stands still at its newest record, or all its links would have
    expired a year after it was written.
    """
    return (overview.find_newest_record(session) or today) if synthetic else today

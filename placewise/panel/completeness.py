"""About which months records are held, from whom; and comparisons that count no others.

The rules themselves are `placewise.geo.series.reports_held` and `reports_received`. Silence shows beside what an agency
sends otherwise, so it is judged from all months held, whatever part of them a page shows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from uuid import UUID

import numpy as np
import pandas as pd

from placewise.core.scope import PANEL
from placewise.geo.intervals import Comparison, compare_counts
from placewise.geo.series import reports_held, reports_received
from placewise.panel.hotspot_months import held_words
from placewise.panel.period import LONDON, Period, month_after
from placewise.store import place_events
from placewise.store.geography import list_agencies
from placewise.store.session import Session

#: An agency that sent a smaller share of a place's records than this leaves no gap worth marking when it is silent.
TELLING_SHARE = 0.1
#: Why nothing is compared for those to whom a silent agency looks like a quiet one.
SINGLE_PLACES = "You see single places only, so a month without reports cannot be told from a quiet one."


@dataclass(frozen=True, slots=True)
class Holding:
    """All that is held, as far as one person may see.

    Attributes
    ----------
    counts : DataFrame of int, shape (months, agencies)
        Records of any kind and anywhere. Rows: first days of consecutive months, from the first with records to the
        last. Columns: the agencies that ever sent any.
    running : date
        First day of the month that was not over: a nought in it says nothing yet.
    """

    counts: pd.DataFrame = field(repr=False)
    running: date = date.max

    @property
    def months(self) -> list[str]:
        """Its months, such as ``2026-05``."""
        return [f"{month:%Y-%m}" for month in self.counts.index]

    def months_of(self, agency: str) -> list[str]:
        """Months about which an agency reported, oldest first."""
        return [month for month, n in zip(self.months, self.counts[agency], strict=True) if n]


@dataclass(frozen=True, slots=True)
class Completeness:
    """What is held of each month of a period, as far as one person may see.

    Attributes
    ----------
    reported : mapping of agency to one bool a month
        At least one record of the agency about the month is held, anywhere.
    missing : mapping of agency to one bool a month
        None is held, and by what the agency sends in other months some should be.
    sees_all : bool
        False for those who see single places only: they cannot tell silence from what they may not see, and nobody's
        reports are said to be missing.
    """

    period: Period
    reported: Mapping[str, tuple[bool, ...]]
    missing: Mapping[str, tuple[bool, ...]]
    sees_all: bool = True

    @property
    def held(self) -> tuple[bool, ...]:
        """Months about which anyone reported."""
        return tuple(
            any(agency[i] for agency in self.reported.values()) for i in range(len(self.period.months))
        )

    def whole(self, telling: Collection[str]) -> tuple[bool, ...]:
        """Months with data in which no report of these agencies is missing; the others count as no time observed."""
        gaps = [self.missing[agency] for agency in telling]
        return tuple(
            here and self.sees_all and not any(gap[i] for gap in gaps) for i, here in enumerate(self.held)
        )

    @property
    def empty_months(self) -> list[str]:
        """Months about which nobody reported, such as ``2026-05``; none are named to those who cannot tell."""
        months = zip(self.period.months, self.held, strict=True)
        return [f"{month:%Y-%m}" for month, here in months if self.sees_all and not here]

    @property
    def sentence(self) -> str:
        """How many months have data, where some have none; else nothing."""
        gaps = self.empty_months
        return held_words(len(self.period.months), gaps) if gaps else ""


@dataclass(frozen=True, slots=True)
class SideBySide:
    """The last so many months and as many before: all records, and what may be said of the months with whole data.

    Attributes
    ----------
    count, baseline : int
        All records held.
    months : int
        Length of each side.
    whole, baseline_whole : int
        Months on each side with whole data.
    comparison : Comparison or None
        Of those months alone; None where a side has none.
    sees_all : bool
        False for those who see single places only: for them, no month is known to be whole.
    """

    count: int
    baseline: int
    months: int
    whole: int
    baseline_whole: int
    comparison: Comparison | None
    sees_all: bool = True


def read_holding(session: Session, names: Mapping[UUID, str], *, as_at: datetime | None = None) -> Holding:
    """Count what each agency sent about each month; agencies by the names given. Reads all records: once a request."""
    sent = place_events.count_by_agency_month(session, as_at=as_at)
    now = (as_at or datetime.now(UTC)).astimezone(LONDON).date()
    return holding_of([(names[agency], month, n) for agency, month, n in sent], running=now.replace(day=1))


def holding_of(sent: Sequence[tuple[str, date, int]], *, running: date = date.max) -> Holding:
    """From agency, first day of a month and records to the table; agencies of one name are one."""
    months = _months_between([month for _, month, _ in sent])
    agencies = sorted({agency for agency, _, _ in sent})
    row, column = ({key: i for i, key in enumerate(keys)} for keys in (months, agencies))
    counts = np.zeros((len(months), len(agencies)), dtype=np.int64)
    for agency, month, n in sent:
        counts[row[month], column[agency]] += n
    return Holding(pd.DataFrame(counts, index=pd.Index(months, dtype=object), columns=agencies), running)


def read_completeness(session: Session, period: Period, *, as_at: datetime | None = None) -> Completeness:
    """Count each agency's records by month and say what is held of a period; agencies by name."""
    names = {agency.agency_id: agency.name for agency in list_agencies(session)}
    return judge(read_holding(session, names, as_at=as_at), period, sees_all=bool(session.roles & PANEL))


def judge(holding: Holding, period: Period, *, sees_all: bool = True) -> Completeness:
    """Say what is held of a period and what is missing, by what each agency sent in all months."""
    months = _months_between([*holding.counts.index, *period.months])
    counts = holding.counts.reindex(months, fill_value=0)
    over = [month for month in months if month < holding.running]
    received = reports_received(counts.loc[over]).reindex(period.months, fill_value=True)
    held = reports_held(counts).loc[list(period.months)]
    return Completeness(
        period,
        {agency: tuple(held[agency].tolist()) for agency in held.columns},
        {agency: tuple((~received[agency] & sees_all).tolist()) for agency in held.columns},
        sees_all,
    )


def _months_between(months: Sequence[date]) -> list[date]:
    """Every month from the first to the last of these."""
    found = [min(months)] if months else []
    last = max(months, default=None)
    while found and found[-1] != last:
        found.append(month_after(found[-1]))
    return found


def telling(totals: Mapping[str, int]) -> list[str]:
    """Agencies from which at least a tenth of a place's records came: without them its count is incomplete."""
    whole = sum(totals.values())
    return [agency for agency, n in totals.items() if n and n >= TELLING_SHARE * whole]


def set_side_by_side(
    counts: Sequence[int], known: Completeness, telling: Collection[str], months: int
) -> SideBySide:
    """Compare the last so many months with as many before; a month without whole data counts on neither side.

    Parameters
    ----------
    counts : sequence of int
        Records of each month of the period.
    telling : collection of str
        The agencies whose missing reports leave a month incomplete.
    """
    rows = list(zip(known.period.months, counts, known.whole(telling), strict=True))
    now, before = rows[-months:], rows[-2 * months : -months]
    kept_now, kept_before = ([row for row in side if row[2]] for side in (now, before))
    comparison = None
    if kept_now and kept_before:
        comparison = compare_counts(
            sum(n for _, n, _ in kept_now),
            sum(n for _, n, _ in kept_before),
            exposure=sum(_days(month) for month, _, _ in kept_now),
            baseline_exposure=sum(_days(month) for month, _, _ in kept_before),
        )
    return SideBySide(
        count=sum(n for _, n, _ in now),
        baseline=sum(n for _, n, _ in before),
        months=months,
        whole=len(kept_now),
        baseline_whole=len(kept_before),
        comparison=comparison,
        sees_all=known.sees_all,
    )


def _days(month: date) -> int:
    return (month_after(month) - month).days

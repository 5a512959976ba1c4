"""About which months records are held, from whom; and comparisons that count no others.

The rule itself is `placewise.geo.series.reports_held`, on the map as here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import pandas as pd

from placewise.core.scope import PANEL
from placewise.geo.intervals import Comparison, compare_counts
from placewise.geo.series import reports_held, reports_received
from placewise.panel.hotspot_months import held_words
from placewise.panel.period import Period, month_after
from placewise.store import place_events
from placewise.store.session import Session

#: An agency that sent a smaller share of a place's records than this leaves no gap worth marking when it is silent.
TELLING_SHARE = 0.1


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
        False for those who see single places only: they cannot tell silence from what they may not see.
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
    """

    count: int
    baseline: int
    months: int
    whole: int
    baseline_whole: int
    comparison: Comparison | None


def read_completeness(session: Session, period: Period) -> Completeness:
    """Count each agency's records by month and say what is held."""
    sent = place_events.count_by_agency_month(session, since=period.since, until=period.until)
    return judge(sent, period, sees_all=bool(session.roles & PANEL))


def judge(sent: Sequence[tuple[str, date, int]], period: Period, *, sees_all: bool = True) -> Completeness:
    """From agency, month and count to what is held."""
    counts = pd.DataFrame(sent, columns=["agency", "month", "n"]).pivot_table(
        index="month", columns="agency", values="n", aggfunc="sum"
    )
    return judge_counts(counts.reindex(list(period.months)).fillna(0).astype(int), period, sees_all=sees_all)


def judge_counts(counts: pd.DataFrame, period: Period, *, sees_all: bool = True) -> Completeness:
    """From a table of counts, the period's months in rows and agencies in columns, to what is held."""
    held, received = reports_held(counts), reports_received(counts)
    agencies = sorted(str(agency) for agency in counts.columns)
    return Completeness(
        period,
        {agency: tuple(bool(here) for here in held[agency]) for agency in agencies},
        {agency: tuple(not here for here in received[agency]) for agency in agencies},
        sees_all,
    )


def telling(totals: Mapping[str, int]) -> list[str]:
    """Agencies from which at least a tenth of a place's records came: without them its count is incomplete."""
    whole = sum(totals.values())
    return [agency for agency, n in totals.items() if n and n >= TELLING_SHARE * whole]


def set_side_by_side(counts: Sequence[int], whole: Sequence[bool], period: Period, months: int) -> SideBySide:
    """Compare the last so many months with as many before; a month without whole data counts on neither side."""
    rows = list(zip(period.months, counts, whole, strict=True))
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
    )


def _days(month: date) -> int:
    return (month_after(month) - month).days

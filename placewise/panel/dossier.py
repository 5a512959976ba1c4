"""The place dossier: one page that says what is known of a place, from whom, and what cannot be told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

import pandas as pd

from placewise.core.scope import PANEL
from placewise.core.vocabulary import harm_relations, placeable_accuracies
from placewise.geo.clock import WeekClock, week_clock
from placewise.geo.intervals import Comparison, compare_counts, with_intervals
from placewise.geo.series import monthly_counts, reports_received
from placewise.panel.period import LONDON, MONTHS, Period, find_period
from placewise.store import groups, place_events, places
from placewise.store.groups import PlaceGroup
from placewise.store.place_events import PlaceEvent
from placewise.store.places import Extract, Place
from placewise.store.session import Session

#: Found or detected: says where someone looked, never counted as harm.
FOUND_RELATIONS = ("found_there", "detected_there")
RECENT_EVENTS = 10
#: Records within this distance of the place that name no place are mentioned beside the count, not in it.
NEAR_M = 50.0
#: An agency that sent a smaller share of a place's records than this leaves no gap worth marking when it is silent.
TELLING_SHARE = 0.1
#: Fewer timed records than this show no pattern of the week.
FEW_TIMED = 10
#: Fewer records than this make no picture of a trend, only of its uncertainty.
FEW_DRAWN = 5


@dataclass(frozen=True, slots=True)
class TrendMonth:
    """One month: its count, and the range of averages it is compatible with (None where reports are missing)."""

    month: date
    count: int
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one agency sent about the place: a count a month, None where it sent nothing about anywhere.

    A nought and a silence are different things.
    """

    agency: str
    counts: tuple[int | None, ...]

    @property
    def total(self) -> int:
        """Records about this place."""
        return sum(n or 0 for n in self.counts)

    @property
    def silent_months(self) -> int:
        """Months without any report."""
        return self.counts.count(None)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything on the page that is made of records.

    Attributes
    ----------
    trend : sequence of TrendMonth
        All months of the period.
    year, quarter : Comparison
        The last 12 months with the 12 before; the last 3 with the 3 before.
    clock : WeekClock
        Of harm here, over the whole period.
    harm_mix, relation_mix : mapping-like pairs of (code, count)
        Most frequent first; the code of harm not recorded is ``""``.
    harm_count, found_count, other_count : int
        Records of harm here; found or detected here; other relations.
    contributions : sequence of Contribution
        By name of agency.
    unnamed_near : int
        Records of harm within `NEAR_M` that name no place.
    recent : sequence of PlaceEvent
        Newest first.
    """

    period: Period
    trend: Sequence[TrendMonth]
    year: Comparison
    quarter: Comparison
    clock: WeekClock
    harm_mix: Sequence[tuple[str, int]]
    relation_mix: Sequence[tuple[str, int]]
    harm_count: int
    found_count: int
    other_count: int
    contributions: Sequence[Contribution]
    unnamed_near: int
    recent: Sequence[PlaceEvent]
    older: int

    @property
    def gone_quiet(self) -> list[str]:
        """Agencies that told much of this place and sent nothing at all in the newest month."""
        return [c.agency for c in telling(self.contributions) if c.counts[-1] is None]


@dataclass(frozen=True, slots=True)
class Dossier:
    """A place, its surroundings, its peer groups (None: not for this role) and its evidence (None: no records)."""

    place: Place
    extract: Extract | None
    groups: Sequence[PlaceGroup] | None
    evidence: Evidence | None


def build_dossier(session: Session, place_id: UUID, *, today: date, as_of: date) -> Dossier:
    """Everything the place page shows; links stand or have expired as of a day.

    Raises
    ------
    NotFound
        Absent, hidden or another partnership's.
    """
    place = places.get_place(session, place_id)
    period = find_period(session, today=today)
    return Dossier(
        place=place,
        extract=places.find_extract(session, place_id),
        groups=groups.list_groups_at_place(session, place_id, today=as_of) if session.roles & PANEL else None,
        evidence=None if period is None else _evidence(session, place_id, period),
    )


def _evidence(session: Session, place_id: UUID, period: Period) -> Evidence:
    since, until = period.since, period.until
    events = place_events.list_events(session, place_id, since=since, until=until)
    older, _ = place_events.count_outside(session, place_id, since=since, until=until)
    harm = [event for event in events if event.relation in harm_relations()]
    contributions = _contributions(
        events, place_events.count_by_agency_month(session, since=since, until=until), period
    )
    trend = _trend(harm, contributions, period)
    relation_mix = Counter(event.relation for event in events)
    found = sum(relation_mix[relation] for relation in FOUND_RELATIONS)
    return Evidence(
        period=period,
        trend=trend,
        year=_compare(trend, period, 12),
        quarter=_compare(trend, period, 3),
        clock=_clock(harm),
        harm_mix=Counter(code for event in harm for code in event.harm_types or [""]).most_common(),
        relation_mix=relation_mix.most_common(),
        harm_count=len(harm),
        found_count=found,
        other_count=len(events) - len(harm) - found,
        contributions=contributions,
        unnamed_near=place_events.count_unnamed_near(
            session,
            place_id,
            distance_m=NEAR_M,
            since=since,
            until=until,
            relations=harm_relations(),
            accuracies=placeable_accuracies(),
        ),
        recent=events[:RECENT_EVENTS],
        older=older,
    )


def telling(contributions: Sequence[Contribution]) -> list[Contribution]:
    """Agencies from which at least a tenth of a place's records came: without them its count is incomplete."""
    whole = sum(c.total for c in contributions)
    return [c for c in contributions if c.total and c.total >= TELLING_SHARE * whole]


def _times(events: Sequence[PlaceEvent]) -> tuple[pd.DatetimeIndex, pd.DatetimeIndex]:
    starts = pd.DatetimeIndex([event.occurred_from for event in events], dtype="datetime64[ns, UTC]")
    ends = pd.DatetimeIndex([event.occurred_to for event in events], dtype="datetime64[ns, UTC]")
    return starts, ends


def _trend(
    harm: Sequence[PlaceEvent], contributions: Sequence[Contribution], period: Period
) -> list[TrendMonth]:
    starts, ends = _times(harm)
    counts = monthly_counts(
        starts, ends, first_month=f"{period.months[0]:%Y-%m}", last_month=f"{period.last:%Y-%m}"
    )
    sources = telling(contributions)
    complete = [not any(c.counts[i] is None for c in sources) for i in range(len(period.months))]
    received = pd.Series(complete).to_numpy()
    table = with_intervals(counts, received=received)
    rows = zip(period.months, table["count"], table["low"], table["high"], complete, strict=True)
    return [
        TrendMonth(month, int(n), float(low) if whole else None, float(high) if whole else None)
        for month, n, low, high, whole in rows
    ]


def _compare(trend: Sequence[TrendMonth], period: Period, months: int) -> Comparison:
    return compare_counts(
        sum(month.count for month in trend[-months:]),
        sum(month.count for month in trend[-2 * months : -months]),
        exposure=period.days(newest=0, oldest=months),
        baseline_exposure=period.days(newest=months, oldest=2 * months),
    )


def _clock(harm: Sequence[PlaceEvent]) -> WeekClock:
    starts, ends = _times(harm)
    known = pd.Series([time_is_known(event) for event in harm], dtype=bool).to_numpy()
    return week_clock(starts, ends, time_known=known)


def time_is_known(event: PlaceEvent) -> bool:
    """Whether more is known than the day or month: whole days of the London calendar are how those are held."""
    start, end = event.occurred_from.astimezone(LONDON), event.occurred_to.astimezone(LONDON)
    midnights = (start.hour, start.minute, end.hour, end.minute) == (0, 0, 0, 0)
    return not (midnights and end - start >= timedelta(hours=23))  # the day on which clocks go forward


def _contributions(
    events: Sequence[PlaceEvent], sent: Sequence[tuple[str, date, int]], period: Period
) -> list[Contribution]:
    everywhere = pd.DataFrame(sent, columns=["agency", "month", "n"]).pivot_table(
        index="month", columns="agency", values="n", aggfunc="sum"
    )
    everywhere = everywhere.reindex(list(period.months)).fillna(0).astype(int)
    received = reports_received(everywhere)
    here = Counter((event.agency, _month_of(event)) for event in events)
    return [
        Contribution(
            str(agency),
            tuple(
                here[str(agency), month] if received.at[month, agency] or here[str(agency), month] else None
                for month in period.months
            ),
        )
        for agency in sorted(everywhere.columns)
    ]


def _month_of(event: PlaceEvent) -> date:
    return event.occurred_from.astimezone(LONDON).date().replace(day=1)


def sentence(dossier: Dossier) -> str:
    """What a chair would say of the place first."""
    evidence, name = dossier.evidence, dossier.place.name
    if evidence is None or not (evidence.harm_count or evidence.found_count or evidence.other_count):
        nothing = f"No record that you may see names {name} in the last {MONTHS} months."
        return f"{nothing} That is not proof that it is safe."
    year = evidence.year
    if year.count or year.baseline:
        said = (
            f"{_records(year.count)} of harm at {name} in the 12 months to {evidence.period.last:%B %Y}, "
            f"against {year.baseline} in the 12 months before: {verdict_words(year)}."
        )
    else:
        said = f"No harm at {name} was recorded in the {MONTHS} months to {evidence.period.last:%B %Y}."
    if evidence.found_count:
        said += (
            f" {_records(evidence.found_count)} of children found or detected here"
            f" {'is' if evidence.found_count == 1 else 'are'} not counted as harm."
        )
    if evidence.gone_quiet:
        said += f" Nothing has come from {' or '.join(evidence.gone_quiet)} in the newest months."
    return said


def verdict_words(comparison: Comparison) -> str:
    """The verdict alone, to stand after the two counts.

    >>> verdict_words(compare_counts(4, 2)), verdict_words(compare_counts(3, 2))
    ('within ordinary variation, so no change can be called', 'too few to tell')
    """
    return {
        "higher": "higher, by more than ordinary variation",
        "lower": "lower, by more than ordinary variation",
        "ordinary": "within ordinary variation, so no change can be called",
        "too_few": "too few to tell",
    }[comparison.verdict]


def _records(n: int) -> str:
    return f"{n:,} {'record' if n == 1 else 'records'}"

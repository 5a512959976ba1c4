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
from placewise.geo.intervals import with_intervals
from placewise.geo.series import monthly_counts
from placewise.panel.completeness import (
    SINGLE_PLACES,
    Completeness,
    SideBySide,
    read_completeness,
    set_side_by_side,
    telling,
)
from placewise.panel.period import LONDON, MONTHS, Period, find_period
from placewise.panel.place_trend import (
    ChildrenAside,
    Direction,
    find_direction,
    month_of,
    set_children_aside,
)
from placewise.store import groups, near_events, place_events, places
from placewise.store.groups import PlaceGroup
from placewise.store.place_events import PlaceEvent
from placewise.store.places import Extract, Place
from placewise.store.session import Session

#: Found or detected: says where someone looked, never counted as harm.
FOUND_RELATIONS = ("found_there", "detected_there")
RECENT_EVENTS = 10
#: Records within this distance of the place that name no place are mentioned beside the count, not in it.
NEAR_M = 50.0
#: Fewer timed records than this show no pattern of the week.
FEW_TIMED = 10
#: Fewer records than this make no picture of a trend, only of its uncertainty.
FEW_DRAWN = 5


@dataclass(frozen=True, slots=True)
class TrendMonth:
    """One month: its count, and the range of averages it is compatible with (None where reports are missing).

    ``held`` is False where nobody's record about the month is held: then its nought is no count at all.
    """

    month: date
    count: int
    low: float | None
    high: float | None
    held: bool = True


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one agency sent about the place: a count a month, None where nothing of it is held about anywhere.

    A nought and a month without data are different things; who sees single places only is given noughts and told that
    they cannot be told apart. ``missing`` marks months whose reports are missing by what the agency usually sends; an
    agency that sends little may have had nothing to send.
    """

    agency: str
    counts: tuple[int | None, ...]
    missing: tuple[bool, ...]

    @property
    def total(self) -> int:
        """Records about this place."""
        return sum(n or 0 for n in self.counts)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything on the page that is made of records.

    Attributes
    ----------
    trend : sequence of TrendMonth
        All months of the period.
    known : Completeness
        Which months have data.
    year, quarter : SideBySide
        The last 12 months with the 12 before; the last 3 with the 3 before.
    year_children, quarter_children : ChildrenAside or None
        The children of those records; None for a role that does not cover people.
    direction : Direction
        Whether the months rise or fall steadily.
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
    known: Completeness
    trend: Sequence[TrendMonth]
    year: SideBySide
    quarter: SideBySide
    year_children: ChildrenAside | None
    quarter_children: ChildrenAside | None
    direction: Direction
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
        """Agencies that told much of this place and whose reports of the newest month are missing."""
        told = telling({c.agency: c.total for c in self.contributions})
        return [c.agency for c in self.contributions if c.agency in told and c.missing[-1]]


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
    known = read_completeness(session, period)
    contributions = _contributions(events, known)
    tellers = telling({c.agency: c.total for c in contributions})
    whole = known.whole(tellers)
    trend = _trend(harm, known, whole)
    counts = [month.count for month in trend]
    relation_mix = Counter(event.relation for event in events)
    found = sum(relation_mix[relation] for relation in FOUND_RELATIONS)
    children = near_events.list_children(session, [event.event_id for event in harm])
    aside = {n: set_children_aside(harm, children, whole, period, n) for n in (12, 3)}
    knows_children = bool(session.roles & PANEL)
    return Evidence(
        period=period,
        known=known,
        trend=trend,
        year=set_side_by_side(counts, known, tellers, 12),
        quarter=set_side_by_side(counts, known, tellers, 3),
        year_children=aside[12] if knows_children else None,
        quarter_children=aside[3] if knows_children else None,
        direction=find_direction(harm, children, whole, period),
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


def _times(events: Sequence[PlaceEvent]) -> tuple[pd.DatetimeIndex, pd.DatetimeIndex]:
    starts = pd.DatetimeIndex([event.occurred_from for event in events], dtype="datetime64[ns, UTC]")
    ends = pd.DatetimeIndex([event.occurred_to for event in events], dtype="datetime64[ns, UTC]")
    return starts, ends


def _trend(harm: Sequence[PlaceEvent], known: Completeness, whole: Sequence[bool]) -> list[TrendMonth]:
    period = known.period
    starts, ends = _times(harm)
    counts = monthly_counts(
        starts, ends, first_month=f"{period.months[0]:%Y-%m}", last_month=f"{period.last:%Y-%m}"
    )
    table = with_intervals(counts, received=pd.Series(whole).to_numpy())
    held = known.held if known.sees_all else (True,) * len(whole)
    rows = zip(period.months, table["count"], table["low"], table["high"], whole, held, strict=True)
    return [
        TrendMonth(
            month, int(n), float(low) if all_here else None, float(high) if all_here else None, held=here
        )
        for month, n, low, high, all_here, here in rows
    ]


def _clock(harm: Sequence[PlaceEvent]) -> WeekClock:
    starts, ends = _times(harm)
    known = pd.Series([time_is_known(event) for event in harm], dtype=bool).to_numpy()
    return week_clock(starts, ends, time_known=known)


def time_is_known(event: PlaceEvent) -> bool:
    """Whether more is known than the day or month: whole days of the London calendar are how those are held."""
    start, end = event.occurred_from.astimezone(LONDON), event.occurred_to.astimezone(LONDON)
    midnights = (start.hour, start.minute, end.hour, end.minute) == (0, 0, 0, 0)
    return not (midnights and end - start >= timedelta(hours=23))  # the day on which clocks go forward


def _contributions(events: Sequence[PlaceEvent], known: Completeness) -> list[Contribution]:
    here = Counter((event.agency, month_of(event)) for event in events)
    return [
        Contribution(
            agency,
            tuple(
                here[agency, month] if held or not known.sees_all else None
                for month, held in zip(known.period.months, reported, strict=True)
            ),
            known.missing[agency],
        )
        for agency, reported in known.reported.items()
    ]


def sentence(dossier: Dossier) -> str:
    """What a chair would say of the place first."""
    evidence, name = dossier.evidence, dossier.place.name
    if evidence is None or not (evidence.harm_count or evidence.found_count or evidence.other_count):
        nothing = f"No record that you may see names {name} in the last {MONTHS} months."
        gaps = f" {evidence.known.sentence}" if evidence and evidence.known.sentence else ""
        return f"{nothing} That is not proof that it is safe.{gaps}"
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
    if not evidence.known.sees_all:
        said += f" {SINGLE_PLACES}"
    elif evidence.known.sentence:
        said += f" {evidence.known.sentence}"
    return said


def verdict_words(pair: SideBySide) -> str:
    """The verdict alone, to stand after the two counts, with the months that it rests on."""
    found = pair.comparison
    if found is None and not pair.sees_all:
        return "whether that is a change cannot be told"
    if found is None:
        return (
            "not compared, because the data are whole for "
            f"{pair.whole} of these {pair.months} months and {pair.baseline_whole} of the {pair.months} before"
        )
    said = {
        "higher": "higher, by more than ordinary variation",
        "lower": "lower, by more than ordinary variation",
        "ordinary": "within ordinary variation, so no change can be called",
        "too_few": "too few to tell",
    }[found.verdict]
    if pair.whole == pair.baseline_whole == pair.months:
        return said
    counts = (
        ""
        if (found.count, found.baseline) == (pair.count, pair.baseline)
        else f", {found.count} against {found.baseline}"
    )
    return (
        f"{said} (only the {pair.whole} of these {pair.months} months and {pair.baseline_whole} of the {pair.months} "
        f"before with whole data are compared{counts})"
    )


def _records(n: int) -> str:
    return f"{n:,} {'record' if n == 1 else 'records'}"

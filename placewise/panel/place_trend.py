"""The trend of one place: whether its months rise or fall, and whether one child's repeats make it look so."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal
from uuid import UUID

import numpy as np

from placewise.core.errors import MissingValue
from placewise.geo import compare
from placewise.geo.intervals import Comparison
from placewise.geo.trend import mann_kendall
from placewise.panel.period import LONDON, Period, month_after, start_of_month
from placewise.store.place_events import PlaceEvent

Turn = Literal["rising", "falling", "none", "few_months", "few_records"]
#: Fewer known months than this show only the steepest of trends.
FEW_MONTHS = 10
#: Fewer than this are no trend, whatever the test says.
FEW_COUNTED = 5
DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Direction:
    """Whether the months of a period rise or fall steadily, and on how many of them that rests.

    Attributes
    ----------
    turn : str
        ``"none"``: no steady rise or fall can be told, which is not proof that nothing changed.
    counted : int
        What was tested: each child once a month, and each record that names no child.
    """

    turn: Turn
    months: int
    counted: int


@dataclass(frozen=True, slots=True)
class ChildrenAside:
    """Different children in a period and the one before, and the comparison in which each of them counts once."""

    now: int
    before: int
    once: Comparison | None


def month_of(event: PlaceEvent) -> date:
    """First day of the month of the event's middle, in London."""
    middle = event.occurred_from + (event.occurred_to - event.occurred_from) / 2
    return middle.astimezone(LONDON).date().replace(day=1)


def once_each(events: Sequence[UUID], children: Mapping[UUID, Collection[UUID]]) -> int:
    """Count these events with each child once, and each event that names no child.

    An event that names several children stands for one of them, as on the map: they are one thing that happened.

    >>> a, b, c, child, other = (UUID(int=n) for n in range(5))
    >>> once_each([a, b, c], {a: [child, other], b: [child]})
    2
    """
    named = {min(children[event]) for event in events if event in children}
    return len(named) + sum(event not in children for event in events)


def find_direction(
    events: Sequence[PlaceEvent],
    children: Mapping[UUID, Collection[UUID]],
    whole: Sequence[bool],
    period: Period,
) -> Direction:
    """Mann–Kendall over the months with whole data; a child counts once a month.

    Uncorrected: over 24 months the correction of Hamed and Rao finds more trends in noise than it should and does not
    mend months that hang together (docs/methods.md has the figures).
    """
    by_month: dict[date, list[UUID]] = {}
    for event in events:
        by_month.setdefault(month_of(event), []).append(event.event_id)
    counts = [
        once_each(by_month.get(month, []), children) if here else np.nan
        for month, here in zip(period.months, whole, strict=True)
    ]
    months, counted = sum(whole), int(np.nansum(counts))
    if months < FEW_MONTHS:
        return Direction("few_months", months, counted)
    if counted < FEW_COUNTED:
        return Direction("few_records", months, counted)
    turns: dict[int, Turn] = {1: "rising", -1: "falling", 0: "none"}
    return Direction(turns[int(mann_kendall(counts).direction()[0])], months, counted)


def set_children_aside(
    events: Sequence[PlaceEvent],
    children: Mapping[UUID, Collection[UUID]],
    whole: Sequence[bool],
    period: Period,
    months: int,
) -> ChildrenAside:
    """Compare the last so many months with as many before, each child once; months without whole data stay out."""
    here = dict(zip(period.months, whole, strict=True))
    now, before = period.months[-months:], period.months[-2 * months : -months]
    number: dict[UUID, int] = {}
    times, child = [], []
    for event in events:
        if here.get(month_of(event)):
            middle = event.occurred_from + (event.occurred_to - event.occurred_from) / 2
            times.append((middle - period.since).total_seconds() / DAY_S)
            first = min(children.get(event.event_id, ()), default=None)
            child.append(-1 if first is None else number.setdefault(first, len(number)))
    try:
        once = compare.compare_periods(
            times,
            now=_days(now, here, period),
            baseline=_days(before, here, period),
            child=np.array(child, dtype=np.int64),
        ).each_child_once
    except MissingValue:
        once = None  # a side has no month with whole data: the page says so beside the two counts
    return ChildrenAside(_different(events, children, now), _different(events, children, before), once)


def _days(months: Sequence[date], here: Mapping[date, bool], period: Period) -> compare.Period:
    edges = [(start_of_month(month) - period.since).total_seconds() / DAY_S for month in months]
    end = (start_of_month(month_after(months[-1])) - period.since).total_seconds() / DAY_S
    lengths = zip(months, edges, [*edges[1:], end], strict=True)
    return compare.Period(
        edges[0], end, sum(stop - start for month, start, stop in lengths if not here[month])
    )


def _different(
    events: Sequence[PlaceEvent], children: Mapping[UUID, Collection[UUID]], months: Collection[date]
) -> int:
    inside = (event.event_id for event in events if month_of(event) in months)
    return len({child for event in inside for child in children.get(event, ())})


def direction_words(found: Direction, n_months: int) -> str:
    """Whether the months rise or fall, as a chair would say it."""
    over = f"over all {n_months} months"
    if found.months < n_months:
        over = f"over the {found.months} of {n_months} months with whole data"
    return {
        "rising": f"Rising {over}, by more than ordinary variation.",
        "falling": f"Falling {over}, by more than ordinary variation.",
        "none": f"No steady rise or fall can be told {over}.",
        "few_months": f"Whether it rises or falls cannot be told: {found.months} of {n_months} months have whole data.",
        "few_records": f"Whether it rises or falls cannot be told {over}: too few to tell.",
    }[found.turn]


def children_words(aside: ChildrenAside, verdict: str | None) -> str:
    """Who the records are about, and what is left of a difference when each child counts once."""
    if not aside.now and not aside.before:
        return "no child is named in these records"
    said = f"{aside.now:,} different {'child' if aside.now == 1 else 'children'} against {aside.before:,}"
    if aside.once is None or verdict not in ("higher", "lower") or aside.once.verdict == verdict:
        return said
    return f"{said}; with each child counted once, {aside.once.sentence}, so a few children's repeats may be all of it"

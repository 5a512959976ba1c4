"""Before and after a change at a place: what was recorded here, next door and elsewhere, and whether it differs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from operator import and_
from typing import Any, Literal
from uuid import UUID

import numpy as np
import shapely

from placewise.core.scope import PANEL
from placewise.geo.displacement import (
    BeforeAfter,
    DisplacementDifference,
    DisplacementQuotient,
    weighted_displacement_difference,
    weighted_displacement_quotient,
)
from placewise.geo.intervals import Comparison, compare_counts, poisson_interval
from placewise.panel.before_after_plan import Grounds, Plan, Site, find_grounds, midnight
from placewise.panel.completeness import Completeness, read_completeness, telling
from placewise.panel.period import LONDON, Period, month_after
from placewise.panel.place_trend import once_each
from placewise.store import near_events
from placewise.store.near_events import HarmRecord
from placewise.store.session import Session

Where = Literal["target", "ring", "comparison"]
AREAS: tuple[Where, ...] = ("target", "ring", "comparison")
Verdict = Literal["fewer", "more", "ordinary", "too_few"]


@dataclass(frozen=True, slots=True)
class AreaCount:
    """What one area had before and after; each pair is (before, after).

    Attributes
    ----------
    records : tuple of int
    once : tuple of int
        Each child once a period, and each record that names no child: what verdicts are drawn from. A record that names
        several children stands for one of them.
    children : tuple of int
        Different children named.
    """

    records: tuple[int, int]
    once: tuple[int, int]
    children: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Judged:
    """An area held against its comparison.

    Attributes
    ----------
    difference : DisplacementDifference
        The comparison area's change brought to the scale of this one by what both had in all.
    exact : Comparison
        After against before, exactly, with the comparison area's counts as exposure.
    verdict : str
        A change is called only where both find it: the first knows the comparison's own scatter, the second small
        counts.
    """

    difference: DisplacementDifference
    exact: Comparison
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Reports:
    """Months before and after in which an agency reported, and in which its reports should be there and are not."""

    agency: str
    held: tuple[int, int]
    missing: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A plan and what happened.

    Attributes
    ----------
    days : tuple of int
        Days with whole data before and after; all others count neither records nor time.
    months : tuple of int
        Calendar months that each period touches.
    gaps : list of str
        Months without whole data, such as ``2026-05``.
    here, next_door, together : Judged or None
        None where nothing can be compared.
    quotient : DisplacementQuotient or None
    spanning, in_gaps : int
        Records in the areas that are left out: they may lie on either side of the change; their month's data are not
        whole.
    rough : tuple of int
        Records of harm of the whole partnership, before and after, that are known too roughly for any area.
    sees_all : bool
        False for those who see single places only: children are not counted and nothing is compared.
    """

    plan: Plan
    grounds: Grounds
    counts: Mapping[Where, AreaCount]
    days: tuple[int, int]
    months: tuple[int, int]
    gaps: Sequence[str]
    here: Judged | None
    next_door: Judged | None
    together: Judged | None
    quotient: DisplacementQuotient | None
    spanning: int
    in_gaps: int
    rough: tuple[int, int]
    reports: Sequence[Reports]
    sees_all: bool

    @property
    def figures(self) -> dict[str, Any]:
        """What a saved run keeps and is later held against; plain values for JSON."""
        counts: dict[str, Any] = {
            where: {"records": list(n.records), "once": list(n.once), "children": list(n.children)}
            for where, n in self.counts.items()
        }
        verdicts = {"here": self.here, "next_door": self.next_door, "together": self.together}
        return {
            **counts,
            "days": list(self.days),
            "verdicts": {name: None if found is None else found.verdict for name, found in verdicts.items()},
        }


def evaluate(session: Session, plan: Plan, site: Site) -> Evaluation:
    """Count and compare; the plan must lie within the records (`before_after_plan.too_early`)."""
    grounds = find_grounds(plan, site)
    places = [site.place.place_id, *grounds.places]
    span = {
        "since": midnight(plan.since),
        "until": midnight(plan.until),
        "as_at": plan.as_at or datetime.now(UTC),
    }
    everywhere = shapely.union_all([grounds.target, grounds.ring, grounds.comparison])
    records = near_events.list_harm(session, everywhere, places=places, **span)
    sees_all = bool(session.roles & PANEL)
    return judge_records(
        records,
        near_events.list_children(session, [one.event_id for one in records]) if sees_all else {},
        plan,
        grounds,
        place_id=site.place.place_id,
        known=_read_known(session, plan),
        rough=near_events.count_rough(session, places=places, changed=midnight(plan.changed), **span),
    )


def judge_records(
    records: Sequence[HarmRecord],
    children: Mapping[UUID, Sequence[UUID]],
    plan: Plan,
    grounds: Grounds,
    *,
    place_id: UUID,
    known: Completeness,
    rough: tuple[int, int] = (0, 0),
) -> Evaluation:
    """From records and what is known of their completeness to an evaluation; no database is asked."""
    area = _assign(records, grounds, place_id)
    since, changed, until = (midnight(day) for day in (plan.since, plan.changed, plan.until))
    inside = [
        (one, where)
        for one, where in zip(records, area, strict=True)
        if where and since <= one.middle < until
    ]
    whole = known.whole(_tellers(inside))
    is_whole = dict(zip(known.period.months, whole, strict=True))
    certain = [(one, where) for one, where in inside if not one.occurred_from < changed < one.occurred_to]
    counted = [(one, where) for one, where in certain if is_whole[_month(one)]]
    counts = {
        where: _count([one for one, at in counted if at == where], children, changed) for where in AREAS
    }
    days = _days(plan.since, plan.changed, is_whole), _days(plan.changed, plan.until, is_whole)
    both = _count([one for one, at in counted if at != "comparison"], children, changed)
    against = counts["comparison"].once
    comparable = all(days) and all(against)
    return Evaluation(
        plan=plan,
        grounds=grounds,
        counts=counts,
        days=days,
        months=(_touched(plan.since, plan.changed), _touched(plan.changed, plan.until)),
        gaps=[f"{month:%Y-%m}" for month, here in is_whole.items() if not here],
        here=compare_change(counts["target"].once, against, days) if comparable else None,
        next_door=compare_change(counts["ring"].once, against, days) if comparable else None,
        together=compare_change(both.once, against, days) if comparable else None,
        quotient=_quotient(counts) if comparable else None,
        spanning=len(inside) - len(certain),
        in_gaps=len(certain) - len(counted),
        rough=rough,
        reports=_reports(known, plan),
        sees_all=known.sees_all,
    )


def compare_change(here: tuple[int, int], against: tuple[int, int], days: tuple[int, int]) -> Judged | None:
    """Hold one area's change against another's; None where this one had nothing in either period.

    Parameters
    ----------
    here, against : tuple of int
        Before and after; neither of ``against`` is nought.
    days : tuple of int
        Days observed before and after.

    Notes
    -----
    With sizes in proportion to what each area had in both periods together, the weighted displacement difference is the
    score test of two by two counts, and its variance is never below the exact one: a change that both areas share,
    however great, is no finding. The normal approximation fails for small counts, so the exact test must agree.
    """
    if not any(here):
        return None
    difference = weighted_displacement_difference(
        BeforeAfter(*here),
        BeforeAfter(*against, size=sum(against) / sum(here)),
        before_days=days[0],
        after_days=days[1],
    )
    exact = compare_counts(here[1], here[0], exposure=against[1], baseline_exposure=against[0])
    agreed = (difference.verdict, exact.verdict)
    verdict: Verdict = "ordinary"
    if agreed == ("fewer", "lower"):
        verdict = "fewer"
    elif agreed == ("more", "higher"):
        verdict = "more"
    elif "too_few" in agreed:
        verdict = "too_few"
    return Judged(difference, exact, verdict)


def interval(count: int) -> tuple[float, float]:
    """The long-run averages that a count is compatible with (95%)."""
    low, high = poisson_interval([count])
    return float(low[0]), float(high[0])


def _quotient(counts: Mapping[Where, AreaCount]) -> DisplacementQuotient:
    return weighted_displacement_quotient(*(BeforeAfter(*counts[where].once) for where in AREAS))


def _read_known(session: Session, plan: Plan) -> Completeness:
    """Whole months round both periods, judged by all that was held: a short plan does not make a silence short."""
    last = (plan.until - timedelta(1)).replace(day=1)
    period = Period(last, _touched(plan.since, plan.until))
    return read_completeness(session, period, as_at=plan.as_at)


def _assign(records: Sequence[HarmRecord], grounds: Grounds, place_id: UUID) -> list[Where | None]:
    """The area of each record: that of the place it names, else where it lies."""
    x, y = np.array([one.x for one in records], float), np.array([one.y for one in records], float)
    points = shapely.points(x, y)
    shapely.prepare([grounds.target, grounds.ring, grounds.comparison])
    lies = {where: shapely.intersects(getattr(grounds, where), points) for where in AREAS}
    found: list[Where | None] = []
    for i, one in enumerate(records):
        if one.place_id == place_id:
            found.append("target")
        elif one.place_id in grounds.places:
            found.append("comparison")
        else:
            found.append(next((where for where in AREAS if lies[where][i]), None))
    return found


def _count(
    records: Sequence[HarmRecord], children: Mapping[UUID, Sequence[UUID]], changed: datetime
) -> AreaCount:
    before = [one.event_id for one in records if one.middle < changed]
    after = [one.event_id for one in records if one.middle >= changed]
    different = [
        len({child for event in side for child in children.get(event, ())}) for side in (before, after)
    ]
    return AreaCount(
        (len(before), len(after)),
        (once_each(before, children), once_each(after, children)),
        (different[0], different[1]),
    )


def _tellers(inside: Sequence[tuple[HarmRecord, Where]]) -> set[str]:
    """Agencies without which the count here and next door, or elsewhere, is incomplete."""
    near = Counter(one.agency for one, where in inside if where != "comparison")
    elsewhere = Counter(one.agency for one, where in inside if where == "comparison")
    return {*telling(near), *telling(elsewhere)}


def _month(one: HarmRecord) -> date:
    return one.middle.astimezone(LONDON).date().replace(day=1)


def _days(first: date, end: date, is_whole: Mapping[date, bool]) -> int:
    """Days from ``first`` to the one before ``end`` that lie in months with whole data."""
    return sum(
        max((min(month_after(month), end) - max(month, first)).days, 0)
        for month, here in is_whole.items()
        if here
    )


def _touched(first: date, end: date) -> int:
    last = end - timedelta(1)
    return (last.year - first.year) * 12 + last.month - first.month + 1


def _reports(known: Completeness, plan: Plan) -> list[Reports]:
    """Months with reports of each agency; the month of a change within it belongs to both periods."""
    months = known.period.months
    sides = (
        [month < plan.changed for month in months],
        [month_after(month) > plan.changed for month in months],
    )

    def on_each(flags: Sequence[bool]) -> tuple[int, int]:
        before, after = (sum(map(and_, flags, side)) for side in sides)
        return before, after

    return [
        Reports(agency, on_each(held), on_each(known.missing[agency]))
        for agency, held in known.reported.items()
    ]

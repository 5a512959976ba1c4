"""Before and after a change: areas, periods, each child once, and when a change is called."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import UUID, uuid4

import numpy as np
import pytest
import shapely

from placewise.panel.before_after import Evaluation, compare_change, judge_records
from placewise.panel.before_after_picture import path_of
from placewise.panel.before_after_plan import Plan, Site, find_grounds, midnight, read_plan, too_early
from placewise.panel.before_after_words import cautions, left_out, quotient_words, sentence
from placewise.panel.completeness import holding_of, judge
from placewise.panel.period import Period
from placewise.store.geography import Areas, MappedPlace
from placewise.store.near_events import HarmRecord
from placewise.web.before_after_charts import Pair, pairs

PLAN = Plan(date(2025, 11, 1), "Lights", 6, 100, 300, "rest")
PLACE = UUID(int=1)
BOROUGH = shapely.box(-5000, -5000, 5000, 5000)
HERE, NEXT_DOOR, ELSEWHERE, OUTSIDE = (0.0, 250.0, 3000.0, 9000.0)


def mapped(place_id: UUID, name: str, shape: shapely.Geometry) -> MappedPlace:
    return MappedPlace(place_id, name, "park", None, "established", False, "exact", None, shape)


def site(shape: shapely.Geometry | None = None, **changes: object) -> Site:
    wards = Areas(
        (UUID(int=9),), ("E05",), ("Quay",), np.array([shapely.box(0, 0, 5000, 5000)], dtype=object)
    )
    others = [
        mapped(UUID(int=2), "Far Park", shapely.Point(3000, 0)),
        mapped(UUID(int=3), "Near", shapely.Point(300, 0)),
    ]
    here = mapped(PLACE, "Weir Park", shape or shapely.Point(0, 0))
    made = Site(here, others, wards, BOROUGH, date(2024, 5, 1), date(2026, 5, 1))
    return replace(made, **changes)


def record(
    at: datetime,
    x: float = HERE,
    *,
    place: UUID | None = None,
    agency: str = "Police",
    lasts: timedelta | None = None,
) -> HarmRecord:
    return HarmRecord(uuid4(), place, agency, at, at + (lasts or timedelta()), x, 0.0)


def spread(n: int, x: float, *, after: bool, **more: object) -> list[HarmRecord]:
    start = midnight(PLAN.changed if after else PLAN.since)
    return [record(start + timedelta(days=1 + 170 * i / n), x, **more) for i in range(n)]


def evaluated(
    records: list[HarmRecord],
    children: dict[UUID, list[UUID]] | None = None,
    *,
    silent: tuple[date, ...] = (),
    sees_all: bool = True,
    plan: Plan = PLAN,
) -> Evaluation:
    period = Period(date(2026, 4, 1), 12)
    sent = [("Police", month, 0 if month in silent else 20) for month in period.months]
    known = judge(holding_of(sent), period, sees_all=sees_all)
    return judge_records(
        records, children or {}, plan, find_grounds(plan, site()), place_id=PLACE, known=known
    )


def test_every_record_lies_in_one_area_or_none() -> None:
    at = midnight(date(2025, 9, 1))
    named = record(at, OUTSIDE, place=PLACE)
    found = evaluated([record(at, x) for x in (HERE, NEXT_DOOR, ELSEWHERE, OUTSIDE)] + [named])
    assert [found.counts[where].records for where in ("target", "ring", "comparison")] == [
        (2, 0),
        (1, 0),
        (1, 0),
    ]
    grounds = find_grounds(PLAN, site())
    for one, other in ((grounds.target, grounds.ring), (grounds.ring, grounds.comparison)):
        assert shapely.intersection(one, other).area == pytest.approx(0, abs=1e-6)
    assert grounds.ring.area == pytest.approx(math.pi * (400**2 - 100**2), rel=0.01)


def test_periods_meet_at_midnight_and_hold_neither_less_nor_more() -> None:
    moments = [midnight(day) for day in (PLAN.since, PLAN.changed, PLAN.until)]
    step = timedelta(microseconds=1)
    found = evaluated([record(at + by) for at in moments for by in (-step, timedelta())])
    assert found.counts["target"].records == (2, 2)
    assert found.days == (184, 181)


def test_a_record_that_may_lie_on_either_side_is_left_out_and_counted() -> None:
    wide = record(midnight(date(2025, 10, 20)), lasts=timedelta(days=30))
    found = evaluated([wide, *spread(3, HERE, after=False)])
    assert (found.counts["target"].records, found.spanning) == ((3, 0), 1)
    assert "May lie on either side of the change" in " ".join(left_out(found))


def test_months_that_nobody_reported_count_neither_records_nor_days() -> None:
    quiet = date(2026, 2, 1)
    inside = record(midnight(quiet) + timedelta(days=3), agency="Health")
    found = evaluated(
        [inside, *spread(12, HERE, after=False), *spread(40, ELSEWHERE, after=False)], silent=(quiet,)
    )
    assert (found.days, found.gaps, found.in_gaps) == ((184, 153), ["2026-02"], 1)
    assert "February 2026" in " ".join(left_out(found))
    assert cautions(found)[0].startswith("Reports of Police are missing in more months of one period")


def test_a_child_counts_once_a_period_and_a_record_once_whomever_it_names() -> None:
    records = spread(4, HERE, after=False)
    one, two = UUID(int=11), UUID(int=12)
    own = {records[0].event_id: [one], records[1].event_id: [one], records[2].event_id: [two, one]}
    target = evaluated(records, own).counts["target"]
    assert (target.records, target.once, target.children) == ((4, 0), (2, 0), (2, 0))


@pytest.mark.parametrize(
    ("here", "ring", "against", "said"),
    [
        (
            (30, 5),
            (12, 12),
            (80, 80),
            "a fall beyond ordinary variation; nothing suggests that it moved next door.",
        ),
        (
            (30, 5),
            (4, 40),
            (80, 80),
            "but next door rose beyond ordinary variation: it may have moved there.",
        ),
        ((30, 5), (2, 1), (80, 80), "too few next door to tell whether it moved there."),
        ((30, 5), (0, 0), (80, 80), "nothing is recorded next door in either period"),
        ((30, 29), (0, 0), (400, 390), "no change beyond ordinary variation; a fall of less than 19 would"),
        ((30, 15), (0, 0), (80, 40), "cannot tell: not even a fall to nought would be noticed with so few."),
        ((5, 0), (0, 0), (400, 400), "cannot tell: not even a fall to nought would be noticed with so few."),
        ((5, 30), (0, 0), (80, 80), "a rise beyond ordinary variation."),
        ((0, 0), (3, 3), (80, 80), "cannot tell: nothing is recorded here in either period."),
        ((30, 5), (3, 3), (5, 0), "cannot tell: the comparison area has none in one of the periods"),
    ],
)
def test_the_verdict(
    here: tuple[int, int], ring: tuple[int, int], against: tuple[int, int], said: str
) -> None:
    records = [
        one
        for counts, x in ((here, HERE), (ring, NEXT_DOOR), (against, ELSEWHERE))
        for n, after in zip(counts, (False, True), strict=True)
        for one in spread(n, x, after=after)
    ]
    found = evaluated(records)
    assert sentence(found).startswith(
        f"{here[0]} before, {here[1]} after here; {against[0]} and {against[1]} in"
    )
    assert said in sentence(found)
    assert quotient_words(found.quotient)


def test_who_sees_single_places_is_told_no_verdict() -> None:
    found = evaluated(spread(30, HERE, after=False), sees_all=False)
    assert sentence(found).startswith("Cannot tell. You see single places only")
    assert found.here is None


@pytest.mark.parametrize(
    ("before", "against", "shared"), [(6, 10, 1.0), (12, 40, 2.0), (12, 10, 0.5), (30, 400, 2.0)]
)
def test_a_change_that_both_areas_share_is_called_once_in_twenty_at_most(
    before: int, against: int, shared: float
) -> None:
    rng, runs = np.random.default_rng(20261122), 1000
    false = 0
    for _ in range(runs):
        here = int(rng.poisson(before)), int(rng.poisson(before * shared))
        other = int(rng.poisson(against)), int(rng.poisson(against * shared))
        judged = compare_change(here, other, (180, 180)) if all(other) else None
        false += judged is not None and judged.verdict in ("fewer", "more")
    assert false / runs <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)


def test_a_stop_is_found_where_the_comparison_is_large() -> None:
    judged = compare_change((20, 0), (400, 400), (180, 180))
    assert judged is not None
    assert judged.verdict == "fewer"
    assert judged.difference.estimate == -20


def test_a_plan_is_written_and_read_again() -> None:
    plan = replace(
        PLAN, against="places", chosen=(UUID(int=2),), done="Lights & more", as_at=midnight(date(2026, 5, 2))
    )
    query: dict[str, list[str]] = {}
    for name, value in plan.query():
        query.setdefault(name, []).append(value)
    assert read_plan(query, site()) == (plan, [])
    near = read_plan({**query, "with": [str(UUID(int=3))]}, site())
    assert near[0] is None
    assert "Near lies in or beside the ring" in near[1][0].message


def test_a_plan_needs_records_on_both_sides() -> None:
    today = date(2026, 5, 20)
    assert too_early(PLAN, site(), today=today) is None
    later = too_early(replace(PLAN, changed=date(2025, 11, 2)), site(), today=today)
    assert later
    assert "only to 30 April 2026" in later
    assert (
        too_early(PLAN, site(first=None), today=today)
        == "No records are held yet, so there is nothing to compare."
    )


def test_a_polygon_keeps_its_shape_with_a_margin_and_wards_leave_the_ring_out() -> None:
    park = site(shapely.box(-100, -100, 100, 100))
    assert park.reaches_m == (0, 25, 50, 100)
    exact = find_grounds(replace(PLAN, reach_m=0, against="wards", chosen=(UUID(int=9),)), park)
    assert exact.target.area == pytest.approx(40_000)
    assert exact.comparison.area == pytest.approx(25e6 - (400**2 - 0.215 * 300**2), rel=0.001)
    route = site(shapely.LineString([(0, 0), (500, 0)]))
    assert route.reaches_m == (25, 50, 100)


def test_bars_share_a_scale_within_an_area_and_stay_inside_the_picture() -> None:
    drawn = str(pairs([Pair("Here & <there>", (12, 5)), Pair("Elsewhere", (0, 0), (184, 153))]))
    widths = [float(width) for width in re.findall(r'width="([\d.]+)%" height', drawn)][1:]
    assert widths[0] / widths[1] == pytest.approx(12 / 5, rel=0.01)
    assert widths[2:] == [0, 0]
    assert max(float(x) for x in re.findall(r'x2="([\d.]+)%"', drawn)) <= 80
    assert "Here &amp; &lt;there&gt;" in drawn


def test_a_ring_is_drawn_with_its_hole() -> None:
    ring = shapely.difference(shapely.box(0, 0, 9, 9), shapely.box(3, 3, 6, 6))
    assert path_of(ring).count("M") == 2

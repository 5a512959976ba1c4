"""Under the map: whose months and hours are counted, and what silence and seasons are said to be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from placewise.core.errors import BadRequest
from placewise.geo.hexgrid import hex_grid
from placewise.panel.hotspot_area import AreaFacts, Box, area_facts, read_box
from placewise.panel.hotspot_months import months_between, start_of
from placewise.panel.hotspot_records import mark_records
from placewise.panel.hotspots import Laid
from placewise.store.osgb import to_lonlat
from tests.unit.test_hotspots import X, Y, asked, columns, ground

YEAR = months_between("2025-05", "2026-04")
TWO_YEARS = months_between("2024-05", "2026-04")


def laid(
    *rows: dict[str, Any], children: dict[int, int] | None = None, sees_all: bool = True, **filters: Any
) -> Laid:
    known = columns(*rows)
    here = ground(held=known)
    if children:
        object.__setattr__(known, "child_event", np.array(list(children)))
        object.__setattr__(known, "child", np.array(list(children.values())))
    wanted = asked(**filters)
    return Laid(
        wanted, here, mark_records(known, wanted, here), hex_grid(here.frame, cell_width_m=250), sees_all
    )


def box_around(x: float, y: float, half_m: float) -> Box:
    lon, lat = to_lonlat(np.array([x - half_m, x + half_m]), np.array([y - half_m, y + half_m]))
    return Box(lon[0], lat[0], lon[1], lat[1])


def monthly(months: list[str], n: int = 1, **changes: Any) -> list[dict[str, Any]]:
    return [{"at": start_of(month) + timedelta(days=9)} | changes for month in months for _ in range(n)]


def counts(facts: AreaFacts) -> list[int]:
    return [month.count for month in facts.trend]


def test_only_what_lies_in_the_part_shown_is_counted() -> None:
    found = laid({}, {"x": X + 900}, {"x": X + 1000}, {"x": X + 9000}, {"relation": "found_there"})
    assert (area_facts(found, None).n, area_facts(found, None).n_on_map) == (3, 3)
    part = area_facts(found, box_around(X + 950, Y, 100))
    assert (part.n, part.n_on_map, part.is_whole) == (2, 3, False)
    assert sum(counts(part)) == 2


def test_the_sliders_month_leaves_the_months_alone() -> None:
    found = laid(*monthly(YEAR, 2), month="2026-01")
    assert counts(area_facts(found, None)) == [2] * 12


def test_a_month_with_reports_and_none_here_is_a_nought_and_one_without_reports_is_not() -> None:
    elsewhere = monthly(YEAR[:8], x=X + 9000)
    facts = area_facts(laid(*monthly(YEAR[:6], 5), *elsewhere), None)
    nought, silent = facts.trend[7], facts.trend[9]
    assert (nought.count, nought.held, nought.low) == (0, True, 0.0)
    assert nought.high == pytest.approx(3.69, abs=0.01)
    assert (silent.held, silent.low, silent.high) == (False, None, None)
    assert "nothing is held for January 2026 to April 2026" in facts.held


def test_missing_reports_of_an_agency_that_tells_of_this_part_leave_no_interval() -> None:
    rows = [*monthly(YEAR, 3), *monthly(YEAR[:9], 3, agency=1)]
    facts = area_facts(laid(*rows), None)
    assert facts.incomplete == ["Health"]
    assert [month.low is None for month in facts.trend] == [False] * 9 + [True] * 3
    assert all(month.held for month in facts.trend)
    here = area_facts(
        laid(*monthly(YEAR, 30), *monthly(YEAR[:9], 3, agency=1, x=X + 1000)), box_around(X, Y, 300)
    )
    assert here.incomplete == []


def test_who_sees_single_places_only_is_told_of_no_silence() -> None:
    facts = area_facts(laid(*monthly(YEAR[:6], 5), sees_all=False), None)
    assert facts.held == facts.season == ""
    assert all(month.held and month.low is None for month in facts.trend)


def test_whole_days_take_no_part_in_the_clock_and_spans_are_shared_out() -> None:
    known = laid(
        {"at": datetime(2026, 3, 12, 22, tzinfo=UTC)},
        {"at": start_of("2026-03")},
        {"at": start_of("2026-03")},
    )
    ends = known.records.columns.occurred_to_us.copy()
    ends[0] += 2 * 3_600_000_000
    ends[1] += 24 * 3_600_000_000
    object.__setattr__(known.records.columns, "occurred_to_us", ends)
    clock = area_facts(known, None).clock
    assert (clock.n, clock.n_time_unknown) == (2, 1)
    assert clock.weights[3, 22:].tolist() == [0.5, 0.5]
    assert clock.weights[6, 0] == 1, "an instant at midnight is a time"


def test_the_day_the_clocks_go_forward_is_a_day() -> None:
    known = laid({"at": datetime(2026, 3, 29, tzinfo=UTC)})
    object.__setattr__(
        known.records.columns, "occurred_to_us", known.records.columns.occurred_to_us + 23 * 3_600_000_000
    )
    assert area_facts(known, None).clock.n_time_unknown == 1


def summer(n: int, base: int) -> list[dict[str, Any]]:
    return [
        row for month in TWO_YEARS for row in monthly([month], n if month[5:] in ("06", "07", "08") else base)
    ]


def test_a_season_seen_twice_is_named_with_its_caution() -> None:
    facts = area_facts(laid(*summer(9, 3), first_month="2024-05"), None)
    assert facts.season.startswith(
        "More in June to August than an even spread over the year gives (24 months"
    )
    assert "schools" in facts.season_caution


def test_an_even_year_has_no_season_and_a_short_or_sparse_one_cannot_tell() -> None:
    even = area_facts(laid(*monthly(TWO_YEARS, 5), first_month="2024-05"), None)
    assert even.season.startswith("No month or season stands out")
    assert "this period has 12" in area_facts(laid(*monthly(YEAR, 9)), None).season
    sparse = area_facts(laid(*monthly(TWO_YEARS), first_month="2024-05"), None)
    assert "too few to tell (24 reports" in sparse.season


def test_one_childs_burst_counts_once_a_month() -> None:
    rows = summer(9, 3)
    in_summer = [i for i, row in enumerate(rows) if row["at"].month in (6, 7, 8)]
    found = laid(*rows, children=dict.fromkeys(in_summer, 4), first_month="2024-05")
    assert "More in" not in area_facts(found, None).season


def test_no_edges_mean_the_whole_and_four_make_a_box() -> None:
    assert read_box({}) is None
    edges = {"west": ["-0.2"], "south": ["51.4"], "east": ["0.1"], "north": ["51.6"]}
    assert read_box(edges) == Box(-0.2, 51.4, 0.1, 51.6)


@pytest.mark.parametrize(
    "changes",
    [
        {"west": []},
        {"west": ["nan"]},
        {"east": ["-1"]},
        {"north": ["x"]},
        {"south": ["51.6"]},
        {"north": ["91"]},
    ],
)
def test_a_box_that_cannot_be_is_refused_in_words(changes: dict[str, list[str]]) -> None:
    edges = {"west": ["-0.2"], "south": ["51.4"], "east": ["0.1"], "north": ["51.6"]}
    with pytest.raises(BadRequest, match="west, south, east and north"):
        read_box(edges | changes)

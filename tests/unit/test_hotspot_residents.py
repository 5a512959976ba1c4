"""Rates by residents: who is held against whom, by cell and by ward, and what is said of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import numpy as np
import pytest
import shapely

from placewise.geo.hexgrid import hex_grid
from placewise.panel.hotspot_cells import cell_facts, cell_names, cell_table
from placewise.panel.hotspot_layers import layer
from placewise.panel.hotspot_rate_words import rate_sentence, rates_legend
from placewise.panel.hotspot_rates import ABOVE, NO_RATE, CellRates, cell_rates
from placewise.panel.hotspot_records import mark_records
from placewise.panel.hotspot_residents import Peopled
from placewise.panel.hotspot_ward_rates import ward_rates
from placewise.panel.hotspots import Hotspots, Laid, count_records
from placewise.store.geography import Areas, ResidentAreas
from tests.unit.test_hotspots import X, Y, asked, columns, ground

WEST, EAST = shapely.box(X - 1500, Y - 1500, X, Y + 1500), shapely.box(X, Y - 1500, X + 1500, Y + 1500)
HALVES = np.array([WEST, EAST])
IDS = (UUID(int=3), UUID(int=4))
WARDS = Areas(IDS, ("W", "E"), ("West", "East"), HALVES)
DRY = np.array([], dtype=object)
HERE, THERE = {"x": X + 600.0, "y": Y}, {"x": X - 600.0, "y": Y}


def areas(kind: str = "lsoa", year: int = 2021, living: tuple[int, int] = (9000, 36000)) -> ResidentAreas:
    return ResidentAreas(kind, year, IDS, np.array(living), HALVES)


def found(rows: list[dict[str, Any]], peopled: Peopled | None = None, **changes: Any) -> Hotspots:
    known = changes.pop("children_known", True)
    wanted = asked(**{"view": "rates", "cell_width_m": 500, "rate": "residents"} | changes)
    here = ground(wards=WARDS, peopled=lambda: peopled or Peopled(areas(), None, DRY))
    records = mark_records(columns(*rows), wanted, here)
    return count_records(Laid(wanted, here, records, hex_grid(here.frame, cell_width_m=500), known))


def at(picture: Hotspots, spot: dict[str, float]) -> int:
    return int(picture.grid.locate([spot["x"]], [spot["y"]])[0])


def given(rates: CellRates, picture: Hotspots, spot: dict[str, float]) -> tuple[float, float, float]:
    assert rates.rates is not None
    cell = at(picture, spot)
    return tuple(float(part[cell]) for part in (rates.rates.count, rates.rates.denominator, rates.rates.rate))


def test_a_cell_has_its_share_of_the_residents_and_a_year_of_reports() -> None:
    picture = found([HERE] * 30 + [THERE] * 3)
    rates = cell_rates(picture)
    # A hexagon of 500 m has 216,506 m²; 36,000 people live on 4.5 km² in the east, 9,000 in the west.
    assert given(rates, picture, HERE) == (30, 1732, pytest.approx(1000 * 30 / 1732))
    assert given(rates, picture, THERE)[:2] == (3, 433)
    assert rates.stand[at(picture, HERE)] == ABOVE
    assert rates.overall == pytest.approx(1000 * 33 / 45_000, rel=0.001)


@pytest.mark.parametrize(("first", "last", "months"), [("2026-03", "2026-03", 1), ("2025-05", "2026-04", 12)])
def test_any_period_is_brought_to_a_year(first: str, last: str, months: int) -> None:
    picture = found([HERE] * 10, first_month=first, last_month=last)
    assert given(cell_rates(picture), picture, HERE)[2] == pytest.approx(1000 * 10 / 1732 * 12 / months)
    said = " ".join(layer(picture, cell_rates(picture))["legend"]["lines"])
    assert ("Brought to a year from 1 month." in said) == (months == 1)


def test_months_before_the_first_record_are_no_time_at_risk() -> None:
    # The records of this partnership begin in May 2024.
    long = found([HERE] * 24, first_month="2020-01", last_month="2026-04")
    assert given(cell_rates(long), long, HERE)[2] == pytest.approx(1000 * 12 / 1732)


def test_a_child_counts_once_a_cell_and_twelve_months() -> None:
    def on(year: int, month: int) -> dict[str, Any]:
        return {**HERE, "child": 1, "at": datetime(year, month, 14, tzinfo=UTC)}

    rows = [on(2024, 6), on(2024, 7), on(2025, 4), on(2025, 6), on(2026, 1)]
    picture = found(rows, first_month="2024-05", last_month="2026-04")
    assert given(cell_rates(picture), picture, HERE)[0] == 2


def test_few_residents_are_too_few_to_tell() -> None:
    picture = found([HERE] * 30 + [THERE] * 30, Peopled(areas(living=(2000, 36000)), None, DRY))
    rates = cell_rates(picture)
    assert given(rates, picture, THERE)[1] == 96
    assert rates.stand[at(picture, THERE)] == NO_RATE
    name = cell_names(picture, np.array([at(picture, THERE)]))[0]
    words = dict(cell_facts(picture, name, rates).lines)["Reports per 1,000 residents a year"]
    assert words == "Too few to tell: 30 reports, 96 residents (at least 100 are needed)"


def test_records_where_no_residents_are_held_are_left_out_and_it_is_said() -> None:
    only_east = ResidentAreas("lsoa", 2021, IDS[1:], np.array([36000]), HALVES[1:])
    picture = found([HERE] * 30 + [THERE] * 5, Peopled(only_east, None, DRY))
    rates = cell_rates(picture)
    assert rates.rates is not None
    assert rates.rates.count.sum() == 30
    lines = rates_legend(picture, rates, [0.0]).lines
    assert "5 records on ground whose residents are not held: left out." in lines
    wards = ward_rates(picture, rates)
    assert wards is not None
    assert wards.elsewhere == 5


def test_the_denominator_is_named_with_its_year_and_kind_wherever_a_figure_stands() -> None:
    picture = found([HERE] * 30)
    rates = cell_rates(picture)
    named = "residents of 2021 by LSOA, shared out by area of land"
    drawn = layer(picture, rates)
    assert f"Denominator: {named} (45,000 in 2 areas); nobody on water." in drawn["legend"]["lines"]
    name = cell_names(picture, np.array([at(picture, HERE)]))[0]
    words = dict(cell_facts(picture, name, rates).lines)["Reports per 1,000 residents a year"]
    assert words.startswith("17 per 1,000 residents a year, 95% range 12 to 25: 30 reports, 1,732 residents;")
    assert named in words
    assert "not the risk of those who live there" in words
    wards = ward_rates(picture, rates)
    assert wards is not None
    assert wards.denominator_is == named
    assert "not the risk of those who live there" in drawn["sentence"]
    visitors = (
        "Records of children who only visit count too. A town centre has few residents and many visitors."
    )
    assert any(line.startswith(visitors) for line in drawn["legend"]["lines"])


def test_the_sentence_says_how_many_would_lie_apart_if_reports_followed_the_residents() -> None:
    picture = found([HERE] * 30 + [THERE] * 3)
    said = rate_sentence(picture, cell_rates(picture))
    assert "the others have fewer than 100 residents. 2 lie clearly above the whole area’s 0.73" in said
    # Where 0.3 or 1.3 are expected only three or five lie apart: far from one cell in twenty.
    assert "none clearly below: by chance alone hardly any would." in said


def test_cells_without_a_report_have_a_key_of_their_own() -> None:
    picture = found([HERE] * 30 + [THERE] * 3)
    drawn = layer(picture, cell_rates(picture))
    assert (drawn["legend"]["key"][0]["look"], drawn["legend"]["key"][0]["label"]) == ("none", "0")
    assert drawn["legend"]["key"][1]["label"] == "6.9 to under 12", "what is drawn begins at the least figure"
    assert "0" in drawn["layer"]["text"]
    assert {row.rate.figure for row in cell_table(picture, cell_rates(picture)).rows if row.rate} >= {
        "0",
        "17",
    }


def test_wards_hold_their_own_residents_where_they_have_them() -> None:
    own = areas("ward", living=(8000, 30000))
    picture = found([HERE] * 30 + [THERE] * 3, Peopled(areas(), own, DRY))
    wards = ward_rates(picture, cell_rates(picture))
    assert wards is not None
    assert wards.denominator_is == "residents of 2021 by ward"
    assert [(name, rate.count, rate.denominator, rate.figure) for name, rate in wards.rows] == [
        ("West", 3, 8000, "0.38"),
        ("East", 30, 30000, "1.00"),
    ]
    assert wards.whole is not None
    assert (wards.whole.count, wards.whole.denominator, wards.whole.figure) == (33, 38000, "0.87")


@pytest.mark.parametrize("own", [areas("ward", 2011, (8000, 30000)), None])
def test_wards_without_residents_of_that_year_share_those_of_the_smaller_areas(
    own: ResidentAreas | None,
) -> None:
    picture = found([HERE] * 30, Peopled(areas(), own, DRY))
    wards = ward_rates(picture, cell_rates(picture))
    assert wards is not None
    assert [rate.denominator for _, rate in wards.rows] == [9000, 36000]
    assert "by LSOA" in wards.denominator_is


def test_without_any_record_noughts_are_no_figures_neither_of_cells_nor_of_wards() -> None:
    picture = found([{"x": X + 90_000}])
    rates = cell_rates(picture)
    assert "no record lies where residents are held" in rate_sentence(picture, rates)
    by_ward = ward_rates(picture, rates)
    assert by_ward is not None
    assert {row.figure for _, row in by_ward.rows} == {"–"}
    assert by_ward.why_none == rates.why_none


def test_without_residents_or_for_those_who_see_a_part_the_map_says_why() -> None:
    nobody = found([HERE] * 30)
    object.__setattr__(nobody.ground, "peopled", lambda: None)
    part = found([HERE] * 30, children_known=False)
    for picture, why in ((nobody, "the columns residents and residents_year"), (part, "a rate needs all")):
        rates = cell_rates(picture)
        assert rates.rates is None
        assert why in rate_sentence(picture, rates)
        assert ward_rates(picture, rates) is None

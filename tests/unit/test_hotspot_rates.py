"""Rates of the map: what is held against what, where a figure is refused, and that the denominator is named."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from placewise.geo.hexgrid import hex_grid
from placewise.panel.hotspot_cells import cell_facts, cell_names, cell_table
from placewise.panel.hotspot_filter import RATES
from placewise.panel.hotspot_layers import layer
from placewise.panel.hotspot_rate_words import figure, rate_edges, rate_sentence, rates_legend
from placewise.panel.hotspot_rates import ABOVE, BELOW, MEASURES, NO_RATE, WITHIN, CellRates, cell_rates
from placewise.panel.hotspot_records import mark_records
from placewise.panel.hotspots import Hotspots, Laid, count_records
from tests.unit.test_hotspots import X, Y, asked, columns, ground

#: Centres of three cells of 500 m that do not touch.
HERE, THERE, ELSEWHERE = ({"x": X + dx, "y": Y} for dx in (0.0, 1000.0, -1000.0))
CRIME = {
    "kind": "recorded_crime",
    "category": "drugs",
    "harms": 0,
    "accuracy": "snap_point",
    "radius_m": 150.0,
}


def found(rows: list[dict[str, Any]], *, children_known: bool = True, **changes: Any) -> Hotspots:
    wanted, here = asked(**{"view": "rates", "cell_width_m": 500, "rate": "crime"} | changes), ground()
    records = mark_records(columns(*rows), wanted, here)
    return count_records(Laid(wanted, here, records, hex_grid(here.frame, cell_width_m=500), children_known))


def at(picture: Hotspots, spot: dict[str, float]) -> int:
    return int(picture.grid.locate([spot["x"]], [spot["y"]])[0])


def many(n: int, **row: Any) -> list[dict[str, Any]]:
    return [row] * n


def rated(picture: Hotspots, spot: dict[str, float]) -> tuple[float, int]:
    rates = cell_rates(picture)
    assert rates.rates is not None
    return float(rates.rates.rate[at(picture, spot)]), int(rates.stand[at(picture, spot)])


def test_each_rate_of_the_filter_has_its_words() -> None:
    assert tuple(MEASURES) == RATES
    assert all(measure.denominator for measure in MEASURES.values())


def test_reports_are_held_against_recorded_crime_of_the_same_cell() -> None:
    rows = [
        *many(30, **HERE),
        *many(50, **HERE, **CRIME),
        *many(5, **THERE),
        *many(100, **THERE, **CRIME),
        *many(10, **ELSEWHERE),
        *many(19, **ELSEWHERE, **CRIME),
    ]
    picture = found(rows)
    assert rated(picture, HERE) == (pytest.approx(60), ABOVE)
    assert rated(picture, THERE) == (pytest.approx(5), BELOW)
    rates = cell_rates(picture)
    assert rates.stand[at(picture, ELSEWHERE)] == NO_RATE, "19 recorded crimes are too few"
    # 45 reports and 169 crimes in all.
    assert rates.overall == pytest.approx(100 * 45 / 169)


def test_a_childs_repeats_in_a_cell_count_once() -> None:
    rows = [*many(30, **HERE, child=1), *many(25, **HERE, **CRIME)]
    assert rated(found(rows), HERE)[0] == pytest.approx(4)


def test_the_harm_filter_leaves_the_background_as_it_is() -> None:
    rows = [*many(6, **HERE, harms=1), *many(9, **HERE, harms=2), *many(20, **HERE, **CRIME)]
    assert rated(found(rows, harms=("cse",)), HERE)[0] == pytest.approx(30)
    assert rated(found(rows, harms=("cse",), rate="all"), HERE)[0] == pytest.approx(100 * 6 / 35)


def test_a_quotient_compares_shares_and_one_is_like_the_whole_area() -> None:
    rows = [
        *many(20, **HERE, harms=1),
        *many(20, **HERE, harms=2),
        *many(20, **THERE, harms=1),
        *many(60, **THERE, harms=2),
    ]
    picture = found(rows, harms=("cse",), rate="all_quotient")
    assert rated(picture, HERE)[0] == pytest.approx((20 / 40) / (20 / 80))
    assert rated(picture, THERE)[0] == pytest.approx((20 / 40) / (60 / 80))
    assert cell_rates(picture).overall == 1


def test_records_per_child_need_ten_children() -> None:
    repeats = [0, 0, 0, 1, 1, *range(10)]
    rows = [{**HERE, "child": n} for n in repeats] + [{**THERE, "child": n % 9 + 20} for n in range(30)]
    picture = found(rows, rate="children")
    assert rated(picture, HERE)[0] == pytest.approx(1.5)
    assert cell_rates(picture).stand[at(picture, THERE)] == NO_RATE


def test_children_who_all_have_one_record_are_not_below_the_rest() -> None:
    rows = [{**HERE, "child": n} for n in range(12)] + [{**THERE, "child": n % 12} for n in range(40)]
    assert rated(found(rows, rate="children"), HERE) == (1.0, WITHIN)


@pytest.mark.parametrize(
    ("rows", "changes", "why"),
    [
        (many(30, **HERE), {}, "no recorded crime"),
        ([], {}, "no recorded crime"),
        (many(30, **HERE), {"rate": "all"}, "every record would be held against itself"),
        (many(30, **HERE) + many(5, **HERE, **CRIME), {}, "below 20"),
        (many(30, **HERE), {"rate": "children"}, "too few children"),
        (
            many(30, **HERE) + many(50, **HERE, **CRIME),
            {"children_known": False},
            "only the records at the places",
        ),
    ],
)
def test_where_no_rate_can_be_given_the_map_says_why(
    rows: list[dict[str, Any]], changes: dict[str, Any], why: str
) -> None:
    picture = found(rows or [{"x": X + 9_000}], **changes)
    rates = cell_rates(picture)
    assert rates.rates is None
    assert why in rate_sentence(picture, rates)
    drawn = layer(picture, rates)
    assert why in " ".join(drawn["legend"]["lines"])
    assert all(text == "–" for text in drawn["layer"]["text"])
    assert [row.rate.stand for row in cell_table(picture, rates).rows if row.rate] == [
        "Too few to tell"
    ] * len(drawn["layer"]["text"])


def picture_of_two() -> tuple[Hotspots, CellRates]:
    rows = [
        *many(30, **HERE),
        *many(50, **HERE, **CRIME),
        *many(5, **THERE),
        *many(100, **THERE, **CRIME),
        *many(3, **ELSEWHERE),
    ]
    picture = found(rows, sort="rate")
    return picture, cell_rates(picture)


def test_the_sentence_says_how_many_lie_apart_and_how_many_would_by_chance() -> None:
    assert rate_sentence(*picture_of_two()) == (
        "In May 2025 to April 2026, 2 cells of 3 can be given a figure; the others have fewer than 20 recorded "
        "crimes. 1 lies clearly above the whole area’s 25 per 100 recorded crimes and 1 clearly below: by chance "
        "alone hardly any would."
    )


def test_table_and_cell_name_the_denominator_and_give_the_range() -> None:
    picture, rates = picture_of_two()
    first, second, third = (row.rate for row in cell_table(picture, rates).rows)
    assert first is not None
    assert second is not None
    assert third is not None
    assert (first.count, first.denominator, first.figure, first.stand) == (
        30,
        50,
        "60",
        "Above the whole area",
    )
    assert (second.figure, third.figure, third.between) == ("5.0", "–", "–")
    facts = cell_facts(picture, cell_names(picture, picture.drawn)[0], rates)
    assert "recorded crimes" in dict(facts.lines)["Per 100 recorded crimes"]


def test_every_cell_is_in_the_class_that_the_legend_says() -> None:
    picture, rates = picture_of_two()
    legend, drawn = rates_legend(picture, rates, rate_edges(rates)), layer(picture, rates)["layer"]
    labels = {int(swatch.look[-1]): swatch.label for swatch in legend.key if swatch.look.startswith("step-")}
    shown = {
        text: labels[shade] for text, shade in zip(drawn["text"], drawn["shade"], strict=True) if text != "–"
    }
    assert shown["60"] == "32 to 60"
    low, _, top = shown["5.0"].partition(" to under ")
    assert float(low) <= 5.0 < float(top)
    assert legend.lines[0] == "Denominator: recorded crimes, in the same cell and time."


def classes(picture: Hotspots) -> list[str]:
    rates = cell_rates(picture)
    key = rates_legend(picture, rates, rate_edges(rates)).key
    return [swatch.label for swatch in key if swatch.look.startswith("step-")]


def repeats(spot: dict[str, float], children: int, twice: int) -> list[dict[str, Any]]:
    """Records of some children at a spot, the first few of them named twice."""
    named = [*range(children), *range(twice)]
    return [{**spot, "child": n + round(spot["x"])} for n in named]


def test_figures_that_hardly_differ_share_one_shade_and_the_legend_says_so() -> None:
    rows = [*repeats(HERE, 20, 0), *repeats(THERE, 20, 1), *repeats(ELSEWHERE, 20, 2)]
    picture = found(rows, rate="children")
    assert classes(picture) == ["1.00 to 1.10"]
    assert "hardly differ" in layer(picture, cell_rates(picture))["legend"]["lines"][0]
    assert len(set(layer(picture, cell_rates(picture))["layer"]["shade"])) == 1


def test_no_class_begins_below_the_least_figure_nor_ends_above_the_largest() -> None:
    rows = [*repeats(HERE, 20, 0), *repeats(THERE, 20, 10), *repeats(ELSEWHERE, 20, 20)]
    picture = found(rows, rate="children")
    assert classes(picture) == ["1.00 to under 1.33", "1.33 to under 1.67", "1.67 to 2.0"]
    assert "hardly differ" not in " ".join(layer(picture, cell_rates(picture))["legend"]["lines"])


def test_a_quotient_keeps_its_own_classes_but_only_those_that_hold_a_cell() -> None:
    rows = [
        *many(20, **HERE, harms=1),
        *many(20, **HERE, harms=2),
        *many(20, **THERE, harms=1),
        *many(60, **THERE, harms=2),
    ]
    assert classes(found(rows, harms=("cse",), rate="all_quotient")) == [
        "0.50 to under 1.00",
        "1.00 to under 1.50",
        "1.50 to under 2.0",
        "2.0",
    ]


def test_where_every_figure_is_nought_there_is_no_class() -> None:
    picture = found(many(30, **HERE, **CRIME), rate="crime")
    drawn = layer(picture, cell_rates(picture))
    assert [swatch["label"] for swatch in drawn["legend"]["key"]] == ["0", "Too few to tell"]
    assert drawn["layer"]["text"] == ["0"]


def test_a_record_that_names_two_children_counts_for_each_and_the_words_say_so() -> None:
    rows = [{**HERE, "child": n} for n in range(12)]
    events = columns(*rows)
    both = replace(events, child_event=np.append(events.child_event, 0), child=np.append(events.child, 99))
    wanted, here = asked(view="rates", cell_width_m=500, rate="children"), ground()
    grid = hex_grid(here.frame, cell_width_m=500)
    picture = count_records(Laid(wanted, here, mark_records(both, wanted, here), grid, children_known=True))
    rates = cell_rates(picture)
    (row,) = cell_table(picture, rates).rows
    assert row.rate is not None
    assert (row.count, row.rate.count, row.rate.denominator, row.rate.figure) == (12, 13, 13, "1.00")
    assert rates.measure.numerator == "mentions of a child", "13 is no number of records"
    assert "names two children counts for each" in " ".join(layer(picture, rates)["legend"]["lines"])


@pytest.mark.parametrize(
    ("value", "words"), [(0.0, "0"), (0.254, "0.25"), (1.04, "1.04"), (3.44, "3.4"), (1234.0, "1,234")]
)
def test_figures_have_as_many_digits_as_they_can_bear(value: float, words: str) -> None:
    assert figure(value) == words

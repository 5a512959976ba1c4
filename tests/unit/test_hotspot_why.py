"""Why is this here? The figures behind a cell, its neighbours, what was left out near it, and the rule."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from placewise.core.errors import NotFound
from placewise.geo.hexgrid import hex_grid
from placewise.panel.hotspot_cells import cell_names
from placewise.panel.hotspot_records import locate, mark_records
from placewise.panel.hotspot_why import Why, explain_cell
from placewise.panel.hotspot_words import NOTHING_COMPARED
from placewise.panel.hotspots import Hotspots, Laid, count_records
from tests.unit.test_hotspots import X, Y, asked, columns, ground

STREET: dict[str, Any] = {"accuracy": "street", "radius_m": 100.0}
SCATTERED = [{"x": X - 1300 + 120 * i, "y": Y - 1200 + (i * 613) % 2400} for i in range(20)]


def hotspots(
    *rows: dict[str, Any], children: dict[int, int] | None = None, known: bool = True, **filters: Any
) -> Hotspots:
    found = columns(*rows)
    here = ground(held=found)
    if children:
        object.__setattr__(found, "child_event", np.array(list(children)))
        object.__setattr__(found, "child", np.array(list(children.values())))
    wanted = asked(**filters)
    records = mark_records(found, wanted, here)
    return count_records(Laid(wanted, here, records, hex_grid(here.frame, cell_width_m=250), known))


def explained(found: Hotspots, row: int = 0) -> Why:
    """What is said of the cell that holds a record."""
    at = locate(found.records, found.grid)[[row]]
    return explain_cell(found, cell_names(found, at)[0])


def test_a_cell_that_stands_out_gives_its_figures_and_its_rule() -> None:
    why = explained(hotspots(*[{}] * 12, *SCATTERED))
    lines = dict(why.lines)
    assert why.rule.startswith("Stands out, because q is at most 0.05 and there are at least 5 reports")
    assert lines["Observed"].startswith("13 reports")
    assert lines["Range"].startswith("a long-run average of ")
    assert "spread evenly over the study area" in lines["Expected"]
    assert lines["q"].startswith("below 0.001: of every 1,000 cells at least as striking, fewer than 1")
    assert (
        lines["Months"]
        == "Records in 1 of 12 months, most in March 2026 (13); of 11 months nothing is held from anyone"
    )
    assert lines["Agencies"] == "Police 13; reports are missing from Police"
    assert "13 of 13 records exactly (within 20 m)" in lines["How exactly it is located"]


def test_one_child_is_a_share_and_never_a_name() -> None:
    rows = [{}] * 9
    assert (
        dict(explained(hotspots(*rows, children={0: 41, 1: 41, 2: 41, 3: 41, 4: 77})).lines)[
            "One child's share"
        ]
        == "At most 4 of 9 records concern one child"
    )
    each = dict(explained(hotspots(*rows, children={0: 41, 1: 77})).lines)["One child's share"]
    assert each == "No child is named in more than one of 9 records"
    assert "One child's share" not in dict(explained(hotspots(*rows, known=False)).lines)


def test_each_neighbour_is_named_by_where_it_lies() -> None:
    found = hotspots({}, *[{"x": X + 250}] * 3, *[{"y": Y + 217, "x": X - 125}] * 2, children={1: 5, 2: 5})
    around = {cell.where: (cell.records, cell.children) for cell in explained(found).around}
    assert around["This cell"] == (1, 0)
    assert around["East"] == (3, 1)
    assert around["North-west"] == (2, 0)
    assert around["West"] == (0, 0)
    edge = explained(hotspots({"x": X - 1490, "y": Y - 1490}, {}))
    assert None in [cell.records for cell in edge.around]


def test_shared_points_are_told_and_make_another_rule() -> None:
    why = explained(hotspots(*[STREET] * 12, *SCATTERED))
    assert "but at least half of the records" in why.rule
    assert "12 stand on a point" in dict(why.lines)["How exactly it is located"]
    assert "12 approximately (within up to 100 m)" in dict(why.lines)["How exactly it is located"]


def test_what_lies_near_and_is_left_out_is_counted_by_its_reason_but_no_home_is() -> None:
    why = explained(
        hotspots(
            *[{}] * 3,
            {"relation": "found_there"},
            {"relation": "detected_there", "x": X + 200},
            {"relation": "found_there", "x": X + 1200},
            *[{"relation": "lives_there"}] * 4,
            {"accuracy": "ward", "radius_m": 2000.0, "x": X + 900},
            {"accuracy": "ward", "radius_m": 300.0, "x": X + 900},
            STREET,
            accuracies=("exact",),
        )
    )
    assert why.left_out == [
        "1 record here or beside, left out by the filter: found here.",
        "1 record here or beside, left out by the filter: detected or arrested here.",
        "1 record here or beside, of an accuracy that the filter leaves out.",
        "1 record too roughly located to place may have been here.",
    ]


def test_few_reports_are_too_few_and_many_ordinary_ones_ordinary() -> None:
    assert explained(hotspots({}, {"x": X + 900})).rule.startswith(
        "Too few to tell, because fewer than 5 reports"
    )
    even = [{"x": X + 125 * (i % 21) - 1300, "y": Y + 125 * (i // 21) - 1300} for i in range(21 * 21)]
    assert explained(hotspots(*even), 220).rule.startswith("Ordinary, because q is above 0.05")


def test_without_a_test_there_is_no_rule_and_an_unknown_cell_is_refused() -> None:
    found = hotspots({}, known=False)
    assert explained(found).rule == f"No rule: {NOTHING_COMPARED}"
    with pytest.raises(NotFound):
        explain_cell(found, "1.1")

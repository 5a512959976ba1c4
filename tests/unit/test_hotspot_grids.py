"""Hexagons or squares, records or children: the same picture through another frame."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from placewise.panel.hotspot_cells import cell_facts, cell_names, cell_position, cell_table
from placewise.panel.hotspot_filter import SHAPES
from placewise.panel.hotspot_layers import layer
from placewise.panel.hotspot_records import mark_records
from placewise.panel.hotspots import STANDS_OUT, Hotspots, Laid, count_records, lay_grid
from tests.unit.test_hotspots import X, Y, asked, columns, ground


def found(rows: list[dict[str, Any]], *, children_known: bool = True, **changes: Any) -> Hotspots:
    wanted, here = asked(**changes), ground()
    records = mark_records(columns(*rows), wanted, here)
    return count_records(Laid(wanted, here, records, lay_grid(here, wanted), children_known))


def town() -> list[dict[str, Any]]:
    """Twelve records of one spot, and thirty over the whole square."""
    spots = np.random.default_rng(5).uniform(-1400, 1400, (30, 2)).tolist()
    return [{"x": X + 60, "y": Y + 60}] * 12 + [{"x": X + dx, "y": Y + dy} for dx, dy in spots]


@pytest.mark.parametrize("shape", SHAPES)
def test_each_shape_counts_tests_and_names_its_cells(shape: str) -> None:
    picture = found(town(), shape=shape)
    assert picture.counts.sum() == picture.accounted.placed == 42
    at = int(picture.grid.locate([X + 60], [Y + 60])[0])
    assert picture.verdict[at] == STANDS_OUT
    names = cell_names(picture, picture.drawn)
    assert [cell_position(picture, name) for name in names] == picture.drawn.tolist()
    assert cell_table(picture).rows[0].count == picture.counts.max()
    assert cell_facts(picture, names[0]).lines
    drawn = layer(picture, None)["layer"]
    assert drawn["shape"] == shape
    assert sum(drawn["count"]) == 42


def test_squares_are_called_squares() -> None:
    picture = found(town(), shape="squares", view="significance")
    assert layer(picture, None)["legend"]["title"] == "Squares of 250 m that stand out"
    assert cell_facts(picture, cell_names(picture, picture.drawn)[0]).title.startswith("Square of 250 m")


def test_one_childs_repeats_shade_a_cell_as_one_child() -> None:
    rows = [{"child": 1}] * 9 + [{"x": X + 600, "child": n} for n in range(4)] + [{"x": X - 900}] * 3
    by_records, by_children = (layer(found(rows, shade=shade), None) for shade in ("records", "children"))
    assert sorted(by_records["layer"]["count"]) == [3, 4, 9]
    assert sorted(by_children["layer"]["count"]) == [0, 1, 4]
    assert by_children["legend"]["title"] == "Different children in each cell of 250 m"
    assert "counts once" in by_children["legend"]["lines"][0]


def test_months_of_the_slider_share_one_scale_of_children() -> None:
    rows = [{"child": 1}] * 9 + [{"child": 2}, {"child": 3, "at": datetime(2026, 1, 14, tzinfo=UTC)}]
    month = layer(found(rows, shade="children", month="2026-01"), None)
    # Two children in March, one in January: the scale reaches to two in both.
    steps = [swatch["label"] for swatch in month["legend"]["key"] if swatch["look"].startswith("step")]
    assert steps == ["1", "2"]


def test_a_role_to_which_children_are_not_counted_sees_records() -> None:
    drawn = layer(found([{"child": 1}] * 9, shade="children", children_known=False), None)
    assert drawn["layer"]["count"] == [9]
    assert "not counted for your role" in drawn["legend"]["lines"][0]

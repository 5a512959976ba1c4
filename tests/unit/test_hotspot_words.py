"""What the map says first and beside itself: few records, filters, shared points, and which figure is which."""

from __future__ import annotations

from typing import Any

import pytest

from placewise.panel.hotspot_layers import layer
from placewise.panel.hotspot_words import counts_legend, left_out, sentence, significance_legend
from placewise.panel.hotspots import SHARED, Hotspots, Laid, count_records, lay_grid
from tests.unit.test_hotspot_surface import AREA, cloud, terrain
from tests.unit.test_hotspot_surface import found as density
from tests.unit.test_hotspots import X, Y, asked, columns, ground, mark_records

STREET: dict[str, Any] = {"accuracy": "street", "radius_m": 100.0}


def found(*rows: dict[str, Any], **changes: Any) -> Hotspots:
    state = asked(**changes)
    area = ground()
    records = mark_records(columns(*rows), state, area)
    return count_records(Laid(state, area, records, lay_grid(area, state), children_known=True))


def spot(n: int, **more: Any) -> list[dict[str, Any]]:
    return [dict(more) for _ in range(n)]


# --- Too few to tell -----------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 4])
def test_so_few_records_are_too_few_to_tell_and_not_a_finding_of_nothing(n: int) -> None:
    said = sentence(found(*spot(n)))
    assert said.startswith(
        "There are too few records to tell whether any area stands out in May 2025 to April 2026."
    )
    assert "No area" not in said


def test_one_record_is_spoken_of_as_one() -> None:
    said = sentence(found({}))
    assert " 1 record is on the map; it is located closely enough to place." in said
    assert "none of 3 records is too coarsely located to place" in sentence(found({}, {}, {}))


def test_children_are_counted_the_same_in_sentence_and_legend() -> None:
    picture = found(*[{"child": n % 7} for n in range(20)])
    assert "20 records are on the map, 7 different children known;" in sentence(picture)
    assert "7 different children known in these records." in counts_legend(picture, [1], 1).lines


# --- A density of a few --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "words"),
    [
        (1, "1 record: too few for a density. It would be drawn as a hot spot."),
        (4, "4 records: too few for a density. Each would be drawn as a hot spot of its own."),
    ],
)
def test_the_density_of_a_few_records_is_refused_on_the_map_and_in_its_legend(n: int, words: str) -> None:
    drawn = layer(density(spot(n)), None)
    assert drawn["layer"]["bands"] == []
    assert drawn["legend"]["key"] == []
    assert drawn["silence"].startswith(words)
    assert drawn["legend"]["lines"][0] == drawn["silence"]


def test_five_records_have_a_density() -> None:
    drawn = layer(density(cloud(5)), None)
    assert drawn["layer"]["bands"]
    assert drawn["silence"] == ""


def test_the_sentence_says_which_records_are_compared_and_which_are_spread() -> None:
    said = sentence(density([{}] * 30 + [AREA] * 4, terrain(), imprecise="spread"))
    assert (
        "34 records are on the map: 30 located closely enough to compare with chance, and 4 known only roughly, "
        "spread over where they may have been."
    ) in said


# --- What is left out ----------------------------------------------------------------------------


def test_records_that_a_filter_removed_are_said_to_be_left_out() -> None:
    rows = [*spot(3, harms=1), *spot(2, harms=2), *spot(4, kind="stop_search")]
    assert left_out(found(*rows, harms=("cse",))) == [
        "6 records of the period left out by the filters: harm, kind of record."
    ]


def test_all_are_said_to_be_on_the_map_only_when_they_are() -> None:
    assert left_out(found({}, {})) == ["Every record of the period is on the map."]
    assert left_out(found({}, {"relation": "found_there"}))[0].startswith(
        "1 record left out because of the link"
    )
    assert left_out(found({}, month="2025-06")) == ["No record of the month is held."]


# --- Neighbourhoods and shared points ------------------------------------------------------------


def test_legends_say_that_a_cell_is_compared_with_its_neighbours() -> None:
    picture = found(*spot(30), {"x": X + 1000.0})
    for legend in (counts_legend(picture, [1], 30), significance_legend(picture)):
        for swatch in legend.key:
            if "tands out from chance" in swatch.label or "oo few" in swatch.label:
                assert swatch.label.endswith(", with the cells around it")


@pytest.mark.parametrize("shape", ["hexagons", "squares"])
def test_cells_of_shared_points_beside_an_area_are_told_whatever_the_shape(shape: str) -> None:
    """They look like the area's own until the dashes are read."""
    picture = found(*spot(40), *spot(30, x=X + 260.0, **STREET), shape=shape)
    assert (picture.verdict == SHARED).any()
    assert len(picture.areas) == 1
    n = int((picture.verdict == SHARED).sum())
    assert not picture.shared_areas
    said = sentence(picture)
    assert "beside this area stand" in said
    assert "out only because records share a street’s point or the like." in said
    assert n > 0


def test_an_area_of_shared_points_away_from_others_is_told_beside_them() -> None:
    apart = found(*spot(40), *spot(30, x=X + 1100.0, y=Y - 1000.0, **STREET))
    assert "One area stands out from chance" in sentence(apart)
    assert "; one more stands out only because records share" in sentence(apart)

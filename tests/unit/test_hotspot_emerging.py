"""Emerging hot spots on the map: what is drawn, said, listed, and told of one cell."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import orjson
import pytest
import shapely

import placewise.web
from placewise.core.errors import NotFound
from placewise.geo.emerging import CANNOT_TELL, CATEGORIES, NO_PATTERN
from placewise.geo.hexgrid import unpack_cell
from placewise.panel.hotspot_cells import cell_names
from placewise.panel.hotspot_emerging import (
    emerging_layer,
    emerging_lines,
    emerging_series,
    emerging_table,
)
from placewise.panel.hotspot_emerging_areas import emerging_sentence, kinds_of, positions_of
from placewise.panel.hotspot_emerging_words import (
    EARLIER,
    EARLIER_COLD,
    FADED,
    KINDS,
    kind_of,
    percent,
    sure_words,
)
from placewise.panel.hotspot_words import SHARED_KEY
from placewise.panel.hotspots import Hotspots, cell_centres
from placewise.store.geography import Areas
from tests.unit.test_analysis_emerging import FEW, SPOT, answer, at_spot, event, found, noise
from tests.unit.test_hotspots import X, Y

WEST = {"x": X - 900, "y": Y - 300}


def planted() -> list[dict[str, Any]]:
    """A hot spot that grows in the north-east, and one in the west that faded."""
    fading = [event(m, 2 + n, **WEST) for m in range(16) for n in range(max(1, 8 - m // 2))]
    return noise() + at_spot(dict.fromkeys(range(18, 24), 8)) + fading


@cache
def picture() -> Hotspots:
    return found(planted())


@cache
def told() -> dict[str, Any]:
    read: dict[str, Any] = orjson.loads(orjson.dumps(answer(picture())))
    return read


def name_at(x: float, y: float) -> str:
    q, r = unpack_cell(picture().grid.cell[picture().grid.locate([x], [y])])
    return f"{q[0]}.{r[0]}"


# --- The layer -----------------------------------------------------------------------------------


def test_the_layer_draws_only_cells_with_something_to_say() -> None:
    drawn = emerging_layer(picture(), told())
    cells = drawn["layer"]
    assert len(cells["q"]) == len(cells["r"]) == len(cells["look"]) < picture().grid.n_cells / 2
    assert set(cells["look"]) == set(range(len(cells["looks"])))
    names = {look["name"] for look in cells["looks"]}
    assert {"Consecutive hot spot", "Faded hot spot"} <= names
    assert drawn["n"] == told()["counted"]["used"]
    orjson.dumps(drawn, option=orjson.OPT_SERIALIZE_NUMPY)


def test_every_look_on_the_map_is_in_the_legend_with_its_meaning() -> None:
    drawn = emerging_layer(picture(), told())
    key = {swatch["look"]: swatch["label"] for swatch in drawn["legend"]["key"]}
    for look in drawn["layer"]["looks"]:
        assert key[look["look"]].startswith(f"{look['name']}: ")
    assert key["ordinary"].startswith("No pattern: not drawn")


def test_no_two_kinds_look_alike_and_none_hangs_on_its_colour() -> None:
    assert len({kind.look for kind in KINDS.values()}) == len(KINDS)
    assert len({kind.letter for kind in KINDS.values()}) == len(KINDS)
    assert set(KINDS) == set(range(1, len(CATEGORIES) + 3))


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("code", sorted(KINDS))
def test_the_letter_can_be_read_on_its_colour(code: int) -> None:
    low, high = sorted(_luminance(colour) for colour in (KINDS[code].colour, KINDS[code].ink))
    assert (high + 0.05) / (low + 0.05) >= 4.5


def test_the_style_sheet_has_every_look_in_its_colour_and_with_its_letter() -> None:
    sheet = (Path(placewise.web.__file__).parent / "static" / "map.css").read_text(encoding="utf-8")
    for code, kind in KINDS.items():
        if code == CANNOT_TELL:
            continue
        rules = re.findall(rf"\.pw-swatch--{kind.look}(?:::after)?\b[^{{]*{{[^}}]*}}", sheet)
        assert any(kind.colour in rule for rule in rules), kind.look
        assert any(f'"{kind.letter}"' in rule for rule in rules), kind.look


# --- Words ---------------------------------------------------------------------------------------


def test_a_cell_that_was_hot_is_never_called_without_a_pattern() -> None:
    assert kind_of(NO_PATTERN, "++++++++.+..", -1) == FADED
    assert kind_of(NO_PATTERN, ".+...+.+..+.", 0) == EARLIER
    assert kind_of(NO_PATTERN, "-..-....", 0) == EARLIER_COLD
    assert kind_of(CATEGORIES.index("new hot spot"), ".......+", 0) == CATEGORIES.index("new hot spot")
    assert kind_of(CANNOT_TELL, "++..", 0) == CANNOT_TELL


def one_cell(category: int, times: list[list[int]], *, known: int = 12) -> dict[str, Any]:
    cells = {"category": [category], "found": [times], "steps_known": [known]}
    return {"cells": cells, "parameters": {"redraws": 500}}


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        (one_cell(1, [[1, 415], [0, 85]]), "New hot spot in 83% of 500 redraws"),
        (
            one_cell(0, [[0, 500]]),
            "No hot or cold spot now in 100% of 500 redraws; what was before is as recorded",
        ),
        (
            one_cell(CANNOT_TELL, [[1, 258], [0, 239], [6, 3]]),
            "Cannot tell: new hot spot in 52%, no hot or cold spot now in 48%, sporadic hot spot in 1% of 500 redraws",
        ),
        (
            one_cell(CANNOT_TELL, [[0, 300], [CANNOT_TELL, 200]]),
            "Cannot tell: no hot or cold spot now in 60%, too few records in 40% of 500 redraws",
        ),
        (
            one_cell(CANNOT_TELL, [[CANNOT_TELL, 499]]),
            "Cannot tell: too few records in more than 99% of 500 redraws",
        ),
        (
            one_cell(CANNOT_TELL, [[CANNOT_TELL, 500]], known=0),
            "Cannot tell: most records around here came from an agency whose reports are missing",
        ),
    ],
)
def test_how_sure_a_kind_is_said_in_redraws(cell: dict[str, Any], words: str) -> None:
    assert sure_words(cell, 0) == words


def test_a_share_is_neither_nought_nor_all_by_rounding() -> None:
    assert [percent(n, 500) for n in (0, 2, 250, 498, 500)] == [
        "0%",
        "less than 1%",
        "50%",
        "more than 99%",
        "100%",
    ]


def test_the_chair_hears_areas_by_what_became_of_them() -> None:
    said = emerging_layer(picture(), told())["sentence"]
    assert re.match(
        r"May 2024 to April 2026: one area of \d+ cells has come up or grown; one area of \d+ cells stood out before "
        "and has",
        said,
    )
    drawn = emerging_layer(picture(), told())["layer"]
    marked = sum(drawn["looks"][k]["name"] == "Cannot tell" for k in drawn["look"])
    closing = re.search(
        r"In (\d+) of [\d,]+ cells nobody can tell(?:; (\d+) of them, without a record here or around, are not drawn)?"
        r"\.$",
        said,
    )
    assert closing
    untold, undrawn = closing.groups(default="0")
    assert int(untold) - int(undrawn) == marked


def test_without_any_pattern_the_sentence_says_so() -> None:
    quiet = found(noise())
    said = emerging_layer(quiet, answer(quiet))["sentence"]
    assert "no area stands out in any step" in said


def test_silence_is_named_with_its_agency_and_months() -> None:
    quiet = [event(m, 20 + n, agency=1, **SPOT) for m in range(16) for n in range(3)]
    shown = found(noise() + at_spot(dict.fromkeys(range(24), 4)) + quiet)
    said = " ".join(emerging_layer(shown, answer(shown))["left_out"])
    assert "48 records of Health left out, before its silence as after it" in said
    assert "September 2025 to April 2026 are missing" in said


def test_unknown_months_are_named_as_neither_quiet_nor_a_fall() -> None:
    months = [m for m in range(24) if m not in {8, 9, 10, 11}]
    rows = [row for m in months for row in noise(range(m, m + 1))] + at_spot(dict.fromkeys(months, 6))
    shown = found(rows)
    read = answer(shown, {**FEW, "step": ["2"], "windows": ["separate"]})
    said = " ".join(emerging_layer(shown, read)["left_out"])
    assert "Not known, and counted neither as quiet nor as a fall: January 2025 to April 2025." in said
    cell = emerging_table(shown, read).rows[0].cell
    assert "2 steps are not known" in dict(emerging_lines(shown, read, cell))["Step by step"]
    unknown = [step["records"] for step in emerging_series(shown, read, cell) if step["mark"] == "?"]
    assert unknown == [None, None]


# --- Areas, and points that stand for a street -----------------------------------------------------

STREET: dict[str, Any] = {"accuracy": "street", "radius_m": 100.0}


def test_areas_and_single_cells_are_counted_apart_with_the_wards_of_all_their_cells() -> None:
    west, east = (
        shapely.box(X - 1500, Y - 1500, X + 600, Y + 1500),
        shapely.box(X + 600, Y - 1500, X + 1500, Y + 1500),
    )
    wards = Areas(
        (UUID(int=1), UUID(int=2)), ("W", "E"), ("West", "East"), np.array([west, east], dtype=object)
    )
    shown = replace(picture(), ground=replace(picture().ground, wards=wards))
    cells = told()["cells"]
    kinds, positions = kinds_of(told()), positions_of(shown, told())
    rising = [p for p, kind in zip(positions.tolist(), kinds, strict=True) if KINDS[kind].family == "rising"]
    in_east = np.array(cell_centres(shown.grid, np.array(rising)))[0] > X + 600
    assert 0 < in_east.sum() < in_east.size, "the area lies in both wards"
    first, second = ("East", "West") if 2 * in_east.sum() > in_east.size else ("West", "East")
    said = emerging_sentence(shown, told(), [False] * len(cells["q"]))
    assert f"one area of {len(rising)} cells has come up or grown ({first}, {second});" in said


def test_an_area_made_up_by_a_street_point_is_marked_in_picture_legend_table_facts_and_sentence() -> None:
    rows = noise() + at_spot(dict.fromkeys(range(18, 24), 8), **STREET)
    shown = found(rows)
    read = answer(shown)
    drawn = emerging_layer(shown, read)
    names = [drawn["layer"]["looks"][k]["name"] for k in drawn["layer"]["look"]]
    marked = drawn["layer"]["shared"]
    assert all(by for by, name in zip(marked, names, strict=True) if name == "Consecutive hot spot")
    assert not any(by for by, name in zip(marked, names, strict=True) if name == "Cannot tell")
    assert [swatch["label"] for swatch in drawn["legend"]["key"] if swatch["look"] == "dashed"] == [
        SHARED_KEY
    ]
    assert re.search(
        r": one area of \d+ cells stood out in some step, but most of its records share a street’s point or the like\.",
        drawn["sentence"],
    )
    row = emerging_table(shown, read).rows[0]
    assert re.fullmatch(
        r"48 of 4\d records here and around, in the steps in which it stood out, are known only to a "
        r"street and share one point: harm may be elsewhere along it",
        row.shared,
    )
    assert dict(emerging_lines(shown, read, row.cell))["Where exactly"] == row.shared


def test_only_the_steps_in_which_a_cell_stood_out_decide() -> None:
    """Street points of two years ago do not make up what is new now."""
    rows = noise() + at_spot(dict.fromkeys(range(8), 1), **STREET) + at_spot(dict.fromkeys(range(18, 24), 8))
    shown = found(rows)
    assert not any(emerging_layer(shown, answer(shown))["layer"]["shared"])
    assert not any(emerging_layer(picture(), told())["layer"]["shared"])


def test_what_a_kind_beside_the_published_ones_says_never_contradicts_the_legend() -> None:
    drawn, table = emerging_layer(picture(), told()), emerging_table(picture(), told())
    legend = {swatch["label"].split(":")[0] for swatch in drawn["legend"]["key"]}
    assert "No pattern" in legend
    for row in table.rows:
        assert row.kind in legend
        assert "no pattern" not in row.sure.lower()
        lines = dict(emerging_lines(picture(), told(), row.cell))
        assert lines["How it changed"].startswith(row.kind)
        assert lines["How sure"].startswith(row.sure.split(";")[0])


# --- The table and one cell ----------------------------------------------------------------------


def test_the_table_lists_every_cell_drawn_and_what_grows_first() -> None:
    table = emerging_table(picture(), told())
    assert table.total == len(told()["cells"]["q"])
    assert table.rows[0].kind == "Consecutive hot spot"
    assert table.rows[0].sure == "Consecutive hot spot in 100% of 99 redraws"
    assert table.rows[0].steps.startswith(
        "Above the rest in 3 of 12 steps, last in 1 March 2026 to 30 April 2026"
    )
    shown = [row.kind for row in table.rows]
    assert shown.index("Consecutive hot spot") < shown.index("Faded hot spot")


def test_a_cell_tells_why_it_has_its_kind() -> None:
    lines = dict(emerging_lines(picture(), told(), name_at(SPOT["x"], SPOT["y"])))
    assert lines["How it changed"].startswith("Consecutive hot spot: above the rest in an unbroken run")
    assert lines["How sure"] == "Consecutive hot spot in 100% of 99 redraws"
    assert lines["Records around it"].startswith("48 here and in the cells around it")
    series = emerging_series(picture(), told(), name_at(SPOT["x"], SPOT["y"]))
    assert [step["records"] for step in series[-4:]] == [0, 16, 16, 16]
    assert [step["mark"] for step in series[-4:]] == [".", "+", "+", "+"]


def test_a_cell_that_fell_tells_by_how_much() -> None:
    lines = dict(emerging_lines(picture(), told(), name_at(WEST["x"], WEST["y"])))
    assert lines["How it changed"].startswith("Faded hot spot")
    assert re.fullmatch(
        r"About [\d.]+ fewer records a step \(-[\d.]+ to -[\d.]+\); its share falls", lines["Change"]
    )


def test_a_cell_with_nothing_to_say_says_so() -> None:
    listed = set(positions_of(picture(), told()).tolist())
    quiet = next(cell for cell in np.flatnonzero(picture().counts).tolist() if cell not in listed)
    (name,) = cell_names(picture(), np.array([quiet]))
    assert emerging_lines(picture(), told(), name) == [
        ("How it changed", "No pattern: neither this cell nor those around it ever stood out")
    ]
    assert emerging_series(picture(), told(), name) == []


def test_a_cell_without_any_record_around_is_not_called_without_a_pattern() -> None:
    ((_, words),) = emerging_lines(picture(), told(), name_at(X + 1200, Y + 300))
    assert words.startswith("No record here or in the cells around it")


def test_a_cell_that_does_not_exist_is_not_found() -> None:
    with pytest.raises(NotFound):
        emerging_lines(picture(), told(), "1.1")

"""Emerging hot spots of the fictional borough: what was planted is told, its artefacts and its silence are not."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
import pytest
from numpy.typing import NDArray

from placewise.core.scope import Scope
from placewise.geo.emerging import CANNOT_TELL, CATEGORIES, NO_PATTERN
from placewise.geo.hexgrid import pack_cell
from placewise.panel.analyses.emerging import EMERGING
from placewise.panel.hotspot_emerging import emerging_layer
from placewise.panel.hotspot_emerging_words import KINDS, kind_of
from placewise.panel.hotspots import Hotspots, cell_centres
from placewise.store.session import Database
from tests.borough import ALL_MONTHS, Truth, cell_at, look

FEW = {"redraws": ["199"]}
#: What a planted hotspot may be called; "emerging" has no name of its own in the published categories.
FAMILIES = {
    "persistent": {"persistent hot spot", "intensifying hot spot"},
    "emerging": {"new hot spot", "consecutive hot spot", "intensifying hot spot"},
    "diminishing": {"diminishing hot spot", "historical hot spot", "Faded hot spot"},
    # Its last burst was three months before the end: it is not sporadic *now*.
    "sporadic": {"sporadic hot spot", "Hot at times, not now"},
}
Answer = dict[str, Any]


def calculate(found: Hotspots, **query: list[str]) -> Answer:
    task = EMERGING.prepare(found, {**FEW, **query})
    read: Answer = orjson.loads(orjson.dumps(EMERGING.run(task, on_progress=lambda _done, _total: True)))
    return read


def told_at(found: Hotspots, answer: Answer, spot: dict[str, Any]) -> str:
    """Kind of the cell that a planted spot lies in; empty where nothing is said of it."""
    cells = answer["cells"]
    listed = found.grid.positions(pack_cell(cells["q"], cells["r"])).tolist()
    at = cell_at(found, spot)
    if at not in listed:
        return ""
    row = listed.index(at)
    code = kind_of(cells["category"][row], cells["marks"][row], cells["trend"][row])
    return CATEGORIES[code] if code < len(CATEGORIES) else KINDS[code].name


def away(found: Hotspots, answer: Answer, spot: dict[str, Any]) -> NDArray[np.float64]:
    """Metres from a planted spot to the middle of each cell of the answer."""
    cells = answer["cells"]
    x, y = cell_centres(found.grid, found.grid.positions(pack_cell(cells["q"], cells["r"])))
    return np.asarray(np.hypot(x - spot["x"], y - spot["y"]))


@pytest.mark.parametrize("width", ["150", "250"])
def test_each_planted_hotspot_is_told_by_its_family(
    database: Database, chair: Scope, truth: Truth, width: str
) -> None:
    found = look(database, chair, **ALL_MONTHS, width=[width])
    answer = calculate(found)
    assert answer["parameters"]["step_months"] == 2
    told = {spot["category"]: told_at(found, answer, spot) for spot in truth["hotspots"]}
    for category, name in told.items():
        assert name in FAMILIES[category], told


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        # As it would have been told at the time.
        ({"to": ["2025-12"]}, {"emerging": "new hot spot", "diminishing": "diminishing hot spot"}),
        ({"to": ["2026-02"]}, {"sporadic": "sporadic hot spot", "emerging": "consecutive hot spot"}),
        # The usual period of the map.
        ({"from": ["2025-05"]}, {"persistent": "persistent hot spot", "emerging": "consecutive hot spot"}),
    ],
)
def test_other_periods_tell_what_was_so_then(
    database: Database, chair: Scope, truth: Truth, query: dict[str, list[str]], expected: dict[str, str]
) -> None:
    found = look(database, chair, **(ALL_MONTHS | query))
    answer = calculate(found)
    told = {spot["category"]: told_at(found, answer, spot) for spot in truth["hotspots"]}
    for category, name in expected.items():
        assert told[category] in {name, "cannot tell"}, told
    assert any(told[category] == name for category, name in expected.items()), told


def test_hardly_anything_else_is_called_a_hot_spot(database: Database, chair: Scope, truth: Truth) -> None:
    found = look(database, chair, **ALL_MONTHS)
    answer = calculate(found)
    category = np.array(answer["cells"]["category"])
    hot = ~np.isin(category, (NO_PATTERN, CANNOT_TELL))
    near = np.min([away(found, answer, spot) for spot in truth["hotspots"]], axis=0) <= 600
    assert hot.sum() >= 6
    assert (hot & ~near).sum() <= 1


@pytest.mark.parametrize("alternative", ["more", "both"])
def test_the_police_station_and_the_ward_centroid_are_not_told_as_hot(
    database: Database, chair: Scope, truth: Truth, alternative: str
) -> None:
    found = look(database, chair, **ALL_MONTHS)
    answer = calculate(found, alternative=[alternative])
    artefacts = [truth["police_station"], truth["ward_centroid"]["principal_ward"]]
    told = [told_at(found, answer, spot) for spot in artefacts]
    # The middle of another ward may by chance lie beside a planted hotspot; these must not be hot of themselves.
    others = [ward for ward in truth["ward_centroid"]["wards"] if not beside_planted(truth, ward)]
    assert len(others) >= 6
    told += [told_at(found, answer, ward) for ward in others]
    assert set(told) <= {"", "cannot tell"}


def beside_planted(truth: Truth, spot: dict[str, Any]) -> bool:
    return any(np.hypot(h["x"] - spot["x"], h["y"] - spot["y"]) <= 600 for h in truth["hotspots"])


def test_the_station_shows_only_when_where_children_were_found_is_asked_for(
    database: Database, chair: Scope, truth: Truth
) -> None:
    found_too = ["harm_there", "stated_by_child", "found_there", "detected_there"]
    found = look(database, chair, **ALL_MONTHS, relation=found_too)
    assert told_at(found, calculate(found), truth["police_station"]) == "persistent hot spot"


def test_the_agency_that_fell_silent_makes_nothing_fade(
    database: Database, chair: Scope, truth: Truth
) -> None:
    found = look(database, chair, **ALL_MONTHS)
    answer = calculate(found)
    quiet = truth["quiet_agency"]["silent_months"]
    ((name, n, months),) = answer["agencies_left_out"]
    assert answer["counted"]["agency_left_out"] == n > 50
    assert months == "October 2025 to April 2026"
    assert len(quiet) == 7
    assert any(
        name in line and "would read as a fall" in line for line in emerging_layer(found, answer)["left_out"]
    )
    diminishing = next(spot for spot in truth["hotspots"] if spot["category"] == "diminishing")
    cells = answer["cells"]
    kinds = map(kind_of, cells["category"], cells["marks"], cells["trend"])
    falls = np.array(["Faded" in KINDS[kind].name or "Diminishing" in KINDS[kind].name for kind in kinds])
    assert falls.any()
    assert (away(found, answer, diminishing)[falls] <= 900).all()


def test_alone_the_silent_agency_is_told_up_to_its_last_month(
    database: Database, chair: Scope, truth: Truth
) -> None:
    agency = truth["quiet_agency"]["agency"]
    found = look(database, chair, **ALL_MONTHS, agency=[agency])
    answer = calculate(found)
    assert answer["unknown_months"] == truth["quiet_agency"]["silent_months"]
    assert not any("hot" in name for name in answer["totals"])


def test_the_answer_is_small_and_without_records(database: Database, chair: Scope) -> None:
    found = look(database, chair, **ALL_MONTHS, width=["150"])
    answer = calculate(found, alternative=["both"])
    assert len(orjson.dumps(answer)) < 40_000
    assert set(answer["cells"]) == {
        "q", "r", "category", "found", "records", "steps_known", "marks", "around", "trend", "change",
    }  # fmt: skip

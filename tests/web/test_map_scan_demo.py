"""Clusters of the fictional borough: the scan finds what was planted when and where it was, and no artefact."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from placewise.core.scope import Scope
from placewise.panel.analyses.scan import SCAN
from placewise.panel.hotspot_clusters import clusters_layer
from placewise.panel.hotspots import Hotspots
from placewise.store.session import Database
from tests.borough import ALL_MONTHS, Truth, look

AREA = {"compared": ["area"]}
BACKGROUND = {"compared": ["background"]}
PROSPECTIVE: dict[str, list[str]] = {}
QUERIES = (PROSPECTIVE, {"time": ["any"]}, AREA, BACKGROUND, {**BACKGROUND, "time": ["now"]})


@pytest.fixture(scope="module")
def shown(database: Database, chair: Scope) -> Hotspots:
    return look(database, chair, **ALL_MONTHS)


def clusters(found: Hotspots, query: dict[str, list[str]]) -> list[dict[str, Any]]:
    """The clusters that stand out, strongest first."""
    result = SCAN.run(SCAN.prepare(found, query), on_progress=lambda _done, _total: True)
    return [one for one in result["clusters"] if one["stands_out"]]


def holds(one: dict[str, Any], spot: dict[str, Any]) -> bool:
    return bool(np.hypot(one["x_m"] - spot["x"], one["y_m"] - spot["y"]) <= one["radius_m"])


def planted(truth: Truth, category: str) -> dict[str, Any]:
    return next(spot for spot in truth["hotspots"] if spot["category"] == category)


def test_the_emerging_hotspot_is_the_cluster_still_going_on(shown: Hotspots, truth: Truth) -> None:
    spot = planted(truth, "emerging")
    (one,) = clusters(shown, PROSPECTIVE)
    assert holds(one, spot)
    assert (one["first_month"], one["last_month"]) == (spot["active_months"][0], "2026-04")
    assert one["radius_m"] <= 400
    assert one["observed"] > 3 * one["expected"]


@pytest.mark.parametrize("width", ["150", "500"])
def test_it_is_found_with_cells_of_other_sizes(
    database: Database, chair: Scope, truth: Truth, width: str
) -> None:
    strongest = clusters(look(database, chair, **ALL_MONTHS, width=[width]), PROSPECTIVE)[0]
    assert holds(strongest, planted(truth, "emerging"))


def test_before_it_began_there_is_no_such_cluster(database: Database, chair: Scope, truth: Truth) -> None:
    before = look(database, chair, **{"from": ["2024-05"], "to": ["2025-11"]})
    spot = planted(truth, "emerging")
    assert not any(holds(one, spot) for one in clusters(before, PROSPECTIVE))


def test_a_place_that_was_always_busy_is_no_news(shown: Hotspots, truth: Truth) -> None:
    spot = planted(truth, "persistent")
    assert not any(holds(one, spot) for one in clusters(shown, PROSPECTIVE))


@pytest.mark.parametrize("query", [AREA, BACKGROUND])
def test_the_persistent_hotspot_is_a_cluster_of_the_whole_period(
    shown: Hotspots, truth: Truth, query: dict[str, list[str]]
) -> None:
    spot = planted(truth, "persistent")
    one = next(one for one in clusters(shown, query)[:2] if holds(one, spot))
    assert (one["first_month"], one["last_month"]) == ("2024-05", "2026-04")
    assert one["p"] == 0.001


@pytest.mark.parametrize("query", QUERIES)
def test_neither_the_police_station_nor_a_wards_middle_is_in_a_cluster(
    shown: Hotspots, truth: Truth, query: dict[str, list[str]]
) -> None:
    found = clusters(shown, query)
    assert found, "something was there to be mistaken"
    for artefact in (truth["police_station"], truth["ward_centroid"]["principal_ward"]):
        assert not any(holds(one, artefact) for one in found)


def test_the_agency_that_fell_silent_makes_no_cluster_and_is_named(
    database: Database, chair: Scope, truth: Truth, shown: Hotspots
) -> None:
    result = SCAN.run(SCAN.prepare(shown, PROSPECTIVE), on_progress=lambda _done, _total: True)
    said = clusters_layer(shown, result)["left_out"]
    assert any("its reports of October 2025 to April 2026 are missing" in line for line in said)
    agencies = [agency for agency in shown.ground.agencies if agency.code in shown.ground.holding.counts]
    others = [agency.code for agency in agencies if agency.code != truth["quiet_agency"]["agency"]]
    without = clusters(look(database, chair, **ALL_MONTHS, agency=others), PROSPECTIVE)
    assert [one["last_month"] for one in without] == ["2026-04"]
    assert holds(without[0], planted(truth, "emerging")), "what was found with it remains without it"

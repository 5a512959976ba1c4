"""Near repeats and the look back on the fictional borough: what they say of it, and that its artefacts stay out."""

from __future__ import annotations

from typing import Any

import pytest

from placewise.core.scope import Action, Scope
from placewise.panel.analyses.back_test import BACK_TEST
from placewise.panel.analyses.near_repeats import NEAR_REPEATS
from placewise.panel.hotspots import Hotspots, find_hotspots
from placewise.store.session import Database
from tests.borough import ALL_MONTHS


def answer(database: Database, scope: Scope, analysis: Any, **query: list[str]) -> dict[str, Any]:
    asked = ALL_MONTHS | query
    with database.session(scope, Action.CONSULT_MAP) as session:
        found, problems = find_hotspots(session, asked)
        assert isinstance(found, Hotspots)
        assert problems == []
        task = analysis.prepare(found, asked)
    told: dict[str, Any] = analysis.run(task, on_progress=lambda _done, _total: True)
    return told


def test_near_repeats_of_the_borough_are_of_records_known_closely(database: Database, chair: Scope) -> None:
    told = answer(database, chair, NEAR_REPEATS)
    records = told["records"]
    assert records["used"] + records["not_exact"] + records["not_dated"] == records["on_map"]
    assert records["used"] > 500
    assert told["question"]["verdict"] == "more", "hotspots that come and go bring records together"
    assert told["sentence"].startswith(
        "After a record, another child’s record within 100 m and 7 days was 1."
    )


def test_a_place_that_is_always_busy_makes_pairs_but_no_near_repeats(
    database: Database, chair: Scope
) -> None:
    """The police station, at which children are found: known to within 150 m, and shown only when asked for."""
    relations = ["harm_there", "stated_by_child", "found_there", "detected_there"]
    wide = {"distances": ["200 400 800"], "within_m": ["200"], "shufflings": ["199"]}
    usual = answer(database, chair, NEAR_REPEATS, **wide)["question"]
    with_station = answer(database, chair, NEAR_REPEATS, **wide, relation=relations)["question"]
    assert with_station["expected"] > 1.5 * usual["expected"]
    assert with_station["ratio"] < usual["ratio"]


@pytest.mark.parametrize("surface", ["density", "significance"])
def test_the_boroughs_surfaces_are_no_better_than_a_plain_count_and_say_so(
    database: Database, chair: Scope, surface: str
) -> None:
    told = answer(database, chair, BACK_TEST, surface=[surface])
    assert "plain count of earlier records: in the 5% of the area" in told["sentence"]
    assert told["sentence"].split(" a plain count")[0].endswith(("does not beat", "does worse than"))
    row = told["area"]["rows"][told["position"]]
    assert row["plain"]["pai"] > 3, "harm of a month comes mostly where it came before"
    assert told["street_length"]["size"] == pytest.approx(376.5, rel=0.05)

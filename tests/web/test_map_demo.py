"""The fictional borough on the map: what was planted is found, and its two artefacts are not shown as harm."""

from __future__ import annotations

import re

import numpy as np
import pytest

from placewise.core.scope import Scope
from placewise.panel.hotspot_cells import cell_table
from placewise.panel.hotspot_months import named
from placewise.panel.hotspot_reporting import MAY_MEAN, read_reporting, reporting_sentence, silence_words
from placewise.panel.hotspot_words import left_out, sentence
from placewise.panel.hotspots import SHARED, STANDS_OUT
from placewise.store.session import Database
from tests.borough import ALL_MONTHS, Truth, cell_at, look


@pytest.mark.parametrize(
    ("kind", "width"),
    [
        *(
            (kind, width)
            for kind in ("persistent", "emerging", "diminishing", "sporadic")
            for width in ("150", "250")
        ),
        # Seven cells of 500 m are 1.5 km across: the smaller hotspots drown in their surroundings.
        ("persistent", "500"),
        ("diminishing", "500"),
    ],
)
def test_every_planted_hotspot_stands_out(
    database: Database, chair: Scope, truth: Truth, kind: str, width: str
) -> None:
    spot = next(one for one in truth["hotspots"] if one["category"] == kind)
    found = look(database, chair, **ALL_MONTHS, width=[width])
    assert found.verdict[cell_at(found, spot)] == STANDS_OUT


def test_the_planted_hotspots_are_most_of_what_stands_out(
    database: Database, chair: Scope, truth: Truth
) -> None:
    found = look(database, chair, **ALL_MONTHS)
    planted = {cell_at(found, spot) for spot in truth["hotspots"]}
    with_one = [area for area in found.areas if planted & set(area.cells)]
    assert {cell for area in with_one for cell in area.cells} >= planted
    assert len(found.areas) - len(with_one) <= 1


def test_the_police_station_is_not_a_place_of_harm(database: Database, chair: Scope, truth: Truth) -> None:
    usual = look(database, chair, **ALL_MONTHS)
    asked = look(
        database,
        chair,
        **ALL_MONTHS,
        relation=["harm_there", "stated_by_child", "found_there", "detected_there"],
    )
    station = cell_at(usual, truth["police_station"])
    assert usual.verdict[station] != STANDS_OUT
    assert usual.counts[station] < 10
    assert asked.counts[station] > 100, "the artefact is there, and shows only when asked for"
    assert asked.wanted.warned_relations


def test_ward_centroids_are_counted_in_words_and_nowhere_on_the_map(
    database: Database, chair: Scope, truth: Truth
) -> None:
    found = look(database, chair, **ALL_MONTHS)
    planted = truth["ward_centroid"]["principal_ward"]
    near = np.hypot(found.records.columns.x - planted["x"], found.records.columns.y - planted["y"]) < 1
    assert near.sum() >= planted["events"] * 0.5, "the records with the centroid's coordinates were read"
    assert not (found.position[near] >= 0).any()
    assert found.verdict[cell_at(found, planted)] != STANDS_OUT
    assert any("too coarsely located to place" in line for line in left_out(found))


@pytest.mark.parametrize(
    "query",
    [{}, ALL_MONTHS, {"from": ["2026-01"], "to": ["2026-04"]}, {"from": ["2025-10"], "to": ["2026-04"]}],
)
def test_the_agency_that_fell_silent_is_named_with_its_last_month(
    database: Database, chair: Scope, truth: Truth, query: dict[str, list[str]]
) -> None:
    found = look(database, chair, **query)
    (row,) = (row for row in read_reporting(found).agencies if "missing" in row.states)
    assert row.last == truth["quiet_agency"]["last_month"]
    assert silence_words(found) == [f"{row.name} has sent nothing since {named(row.last)}: {MAY_MEAN}"]
    assert reporting_sentence(read_reporting(found)).endswith(f"agencies are missing: {row.name}.")


def test_every_record_of_the_borough_is_accounted_for(database: Database, chair: Scope) -> None:
    here = look(database, chair, **ALL_MONTHS).accounted
    parts = (
        here.placed,
        here.other_relation,
        here.no_location,
        here.too_coarse,
        here.other_accuracy,
        here.outside,
    )
    assert here.asked_for == sum(parts) > 3000


def test_the_tables_first_row_is_the_persistent_hotspot(
    database: Database, chair: Scope, truth: Truth
) -> None:
    found = look(database, chair, **ALL_MONTHS)
    first = cell_table(found).rows[0]
    persistent = next(one for one in truth["hotspots"] if one["category"] == "persistent")
    assert first.count == found.counts[cell_at(found, persistent)]
    assert first.stands_out


def test_a_street_midpoint_of_the_borough_is_told_apart_from_the_hotspots(
    database: Database, chair: Scope
) -> None:
    found = look(database, chair)
    assert len(found.areas) == 4
    (area,) = found.shared_areas
    assert found.verdict[area.peak] == SHARED
    row = next(row for row in cell_table(found).rows if row.verdict.startswith("Stands out, but 26 of 27"))
    assert not row.stands_out
    assert re.search(
        r"; one more area and \w+ cells beside these areas stand out only because records share a street’s point",
        sentence(found),
    )

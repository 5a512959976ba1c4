"""Clusters as the map shows them: what is drawn and what only said, the chair's sentence, and why each is there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson
import pytest

from placewise.core.errors import NotFound
from placewise.panel.analyses.scan import SCAN
from placewise.panel.analyses.scan_question import TIMES
from placewise.panel.hotspot_cells import cell_names
from placewise.panel.hotspot_cluster_words import COMPARED_LABELS, KEY, TIME_LABELS
from placewise.panel.hotspot_clusters import (
    cell_cluster_lines,
    cluster_facts,
    cluster_records,
    cluster_rows,
    clusters_layer,
)
from placewise.panel.hotspot_words import WARNING
from placewise.panel.hotspots import Hotspots
from tests.unit.test_analysis_scan import CORNERS, MONTHS, also, answer, everywhere, found, planted, row
from tests.unit.test_hotspots import X, Y

PATIENT = {"shufflings": ["999"]}


def near(x: np.ndarray, y: np.ndarray, records: Sequence[np.ndarray]) -> list[str]:
    """Names the middle of the map and nothing else."""
    return ["Mill Café" if np.hypot(a - X, b - Y) < 200 else "" for a, b in zip(x, y, strict=True)]


def risen() -> Hotspots:
    return found(everywhere() + planted(30))


def scattered() -> Hotspots:
    rng = np.random.default_rng(4)
    pairs = zip(rng.integers(0, 12, 90), rng.integers(0, 9, 90), strict=True)
    return found([row(int(month), *CORNERS[corner]) for month, corner in pairs])


def lines_of(layer: dict[str, Any]) -> str:
    return " ".join([*layer["legend"]["lines"], *layer["legend"]["method"]])


# --- What is drawn and said ------------------------------------------------------------------------------


def test_a_cluster_is_a_circle_a_row_and_a_sentence_with_the_same_figures() -> None:
    shown = risen()
    layer = clusters_layer(shown, answer(shown, PATIENT), near=near)
    assert layer["sentence"] == (
        "One cluster is still going on in April 2026. It is near Mill Café: 32 records where 15 would be expected "
        "from March to April 2026; chance alone did as well in none of 999 shuffles."
    )
    assert layer["view"] == SCAN.code == "scan", "the view's name on the map is the calculation's"
    (circle,) = layer["layer"]["circles"]
    assert circle["number"] == 1
    assert circle["label"] == "1: 32 records where 15 would be expected from March to April 2026"
    assert circle["verdict"] == "Stands out from chance"
    (line,) = layer["rows"]
    assert (line["observed"], line["expected"], line["ratio"]) == (32, "15", "2.2 times")
    assert line["when"] == "from March to April 2026"
    assert line["chance"] == "chance alone did as well in none of 999 shuffles"
    assert line["recurrence"] == "At most about once in 83 years of looking every month"
    assert (line["lon"], line["lat"]) == (circle["lon"], circle["lat"])
    assert layer["legend"]["key"] == [{"look": "cluster", "label": KEY}]
    orjson.dumps(layer)


def test_every_record_counted_lies_in_the_circle_drawn() -> None:
    shown = found(
        everywhere() + planted(20, at=(0, 0)) + planted(20, at=(200, 140)) + planted(9, at=(-230, 60))
    )
    result = answer(shown, PATIENT)
    for one in result["clusters"]:
        rows = cluster_records(shown, one)
        assert rows.size == one["observed"]
        at = shown.records.columns
        assert np.hypot(at.x[rows] - one["x_m"], at.y[rows] - one["y_m"]).max() <= one["radius_m"]


def test_what_is_within_chance_is_said_and_listed_and_not_drawn() -> None:
    shown = scattered()
    layer = clusters_layer(shown, answer(shown, PATIENT), near=near)
    assert layer["layer"] == {"kind": "circles", "circles": []}
    assert layer["legend"]["key"] == []
    assert layer["sentence"].startswith(
        "No cluster stands out among 90 records of May 2025 to April 2026. That does not show there is no harm: harm "
        "that goes on in the same places at the same rate makes no cluster, nor does a rise everywhere."
    )
    assert "is no more than chance gives: it did as well in about " in layer["sentence"]
    (line,) = layer["rows"]
    assert line["verdict"] == "Within what chance gives"
    assert "stopped early because chance had equalled it often enough" in lines_of(layer)


def test_where_no_circle_holds_more_than_expected_there_is_still_an_answer() -> None:
    shown = found(everywhere())
    layer = clusters_layer(shown, answer(shown), near=near)
    assert layer["rows"] == layer["layer"]["circles"] == []
    assert layer["sentence"].startswith("No cluster stands out among 108 records")
    assert "The strongest" not in layer["sentence"]


def test_against_the_area_it_is_said_that_each_child_counts_once() -> None:
    children = [(108 + i, i // 2) for i in range(60)]
    shown = found(everywhere() + planted(60), children)
    layer = clusters_layer(shown, answer(shown, also(compared="area")), near=near)
    assert "42 records, each child counted once, where 0." in layer["sentence"]
    assert (
        "clusters stand out in May 2025 to April 2026. The strongest is near Mill Café" in layer["sentence"]
    )
    assert "30 repeats left out, 138 of 168 used." in lines_of(layer)
    assert "Residential population is not held" in lines_of(layer)
    facts = dict(cluster_facts(shown, answer(shown, also(compared="area")), 1).lines)
    assert facts["With every repeat"] == "72 records"


def test_against_other_records_their_number_is_said_and_what_they_hide() -> None:
    shown = found(everywhere() + [row(m, 0.0, relation="found_there") for m in range(12)] * 3)
    said = lines_of(clusters_layer(shown, answer(shown, also(compared="background"))))
    assert "Compared with 36 other records." in said
    assert "harm beside a police station may not stand out" in said


def test_one_childs_records_that_cannot_be_moved_are_counted_in_words() -> None:
    shown = found(everywhere() + planted(), [(108 + i, 7) for i in range(20)])
    assert "20 records could not be moved: no other child has as many." in lines_of(
        clusters_layer(shown, answer(shown))
    )


def test_an_agency_with_missing_months_is_named_where_months_are_compared() -> None:
    rows = everywhere() + [row(month, 1000.0, agency=1) for month in range(6) for _ in range(4)]
    shown = found(rows)
    warned = "Health sent 24 of the 132 records, and its reports of November 2025 to April 2026 are missing."
    assert any(line.startswith(warned) for line in clusters_layer(shown, answer(shown))["left_out"])
    whole = clusters_layer(shown, answer(shown, also(compared="area")))["left_out"]
    assert not any(line.startswith(warned) for line in whole)
    police = found(rows, agencies=("police",))
    assert not any("Health sent" in line for line in clusters_layer(police, answer(police))["left_out"])


def test_found_points_bring_their_warning() -> None:
    rows = everywhere() + planted(30, relation="found_there")
    asked_for = found(rows, relations=("harm_there", "found_there"))
    assert WARNING in clusters_layer(asked_for, answer(asked_for))["legend"]["lines"]
    usual = found(rows)
    assert WARNING not in clusters_layer(usual, answer(usual))["legend"]["lines"]


def test_a_cluster_of_records_that_share_a_streets_point_says_so() -> None:
    shown = found(everywhere() + planted(30, accuracy="street", radius_m=100.0))
    layer = clusters_layer(shown, answer(shown, PATIENT))
    (line,), (circle,) = layer["rows"], layer["layer"]["circles"]
    assert line["note"] == (
        "30 of 32 records are known only to a street and share one point: harm may be elsewhere along it"
    )
    assert circle["shared"]
    assert "It stands out, but most of its records share a street’s point or the like." in layer["sentence"]
    assert [swatch["look"] for swatch in layer["legend"]["key"]] == ["cluster", "cluster-shared"]
    plain = clusters_layer(picture := found(everywhere() + planted(30)), answer(picture, PATIENT))
    assert not plain["layer"]["circles"][0]["shared"]
    assert "share a street" not in plain["sentence"]
    assert cluster_rows(risen(), answer(risen(), PATIENT))[0].note == ""


@pytest.mark.parametrize("compared", TIMES)
def test_every_choice_has_its_label_and_says_what_is_expected(compared: str) -> None:
    shown = found(everywhere() + [row(m, 0.0, relation="found_there") for m in range(12)] * 3)
    layer = clusters_layer(shown, answer(shown, also(compared=compared)))
    assert "Expected: the circle’s share of " in lines_of(layer)
    assert "seed 20250101" in lines_of(layer)
    assert COMPARED_LABELS[compared]
    assert {TIME_LABELS[time] for time in TIMES[compared]}


# --- Why is this here? --------------------------------------------------------------------------------


def test_the_facts_of_a_cluster_give_the_figures_behind_it_and_no_name() -> None:
    children = [(108 + i, i) for i in range(0, 30, 2)]
    shown = found(everywhere() + planted(30), children)
    facts = cluster_facts(shown, answer(shown, PATIENT), 1, near=near)
    assert facts.title == "Cluster 1 near Mill Café"
    lines = dict(facts.lines)
    assert lines["Records"] == "32 records where 15 would be expected (2.2 times as many)"
    assert lines["Months"] == "from March to April 2026"
    assert lines["Size"] == "1 cell, radius 145 m"
    assert lines["Different children"] == "15; 17 records without a named child"
    assert lines["Compared with"] == "Each place’s own other months"
    assert lines["Compared with chance"] == (
        "Stands out from chance: chance alone did as well in none of 999 shuffles (p 0.001, 95% limits 0.000 to 0.004)"
    )
    assert lines["Sent by"] == "Police 32"
    assert "With every repeat" not in lines


def test_there_is_no_cluster_of_another_number() -> None:
    shown = risen()
    for number in (0, 2, -1):
        with pytest.raises(NotFound):
            cluster_facts(shown, answer(shown), number)


def test_a_cell_says_which_circle_it_is_in() -> None:
    shown = risen()
    result = answer(shown, PATIENT)
    inside, outside = cell_names(shown, shown.grid.locate([X, X + 1000], [Y, Y + 1000]))
    ((what, value),) = cell_cluster_lines(shown, result, inside)
    assert what == "Inside cluster 1"
    assert value.startswith("32 records where 15 would be expected from March to April 2026; chance alone")
    assert cell_cluster_lines(shown, result, outside) == []
    with pytest.raises(NotFound):
        cell_cluster_lines(shown, result, "0.0")


def test_a_cell_within_chance_is_in_no_circle() -> None:
    shown = scattered()
    result = answer(shown)
    (line,) = cluster_rows(shown, result)
    assert cell_cluster_lines(shown, result, line.cell) == []


def test_a_slider_month_is_the_clusters_only_month() -> None:
    shown = found(everywhere() + planted(48), month="2026-04")
    result = answer(shown, also(compared="area"))
    assert all(
        shown.records.month[row] == len(MONTHS) - 1 for row in cluster_records(shown, result["clusters"][0])
    )
    assert clusters_layer(shown, result)["sentence"].startswith("One cluster stands out in April 2026.")


def test_without_wards_and_names_the_sentence_still_reads() -> None:
    shown = risen()
    assert (
        "It is not near any named place: 32 records"
        in clusters_layer(shown, answer(shown, PATIENT))["sentence"]
    )

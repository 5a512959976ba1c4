"""The partner files of the demo borough: layouts, references, words, formats, sizes."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import geopandas
import pytest

from fixtures.partnership import write_partnership
from placewise.core.vocabulary import terms
from tests.partner_files import SEED, Files


def test_the_same_seed_gives_the_same_bytes_in_another_process(files: Files, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "fixtures", str(tmp_path), "--seed", str(SEED)], check=True)

    names = sorted(path.name for path in files.folder.iterdir())
    assert names == sorted(path.name for path in tmp_path.iterdir())
    assert [
        name for name in names if (tmp_path / name).read_bytes() != (files.folder / name).read_bytes()
    ] == []


def test_the_manifest_lists_every_file_once_and_says_that_all_is_synthetic(files: Files) -> None:
    listed = [file["file"] for file in files.manifest["files"]]

    assert files.manifest["synthetic"] is True
    assert files.truth["synthetic"] is True
    assert sorted([*listed, "manifest.json", "truth.json"]) == sorted(
        path.name for path in files.folder.iterdir()
    )
    assert [file["order"] for file in files.manifest["files"]] == list(range(1, len(listed) + 1))
    assert {file["agency"] for file in files.manifest["files"]} <= {
        a["code"] for a in files.manifest["agencies"]
    }


@pytest.mark.parametrize(
    ("column", "vocabulary"),
    [
        ("kind", "event_kind"), ("harm_types", "harm_type"), ("relation", "relation"), ("accuracy", "accuracy"),
        ("source_grade", "source_grade"), ("assessment", "assessment"), ("handling", "handling"), ("basis", "basis"),
        ("risk_grade", "missing_risk"),
    ],
)  # fmt: skip
def test_events_use_only_words_of_the_vocabulary(files: Files, column: str, vocabulary: str) -> None:
    used = {word for row in files.events() for word in row.get(column, "").split(";")} - {""}

    assert used
    assert used <= set(terms(vocabulary))


def test_places_people_groups_and_links_use_only_words_of_the_vocabulary(files: Files) -> None:
    checks = {
        "people": {"kind": "person_kind", "age_band": "age_band", "sex": "sex", "care_status": "care_status",
                   "concern_category": "concern_category", "basis": "basis"},
        "links": {"type": "link_type", "strength": "link_strength", "from_kind": "node_kind", "to_kind": "node_kind"},
        "groups": {"assessment_status": "assessment_status"},
        "places": {"location_type": "location_type", "place_role": "place_role", "status": "place_status"},
    }  # fmt: skip
    for layout, columns in checks.items():
        tables = [files.table(name) for name in files.named(layout) if name.endswith(".csv")]
        tables += [
            geopandas.read_file(files.folder / name).to_dict("records")
            for name in files.named(layout)
            if not name.endswith(".csv")
        ]
        for column, vocabulary in columns.items():
            used = {str(row[column]) for table in tables for row in table} - {""}
            assert used <= set(terms(vocabulary)), (layout, column)


def test_every_place_type_of_the_vocabulary_occurs(files: Files) -> None:
    frames = [geopandas.read_file(files.folder / name) for name in files.named("places") if "csv" not in name]
    types = {kind for frame in frames for kind in frame["location_type"]}
    types |= {
        row["location_type"] for name in files.named("places") if "csv" in name for row in files.table(name)
    }

    assert types == set(terms("location_type"))


def test_every_reference_leads_to_a_row(files: Files) -> None:
    people = {row["local_ref"] for name in files.named("people") for row in files.table(name)}
    places = {ref for name in files.named("places") if "csv" not in name
              for ref in geopandas.read_file(files.folder / name)["local_ref"]}  # fmt: skip
    places |= {
        row["local_ref"] for name in files.named("places") if "csv" in name for row in files.table(name)
    }
    groups = {row["group_ref"] for row in files.table("youth-justice-groups.csv")}
    events = {row["local_ref"] for row in files.events()}
    known = {"person": people, "place": places, "group": groups}

    for row in files.events():
        named = [
            row.get("child_ref", ""),
            *row.get("children", "").split(";"),
            *row.get("adults", "").split(";"),
        ]
        assert set(named) - {""} <= people
        assert row["place_ref"] in places | {""}
    for link in files.table("youth-justice-links.csv"):
        assert link["from_ref"] in known[link["from_kind"]]
        assert link["to_ref"] in known[link["to_kind"]]
        assert set(link["evidence_refs"].split(";")) - {""} <= events
        assert link["evidence_refs"] or link["evidence_note"]


def test_every_adult_of_concern_has_a_grade_a_basis_and_a_day_of_review(files: Files) -> None:
    for row in files.table("police-people.csv"):
        assert row["source_grade"]
        assert row["assessment"]
        assert row["basis"]
        assert row["review_due"]


def test_every_reference_begins_with_the_synthetic_prefix(files: Files) -> None:
    refs = [row["local_ref"] for row in files.events()]
    refs += [row["local_ref"] for name in files.named("people") for row in files.table(name)]

    assert len(set(refs)) == len(refs)
    assert all(ref.startswith("SYN-") for ref in refs)


def test_bad_and_repeated_rows_stand_where_the_truth_says(files: Files) -> None:
    for bad in files.truth["bad_rows"]:
        row = files.table(bad["file"])[bad["row"] - 2]
        assert row["local_ref"] == bad["local_ref"]
        assert bad["column"] in row
    for again in files.truth["repeated_rows"]:
        rows = files.table(again["file"])
        assert rows[again["row"] - 2] == rows[again["first_row"] - 2]
    assert len(files.truth["bad_rows"]) == 12
    assert len({bad["reason"] for bad in files.truth["bad_rows"]}) >= 7
    assert len(files.truth["repeated_rows"]) == 5


def test_geometries_come_in_the_coordinate_system_each_format_promises(files: Files) -> None:
    streets = geopandas.read_file(files.folder / "streets.gpkg")
    wards = geopandas.read_file(files.folder / "boundaries.geojson")
    x0, y0, x1, y1 = streets.total_bounds

    assert streets.crs.to_epsg() == 27700
    assert 600_000 <= x0 < x1 <= 606_500
    assert 360_500 <= y0 < y1 <= 366_500
    assert wards.crs.to_epsg() == 4326
    assert 0.9 < wards.total_bounds[0] < wards.total_bounds[2] < 1.15
    assert set(wards["vintage"].astype(str)) == {"2021"}


@pytest.mark.parametrize("events", [1000, 6000])
def test_a_smaller_and_a_larger_borough_keep_the_structure(tmp_path: Path, events: int) -> None:
    write_partnership(tmp_path, seed=7, events=events)
    made = Files(tmp_path)
    rows = made.events()
    by_child = Counter(row["child_ref"] for row in made.missing())

    assert len(rows) == events
    assert 1 - len(by_child) / by_child.total() == pytest.approx(0.65, abs=0.01)
    assert all(len(hotspot["event_refs"]) >= 5 for hotspot in made.truth["hotspots"])


def test_a_borough_too_small_for_what_is_planted_is_refused(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fixtures", str(tmp_path / "out"), "--events", "50"], capture_output=True, text=True,
        check=False,
    )  # fmt: skip

    assert done.returncode == 2
    assert "at least 1000" in done.stderr
    assert not (tmp_path / "out").exists()

"""The partner files of the demo borough: their layouts, their calibration, and the truth planted in them."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import geopandas
import openpyxl
import pytest
from convertbng.cutil import convert_bng

from fixtures.partnership import write_partnership
from placewise.core.vocabulary import terms

SEED = 20260514
COARSE = {"street", "ward", "borough"}


class Files:
    """What was written, read back as a stranger would read it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        self.truth: dict[str, Any] = json.loads((folder / "truth.json").read_text(encoding="utf-8"))

    def table(self, name: str) -> list[dict[str, str]]:
        if name.endswith(".xlsx"):
            return _sheet(self.folder / name)
        text = (self.folder / name).read_text(encoding="utf-8-sig")
        return list(csv.DictReader(io.StringIO(text), strict=True))

    def named(self, layout: str) -> list[str]:
        return [file["file"] for file in self.manifest["files"] if file["layout"] == layout]

    def incidents(self) -> list[dict[str, str]]:
        """Sound rows of the incidents layout, each once."""
        spoilt = {row["local_ref"] for row in self.truth["bad_rows"]}
        rows = {
            row["local_ref"]: row | {"agency": file["agency"]}
            for file in self.manifest["files"]
            if file["layout"] == "incidents"
            for row in self.table(file["file"])
        }
        return [row for ref, row in rows.items() if ref not in spoilt]

    def missing(self) -> list[dict[str, str]]:
        return self.table("social-care-missing.csv")

    def events(self) -> list[dict[str, str]]:
        return self.incidents() + self.missing()


def _sheet(path: Path) -> list[dict[str, str]]:
    header, *rows = openpyxl.load_workbook(path).active.iter_rows(values_only=True)
    return [
        {
            str(name): f"{cell:%d/%m/%Y %H:%M}" if isinstance(cell, datetime) else cell or ""
            for name, cell in zip(header, row, strict=True)
        }
        for row in rows
    ]


def _moment(text: str) -> datetime:
    if "T" in text:
        return datetime.fromisoformat(text).replace(tzinfo=None)
    return datetime.strptime(text, "%d/%m/%Y %H:%M")  # noqa: DTZ007 - partner files carry local times


def _began(row: dict[str, str]) -> datetime:
    return _moment(row.get("occurred_from") or row["missing_from"])


def _month(row: dict[str, str]) -> str:
    return f"{_began(row):%Y-%m}"


def _xy(row: dict[str, str]) -> tuple[float, float] | None:
    if row.get("easting"):
        return float(row["easting"]), float(row["northing"])
    if row.get("longitude"):
        x, y = convert_bng([float(row["longitude"])], [float(row["latitude"])])
        return float(x[0]), float(y[0])
    return None


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("borough")
    write_partnership(folder, seed=SEED, events=3200)
    return Files(folder)


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


def test_there_are_as_many_events_as_asked_within_24_whole_months(files: Files) -> None:
    months = Counter(_month(row) for row in files.events())

    assert months.total() == 3200
    assert sorted(months) == files.truth["months"]
    assert (min(months), max(months), len(months)) == ("2024-05", "2026-04", 24)


def test_nothing_ends_before_it_begins_or_is_reported_before_it_ended(files: Files) -> None:
    for row in files.incidents():
        end = _moment(row["occurred_to"] or row["occurred_from"])
        assert _began(row) <= end <= _moment(row["reported_at"])
    for row in files.missing():
        back = _moment(row["missing_to"]) if row["missing_to"] else _moment("31/12/2099 00:00")
        assert _began(row) < back
        assert _moment(row["reported_at"]) <= back
        if row["return_interview_completed"]:
            assert (
                back < _moment(row["return_interview_offered"]) <= _moment(row["return_interview_completed"])
            )


def test_two_thirds_of_missing_episodes_are_repeats_and_few_children_are_in_many(files: Files) -> None:
    by_child = Counter(row["child_ref"] for row in files.missing())
    frequent = by_child.most_common(round(0.06 * len(by_child)))

    assert 1 - len(by_child) / by_child.total() == pytest.approx(
        files.truth["targets"]["missing_repeat_share"], abs=0.01
    )
    assert sum(count for _, count in frequent) / by_child.total() == pytest.approx(0.33, abs=0.01)


def test_about_half_of_first_repeats_come_within_four_weeks(files: Files) -> None:
    starts: dict[str, list[datetime]] = defaultdict(list)
    for row in files.missing():
        starts[row["child_ref"]].append(_began(row))
    first_two = [sorted(times)[:2] for times in starts.values() if len(times) > 1]

    assert 0.45 < sum(b - a <= timedelta(days=28) for a, b in first_two) / len(first_two) < 0.75


def test_half_of_missing_episodes_have_a_return_interview_within_72_hours(files: Files) -> None:
    rows = files.missing()
    in_time = [
        row
        for row in rows
        if row["return_interview_completed"]
        and _moment(row["return_interview_completed"]) - _moment(row["missing_to"]) <= timedelta(hours=72)
    ]

    assert len(in_time) / len(rows) == pytest.approx(0.5, abs=0.03)


def test_no_child_is_missing_twice_at_once(files: Files) -> None:
    spans = sorted((row["child_ref"], _began(row), row["missing_to"]) for row in files.missing())
    for (child, _, back), (next_child, gone, _) in pairwise(spans):
        assert child != next_child or _moment(back) <= gone


def test_a_third_of_records_have_no_harm_type(files: Files) -> None:
    rows = files.events()

    assert sum(not row["harm_types"] for row in rows) / len(rows) == pytest.approx(1 / 3, abs=0.01)


def test_two_fifths_of_located_records_are_known_only_to_a_street_ward_or_borough(files: Files) -> None:
    located = [row for row in files.events() if row["accuracy"] != "none"]

    assert sum(row["accuracy"] in COARSE for row in located) / len(located) == pytest.approx(0.4, abs=0.01)
    for row in located:
        assert (_xy(row) is None) <= (row["accuracy"] in {"ward", "borough"})
        assert bool(row["area_code"]) == (row["accuracy"] in {"ward", "borough"})


def test_half_of_other_events_are_known_to_a_span_of_time(files: Files) -> None:
    rows = files.incidents()

    assert sum(bool(row["occurred_to"]) for row in rows) / len(rows) == pytest.approx(0.5, abs=0.02)


def test_after_school_and_weekend_evenings_stand_out(files: Files) -> None:
    hours = Counter((_began(row).weekday(), _began(row).hour) for row in files.incidents())
    after_school = sum(hours[day, hour] for day in range(5) for hour in (15, 16, 17)) / 15
    weekend_evening = sum(hours[day, hour] for day in (4, 5) for hour in (19, 20, 21, 22, 23)) / 10

    assert after_school > 2 * hours.total() / 168
    assert weekend_evening > 2 * hours.total() / 168


def test_intelligence_is_graded_and_some_handling_has_conditions(files: Files) -> None:
    rows = [row for row in files.incidents() if row["kind"] == "intelligence"]

    assert {row["source_grade"] for row in rows} == {"1", "2", "3"}
    assert {row["assessment"] for row in rows} == set("ABCDE")
    assert 0.1 < sum(row["handling"] == "C" for row in rows) / len(rows) < 0.35
    assert all(bool(row["handling_conditions"]) == (row["handling"] == "C") for row in rows)


def test_each_hotspot_has_its_planted_months_and_they_are_harm_there(files: Files) -> None:
    rows = {row["local_ref"]: row for row in files.events()}
    hotspots = {hotspot["category"]: hotspot for hotspot in files.truth["hotspots"]}

    assert set(hotspots) == {"persistent", "emerging", "diminishing", "sporadic"}
    for hotspot in hotspots.values():
        own = [rows[ref] for ref in hotspot["event_refs"]]
        assert Counter(map(_month, own)) == Counter(hotspot["planted_by_month"])
        assert {row["relation"] for row in own} == {"harm_there"}
    planted = {category: list(hotspot["planted_by_month"].values()) for category, hotspot in hotspots.items()}
    assert min(planted["persistent"]) >= 5
    assert sum(planted["emerging"][:19]) == 0
    assert min(planted["emerging"][19:]) >= 5
    assert sum(planted["diminishing"][:8]) > 3 * sum(planted["diminishing"][16:])
    assert [count > 0 for count in planted["sporadic"]].count(True) == 5


def test_harm_recorded_near_a_hotspot_is_mostly_planted_and_much_more_than_elsewhere(files: Files) -> None:
    harm = {row["local_ref"]: _xy(row) for row in files.events()
            if row["relation"] == "harm_there" and row["accuracy"] not in COARSE | {"none"}}  # fmt: skip
    for hotspot in files.truth["hotspots"]:
        near = {ref for ref, xy in harm.items() if xy and _away_m(xy, hotspot) <= hotspot["radius_m"]}
        assert len(near & set(hotspot["event_refs"])) >= 0.8 * len(near)
        assert len(near) >= 20


def test_the_police_station_has_found_and_detected_but_no_harm_beyond_background(files: Files) -> None:
    station = files.truth["police_station"]
    near = [row for row in files.events() if (xy := _xy(row)) and _away_m(xy, station) <= station["radius_m"]]
    relations = Counter(row["relation"] for row in near)

    assert relations["found_there"] + relations["detected_there"] >= 100
    assert relations["harm_there"] + relations["stated_by_child"] <= 12


def test_one_agency_exports_ward_centroids_as_if_they_were_spots(files: Files) -> None:
    centroid = files.truth["ward_centroid"]
    rows = [row for row in files.table("health-incidents.csv") if row["accuracy"] != "none"]
    spots = {(ward["x"], ward["y"], ward["code"]) for ward in centroid["wards"]}

    assert all((*(_xy(row) or ()), row["area_code"]) in spots for row in rows)
    assert centroid["principal_ward"]["events"] >= 40
    assert all(_away_m((centroid["principal_ward"]["x"], centroid["principal_ward"]["y"]), h) > 800
               for h in files.truth["hotspots"])  # fmt: skip


def test_the_quiet_agency_reports_until_its_last_month_and_then_nothing(files: Files) -> None:
    quiet = files.truth["quiet_agency"]
    months = {_month(row) for row in files.table("third-sector-incidents.csv")}

    assert max(months) == quiet["last_month"] == "2025-09"
    assert len(quiet["silent_months"]) == 7
    assert not months & set(quiet["silent_months"])


def _reachable(links: list[dict[str, str]], start: str, *, without: set[str]) -> set[str]:
    beside: dict[str, set[str]] = defaultdict(set)
    for link in links:
        if not {link["from_ref"], link["to_ref"]} & without:
            beside[link["from_ref"]].add(link["to_ref"])
            beside[link["to_ref"]].add(link["from_ref"])
    seen, waiting = {start}, [start]
    while waiting:
        new = beside[waiting.pop()] - seen
        seen |= new
        waiting.extend(new)
    return seen


def test_two_of_four_groups_are_bridged_by_exactly_one_place_and_one_adult(files: Files) -> None:
    bridge = files.truth["bridge"]
    links = files.table("youth-justice-links.csv")
    links += [
        {"from_ref": row["group_ref"], "to_ref": row["member_ref"]}
        for row in files.table("youth-justice-groups.csv")
    ]
    groups = {group["ref"] for group in files.truth["groups"]}
    one, other = bridge["groups"]
    (place,), (adult,) = bridge["places"], bridge["adults"]

    assert len(groups) == 4
    assert other in _reachable(links, one, without={place})
    assert other in _reachable(links, one, without={adult})
    assert _reachable(links, one, without={place, adult}) & groups == {one}
    for apart in groups - {one, other}:
        assert _reachable(links, apart, without=set()) & groups == {apart}


def test_the_links_that_bridge_the_groups_are_borne_out_by_events_and_in_force(files: Files) -> None:
    bridge = files.truth["bridge"]
    spanning = [link for link in files.table("youth-justice-links.csv")
                if {link["from_ref"], link["to_ref"]} & set(bridge["groups"])
                and {link["from_ref"], link["to_ref"]} & {*bridge["places"], *bridge["adults"]}]  # fmt: skip

    assert len(spanning) == 4
    for link in spanning:
        assert link["evidence_refs"]
        assert datetime.strptime(link["expires_on"], "%d/%m/%Y") > datetime(2026, 4, 30)  # noqa: DTZ001, DTZ007


def test_no_link_is_stronger_than_its_grading_allows(files: Files) -> None:
    for link in files.table("youth-justice-links.csv"):
        doubtful = link["source_grade"] == "3" or link["assessment"] == "E"
        assert link["strength"] == "possible" or not doubtful


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


def _away_m(xy: tuple[float, float], there: dict[str, Any]) -> float:
    return float(((xy[0] - there["x"]) ** 2 + (xy[1] - there["y"]) ** 2) ** 0.5)

"""The demo borough against the figures it is calibrated on, and the truth planted in it."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from tests.partner_files import COARSE, Files, began, moment, month, xy


def test_there_are_as_many_events_as_asked_within_24_whole_months(files: Files) -> None:
    months = Counter(month(row) for row in files.events())

    assert months.total() == 3200
    assert sorted(months) == files.truth["months"]
    assert (min(months), max(months), len(months)) == ("2024-05", "2026-04", 24)


def test_nothing_ends_before_it_begins_or_is_reported_before_it_ended(files: Files) -> None:
    for row in files.incidents():
        end = moment(row["occurred_to"] or row["occurred_from"])
        assert began(row) <= end <= moment(row["reported_at"])
    for row in files.missing():
        back = moment(row["missing_to"]) if row["missing_to"] else moment("31/12/2099 00:00")
        assert began(row) < back
        assert moment(row["reported_at"]) <= back
        if row["return_interview_completed"]:
            assert back < moment(row["return_interview_offered"]) <= moment(row["return_interview_completed"])


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
        starts[row["child_ref"]].append(began(row))
    first_two = [sorted(times)[:2] for times in starts.values() if len(times) > 1]

    assert 0.45 < sum(b - a <= timedelta(days=28) for a, b in first_two) / len(first_two) < 0.75


def test_half_of_missing_episodes_have_a_return_interview_within_72_hours(files: Files) -> None:
    rows = files.missing()
    in_time = [
        row
        for row in rows
        if row["return_interview_completed"]
        and moment(row["return_interview_completed"]) - moment(row["missing_to"]) <= timedelta(hours=72)
    ]

    assert len(in_time) / len(rows) == pytest.approx(0.5, abs=0.03)


def test_no_child_is_missing_twice_at_once(files: Files) -> None:
    spans = sorted((row["child_ref"], began(row), row["missing_to"]) for row in files.missing())
    for (child, _, back), (next_child, gone, _) in pairwise(spans):
        assert child != next_child or moment(back) <= gone


def test_a_third_of_records_have_no_harm_type(files: Files) -> None:
    rows = files.events()

    assert sum(not row["harm_types"] for row in rows) / len(rows) == pytest.approx(1 / 3, abs=0.01)


def test_two_fifths_of_located_records_are_known_only_to_a_street_ward_or_borough(files: Files) -> None:
    located = [row for row in files.events() if row["accuracy"] != "none"]

    assert sum(row["accuracy"] in COARSE for row in located) / len(located) == pytest.approx(0.4, abs=0.01)
    for row in located:
        assert (xy(row) is None) <= (row["accuracy"] in {"ward", "borough"})
        assert bool(row["area_code"]) == (row["accuracy"] in {"ward", "borough"})


def test_half_of_other_events_are_known_to_a_span_of_time(files: Files) -> None:
    rows = files.incidents()

    assert sum(bool(row["occurred_to"]) for row in rows) / len(rows) == pytest.approx(0.5, abs=0.02)


def test_after_school_and_weekend_evenings_stand_out(files: Files) -> None:
    hours = Counter((began(row).weekday(), began(row).hour) for row in files.incidents())
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
        assert Counter(map(month, own)) == Counter(hotspot["planted_by_month"])
        assert {row["relation"] for row in own} == {"harm_there"}
    planted = {category: list(hotspot["planted_by_month"].values()) for category, hotspot in hotspots.items()}
    assert min(planted["persistent"]) >= 5
    assert sum(planted["emerging"][:19]) == 0
    assert min(planted["emerging"][19:]) >= 5
    assert sum(planted["diminishing"][:8]) > 3 * sum(planted["diminishing"][16:])
    assert [count > 0 for count in planted["sporadic"]].count(True) == 5


def test_harm_recorded_near_a_hotspot_is_mostly_planted_and_much_more_than_elsewhere(files: Files) -> None:
    harm = {row["local_ref"]: xy(row) for row in files.events()
            if row["relation"] == "harm_there" and row["accuracy"] not in COARSE | {"none"}}  # fmt: skip
    for hotspot in files.truth["hotspots"]:
        near = {ref for ref, xy in harm.items() if xy and _away_m(xy, hotspot) <= hotspot["radius_m"]}
        assert len(near & set(hotspot["event_refs"])) >= 0.8 * len(near)
        assert len(near) >= 20


def test_the_police_station_has_found_and_detected_but_no_harm_beyond_background(files: Files) -> None:
    station = files.truth["police_station"]
    near = [
        row for row in files.events() if (spot := xy(row)) and _away_m(spot, station) <= station["radius_m"]
    ]
    relations = Counter(row["relation"] for row in near)

    assert relations["found_there"] + relations["detected_there"] >= 100
    assert relations["harm_there"] + relations["stated_by_child"] <= 12


def test_one_agency_exports_ward_centroids_as_if_they_were_spots(files: Files) -> None:
    centroid = files.truth["ward_centroid"]
    rows = [row for row in files.table("health-incidents.csv") if row["accuracy"] != "none"]
    spots = {(ward["x"], ward["y"], ward["code"]) for ward in centroid["wards"]}

    assert all((*(xy(row) or ()), row["area_code"]) in spots for row in rows)
    assert centroid["principal_ward"]["events"] >= 40
    assert all(_away_m((centroid["principal_ward"]["x"], centroid["principal_ward"]["y"]), h) > 800
               for h in files.truth["hotspots"])  # fmt: skip


def test_the_quiet_agency_reports_until_its_last_month_and_then_nothing(files: Files) -> None:
    quiet = files.truth["quiet_agency"]
    months = {month(row) for row in files.table("third-sector-incidents.csv")}

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
        assert datetime.strptime(link["expires_on"], "%d/%m/%Y") > datetime(2026, 4, 30)  # noqa: DTZ001, DTZ007  days only


def test_no_link_is_stronger_than_its_grading_allows(files: Files) -> None:
    for link in files.table("youth-justice-links.csv"):
        doubtful = link["source_grade"] == "3" or link["assessment"] == "E"
        assert link["strength"] == "possible" or not doubtful


def _away_m(xy: tuple[float, float], there: dict[str, Any]) -> float:
    return float(((xy[0] - there["x"]) ** 2 + (xy[1] - there["y"]) ** 2) ** 0.5)

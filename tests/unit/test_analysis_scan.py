"""The scan of the map's records: what is counted and expected, whose records move together, what is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import orjson
import pytest
import shapely

from placewise.core.errors import (
    BadRequest,
    CalculationStopped,
    NotAllowed,
    NoVariation,
    PlacewiseError,
    TooFewRecords,
    TooManyPairs,
)
from placewise.geo.hexgrid import hex_grid
from placewise.panel.analyses.analysis import Asked, digest_of
from placewise.panel.analyses.scan import SCAN
from placewise.panel.hotspot_ground import Ground
from placewise.panel.hotspot_months import months_between, start_of
from placewise.panel.hotspot_records import mark_records
from placewise.panel.hotspots import Hotspots, Laid, cell_centres, count_records
from tests.unit.test_hotspots import X, Y, asked, columns, ground

FEW: dict[str, list[str]] = {"shufflings": ["199"]}
MONTHS = months_between("2025-05", "2026-04")
CORNERS = [(east, north) for east in (-1000.0, 0.0, 1000.0) for north in (-1000.0, 0.0, 1000.0)]
CSE, OTHER_HARM = 1, 2

Row = dict[str, Any]


def row(month: int, east: float, north: float = 0.0, **more: Any) -> Row:
    """A record in the middle of one of the twelve months."""
    return {"at": start_of(MONTHS[month]) + timedelta(days=14), "x": X + east, "y": Y + north, **more}


def everywhere(**more: Any) -> list[Row]:
    """One record a month at each of nine places a kilometre apart: nothing stands out."""
    return [row(month, *spot, **more) for month in range(12) for spot in CORNERS]


def planted(n: int = 20, *, month: int = 11, at: tuple[float, float] = (0.0, 0.0), **more: Any) -> list[Row]:
    """Records of one place, in one month and the one before."""
    return [row(month - i % 2, *at, **more) for i in range(n)]


def found(
    rows: Sequence[Row],
    children: Sequence[tuple[int, int]] = (),
    *,
    over: Ground | None = None,
    **changes: Any,
) -> Hotspots:
    named = np.array(children, dtype=np.int64).reshape(-1, 2)
    events = replace(columns(*rows), child_event=named[:, 0], child=named[:, 1])
    wanted, area = asked(**changes), over or ground(held=events)
    grid = hex_grid(area.frame, cell_width_m=wanted.cell_width_m)
    return count_records(Laid(wanted, area, mark_records(events, wanted, area), grid, True))


def answer(map_shown: Hotspots, query: Mapping[str, Sequence[str]] = FEW) -> dict[str, Any]:
    return SCAN.run(SCAN.prepare(map_shown, query), on_progress=lambda _done, _total: True)


def also(**more: str) -> dict[str, list[str]]:
    return {**FEW, **{name: [value] for name, value in more.items()}}


def standing_out(told: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in told["clusters"] if one["stands_out"]]


# --- What is found --------------------------------------------------------------------------------------


def test_a_place_that_rose_lately_is_found_still_going_on() -> None:
    told = answer(found(everywhere() + planted()))
    (one,) = standing_out(told)
    # Expected: 32 of 128 records at the place, 38 of 128 in its two months.
    assert (one["observed"], one["expected"]) == (22, pytest.approx(32 * 38 / 128))
    assert one["ratio"] == pytest.approx(22 / 9.5, abs=0.01)
    assert (one["first_month"], one["last_month"]) == ("2026-03", "2026-04")
    assert np.hypot(one["x_m"] - X, one["y_m"] - Y) < 150
    assert (one["cells"], one["radius_m"]) == (1, 145)
    assert one["p"] == 1 / 200
    assert one["p_low"] == 0 < one["p"] < one["p_high"]
    assert one["recurrence_months"] == pytest.approx(200)
    assert told["records"] == {
        "matching": 128,
        "on_map": 128,
        "used": 128,
        "background": 0,
        "kept_in_place": 0,
    }
    assert told["shufflings_made"] == 199
    orjson.dumps(told)


def test_a_place_that_rose_and_fell_is_found_in_any_months_and_not_now() -> None:
    shown = found(everywhere() + planted(month=5))
    assert standing_out(answer(shown)) == []
    (one,) = standing_out(answer(shown, also(time="any")))
    assert (one["first_month"], one["last_month"]) == ("2025-09", "2025-10")
    assert one["recurrence_months"] is None


def test_two_places_make_two_clusters_that_share_no_cell() -> None:
    rows = everywhere() + planted(30, at=(-1000.0, -1000.0)) + planted(24, at=(1000.0, 1000.0))
    clusters = standing_out(answer(found(rows)))
    assert [one["number"] for one in clusters] == [1, 2]
    assert clusters[0]["observed"] == 32
    apart = np.hypot(clusters[0]["x_m"] - clusters[1]["x_m"], clusters[0]["y_m"] - clusters[1]["y_m"])
    assert apart > clusters[0]["radius_m"] + clusters[1]["radius_m"]


def test_where_nothing_stands_out_the_strongest_is_told_and_shuffling_stops_early() -> None:
    rng = np.random.default_rng(4)
    rows = [
        row(int(m), *CORNERS[c]) for m, c in zip(rng.integers(0, 12, 90), rng.integers(0, 9, 90), strict=True)
    ]
    told = answer(found(rows), also(shufflings="999"))
    assert [one["stands_out"] for one in told["clusters"]] == [False]
    assert told["clusters"][0]["p"] > 0.05
    assert told["clusters"][0]["gumbel_p"] is None
    assert told["stopped_early"]
    assert told["shufflings_made"] < 999


def test_a_curve_tells_small_p_only_of_what_is_beyond_every_shuffle() -> None:
    rng = np.random.default_rng(4)
    rows = [
        row(int(m), 250.0 * (c % 9 - 4), 250.0 * (c // 9 - 4))
        for m, c in zip(rng.integers(0, 12, 1500), rng.integers(0, 81, 1500), strict=True)
    ]
    strong, *others = answer(found(rows + planted(40)))["clusters"]
    assert 0 < strong["gumbel_p"] < strong["p"]
    assert all(one["gumbel_p"] is None for one in others if one["p_low"] > 0)


def test_no_circle_drawn_is_larger_than_asked() -> None:
    rows = everywhere() + planted(8, at=(0, 0)) + planted(8, at=(260, 0)) + planted(8, at=(-260, 0))
    for radius in (250, 400, 900):
        for one in answer(found(rows), also(radius=str(radius)))["clusters"]:
            assert one["radius_m"] <= radius


# --- Children and repeats -------------------------------------------------------------------------------


def test_one_childs_repeats_are_no_cluster() -> None:
    rows = everywhere() + planted()
    one_child = [(108 + i, 7) for i in range(20)]
    twenty_children = [(108 + i, i) for i in range(20)]
    assert standing_out(answer(found(rows, one_child))) == []
    assert answer(found(rows, one_child))["records"]["kept_in_place"] == 20
    (one,) = standing_out(answer(found(rows, twenty_children)))
    assert one["children"] == 20


def test_against_the_area_each_child_counts_once_at_its_first_record() -> None:
    rows = everywhere() + planted(30)
    children = [(108 + i, i // 10) for i in range(30)]
    told = answer(found(rows, children), also(compared="area"))
    assert told["records"]["used"] == 108 + 3
    assert told["records"]["kept_in_place"] == 0
    assert answer(found(rows), also(compared="area"))["records"]["used"] == 138
    # A record of two children is used only if it is the first of both.
    both = [(0, 1), (1, 1), (1, 2), (2, 2)]
    assert answer(found(everywhere(), both), also(compared="area"))["records"]["used"] == 106


def test_children_are_counted_for_the_records_of_the_cluster_alone() -> None:
    children = [(i, i) for i in range(108)] + [(108 + i, 200 + i % 4) for i in range(20)]
    shown = found(everywhere() + planted(), children)
    one = answer(shown)["clusters"][0]
    at = shown.records.columns
    near = np.hypot(at.x - one["x_m"], at.y - one["y_m"]) <= one["radius_m"]
    months = [MONTHS.index(one[name]) for name in ("first_month", "last_month")]
    inside = near & (shown.records.month >= months[0]) & (shown.records.month <= months[1])
    assert inside.sum() == one["observed"]
    assert one["children"] == np.unique(at.child[inside[at.child_event]]).size


# --- What it is compared with ---------------------------------------------------------------------------


def test_against_the_area_a_busy_place_is_a_cluster_of_the_whole_period() -> None:
    shown = found(everywhere() + [row(month, 0.0) for month in range(12) for _ in range(4)])
    assert standing_out(answer(shown)) == [], "always busy is nothing new"
    told = answer(shown, also(compared="area"))
    one = told["clusters"][0]
    assert (one["first_month"], one["last_month"]) == (MONTHS[0], MONTHS[-1])
    assert (one["observed"], one["cells"]) == (60, 1)
    # Every cell at the edge counts as at least half.
    exposed = np.maximum(shown.grid.share_inside, 0.5)
    assert one["expected"] == pytest.approx(156 / exposed.sum(), abs=0.01)


def test_a_few_records_just_beyond_the_boundary_are_no_cluster() -> None:
    edge = found(everywhere()).grid
    sliver = int(np.argmin(edge.share_inside))
    x, y = cell_centres(edge, np.array([sliver]))
    assert edge.share_inside[sliver] < 0.1
    rows = everywhere() + [row(month, float(x[0]) - X, float(y[0]) - Y) for month in range(3)]
    told = answer(found(rows), also(compared="area"))
    assert all(np.hypot(one["x_m"] - x[0], one["y_m"] - y[0]) > one["radius_m"] for one in standing_out(told))


def test_against_other_records_a_kind_of_harm_stands_out_where_its_share_is_large() -> None:
    cases = [row(month, *spot, harms=CSE) for month in (0, 6) for spot in CORNERS]
    cases += [row(month % 12, 0.0, harms=CSE) for month in range(18)]
    busy = everywhere(harms=OTHER_HARM) + [row(m % 12, 1000.0, 1000.0, harms=OTHER_HARM) for m in range(60)]
    told = answer(found(cases + busy, harms=("cse",)), also(compared="background"))
    (one,) = standing_out(told)
    assert told["records"]["used"] == 36
    assert told["records"]["background"] == 168
    assert np.hypot(one["x_m"] - X, one["y_m"] - Y) < 150
    # 32 of 204 records lie in its one cell, and 36 are cases.
    assert one["observed"] == 20
    assert one["expected"] == pytest.approx(36 * 32 / 204, abs=0.01)


def test_found_points_are_background_and_homes_never_are() -> None:
    others = [row(m, 0.0, relation="found_there") for m in range(12)] * 2
    homes = [row(m, 500.0, relation="lives_there") for m in range(12)] * 2
    told = answer(found(everywhere() + others + homes), also(compared="background"))
    assert told["records"]["on_map"] == 108
    assert told["records"]["background"] == 24


def test_the_background_comes_from_the_same_agencies() -> None:
    other = [row(m, 0.0, relation="found_there", agency=m % 2) for m in range(12)] * 4
    told = answer(found(everywhere() + other, agencies=("police",)), also(compared="background"))
    assert told["records"]["background"] == 24


def test_other_records_can_be_a_background_for_the_present_too() -> None:
    rows = everywhere(harms=CSE) + everywhere(harms=OTHER_HARM) + planted(harms=CSE)
    told = answer(found(rows, harms=("cse",)), also(compared="background", time="now"))
    (one,) = standing_out(told)
    assert one["last_month"] == "2026-04"
    assert one["recurrence_months"] is not None


# --- What it depends on ---------------------------------------------------------------------------------


def test_the_database_may_hand_over_records_and_children_in_any_order() -> None:
    rng = np.random.default_rng(9)
    rows = [row(int(m), *CORNERS[c], harms=1 + int(m) % 2) for m, c in rng.integers(0, 9, (60, 2))]
    rows.append(row(11, 0.0))
    for i, one in enumerate(rows):
        one["at"] += timedelta(minutes=i)  # no two are equal
    children = [
        (int(e), int(c)) for e, c in zip(rng.permutation(60)[:40], rng.integers(0, 15, 40), strict=True)
    ]
    order, names = rng.permutation(61), rng.permutation(15)
    back = np.argsort(order)
    mixed = [(int(back[event]), int(names[child])) for event, child in reversed(children)]
    changes: dict[str, Any]
    for compared in ("permutation", "area", "background"):
        query = also(compared=compared)
        changes = {"harms": ("cse",)} if compared == "background" else {}
        task = SCAN.prepare(found(rows, children, **changes), query)
        other = SCAN.prepare(found([rows[i] for i in order], mixed, **changes), query)
        assert digest_of("scan", task) == digest_of("scan", other), compared


def test_another_seed_or_radius_is_another_calculation() -> None:
    shown = found(everywhere())
    usual = digest_of("scan", SCAN.prepare(shown, {}))
    for query in ({"seed": ["5"]}, {"radius": ["700"]}, {"longest": ["2"]}, {"shufflings": ["4999"]}):
        assert digest_of("scan", SCAN.prepare(shown, query)) != usual


def test_an_executor_changes_nothing() -> None:
    task = SCAN.prepare(found(everywhere() + planted()), FEW)
    alone = SCAN.run(task, on_progress=lambda _done, _total: True)
    with ThreadPoolExecutor(2) as executor:
        assert SCAN.run(task, executor=executor, on_progress=lambda _done, _total: True) == alone


@pytest.mark.parametrize("calls", [1, 2])
def test_it_can_be_stopped(calls: int) -> None:
    told: list[tuple[int, int]] = []

    def on_progress(done: int, total: int) -> bool:
        told.append((done, total))
        return len(told) < calls

    task = SCAN.prepare(found(everywhere() + planted()), FEW)
    with pytest.raises(CalculationStopped):
        SCAN.run(task, on_progress=on_progress)
    assert told[0] == (0, 199)
    assert len(told) == calls


# --- What is refused ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "changes", "query", "problem", "words"),
    [
        ([], {}, {}, TooFewRecords, "0 records on the map, and a scan needs 20"),
        ([row(0, 0.0)], {}, {}, TooFewRecords, "1 record on the map, and a scan needs 20"),
        (everywhere()[:19], {}, {}, TooFewRecords, "19 records on the map"),
        (planted(40), {}, {}, NoVariation, "All 40 records lie in one cell of the map"),
        (planted(40), {}, {"compared": ["area"]}, NoVariation, "lie in one cell"),
        (
            everywhere()[:9] * 3,
            {},
            {},
            NoVariation,
            "All 27 records are of May 2025, so no month can stand out",
        ),
        (everywhere(), {"month": "2026-04"}, {}, TooFewRecords, "The map shows one month"),
        (everywhere(), {"first_month": "2026-03"}, {}, TooFewRecords, "The map shows two months"),
        (everywhere(), {}, {"compared": ["background"]}, TooFewRecords, "Only 0 other records"),
    ],
)
def test_too_little_is_refused_with_the_reason(
    rows: list[Row], changes: dict[str, Any], query: Asked, problem: type[PlacewiseError], words: str
) -> None:
    with pytest.raises(problem, match=words):
        SCAN.prepare(found(rows or [row(0, 9000.0)], **changes), query)


def test_repeats_left_out_are_named_when_too_few_remain() -> None:
    children = [(i, i // 9) for i in range(108)]
    with pytest.raises(TooFewRecords, match="12 records on the map once each child is counted once"):
        SCAN.prepare(found(everywhere(), children), {"compared": ["area"]})


def test_nothing_is_still_going_on_in_a_month_of_which_nobody_has_sent_anything() -> None:
    shown = found(everywhere()[:90])
    with pytest.raises(TooFewRecords, match="Nobody has sent any record of April 2026"):
        SCAN.prepare(shown, {})
    assert answer(shown, also(time="any"))["windows"] == 57


def test_one_month_can_be_compared_with_the_area() -> None:
    shown = found(everywhere() + planted(24), month="2026-04")
    one = answer(shown, also(compared="area"))["clusters"][0]
    assert (one["first_month"], one["last_month"]) == ("2026-04", "2026-04")


def test_a_role_that_sees_single_places_only_cannot_compare_with_chance() -> None:
    with pytest.raises(NotAllowed, match="only the records at the places named for your group"):
        SCAN.prepare(replace(found(everywhere()), children_known=False), {})


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (
            {"compared": ["population"]},
            "What records are compared with must be one of: permutation, area, back",
        ),
        ({"time": ["soon"]}, "The time of clusters must be one of: now, any, whole"),
        ({"time": ["whole"]}, "so the whole period at once cannot stand out"),
        ({"compared": ["area"], "time": ["now"]}, "An even spread over the area says nothing of months"),
        ({"longest": ["7"]}, r"\(up to half of the period\) must be a whole number from 1 to 6"),
        ({"longest": ["0"]}, "from 1 to 6"),
        ({"radius": ["200"]}, "metres, at least one cell.* from 250 to 10,000"),
        ({"radius": ["1e3"]}, "must be a whole number"),
        ({"share": ["51"]}, "from 1 to 50"),
        ({"shufflings": ["1000000"]}, "must be one of: 199, 999, 4999"),
        ({"seed": ["-1"]}, "The seed must be a whole number"),
    ],
)
def test_a_wrong_parameter_is_named_with_what_would_do(query: Asked, words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        SCAN.prepare(found(everywhere()), query)


def test_what_would_take_hours_is_refused_beforehand() -> None:
    half = 40_000.0
    area = ground(shapely.box(X - half, Y - half, X + half, Y + half))
    wanted = asked(cell_width_m=250)
    events = columns(*everywhere())
    grid = hex_grid(area.frame, cell_width_m=250)
    wide = count_records(Laid(wanted, area, mark_records(events, wanted, area), grid, True))
    with pytest.raises(TooManyPairs, match="take hours"):
        SCAN.prepare(wide, {"compared": ["area"], "radius": ["10000"]})

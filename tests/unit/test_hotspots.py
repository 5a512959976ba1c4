"""The hotspot map's arithmetic and words: periods, filters, who is counted where, and what is said of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import numpy as np
import pytest
import shapely

from placewise.core.vocabulary import harm_relations, terms
from placewise.geo.adjacency import adjacency_from_pairs
from placewise.geo.hexgrid import hex_grid
from placewise.panel.completeness import Holding, holding_of
from placewise.panel.hotspot_filter import Choices, HotspotFilter, cell_parts, read_filter
from placewise.panel.hotspot_ground import Ground, ward_of, with_hull
from placewise.panel.hotspot_layers import fit_projection
from placewise.panel.hotspot_months import LONDON, month_of, months_between, moved, start_of
from placewise.panel.hotspot_records import account, locate, mark_records, month_positions
from placewise.panel.hotspot_words import count_steps
from placewise.panel.hotspots import connected
from placewise.store.geography import Agency, Areas
from placewise.store.map_records import EventColumns
from placewise.store.osgb import to_lonlat

CHOICES = Choices("2024-05", "2026-04", {"police": "Police", "health": "Health"})
AGENCY = Agency(UUID(int=1), "police", "Police", "police")
OTHER_AGENCY = Agency(UUID(int=2), "health", "Health", "health")
X, Y = 540_000.0, 180_000.0
SQUARE = shapely.box(X - 1500, Y - 1500, X + 1500, Y + 1500)


def position(vocabulary: str, code: str) -> int:
    return list(terms(vocabulary)).index(code)


def us(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000


def columns(*rows: dict[str, Any]) -> EventColumns:
    usual: dict[str, Any] = {
        "at": datetime(2026, 3, 14, tzinfo=UTC),
        "agency": 0,
        "kind": "incident",
        "category": None,
        "harms": 1,
        "relation": "harm_there",
        "accuracy": "exact",
        "radius_m": 20.0,
        "x": X,
        "y": Y,
        "has_area": False,
        "area": None,
        "child": None,
    }
    events = [usual | row for row in rows]

    def whole(name: str) -> np.ndarray:
        return np.array([event[name] for event in events], dtype=np.int64)

    def coded(name: str, vocabulary: str) -> np.ndarray:
        return np.array([-1 if e[name] is None else position(vocabulary, e[name]) for e in events])

    times = np.array([us(event["at"]) for event in events], dtype=np.int64)
    return EventColumns(
        times,
        times,
        whole("agency"),
        coded("kind", "event_kind"),
        coded("category", "crime_category"),
        whole("harms"),
        coded("relation", "relation"),
        coded("accuracy", "accuracy"),
        np.array([event["radius_m"] for event in events], dtype=np.float64),
        np.array([event["x"] for event in events], dtype=np.float64),
        np.array([event["y"] for event in events], dtype=np.float64),
        np.array([event["has_area"] for event in events]),
        np.zeros(len(events), dtype="V16"),
        np.array([row for row, event in enumerate(events) if event["child"] is not None], dtype=np.int64),
        np.array([event["child"] for event in events if event["child"] is not None], dtype=np.int64),
        np.array([(event["area"] or UUID(int=0)).bytes for event in events], dtype="V16"),
    )


def holding(known: EventColumns) -> Holding:
    """All that is held, if these are all records."""
    at = zip(known.occurred_from_us.tolist(), known.agency.tolist(), strict=True)
    sent = [(datetime.fromtimestamp(us / 1e6, LONDON).date().replace(day=1), agency) for us, agency in at]
    return holding_of([([AGENCY, OTHER_AGENCY][agency].code, month, 1) for month, agency in sent])


def ground(
    area: shapely.Geometry | None = SQUARE,
    *,
    wards: Areas | None = None,
    held: EventColumns | None = None,
    **changes: Any,
) -> Ground:
    """A square of two agencies; ``held`` are all records, of the period shown and of any other time."""
    empty = Areas((), (), (), np.array([], dtype=object))
    sent = holding_of([]) if held is None else holding(held)
    known = {"first_month": "2024-05", "last_month": "2026-04", "holding": sent} | changes
    return Ground(area, "a square", wards or empty, [AGENCY, OTHER_AGENCY], **known)


def asked(**changes: Any) -> HotspotFilter:
    return read_filter({}, CHOICES)[0].but(**changes)


def accounted(*rows: dict[str, Any], **changes: Any) -> dict[str, int]:
    records = mark_records(columns(*rows), asked(**changes), ground())
    found = account(records, locate(records, hex_grid(ground().frame, cell_width_m=250)))
    parts = {name: getattr(found, name) for name in found.__slots__}
    assert parts.pop("asked_for") == sum(parts.values()), "every record is accounted for exactly once"
    return {name: n for name, n in parts.items() if n}


# --- Months ---------------------------------------------------------------------------------------


def test_a_month_begins_at_midnight_in_london() -> None:
    assert start_of("2026-07").astimezone(UTC) == datetime(2026, 6, 30, 23, tzinfo=UTC)
    assert month_of(datetime(2026, 6, 30, 23, 30, tzinfo=UTC)) == "2026-07"


def test_months_run_over_the_turn_of_the_year() -> None:
    assert months_between("2025-11", "2026-02") == ["2025-11", "2025-12", "2026-01", "2026-02"]
    assert months_between("2026-02", "2026-01") == []
    assert moved("2026-02", -14) == "2024-12"


def test_a_record_known_only_to_a_month_counts_in_that_month() -> None:
    whole_june = columns({})
    first, last = us(start_of("2026-06")), us(start_of("2026-07"))
    known = EventColumns(*[getattr(whole_june, name) for name in whole_june.__slots__])
    object.__setattr__(known, "occurred_from_us", np.array([first]))
    object.__setattr__(known, "occurred_to_us", np.array([last]))
    assert month_positions(known, ["2026-05", "2026-06", "2026-07"]).tolist() == [1]


# --- The filter --------------------------------------------------------------------------------------


def test_without_being_asked_the_map_shows_harm_in_the_last_twelve_months() -> None:
    state, problems = read_filter({}, CHOICES)
    assert problems == []
    assert (state.first_month, state.last_month) == ("2025-05", "2026-04")
    assert state.relations == harm_relations()
    assert "stop_search" not in state.kinds


def test_the_address_holds_the_whole_state() -> None:
    query = {
        "view": ["density"],
        "from": ["2024-06"],
        "to": ["2025-01"],
        "month": ["2024-09"],
        "harm": ["cse", "not_recorded"],
        "category": ["drugs"],
        "agency": ["police"],
        "relation": ["found_there"],
        "accuracy": ["exact"],
        "kind": ["stop_search"],
        "width": ["150"],
        "bandwidth": ["likelihood"],
        "cells": ["squares"],
        "shade": ["children"],
        "kernel": ["gaussian"],
        "edge": ["plain"],
        "imprecise": ["spread"],
        "rate": ["all_quotient"],
        "as_at": ["2026-03-01T12:00:00+00:00"],
        "show": ["none"],
        "sort": ["q"],
        "page": ["3"],
        "cell": ["2160.-12"],
        "lat": ["51.50000"],
        "lon": ["-0.10000"],
        "zoom": ["14"],
    }
    state, problems = read_filter(query, CHOICES)
    assert problems == []
    written: dict[str, list[str]] = {}
    for name, value in state.query():
        written.setdefault(name, []).append(value)
    assert written == query
    assert read_filter(written, CHOICES)[0] == state


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("view", "heat"),
        ("from", "2026-13"),
        ("to", "soon"),
        ("month", "1999-01"),
        ("harm", "nominal"),
        ("agency", "fbi"),
        ("relation", "lives_there"),
        ("accuracy", "ward"),
        ("kind", "rumour"),
        ("width", "251"),
        ("bandwidth", "0"),
        ("cells", "triangles"),
        ("shade", "names"),
        ("kernel", "cubic"),
        ("edge", "soft"),
        ("imprecise", "guessed"),
        ("rate", "risk"),
        ("sort", "risk"),
        ("page", "-1"),
        ("page", "nan"),
        ("lat", "north"),
        ("zoom", "99"),
        ("cell", "1.2.3"),
        ("cell", "1e9.0"),
        ("as_at", "yesterday"),
        ("as_at", "0001-01-01T00:00:00"),
        ("as_at", "9999-12-31T23:59:59-05:00"),
    ],
)
def test_a_bad_value_is_named_and_replaced_and_the_rest_is_kept(name: str, value: str) -> None:
    state, problems = read_filter({"category": ["drugs"], name: [value]}, CHOICES)
    assert [problem.field for problem in problems] == [name]
    assert state.categories == ("drugs",)
    assert value not in dict(state.query()).values()


def test_a_period_the_wrong_way_round_is_named() -> None:
    state, problems = read_filter({"from": ["2026-02"], "to": ["2025-02"]}, CHOICES)
    assert problems[0].field == "from"
    assert state.first_month <= state.last_month


def test_a_childs_home_can_never_be_asked_for() -> None:
    state, _ = read_filter({"relation": ["lives_there", "harm_there"]}, CHOICES)
    assert state.relations == ("harm_there",)


def test_cell_names_are_two_whole_numbers() -> None:
    assert cell_parts("2160.-12") == (2160, -12)
    assert cell_parts("2160") is None
    assert cell_parts("²1.1") is None


# --- Who is counted where ---------------------------------------------------------------------------


def test_a_ward_centroid_is_counted_in_words_even_with_coordinates() -> None:
    assert accounted({"accuracy": "ward", "radius_m": 2000.0}, {}) == {"placed": 1, "too_coarse": 1}


def test_a_wide_radius_beats_a_fine_accuracy() -> None:
    assert accounted({"accuracy": "exact", "radius_m": 900.0}) == {"too_coarse": 1}


def test_a_radius_that_is_not_stated_is_the_accuracys_own() -> None:
    assert accounted({"accuracy": "street", "radius_m": np.nan}) == {"placed": 1}
    assert accounted({"accuracy": "borough", "radius_m": np.nan}) == {"too_coarse": 1}


def test_a_record_known_by_its_area_alone_is_too_coarse_not_lost() -> None:
    nowhere = {"x": np.nan, "y": np.nan, "accuracy": "none", "radius_m": np.nan}
    assert accounted(nowhere | {"has_area": True}, nowhere) == {"too_coarse": 1, "no_location": 1}


@pytest.mark.parametrize(
    "relation", ["found_there", "detected_there", "last_seen", "not_known", "lives_there"]
)
def test_only_harm_relations_are_placed_unless_asked_for(relation: str) -> None:
    assert accounted({"relation": relation}) == {"other_relation": 1}


def test_a_home_is_left_out_even_when_its_relation_is_forced() -> None:
    assert accounted({"relation": "lives_there"}, relations=("found_there",)) == {"other_relation": 1}


def test_a_record_outside_the_study_area_is_counted_in_words() -> None:
    assert accounted({"x": X + 9000.0}, {}) == {"placed": 1, "outside": 1}


def test_the_accuracy_filter_leaves_out_and_says_so() -> None:
    assert accounted({"accuracy": "street", "radius_m": 100.0}, accuracies=("exact",)) == {
        "other_accuracy": 1
    }


def test_harm_and_category_are_alternatives_and_not_recorded_is_a_choice() -> None:
    cse = 1 << position("harm_type", "cse")
    rows = [{"harms": cse}, {"harms": 0}, {"harms": 0, "category": "drugs"}]
    assert accounted(*rows, harms=("cse",)) == {"placed": 1}
    assert accounted(*rows, harms=("cse",), categories=("drugs",)) == {"placed": 2}
    assert accounted(*rows, harms=("not_recorded",)) == {"placed": 1}


def test_agencies_are_told_apart() -> None:
    assert accounted({"agency": 0}, {"agency": 1}, agencies=("health",)) == {"placed": 1}


def test_one_child_is_chosen_for_an_event_of_several() -> None:
    known = columns({}, {}, {})
    object.__setattr__(known, "child_event", np.array([0, 0, 2]))
    object.__setattr__(known, "child", np.array([7, 3, 5]))
    assert mark_records(known, asked(), ground()).child_of_event.tolist() == [3, -1, 5]


# --- Ground, areas, words ---------------------------------------------------------------------------


def test_without_a_boundary_the_records_make_the_study_area_and_it_is_said() -> None:
    found = with_hull(ground(None), np.array([X, X + 1000, np.nan]), np.array([Y, Y, np.nan]))
    assert found.area is not None
    assert "no boundary is imported" in found.source
    assert with_hull(ground(None), np.array([np.nan]), np.array([np.nan])).area is None


def test_a_point_on_the_line_between_two_wards_has_one_ward() -> None:
    shapes = np.array([shapely.box(X - 1000, Y, X, Y + 1000), shapely.box(X, Y, X + 1000, Y + 1000)])
    wards = Areas((UUID(int=3), UUID(int=4)), ("W", "E"), ("West", "East"), shapes)
    names = ward_of(ground(wards=wards), np.array([X, X - 10, X, X]), np.array([Y + 5, Y + 5, Y - 5, Y + 9]))
    assert names == ["East", "West", "", "East"]


def test_touching_cells_make_one_area() -> None:
    line = adjacency_from_pairs([0, 1, 1, 2, 2, 3, 3, 4], [1, 0, 2, 1, 3, 2, 4, 3], n_cells=5)
    groups = connected(np.array([True, True, False, False, True]), line)
    assert sorted(groups) == [[0, 1], [4]]


@pytest.mark.parametrize("highest", [0, 1, 2, 5, 6, 40, 1000, 123_456])
def test_count_classes_are_ascending_begin_at_one_and_number_five_at_most(highest: int) -> None:
    steps = count_steps(highest)
    assert steps == sorted(set(steps))
    assert len(steps) <= 5
    assert not steps or (steps[0] == 1 and steps[-1] <= highest)


@pytest.mark.parametrize(
    "bounds",
    [
        (538_000.0, 178_000.0, 546_000.0, 187_000.0),  # a London borough
        (413_000.0, 420_000.0, 448_000.0, 451_000.0),  # a large district
        (215_000.0, 800_000.0, 255_000.0, 840_000.0),  # the Highlands
    ],
)
def test_the_browsers_formula_places_a_corner_within_half_a_metre(
    bounds: tuple[float, float, float, float],
) -> None:
    formula = fit_projection(bounds)
    rng = np.random.default_rng(7)
    x, y = rng.uniform(bounds[0], bounds[2], 2000), rng.uniform(bounds[1], bounds[3], 2000)
    lon, lat = formula.place(x, y)
    true_lon, true_lat = to_lonlat(x, y)
    metres_east = (lon - true_lon) * 111_320 * np.cos(np.radians(true_lat))
    assert np.hypot(metres_east, (lat - true_lat) * 111_320).max() < 0.5

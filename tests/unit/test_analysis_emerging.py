"""Emerging hot spots of the map's records: which records and months are used, what is told, what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pytest
import shapely

from placewise.core.errors import BadRequest, CalculationStopped, NotAllowed, TooFewCells, TooFewRecords
from placewise.geo.emerging import CANNOT_TELL, CATEGORIES
from placewise.geo.hexgrid import hex_grid, pack_cell
from placewise.panel.analyses.analysis import Asked, digest_of
from placewise.panel.analyses.emerging import EMERGING
from placewise.panel.analyses.emerging_task import read_options
from placewise.panel.analyses.gaps import usable
from placewise.panel.completeness import Completeness, holding_of, judge
from placewise.panel.hotspot_months import months_between, moved, start_of
from placewise.panel.hotspot_records import mark_records
from placewise.panel.hotspots import Hotspots, Laid, count_records
from placewise.panel.period import Period
from tests.unit.test_hotspots import X, Y, asked, columns, ground

FEW: Asked = {"redraws": ["99"]}
MONTHS = months_between("2024-05", "2026-04")
SPOT = {"x": X + 700, "y": Y + 700}


def event(month: int, day: int = 10, **more: Any) -> dict[str, Any]:
    year, number = moved("2024-05", month).split("-")
    return {"at": datetime(int(year), int(number), day, 12, tzinfo=UTC), **more}


def noise(months: range = range(24), **more: Any) -> list[dict[str, Any]]:
    """Four records a month, each in another corner of the square."""
    corners = [(-1200, -1200), (-1200, 1000), (1000, -1200), (0, -900)]
    return [event(m, x=X + a + 7 * m, y=Y + b + 5 * m, **more) for m in months for a, b in corners]


def at_spot(by_month: dict[int, int], **more: Any) -> list[dict[str, Any]]:
    return [event(month, 2 + n, **SPOT, **more) for month, many in by_month.items() for n in range(many)]


def found(rows: list[dict[str, Any]], children: tuple[tuple[int, int], ...] = (), **changes: Any) -> Hotspots:
    named = np.array(children, dtype=np.int64).reshape(-1, 2)
    events = replace(columns(*rows), child_event=named[:, 0], child=named[:, 1])
    state = asked(**{"first_month": MONTHS[0], "last_month": MONTHS[-1], **changes})
    area = ground(held=events)
    grid = hex_grid(area.frame, cell_width_m=state.cell_width_m)
    return count_records(Laid(state, area, mark_records(events, state, area), grid, True))


def answer(picture: Hotspots, query: Asked = FEW) -> dict[str, Any]:
    return EMERGING.run(EMERGING.prepare(picture, query), on_progress=lambda _done, _total: True)


def spot_of(
    told: dict[str, Any], picture: Hotspots, x: float = SPOT["x"], y: float = SPOT["y"]
) -> dict[str, Any]:
    """What the answer says of the cell around a spot; empty where it says nothing."""
    cell = picture.grid.cell[picture.grid.locate([x], [y])[0]]
    cells = told["cells"]
    at = np.flatnonzero(pack_cell(cells["q"], cells["r"]) == cell)
    return {name: values[at[0]] for name, values in cells.items()} if at.size else {}


def category(told: dict[str, Any], picture: Hotspots) -> str:
    name: str = CATEGORIES[spot_of(told, picture)["category"]]
    return name


# --- What is told --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("by_month", "expected"),
    [
        (dict.fromkeys(range(24), 6), "persistent hot spot"),
        ({22: 8, 23: 8}, "new hot spot"),
        (dict.fromkeys(range(18, 24), 8), "consecutive hot spot"),
        ({m: 3 + m for m in range(24)}, "intensifying hot spot"),
        ({m: 27 - m for m in range(24)}, "diminishing hot spot"),
        (dict.fromkeys((0, 1, 8, 9, 16, 22, 23), 8), "sporadic hot spot"),
        (dict.fromkeys(range(22), 8), "historical hot spot"),
    ],
)
def test_a_planted_history_is_told_by_its_name(by_month: dict[int, int], expected: str) -> None:
    picture = found(noise() + at_spot(by_month))
    told = answer(picture)
    here = spot_of(told, picture)
    assert CATEGORIES[here["category"]] == expected
    assert here["found"][0][0] == here["category"]
    assert here["found"][0][1] >= 0.8 * 99
    assert len(here["around"]) == len(here["marks"]) == len(told["steps"]) == 12
    assert told["totals"][expected] >= 1
    assert sum(told["totals"].values()) == told["n_cells"]
    orjson.dumps(told)


def test_most_cells_have_nothing_to_say_and_are_not_in_the_answer() -> None:
    told = answer(found(noise() + at_spot(dict.fromkeys(range(24), 6))))
    assert len(told["cells"]["q"]) < told["n_cells"] / 4


def test_the_same_seed_gives_the_same_answer_whatever_the_order_of_the_records() -> None:
    rows = noise() + at_spot(dict.fromkeys(range(16, 24), 3), accuracy="postcode", radius_m=200.0)
    mixed = [rows[i] for i in np.random.default_rng(2).permutation(len(rows))]
    first, again = (EMERGING.prepare(found(some), FEW) for some in (rows, mixed))
    assert digest_of("emerging", first) == digest_of("emerging", again)
    other = EMERGING.prepare(found(rows), {**FEW, "seed": ["7"]})
    assert digest_of("emerging", first) != digest_of("emerging", other)
    assert answer(found(rows)) == answer(found(mixed))


def test_what_the_records_do_not_place_closely_enough_is_not_told() -> None:
    around, of = noise(radius_m=0.0), {22: 3, 23: 3}
    vague = {"accuracy": "postcode", "radius_m": 200.0}
    exact = answer(found(around + at_spot(of, radius_m=0.0), cell_width_m=150))["cells"]
    rough = answer(found(around + at_spot(of, **vague), cell_width_m=150))["cells"]
    assert {times[0][1] for times in exact["found"]} == {99}, (
        "each redraw of what is known exactly is the same"
    )
    pairs = list(zip(rough["found"], rough["category"], strict=True))
    unsure = [code for times, code in pairs if times[0][1] < 0.8 * 99]
    assert unsure
    assert set(unsure) == {CANNOT_TELL}
    assert any(1 in dict(times) for times, code in pairs if code == CANNOT_TELL), (
        "what was found is still named"
    )


def test_one_childs_repeats_are_one_record_a_step_and_move_together() -> None:
    rows = noise() + at_spot(dict.fromkeys(range(20, 24), 6))
    mine = tuple((i, 0) for i in range(len(noise()), len(rows)))
    of_many, of_one = found(rows), found(rows, mine)
    assert category(answer(of_many), of_many) == "consecutive hot spot"
    assert spot_of(answer(of_one), of_one)["found"] == [[CANNOT_TELL, 99]], "one child, however often named"
    moves = EMERGING.prepare(of_one, FEW).redraws.moves_with
    assert np.unique(moves).size == len(noise()) + 1


def test_with_both_sides_asked_for_few_records_are_cold() -> None:
    west = [(a, b) for a in range(-1400, 0, 200) for b in range(-1400, 1500, 400)]
    rows = [event(m, x=X + a, y=Y + b) for m in range(24) for a, b in west]
    picture = found(rows, cell_width_m=500)
    assert not any("cold" in name for name in answer(picture)["totals"])
    told = answer(picture, {**FEW, "alternative": ["both"]})
    assert told["totals"]["persistent cold spot"] > 0
    assert told["parameters"]["alternative"] == "both"


def test_the_time_slider_does_not_shorten_the_period() -> None:
    rows = noise() + at_spot(dict.fromkeys(range(24), 6))
    whole, sliding = EMERGING.prepare(found(rows), FEW), EMERGING.prepare(found(rows, month="2025-09"), FEW)
    assert digest_of("emerging", whole) == digest_of("emerging", sliding)


# --- Steps ---------------------------------------------------------------------------------------


def options(months: int, query: Asked | None = None) -> tuple[int, bool]:
    chosen = read_options(query or {}, np.ones(months, dtype=bool))
    return chosen.step_months, chosen.rolling


def test_steps_are_as_long_as_the_period_allows() -> None:
    assert [options(months) for months in (10, 11, 12, 19, 20, 24, 30)] == [
        (1, False),
        (2, True),
        (2, True),
        (2, True),
        (2, False),
        (2, False),
        (3, False),
    ]
    assert options(24, {"step": ["3"]}) == (3, True)
    assert options(24, {"step": ["1"], "windows": ["rolling"]}) == (1, False)


def test_separate_steps_end_with_the_last_month_and_leave_the_first_out() -> None:
    rows = noise() + at_spot({0: 9, 23: 9})
    told = answer(found(rows, first_month="2024-06"), {**FEW, "step": ["2"]})
    assert told["steps"][-1] == "1 March 2026 to 30 April 2026"
    assert len(told["steps"]) == 11
    assert told["counted"]["no_whole_step"] == 4, "June 2024 fills no step"


def test_steps_that_overlap_count_no_record_twice() -> None:
    picture = found(noise() + at_spot(dict.fromkeys(range(24), 6)))
    told = answer(picture, {**FEW, "step": ["3"], "windows": ["rolling"]})
    here = spot_of(told, picture)
    assert len(told["steps"]) == 22
    assert here["around"][5] == 18
    # 22 windows back from the last: those that do not overlap begin with the second month.
    assert here["records"] == 8 * 18
    assert told["counted"]["used"] == len(noise()) + 24 * 6


# --- Silence -------------------------------------------------------------------------------------


def test_a_small_agency_that_falls_silent_is_left_out_before_and_after() -> None:
    # Nothing changes at the spot but that the second agency stops sending in the seventeenth month.
    rows = noise() + at_spot(dict.fromkeys(range(24), 4))
    quiet = [event(m, 20 + n, agency=1, **SPOT) for m in range(16) for n in range(3)]
    picture = found(rows + quiet)
    told = answer(picture)
    assert told["agencies_left_out"] == [["Health", 48, "September 2025 to April 2026"]]
    assert told["counted"]["agency_left_out"] == 48
    assert told["counted"]["used"] == len(rows)
    assert told["unknown_months"] == []
    here = spot_of(told, picture)
    assert CATEGORIES[here["category"]] == "persistent hot spot"
    assert here["trend"] == 0
    assert set(here["around"]) == {8}


def test_months_without_the_agency_that_sends_most_are_unknown() -> None:
    months = [m for m in range(24) if m not in {8, 9, 10, 11}]
    rows = [row for m in months for row in noise(range(m, m + 1))] + at_spot(dict.fromkeys(months, 6))
    told_by_another = [event(m, 20, agency=1, x=X - 900, y=Y + 100) for m in range(24)]
    picture = found(rows + told_by_another)
    told = answer(picture, {**FEW, "step": ["2"], "windows": ["separate"]})
    assert told["unknown_months"] == ["2025-01", "2025-02", "2025-03", "2025-04"]
    assert told["steps_known"] == [True] * 4 + [False] * 2 + [True] * 6
    here = spot_of(told, picture)
    assert here["marks"] == "++++??++++++"
    assert CATEGORIES[here["category"]] == "persistent hot spot"
    assert told["counted"]["no_whole_step"] == 4


def test_where_most_was_told_by_the_silent_agency_nothing_is_told() -> None:
    rows = noise() + at_spot(dict.fromkeys(range(24), 1))
    quiet = [event(m, 20 + n, agency=1, **SPOT) for m in range(10) for n in range(4)]
    picture = found(rows + quiet)
    told = answer(picture)
    here = spot_of(told, picture)
    assert here["category"] == CANNOT_TELL
    assert here["steps_known"] == 0
    assert told["counted"]["told_by_others_left_out"] == 24


def reports(sent: pd.DataFrame) -> Completeness:
    months = Period(date(2026, 4, 1), len(sent)).months
    by_agency = [(str(name), sent[name].tolist()) for name in sent]
    return judge(
        holding_of([(name, *row) for name, n in by_agency for row in zip(months, n, strict=True)]),
        Period(months[-1], len(months)),
    )


def test_the_months_or_the_agency_are_left_out_whichever_loses_fewer_records() -> None:
    shown = pd.DataFrame({"police": [9, 8, 0, 9, 9, 9], "charity": [2, 1, 2, 1, 0, 0]})
    told = usable(reports(10 * shown), shown)
    assert told.known.tolist() == [True, True, False, True, True, True]
    assert told.left_out == (1,)


def test_nobodys_months_are_unknown_and_matter_to_all() -> None:
    counts = pd.DataFrame({"police": [12, 0, 12, 12], "health": [3, 0, 3, 3]})
    assert usable(reports(counts), counts).known.tolist() == [True, False, True, True]
    assert usable(reports(counts), counts).left_out == ()


def test_the_silence_of_an_agency_without_records_on_the_map_costs_nothing() -> None:
    sent = pd.DataFrame({"police": [12, 12, 12, 12], "health": [30, 0, 30, 30]})
    shown = sent.assign(health=0)
    assert usable(reports(sent), shown).known.all()
    assert usable(reports(sent), shown).left_out == ()


def test_a_silence_that_only_other_months_show_makes_another_task() -> None:
    """A lone nought of a small agency may be a quiet month; with the noughts after the period it is silence."""
    quiet = [event(m, 20 + n, agency=1, **SPOT) for m in range(13) for n in range(3)]
    rows = noise() + at_spot(dict.fromkeys(range(14), 6)) + quiet
    early = {"last_month": moved(MONTHS[0], 13)}
    alone = found([row for row in rows if row["at"] < start_of(moved(MONTHS[0], 14))], **early)
    beside = found(rows, **early)
    digests = {digest_of("emerging", EMERGING.prepare(picture, FEW)) for picture in (alone, beside)}
    assert len(digests) == 2
    assert answer(alone)["unknown_months"] == []
    assert answer(beside)["unknown_months"] == [early["last_month"]]


def test_every_record_of_the_period_is_accounted_for() -> None:
    extra = [
        event(3, relation="found_there"),
        event(3, accuracy="ward", radius_m=None),
        event(3, x=np.nan, y=np.nan),
        event(3, x=X + 9000),
    ]
    quiet = [event(m, 20 + n, agency=1, **SPOT) for m in range(16) for n in range(3)]
    rows = noise() + at_spot(dict.fromkeys(range(24), 4)) + quiet + extra
    counted = dict(answer(found(rows))["counted"])
    assert counted.pop("asked_for") == len(rows) == sum(counted.values())
    assert counted["other_relation"] == counted["too_coarse"] == counted["outside"] == 1


# --- Refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"step": ["4"]}, "one of: 1, 2, 3"),
        ({"windows": ["sliding"]}, "separate, rolling"),
        ({"alternative": ["less"]}, "more, both"),
        ({"intensity": ["count"]}, "share, z"),
        ({"redraws": ["98"]}, "from 99 to 1,999"),
        ({"redraws": ["2000"]}, "from 99 to 1,999"),
        ({"redraws": ["many"]}, "whole number"),
        ({"seed": ["-1"]}, "whole number"),
    ],
)
def test_a_parameter_that_cannot_be_is_refused_by_name(query: Asked, says: str) -> None:
    with pytest.raises(BadRequest, match=says):
        EMERGING.prepare(found(noise() + at_spot({22: 8})), query)


def test_too_short_a_period_is_refused_with_what_is_needed() -> None:
    rows = noise() + at_spot(dict.fromkeys(range(24), 6))
    with pytest.raises(TooFewRecords, match="9 steps of one month, and a pattern over time needs 10"):
        EMERGING.prepare(found(rows, first_month="2025-08"), FEW)
    with pytest.raises(TooFewRecords, match="8 steps of 3 months"):
        EMERGING.prepare(found(rows), {**FEW, "step": ["3"], "windows": ["separate"]})
    with pytest.raises(TooFewRecords, match="has 1 step of one month"):
        EMERGING.prepare(found(rows, first_month="2026-04"), FEW)


def test_too_few_records_are_refused() -> None:
    for rows in ([event(5, relation="found_there")], [event(5)], [event(m) for m in range(24)]):
        with pytest.raises(TooFewRecords):
            EMERGING.prepare(found(rows), FEW)


def test_all_records_on_one_coordinate_are_one_hot_spot() -> None:
    picture = found(at_spot(dict.fromkeys(range(24), 6)))
    assert category(answer(picture), picture) == "persistent hot spot"


def test_an_area_of_one_cell_is_refused() -> None:
    state, area = asked(first_month=MONTHS[0], last_month=MONTHS[-1]), ground(shapely.box(X, Y, X + 9, Y + 9))
    records = mark_records(columns(*noise()), state, area)
    picture = count_records(Laid(state, area, records, hex_grid(area.frame, cell_width_m=250), True))
    with pytest.raises(TooFewCells):
        EMERGING.prepare(picture, FEW)


def test_who_sees_single_places_only_is_told_so() -> None:
    with pytest.raises(NotAllowed, match="single places"):
        EMERGING.prepare(replace(found(noise()), children_known=False), FEW)


def test_it_can_be_stopped_and_says_how_far_it_is() -> None:
    seen: list[tuple[int, int]] = []

    def stop_soon(done: int, total: int) -> bool:
        seen.append((done, total))
        return done < 20

    task = EMERGING.prepare(found(noise() + at_spot({22: 8})), FEW)
    with pytest.raises(CalculationStopped):
        EMERGING.run(task, on_progress=stop_soon)
    assert seen == [(10, 99), (20, 99)]

"""Near repeats on the map's records: who is compared, what is said, and what is refused."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import orjson
import pytest

from placewise.core.errors import BadRequest, CalculationStopped, NotAllowed, TooFewRecords
from placewise.geo.hexgrid import hex_grid
from placewise.geo.near_repeat import knox_test
from placewise.panel.analyses.analysis import Asked, digest_of
from placewise.panel.analyses.kept_together import kept_together
from placewise.panel.analyses.near_repeats import NEAR_REPEATS, days_of
from placewise.panel.hotspot_records import mark_records
from placewise.panel.hotspots import Hotspots, Laid, count_records
from placewise.panel.near_repeat_words import shade, verdict
from tests.unit.test_hotspots import X, Y, asked, columns, ground

START = datetime(2026, 1, 5, 12, tzinfo=UTC)
FEW: Asked = {"shufflings": ["199"]}


def found(rows: list[dict[str, Any]], children: Sequence[tuple[int, int]] = (), **changes: Any) -> Hotspots:
    named = np.array(children, dtype=np.int64).reshape(-1, 2)
    events = replace(columns(*rows), child_event=named[:, 0], child=named[:, 1])
    area = ground()
    records = mark_records(events, asked(**changes), area)
    return count_records(Laid(asked(**changes), area, records, hex_grid(area.frame, cell_width_m=250), True))


def row(day: float, east: float, north: float = 0.0, **more: Any) -> dict[str, Any]:
    return {"at": START + timedelta(days=day), "x": X + east, "y": Y + north, **more}


def in_pairs(n: int = 30) -> list[dict[str, Any]]:
    """Records two by two: 50 m and two days apart, each two far from the others in place, all over the days."""
    rng = np.random.default_rng(1)
    spots = [(e, no) for e in range(-1200, 1201, 400) for no in range(-1200, 1201, 400)]
    days = rng.permutation(n) * 3
    return [
        row(int(day) + gap / 25, east + gap, north)
        for (east, north), day in zip(spots, days, strict=False)
        for gap in (0, 50)
    ]


def answer(map_shown: Hotspots, query: Asked = FEW) -> dict[str, Any]:
    task = NEAR_REPEATS.prepare(map_shown, query)
    return NEAR_REPEATS.run(task, on_progress=lambda _done, _total: True)


# --- What is compared --------------------------------------------------------------------------------


def test_planted_pairs_are_found_and_said_in_plain_words() -> None:
    told = answer(found(in_pairs()))
    question = told["question"]
    assert question["observed"] == 30, "each of the planted pairs, and no other within 100 m"
    assert question["verdict"] == "more"
    assert told["sentence"].startswith("After a record, another record within 100 m and 7 days was ")
    assert "(30 pairs against " in told["sentence"]
    assert "it does not say that one child led another" in told["about"]
    assert told["left_out"] == "60 of 60 records that match the filters are compared; none is left out."
    assert told["nearest"]["p"] <= 0.01
    orjson.dumps(told)


def test_the_one_question_is_knox_with_both_limits_included() -> None:
    rng = np.random.default_rng(3)
    spots, days = rng.integers(-8, 9, size=(80, 2)) * 100, rng.integers(0, 80, size=80)
    rows = [row(int(d), int(e), int(n)) for (e, n), d in zip(spots, days, strict=True)]
    task = NEAR_REPEATS.prepare(found(rows), FEW)
    told = NEAR_REPEATS.run(task, on_progress=lambda _done, _total: True)
    knox = knox_test(
        task.x,
        task.y,
        task.day,
        within_m=100,
        within_days=7,
        seed=task.seed,
        child=task.child,
        permutations=199,
    )
    near = [(a, b) for a, b in itertools.combinations(range(80), 2) if abs(days[a] - days[b]) <= 7]
    by_hand = sum(bool(np.hypot(*(spots[a] - spots[b])) <= 100) for a, b in near)
    assert told["question"]["observed"] == knox.statistic == by_hand
    assert told["question"]["expected"] == pytest.approx(knox.expected)
    assert told["question"]["p"] == pytest.approx(knox.p)
    first_band = told["rows"][0][:2]
    assert sum(cell["observed"] for cell in first_band) == by_hand, "same day and 1 to 7 days"
    assert told["space"][:2] == ["up to 100 m", "over 100 to 200 m"]
    assert told["time"] == ["same day", "1 to 7 days", "8 to 14 days", "15 to 28 days"]


def test_one_childs_repeats_are_not_near_repeats() -> None:
    rows = [row(day + gap, 100 * day - 1400, 900) for day in range(0, 28, 2) for gap in (0, 1)]
    mine = [(event, event // 2) for event in range(len(rows))]
    told = answer(found(rows, mine))
    assert told["question"]["observed"] == 0
    assert told["records"]["own_pairs"] == 14
    assert answer(found(rows))["question"]["observed"] == 14, (
        "the same records without the children's numbers"
    )
    assert "another child’s record" in told["sentence"]


def test_records_that_share_a_child_through_a_third_are_kept_together() -> None:
    events = replace(
        columns(*[row(day, 0) for day in range(5)]),
        child_event=np.array([0, 1, 1, 2, 3]),
        child=np.array([7, 7, 8, 8, 9]),
    )
    together = kept_together(events, np.array([True, True, True, True, True]))
    assert together[0] == together[1] == together[2] != together[3]
    assert together[4] == -1
    without_the_third = kept_together(events, np.array([True, False, True, True, True]))
    assert len(set(without_the_third.tolist())) == 4


def test_records_known_too_roughly_are_left_out_and_counted() -> None:
    rows = in_pairs()
    rows[0] |= {"radius_m": 150.0, "accuracy": "premises"}
    rows[2] |= {"radius_m": float("nan"), "accuracy": "postcode"}  # 200 m, by its name
    rows[4] |= {"accuracy": "ward", "radius_m": 2000.0}
    told = answer(found(rows))
    assert told["records"] | {"movable": 0} == {
        "matching": 60,
        "on_map": 59,
        "not_exact": 2,
        "not_dated": 0,
        "used": 57,
        "movable": 0,
        "without_child": 57,
        "own_pairs": 0,
    }
    assert told["left_out"].endswith("3 (5%) are left out: 1 not on the map, 2 not known to within 100 m.")
    assert (
        answer(found(rows), {**FEW, "distances": ["200 400"], "within_m": ["200"]})["records"]["not_exact"]
        == 0
    )


def test_records_known_only_to_a_month_are_refused_with_a_way_out() -> None:
    shown = found(in_pairs())
    month_us = 30 * 86_400_000_000
    vague = replace(shown.records.columns, occurred_to_us=shown.records.columns.occurred_from_us + month_us)
    blurred = replace(shown, records=replace(shown.records, columns=vague))
    with pytest.raises(
        TooFewRecords, match="Only 0 of 60 records on the map are known to within 100 m and to the day"
    ):
        NEAR_REPEATS.prepare(blurred, {})


def test_days_are_those_of_london() -> None:
    late = [{"at": datetime(2026, 6, 30, 23, 30, tzinfo=UTC)}, {"at": datetime(2026, 7, 1, 12, tzinfo=UTC)}]
    assert np.diff(days_of(columns(*late))).tolist() == [0]


# --- What is asked -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (
            {"distances": ["100,100"]},
            "The distances .metres. must be up to 5 whole numbers from 20 to 5,000, each larger",
        ),
        ({"distances": ["5"]}, "from 20 to 5,000"),
        ({"distances": ["1 2 3 4 5 6"]}, "up to 5"),
        ({"distances": ["near"]}, "such as 100, 200, 400, 800"),
        ({"distances": ["9" * 5000]}, "whole numbers"),
        ({"days": ["-1"]}, "The days of the bands"),
        ({"within_m": ["150"]}, "one question must be one of: 100, 200, 400, 800"),
        ({"within_days": ["x"]}, "one of: 0, 7, 14, 28"),
        ({"nearest": ["0"]}, "nearest records must be a whole number from 1 to 20"),
        ({"shufflings": ["10"]}, "199, 999, 4999"),
        ({"seed": ["²"]}, "seed must be a whole number"),
    ],
)
def test_a_parameter_that_cannot_be_is_refused_by_name(query: Asked, message: str) -> None:
    with pytest.raises(BadRequest, match=message):
        NEAR_REPEATS.prepare(found(in_pairs()), query)


def test_too_few_records_are_refused() -> None:
    with pytest.raises(TooFewRecords, match=r"20 are needed\. Choose a longer period"):
        NEAR_REPEATS.prepare(found(in_pairs()[:10]), {})


def test_roles_that_see_no_children_are_refused() -> None:
    with pytest.raises(NotAllowed):
        NEAR_REPEATS.prepare(replace(found(in_pairs()), children_known=False), {})


def test_the_question_stays_among_the_bands_asked_for() -> None:
    task = NEAR_REPEATS.prepare(found(in_pairs()), {"distances": ["250, 500"], "days": ["3 6"]})
    assert (task.within_m, task.within_days) == (250, 3)


def test_the_name_of_the_answer_depends_on_records_and_parameters() -> None:
    shown = found(in_pairs())
    names = {
        digest_of(NEAR_REPEATS.code, NEAR_REPEATS.prepare(picture, query))
        for picture, query in (
            (shown, {}),
            (found(in_pairs()), {"page": ["2"]}),
            (shown, {"seed": ["5"]}),
            (found(in_pairs()[2:]), {}),
        )
    }
    assert len(names) == 3


def test_progress_runs_to_its_end_and_can_stop_the_work() -> None:
    task = NEAR_REPEATS.prepare(found(in_pairs()), FEW)
    told: list[tuple[int, int]] = []

    def listen(done: int, total: int) -> bool:
        told.append((done, total))
        return True

    NEAR_REPEATS.run(task, on_progress=listen)
    assert told == sorted(told)
    assert told[-1] == (3 * 199, 3 * 199)
    with pytest.raises(CalculationStopped):
        NEAR_REPEATS.run(task, on_progress=lambda _done, _total: False)


# --- What is said ------------------------------------------------------------------------------------


def test_chance_is_not_called_a_finding() -> None:
    rng = np.random.default_rng(7)
    rows = [
        row(float(d), float(e), float(n))
        for e, n, d in rng.uniform([-1400, -1400, 0], [1400, 1400, 90], (120, 3))
    ]
    told = answer(found(rows))
    assert told["question"]["verdict"] in ("ordinary", "too_few")
    assert "times as frequent" not in told["sentence"]
    assert "none holds more pairs than chance gives" in told["table_sentence"]


def test_few_pairs_are_too_few_to_tell_even_when_p_is_small() -> None:
    assert verdict(3, 0.1, 0.001) == "too_few"
    assert verdict(0, 0.4, 1.0) == "too_few"
    assert verdict(2, 9.0, 1.0) == "ordinary"


def test_shade_follows_the_ratio_in_one_ramp() -> None:
    ratios = [None, 0.4, 1.0, 1.1, 1.3, 1.6, 2.5, 9.0]
    assert [shade({"ratio": r, "verdict": "ordinary"}) for r in ratios] == [0, 0, 0, 1, 2, 3, 4, 5]
    assert shade({"ratio": 9.0, "verdict": "too_few"}) == 0

"""Looking back at the map: what is held against what, what is said first, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import orjson
import pytest
import shapely

from placewise.core.errors import BadRequest, CalculationStopped, NotAllowed, TooFewRecords
from placewise.geo.hexgrid import hex_grid
from placewise.panel.analyses.analysis import Asked, digest_of
from placewise.panel.analyses.back_test import BACK_TEST
from placewise.panel.hotspot_records import mark_records
from placewise.panel.hotspots import Hotspots, Laid, count_records
from tests.unit.test_hotspots import X, Y, asked, columns, ground

MONTHS = [f"2025-{month:02}" for month in range(5, 13)] + [f"2026-{month:02}" for month in range(1, 5)]


def found(
    spots: dict[str, list[tuple[float, float]]], *, streets: list[Any] | None = None, **changes: Any
) -> Hotspots:
    """A picture of records at (east, north) of the middle, by month."""
    rows = [
        {"at": datetime(int(month[:4]), int(month[5:]), 15, 12, tzinfo=UTC), "x": X + east, "y": Y + north}
        for month, places in spots.items()
        for east, north in places
    ]
    area = ground()
    if streets is not None:
        area = replace(area, street_lines=lambda: np.array(streets, dtype=object))
    records = mark_records(columns(*rows), asked(**changes), area)
    grid = hex_grid(area.frame, cell_width_m=250)
    return count_records(Laid(asked(**changes), area, records, grid, children_known=True))


def steady(n: int = 12) -> dict[str, list[tuple[float, float]]]:
    """Each month half of the records at one spot, and half anywhere."""
    rng = np.random.default_rng(5)
    return {
        month: [(0.0, 0.0)] * n + [(float(e), float(n_)) for e, n_ in rng.uniform(-1400, 1400, (n, 2))]
        for month in MONTHS
    }


def drifting(n: int = 12) -> dict[str, list[tuple[float, float]]]:
    """Each month's records come beside cells that had some, never in one that had: only smoothing can see them."""
    rng = np.random.default_rng(6)
    return {
        month: [(-1250.0 + 250 * i + float(d), -900.0 + float(d)) for d in rng.uniform(-20, 20, n)]
        for i, month in enumerate(MONTHS)
    }


def answer(shown: Hotspots, query: Asked | None = None) -> dict[str, Any]:
    return BACK_TEST.run(BACK_TEST.prepare(shown, query or {}), on_progress=lambda _done, _total: True)


# --- What is held against what -----------------------------------------------------------------------


def test_the_counts_are_the_plain_count_and_are_said_to_be() -> None:
    told = answer(found(steady()), {"surface": ["counts"]})
    row = told["area"]["rows"][told["position"]]
    assert row["surface"]["hits"] == row["plain"]["hits"]
    assert row["surface"]["rri"] == pytest.approx(row["plain"]["rri"])
    assert row["verdict"] == "same"
    assert told["sentence"].startswith(
        "The map’s counts are the plain count itself, so there is nothing for them to beat"
    )
    orjson.dumps(told)


def test_a_surface_that_does_not_beat_the_count_says_so_first() -> None:
    told = answer(found(steady(40)), {"surface": ["density"], "share": ["8"]})
    row = told["area"]["rows"][told["position"]]
    assert row["share"] == 8
    assert row["verdict"] in ("not_better", "worse")
    first = told["sentence"].split(":")[0]
    assert first in (
        "The map’s density surface does not beat a plain count of earlier records",
        "The map’s density surface does worse than a plain count of earlier records",
    )
    assert "interval" in told["sentence"]
    assert row["low"] <= row["difference"] <= row["high"]


def test_a_surface_that_sees_what_the_count_cannot_beats_it() -> None:
    told = answer(found(drifting()), {"surface": ["density"], "before": ["2"], "share": ["10"]})
    row = told["area"]["rows"][told["position"]]
    assert row["verdict"] == "better"
    assert row["low"] > 0
    assert told["sentence"].startswith(
        "The map’s density surface beats a plain count of earlier records: in the 10% of"
    )


def test_nothing_of_the_month_that_came_leaks_into_the_surface() -> None:
    spots = {month: [(-900.0, -900.0)] * 6 for month in MONTHS[:-1]} | {MONTHS[-1]: [(900.0, 900.0)] * 60}
    for surface in ("counts", "density", "significance"):
        told = answer(found(spots), {"surface": [surface], "before": ["9"]})
        assert told["windows"] == MONTHS[9:]
        hits = told["area"]["rows"][told["position"]]["surface"]["hits"]
        assert hits == pytest.approx(12, abs=4), "the old place's records of two months; chance for the sixty"


def test_the_months_before_are_no_more_than_those_asked_for() -> None:
    spots = {MONTHS[0]: [(-900.0, -900.0)] * 200} | {month: [(900.0, 900.0)] * 8 for month in MONTHS[1:]}
    short = answer(found(spots), {"surface": ["counts"], "before": ["3"]})
    assert short["area"]["rows"][0]["plain"]["hits"] == pytest.approx(
        9 * 8 * min(1, 0.01 * short["area"]["size"] / (np.sqrt(3) / 2 * 0.25**2)), rel=0.5
    )
    assert short["area"]["records"] == 72


def test_hit_rate_and_pai_of_one_full_cell_are_by_hand() -> None:
    told = answer(
        found({month: [(0.0, 0.0)] * 4 for month in MONTHS}), {"surface": ["counts"], "share": ["20"]}
    )
    row = told["area"]["rows"][-1]
    assert told["area"]["size"] == pytest.approx(9.0, rel=1e-6)
    assert (row["surface"]["hit_rate"], row["surface"]["pai"], row["surface"]["pei"]) == (1.0, 5.0, 1.0)
    assert row["plain"]["rri"] == pytest.approx(1.0)


def test_months_of_silence_are_not_months_without_harm() -> None:
    spots = steady()
    del spots[MONTHS[8]]
    told = answer(found(spots))
    assert told["silent"] == [MONTHS[8]]
    assert MONTHS[8] not in told["windows"]
    assert "Left out, because nobody sent anything: January 2026" in told["looked_at"]


def test_the_sliders_month_changes_nothing() -> None:
    named = {
        digest_of(BACK_TEST.code, BACK_TEST.prepare(picture, {}))
        for picture in (found(steady()), found(steady(), month=MONTHS[3]))
    }
    assert len(named) == 1


def test_the_surface_by_streets_looks_only_where_there_are_streets() -> None:
    street = shapely.LineString([(X - 1400, Y), (X + 1400, Y)])
    told = answer(found(steady(), streets=[street]))
    by_street = told["street_length"]
    assert by_street["size"] == pytest.approx(2.8, rel=0.01)
    assert by_street["cells"] < told["area"]["cells"]
    assert by_street["left_out"] > 0
    assert by_street["records"] + by_street["left_out"] < told["area"]["records"] + 6 * 24 + 1
    assert "street length that it puts first" in told["street_sentence"]
    assert any("in cells without a street left out" in line for line in told["limits"])
    assert answer(found(steady()))["street_length"] is None
    assert "by area only" in answer(found(steady(), streets=[]))["street_sentence"]


def test_significance_has_no_recapture_index() -> None:
    row = answer(found(steady()), {"surface": ["significance"]})["area"]["rows"][0]
    assert row["surface"]["rri"] is None
    assert row["plain"]["rri"] is not None


def test_it_says_what_it_is_not_for() -> None:
    purpose = answer(found(steady()))["purpose"]
    assert "not used to predict people or to send patrols" in purpose


# --- What is asked -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"surface": ["magic"]}, "The surface must be one of: density, counts, significance"),
        ({"before": ["0"]}, "months before must be a whole number from 1 to 60"),
        ({"share": ["7"]}, r"share \(per cent\) must be one of: 1, 2, 3, 5, 8, 10, 15, 20"),
        ({"seed": ["-1"]}, "The seed must be"),
    ],
)
def test_a_parameter_that_cannot_be_is_refused_by_name(query: Asked, message: str) -> None:
    with pytest.raises(BadRequest, match=message):
        BACK_TEST.prepare(found(steady()), query)


def test_too_few_months_are_refused_with_a_way_out() -> None:
    with pytest.raises(
        TooFewRecords, match=r"needs 13 months with records.*leaves 2\. Choose a longer period, or fewer"
    ):
        BACK_TEST.prepare(found(steady()), {"before": ["10"]})


def test_too_few_records_are_refused() -> None:
    few = {month: [(0.0, 0.0)] for month in MONTHS}
    with pytest.raises(TooFewRecords, match="Only 6 records on the map came"):
        BACK_TEST.prepare(found(few), {})


def test_few_differences_are_too_few_to_tell() -> None:
    told = answer(found({month: [(0.0, 0.0)] * 2 for month in MONTHS}), {"share": ["20"]})
    assert told["area"]["rows"][told["position"]]["verdict"] == "too_few"
    assert told["sentence"].startswith("Too few to tell the map’s density surface from a plain count")


def test_roles_that_see_no_children_are_refused() -> None:
    with pytest.raises(NotAllowed):
        BACK_TEST.prepare(replace(found(steady()), children_known=False), {})


def test_progress_runs_to_its_end_and_can_stop_the_work() -> None:
    street = shapely.LineString([(X - 1400, Y), (X + 1400, Y)])
    task = BACK_TEST.prepare(found(steady(), streets=[street]), {})
    told: list[tuple[int, int]] = []

    def listen(done: int, total: int) -> bool:
        told.append((done, total))
        return True

    BACK_TEST.run(task, on_progress=listen)
    assert told == sorted(told)
    assert told[-1] == (4000, 4000)
    with pytest.raises(CalculationStopped):
        BACK_TEST.run(task, on_progress=lambda _done, _total: False)

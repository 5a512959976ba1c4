"""What can be found: more records find more, more records known only to a ward find less (benchmarks/power.py)."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.power import (
    ACCURACY_M,
    AT_SPOT,
    AWAY_M,
    BEGINS,
    EVENLY,
    MONTHS,
    SIDE_M,
    SOUTH,
    SPOT_M,
    WEST,
    Method,
    World,
    borough,
    by_emerging,
    by_gi_star,
    by_scan_now,
    by_scan_of_area,
    placed,
    tally,
)

REPEATS, ONCE = World("", True, 0), World("", False, 0)
LATE = World("", False, BEGINS)


def found(
    method: Method, n: int, rough: float = 0.0, *, times: float = 5, maps: int = 60, **more: object
) -> int:
    return tally(method, n, times, rough, maps=maps, **{"world": ONCE, **more}).found


def test_the_made_up_spot_is_as_strong_and_begins_when_it_is_said_to() -> None:
    rng = np.random.default_rng(1)
    share = np.pi * SPOT_M**2 / SIDE_M**2
    records, middle = borough(40_000, 5, rng, begins=BEGINS, repeats=False)
    assert np.all((records.x >= WEST) & (records.x <= WEST + SIDE_M))
    assert np.all((records.y >= SOUTH) & (records.y <= SOUTH + SIDE_M))
    assert (
        np.hypot(records.x - middle[0], records.y - middle[1])[records.at_spot].max() <= SPOT_M + ACCURACY_M
    )
    late = records.month >= BEGINS + 3  # whoever arrived before the spot began is gone
    assert records.at_spot[records.month < BEGINS].mean() == pytest.approx(share, rel=0.25)
    assert records.at_spot[late].mean() == pytest.approx(5 * share / (1 + 4 * share), rel=0.25)


def test_a_child_repeats_in_three_months_and_next_door() -> None:
    records, _ = borough(4_000, 3, np.random.default_rng(1))
    times_recorded = np.bincount(records.child)
    assert records.x.size == 4_000
    assert 2 < times_recorded.mean() < 3
    assert np.sort(times_recorded)[-times_recorded.size * 6 // 100 :].sum() > 4_000 / 5
    at = np.column_stack([records.x, records.y, records.month])
    for child in np.flatnonzero(times_recorded > 5):
        spread = np.ptp(at[records.child == child], axis=0)
        assert np.hypot(*spread[:2]) <= 2 * np.sqrt(2) * (AWAY_M + ACCURACY_M)
        assert spread[2] <= 3
    assert records.month.max() < MONTHS


def test_rough_records_are_left_out_evenly_or_twice_as_often_at_the_spot() -> None:
    records, _ = borough(20_000, 10, np.random.default_rng(1))
    left = placed(records, 0.4, EVENLY, np.random.default_rng(2))
    fewer = placed(records, 0.4, AT_SPOT, np.random.default_rng(2))
    of_spot = records.at_spot.sum()
    assert left.x.size == pytest.approx(12_000, rel=0.05)
    assert left.at_spot.sum() / of_spot == pytest.approx(0.6, abs=0.07)
    assert fewer.at_spot.sum() / of_spot == pytest.approx(0.2, abs=0.07)
    assert placed(records, 0.6, AT_SPOT, np.random.default_rng(2)).at_spot.sum() == 0


def test_more_records_find_more_and_more_rough_ones_less() -> None:
    by_records = [found(by_gi_star, n) for n in (100, 400, 1600)]
    assert by_records == sorted(by_records)
    assert by_records[0] < 15
    assert by_records[-1] > 45
    by_rough = [found(by_gi_star, 400, rough) for rough in (0.0, 0.3, 0.6)]
    assert by_rough == sorted(by_rough, reverse=True)
    assert by_rough[0] > by_rough[-1] + 5
    assert found(by_gi_star, 1600, 0.4, whose=AT_SPOT) < found(by_gi_star, 1600, 0.4)


def test_a_stronger_spot_is_found_more_often_and_one_childs_repeats_hide_it() -> None:
    by_times = [found(by_gi_star, 400, times=times) for times in (2, 5, 10)]
    assert by_times == sorted(by_times)
    assert by_times[0] + 20 < by_times[-1]
    assert found(by_gi_star, 400, world=REPEATS) < found(by_gi_star, 400)


def test_nothing_is_found_where_nothing_is_planted() -> None:
    for world in (ONCE, REPEATS):
        said = tally(by_gi_star, 400, 1, 0.0, maps=100, world=world)
        assert said.found <= 2
        assert said.elsewhere <= 10  # at 5% more than ten of a hundred come once in a hundred


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "world", "times"),
    [(by_scan_of_area, ONCE, 5), (by_scan_now, LATE, 20), (by_emerging, LATE, 20)],
)
def test_the_slower_methods_keep_the_same_order(method: Method, world: World, times: float) -> None:
    few, many, rough = (
        found(method, n, share, times=times, maps=20, world=world)
        for n, share in ((100, 0.0), (1600, 0.0), (1600, 0.6))
    )
    assert few < many
    assert rough <= many
    assert many > 10

"""Seasons: found where they are, not where there is a burst, a rise or a gap."""

import itertools

import numpy as np
import pytest

from placewise.core.errors import MissingValue
from placewise.geo.season import find_season

SUMMER = [5, 6, 7]  # June to August, from nought


def series(years, *, level=6.0, summer=1.0, seed=0, first=4):
    rng = np.random.default_rng(seed)
    month = (first + np.arange(12 * years)) % 12
    return rng.poisson(np.where(np.isin(month, SUMMER), level * summer, level)).astype(float)


def slow_extreme(rows, first, lengths):
    """Largest sum of centred ranks over a run, over what its scatter is when a year's ranks are dealt anew."""
    best = 0.0
    for length, start in itertools.product(lengths, range(12)):
        run = {(start + k) % 12 for k in range(length)}
        total = variance = 0.0
        for row in rows:
            ranks = [sum(b < a for b in row) + (sum(b == a for b in row) + 1) / 2 for a in row]
            centred = [r - sum(ranks) / 12 for r in ranks]
            total += sum(c for k, c in enumerate(centred) if (first + k) % 12 in run)
            spread = sum(c * c for c in centred) / 12
            variance += length * (12 - length) / 11 * spread
        best = max(best, abs(total) / variance**0.5 if variance else 0.0)
    return best


@pytest.mark.parametrize("seed", range(5))
def test_the_statistic_agrees_with_adding_up_by_hand(seed):
    counts = series(3, seed=seed)
    found = find_season(counts, first_month=5, detrend=False, permutations=9)
    assert abs(found.z) == pytest.approx(slow_extreme(counts.reshape(3, 12).tolist(), 4, (1, 2, 3, 4)))


@pytest.mark.parametrize("first_month", [1, 5, 11])
def test_a_summer_is_found_whatever_month_the_series_begins_with(first_month):
    found = find_season(series(3, summer=3, first=first_month - 1), first_month=first_month)
    assert (found.first, found.length, found.more, found.n_months) == (6, 3, True, 36)
    assert found.p < 0.01


def test_a_dearth_is_found_as_well_and_may_run_past_december():
    counts = np.tile([0, 9, 8, 9, 10, 9, 8, 9, 8, 10, 9, 1], 3)
    found = find_season(counts, first_month=1)
    assert (found.first, found.length, found.more) == (12, 2, False)


def test_one_extreme_month_is_no_season():
    counts = series(2)
    counts[14] = 90
    assert find_season(counts, first_month=1).p > 0.05


def test_a_steady_rise_is_no_season():
    counts = np.arange(10, 46)
    assert find_season(counts, first_month=1).p == 1
    assert find_season(counts, first_month=1, detrend=False).p < 0.01


def test_longer_months_are_not_busier_months():
    days = np.tile([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], 3)
    assert find_season(10 * days, days=days, first_month=1, detrend=False).z == 0
    assert find_season(10 * days, first_month=1, detrend=False).z != 0


def test_unknown_months_take_no_part():
    counts = series(3, summer=3)
    counts[[3, 14, 25]] = np.nan
    found = find_season(counts, first_month=5)
    assert (found.first, found.length, found.n_months) == (6, 3, 33)


def test_equal_months_have_no_season_and_nothing_known_is_refused():
    assert find_season([4] * 24, first_month=1).p == 1
    for bad in ([np.nan] * 24, [], [-1] * 24, [np.inf] * 24):
        with pytest.raises(MissingValue):
            find_season(bad, first_month=1)


def test_the_same_seed_gives_the_same_answer_and_the_counts_stay_as_they_were():
    counts = series(2)
    before = counts.copy()
    assert find_season(counts, first_month=3, seed=7) == find_season(counts, first_month=3, seed=7)
    assert np.array_equal(counts, before)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["even", "sparse", "rising", "one burst"])
@pytest.mark.parametrize("years", [2, 3, 5])
def test_false_alarms_stay_at_or_below_one_in_twenty(kind, years):
    rng = np.random.default_rng(years)
    runs, months = 1000, 12 * years

    def counts():
        if kind == "rising":
            return rng.poisson(2 + 0.3 * np.arange(months))
        burst = 40 * (np.arange(months) == rng.integers(months)) if kind == "one burst" else 0
        return rng.poisson(0.5 if kind == "sparse" else 6, months) + burst

    alarms = sum(
        find_season(counts(), first_month=5, permutations=199, seed=i).p <= 0.05 for i in range(runs)
    )
    assert alarms / runs <= 0.05 + 3 * (0.05 * 0.95 / runs) ** 0.5

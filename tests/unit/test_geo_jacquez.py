"""Jacquez's test: equal to a plain loop, whatever ties; honest on noise and on one child's repeats."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placewise.core.errors import (
    CalculationStopped,
    MissingValue,
    NoVariation,
    TooFewRecords,
    TooManyPairs,
    WrongCRS,
)
from placewise.geo.jacquez import jacquez_test, nearest_neighbours, permuted_statistics

EAST, NORTH = 540_000, 180_000
RECORD = st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(0, 12))


def slow_weights(distance, other, k):
    """Nearer than the k-th counts one; those as far as the k-th share what is left."""
    weights = np.zeros_like(distance)
    for i in range(len(distance)):
        kth = sorted(distance[i][other[i]])[k - 1]
        nearer, tied = other[i] & (distance[i] < kth), other[i] & (distance[i] == kth)
        weights[i] = nearer + tied * (k - nearer.sum()) / tied.sum()
    return weights


@settings(deadline=None, max_examples=60)
@given(st.lists(RECORD, min_size=8, max_size=20), st.integers(1, 4), st.integers(0, 99))
def test_the_statistic_is_a_plain_loops_with_ties_and_children(records, k, seed):
    x, y, t = np.array(records, dtype=float).T
    child = np.random.default_rng(seed).integers(-1, 3, x.size)
    child[:2] = -1
    sizes = np.unique(child[child >= 0], return_counts=True)[1]
    if t.min() == t.max() or x.size - max(sizes, default=1) < k:
        return
    own = (child[:, None] == child) & (child[:, None] >= 0) | np.eye(x.size, dtype=bool)
    in_space = slow_weights(np.round(np.hypot(x[:, None] - x, y[:, None] - y), 12), ~own, k)
    in_time = slow_weights(np.abs(t[:, None] - t), ~own, k)
    result = jacquez_test(x * 10 + EAST, y * 10 + NORTH, t, k=k, child=child, seed=1, permutations=3)
    assert result.statistic == pytest.approx((in_space * in_time).sum(), abs=1e-6)
    assert result.certain == ((in_space == 1) & (in_time == 1)).sum()
    assert result.possible == ((in_space > 0) & (in_time > 0)).sum()
    assert result.certain <= result.statistic + 1e-6
    assert result.statistic <= result.possible + 1e-6


def scattered(n, rng):
    return rng.random(n) * 3000 + EAST, rng.random(n) * 3000 + NORTH, rng.random(n) * 100


def test_planted_followers_are_found():
    rng = np.random.default_rng(2)
    x, y, t = scattered(80, rng)
    result = jacquez_test(np.append(x, x + 5), np.append(y, y), np.append(t, t + 0.1), k=2, seed=1)
    assert result.p == 0.001
    assert result.ratio > 5
    assert result.statistic == result.certain == result.possible


def test_pieces_of_any_size_give_the_same():
    x, y, t = scattered(40, np.random.default_rng(1))
    near = nearest_neighbours(x, y, t, k=3)
    apart = [permuted_statistics(near, f, c, seed=5) for f, c in ((0, 7), (7, 13))]
    assert np.concatenate(apart).tolist() == permuted_statistics(near, 0, 20, seed=5).tolist()
    assert jacquez_test(x, y, t, k=3, seed=5, permutations=20).expected == np.concatenate(apart).mean()
    with pytest.raises(CalculationStopped):
        jacquez_test(x, y, t, k=3, seed=5, on_progress=lambda done, total: False)


def false_alarms(runs, seed, *, bursts):
    rng = np.random.default_rng(seed)
    alarms = 0
    for run in range(runs):
        x, y, t = scattered(40, rng)
        child = np.arange(40)
        if bursts:
            child = np.repeat(child, rng.integers(1, 5, 40))
            t = t[child] + rng.random(child.size)
        result = jacquez_test(x[child], y[child], t, k=3, child=child, seed=run, permutations=99)
        alarms += result.p <= 0.05
    return alarms / runs


@pytest.mark.parametrize("bursts", [False, True])
def test_false_alarms_are_as_rare_as_promised(bursts):
    # 150 runs at 5%: more than 10.5% less than once in a hundred times; the seed is fixed.
    assert false_alarms(150, 3, bursts=bursts) <= 0.105


@pytest.mark.slow
@pytest.mark.parametrize("bursts", [False, True])
def test_false_alarms_stay_at_one_in_twenty(bursts):
    assert false_alarms(1000, 4, bursts=bursts) <= 0.05 + 3 * (0.05 * 0.95 / 1000) ** 0.5


def run(x, y, t, *, k=1, **options):
    return jacquez_test(x, y, t, k=k, seed=1, permutations=9, **options)


def test_all_on_one_spot_share_every_tie():
    result = run([EAST] * 10, [NORTH] * 10, np.arange(10.0) ** 2, k=2)
    assert (result.certain, result.ratio, result.p) == (0, 1, 1)
    assert result.statistic == pytest.approx(10 * 2 * 2 / 9)


@pytest.mark.parametrize("days", [365, 2])
def test_a_million_ties_are_refused_before_they_are_searched(days):
    n = 1_000_000
    x = np.full(n, EAST) if days == 365 else EAST + np.arange(n)
    with pytest.raises(TooManyPairs, match="share one"):
        run(x, np.full(n, NORTH), np.arange(n) % days)


@pytest.mark.parametrize(
    ("x", "t", "options", "error"),
    [
        ([], [], {}, TooFewRecords),
        ([EAST], [1], {}, TooFewRecords),
        ([EAST, EAST + 1], [1, 2], {"k": 2}, TooFewRecords),
        ([EAST, EAST + 1, EAST], [1, 2, 3], {"child": [1, 1, -1]}, NoVariation),
        ([EAST, EAST + 1], [3, 3], {}, NoVariation),
        ([EAST, np.nan], [1, 2], {}, MissingValue),
        ([EAST, EAST], [1, np.inf], {}, MissingValue),
        ([EAST, EAST], [1, 2], {"k": 0}, ValueError),
        ([EAST, EAST], [1, 2], {"alternative": "both"}, ValueError),
    ],
)
def test_what_makes_no_sense_is_refused(x, t, options, error):
    with pytest.raises(error):
        run(x, [NORTH] * len(x), t, **options)


def test_degrees_are_refused():
    with pytest.raises(WrongCRS):
        run([-0.1, -0.2], [51.5, 51.4], [1, 2])

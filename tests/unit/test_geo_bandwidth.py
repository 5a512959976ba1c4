"""Smoothing distances: the rules against their definitions, and what repeats must not do to them."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placewise.core.errors import BadBandwidth, MissingValue, TooFewRecords, WrongCRS
from placewise.geo.bandwidth import chosen_bandwidth, likelihood_bandwidth, silverman_bandwidth_m

EAST, NORTH = 540000.0, 180000.0


def cloud(n, spread_m=800.0, seed=0):
    rng = np.random.default_rng(seed)
    return EAST + rng.normal(0, spread_m, n), NORTH + rng.normal(0, spread_m, n)


def slow_score(x, y, child, sigma):
    """Hold out each record with its spot and its child; mean log of the Gaussian sum of the rest."""
    logs = []
    for i in range(len(x)):
        rest = [
            j
            for j in range(len(x))
            if (x[i], y[i]) != (x[j], y[j]) and not (child[i] >= 0 and child[i] == child[j])
        ]
        if rest:
            total = sum(math.exp(-((x[i] - x[j]) ** 2 + (y[i] - y[j]) ** 2) / (2 * sigma**2)) for j in rest)
            logs.append(math.log(total / (2 * math.pi * sigma**2 * len(rest))))
    return sum(logs) / len(logs)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32))
def test_the_score_is_the_definition(seed):
    rng = np.random.default_rng(seed)
    x, y = EAST + rng.integers(0, 6, 14) * 100.0, NORTH + rng.integers(0, 6, 14) * 100.0
    child = rng.integers(-1, 4, 14)
    result = likelihood_bandwidth(x, y, seed=1, kernel="gaussian", child=child, candidates_m=[400, 100, 150])
    assert result.candidates_m.tolist() == [100, 150, 400]
    assert result.score == pytest.approx([slow_score(x, y, child, s) for s in (100, 150, 400)], rel=1e-9)
    assert result.bandwidth_m == result.candidates_m[np.argmax(result.score)]


def test_the_distance_found_in_a_round_cloud_is_near_the_best_there_is():
    """For normal data the best fixed σ is about spread × n^(-1/6)."""
    x, y = cloud(1000)
    best = likelihood_bandwidth(x, y, seed=1, kernel="gaussian")
    assert 0.6 < best.bandwidth_m / (800 * 1000 ** (-1 / 6)) < 1.5
    assert not best.at_end
    quartic = likelihood_bandwidth(x, y, seed=1)
    assert quartic.bandwidth_m == pytest.approx(best.bandwidth_m * 8**0.5)


def test_several_centres_get_a_shorter_distance_than_silvermans():
    rng = np.random.default_rng(3)
    centre = rng.integers(0, 5, 600)
    x = EAST + 2500.0 * centre + rng.normal(0, 100, 600)
    y = NORTH + 2000.0 * (centre % 2) + rng.normal(0, 100, 600)
    assert likelihood_bandwidth(x, y, seed=1).bandwidth_m < 0.4 * silverman_bandwidth_m(x, y)


def test_one_childs_repeats_side_by_side_do_not_shrink_the_distance():
    x, y = cloud(150)
    rng = np.random.default_rng(5)
    child = np.concatenate([np.arange(150), np.repeat(np.arange(150), 4)])
    x_all = np.concatenate([x, np.repeat(x, 4) + rng.normal(0, 2, 600)])
    y_all = np.concatenate([y, np.repeat(y, 4) + rng.normal(0, 2, 600)])
    alone = likelihood_bandwidth(x, y, seed=1).bandwidth_m
    tried = np.geomspace(5, 4000, 30)
    together = likelihood_bandwidth(x_all, y_all, seed=1, child=child, candidates_m=tried).bandwidth_m
    apart = likelihood_bandwidth(x_all, y_all, seed=1, candidates_m=tried).bandwidth_m
    assert together == pytest.approx(alone, rel=0.35)
    assert apart < alone / 5


def test_snapping_to_shared_spots_does_not_shrink_the_distance_to_nought():
    x, y = cloud(400)
    x, y = np.round(x / 150) * 150, np.round(y / 150) * 150
    assert likelihood_bandwidth(x, y, seed=1, candidates_m=np.geomspace(5, 3000, 20)).bandwidth_m > 150


def test_an_end_of_the_range_is_said_to_be_one():
    x, y = cloud(100)
    assert likelihood_bandwidth(x, y, seed=1, candidates_m=[5000, 9000]).at_end
    assert not likelihood_bandwidth(x, y, seed=1, candidates_m=[900]).at_end


def test_which_records_are_held_out_follows_the_seed_and_nothing_is_modified():
    x, y = cloud(500)
    before = x.copy()
    first, again, other = (likelihood_bandwidth(x, y, seed=s, max_held_out=60).score for s in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()
    assert (x == before).all()


@pytest.mark.parametrize("n", [0, 1, 9])
def test_a_handful_of_records_is_refused(n):
    with pytest.raises(TooFewRecords, match="10 records"):
        likelihood_bandwidth(*cloud(n), seed=1)


def test_one_spot_and_one_child_are_refused():
    with pytest.raises(TooFewRecords):
        likelihood_bandwidth(np.full(50, EAST), np.full(50, NORTH), seed=1)
    with pytest.raises(TooFewRecords, match="one spot"):
        likelihood_bandwidth(np.full(50, EAST), np.full(50, NORTH), seed=1, candidates_m=[100])
    with pytest.raises(TooFewRecords, match="one child"):
        likelihood_bandwidth(*cloud(50), seed=1, child=np.zeros(50, dtype=int))


@pytest.mark.parametrize("tried", [[], [0.0, 100.0], [-5.0], [float("nan")]])
def test_lengths_that_are_none_are_refused(tried):
    with pytest.raises(BadBandwidth):
        likelihood_bandwidth(*cloud(50), seed=1, candidates_m=tried)


@pytest.mark.parametrize("length", [0.0, -3.0, float("nan"), float("inf")])
def test_ones_own_distance_must_be_a_length(length):
    with pytest.raises(BadBandwidth):
        chosen_bandwidth(length)


def test_degrees_gaps_and_children_that_do_not_match_are_refused():
    with pytest.raises(WrongCRS):
        likelihood_bandwidth([-0.1] * 12, [51.5] * 12, seed=1)
    with pytest.raises(MissingValue):
        likelihood_bandwidth([EAST] * 11 + [np.nan], [NORTH] * 12, seed=1)
    with pytest.raises(ValueError, match="for 50 records"):
        likelihood_bandwidth(*cloud(50), seed=1, child=[1, 2, 3])


def test_the_suggested_bandwidth_of_a_round_cloud_is_silvermans():
    rng = np.random.default_rng(0)
    x, y = EAST + rng.normal(0, 800, 4096), NORTH + rng.normal(0, 800, 4096)
    assert silverman_bandwidth_m(x, y, kernel="gaussian") == pytest.approx(800 * 4096 ** (-1 / 6), rel=0.03)
    assert silverman_bandwidth_m(x, y) == pytest.approx(
        8**0.5 * silverman_bandwidth_m(x, y, kernel="gaussian")
    )


def test_the_suggested_bandwidth_stands_a_few_far_records():
    rng = np.random.default_rng(0)
    x, y = EAST + rng.normal(0, 800, 1000), NORTH + rng.normal(0, 800, 1000)
    x_far = np.concatenate([x, np.full(5, EAST + 60_000)])
    y_far = np.concatenate([y, np.full(5, NORTH)])
    assert silverman_bandwidth_m(x_far, y_far) == pytest.approx(silverman_bandwidth_m(x, y), rel=0.03)


def test_half_the_records_on_one_spot_still_get_a_bandwidth():
    x = np.array([EAST] * 8 + [EAST + 500, EAST + 900])
    assert silverman_bandwidth_m(x, x - EAST + NORTH) > 0


@pytest.mark.parametrize(("x", "y"), [([], []), ([EAST], [NORTH]), ([EAST] * 5, [NORTH] * 5)])
def test_no_bandwidth_is_suggested_from_one_spot(x, y):
    with pytest.raises(TooFewRecords):
        silverman_bandwidth_m(x, y)

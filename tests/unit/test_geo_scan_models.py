"""What a scan supposes: repeats kept together, and data and options that make no sense refused."""

import numpy as np
import pytest

from placewise.core.errors import MissingValue, NoVariation, TooFewCells, TooFewRecords, WrongCRS
from placewise.geo.scan import plan_scan, scan
from placewise.geo.scan_models import bernoulli_model, permutation_model, poisson_model


def scattered(rng, n):
    return 540_000 + 3000 * rng.random(n), 180_000 + 3000 * rng.random(n)


def test_repeats_of_one_child_stay_together():
    rng = np.random.default_rng(6)
    location, step = rng.integers(0, 10, 90), rng.integers(0, 20, 90)
    child = np.repeat([-1, 5, 6, 7, 8], [60, 10, 10, 8, 2])
    model = permutation_model(location, step, n_locations=10, n_steps=20, child=child)
    for seed in range(20):
        cells = model.draw(np.random.default_rng(seed))
        where, when = np.divmod(cells, 20)
        assert where.tolist() == location.tolist()
        sets = {name: sorted(step[child == name]) for name in (5, 6, 7, 8)}
        dealt = {name: sorted(when[child == name]) for name in (5, 6, 7, 8)}
        assert dealt[7] == sets[7]
        assert dealt[8] == sets[8]
        assert sorted([dealt[5], dealt[6]]) == sorted([sets[5], sets[6]])
        assert sorted(when[child == -1]) == sorted(step[child == -1])


def repeat_alarms(runs, *, together):
    """Share of alarms when 12 of 40 children have six events each in one place and one fortnight."""
    rng = np.random.default_rng(41)
    x, y = scattered(rng, 25)
    alarms = 0
    for run in range(runs):
        child = np.repeat(np.arange(40), np.where(np.arange(40) < 12, 6, 1))
        location = rng.integers(0, 25, 40)[child]
        step = (rng.integers(0, 24, 40)[child] + rng.integers(0, 2, child.size)) % 26
        ids = child if together else None
        model = permutation_model(location, step, n_locations=25, n_steps=26, child=ids)
        result = scan(plan_scan(model, x, y, seed=run, max_steps=4), replicates=99, max_clusters=1)
        alarms += result.clusters[0].p <= 0.05
    return alarms / runs


def test_one_childs_repeats_raise_no_alarm_when_kept_together_and_many_when_not():
    assert repeat_alarms(60, together=True) <= 0.14  # more than once in two hundred times less
    assert repeat_alarms(60, together=False) > 0.9


def test_a_million_locations_on_one_spot_are_one_place_with_nothing_to_compare():
    n = 1_000_000
    model = poisson_model(np.ones(n), np.ones(n))
    with pytest.raises(TooFewCells, match="No circle"):
        plan_scan(model, np.full(n, 540_000.0), np.full(n, 180_000.0), seed=1)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: poisson_model([0, 0, 0], [1, 1, 1]), TooFewRecords, "at least two cases"),
        (lambda: poisson_model([1, 0, 0], [1, 1, 1]), TooFewRecords, "at least two cases"),
        (lambda: poisson_model([2, np.nan, 0], [1, 1, 1]), MissingValue, "1 of 3 cases"),
        (lambda: poisson_model([2, 1, 0], [1, 0, 1]), MissingValue, "1 cases lie where nothing"),
        (lambda: poisson_model([2, 1.5, 0], [1, 1, 1]), MissingValue, "whole"),
        (lambda: poisson_model([2, 1], [1, 1, 1]), ValueError, "one shape"),
        (lambda: permutation_model([], [], n_locations=3, n_steps=3), TooFewRecords, "two events"),
        (lambda: permutation_model([1], [1], n_locations=3, n_steps=3), TooFewRecords, "two events"),
        (lambda: permutation_model([1, 1], [0, 2], n_locations=3, n_steps=3), NoVariation, "one place"),
        (lambda: permutation_model([0, 1], [2, 2], n_locations=3, n_steps=3), NoVariation, "one step"),
        (
            lambda: permutation_model([0, 3], [0, 2], n_locations=3, n_steps=3),
            MissingValue,
            "1 of 2 locations",
        ),
        (
            lambda: permutation_model([0, -1], [0, 2], n_locations=3, n_steps=3),
            MissingValue,
            "1 of 2 locations",
        ),
        (
            lambda: permutation_model([0, 1], [0, np.nan], n_locations=3, n_steps=3),
            MissingValue,
            "1 of 2 steps",
        ),
        (lambda: bernoulli_model([0, 1], [True, True], n_locations=3), NoVariation, "no controls"),
        (lambda: bernoulli_model([0, 1], [True, False], n_locations=3), TooFewRecords, "two cases"),
        (lambda: bernoulli_model([0, 1], [1, 0], n_locations=3), ValueError, "True or False"),
        (
            lambda: bernoulli_model([0, 1], [True, False], n_locations=3, n_steps=2),
            ValueError,
            "n_steps without",
        ),
    ],
)
def test_data_that_cannot_be_scanned_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_share": 0}, "max_share"),
        ({"max_share": 1.5}, "max_share"),
        ({"max_radius_m": -1}, "max_radius_m"),
        ({"max_time_share": 0}, "max_time_share"),
        ({"max_steps": 0}, "max_steps"),
        ({"max_steps": 9}, "max_steps"),
        ({"alternative": "hot"}, "alternative"),
        ({"min_cases": 0}, "min_cases"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message):
    x, y = [540_000, 541_000, 542_000], [180_000] * 3
    with pytest.raises(ValueError, match=message):
        plan_scan(poisson_model([3, 0, 0], [1, 1, 1]), x, y, seed=1, **options)


def test_degrees_and_a_wrong_number_of_coordinates_are_refused():
    model = poisson_model([3, 0, 0], [1, 1, 1])
    with pytest.raises(WrongCRS):
        plan_scan(model, [-0.1, -0.2, -0.3], [51.5, 51.5, 51.6], seed=1)
    with pytest.raises(MissingValue):
        plan_scan(model, [540_000, np.nan, 541_000], [180_000] * 3, seed=1)
    with pytest.raises(ValueError, match="2 coordinates for 3 locations"):
        plan_scan(model, [540_000, 541_000], [180_000] * 2, seed=1)

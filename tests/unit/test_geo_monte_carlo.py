"""Rank p-values, stopping early, and the Gumbel curve."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placewise.core.errors import MissingValue, TooFewRecords
from placewise.geo.monte_carlo import gumbel_p, monte_carlo_p, run_replicates


def slow_sequential(observed, values, stop_after):
    """Besag and Clifford's rule, one replicate at a time."""
    exceeding = 0
    for made, value in enumerate(values, start=1):
        exceeding += value >= observed
        if exceeding == stop_after:
            return stop_after / made, made
    return (exceeding + 1) / (len(values) + 1), len(values)


@given(st.integers(0, 5), st.lists(st.integers(0, 5), min_size=1, max_size=40), st.integers(1, 10))
def test_the_rank_p_value_is_its_slow_twin(observed, values, stop_after):
    p, used = slow_sequential(observed, values, stop_after)
    result = monte_carlo_p(float(observed), values, stop_after=stop_after)
    assert (result.p, result.replicates) == (p, used)
    full = monte_carlo_p(float(observed), values)
    assert full.p == (sum(v >= observed for v in values) + 1) / (len(values) + 1)
    for either in (result, full):
        assert 0 <= either.low <= either.high <= 1


@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=60),
    st.integers(1, 20),
    st.one_of(st.none(), st.integers(1, 5)),
)
def test_chunks_do_not_change_what_is_kept(values, chunk_size, stop_after):
    table = np.array(values, dtype=float)
    made = run_replicates(
        lambda first, count: table[first : first + count],
        replicates=table.size,
        chunk_size=chunk_size,
        observed=5.0,
        stop_after=stop_after,
    )
    used = table.size if stop_after is None else slow_sequential(5.0, values, stop_after)[1]
    assert made.tolist() == table[:used].tolist()


def test_a_value_equal_but_for_rounding_counts_as_equal():
    assert monte_carlo_p(0.3, [0.1 + 0.2, 0.3 - 1e-16, 0.2]).exceeding == 2


def p_is_valid(runs, stop_after):
    """Share of p <= 0.05, and of limits that hold the true p, when there is nothing to find."""
    rng = np.random.default_rng(3)
    small = held = 0
    for _ in range(runs):
        observed = rng.random()
        result = monte_carlo_p(observed, rng.random(199), stop_after=stop_after)
        small += result.p <= 0.05
        held += result.low <= 1 - observed <= result.high
    return small / runs, held / runs


@pytest.mark.parametrize("stop_after", [None, 5, 20])
def test_one_p_value_in_twenty_is_below_a_twentieth_and_its_limits_hold(stop_after):
    small, held = p_is_valid(400, stop_after)
    assert small <= 0.05 + 3 * (0.05 * 0.95 / 400) ** 0.5
    assert held >= 0.95 - 3 * (0.05 * 0.95 / 400) ** 0.5


@pytest.mark.slow
@pytest.mark.parametrize("stop_after", [None, 5, 20])
def test_over_many_p_values_the_same(stop_after):
    small, held = p_is_valid(10_000, stop_after)
    assert small <= 0.05 + 3 * (0.05 * 0.95 / 10_000) ** 0.5
    assert small >= 0.03
    assert held >= 0.95 - 3 * (0.05 * 0.95 / 10_000) ** 0.5


def test_the_gumbel_curve_of_gumbel_replicates_is_the_one_they_came_from():
    replicates = np.random.default_rng(1).gumbel(6.0, 0.8, 20_000)
    fit = gumbel_p(12.0, replicates)
    assert (fit.location, fit.scale) == (pytest.approx(6.0, abs=0.03), pytest.approx(0.8, abs=0.02))
    assert fit.p == pytest.approx(1 - math.exp(-math.exp(-(12.0 - 6.0) / 0.8)), rel=0.25)
    assert fit.warning is None


@given(st.lists(st.floats(0, 20), min_size=2, max_size=30, unique=True), st.floats(0, 40))
def test_the_gumbel_curve_is_its_slow_twin(values, observed):
    n = len(values)
    mean = sum(values) / n
    deviation = math.sqrt(sum((v - mean) ** 2 for v in values) / (n - 1))
    if deviation < 1e-3:
        return
    scale = deviation * math.sqrt(6) / math.pi
    location = mean - 0.5772156649015329 * scale
    fit = gumbel_p(observed, values)
    assert (fit.location, fit.scale) == (pytest.approx(location, abs=1e-9), pytest.approx(scale, abs=1e-9))
    curve = [math.exp(-math.exp(min(700, -(v - location) / scale))) for v in sorted(values)]
    gap = max(max((i + 1) / n - f, f - i / n) for i, f in enumerate(curve))
    assert fit.distance == pytest.approx(gap, abs=1e-9)


def test_the_gumbel_curve_warns_where_it_should_not_be_used():
    rng = np.random.default_rng(1)
    assert "Only 50" in gumbel_p(3.0, rng.gumbel(0, 1, 50)).warning
    assert "do not follow" in gumbel_p(3.0, rng.integers(0, 3, 500)).warning
    assert "do not follow" in gumbel_p(3.0, rng.random(999)).warning
    same = gumbel_p(3.0, np.ones(200))
    assert "the same" in same.warning
    assert same.p == 0.0
    assert gumbel_p(1.0, np.ones(200)).p == 1.0


def test_a_statistic_far_below_the_gumbel_curve_has_a_p_value_of_one():
    assert gumbel_p(0.0, [17.125, 17.09375]).p == 1.0


def test_the_gumbel_warning_is_rare_where_the_curve_is_right():
    rng = np.random.default_rng(9)
    warned = sum(gumbel_p(3.0, rng.gumbel(5, 1, 199)).warning is not None for _ in range(300))
    assert warned <= 30  # one in twenty is the rule's own share


@pytest.mark.parametrize("bad", [[np.nan, 1.0], [np.inf]])
def test_what_is_not_finite_is_refused(bad):
    with pytest.raises(MissingValue):
        monte_carlo_p(1.0, bad)
    with pytest.raises(MissingValue):
        gumbel_p(1.0, bad)


def test_no_replicates_no_p_value():
    with pytest.raises(TooFewRecords):
        monte_carlo_p(1.0, [])
    with pytest.raises(ValueError, match="stop_after"):
        monte_carlo_p(1.0, [1.0], stop_after=0)
    with pytest.raises(ValueError, match="1 or more"):
        run_replicates(lambda first, count: np.zeros(count), replicates=0, chunk_size=5, observed=1.0)

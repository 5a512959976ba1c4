"""Two periods of one place: the exact test, and children's repeats kept from deciding it."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placewise.core.errors import MissingValue
from placewise.geo.compare import Period, compare_periods
from placewise.geo.intervals import compare_counts

BASELINE, NOW = Period(0, 90), Period(90, 180)
RECORDS = st.lists(st.tuples(st.integers(-10, 200), st.integers(-1, 4)), max_size=30)


def slow(records, now, baseline):
    """Record by record, in exact fractions."""
    a = [c for t, c in records if now.start <= t < now.end]
    b = [c for t, c in records if baseline.start <= t < baseline.end]
    shared = Fraction(a.count(-1))
    children = {c for c in a + b if c >= 0}
    for one in children:
        shared += Fraction(a.count(one), a.count(one) + b.count(one))
    total = a.count(-1) + b.count(-1) + len(children)
    lengths = [Fraction(p.days_observed) for p in (now, baseline)]
    up = shared <= total * lengths[0] / sum(lengths)
    rounded = -(-shared.numerator // shared.denominator) if up else shared.numerator // shared.denominator
    return (
        (len(a), len(b)),
        (rounded, total - rounded),
        (len({c for c in a if c >= 0}), len({c for c in b if c >= 0})),
    )


@settings(deadline=None)
@given(RECORDS, st.sampled_from([Period(90, 180), Period(90, 120), Period(100, 200, silent_days=30)]))
def test_records_are_shared_as_a_plain_loop_shares_them(records, now):
    t, child = [r[0] for r in records], np.array([r[1] for r in records], dtype=int)
    result = compare_periods(t, now=now, baseline=BASELINE, child=child)
    incidents, once, children = slow(records, now, BASELINE)
    assert (result.incidents.count, result.incidents.baseline) == incidents
    assert (result.each_child_once.count, result.each_child_once.baseline) == once
    assert result.children == children
    assert result.n_elsewhen == len(records) - sum(incidents)


def test_the_verdict_is_that_of_the_exact_test_for_the_days_observed():
    t = [*range(90, 120), *range(10)]
    result = compare_periods(t, now=Period(90, 180, silent_days=60), baseline=BASELINE)
    assert result.days_observed == (30, 90)
    assert result.incidents == compare_counts(30, 10, exposure=30, baseline_exposure=90)
    assert result.each_child_once == result.incidents
    assert result.children == (0, 0)


def test_four_against_two_carries_what_is_needed_to_say_it():
    result = compare_periods([1, 2, 91, 92, 93, 94], now=NOW, baseline=BASELINE).each_child_once
    assert (result.count, result.baseline, result.verdict) == (4, 2, "ordinary")
    assert (result.smallest_rise, result.largest_fall) == (10, None)


def test_one_childs_repeats_are_a_rise_as_incidents_and_none_as_a_child():
    t, child = [5, 20, *range(100, 112)], np.array([1, 2, *[3] * 12])
    result = compare_periods(t, now=NOW, baseline=BASELINE, child=child)
    assert result.incidents.verdict == "higher"
    assert result.each_child_once.verdict == "too_few"
    assert result.children == (1, 2)


def false_alarms(runs, seed, now, *, burst):
    """Share of runs with a claimed difference where children's records are spread evenly over both periods."""
    rng = np.random.default_rng(seed)
    claimed = np.zeros(2)
    for _ in range(runs):
        child = np.repeat(np.arange(30), rng.integers(1, 9, 30))
        at = rng.uniform(0, now.end, 30)[child]
        t = at + rng.uniform(0, 5, child.size) if burst else rng.uniform(0, now.end, child.size)
        result = compare_periods(np.minimum(t, now.end - 1), now=now, baseline=BASELINE, child=child)
        claimed += [r.verdict in {"higher", "lower"} for r in (result.incidents, result.each_child_once)]
    return claimed / runs


@pytest.mark.parametrize("now", [NOW, Period(90, 120)])
@pytest.mark.parametrize("burst", [True, False])
def test_repeats_do_not_raise_the_false_alarms(now, burst):
    incidents, once = false_alarms(200, 7, now, burst=burst)
    assert once <= 0.095  # 200 runs at 5%: more less than once in a hundred times; the seed is fixed
    assert not burst or incidents > 0.15


@pytest.mark.slow
@pytest.mark.parametrize("now", [NOW, Period(90, 120), Period(90, 500)])
def test_false_alarms_stay_at_one_in_twenty(now):
    assert false_alarms(1000, 9, now, burst=True)[1] <= 0.05 + 3 * (0.05 * 0.95 / 1000) ** 0.5


def test_no_records_are_too_few_and_no_error():
    result = compare_periods([], now=NOW, baseline=BASELINE, child=[])
    assert result.each_child_once.verdict == "too_few"
    assert np.isnan(result.each_child_once.rate_ratio)


@pytest.mark.parametrize(
    "now",
    [Period(90, 90), Period(90, 180, silent_days=90), Period(90, 180, silent_days=-1), Period(90, np.nan)],
)
def test_a_period_without_data_is_refused(now):
    with pytest.raises(MissingValue, match="Choose periods with reports"):
        compare_periods([1, 2], now=now, baseline=BASELINE)


def test_overlapping_periods_are_refused():
    with pytest.raises(ValueError, match="overlap"):
        compare_periods([1], now=Period(80, 120), baseline=BASELINE)


@pytest.mark.parametrize(
    ("t", "child", "error"),
    [([np.nan], None, MissingValue), ([1], [0.5], ValueError), ([1], [1, 2], ValueError)],
)
def test_gaps_are_refused(t, child, error):
    with pytest.raises(error):
        compare_periods(t, now=NOW, baseline=BASELINE, child=child)

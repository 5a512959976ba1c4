"""Intervals that hold what they promise, and verdicts that do not overstate."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from placewise.core.errors import MissingValue
from placewise.geo.intervals import compare_counts, poisson_interval, with_intervals

COUNT = st.integers(0, 60)
ORDINARY = "within ordinary variation"
EXPOSURE = st.sampled_from([0.5, 1.0, 3.0])


@settings(deadline=None)
@given(st.integers(0, 100_000), st.floats(0.5, 0.999))
def test_the_limits_leave_half_the_doubt_in_each_tail(count, confidence):
    low, high = poisson_interval([count], confidence=confidence)
    tail = (1 - confidence) / 2
    assert stats.poisson.cdf(count, high[0]) == pytest.approx(tail, rel=1e-6)
    if count:
        assert stats.poisson.sf(count - 1, low[0]) == pytest.approx(tail, rel=1e-6)
    else:
        assert low[0] == 0


@pytest.mark.parametrize("mean", [0.3, 2.0, 9.5, 40.0])
def test_the_interval_holds_the_truth_at_least_as_often_as_it_says(mean):
    counts = np.arange(400)
    low, high = poisson_interval(counts)
    holds = (low <= mean) & (mean <= high)
    assert stats.poisson.pmf(counts[holds], mean).sum() >= 0.95


@pytest.mark.parametrize("bad", [np.nan, -1.0, 2.5])
def test_counts_that_are_no_counts_are_refused(bad):
    with pytest.raises(MissingValue):
        poisson_interval([bad])
    with pytest.raises((MissingValue, ValueError)):
        compare_counts(bad, 3)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0])
def test_a_confidence_is_a_share(confidence):
    with pytest.raises(ValueError, match="between 0 and 1"):
        poisson_interval([1], confidence=confidence)
    with pytest.raises(ValueError, match="between 0 and 1"):
        compare_counts(1, 1, confidence=confidence)


def test_months_without_reports_have_a_count_and_no_interval():
    months = pd.period_range("2026-01", periods=3, freq="M")
    counts = pd.Series([4, 0, 7], index=months)
    table = with_intervals(counts, received=np.array([True, False, True]))
    assert table.index.equals(months)
    assert table["count"].tolist() == [4, 0, 7]
    assert np.isnan(table.loc[months[1], ["low", "high"]].to_numpy(dtype=float)).all()
    assert table["low"].iloc[2] < 7 < table["high"].iloc[2]


def slow_p(count, baseline, share):
    """Twice the smaller tail, term by term."""
    total = count + baseline
    chance = [stats.binom.pmf(i, total, share) for i in range(total + 1)]
    return min(1.0, 2 * min(sum(chance[count:]), sum(chance[: count + 1])))


@settings(deadline=None)
@given(COUNT, COUNT, EXPOSURE, EXPOSURE)
def test_p_is_twice_the_smaller_exact_tail(count, baseline, exposure, baseline_exposure):
    result = compare_counts(count, baseline, exposure=exposure, baseline_exposure=baseline_exposure)
    share = exposure / (exposure + baseline_exposure)
    assert result.p == pytest.approx(slow_p(count, baseline, share), rel=1e-9)


@settings(deadline=None)
@given(COUNT, COUNT, EXPOSURE, EXPOSURE)
def test_verdict_p_and_interval_never_contradict_each_other(count, baseline, exposure, baseline_exposure):
    result = compare_counts(count, baseline, exposure=exposure, baseline_exposure=baseline_exposure)
    if result.verdict == "higher":
        assert result.p <= 0.05
        assert result.low > 1
    elif result.verdict == "lower":
        assert result.p <= 0.05
        assert result.high < 1
    else:
        assert result.p > 0.05
        assert count + baseline == 0 or result.low <= 1 <= result.high


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 40), EXPOSURE, EXPOSURE)
def test_the_smallest_detectable_change_is_found_by_trying_each_count(baseline, exposure, baseline_exposure):
    options = {"exposure": exposure, "baseline_exposure": baseline_exposure}
    result = compare_counts(0, baseline, **options)
    tried = {c: compare_counts(c, baseline, **options).verdict for c in range(result.smallest_rise + 1)}
    assert min(c for c, verdict in tried.items() if verdict == "higher") == result.smallest_rise
    falls = [c for c, verdict in tried.items() if verdict == "lower"]
    assert (max(falls) if falls else None) == result.largest_fall


@pytest.mark.parametrize("mean", [0.5, 3.0, 12.0])
def test_a_difference_is_claimed_at_most_one_time_in_twenty_when_there_is_none(mean):
    chance = stats.poisson.pmf(np.arange(60), mean)
    claimed = sum(
        chance[a] * chance[b]
        for a in range(40)
        for b in range(40)
        if compare_counts(a, b).verdict in {"higher", "lower"}
    )
    assert claimed <= 0.05


@pytest.mark.parametrize(
    ("count", "baseline", "sentence"),
    [
        (
            4,
            2,
            f"4 against 2: {ORDINARY} (a rise to 10 or more would stand out; no fall, even to nought, could have)",
        ),
        (2, 2, "2 against 2: too few to tell"),
        (0, 0, "0 against 0: too few to tell"),
        (30, 10, "30 against 10: higher, by more than ordinary variation"),
        (0, 6, "0 against 6: lower, by more than ordinary variation"),
        (
            12,
            10,
            f"12 against 10: {ORDINARY} (a rise to 23 or more would stand out; so would a fall to 2 or fewer)",
        ),
    ],
)
def test_the_sentence_says_it_plainly(count, baseline, sentence):
    assert compare_counts(count, baseline).sentence == sentence


def test_a_longer_period_is_allowed_for():
    assert compare_counts(30, 10, exposure=90, baseline_exposure=30).rate_ratio == pytest.approx(1)
    assert compare_counts(30, 10, exposure=90, baseline_exposure=30).verdict == "ordinary"


def test_ratios_to_nought_are_infinite_or_unknown():
    assert compare_counts(6, 0).rate_ratio == np.inf
    assert compare_counts(6, 0).high == np.inf
    assert np.isnan(compare_counts(0, 0).rate_ratio)


@pytest.mark.parametrize("exposure", [0.0, -1.0, float("nan"), float("inf")])
def test_periods_of_no_length_are_refused(exposure):
    with pytest.raises(MissingValue, match="longer than nought"):
        compare_counts(1, 1, exposure=exposure)

"""Mann–Kendall and Sen's slope against plain loops and scipy; false alarms and coverage under the null."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from placewise.core.errors import MissingValue
from placewise.geo.trend import mann_kendall, sens_slope

SERIES = st.lists(st.one_of(st.integers(-3, 3).map(float), st.just(math.nan)), min_size=1, max_size=14)


def slow_mann_kendall(series):
    """The definition: one pair at a time, gaps left out."""
    x = [v for v in series if not math.isnan(v)]
    n = len(x)
    s = sum((x[j] > x[i]) - (x[j] < x[i]) for i in range(n) for j in range(i + 1, n))
    groups = [x.count(v) for v in set(x)]
    variance = (n * (n - 1) * (2 * n + 5) - sum(t * (t - 1) * (2 * t + 5) for t in groups)) / 18
    if n < 3:
        return s, variance, math.nan
    return s, variance, (s - (s > 0) + (s < 0)) / math.sqrt(variance) if s else 0.0


def slow_hamed_rao_factor(series):
    """Hamed and Rao's correction in loops; no gaps, no ties after detrending."""
    n = len(series)
    slope = np.median([(series[j] - series[i]) / (j - i) for i in range(n) for j in range(i + 1, n)])
    # The two steps whose slope is the median lie on one line: a tie, but for rounding.
    ranks = stats.rankdata([round(series[i] - slope * i, 9) for i in range(n)])
    centred = [r - (n + 1) / 2 for r in ranks]
    factor = 1.0
    for lag in range(1, n):
        rho = sum(centred[i] * centred[i + lag] for i in range(n - lag)) / sum(c * c for c in centred)
        if abs(rho) > stats.norm.ppf(0.975) / math.sqrt(n):
            factor += 2 / (n * (n - 1) * (n - 2)) * (n - lag) * (n - lag - 1) * (n - lag - 2) * rho
    return factor


@settings(deadline=None)
@given(SERIES)
def test_the_test_is_its_definition_with_ties_and_gaps(series):
    s, variance, z = slow_mann_kendall(series)
    for found in (
        mann_kendall(series),
        mann_kendall(np.column_stack([series] * 2)),
    ):  # as it stands, compiled
        assert (found.s == s).all()
        assert found.variance == pytest.approx(variance)
        assert found.z == pytest.approx(z, nan_ok=True)


@pytest.mark.parametrize("steps", [12, 200])
def test_many_series_at_once_are_the_same_as_one_by_one(steps):
    series = np.random.default_rng(1).poisson(1.0, (steps, 700)).astype(float)
    series[np.random.default_rng(2).random(series.shape) < 0.1] = np.nan
    before = series.copy()
    found = mann_kendall(series)
    for cell in range(0, 700, 90):
        s, _, z = slow_mann_kendall(series[:, cell].tolist())
        assert (found.s[cell], found.z[cell]) == (s, pytest.approx(z))
    np.testing.assert_array_equal(series, before)


@pytest.mark.parametrize("correction", ["none", "hamed_rao"])
def test_whole_numbers_have_the_trend_of_the_same_numbers_with_a_point(correction):
    series = np.random.default_rng(3).integers(0, 60_000, (24, 40), dtype=np.uint16)
    whole, point = (mann_kendall(s, correction=correction) for s in (series, series.astype(float)))
    np.testing.assert_array_equal(whole.z, point.z)
    assert np.array_equal(whole.s, point.s)
    assert np.array_equal(sens_slope(series).slope, sens_slope(series.astype(float)).slope)


def test_a_single_series_is_not_modified():
    series = np.array([3.0, 1.0, 2.0, 0.0])
    mann_kendall(series)
    sens_slope(series)
    assert series.tolist() == [3.0, 1.0, 2.0, 0.0]


def test_the_correction_is_its_definition():
    rng = np.random.default_rng(3)
    series = np.cumsum(rng.normal(size=(30, 6)), axis=0)
    plain, corrected = mann_kendall(series), mann_kendall(series, correction="hamed_rao")
    factors = [slow_hamed_rao_factor(column) for column in series.T]
    assert corrected.variance == pytest.approx(plain.variance * factors)
    assert max(factors) > 1.5  # the walk is autocorrelated, so there is something to correct


def test_an_exact_line_has_nothing_to_correct():
    line = 0.1 * np.arange(20)  # rounding of the subtracted line must not pass for autocorrelation
    assert mann_kendall(line, correction="hamed_rao").variance == mann_kendall(line).variance


def test_the_slope_and_its_interval_are_scipys():
    rng = np.random.default_rng(4)
    for n in (5, 12, 25):
        y = rng.integers(0, 9, n).astype(float)
        ours, theirs = sens_slope(y), stats.theilslopes(y, np.arange(n), 0.95)
        assert ours.slope[0] == pytest.approx(theirs.slope)
        assert (ours.low[0], ours.high[0]) == pytest.approx((theirs.low_slope, theirs.high_slope))


def test_an_unknown_step_is_left_out_and_keeps_its_place_in_time():
    found = sens_slope([0.0, math.nan, 4.0, 6.0])
    assert found.slope.tolist() == [2.0]  # 4 over two steps, not 4 over one
    assert mann_kendall([0.0, math.nan, 4.0, 6.0]).s[0] == 3


@pytest.mark.parametrize("series", [[], [1.0], [1.0, 2.0], [math.nan] * 12])
def test_too_short_a_series_has_no_answer(series):
    found = mann_kendall(series, correction="hamed_rao")
    assert np.isnan(found.z[0])
    assert np.isnan(found.p[0])
    assert found.direction()[0] == 0


def test_no_series_have_no_answers():
    assert mann_kendall(np.empty((12, 0))).z.size == sens_slope(np.empty((12, 0))).slope.size == 0


def test_equal_values_show_no_trend():
    for correction in ("none", "hamed_rao"):
        found = mann_kendall([2.0] * 24, correction=correction)
        assert (found.z[0], found.p[0], found.tau[0]) == (0, 1, 0)
    assert sens_slope([2.0] * 24).high.tolist() == [0.0]


def test_infinity_is_refused():
    with pytest.raises(MissingValue, match="1 of 3"):
        mann_kendall([1.0, math.inf, 2.0])


def test_unknown_corrections_and_levels_are_refused():
    with pytest.raises(ValueError, match="hamed_rao"):
        mann_kendall([1.0, 2.0, 3.0], correction="prewhitened")
    with pytest.raises(ValueError, match="confidence"):
        sens_slope([1.0, 2.0], confidence=95)


def false_alarms(series, **how):
    return np.count_nonzero(mann_kendall(series, **how).p <= 0.05)


@pytest.mark.parametrize(("steps", "mean"), [(10, 3.0), (24, 3.0), (24, 0.3), (60, 1.0)])
def test_noise_shows_a_trend_no_more_often_than_promised(steps, mean):
    series = np.random.default_rng(5).poisson(mean, (steps, 4000))
    assert false_alarms(series) <= stats.binom.isf(1e-4, 4000, 0.05)


@pytest.mark.slow
def test_noise_shows_a_trend_one_time_in_twenty():
    series = np.random.default_rng(6).normal(size=(36, 20_000))
    low, high = stats.binom.ppf([1e-4, 1 - 1e-4], 20_000, 0.05)
    assert low - 60 <= false_alarms(series) <= high  # the continuity correction makes it a little cautious


def test_overlapping_windows_raise_false_alarms_that_the_correction_lowers():
    noise = np.random.default_rng(7).poisson(3.0, (38, 1500)).astype(float)
    sliding = noise[2:] + noise[1:-1] + noise[:-2]
    plain, corrected = false_alarms(sliding), false_alarms(sliding, correction="hamed_rao")
    assert plain > 0.2 * 1500
    assert corrected < 0.75 * plain


@pytest.mark.parametrize("steps", [10, 24])
def test_the_slopes_interval_covers_the_truth(steps):
    rng = np.random.default_rng(8)
    series = 0.25 * np.arange(steps)[:, None] + rng.normal(size=(steps, 3000))
    found = sens_slope(series)
    covered = np.count_nonzero((found.low <= 0.25) & (found.high >= 0.25))
    assert covered >= stats.binom.ppf(1e-4, 3000, 0.94)

"""Displacement: by a plain sum, with intervals that hold, and silent where too few could show anything."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from placewise.core.errors import MissingValue
from placewise.geo.displacement import (
    BeforeAfter,
    weighted_displacement_difference,
    weighted_displacement_quotient,
)

COUNT = st.integers(0, 60)
SIZE = st.sampled_from([0.5, 1.0, 2.0])
AREA = st.builds(BeforeAfter, COUNT, COUNT, SIZE)
DAYS = st.sampled_from([30.0, 90.0, 365.0])


@given(AREA, AREA, AREA, AREA, DAYS, DAYS)
def test_the_difference_is_a_plain_sum(treated, control, buffer, buffer_control, before, after):
    result = weighted_displacement_difference(
        treated,
        control,
        buffer=buffer,
        buffer_control=buffer_control,
        before_days=before,
        after_days=after,
    )
    slow, variance = 0.0, 0.0
    for sign, area in zip((1, -1, 1, -1), (treated, control, buffer, buffer_control), strict=True):
        slow += sign * (area.after - area.before * after / before) / area.size
        variance += (area.after + area.before * (after / before) ** 2) / area.size**2
    assert result.estimate == pytest.approx(slow, abs=1e-9)
    assert result.se == pytest.approx(variance**0.5)
    assert (result.local + result.spread) == pytest.approx(result.estimate)
    assert result.low <= result.estimate <= result.high


def test_no_fall_in_twenty_could_have_shown_in_twelve_records():
    small = weighted_displacement_difference(BeforeAfter(12, 6), BeforeAfter(12, 11))
    assert small.estimate == -5
    assert small.se == pytest.approx(6.4, abs=0.01)
    assert small.verdict == "too_few"
    assert small.detectable_fall is None
    assert small.expected_after == 11


@pytest.mark.parametrize(("fall", "least"), [(1.0, 12), (0.5, 54)])
def test_the_least_count_before_that_can_show_a_fall_beside_an_equal_flat_comparison(fall, least):
    """At even chances (power 0.5), as domain knowledge has it: a full stop from 12, a halving from 54."""
    for before in (least - 1, least):
        flat = BeforeAfter(before, before)
        found = weighted_displacement_difference(flat, flat, power=0.5).detectable_fall
        assert (found is not None and found <= fall * before) == (before == least)


@pytest.mark.parametrize("power", [0.6, 0.8, 0.95])
def test_the_detectable_fall_is_found_as_often_as_it_says(power):
    mean, rng = 120, np.random.default_rng(5)
    fall = weighted_displacement_difference(
        BeforeAfter(mean, mean), BeforeAfter(mean, mean), power=power
    ).detectable_fall
    drawn = rng.poisson([mean, mean - fall, mean, mean], (3000, 4))
    found = [
        weighted_displacement_difference(BeforeAfter(*row[:2]), BeforeAfter(*row[2:])).verdict == "fewer"
        for row in drawn.tolist()
    ]
    assert np.mean(found) == pytest.approx(power, abs=0.03)


def coverage(means, runs, seed):
    truth = means[1] - means[0] - means[3] + means[2]
    held = alarms = 0
    for row in np.random.default_rng(seed).poisson(means, (runs, 4)).tolist():
        result = weighted_displacement_difference(BeforeAfter(*row[:2]), BeforeAfter(*row[2:]))
        held += result.low <= truth <= result.high
        alarms += result.verdict in {"fewer", "more"}
    return held / runs, alarms / runs


def test_the_interval_holds_the_truth_and_a_null_difference_is_seldom_claimed():
    held, _ = coverage([30, 18, 25, 24], 600, 3)
    assert held >= 0.95 - 3 * (0.05 * 0.95 / 600) ** 0.5
    _, alarms = coverage([10, 8, 10, 8], 600, 4)
    assert alarms <= 0.05 + 3 * (0.05 * 0.95 / 600) ** 0.5


@pytest.mark.slow
@pytest.mark.parametrize("means", [[3, 3, 3, 3], [10, 10, 40, 40], [200, 150, 100, 90]])
def test_intervals_hold_at_many_sizes(means):
    held, _ = coverage(means, 4000, 8)
    assert held >= 0.95 - 3 * (0.05 * 0.95 / 4000) ** 0.5


@pytest.mark.parametrize("mean", [0.5, 2.0, 6.0])
def test_at_small_counts_a_difference_is_claimed_at_most_one_time_in_twenty_when_there_is_none(mean):
    counts = range(int(mean + 6 * mean**0.5) + 4)
    chance = stats.poisson.pmf(list(counts), mean)
    claimed = sum(
        chance[a] * chance[b] * chance[c] * chance[d]
        for a in counts
        for b in counts
        for c in counts
        for d in counts
        if a + b + c + d > 0 and abs(b - a - d + c) / math.sqrt(a + b + c + d) > 1.959964
    )
    assert claimed <= 0.055


def test_the_alternative_is_fixed_beforehand():
    areas = BeforeAfter(60, 40), BeforeAfter(60, 60)
    p = {
        side: weighted_displacement_difference(*areas, alternative=side).p
        for side in ("different", "fewer", "more")
    }
    assert p["fewer"] == pytest.approx(p["different"] / 2)
    assert p["more"] == pytest.approx(1 - p["fewer"])
    assert weighted_displacement_difference(*areas, alternative="more").detectable_fall is None
    with pytest.raises(ValueError, match="alternative is"):
        weighted_displacement_difference(*areas, alternative="both")


def test_areas_without_a_record_tell_nothing():
    result = weighted_displacement_difference(BeforeAfter(0, 0), BeforeAfter(0, 0))
    assert (result.estimate, result.se, result.p, result.verdict) == (0, 0, 1, "too_few")
    assert math.isnan(result.z)


def test_a_fall_that_is_plain_is_said_to_be_one():
    result = weighted_displacement_difference(BeforeAfter(200, 80), BeforeAfter(200, 195))
    assert (result.verdict, result.high < 0) == ("fewer", True)
    assert weighted_displacement_difference(BeforeAfter(80, 200), BeforeAfter(200, 195)).verdict == "more"


@pytest.mark.parametrize(
    ("areas", "options", "error"),
    [
        (((-1, 2), (1, 1)), {}, MissingValue),
        (((1.5, 2), (1, 1)), {}, MissingValue),
        (((float("nan"), 2), (1, 1)), {}, MissingValue),
        (((1, 2, 0.0), (1, 1)), {}, MissingValue),
        (((1, 2), (1, 1)), {"after_days": 0}, MissingValue),
        (((1, 2), (1, 1)), {"confidence": 95}, ValueError),
        (((1, 2), (1, 1)), {"power": 1.0}, ValueError),
        (((1, 2), (1, 1)), {"buffer": BeforeAfter(1, 1)}, ValueError),
    ],
)
def test_what_makes_no_sense_is_refused(areas, options, error):
    with pytest.raises(error):
        weighted_displacement_difference(*(BeforeAfter(*a) for a in areas), **options)


@given(*[st.integers(1, 60)] * 6)
def test_the_quotient_is_the_definition(rb, ra, db, da, cb, ca):
    result = weighted_displacement_quotient(BeforeAfter(rb, ra), BeforeAfter(db, da), BeforeAfter(cb, ca))
    gain = rb * ca - ra * cb
    if gain <= 0:
        assert result.reading == "no_net_fall"
        assert math.isnan(result.wdq)
        return
    assert result.wdq == pytest.approx((da / ca - db / cb) / (ra / ca - rb / cb), abs=1e-9)
    assert result.reading == (
        "benefit_spread"
        if result.wdq > 0
        else "none"
        if result.wdq == 0
        else "part_displaced"
        if result.wdq > -1
        else "benefit_cancelled"
    )


def test_a_quotient_needs_a_comparison_with_records():
    result = weighted_displacement_quotient(BeforeAfter(9, 3), BeforeAfter(4, 4), BeforeAfter(5, 0))
    assert result.reading == "nought_counted"
    assert math.isnan(result.wdq)
    assert result.gross_effect == 6
    with pytest.raises(MissingValue):
        weighted_displacement_quotient(BeforeAfter(9, -3), BeforeAfter(4, 4), BeforeAfter(5, 1))

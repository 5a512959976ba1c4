"""Seasons against the published null distributions of Hewitt's test."""

import numpy as np
import pytest

from placewise.geo.season import find_season

#: Hewitt, Milner, Csima and Pakula 1971 (10.1136/jech.25.3.174): how often the six consecutive months with most hold
#: ranks that add up to so much (57, 56, 55), in one year without a season.
HEWITT = [
    ([7, 8, 9, 10, 11, 12, 1, 2, 3, 4, 5, 6], 0.0130),
    ([6, 8, 9, 10, 11, 12, 1, 2, 3, 4, 5, 7], 0.0253),
    ([6, 7, 9, 10, 11, 12, 1, 2, 3, 4, 5, 8], 0.0483),
]
PERMUTATIONS = 39_999


@pytest.mark.parametrize(("ranks", "published"), HEWITT)
def test_six_months_of_one_year(ranks, published):
    """Six high months leave six low ones, so that both directions are one and p is Hewitt's own."""
    found = find_season(ranks, first_month=1, lengths=(6,), detrend=False, permutations=PERMUTATIONS)
    assert found.p == pytest.approx(published, abs=4 * np.sqrt(published / PERMUTATIONS))


@pytest.mark.parametrize(("length", "ways"), [(3, 220), (4, 495), (5, 792)])
def test_the_highest_months_of_a_year_side_by_side(length, ways):
    """Rogerson 1996 (10.1093/ije/25.3.644): the highest 3, 4 or 5 of twelve are neighbours in 12 of so many ways.

    Either direction counts here: as often the lowest are neighbours, and in few years both.
    """
    ranks = list(range(1, 13))
    found = find_season(ranks, first_month=1, lengths=(length,), detrend=False, permutations=PERMUTATIONS)
    # Given the highest side by side, the lowest lie in the 12 - length others, not in a ring: that many runs.
    low_too = (12 - 2 * length + 1) / np.prod([(12 - length - k) / (length - k) for k in range(length)])
    expected = 12 / ways * (2 - low_too)
    assert found.p == pytest.approx(expected, abs=4 * np.sqrt(expected / PERMUTATIONS))

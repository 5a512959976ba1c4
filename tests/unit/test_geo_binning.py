"""Sharing points among cells: what is kept, and how close the smoothed result comes to the exact sum."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from placewise.geo.binning import LINEAR_VARIANCE, cubic_bins, linear_bins
from placewise.geo.kernels import gaussian_binned, gaussian_exact, quartic_binned, quartic_exact

SHAPE = (60, 80)


def slow_shares(u, v, weights, shape, one_axis):
    """The definition: each point gives every cell a product of one share an axis."""
    bins = np.zeros(shape)
    for px, py, w in zip(u, v, weights, strict=True):
        for row in range(shape[0]):
            for column in range(shape[1]):
                bins[row, column] += w * one_axis(px - column - 0.5) * one_axis(py - row - 0.5)
    return bins


def triangle(d):
    return max(0.0, 1 - abs(d))


def keys(d):
    """Keys's cubic with a = -1/2, as printed."""
    s = abs(d)
    if s < 1:
        return 1.5 * s**3 - 2.5 * s**2 + 1
    return -0.5 * s**3 + 2.5 * s**2 - 4 * s + 2 if s < 2 else 0.0


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32), st.booleans())
def test_bins_are_the_definition(seed, weighted):
    rng = np.random.default_rng(seed)
    u, v = 1.5 + rng.random(9) * 7, 1.5 + rng.random(9) * 4
    weights = rng.random(9) if weighted else np.ones(9)
    for bins, one_axis in ((linear_bins, triangle), (cubic_bins, keys)):
        fast = bins(u, v, weights if weighted else None, (7, 10))
        assert fast == pytest.approx(slow_shares(u, v, weights, (7, 10), one_axis), abs=1e-12)


def moments(bins):
    x, y = np.arange(bins.shape[1]) + 0.5, np.arange(bins.shape[0]) + 0.5
    along, across = bins.sum(axis=0), bins.sum(axis=1)
    total = bins.sum()
    mean_x, mean_y = along @ x / total, across @ y / total
    return total, mean_x, mean_y, along @ (x - mean_x) ** 2 / total, across @ (y - mean_y) ** 2 / total


@settings(deadline=None, max_examples=40)
@given(st.floats(2, 8), st.floats(2, 6))
def test_both_keep_mass_and_mean_place_and_cubic_keeps_the_variance_too(u, v):
    for bins in (linear_bins, cubic_bins):
        total, mean_x, mean_y, *variance = moments(bins(np.array([u]), np.array([v]), None, (9, 11)))
        assert (total, mean_x, mean_y) == pytest.approx((1, u, v), abs=1e-9)
        if bins is cubic_bins:
            assert variance == pytest.approx([0, 0], abs=1e-9)


def test_linear_sharing_adds_the_variance_that_is_taken_out_again():
    u = 3 + (np.arange(1000) + 0.5) / 1000
    spread = [moments(linear_bins(np.array([a]), np.array([3.5]), None, (8, 8)))[3] for a in u]
    assert np.mean(spread) == pytest.approx(LINEAR_VARIANCE, rel=1e-4)


def test_a_million_points_at_one_spot_are_a_million():
    u = np.full(1_000_000, 30.3)
    for bins in (linear_bins, cubic_bins):
        assert bins(u, u, None, SHAPE).sum() == pytest.approx(1e6, rel=1e-12)


def test_no_points_give_empty_bins():
    for bins in (linear_bins, cubic_bins):
        assert bins(np.empty(0), np.empty(0), None, SHAPE).tolist() == np.zeros(SHAPE).tolist()


def points(n):
    """Half anywhere on the grid and a little beyond it, half in a few clusters."""
    rng = np.random.default_rng(7)
    u, v = rng.random((2, n)) * np.array([[84], [64]]) - 2
    u[::2] = 10 + 15 * rng.integers(0, 5, u[::2].size) + rng.normal(0, 2, u[::2].size)
    v[::2] = 30 + rng.normal(0, 2, v[::2].size)
    return u, v


def relative_error(fast, exact):
    return np.sqrt(np.mean((fast - exact) ** 2)) / exact.mean()


@pytest.mark.parametrize("bandwidth", [3.0, 6.0])
def test_binned_gaussians_are_far_closer_to_the_exact_sum_than_nearest_cells(bandwidth):
    u, v = points(4000)
    exact = gaussian_exact(u, v, np.ones(u.size), SHAPE, bandwidth)
    inside = (u >= 0) & (u < 80) & (v >= 0) & (v < 60)
    counted, _, _ = np.histogram2d(v[inside], u[inside], bins=SHAPE, range=[[0, 60], [0, 80]])
    middle = (slice(15, -15), slice(15, -15))  # where leaving out the points beyond the grid does not show
    nearest = ndimage.gaussian_filter(counted, bandwidth, mode="constant", truncate=5.0)
    uncorrected = gaussian_binned(u, v, None, SHAPE, np.sqrt(bandwidth**2 + LINEAR_VARIANCE))
    linear = gaussian_binned(u, v, None, SHAPE, bandwidth)
    cubic = gaussian_binned(u, v, None, SHAPE, bandwidth, binning="cubic")
    assert relative_error(linear, exact) < 2e-3
    assert relative_error(cubic, exact) < 1e-3
    assert relative_error(nearest[middle], exact[middle]) > 10 * relative_error(linear[middle], exact[middle])
    assert relative_error(uncorrected, exact) > 3 * relative_error(linear, exact)


@pytest.mark.parametrize("bandwidth", [3.0, 6.0])
def test_binned_quartics_are_close_and_cubic_ones_closer(bandwidth):
    u, v = points(4000)
    exact = quartic_exact(u, v, np.ones(u.size), SHAPE, bandwidth)
    linear = quartic_binned(u, v, None, SHAPE, bandwidth)
    cubic = quartic_binned(u, v, None, SHAPE, bandwidth, binning="cubic")
    assert np.abs(linear - exact).max() / exact.max() < 3e-3
    assert relative_error(cubic, exact) < relative_error(linear, exact)
    assert cubic.min() >= 0

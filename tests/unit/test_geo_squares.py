"""Square cells: where a point is, who is next to whom, and windows that equal neighbour lists."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placewise.core.errors import MissingValue, NoVariation, TooFewCells, WrongCRS
from placewise.geo.density import SquareGrid
from placewise.geo.getis_ord import gi_star
from placewise.geo.squares import count_in_squares, gi_star_of_squares, square_adjacency, window_sums

GRID = SquareGrid(540000.0, 180000.0, 100.0, rows=6, columns=9)


def slow_window(values, reach):
    rows, columns = values.shape
    return [
        [
            sum(
                values[r, c]
                for r in range(max(0, i - reach), min(rows, i + reach + 1))
                for c in range(max(0, j - reach), min(columns, j + reach + 1))
            )
            for j in range(columns)
        ]
        for i in range(rows)
    ]


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.integers(0, 4))
def test_windows_add_up_what_lies_in_them(seed, reach):
    values = np.random.default_rng(seed).integers(0, 9, (5, 7)).astype(float)
    assert window_sums(values, reach=reach).tolist() == slow_window(values, reach)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.integers(1, 2), st.sampled_from(["even_spread", "shuffle", "normal"]))
def test_windows_and_neighbour_lists_give_the_same_gi_star(seed, reach, method):
    rng = np.random.default_rng(seed)
    counts, inside = rng.poisson(2, (6, 9)), rng.random((6, 9)) < 0.9
    whole = gi_star_of_squares(counts, reach=reach, method=method)
    same = gi_star(counts.ravel(), square_adjacency(GRID, reach=reach), method=method)
    assert whole.z == pytest.approx(same.z, abs=1e-12)
    assert whole.p == pytest.approx(same.p, abs=1e-12)
    masked = gi_star_of_squares(counts, reach=reach, inside=inside, method="normal")
    adjacency = square_adjacency(GRID, reach=reach, inside=inside)
    sums = [
        counts.ravel()[[i, *adjacency.indices[adjacency.indptr[i] : adjacency.indptr[i + 1]]]].sum()
        for i in np.flatnonzero(inside)
    ]
    assert masked.total.tolist() == sums


def test_missing_values_outside_the_area_do_not_reach_in():
    counts = np.arange(54.0).reshape(6, 9)
    inside = np.ones((6, 9), dtype=bool)
    inside[0] = False
    counts[0] = np.nan
    assert np.isfinite(gi_star_of_squares(counts, inside=inside, method="normal").z).all()
    with pytest.raises(MissingValue):
        gi_star_of_squares(counts)


def slow_counts(x, y, grid):
    """One point at a time."""
    counts, n_outside = np.zeros((grid.rows, grid.columns), dtype=int), 0
    for px, py in zip(x, y, strict=True):
        row, column = (
            math.floor((py - grid.y_min_m) / grid.cell_m),
            math.floor((px - grid.x_min_m) / grid.cell_m),
        )
        if 0 <= row < grid.rows and 0 <= column < grid.columns:
            counts[row, column] += 1
        else:
            n_outside += 1
    return counts, n_outside


@pytest.mark.parametrize("cell_m", [100.0, 33.3])
def test_every_point_counts_in_the_square_that_holds_it(cell_m):
    grid = SquareGrid(540000.0, 180000.0, cell_m, rows=6, columns=9)
    rng = np.random.default_rng(0)
    # More than are handled at once, within and beside the grid; then on every side of a square and just off it.
    x, y = 540000 + rng.random(3000) * 11 * cell_m - cell_m, 180000 + rng.random(3000) * 8 * cell_m - cell_m
    sides = np.array([540000 + np.arange(-1, 11) * cell_m, 180000 + np.arange(-1, 11) * cell_m])
    beside = np.concatenate([sides, np.nextafter(sides, 0), np.nextafter(sides, np.inf)], axis=1)
    corners = (a.ravel() for a in np.meshgrid(*beside))
    x, y = (np.concatenate(pair) for pair in zip((x, y), corners, strict=True))
    counts, n_outside = count_in_squares(x, y, grid=grid)
    expected, expected_outside = slow_counts(x, y, grid)
    assert counts.tolist() == expected.tolist()
    assert n_outside == expected_outside > 0


def test_points_far_away_are_outside_and_gaps_and_degrees_are_refused():
    counts, n_outside = count_in_squares([1e300, -1e300, 540000], [180000, 180000, 180000], grid=GRID)
    assert (counts.sum(), counts[0, 0], n_outside) == (1, 1, 2)
    assert count_in_squares([], [], grid=GRID)[0].tolist() == np.zeros((6, 9)).tolist()
    with pytest.raises(MissingValue, match="1 of 2"):
        count_in_squares([540000.0, np.nan], [180000.0, 180000.0], grid=GRID)
    with pytest.raises(WrongCRS):
        count_in_squares([0.1], [51.5], grid=GRID)


def test_a_corner_has_three_neighbours_and_the_middle_eight():
    degree = square_adjacency(GRID).degree.reshape(6, 9)
    assert (degree[0, 0], degree[0, 4], degree[3, 4]) == (3, 5, 8)
    assert square_adjacency(GRID, reach=2).degree.reshape(6, 9)[3, 4] == 24


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(NoVariation):
        gi_star_of_squares(np.zeros((4, 4)))
    with pytest.raises(TooFewCells):
        gi_star_of_squares([[1, 2]])
    with pytest.raises(ValueError, match="rows and columns"):
        gi_star_of_squares([1, 2, 3])
    with pytest.raises(ValueError, match="reach"):
        window_sums(np.ones((3, 3)), reach=-1)
    with pytest.raises(ValueError, match="inside has shape"):
        square_adjacency(GRID, inside=np.ones((2, 2), dtype=bool))

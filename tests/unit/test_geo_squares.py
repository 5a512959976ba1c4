"""Square cells: where a point is, who is next to whom, and windows that equal neighbour lists."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placewise.core.errors import MissingValue, NoVariation, TooFewCells, WrongCRS
from placewise.geo.density import SquareGrid
from placewise.geo.getis_ord import gi_star
from placewise.geo.squares import gi_star_of_squares, locate_in_squares, square_adjacency, window_sums

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


def test_every_point_has_the_cell_whose_square_holds_it():
    rng = np.random.default_rng(0)
    x, y = 540000 + rng.random(500) * 1000 - 50, 180000 + rng.random(500) * 700 - 50
    cell = locate_in_squares(x, y, grid=GRID)
    for px, py, where in zip(x, y, cell.tolist(), strict=True):
        on_grid = 540000 <= px < 540900 and 180000 <= py < 180600
        expected = int((py - 180000) // 100) * 9 + int((px - 540000) // 100) if on_grid else -1
        assert where == expected
    assert locate_in_squares([1e300, -1e300], [180000.0, 180000.0], grid=GRID).tolist() == [-1, -1]
    assert locate_in_squares([], [], grid=GRID).tolist() == []
    # More than are handled at once, the last part shorter than the others.
    many = locate_in_squares(np.tile(x, 140), np.tile(y, 140), grid=GRID)
    assert many.tolist() == np.tile(cell, 140).tolist()
    with pytest.raises(WrongCRS):
        locate_in_squares([0.1], [51.5], grid=GRID)


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

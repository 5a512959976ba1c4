"""Incidents and children by cell, against dictionaries and sets."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placewise.core.errors import MissingValue
from placewise.geo.adjacency import adjacency_from_pairs, neighbourhood_sums
from placewise.geo.counts import (
    children_per_cell,
    group_numbers,
    incidents_per_cell,
    independent_reports_around,
    independent_reports_once,
    independent_reports_per_cell,
    weight_per_cell,
)

N_CELLS = 6
ROWS = st.lists(st.tuples(st.integers(-1, N_CELLS - 1), st.integers(-1, 4)), max_size=40)
RING = adjacency_from_pairs(
    [i for i in range(N_CELLS) for _ in range(2)],
    [(i + d) % N_CELLS for i in range(N_CELLS) for d in (-1, 1)],
    n_cells=N_CELLS,
)


def columns(rows):
    return [c for c, _ in rows], [k for _, k in rows]


def as_integers(values):
    return np.array(values, dtype=np.int64)


@settings(deadline=None)
@given(ROWS)
def test_counts_agree_with_counting_one_by_one(rows):
    cell, child = map(as_integers, columns(rows))
    assert incidents_per_cell(cell, n_cells=N_CELLS).tolist() == [
        sum(c == i for c, _ in rows) for i in range(N_CELLS)
    ]
    assert children_per_cell(cell, child, n_cells=N_CELLS).tolist() == [
        len({k for c, k in rows if c == i and k != -1}) for i in range(N_CELLS)
    ]
    assert independent_reports_per_cell(cell, child, n_cells=N_CELLS).tolist() == [
        len({k for c, k in rows if c == i and k != -1}) + sum(c == i and k == -1 for c, k in rows)
        for i in range(N_CELLS)
    ]


@settings(deadline=None)
@given(ROWS)
def test_reports_around_a_cell_count_each_child_once_in_the_neighbourhood(rows):
    cell, child = map(as_integers, columns(rows))
    expected = []
    for i in range(N_CELLS):
        near = [(c, k) for c, k in rows if c in {i, (i - 1) % N_CELLS, (i + 1) % N_CELLS}]
        expected.append(len({k for _, k in near if k != -1}) + sum(k == -1 for _, k in near))
    around = independent_reports_around(cell, child, RING)
    assert around.tolist() == expected
    per_cell = independent_reports_per_cell(cell, child, n_cells=N_CELLS)
    assert (around <= neighbourhood_sums(per_cell.astype(float), RING)).all()


@settings(deadline=None)
@given(ROWS, st.integers(0, 99))
def test_each_child_counts_once_in_the_whole_area_at_a_record_of_its_own(rows, seed):
    cell, child = map(as_integers, columns(rows))
    once = independent_reports_once(cell, child, n_cells=N_CELLS, seed=seed)
    inside = [(c, k) for c, k in rows if c != -1]
    assert once.sum() == len({k for _, k in inside if k != -1}) + sum(k == -1 for _, k in inside)
    per_cell = independent_reports_per_cell(cell, child, n_cells=N_CELLS)
    unnamed = [sum(row == (i, -1) for row in rows) for i in range(N_CELLS)]
    assert (once <= per_cell).all()
    assert (once >= unnamed).all()


def test_which_record_of_a_child_counts_is_drawn_by_lot():
    cell, child = np.tile([0, 1, 1, 1], 4000), np.repeat(np.arange(4000), 4)
    once = independent_reports_once(cell, child, n_cells=2, seed=3)
    assert once[0] / 4000 == pytest.approx(0.25, abs=0.03)
    assert once.tolist() == independent_reports_once(cell, child, n_cells=2, seed=3).tolist()
    assert once.tolist() != independent_reports_once(cell, child, n_cells=2, seed=4).tolist()


@given(st.lists(st.integers(-2, 4), max_size=30))
def test_records_have_one_group_number_when_they_are_one_childs(children):
    groups = group_numbers(as_integers(children), len(children)).tolist()
    for i, one in enumerate(children):
        for j, other in enumerate(children):
            assert (groups[i] == groups[j]) == (i == j or (one == other and one >= 0))
    assert set(groups) == set(range(len(set(groups))))


@pytest.mark.parametrize(("child", "error"), [([1.5, 2.0], MissingValue), ([1], ValueError)])
def test_a_child_is_a_whole_number_a_record(child, error):
    with pytest.raises(error, match="child"):
        group_numbers(child, 2)


@settings(deadline=None)
@given(ROWS)
def test_nothing_is_lost_but_what_lies_outside(rows):
    cell = as_integers(columns(rows)[0])
    inside = sum(c >= 0 for c, _ in rows)
    assert incidents_per_cell(cell, n_cells=N_CELLS).sum() == inside
    assert weight_per_cell(cell, np.ones(cell.size), n_cells=N_CELLS).sum() == inside


def test_child_numbers_far_apart_are_told_apart():
    far = np.array([0, 2**62, 0, 2**62, 5])
    assert children_per_cell([0, 0, 1, 0, 1], far, n_cells=2).tolist() == [2, 2]


def test_inputs_are_not_modified():
    cell, child = np.array([0, 1, -1]), np.array([3, -1, 3])
    before = cell.copy(), child.copy()
    independent_reports_per_cell(cell, child, n_cells=2)
    assert (cell == before[0]).all()
    assert (child == before[1]).all()


@pytest.mark.parametrize("cell", [[-2], [6]])
def test_positions_outside_the_grid_are_refused(cell):
    with pytest.raises(IndexError):
        incidents_per_cell(cell, n_cells=N_CELLS)


def test_missing_positions_are_refused():
    with pytest.raises(MissingValue, match="-1"):
        incidents_per_cell([0.0, np.nan], n_cells=N_CELLS)


def test_missing_weights_are_refused():
    with pytest.raises(MissingValue, match="1 of 2 weights"):
        weight_per_cell([0, 1], [1.0, np.nan], n_cells=N_CELLS)


def test_columns_of_different_length_are_refused():
    with pytest.raises(ValueError, match="2 cells for 1"):
        children_per_cell([0, 1], [3], n_cells=N_CELLS)
    with pytest.raises(ValueError, match="1 weights for 2"):
        weight_per_cell([0, 1], [3.0], n_cells=N_CELLS)


def test_no_records_give_noughts():
    assert incidents_per_cell([], n_cells=3).tolist() == [0, 0, 0]
    assert children_per_cell([], [], n_cells=3).tolist() == [0, 0, 0]

"""Space–time cubes: records over cells and windows against plain loops; what is unknown and what is lost."""

from bisect import bisect_right
from itertools import pairwise

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from placewise.core.errors import MissingValue, WrongCRS
from placewise.geo.getis_ord_steps import sums_around
from placewise.geo.hexgrid import hex_grid
from placewise.geo.space_time_cube import TimeSteps, daily_steps, monthly_steps, space_time_cube
from placewise.geo.square_cells import square_cells

AREA = gpd.GeoSeries([shapely.box(540000, 180000, 542000, 182000)], crs="EPSG:27700")
GRID = hex_grid(AREA, cell_width_m=700)
HOUR = 3_600_000_000_000
STEPS = daily_steps("2026-01-01", "2026-01-06", days=1, window_steps=2)  # five windows of two days
OPENS = int(STEPS.edges_ns[0])


def slow_cube(cell, begins, ends, steps, child, known):
    """One record, window and child at a time."""
    shape = (steps.n_windows, GRID.n_cells)
    counts, totals, lost = np.zeros(shape), np.zeros(shape), 0.0
    nowhere, nowhere_around = {}, {}
    for i, where in enumerate(cell):
        for window in range(steps.n_windows):
            low, high = int(steps.starts_ns[window]), int(steps.ends_ns[window])
            if begins[i] == ends[i]:
                weight = float(low <= begins[i] < high)
            else:
                weight = max(0, min(high, ends[i]) - max(low, begins[i])) / (ends[i] - begins[i])
            if where < 0 or not weight:
                continue
            if not known[window, where]:
                lost += weight
                continue
            near = (where, *GRID.adjacency.indices[slice(*GRID.adjacency.indptr[where : where + 2])])
            if child[i] < 0:
                counts[window, where] += weight
                totals[window, list(near)] += weight
                continue
            for at, store in [(where, nowhere), *((j, nowhere_around) for j in near)]:
                key = (window, int(at), child[i])
                store[key] = store.get(key, 1.0) * (1 - weight)
    for (window, at, _), chance in nowhere.items():
        counts[window, at] += 1 - chance
    for (window, at, _), chance in nowhere_around.items():
        totals[window, at] += 1 - chance
    return counts, totals, lost


RECORD = st.tuples(
    st.integers(539_500, 542_500), st.integers(179_500, 182_500), st.integers(-30, 170), st.integers(0, 80),
    st.integers(-1, 2),
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(RECORD, min_size=1, max_size=12), st.lists(st.booleans(), min_size=6, max_size=6))
def test_the_cube_is_its_definition_in_loops(records, received):
    x, y, start, length, child = (np.array(column) for column in zip(*records, strict=True))
    begins, ends = OPENS + start * HOUR, OPENS + (start + length) * HOUR
    times = pd.DatetimeIndex(begins, tz="UTC"), pd.DatetimeIndex(ends, tz="UTC")
    cube = space_time_cube(x, y, *times, grid=GRID, steps=STEPS, child=child, received=received)
    seen = np.array(received)[:-1] & np.array(received)[1:]
    known = np.repeat(seen[:, None], GRID.n_cells, axis=1)
    counts, totals, lost = slow_cube(GRID.locate(x, y), begins, ends, STEPS, child, known)
    np.testing.assert_array_equal(cube.known, known)
    assert cube.counts == pytest.approx(counts, abs=1e-12)
    assert cube.totals == pytest.approx(totals, abs=1e-12)
    assert cube.weight_not_known == pytest.approx(lost)
    assert cube.n + cube.n_outside + cube.n_out_of_period == len(records)
    alone = space_time_cube(x, y, *times, grid=GRID, steps=STEPS, received=received)
    nobody = slow_cube(GRID.locate(x, y), begins, ends, STEPS, np.full(child.size, -1), known)[0]
    assert alone.counts == pytest.approx(nobody, abs=1e-12)
    assert np.all(cube.totals <= sums_around(cube.counts, GRID.adjacency) + 1e-9)


def at(*times):
    return pd.DatetimeIndex(times)


MONTHS = monthly_steps("2026-01", "2026-12")


def one_place(times, until=None, **how):
    middle = np.full(len(times), 541_000.0), np.full(len(times), 181_000.0)
    return space_time_cube(*middle, times, until, grid=GRID, steps=MONTHS, **how)


def test_midnight_of_the_london_calendar_divides_months():
    utc = pd.DatetimeIndex(["2026-06-30 22:59", "2026-06-30 23:00"], tz="UTC")  # 23:59 and 00:00 in summer
    assert one_place(utc).counts.sum(axis=1)[5:7].tolist() == [1, 1]


HOURS = monthly_steps("2026-01", "2026-12").edges_ns
ODD = HOURS + np.arange(HOURS.size)
CROWDED = np.sort(np.concatenate([HOURS[[0, 1, -1]], HOURS[5] + np.arange(40)]))  # a step a nanosecond


@pytest.mark.parametrize("edges", [HOURS, ODD, CROWDED])
def test_times_on_and_beside_every_edge_are_in_the_right_step(edges):
    steps = TimeSteps(edges)
    beside = np.sort(np.concatenate([edges + shift for shift in (-HOUR, -1, 0, 1, HOUR)]))
    x, y = np.full(beside.size, 541000.0), np.full(beside.size, 181000.0)
    cube = space_time_cube(x, y, pd.DatetimeIndex(beside, tz="UTC"), grid=GRID, steps=steps)
    inside = beside[(beside >= edges[0]) & (beside < edges[-1])]
    expected = [np.count_nonzero((inside >= a) & (inside < b)) for a, b in pairwise(edges)]
    assert cube.counts.sum(axis=1).tolist() == expected
    assert cube.n_out_of_period == beside.size - inside.size


@pytest.mark.parametrize("grid", [hex_grid(AREA, cell_width_m=93.7), square_cells(AREA, cell_width_m=93.7)])
def test_instants_are_counted_in_one_go_in_the_cells_and_steps_that_each_is_in(grid):
    rng = np.random.default_rng(1)
    # Anywhere, far away, and on every corner of a cell, half way to the next, and the least bit beside them.
    corners = shapely.get_coordinates(grid.polygons())
    middles = (corners[:-1] + corners[1:]) / 2
    sides = np.concatenate([corners, middles])
    anywhere = np.column_stack([rng.uniform(539_800, 542_200, 5000), rng.uniform(179_800, 182_200, 5000)])
    beside = [np.nextafter(sides, 0), np.nextafter(sides, np.inf)]
    x, y = np.concatenate([anywhere, np.full((1, 2), 1e300), sides, *beside]).T
    opens, closes = int(MONTHS.edges_ns[0]), int(MONTHS.edges_ns[-1])
    times = rng.integers(opens - 99 * HOUR, closes + 99 * HOUR, x.size)
    edges, received = MONTHS.edges_ns.tolist(), rng.random((12, grid.n_cells)) < 0.9
    how = {"grid": grid, "steps": MONTHS, "received": received}
    cube = space_time_cube(x, y, pd.DatetimeIndex(times, tz="UTC"), **how)
    expected, n_outside, n_out_of_period, lost = np.zeros((12, grid.n_cells)), 0, 0, 0
    for cell, when in zip(grid.locate(x, y).tolist(), times.tolist(), strict=True):
        if cell < 0:
            n_outside += 1
        elif not opens <= when < closes:
            n_out_of_period += 1
        elif not received[(step := bisect_right(edges, when) - 1), cell]:
            lost += 1
        else:
            expected[step, cell] += 1
    assert cube.counts.tolist() == expected.tolist()
    assert (cube.n_outside, cube.n_out_of_period, cube.weight_not_known) == (n_outside, n_out_of_period, lost)
    assert (cube.n, cube.totals) == (x.size - n_outside - n_out_of_period, None)
    assert min(n_outside, n_out_of_period, lost, int(expected.sum())) > 0


def test_an_interval_is_shared_by_time_and_what_lies_outside_the_period_is_left_out():
    cube = one_place(at("2026-01-22", "2025-12-22"), at("2026-02-11", "2026-01-11"))
    assert cube.counts.sum(axis=1)[:2] == pytest.approx([0.5 + 0.5, 0.5])
    assert (cube.n, cube.n_out_of_period) == (2, 0)


def test_the_repeats_of_one_child_count_once_a_month():
    cube = one_place(at(*["2026-03-05"] * 9, "2026-04-01"), child=np.array([7] * 10))
    assert cube.counts.sum(axis=1)[2:4].tolist() == [1, 1]
    assert cube.totals.max() == 1


def test_a_child_whose_two_records_may_each_be_in_a_month_is_there_by_the_chance_of_either():
    cube = one_place(at("2026-03-22", "2026-03-22"), at("2026-04-11", "2026-04-11"), child=np.array([7, 7]))
    assert cube.counts.sum(axis=1)[3] == pytest.approx(1 - (1 - 10 / 20) ** 2, abs=0.01)


def test_windows_with_a_silent_step_are_not_known_and_hold_nothing():
    times = at("2026-02-10", "2026-03-10")
    sliding = monthly_steps("2026-01", "2026-12", window_steps=3)
    received = np.arange(12) != 2
    place = np.full(2, 541_000.0), np.full(2, 181_000.0)
    cube = space_time_cube(*place, times, grid=GRID, steps=sliding, received=received)
    assert cube.known.all(axis=1).tolist() == [False] * 3 + [True] * 7
    assert cube.counts.sum() == 0


def test_reports_may_be_missing_in_some_cells_only():
    received = np.ones((12, GRID.n_cells), dtype=bool)
    here = int(GRID.locate([541_000.0], [181_000.0])[0])
    received[2, here] = False
    cube = one_place(at("2026-03-05", "2026-04-05"), received=received)
    assert (cube.counts.sum(), cube.weight_not_known) == (1, 1)
    assert np.argwhere(~cube.known).tolist() == [[2, here]]


def test_no_records_make_an_empty_cube():
    cube = one_place(at())
    assert (cube.counts.shape, cube.counts.sum(), cube.n) == ((12, GRID.n_cells), 0, 0)
    assert one_place(at(), child=np.array([], dtype=int)).totals.sum() == 0


def test_a_million_records_at_one_spot():
    times = pd.DatetimeIndex(np.full(1_000_000, np.datetime64("2026-05-01T12:00")))
    assert one_place(times).counts.max() == 1_000_000


def test_steps_of_days_end_with_the_last_day_and_clock_changes_are_no_matter():
    steps = daily_steps("2026-03-01", "2026-04-05", days=7)  # the clock goes forward on 29 March
    assert steps.n_windows == 5
    assert steps.label(4) == "30 March 2026 to 5 April 2026"
    assert np.diff(steps.edges_ns // HOUR).tolist() == [168, 168, 168, 167, 168]


def test_refusals():
    with pytest.raises(WrongCRS):
        space_time_cube([-0.1], [51.5], at("2026-03-05"), grid=GRID, steps=MONTHS)
    with pytest.raises(MissingValue, match="1 of 2"):
        space_time_cube(
            [np.nan, 541_000], [1, 181_000], at("2026-03-05", "2026-03-05"), grid=GRID, steps=MONTHS
        )
    with pytest.raises(MissingValue, match="no start"):
        one_place(at("2026-03-05", None))
    with pytest.raises(MissingValue, match="end before"):
        one_place(at("2026-03-05"), at("2026-03-04"))
    with pytest.raises(MissingValue, match="whole number"):
        one_place(at("2026-03-05"), child=np.array([1.5]))
    with pytest.raises(ValueError, match="received"):
        one_place(at("2026-03-05"), received=[True])
    with pytest.raises(ValueError, match="window"):
        monthly_steps("2026-01", "2026-03", window_steps=4)
    with pytest.raises(ValueError, match="before"):
        monthly_steps("2026-03", "2026-01")
    with pytest.raises(ValueError, match="no step"):
        daily_steps("2026-01-01", "2026-01-05", days=7)

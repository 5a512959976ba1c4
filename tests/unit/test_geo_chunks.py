"""Long work in pieces: the same bits however it is cut and whoever makes it; a stop leaves nothing running."""

from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import closing
from dataclasses import astuple
from functools import partial

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from placewise.core.errors import CalculationStopped
from placewise.geo.backtest import backtest
from placewise.geo.chunks import IN_FLIGHT, blocks, pieces, replicate_generator, stacked, summed
from placewise.geo.density import SquareGrid
from placewise.geo.hexgrid import hex_grid
from placewise.geo.jacquez import jacquez_test
from placewise.geo.local_g import local_g
from placewise.geo.local_moran import local_moran
from placewise.geo.near_pairs import near_pairs, permuted_counts
from placewise.geo.near_repeat import knox_test, near_repeat_table
from placewise.geo.redraws import redraw_categories
from placewise.geo.repeat_rates import location_quotients_by_child
from placewise.geo.scan import plan_scan, scan
from placewise.geo.scan_models import permutation_model
from placewise.geo.space_time_cube import monthly_steps
from placewise.geo.squares import square_adjacency


class Backwards(Executor):
    """Keeps what it is given, and makes the last first when a result is asked for."""

    def __init__(self):
        self.asked = []
        self.most_waiting = 0

    def submit(self, fn, /, *args, **kwargs):
        future = _Lazy(self, partial(fn, *args, **kwargs))
        self.asked.append(future)
        self.most_waiting = max(self.most_waiting, sum(not one.done() for one in self.asked))
        return future


class _Lazy(Future):
    def __init__(self, executor, work):
        super().__init__()
        self.executor, self.work = executor, work

    def result(self, timeout=None):
        for future in reversed(self.executor.asked):
            if not future.done():
                future.set_result(future.work())
        return super().result(timeout)


class Watched(Executor):
    """Hands everything to another executor and remembers what became of it."""

    def __init__(self, executor):
        self.executor, self.asked = executor, []

    def submit(self, fn, /, *args, **kwargs):
        self.asked.append(self.executor.submit(fn, *args, **kwargs))
        return self.asked[-1]


@pytest.fixture(scope="module")
def pool():
    with ProcessPoolExecutor(2) as executor:
        yield executor


def draws(first, count):
    return np.array([replicate_generator(3, number).random() for number in range(first, first + count)])


@given(st.integers(1, 50), st.integers(1, 60), st.booleans())
def test_neither_the_cut_nor_the_executor_changes_a_bit(total, size, elsewhere):
    executor = Backwards() if elsewhere else None
    assert stacked(draws, total, size=size, executor=executor).tolist() == draws(0, total).tolist()


@given(st.integers(1, 50), st.integers(1, 60), st.booleans())
def test_pieces_of_one_shape_add_up(total, size, elsewhere):
    def tally(first, count):
        return np.bincount(np.arange(first, first + count) % 3, minlength=3)

    executor = Backwards() if elsewhere else None
    assert summed(tally, total, size=size, executor=executor).tolist() == tally(0, total).tolist()


def test_a_replicate_has_the_numbers_of_its_place_in_the_spawned_sequence():
    spawned = np.random.SeedSequence(17).spawn(4)[3]
    expected = np.random.Generator(np.random.SFC64(spawned)).random(5)
    assert replicate_generator(17, 3).random(5).tolist() == expected.tolist()
    assert replicate_generator(17, 2).random() != replicate_generator(17, 3).random()


@given(st.integers(0, 5), st.integers(1, 70), st.integers(1, 9))
def test_blocks_are_the_same_in_every_piece_that_begins_with_one(start, count, size):
    first = start * size
    cut = list(blocks(first, count, size))
    assert [number for number, _ in cut] == list(range(start, start + len(cut)))
    assert sum(many for _, many in cut) == count
    assert all(many == size for _, many in cut[:-1])


def test_only_so_many_pieces_wait_at_once():
    executor = Backwards()
    stacked(draws, 5 * IN_FLIGHT, size=1, executor=executor)
    assert executor.most_waiting == IN_FLIGHT


@pytest.mark.parametrize("make", [lambda: None, Backwards])
def test_progress_is_told_and_false_stops(make):
    seen, executor = [], make()

    def go_on(done, total):
        seen.append((done, total))
        return done < 6

    with pytest.raises(CalculationStopped):
        stacked(draws, 100, size=3, executor=executor, on_progress=go_on)
    assert seen == [(3, 100), (6, 100)]


def test_whoever_has_enough_cancels_the_rest():
    class Never(Executor):
        def __init__(self):
            self.asked = []

        def submit(self, fn, /, *args, **kwargs):
            self.asked.append(Future())
            if len(self.asked) <= 2:
                self.asked[-1].set_result(fn(*args, **kwargs))
            return self.asked[-1]

    executor = Never()
    with closing(pieces(draws, 30, size=2, executor=executor)) as made:
        next(made)
        next(made)
    assert len(executor.asked) == 15
    assert all(future.cancelled() for future in executor.asked[2:])


def test_a_failure_is_passed_on_and_cancels_the_rest():
    def fails(first, count):
        raise ZeroDivisionError

    executor = Watched(Backwards())
    with pytest.raises(ZeroDivisionError):
        stacked(fails, 30, size=2, executor=executor)
    assert all(future.cancelled() for future in executor.asked)


@pytest.mark.parametrize(("total", "size"), [(0, 1), (1, 0)])
def test_there_is_at_least_one_replicate(total, size):
    with pytest.raises(ValueError, match="1 or more"):
        stacked(draws, total, size=size)


RNG = np.random.default_rng(6)
X, Y, T = RNG.uniform(540_000, 543_000, 200), RNG.uniform(180_000, 183_000, 200), RNG.integers(0, 300, 200)
CELL = ((X - 540_000) // 500).astype(int)
COUNTS, LATTICE = RNG.poisson(2, 144), square_adjacency(SquareGrid(540_000.0, 180_000.0, 100.0, 12, 12))
PLAN = plan_scan(
    permutation_model(RNG.integers(0, 20, 200), T // 30, n_locations=20, n_steps=10), X[:20], Y[:20], seed=4
)


def redraws_of_records(**how):
    area = gpd.GeoSeries([shapely.box(540_000, 180_000, 543_000, 183_000)], crs="EPSG:27700")
    grid, steps = hex_grid(area, cell_width_m=500), monthly_steps("2025-01", "2025-12")
    start = pd.DatetimeIndex(pd.Timestamp("2025-01-01") + pd.to_timedelta(T, unit="D"))
    return redraw_categories(
        X, Y, start, accuracy_m=300.0, grid=grid, steps=steps, seed=2, n_redraws=40, **how
    )


ROUTINES = {
    "scan": lambda **how: scan(PLAN, stop_after=None, max_clusters=3, **how),
    "scan, stopped early": lambda **how: scan(PLAN, stop_after=20, **how),
    "near repeats": lambda **how: near_repeat_table(X, Y, T, seed=2, permutations=130, **how),
    "knox": lambda **how: knox_test(X, Y, T, within_m=200, within_days=9, seed=2, permutations=130, **how),
    "jacquez": lambda **how: jacquez_test(X, Y, T, k=3, seed=2, permutations=130, **how),
    "local g": lambda **how: local_g(COUNTS, LATTICE, seed=2, n_permutations=4500, **how),
    "local moran": lambda **how: local_moran(COUNTS, LATTICE, seed=2, n_permutations=4500, **how),
    "redraws": redraws_of_records,
    "back-test": lambda **how: backtest(
        CELL,
        T,
        size=np.ones(6),
        cutoffs_days=[100, 200],
        window_days=60,
        prior_days=60,
        predict=lambda before, cutoff: np.bincount(CELL[before], minlength=6) + np.arange(6),
        seed=2,
        **how,
    ),
    "location quotients": lambda **how: location_quotients_by_child(
        CELL, T // 3, np.arange(1, 7), background_is="all", seed=2, smallest=1, **how
    ),
}


@pytest.mark.parametrize("name", ROUTINES)
def test_two_processes_give_what_one_does_bit_for_bit(name, pool):
    here, told = ROUTINES[name](), []
    for executor in (Backwards(), Watched(pool)):
        there = ROUTINES[name](executor=executor, on_progress=lambda *at: told.append(at) is None)
        np.testing.assert_equal(astuple(there), astuple(here))
        assert len(executor.asked) > 1
    done = [done for done, _ in told]
    half = len(told) // 2
    assert done[:half] == done[half:] == sorted(set(done))


def test_early_stopping_is_early_elsewhere_too(pool):
    result = ROUTINES["scan, stopped early"](executor=pool)
    assert result.stopped_early
    assert result.replicates.size < 999


@pytest.mark.parametrize("name", ROUTINES)
def test_a_person_can_stop_it_wherever_it_runs(name, pool):
    for executor in (None, pool):
        with pytest.raises(CalculationStopped):
            ROUTINES[name](executor=executor, on_progress=lambda done, total: False)


def test_after_a_stop_nothing_is_left_running(pool):
    executor = Watched(pool)
    pairs = near_pairs(X, Y, T, space_edges_m=(0, 3000), time_edges_days=(0, 8))
    with pytest.raises(CalculationStopped):
        stacked(
            partial(permuted_counts, pairs, seed=1),
            10_000,
            size=100,
            executor=executor,
            on_progress=lambda done, total: done < 200,
        )
    assert len(executor.asked) < 2 + 2 * IN_FLIGHT
    assert all(future.done() for future in executor.asked)
    assert any(future.cancelled() for future in executor.asked)
    assert pool.submit(abs, -1).result() == 1

"""Local Moran's I, Gi without the star and their shuffle, against loops and full enumeration."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placewise.core.errors import CalculationStopped, MissingValue, NoVariation, TooFewCells
from placewise.geo.adjacency import adjacency_from_pairs
from placewise.geo.chunks import replicate_generator
from placewise.geo.conditional import Exceedances, count_exceedances, permutation_exceedances, tail_of
from placewise.geo.counts import independent_reports_once, independent_reports_per_cell
from placewise.geo.density import SquareGrid
from placewise.geo.local_g import global_g, local_g
from placewise.geo.local_moran import local_moran
from placewise.geo.multiplicity import benjamini_hochberg, castro_singer_cut_off
from placewise.geo.squares import square_adjacency

GRID = SquareGrid(540000.0, 180000.0, 100.0, rows=12, columns=12)
QUEEN = square_adjacency(GRID)
MIDDLE = 6 * 12 + 6


def near(adjacency, i):
    return adjacency.indices[adjacency.indptr[i] : adjacency.indptr[i + 1]].tolist()


def random_adjacency(rng, n):
    pairs = rng.integers(0, n, (2, 2 * n))
    return adjacency_from_pairs(np.concatenate(pairs), np.concatenate(pairs[::-1]), n_cells=n)


def slow_moran(values, adjacency):
    """The definition, cell by cell."""
    n, mean = len(values), sum(values) / len(values)
    z = [v - mean for v in values]
    scores = []
    for i in range(n):
        around = near(adjacency, i)
        lag = sum(z[j] for j in around) / len(around) if around else float("nan")
        scores.append((n - 1) * z[i] * lag / sum(d * d for d in z))
    return scores


def slow_gi(values, adjacency):
    """The definition: the mean and deviation of the others, cell by cell."""
    n, scores = len(values), []
    for i in range(n):
        others = [values[j] for j in range(n) if j != i]
        mean = sum(others) / (n - 1)
        variance = sum((v - mean) ** 2 for v in others) / (n - 1)
        around = near(adjacency, i)
        k = len(around)
        spread = (variance * k * (n - 1 - k) / (n - 2)) ** 0.5
        scores.append((sum(values[j] for j in around) - k * mean) / spread if spread > 1e-9 else 0.0)
    return scores


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32))
def test_both_statistics_are_their_definitions(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(5, 20))
    values, adjacency = rng.poisson(3, n) + rng.integers(0, 2) * rng.random(n), random_adjacency(rng, n)
    if values.min() == values.max():
        return
    moran = local_moran(values, adjacency, seed=1, n_permutations=9)
    assert moran.i == pytest.approx(slow_moran(values, adjacency), abs=1e-9, nan_ok=True)
    assert local_g(values, adjacency, seed=1, n_permutations=0).z == pytest.approx(
        slow_gi(values, adjacency), abs=1e-7
    )


def exact_tails(values, adjacency, i, statistic):
    """Every way of dealing the other cells' values, one by one."""
    others = [values[j] for j in range(len(values)) if j != i]
    seen = statistic(values, adjacency)[i]
    more = less = deals = 0
    for deal in permutations(others):
        dealt = [*deal[:i], values[i], *deal[i:]]
        here = statistic(dealt, adjacency)[i]
        more += here >= seen - 1e-12
        less += here <= seen + 1e-12
        deals += 1
    return more / deals, less / deals


@pytest.mark.parametrize("statistic", ["moran", "gi"])
def test_the_shuffle_estimates_the_share_of_all_deals_in_either_direction(statistic):
    values = np.array([0.0, 1, 1, 4, 2, 7, 0])
    rng = np.random.default_rng(3)
    adjacency = random_adjacency(rng, 7)
    run, slow = (local_moran, slow_moran) if statistic == "moran" else (local_g, slow_gi)
    repetitions = 40_000
    for side, alternative in enumerate(("greater", "less")):
        p = run(values, adjacency, seed=2, alternative=alternative, n_permutations=repetitions).p
        for i in (0, 3, 4, 5):
            exact = exact_tails(values.tolist(), adjacency, i, slow)[side]
            assert p[i] == pytest.approx(exact, abs=4.5 * (exact * (1 - exact) / repetitions) ** 0.5 + 1e-4)


def slow_exceedances(values, total, size, dealt_values):
    """For given ordered samples of cells: leave the cell itself out, then take the first few."""
    more, less = np.zeros(len(values), int), np.zeros(len(values), int)
    for deal in dealt_values:
        for i in range(len(values)):
            here = sum([values[j] for j in deal if j != i][: size[i]])
            more[i] += here >= total[i]
            less[i] += here <= total[i]
    return more, less


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.integers(4, 60))
def test_one_deal_for_all_cells_equals_leaving_each_cell_out_of_it(seed, n):
    rng = np.random.default_rng(seed)
    values = rng.poisson(2, n).astype(float)
    size = rng.integers(0, min(n, 7), n)
    total = rng.integers(0, 12, n).astype(float)
    at_least, at_most = count_exceedances(values, total, size, 500, 30, seed=seed)
    # The same stream, dealt again by the same rule.
    from placewise.geo import conditional

    most = int(size.max(initial=0))
    dealt = conditional._ordered_samples(replicate_generator(seed, 2), n, min(most + 1, n), 30)
    more, less = slow_exceedances(values, total, size, dealt.tolist())
    assert at_least.tolist() == more.tolist()
    assert at_most.tolist() == less.tolist()


def test_samples_are_ordered_without_repeats_and_every_cell_is_as_likely():
    from placewise.geo import conditional

    for n, size in ((200, 4), (20, 8)):  # dealt by drawing again, and by sorting
        dealt = conditional._ordered_samples(np.random.default_rng(1), n, size, 20_000)
        assert all(len(set(row)) == size for row in dealt[:500].tolist())
        expected = 20_000 / n
        for place in range(size):
            seen = np.bincount(dealt[:, place], minlength=n)
            assert np.abs(seen - expected).max() < 5 * expected**0.5


def test_chunks_dealt_apart_in_any_order_add_up_to_the_whole():
    rng = np.random.default_rng(0)
    values = rng.poisson(3, QUEEN.n_cells).astype(float)
    total, size = values[::-1] * 8, QUEEN.degree
    whole = permutation_exceedances(values, total, size, n_permutations=620, seed=9)
    parts = [
        count_exceedances(values, total, size, first, count, seed=9)
        for first, count in ((500, 120), (0, 500))
    ]
    assert (sum(parts) == np.stack(whole)).all()


def test_a_million_ties_count_as_ties():
    values = np.zeros(1_000_000)
    values[0] = 1.0
    at_least, _ = count_exceedances(values, np.zeros(10**6), np.full(10**6, 4), 0, 20, seed=1)
    assert (at_least == 20).all()


def test_two_sided_is_twice_the_smaller_tail_and_never_one_tail_chosen_afterwards():
    found = Exceedances(np.array([0, 500, 999]), np.array([999, 520, 3]))
    p = {
        side: tail_of(found, alternative=side, n_permutations=999)
        for side in ("greater", "less", "two_sided")
    }
    assert p["two_sided"].tolist() == [0.002, 1.0, 0.008]
    assert p["greater"].tolist() == [0.001, 0.501, 1.0]
    with pytest.raises(ValueError, match="alternative is"):
        tail_of(found, alternative="either", n_permutations=999)


def patch(level=30):
    counts = np.random.default_rng(4).poisson(2, QUEEN.n_cells)
    counts[[MIDDLE, *near(QUEEN, MIDDLE)]] += level
    return counts


def test_a_patch_is_found_as_high_among_high_and_a_lone_cell_as_high_among_low():
    result = local_moran(patch(), QUEEN, seed=1, n_permutations=4999)
    assert result.significant("high_high")[MIDDLE]
    assert set(np.flatnonzero(result.significant("high_high"))) <= {
        j for i in [MIDDLE, *near(QUEEN, MIDDLE)] for j in [i, *near(QUEEN, i)]
    }
    lone = np.random.default_rng(4).poisson(9, QUEEN.n_cells)
    lone[MIDDLE] = 60
    lone[near(QUEEN, MIDDLE)] = 1
    unlike = local_moran(lone, QUEEN, seed=1, alternative="less", n_permutations=9999)
    assert unlike.significant("high_low")[MIDDLE]


def test_gi_finds_the_patch_and_does_not_look_at_the_cell_itself():
    counts = patch()
    counts[MIDDLE] = 0
    result = local_g(counts, QUEEN, seed=1, n_permutations=9999)
    assert result.q[MIDDLE] <= 0.05
    star = local_g(counts, QUEEN, seed=1, star=True, n_permutations=9999)
    assert (star.p == result.p).all()
    assert star.total[MIDDLE] == result.total[MIDDLE]


def test_cells_without_neighbours_are_left_alone():
    adjacency = adjacency_from_pairs([0, 1, 1, 2], [1, 0, 2, 1], n_cells=5)
    moran = local_moran([9, 8, 0, 1, 7], adjacency, seed=1)
    assert np.isnan(moran.i).tolist() == [False, False, False, True, True]
    assert moran.p[3:].tolist() == [1, 1]
    assert moran.quadrant[3:].tolist() == ["none", "none"]
    gi = local_g([9, 8, 0, 1, 7], adjacency, seed=1)
    assert gi.z[3:].tolist() == [0, 0]
    assert gi.p[3:].tolist() == [1, 1]


def test_a_cell_on_the_average_is_no_evidence_either_way():
    adjacency = adjacency_from_pairs([0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2], n_cells=5)
    result = local_moran([4, 2, 0, 1, 3], adjacency, seed=1)
    assert (result.i[1], result.p[1], result.quadrant[1]) == (0, 1, "none")


@pytest.mark.parametrize("run", [local_moran, local_g])
def test_what_cannot_be_compared_is_refused(run):
    line = adjacency_from_pairs([0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2], n_cells=4)
    with pytest.raises(NoVariation):
        run([2, 2, 2, 2], line, seed=1)
    with pytest.raises(NoVariation):
        run([0, 0, 0, 0], line, seed=1)
    with pytest.raises(MissingValue):
        run([1, np.nan, 2, 3], line, seed=1)
    with pytest.raises(ValueError, match="3 values for 4 cells"):
        run([1, 2, 3], line, seed=1)
    with pytest.raises(TooFewCells):
        run([1, 2, 3], adjacency_from_pairs([0, 1], [1, 0], n_cells=3), seed=1)
    with pytest.raises(TooFewCells):
        run([1, 2, 3, 4], adjacency_from_pairs([], [], n_cells=4), seed=1)
    with pytest.raises(ValueError, match="alternative is"):
        run([1, 2, 3, 4], line, seed=1, alternative="both")


def test_a_stop_is_a_named_end_and_progress_is_told():
    told = []

    def stop_at_4000(done, total):
        told.append((done, total))
        return done < 4000

    with pytest.raises(CalculationStopped):
        local_moran(patch(), QUEEN, seed=1, n_permutations=9000, on_progress=stop_at_4000)
    assert told == [(2000, 9000), (4000, 9000)]


def test_the_answer_follows_the_seed_and_nothing_is_modified():
    counts = patch()
    before = counts.copy()
    first, again, other = (local_moran(counts, QUEEN, seed=s).p for s in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()
    assert (counts == before).all()


def test_the_general_g_is_the_share_of_products_that_neighbours_make():
    values = [2.0, 3, 3.2, 5, 8, 7]
    adjacency = random_adjacency(np.random.default_rng(1), 6)
    pairs = [(i, j) for i in range(6) for j in range(6) if i != j]
    near_pairs = [(i, j) for i, j in pairs if j in near(adjacency, i)]
    slow = sum(values[i] * values[j] for i, j in near_pairs) / sum(values[i] * values[j] for i, j in pairs)
    assert global_g(values, adjacency) == pytest.approx(slow)
    with pytest.raises(NoVariation, match="one cell"):
        global_g([0, 0, 5, 0, 0, 0], adjacency)


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.sampled_from([0.01, 0.05, 0.2]))
def test_the_cut_off_lists_what_the_q_values_list(p, share):
    cut = castro_singer_cut_off(p, share=share)
    slow = [
        value
        for value in p
        if any(
            value <= other <= (1 + sorted(p).index(other) + p.count(other) - 1) * share / len(p)
            for other in p
        )
    ]
    assert sorted(v for v in p if v <= cut and slow) == sorted(slow)
    q = benjamini_hochberg(p)
    clear = np.abs(q - share) > 1e-12
    assert ((np.array(p) <= cut) == (q <= share))[clear].all()


@pytest.mark.parametrize("p", [[], [np.nan], [1.5]])
def test_no_cut_off_without_p_values(p):
    with pytest.raises(MissingValue):
        castro_singer_cut_off(p)


def shares_below(run, repetitions, seed, **options):
    """Share of cells with p at most 0.05, and of maps with any q at most 0.05, in pure noise."""
    rng = np.random.default_rng(seed)
    cells = maps = 0.0
    for repetition in range(repetitions):
        result = run(rng.normal(10, 1, QUEEN.n_cells), QUEEN, seed=repetition, **options)
        cells += (result.p <= 0.05).mean()
        maps += (result.q <= 0.05).any()
    return cells / repetitions, maps / repetitions


@pytest.mark.parametrize("run", [local_moran, local_g])
@pytest.mark.parametrize("alternative", ["greater", "two_sided"])
def test_in_noise_one_cell_in_twenty_is_below_a_twentieth(run, alternative):
    cells, _ = shares_below(run, 60, 21, alternative=alternative, n_permutations=199)
    assert cells == pytest.approx(0.05, abs=0.012)


def children_next_door(rng, n):
    """Records of children evenly over the area; half of a child's records are next door to its usual cell."""
    sizes = np.where(rng.random(n) < 0.06, 3 + rng.poisson(8, n), 1 + rng.poisson(0.9, n))
    sizes = sizes[: int(np.searchsorted(np.cumsum(sizes), n)) + 1]
    child = np.repeat(np.arange(sizes.size), sizes)
    cell = rng.integers(0, QUEEN.n_cells, sizes.size)[child]
    away = rng.random(cell.size) < 0.5
    rank = (rng.random(away.sum()) * QUEEN.degree[cell[away]]).astype(int)
    cell[away] = QUEEN.indices[QUEEN.indptr[cell[away]] + rank]
    return cell, child


def alarms_of_repeats(run, maps, count):
    """Share of cells with p at most 0.05, and of maps with any q at most 0.05, where nothing is to be found."""
    cells = found = 0.0
    for number in range(maps):
        cell, child = children_next_door(np.random.default_rng([9, number]), 600)
        result = run(count(cell, child, number), QUEEN, seed=number, n_permutations=2999)
        cells += (result.p <= 0.05).mean()
        found += (result.q <= 0.05).any()
    return cells / maps, found / maps


def once(cell, child, seed):
    return independent_reports_once(cell, child, n_cells=QUEEN.n_cells, seed=seed)


@pytest.mark.parametrize("run", [local_moran, local_g])
def test_repeats_next_door_raise_no_alarm_when_each_child_counts_once(run):
    cells, maps = alarms_of_repeats(run, 60, once)
    assert cells <= 0.065
    assert maps <= 0.15  # 60 maps at 5%: more than nine less than once in five hundred times


@pytest.mark.slow
@pytest.mark.parametrize("run", [local_moran, local_g])
def test_repeats_next_door_raise_alarms_when_a_child_counts_once_a_cell_and_none_when_once(run):
    def per_cell(cell, child, _):
        return independent_reports_per_cell(cell, child, n_cells=QUEEN.n_cells)

    assert alarms_of_repeats(run, 200, per_cell)[1] > 0.15
    cells, maps = alarms_of_repeats(run, 1000, once)
    assert cells <= 0.05 + 0.003
    assert maps <= 0.05 + 3 * (0.05 * 0.95 / 1000) ** 0.5


@pytest.mark.slow
@pytest.mark.parametrize("run", [local_moran, local_g])
@pytest.mark.parametrize("alternative", ["greater", "less", "two_sided"])
def test_in_much_noise_false_alarms_are_as_stated(run, alternative):
    # 2,999 permutations: fewer could not bring q of one cell in 144 down to 0.05.
    cells, maps = shares_below(run, 1000, 22, alternative=alternative, n_permutations=2999)
    assert cells == pytest.approx(0.05, abs=0.003)
    assert maps <= 0.05 + 3 * (0.05 * 0.95 / 1000) ** 0.5

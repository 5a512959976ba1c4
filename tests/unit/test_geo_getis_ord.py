"""Gi* and its three tails, against slow twins; what it flags and what it refuses to flag."""

from itertools import combinations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from placewise.core.errors import MissingValue, NoVariation, TooFewCells
from placewise.geo.adjacency import adjacency_from_pairs, neighbourhood_sums
from placewise.geo.counts import incidents_per_cell, independent_reports_around, independent_reports_per_cell
from placewise.geo.getis_ord import MIN_OBSERVED, gi_star
from placewise.geo.hexgrid import hex_grid
from placewise.geo.multiplicity import benjamini_hochberg
from placewise.geo.shuffle import shuffle_tail

AREA = gpd.GeoSeries([shapely.box(540000, 180000, 545000, 185000)], crs="EPSG:27700")
HEX = hex_grid(AREA, cell_width_m=500)


def line(n):
    i = np.arange(n - 1)
    return adjacency_from_pairs(np.concatenate([i, i + 1]), np.concatenate([i + 1, i]), n_cells=n)


def slow_gi_star(counts, adjacency):
    """The definition, cell by cell."""
    n, mean = len(counts), sum(counts) / len(counts)
    deviation = (sum(c * c for c in counts) / n - mean**2) ** 0.5
    scores = []
    for i in range(n):
        near = [i, *adjacency.indices[adjacency.indptr[i] : adjacency.indptr[i + 1]]]
        k = len(near)
        total = sum(counts[j] for j in near)
        scores.append((total - k * mean) / (deviation * ((n * k - k * k) / (n - 1)) ** 0.5))
    return scores


COUNTS = st.lists(st.integers(0, 30), min_size=5, max_size=25).filter(lambda c: min(c) < max(c))


@settings(deadline=None)
@given(COUNTS)
def test_z_is_the_definition(counts):
    adjacency = line(len(counts))
    z = gi_star(counts, adjacency, method="normal").z
    assert z == pytest.approx(slow_gi_star(counts, adjacency), abs=1e-9)


@settings(deadline=None)
@given(COUNTS)
def test_the_even_spread_tail_is_the_binomial_tail(counts):
    result = gi_star(counts, line(len(counts)))
    share = np.array([2, *[3] * (len(counts) - 2), 2]) / len(counts)
    assert result.p == pytest.approx(stats.binom.sf(result.total - 1, sum(counts), share), rel=1e-9)
    assert result.expected == pytest.approx(sum(counts) * share)


@settings(deadline=None)
@given(st.lists(st.integers(0, 6), min_size=3, max_size=9), st.integers(1, 4), st.integers(0, 14))
def test_the_shuffle_tail_counts_every_deal(values, k, total):
    k, total = min(k, len(values)), min(total, sum(sorted(values)[-k:]))
    deals = [sum(c) >= total for c in combinations(values, k)]
    tail = shuffle_tail(np.array(values), np.array([total]), np.array([k]))
    assert tail[0] == pytest.approx(sum(deals) / len(deals), rel=1e-12)


def test_the_shuffle_tail_of_noughts_and_ones_is_hypergeometric_far_into_the_tail():
    values = np.array([1] * 40 + [0] * 5000)
    tail = shuffle_tail(values, np.arange(8), np.full(8, 7))
    assert tail == pytest.approx(stats.hypergeom.sf(np.arange(8) - 1, 5040, 40, 7), rel=1e-9)


def test_the_shuffle_tail_survives_a_large_neighbourhood_of_many_cells():
    values = np.random.default_rng(2).poisson(3, 20_000)
    tail = shuffle_tail(values, np.array([0, 360]), np.array([120, 120]))
    assert tail[0] == 1
    assert tail[1] == pytest.approx(0.5, abs=0.1)


def test_an_edge_cell_of_which_little_is_inside_expects_little():
    counts = np.arange(HEX.n_cells) % 3
    result = gi_star(counts, HEX.adjacency, exposure=HEX.share_inside)
    around = neighbourhood_sums(HEX.share_inside, HEX.adjacency)
    assert result.expected == pytest.approx(counts.sum() * around / HEX.share_inside.sum())


def planted(n_background, n_planted, at, seed):
    rng = np.random.default_rng(seed)
    share = HEX.share_inside / HEX.share_inside.sum()
    return rng.multinomial(n_background, share) + n_planted * (np.arange(HEX.n_cells) == at)


MIDDLE = int(HEX.locate([542500.0], [182500.0])[0])


def test_a_planted_cluster_is_found_and_far_cells_are_not():
    result = gi_star(planted(100, 15, MIDDLE, 5), HEX.adjacency, exposure=HEX.share_inside)
    hot = np.flatnonzero(result.hot())
    near = {MIDDLE, *HEX.adjacency.indices[HEX.adjacency.indptr[MIDDLE] : HEX.adjacency.indptr[MIDDLE + 1]]}
    assert MIDDLE in hot
    assert set(hot) <= near


@pytest.mark.parametrize("total", [1, MIN_OBSERVED - 1])
def test_a_handful_of_records_is_never_hot(total):
    counts = np.zeros(HEX.n_cells, dtype=int)
    counts[MIDDLE] = total
    result = gi_star(counts, HEX.adjacency)
    assert not result.hot().any()
    assert result.too_few.all()


def test_too_few_to_tell_means_few_expected_and_few_seen():
    counts = np.zeros(HEX.n_cells, dtype=int)
    counts[MIDDLE] = MIN_OBSERVED
    counts[0] = 1
    result = gi_star(counts, HEX.adjacency)
    assert (result.expected < 1).all()
    assert result.too_few.tolist() == (result.total < MIN_OBSERVED).tolist()
    assert not result.too_few[MIDDLE]


def test_a_cold_spot_is_no_finding():
    counts = np.full(HEX.n_cells, 20)
    counts[MIDDLE] = 0
    result = gi_star(counts, HEX.adjacency)
    assert result.z[MIDDLE] < -2
    assert result.p[MIDDLE] > 0.95
    assert not result.hot()[MIDDLE]


def test_one_childs_repeats_are_hot_as_incidents_and_not_as_independent_reports():
    rng = np.random.default_rng(8)
    home = rng.choice(HEX.n_cells, 60)
    neighbour = HEX.adjacency.indices[HEX.adjacency.indptr[MIDDLE]]
    cell = np.concatenate([home, np.tile([MIDDLE, neighbour], 8)])
    child = np.concatenate([np.arange(60), np.full(16, 99)])
    incidents = gi_star(incidents_per_cell(cell, n_cells=HEX.n_cells), HEX.adjacency)
    reports = gi_star(
        independent_reports_per_cell(cell, child, n_cells=HEX.n_cells),
        HEX.adjacency,
        totals=independent_reports_around(cell, child, HEX.adjacency),
    )
    assert incidents.hot()[MIDDLE]
    assert not reports.hot().any()


def test_a_neighbourhood_of_everything_stands_out_from_nothing():
    star = adjacency_from_pairs([0, 0, 0, 1, 2, 3], [1, 2, 3, 0, 0, 0], n_cells=4)
    result = gi_star([9, 0, 1, 0], star)
    assert result.z[0] == 0
    assert result.p[0] == 1


def test_results_are_the_same_every_time_and_inputs_stay_as_they_were():
    counts = planted(80, 6, MIDDLE, 1)
    before = counts.copy()
    first, second = (gi_star(counts, HEX.adjacency, method="shuffle") for _ in range(2))
    assert (counts == before).all()
    assert (first.p == second.p).all()
    assert (first.z == second.z).all()


@pytest.mark.parametrize("counts", [np.zeros(9), np.full(9, 4)])
def test_equal_counts_are_refused(counts):
    with pytest.raises(NoVariation):
        gi_star(counts, line(9))


def test_two_cells_are_too_few():
    with pytest.raises(TooFewCells):
        gi_star([1, 2], line(2))


def test_missing_counts_are_refused():
    with pytest.raises(MissingValue):
        gi_star([1.0, np.nan, 2.0, 3.0], line(4))


@pytest.mark.parametrize("method", ["even_spread", "shuffle"])
def test_broken_records_are_refused_where_whole_ones_are_counted(method):
    with pytest.raises(MissingValue, match="whole records"):
        gi_star([0.5, 1.0, 2.0, 3.0], line(4), method=method)
    assert gi_star([0.5, 1.0, 2.0, 3.0], line(4), method="normal").p.size == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "two-sided"}, "method is"),
        ({"method": "normal", "exposure": [1, 1, 1, 1]}, "belong to"),
        ({"exposure": [1, 1, 0, 1]}, "exposure needs"),
        ({"totals": [99, 0, 0, 0]}, "totals needs"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        gi_star([4, 4, 0, 0], line(4), **options)


def test_counts_and_cells_must_match():
    with pytest.raises(ValueError, match="3 counts for 4 cells"):
        gi_star([1, 2, 3], line(4))


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), max_size=40))
def test_q_values_are_the_definition_of_benjamini_and_hochberg(p):
    ranked = sorted(range(len(p)), key=lambda i: p[i])
    slow = [0.0] * len(p)
    best = 1.0
    for rank in range(len(p), 0, -1):
        best = min(best, p[ranked[rank - 1]] * len(p) / rank)
        slow[ranked[rank - 1]] = best
    q = benjamini_hochberg(p)
    assert q == pytest.approx(slow, abs=1e-15)
    assert (q >= np.array(p)).all()


@pytest.mark.parametrize("p", [[0.5, np.nan], [-0.1], [1.1]])
def test_p_values_out_of_range_are_refused(p):
    with pytest.raises(MissingValue):
        benjamini_hochberg(p)


def test_neighbours_may_be_none_and_repeats_count_once():
    adjacency = adjacency_from_pairs([2, 2, 2], [0, 0, 2], n_cells=4)
    assert adjacency.degree.tolist() == [0, 0, 1, 0]
    assert neighbourhood_sums(np.array([1.0, 2.0, 4.0, 8.0]), adjacency).tolist() == [1, 2, 5, 8]


def test_neighbours_outside_the_area_are_refused():
    with pytest.raises(IndexError):
        adjacency_from_pairs([0], [5], n_cells=3)


def even_spread_alarms(method, repetitions, n_records, seed):
    """Share of maps of pure noise with any hot cell."""
    rng = np.random.default_rng(seed)
    # Only even_spread knows that edge cells are smaller; the other two suppose cells alike, so give them that.
    exposure = HEX.share_inside if method == "even_spread" else None
    sizes = np.ones(HEX.n_cells) if exposure is None else exposure
    share = sizes / sizes.sum()
    alarms = 0
    for _ in range(repetitions):
        counts = rng.multinomial(n_records, share)
        alarms += gi_star(counts, HEX.adjacency, method=method, exposure=exposure).hot().any()
    return alarms / repetitions


def test_on_noise_the_exact_tails_keep_their_word_and_the_normal_one_does_not():
    # 200 maps: an honest 5% gives more than 9% less than once in a hundred times; the seed is fixed.
    assert even_spread_alarms("even_spread", 200, 150, 11) <= 0.09
    assert even_spread_alarms("shuffle", 200, 150, 11) <= 0.09
    assert even_spread_alarms("normal", 200, 150, 11) > 0.1  # twice what it promises, even with cells alike


def repeat_alarms(repetitions, seed):
    """Share of maps with a false alarm when children's repeats happen next door: (incidents, as the map does)."""
    rng = np.random.default_rng(seed)
    indptr, indices = HEX.adjacency
    alarms = np.zeros(2)
    for _ in range(repetitions):
        child = np.repeat(np.arange(60), np.where(rng.random(60) < 0.06, 11, 2))
        cell = rng.choice(HEX.n_cells, 60, p=HEX.share_inside / HEX.share_inside.sum())[child]
        away = rng.random(cell.size) < 0.5
        degree = HEX.adjacency.degree[cell[away]]
        cell[away] = indices[indptr[cell[away]] + (rng.random(away.sum()) * degree).astype(int)]
        incidents = incidents_per_cell(cell, n_cells=HEX.n_cells)
        reports = independent_reports_per_cell(cell, child, n_cells=HEX.n_cells)
        totals = independent_reports_around(cell, child, HEX.adjacency)
        exposure = HEX.share_inside
        alarms += [
            gi_star(incidents, HEX.adjacency, exposure=exposure).hot().any(),
            gi_star(reports, HEX.adjacency, totals=totals, exposure=exposure).hot().any(),
        ]
    return alarms / repetitions


def test_repeats_next_door_raise_no_false_alarm_the_way_the_map_counts():
    incidents, as_the_map_does = repeat_alarms(150, 13)
    assert incidents > 0.5
    assert as_the_map_does <= 0.05


def borough_with_repeats(rng, *, times):
    """Two records of each of 300 children, half of them next door; so many times more children in one cell."""
    chance = HEX.share_inside.copy()
    chance[MIDDLE] *= times
    child = np.repeat(np.arange(300), 2)
    cell = rng.choice(HEX.n_cells, 300, p=chance / chance.sum())[child]
    away = rng.random(cell.size) < 0.5
    indptr, indices = HEX.adjacency
    degree = HEX.adjacency.degree[cell[away]]
    cell[away] = indices[indptr[cell[away]] + (rng.random(away.sum()) * degree).astype(int)]
    return cell, child


def test_what_is_expected_around_a_cell_counts_each_child_once_as_what_is_seen_does():
    cell, child = borough_with_repeats(np.random.default_rng(21), times=1)
    totals = independent_reports_around(cell, child, HEX.adjacency)
    counts = independent_reports_per_cell(cell, child, n_cells=HEX.n_cells)
    assert neighbourhood_sums(counts.astype(float), HEX.adjacency).sum() > 1.2 * totals.sum()
    result = gi_star(counts, HEX.adjacency, totals=totals, exposure=HEX.share_inside)
    assert result.expected.sum() == pytest.approx(result.total.sum(), rel=0.02)


def test_repeats_next_door_do_not_hide_a_spot():
    rng, found = np.random.default_rng(22), 0
    for _ in range(30):
        cell, child = borough_with_repeats(rng, times=15)
        found += (
            gi_star(
                independent_reports_per_cell(cell, child, n_cells=HEX.n_cells),
                HEX.adjacency,
                totals=independent_reports_around(cell, child, HEX.adjacency),
                exposure=HEX.share_inside,
            )
            .hot()[MIDDLE]
            .item()
        )
    assert found >= 20


def test_more_around_one_cell_than_there_are_on_average_is_no_error():
    # 21 reports whose neighbourhoods hold 14 of 52, as 5.7 independent ones would: one of them holds 11.
    result = gi_star([6, 5, 5, 5], line(4), totals=[11, 1, 1, 1])
    assert result.expected[1] == pytest.approx(21 * 14 / 52 * 3 / 4)
    assert result.p[0] == pytest.approx(0.5**11)


@pytest.mark.slow
@pytest.mark.parametrize("n_records", [30, 150, 1000])
@pytest.mark.parametrize("method", ["even_spread", "shuffle"])
def test_on_much_noise_false_alarms_stay_at_or_below_one_map_in_twenty(method, n_records):
    repetitions = 4000
    limit = 0.05 + 3 * (0.05 * 0.95 / repetitions) ** 0.5
    assert even_spread_alarms(method, repetitions, n_records, 12) <= limit

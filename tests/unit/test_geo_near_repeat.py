"""Near repeats: counted as a plain loop counts them, and honest about chance and one child's repeats."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placewise.core.errors import (
    CalculationStopped,
    MissingValue,
    NoVariation,
    TooFewRecords,
    TooManyPairs,
    WrongCRS,
)
from placewise.geo import near_pairs as pairs_module
from placewise.geo.monte_carlo import rank_p
from placewise.geo.near_pairs import near_pairs, permuted_counts
from placewise.geo.near_repeat import knox_test, near_repeat_table, space_labels, time_labels
from placewise.geo.time_shuffle import shuffled, time_blocks

EAST, NORTH = 540_000, 180_000
RECORD = st.tuples(st.integers(0, 8), st.integers(0, 8), st.integers(0, 20), st.integers(-1, 3))
RECORDS = st.lists(RECORD, min_size=6, max_size=25).filter(lambda r: len({t for _, _, t, _ in r}) > 1)


def columns(records):
    x, y, t, child = (np.array(column) for column in zip(*records, strict=True))
    return x * 50 + EAST, y * 50 + NORTH, t, child


def slow_table(x, y, t, child, space, time):
    """Every pair in turn."""
    table = np.zeros((len(space) - 1, len(time) - 1), dtype=int)
    own = 0
    for i in range(len(x)):
        for j in range(i):
            distance = ((x[i] - x[j]) ** 2 + (y[i] - y[j]) ** 2) ** 0.5
            if child[i] == child[j] >= 0:
                own += distance < space[-1]
                continue
            for a in range(len(space) - 1):
                for b in range(len(time) - 1):
                    table[a, b] += (
                        space[a] <= distance < space[a + 1] and time[b] <= abs(t[i] - t[j]) < time[b + 1]
                    )
    return table, own


@settings(deadline=None, max_examples=60)
@given(RECORDS, st.booleans())
def test_pairs_are_counted_as_a_plain_loop_counts_them(records, fractions):
    x, y, t, child = columns(records)
    t = t + 0.25 * (np.arange(t.size) % 2) if fractions else t
    space, time = (0, 1, 100, 250), (0, 1, 7.5, 15)
    try:
        table = near_repeat_table(
            x, y, t, space_edges_m=space, time_edges_days=time, child=child, seed=1, permutations=3
        )
    except NoVariation:
        sizes = Counter(c for c in child.tolist() if c >= 0)
        groups = Counter(sizes.values()) + Counter({1: int((child < 0).sum())})
        assert max(groups.values()) == 1 or len(set(t.tolist())) == 1
        return
    observed, own = slow_table(x, y, t, child, space, time)
    assert table.observed.tolist() == observed.tolist()
    assert table.n_own_pairs == own


@settings(deadline=None, max_examples=40)
@given(RECORDS)
def test_knoxs_four_cells_are_those_of_a_plain_loop(records):
    x, y, t, child = columns(records)
    child[:3] = -1
    if len(set(t.tolist())) < 2:
        return
    slow = np.zeros((2, 2), dtype=int)
    for i in range(len(x)):
        for j in range(i):
            if not child[i] == child[j] >= 0:
                near = (x[i] - x[j]) ** 2 + (y[i] - y[j]) ** 2 <= 100**2
                slow[0 if near else 1, 0 if abs(int(t[i]) - int(t[j])) <= 5 else 1] += 1
    test = knox_test(x, y, t, within_m=100, within_days=5, child=child, seed=1, permutations=5)
    assert test.observed.tolist() == slow.tolist()
    assert test.margin_expected.sum() == pytest.approx(slow.sum())


@settings(deadline=None, max_examples=50)
@given(RECORDS, st.integers(0, 1000))
def test_a_shuffling_moves_each_childs_times_as_one(records, seed):
    _, _, t, child = columns(records)
    child[:2] = -1
    blocks = time_blocks(t.astype(float), child)
    source = shuffled(blocks, np.random.default_rng(seed))
    assert sorted(source.tolist()) == list(range(t.size))
    for one in set(child.tolist()) - {-1}:
        givers = source[child == one]
        assert len({(child[g] if child[g] >= 0 else -1 - g) for g in givers.tolist()}) == 1
        order = np.argsort(t[child == one], kind="stable")
        assert (np.diff(t[givers][order]) >= 0).all()


def test_expected_is_the_mean_of_all_shufflings_where_they_can_all_be_tried():
    """Four records, 24 orders: the expected pairs are the share of near-in-time pairs times the near-in-space."""
    x, t = np.array([0, 0, 9000, 9000]) + EAST, np.array([0, 1, 100, 101])
    table = near_repeat_table(
        x,
        np.full(4, NORTH),
        t,
        space_edges_m=(0, 10),
        time_edges_days=(0, 5),
        seed=4,
        permutations=4000,
    )
    assert table.expected[0, 0] == pytest.approx(2 * 2 / 6, abs=0.05)
    assert table.ratio_low[0, 0] < 3 < table.ratio_high[0, 0]
    # Both pairs stay together in one order of three.
    assert table.p[0, 0] == pytest.approx(1 / 3, abs=0.03)
    assert table.p_low[0, 0] < 1 / 3 < table.p_high[0, 0]


def scattered(n, rng, *, side=3000, days=120):
    return rng.integers(0, side, n) + EAST, rng.integers(0, side, n) + NORTH, rng.integers(0, days, n)


def test_planted_near_repeats_are_found_in_their_band_and_nowhere_else():
    rng = np.random.default_rng(3)
    x, y, t = scattered(150, rng)
    follow = rng.choice(150, 40, replace=False)
    x2, y2 = x[follow] + rng.integers(-60, 60, 40), y[follow] + rng.integers(-60, 60, 40)
    table = near_repeat_table(
        np.append(x, x2), np.append(y, y2), np.append(t, t[follow] + rng.integers(0, 7, 40)), seed=5
    )
    assert table.space_labels[1] == "1 to 100 m"
    assert table.time_labels[0] == "0 to 7 days"
    assert table.q[1, 0] <= 0.05
    assert table.ratio[1, 0] > 3
    assert table.observed[1, 0] > table.chance_high[1, 0]
    assert (table.q[2:] > 0.05).all()


def test_the_same_seed_gives_the_same_table_in_pieces_of_any_size_and_order():
    x, y, t = scattered(80, np.random.default_rng(1))
    edges = {"space_edges_m": (0, 200), "time_edges_days": (0, 8)}
    pairs = near_pairs(x, y, t, **edges)
    late = permuted_counts(pairs, 30, 70, seed=9)
    early = permuted_counts(pairs, 0, 30, seed=9)
    table = near_repeat_table(x, y, t, **edges, seed=9, permutations=100)
    assert table.expected.tolist() == np.concatenate([early, late]).mean(axis=0).tolist()
    other = near_repeat_table(x, y, t, **edges, seed=10, permutations=100)
    assert other.expected.tolist() != table.expected.tolist()


def test_a_calculation_can_be_stopped():
    x, y, t = scattered(30, np.random.default_rng(1))
    with pytest.raises(CalculationStopped):
        near_repeat_table(x, y, t, seed=1, on_progress=lambda done, total: False)


def test_inputs_stay_as_they_were():
    x, y, t = scattered(30, np.random.default_rng(1))
    before = [x.copy(), y.copy(), t.copy()]
    near_repeat_table(x, y, t, seed=1, permutations=5)
    assert all((a == b).all() for a, b in zip((x, y, t), before, strict=True))


@pytest.mark.parametrize(
    ("edges", "whole", "labels"),
    [
        ((0, 8, 15), True, ("0 to 7 days", "8 to 14 days")),
        ((0, 1, 2, 5), True, ("same day", "1 day", "2 to 4 days")),
        ((0, 7.5, 15), True, ("0 to 7 days", "8 to 14 days")),
        ((0, 1, 7), False, ("under 1 day", "1 to under 7 days")),
    ],
)
def test_time_bands_are_named_for_the_days_that_fall_into_them(edges, whole, labels):
    assert time_labels(edges, whole_days=whole) == labels


def test_distance_bands_keep_the_same_place_apart():
    assert space_labels((0, 1, 100, 200)) == ("same place", "1 to 100 m", "100 to 200 m")
    assert space_labels((0, 100)) == ("0 to 100 m",)
    table = near_repeat_table(
        [EAST, EAST, EAST, EAST],
        [NORTH, NORTH, NORTH + 1, NORTH + 100],
        [0, 1, 2, 3],
        space_edges_m=(0, 1, 100, 200),
        time_edges_days=(0, 8),
        seed=1,
        permutations=9,
    )
    # 0 m once; 1 m twice and 99 m once; exactly 100 m, twice, belongs to the band that begins there.
    assert table.observed.ravel().tolist() == [1, 3, 2]


def test_fewer_may_be_asked_beforehand():
    x, t = np.array([0, 0, 9000, 9000]) + EAST, np.array([0, 100, 1, 101])
    options = {"space_edges_m": (0, 10), "time_edges_days": (0, 5), "permutations": 499}
    table = near_repeat_table(x, np.full(4, NORTH), t, seed=4, alternative="fewer", **options)
    assert table.p[0, 0] == pytest.approx(2 / 3, abs=0.07)
    with pytest.raises(ValueError, match="more or fewer"):
        near_repeat_table(x, np.full(4, NORTH), t, seed=4, alternative="greater", **options)


def children_with_bursts(rng, children=40):
    """Each child's records in one place and one week: no child has anything to do with another."""
    child = np.repeat(np.arange(children), rng.integers(1, 7, children))
    home, start = rng.integers(0, 3000, (children, 2)), rng.integers(0, 110, children)
    at = home[child] + rng.integers(-50, 50, (child.size, 2))
    return at[:, 0] + EAST, at[:, 1] + NORTH, start[child] + rng.integers(0, 7, child.size), child


def false_alarms(make, runs, seed, *, ids):
    rng = np.random.default_rng(seed)
    alarms = 0
    for run in range(runs):
        x, y, t, child = make(rng)
        test = knox_test(
            x, y, t, within_m=200, within_days=7, seed=run, child=child if ids else None, permutations=99
        )
        alarms += test.p <= 0.05
    return alarms / runs


def noise(rng):
    return *scattered(60, rng, side=1500, days=60), None


def test_a_childs_own_repeats_raise_no_alarm_and_without_their_numbers_they_do():
    assert false_alarms(children_with_bursts, 30, 2, ids=False) > 0.9
    # 150 runs at 5%: more than 10.5% less than once in a hundred times; the seed is fixed.
    assert false_alarms(children_with_bursts, 150, 2, ids=True) <= 0.105


def test_on_noise_one_run_in_twenty_raises_an_alarm():
    assert false_alarms(noise, 200, 6, ids=False) <= 0.095


@pytest.mark.slow
@pytest.mark.parametrize(("make", "ids"), [(noise, False), (children_with_bursts, True)])
def test_false_alarms_stay_at_one_in_twenty(make, ids):
    runs = 1000
    assert false_alarms(make, runs, 12, ids=ids) <= 0.05 + 3 * (0.05 * 0.95 / runs) ** 0.5


def test_the_monte_carlo_interval_holds_the_true_p_as_often_as_it_says():
    rng, truth, held = np.random.default_rng(3), 0.07, 0
    for _ in range(400):
        _, low, high = rank_p(1, (rng.random(199) < truth).astype(int), alternative="more")
        held += low <= truth <= high
    assert held / 400 >= 0.95 - 3 * (0.05 * 0.95 / 400) ** 0.5


def test_p_is_never_nought():
    p, low, high = rank_p(10, np.zeros(99), alternative="more")
    assert (p, low) == (0.01, 0)
    assert 0 < high < 0.05


def run(x, y, t, **options):
    return near_repeat_table(x, y, t, seed=1, permutations=9, **options)


@pytest.mark.parametrize("n", [0, 1])
def test_no_record_or_one_is_too_few(n):
    with pytest.raises(TooFewRecords, match="two records"):
        run([EAST] * n, [NORTH] * n, [1.0] * n)


def test_records_all_at_one_time_are_refused():
    with pytest.raises(NoVariation, match="same time"):
        run([EAST, EAST], [NORTH, NORTH], [4, 4])


def test_children_whose_times_cannot_be_exchanged_are_refused():
    with pytest.raises(NoVariation, match="equally many"):
        run([EAST] * 3, [NORTH] * 3, [1, 2, 3], child=[1, 1, 2])


def test_all_on_one_spot_counts_as_same_place_and_nothing_stands_out():
    table = run([EAST] * 20, [NORTH] * 20, np.arange(20))
    assert table.observed[0].sum() == 190
    assert table.observed[1:].sum() == 0
    assert table.ratio[0, :3].tolist() == [1.0] * 3
    assert table.observed[0, 3] == 0  # 20 days hold no pair 22 days apart
    assert (table.p == 1).all()
    assert np.isnan(table.ratio[1:]).all()


def test_a_million_records_on_one_spot_are_refused_before_memory_is_taken():
    n = 1_000_000
    with pytest.raises(TooManyPairs, match=r"499,999,500,000 pairs"):
        run(np.full(n, EAST), np.full(n, NORTH), np.arange(n) % 365)


def test_the_limit_on_pairs_is_kept(monkeypatch):
    monkeypatch.setattr(pairs_module, "MAX_PAIRS", 5)
    with pytest.raises(TooManyPairs, match="shorter distance"):
        run([EAST] * 4, [NORTH] * 4, [1, 2, 3, 4])


@pytest.mark.parametrize(
    ("x", "t", "error"),
    [
        ([EAST, np.nan], [1, 2], MissingValue),
        ([EAST, EAST], [1, np.nan], MissingValue),
        ([EAST, EAST], [1, 2, 3], ValueError),
    ],
)
def test_gaps_are_refused(x, t, error):
    with pytest.raises(error):
        run(x, [NORTH, NORTH], t)


def test_degrees_are_refused():
    with pytest.raises(WrongCRS):
        run([-0.1, -0.2], [51.5, 51.4], [1, 2])


@pytest.mark.parametrize(
    "options",
    [
        {"space_edges_m": (100,)},
        {"space_edges_m": (0, 100, 100)},
        {"time_edges_days": (-1, 5)},
        {"time_edges_days": (0, np.inf)},
        {"child": [1]},
    ],
)
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(ValueError):
        run([EAST, EAST], [NORTH, NORTH], [1, 2], **options)

"""The scan beside its slow twin, on noise, with planted clusters, and on input that makes no sense."""

import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placewise.core.errors import CalculationStopped, TooFewCells
from placewise.geo import scan as scan_module
from placewise.geo.chunks import replicate_generator, stacked
from placewise.geo.monte_carlo import gumbel_p
from placewise.geo.scan import plan_scan, scan
from placewise.geo.scan_models import bernoulli_model, permutation_model, poisson_model
from placewise.geo.scan_windows import circles, merge_locations, time_windows

MODELS = ["poisson", "bernoulli", "permutation"]


def plogq(p, q):
    return 0.0 if p == 0 else p * math.log(p / q)


def slow_ratio(family, c, b, cases, total, alternative, min_cases):
    expected = b * cases / total
    high = c > expected and c >= min_cases
    low = c < expected
    if not {"high": high, "low": low, "both": high or low}[alternative]:
        return 0.0
    if family == "poisson":
        return plogq(c, b) + plogq(cases - c, cases - b)
    inside, outside = plogq(c, b) + plogq(b - c, b), plogq(cases - c, total - b)
    outside += plogq(total - b - cases + c, total - b)
    return inside + outside - plogq(cases, total) - plogq(total - cases, total)


def slow_zones(x, y, weight, max_share, max_radius_m):
    """Every circle as a set of locations, by plain loops over centres and distances."""
    zones = set()
    for i in range(len(x)):
        away = [math.hypot(x[j] - x[i], y[j] - y[i]) for j in range(len(x))]
        for radius in sorted(set(away)):
            inside = frozenset(j for j in range(len(x)) if away[j] <= radius + 1e-6)
            light = sum(weight[j] for j in inside) <= max_share * sum(weight) * (1 + 1e-9)
            if radius <= max_radius_m and light:
                zones.add(inside)
    return zones


def slow_windows(n_steps, longest, prospective):
    pairs = [(a, b) for a in range(n_steps) for b in range(a + 1, n_steps + 1) if b - a <= longest]
    return [(a, b) for a, b in pairs if b == n_steps or not prospective]


def slow_scan(family, counts, baseline, x, y, *, max_share, max_radius_m, longest, prospective, **how):
    """Return the largest ratio of all circles and windows, by plain loops."""
    n_steps = len(counts[0])
    total = sum(map(sum, baseline))
    # A draw may leave out cases that no window reaches, but they remain part of all cases.
    cases = round(total) if family == "poisson" else sum(map(sum, counts))
    zones = slow_zones(x, y, [sum(row) for row in baseline], max_share, max_radius_m)
    best = 0.0
    for zone in zones:
        for a, b in slow_windows(n_steps, longest, prospective):
            c = sum(counts[j][t] for j in zone for t in range(a, b))
            e = sum(baseline[j][t] for j in zone for t in range(a, b))
            if e > 1e-12:
                best = max(best, slow_ratio(family, c, e, cases, total, **how))
    return best


def tables(model):
    """The model's counts and baseline by location, worked out without the class's own baseline."""
    counts = model.counts.tolist()
    cases = sum(map(sum, counts))
    if model.name == "poisson":
        whole = float(model.expected.sum())
        return counts, [[e * cases / whole for e in row] for row in model.expected.tolist()]
    if model.name == "bernoulli":
        records = np.zeros(model.counts.shape, dtype=int)
        for where, when in zip(model.location, model.step, strict=True):
            records[where, when] += 1
        return counts, records.tolist()
    here, then = [sum(row) for row in counts], [sum(column) for column in zip(*counts, strict=True)]
    return counts, [[a * b / cases for b in then] for a in here]


def random_model(name, rng, n_locations, n_steps, n):
    location, step = rng.integers(0, n_locations, n), rng.integers(0, n_steps, n)
    if name == "poisson":
        counts = np.zeros((n_locations, n_steps))
        np.add.at(counts, (location, step), 1)
        return poisson_model(counts, rng.random((n_locations, n_steps)) + 0.05)
    if name == "bernoulli":
        case = rng.random(n) < 0.4
        case[:3] = [True, True, False]
        return bernoulli_model(location, case, n_locations=n_locations, step=step, n_steps=n_steps)
    location[:2], step[:2] = [0, 1], [0, n_steps - 1]
    return permutation_model(location, step, n_locations=n_locations, n_steps=n_steps)


def scattered(rng, n):
    return 540_000 + 3000 * rng.random(n), 180_000 + 3000 * rng.random(n)


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 10**6), st.sampled_from(MODELS), st.sampled_from(["high", "low", "both"]), st.booleans()
)
def test_the_scan_is_its_slow_twin_for_every_model(seed, name, alternative, prospective):
    rng = np.random.default_rng(seed)
    n_locations, n_steps = int(rng.integers(3, 9)), int(rng.integers(2, 6))
    model = random_model(name, rng, n_locations, n_steps, int(rng.integers(4, 40)))
    # Half of the time on a coarse grid, so that distances tie and locations share coordinates.
    x, y = scattered(rng, n_locations)
    if seed % 2:
        x, y = (
            540_000 + 500 * rng.integers(0, 3, n_locations),
            180_000 + 500 * rng.integers(0, 3, n_locations),
        )
    limits = {"max_share": float(rng.choice([0.5, 0.8, 1.0])), "max_radius_m": float(rng.choice([900, 9000]))}
    longest, min_cases = int(rng.integers(1, n_steps + 1)), int(rng.integers(1, 4))
    options = {"prospective": prospective, "alternative": alternative, "min_cases": min_cases}
    try:
        plan = plan_scan(model, x, y, seed=seed, max_steps=longest, **limits, **options)
    except TooFewCells:
        weight = [sum(row) for row in tables(model)[1]]
        assert not slow_zones(x, y, weight, limits["max_share"], limits["max_radius_m"])
        return
    result = scan(plan, replicates=1)
    ours = result.clusters[0].log_likelihood_ratio if result.clusters else 0.0
    counts, baseline = tables(model)
    slow = slow_scan(model.family, counts, baseline, x, y, longest=longest, **limits, **options)
    assert ours == pytest.approx(slow, abs=1e-9)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("alternative", ["high", "low", "both"])
@pytest.mark.parametrize("prospective", [True, False])
def test_the_largest_ratio_of_each_replicate_is_the_slow_twins_of_the_same_draw(
    name, alternative, prospective
):
    rng = np.random.default_rng(5)
    model = random_model(name, rng, 8, 5, 60)
    x, y = scattered(rng, 8)
    plan = plan_scan(model, x, y, seed=3, max_steps=3, prospective=prospective, alternative=alternative)
    fast = plan.maxima(0, 12)
    _, baseline = tables(model)
    for replicate in range(12):
        cells = plan.model.draw(replicate_generator(3, replicate), since=plan.scanner.when.first_kept)
        counts = np.bincount(cells, minlength=40).reshape(8, 5)[merge_locations(x, y).of_location]
        slow = slow_scan(
            model.family,
            counts.tolist(),
            baseline,
            x,
            y,
            max_share=0.5,
            max_radius_m=1e9,
            longest=3,
            prospective=prospective,
            alternative=alternative,
            min_cases=2,
        )
        assert fast[replicate] == pytest.approx(slow, abs=1e-9)


@pytest.mark.parametrize("name", MODELS)
def test_replicates_do_not_depend_on_chunks_order_process_or_the_guessed_floor(name):
    rng = np.random.default_rng(8)
    plan = plan_scan(random_model(name, rng, 30, 6, 150), *scattered(rng, 30), seed=4)
    whole = plan.maxima(0, 40)
    pieces = [plan.maxima(31, 9), plan.maxima(0, 1), pickle.loads(pickle.dumps(plan)).maxima(1, 30)]
    assert np.concatenate([pieces[1], pieces[2], pieces[0]]).tolist() == whole.tolist()
    for floor in (0.0, whole.max() / 2, whole.max() + 1):
        assert scan_module._maxima(plan, 0, 40, floor) == pytest.approx(whole, abs=1e-12)


def false_alarms(name, runs, seed, *, prospective=False, replicates=99):
    """Share of data sets without a cluster in which the most likely one has p <= 0.05.

    Two shares: as the scan says it, and with replicates that tie with the data split by lot. So few events often
    tie (a Bernoulli scan with 12 of its 99 replicates), and ties count against an alarm; split, p is exact.
    """
    rng = np.random.default_rng(seed)
    lots = np.random.default_rng(seed + 1)
    x, y = scattered(rng, 25)
    shares = rng.random(25) + 0.2
    shares /= shares.sum()
    alarms = np.zeros(2)
    for run in range(runs):
        location, step = rng.choice(25, 120, p=shares), rng.integers(0, 8, 120)
        if name == "poisson":
            counts = np.zeros((25, 8))
            np.add.at(counts, (location, step), 1)
            model = poisson_model(counts, np.repeat(shares[:, None], 8, axis=1))
        elif name == "bernoulli":
            case = rng.random(120) < 0.5
            model = bernoulli_model(location, case, n_locations=25, step=step, n_steps=8)
        else:
            model = permutation_model(location, step, n_locations=25, n_steps=8)
        plan = plan_scan(model, x, y, seed=run, prospective=prospective, max_steps=3)
        result = scan(plan, replicates=replicates, stop_after=None, max_clusters=1)
        difference = result.replicates - result.clusters[0].log_likelihood_ratio
        ties = int((abs(difference) <= 1e-9).sum())
        by_lot = ((difference > 1e-9).sum() + lots.integers(0, ties + 1) + 1) / (replicates + 1)
        alarms += [result.clusters[0].p <= 0.05, by_lot <= 0.05]
    return alarms / runs


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("prospective", [True, False])
def test_on_noise_one_scan_in_twenty_alarms(name, prospective):
    # 100 runs: an honest 5% gives more than 12 less than once in five hundred times; the seed is fixed.
    said, by_lot = false_alarms(name, 100, 21, prospective=prospective)
    assert said <= by_lot
    assert by_lot <= 0.12  # too few runs for a lower bound, which the thousand runs below have


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("prospective", [True, False])
def test_on_much_noise_one_scan_in_twenty_alarms(name, prospective):
    said, by_lot = false_alarms(name, 1000, 22, prospective=prospective)
    error = 3 * (0.05 * 0.95 / 1000) ** 0.5
    assert said <= 0.05 + error
    assert abs(by_lot - 0.05) <= error


def gumbel_of_noise(runs, *, n_sites, n_steps, cases, max_steps):
    """Gumbel fits of data sets without a cluster, each among 199 replicates of its own."""
    rng = np.random.default_rng(5)
    x, y = scattered(rng, n_sites)
    shares = rng.random(n_sites) + 0.2
    counts = np.zeros((n_sites, n_steps))
    where = rng.choice(n_sites, cases, p=shares / shares.sum()), rng.integers(0, n_steps, cases)
    np.add.at(counts, where, 1)
    model = poisson_model(counts, np.repeat(shares[:, None], n_steps, axis=1))
    plan = plan_scan(model, x, y, seed=5, max_steps=max_steps)
    # What is expected is given, so a replicate is a data set without a cluster.
    maxima = stacked(plan.maxima, 200 * runs, size=plan.chunk_size).reshape(runs, 200)
    return [gumbel_p(row[0], row[1:]) for row in maxima]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("study", "warned_at_least", "warned_at_most"),
    [
        ({"n_sites": 25, "n_steps": 8, "cases": 120, "max_steps": 3}, 0.0, 0.12),
        ({"n_sites": 8, "n_steps": 1, "cases": 12, "max_steps": 1}, 0.95, 1.0),
    ],
)
def test_small_gumbel_p_values_are_as_rare_as_they_say_and_few_cases_are_warned_of(
    study, warned_at_least, warned_at_most
):
    fits = gumbel_of_noise(1000, **study)
    for level in (0.05, 0.01, 0.001):
        share = sum(fit.p <= level for fit in fits) / 1000
        assert share <= level + 3 * (level * (1 - level) / 1000) ** 0.5
    warned = sum(fit.warning is not None for fit in fits) / 1000
    assert warned_at_least <= warned <= warned_at_most


@pytest.mark.parametrize("name", MODELS)
def test_a_planted_cluster_is_found_where_and_when_it_is(name):
    rng = np.random.default_rng(31)
    x, y = scattered(rng, 60)
    inside = np.hypot(x - x[7], y - y[7]) < 500
    location, step = rng.integers(0, 60, 400), rng.integers(0, 12, 400)
    extra_at, extra_step = rng.choice(np.flatnonzero(inside), 40), rng.integers(9, 12, 40)
    location, step = np.concatenate([location, extra_at]), np.concatenate([step, extra_step])
    if name == "poisson":
        counts = np.zeros((60, 12))
        np.add.at(counts, (location, step), 1)
        model = poisson_model(counts, np.ones((60, 12)))
    elif name == "bernoulli":
        case = np.concatenate([rng.random(400) < 0.2, np.ones(40, dtype=bool)])
        model = bernoulli_model(location, case, n_locations=60, step=step, n_steps=12)
    else:
        model = permutation_model(location, step, n_locations=60, n_steps=12)
    for prospective in (True, False):
        plan = plan_scan(model, x, y, seed=1, max_steps=4, max_share=0.3, prospective=prospective)
        result = scan(plan, replicates=199)
        best = result.clusters[0]
        assert best.p == pytest.approx(1 / 200)
        # A record of chance next to it may lengthen the best window by a step.
        assert best.first_step in (8, 9)
        assert best.last_step == 11
        assert len(set(best.members) & set(np.flatnonzero(inside))) >= 0.7 * inside.sum()
        assert best.relative_risk > 2
        assert best.recurrence_interval_steps == (pytest.approx(200) if prospective else None)


def test_secondary_clusters_share_no_location_and_fall_in_order():
    rng = np.random.default_rng(2)
    x, y = scattered(rng, 50)
    counts = np.ones(50)
    counts[[3, 17, 40, 28]] = [30, 20, 12, 4]
    result = scan(plan_scan(poisson_model(counts, np.ones(50)), x, y, seed=1, max_share=0.2), replicates=99)
    assert len(result.clusters) >= 3
    members = np.concatenate([cluster.members for cluster in result.clusters])
    assert np.unique(members).size == members.size
    ratios = [cluster.log_likelihood_ratio for cluster in result.clusters]
    assert ratios == sorted(ratios, reverse=True)
    assert [c.p for c in result.clusters] == sorted(c.p for c in result.clusters)
    assert [3 in result.clusters[0].members, 17 in result.clusters[1].members] == [True, True]
    assert result.standing_out() == result.clusters[: len(result.standing_out())]
    assert 2 <= len(result.standing_out()) < len(result.clusters)


def test_locations_that_share_coordinates_enter_together():
    x, y = [540_000, 540_000, 541_000, 542_000, 543_000], [180_000] * 5
    plan = plan_scan(poisson_model([6, 5, 0, 1, 0], [1, 1, 2, 2, 2]), x, y, seed=1)
    result = scan(plan, replicates=19)
    assert result.n_sites == 4
    assert result.clusters[0].members.tolist() == [0, 1]
    assert (result.clusters[0].observed, result.clusters[0].radius_m) == (11, 0.0)


def test_members_at_the_same_distance_enter_together():
    sites = merge_locations([540_000, 541_000, 542_000], [180_000] * 3)
    found = circles(sites, np.ones(3), max_share=1.0)
    assert found.closes[found.indptr[1] : found.indptr[2]].tolist() == [True, False, True]


def test_nothing_high_is_no_cluster_rather_than_a_weak_one():
    x, y = [540_000, 541_000, 542_000, 543_000], [180_000] * 4
    result = scan(plan_scan(poisson_model([5, 5, 5, 5], np.ones(4)), x, y, seed=1), replicates=19)
    assert result.clusters == ()
    assert result.replicates.size == 0


def test_stopping_early_saves_replicates_where_there_is_nothing_and_changes_nothing_else():
    rng = np.random.default_rng(1)
    plan = plan_scan(random_model("permutation", rng, 25, 8, 100), *scattered(rng, 25), seed=2)
    short, full = scan(plan, replicates=999, stop_after=20), scan(plan, replicates=999, stop_after=None)
    assert short.stopped_early
    assert short.replicates.size < 999
    assert full.replicates[: short.replicates.size].tolist() == short.replicates.tolist()
    assert (short.replicates >= short.clusters[0].log_likelihood_ratio - 1e-9).sum() == 20
    assert short.clusters[0].p_low <= full.clusters[0].p <= short.clusters[0].p_high


def test_a_person_can_stop_a_scan():
    rng = np.random.default_rng(1)
    plan = plan_scan(random_model("poisson", rng, 25, 8, 100), *scattered(rng, 25), seed=2)
    seen = []

    def until_half(done, total):
        seen.append((done, total))
        return done < total / 2

    with pytest.raises(CalculationStopped):
        scan(plan, replicates=999, stop_after=None, on_progress=until_half)
    assert seen[-1][1] == 999
    assert 500 <= seen[-1][0] < 999


def test_inputs_are_not_modified():
    rng = np.random.default_rng(3)
    x, y = scattered(rng, 12)
    cases, expected = rng.integers(0, 5, (12, 4)), rng.random((12, 4)) + 0.1
    before = [a.copy() for a in (x, y, cases, expected)]
    scan(plan_scan(poisson_model(cases, expected), x, y, seed=1), replicates=9)
    assert all((a == b).all() for a, b in zip(before, (x, y, cases, expected), strict=True))


def test_a_period_without_data_is_a_period_without_events():
    rng = np.random.default_rng(4)
    step = rng.choice([0, 1, 2, 6, 7], 80)
    model = permutation_model(rng.integers(0, 10, 80), step, n_locations=10, n_steps=8)
    result = scan(plan_scan(model, *scattered(rng, 10), seed=1), replicates=49)
    assert 0 < result.clusters[0].p <= 1


def test_windows_are_as_stated():
    assert time_windows(7).longest == 3
    first, end = time_windows(7, max_steps=2, prospective=True).bounds
    assert (first.tolist(), end.tolist()) == ([6, 5], [7, 7])
    assert set(zip(*(b.tolist() for b in time_windows(5, max_steps=3).bounds), strict=True)) == set(
        slow_windows(5, 3, prospective=False)
    )

"""The scan beside published figures, other libraries' likelihoods, and answers counted out in full."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from placewise.geo.monte_carlo import gumbel_p, monte_carlo_p
from placewise.geo.scan import _relative_risk, plan_scan, scan
from placewise.geo.scan_kernels import Likelihood
from placewise.geo.scan_models import bernoulli_model, permutation_model, poisson_model

# SaTScan's Poisson clusters for Tai'an, 2006: doi 10.1017/S0950268814003598, table 3. The year's number of
# cases is not in the table; 35 is the one whole number that fits both rows.
TAIAN_2006 = [(9, 1.02, 11.58), (13, 2.74, 6.96)]


@pytest.mark.parametrize(("observed", "expected", "published"), TAIAN_2006)
def test_relative_risks_are_those_satscan_gave_for_taian(observed, expected, published):
    # The published expectation has three figures, so the risk can be off by half a hundredth of 1.02.
    assert _relative_risk(observed, expected, 35) == pytest.approx(published, rel=0.006)


@pytest.mark.parametrize(("c", "mu", "n"), [(9, 3.0, 12), (4, 0.7, 50), (117, 88.4, 552)])
def test_the_poisson_ratio_is_half_of_scipys_g_statistic(c, mu, n):
    ours = Likelihood("poisson", n, float(n), "high", 2).ratio(np.array([c]), np.array([mu]))[0]
    g = stats.power_divergence([c, n - c], [mu, n - mu], lambda_="log-likelihood").statistic
    assert ours == pytest.approx(g / 2, abs=1e-10)


@pytest.mark.parametrize(("c", "n", "cases", "total"), [(9, 12, 20, 80), (3, 3, 20, 80), (40, 100, 60, 400)])
def test_the_bernoulli_ratio_is_half_of_scipys_g_statistic(c, n, cases, total):
    ours = Likelihood("bernoulli", cases, float(total), "high", 2).ratio(np.array([c]), np.array([float(n)]))[
        0
    ]
    table = [[c, n - c], [cases - c, total - n - cases + c]]
    g = stats.chi2_contingency(table, correction=False, lambda_="log-likelihood").statistic
    assert ours == pytest.approx(g / 2, abs=1e-10)


def test_kulldorffs_ratio_worked_by_hand():
    # 9 of 12 cases where 3 were expected: 9 ln 3 + 3 ln (1/3) = 6 ln 3.
    poisson = Likelihood("poisson", 12, 12.0, "high", 2)
    assert poisson.ratio(np.array([9]), np.array([3.0]))[0] == pytest.approx(6 * math.log(3), abs=1e-12)
    # 4 cases and no control inside, none and 4 outside: (1/2)^-8, so 8 ln 2.
    bernoulli = Likelihood("bernoulli", 4, 8.0, "high", 2)
    assert bernoulli.ratio(np.array([4]), np.array([4.0]))[0] == pytest.approx(8 * math.log(2), abs=1e-12)


LINE = ([540_000, 541_000, 543_000], [180_000] * 3)


def largest(plan, counts):
    """The largest ratio of a table of counts, by the plan's own circles."""
    where, when = plan.scanner.where, plan.scanner.when
    return plan.scanner.best_by_circle(when.stack(counts[:, when.first_kept :]))[0][where.closes].max()


def test_p_of_a_permutation_scan_is_the_share_of_all_720_orders():
    location, step = np.array([0, 0, 0, 1, 1, 2]), np.array([3, 3, 2, 0, 1, 0])
    plan = plan_scan(permutation_model(location, step, n_locations=3, n_steps=4), *LINE, seed=1, max_steps=2)
    every = []
    for order in itertools.permutations(step):
        counts = np.zeros((3, 4), dtype=np.int64)
        np.add.at(counts, (location, np.array(order)), 1)
        every.append(largest(plan, counts))
    result = scan(plan, replicates=4999, stop_after=None)
    best = result.clusters[0]
    exact = np.mean(np.array(every) >= best.log_likelihood_ratio - 1e-9)
    assert 0.01 < exact < 0.9
    assert best.p_low <= exact <= best.p_high


def test_p_of_a_bernoulli_scan_is_the_share_of_all_labellings():
    location = np.array([0, 0, 0, 1, 1, 1, 2, 2, 2])
    case = np.array([True, True, True, False, True, False, False, False, False])
    plan = plan_scan(bernoulli_model(location, case, n_locations=3), *LINE, seed=2)
    every = [
        largest(plan, np.bincount(location[list(chosen)], minlength=3)[:, None])
        for chosen in itertools.combinations(range(9), 4)
    ]
    best = scan(plan, replicates=4999, stop_after=None).clusters[0]
    exact = np.mean(np.array(every) >= best.log_likelihood_ratio - 1e-9)
    assert 0.01 < exact < 0.9
    assert best.p_low <= exact <= best.p_high


def test_p_of_a_poisson_scan_is_its_multinomial_chance():
    cases, expected = np.array([6, 1, 1]), np.array([1.0, 1.0, 2.0])
    plan = plan_scan(poisson_model(cases, expected), *LINE, seed=3)
    best = scan(plan, replicates=4999, stop_after=None).clusters[0]
    exact = 0.0
    for a in range(9):
        for b in range(9 - a):
            counts = np.array([a, b, 8 - a - b])
            if largest(plan, counts[:, None]) >= best.log_likelihood_ratio - 1e-9:
                exact += stats.multinomial.pmf(counts, 8, expected / 4)
    assert 0.001 < exact < 0.9
    assert best.p_low <= exact <= best.p_high


def test_besag_and_cliffords_p_stops_at_the_tenth():
    # h = 10 reached at l = 25: p = 10 / 25. Besag and Clifford 1991, doi 10.1093/biomet/78.2.301, section 2.
    values = [1.0] * 9 + [0.0] * 15 + [1.0] + [0.0] * 974
    assert monte_carlo_p(1.0, values, stop_after=10).p == 10 / 25


def test_a_daily_prospective_scan_recurs_once_in_one_over_p_days():
    rng = np.random.default_rng(3)
    location, step = rng.integers(0, 3, 60), rng.integers(0, 10, 60)
    location[:12], step[:12] = 0, 9
    plan = plan_scan(
        permutation_model(location, step, n_locations=3, n_steps=10), *LINE, seed=1, prospective=True
    )
    best = scan(plan, replicates=499).clusters[0]
    assert best.recurrence_interval_steps == pytest.approx(1 / best.p)
    weekly = scan(plan, replicates=499, steps_between_scans=7).clusters[0]
    assert weekly.recurrence_interval_steps == pytest.approx(7 / best.p)


def test_the_gumbel_curve_agrees_with_scipys_and_with_many_replicates():
    rng = np.random.default_rng(12)
    x, y = 540_000 + 3000 * rng.random(40), 180_000 + 3000 * rng.random(40)
    plan = plan_scan(poisson_model(rng.multinomial(800, np.ones(40) / 40), np.ones(40)), x, y, seed=5)
    replicates = plan.maxima(0, 1999)
    fit = gumbel_p(8.0, replicates)
    assert fit.p == pytest.approx(stats.gumbel_r.sf(8.0, fit.location, fit.scale), rel=1e-9)
    # At the 5% and 1% points of all 1,999 the curve through the first 199 should not be far off.
    few = replicates[:199]
    for share, slack in ((0.05, 0.03), (0.01, 0.012)):
        assert gumbel_p(float(np.quantile(replicates, 1 - share)), few).p == pytest.approx(share, abs=slack)

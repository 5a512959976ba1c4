"""Published and independently computed answers: esda, R's spdep and spatstat, scipy."""

import csv
import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from scipy.spatial import cKDTree

from placewise.geo.adjacency import adjacency_from_pairs
from placewise.geo.density import SquareGrid, kernel_density
from placewise.geo.getis_ord import gi_star
from placewise.geo.intervals import compare_counts, poisson_interval
from placewise.geo.multiplicity import benjamini_hochberg

ORACLES = Path(__file__).parents[3] / "shared" / "data" / "oracles"
needs_real_data = pytest.mark.skipif(not ORACLES.is_dir(), reason="real data not present")


def read_columns(path):
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}


def distance_band(x, y, limit):
    pairs = cKDTree(np.column_stack([x, y])).query_pairs(limit + 1e-9, output_type="ndarray")
    source, target = np.concatenate([pairs, pairs[:, ::-1]]).T
    return adjacency_from_pairs(source, target, n_cells=len(x))


def test_gi_star_of_esdas_six_points():
    x, y = np.array([[10, 10], [20, 10], [40, 10], [15, 20], [30, 20], [30, 30]]).T
    result = gi_star([2, 3, 3.2, 5, 8, 7], distance_band(x, y, 15), method="normal")
    assert result.z[0] == pytest.approx(-1.39727626, abs=5e-9)


@needs_real_data
def test_gi_star_of_esdas_six_points_as_kept_with_its_source():
    expected = json.loads((ORACLES / "getisord" / "esda_toy_expected.json").read_text(encoding="utf-8"))
    x, y = np.array([[10, 10], [20, 10], [40, 10], [15, 20], [30, 20], [30, 30]]).T
    result = gi_star([2, 3, 3.2, 5, 8, 7], distance_band(x, y, 15), method="normal")
    assert result.z[0] == pytest.approx(expected["local G* binary Zs[0]"], abs=5e-9)


@needs_real_data
@pytest.mark.parametrize("distance", [30, 60, 90, 120, 150])
def test_gi_star_of_getis_and_ords_grid_in_all_256_cells_as_spdep_has_it(distance):
    table = read_columns(ORACLES / "getisord" / "getisord_localG.csv")
    result = gi_star(table["val"], distance_band(table["x"], table["y"], distance), method="normal")
    assert result.z == pytest.approx(table[f"Gstar{distance}"], abs=1e-12)


@needs_real_data
def test_gi_star_of_getis_and_ords_cell_120_as_published():
    table = read_columns(ORACLES / "getisord" / "getisord_go_xyz.csv")
    published = {30: 1.450780, 60: 1.900559, 90: 2.096939, 120: 1.981907, 150: 1.306698}
    for distance, z in published.items():
        result = gi_star(table["val"], distance_band(table["x"], table["y"], distance), method="normal")
        assert result.z[119] == pytest.approx(z, abs=5e-7)


@pytest.mark.parametrize("seed", range(5))
def test_gi_star_equals_esdas(seed):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the peer's own warnings are not ours to fail on
        import esda
        import libpysal

        rng = np.random.default_rng(seed)
        x, y = rng.random((2, 300)) * 1000
        counts = rng.poisson(2.0, 300)
        adjacency = distance_band(x, y, 90)
        neighbours = {
            i: adjacency.indices[adjacency.indptr[i] : adjacency.indptr[i + 1]].tolist() for i in range(300)
        }
        weights = libpysal.weights.W(neighbours, silence_warnings=True)
        peer = esda.G_Local(counts, weights, transform="B", star=True, permutations=0)
    result = gi_star(counts, adjacency, method="normal")
    assert result.z == pytest.approx(peer.Zs, abs=1e-9)


def test_q_values_equal_scipys():
    p = np.random.default_rng(0).random(500) ** 2
    assert benjamini_hochberg(p) == pytest.approx(stats.false_discovery_control(p), rel=1e-12)


@needs_real_data
def test_redwood_density_as_spatstat_has_it():
    """Gaussian, sigma 0.1, no edge correction, a point's own kernel included."""
    table = read_columns(ORACLES / "kde_redwood" / "redwood_density_sigma0.1.csv")
    # One unit of the data set is taken as 100 km, so that sigma 0.1 is 10 km.
    unit_m, side_m = 100_000.0, 1000.0
    x, y = table["x"] * unit_m + 400_000, table["y"] * unit_m + 400_000
    here = []
    for px, py in zip(x, y, strict=True):
        grid = SquareGrid(px - side_m / 2, py - side_m / 2, side_m, rows=1, columns=1)
        surface = kernel_density(x, y, grid=grid, bandwidth_m=0.1 * unit_m, kernel="gaussian")
        here.append(surface.values[0, 0] * (unit_m / 1000) ** 2)
    assert here == pytest.approx(table["dens"], rel=1e-12)


def test_garwoods_limits_as_tabled():
    """Exact 95% limits printed in Garwood's table and every handbook since."""
    low, high = poisson_interval([0, 1, 5, 10, 20])
    assert low.round(2).tolist() == [0.0, 0.03, 1.62, 4.80, 12.22]
    assert high.round(2).tolist() == [3.69, 5.57, 11.67, 18.39, 30.89]


@pytest.mark.parametrize(("count", "baseline"), [(4, 2), (12, 3), (0, 9), (25, 40)])
def test_a_comparisons_interval_is_clopper_and_pearsons(count, baseline):
    result = compare_counts(count, baseline)
    peer = stats.binomtest(count, count + baseline, 0.5).proportion_ci(0.95, method="exact")
    assert result.low == pytest.approx(peer.low / (1 - peer.low), rel=1e-6)
    assert result.high == pytest.approx(peer.high / (1 - peer.high), rel=1e-6)
    one_sided = [
        stats.binomtest(count, count + baseline, 0.5, alternative=side).pvalue for side in ("greater", "less")
    ]
    assert result.p == pytest.approx(min(1, 2 * min(one_sided)), rel=1e-9)

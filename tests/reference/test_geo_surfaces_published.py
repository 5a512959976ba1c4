"""Published and peers' answers for surfaces, local statistics and corrections: esda, spdep, spatstat, sklearn."""

import csv
import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import cKDTree

from placewise.geo.adjacency import adjacency_from_pairs
from placewise.geo.bandwidth import likelihood_bandwidth
from placewise.geo.density import SquareGrid, kernel_density
from placewise.geo.kernels import gaussian_binned
from placewise.geo.local_g import global_g, local_g
from placewise.geo.local_moran import local_moran
from placewise.geo.multiplicity import castro_singer_cut_off
from placewise.geo.squares import gi_star_of_squares, square_adjacency

ORACLES = Path(__file__).parents[3] / "shared" / "data" / "oracles"
needs_real_data = pytest.mark.skipif(not ORACLES.is_dir(), reason="real data not present")

SIX_X, SIX_Y = np.array([[10, 10], [20, 10], [40, 10], [15, 20], [30, 20], [30, 30]]).T
SIX = [2, 3, 3.2, 5, 8, 7]


def read_columns(path):
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}


def distance_band(x, y, limit):
    pairs = cKDTree(np.column_stack([x, y])).query_pairs(limit + 1e-9, output_type="ndarray")
    source, target = np.concatenate([pairs, pairs[:, ::-1]]).T
    return adjacency_from_pairs(source, target, n_cells=len(x))


def pysal_weights(adjacency):
    import libpysal

    ends = zip(adjacency.indptr, adjacency.indptr[1:], strict=False)
    neighbours = {i: adjacency.indices[a:b].tolist() for i, (a, b) in enumerate(ends)}
    return libpysal.weights.W(neighbours, silence_warnings=True)


def test_g_gi_and_gi_star_of_esdas_six_points():
    """Printed in esda's own tests; without the star, with it, and the general G."""
    near = distance_band(SIX_X, SIX_Y, 15)
    assert global_g(SIX, near) == pytest.approx(0.55709779, abs=5e-9)
    assert local_g(SIX, near, seed=1, n_permutations=0).z[0] == pytest.approx(-1.0136729, abs=5e-8)
    star = local_g(SIX, near, seed=1, star=True, n_permutations=0)
    assert star.z[0] == pytest.approx(-1.39727626, abs=5e-9)


@needs_real_data
def test_g_and_gi_of_esdas_six_points_as_kept_with_their_source():
    expected = json.loads((ORACLES / "getisord" / "esda_toy_expected.json").read_text(encoding="utf-8"))
    near = distance_band(SIX_X, SIX_Y, 15)
    assert global_g(SIX, near) == pytest.approx(expected["global G"], abs=5e-9)
    z = local_g(SIX, near, seed=1, n_permutations=0).z[0]
    assert z == pytest.approx(expected["local G binary Zs[0]"], abs=5e-8)


@needs_real_data
def test_gi_of_getis_and_ords_cell_120_as_published():
    table = read_columns(ORACLES / "getisord" / "getisord_go_xyz.csv")
    plain = {30: 1.221979, 60: 1.748098, 90: 1.986135, 120: 1.893374, 150: 1.237454}
    star = {30: 1.450780, 60: 1.900559, 90: 2.096939, 120: 1.981907, 150: 1.306698}
    for distance in plain:
        near = distance_band(table["x"], table["y"], distance)
        for z, starred in ((plain, False), (star, True)):
            result = local_g(table["val"], near, seed=1, star=starred, n_permutations=0)
            assert result.z[119] == pytest.approx(z[distance], abs=5e-7)


@needs_real_data
@pytest.mark.parametrize("distance", [30, 60, 90, 120, 150])
def test_gi_of_getis_and_ords_grid_in_all_256_cells_as_spdep_has_it(distance):
    table = read_columns(ORACLES / "getisord" / "getisord_localG.csv")
    near = distance_band(table["x"], table["y"], distance)
    result = local_g(table["val"], near, seed=1, n_permutations=0)
    assert result.z == pytest.approx(table[f"G{distance}"], abs=1e-11)


DE_SMITH = {
    "z": [2.24, 3.1, 4.55, -5.15, -4.39, 0.46, 5.54, 9.02, -2.09, -3.06],
    "near": {
        0: [1, 3],
        1: [0, 4],
        2: [3, 6],
        3: [0, 2, 4, 7],
        4: [1, 3, 5, 8],
        5: [4, 9],
        6: [2, 7],
        7: [3, 6, 8],
        8: [4, 7, 9],
        9: [5, 8],
    },
}
DE_SMITH_I = [
    -0.11409277,
    -0.19940543,
    -0.13351408,
    -0.51770383,
    0.48095009,
    0.12208113,
    1.19148298,
    -0.58144305,
    0.07101383,
    0.34314301,
]


def test_local_moran_of_de_smiths_ten_cells_as_esda_prints_it():
    """Printed in the documentation of esda.Moran_Local; the ten cells are de Smith, Goodchild and Longley's."""
    source = [i for i, near in DE_SMITH["near"].items() for _ in near]
    target = [j for near in DE_SMITH["near"].values() for j in near]
    near = adjacency_from_pairs(source, target, n_cells=10)
    assert local_moran(DE_SMITH["z"], near, seed=1).i == pytest.approx(DE_SMITH_I, abs=1e-7)


@pytest.mark.parametrize("seed", range(4))
def test_local_moran_gi_and_their_shuffles_agree_with_esda(seed):
    rng = np.random.default_rng(seed)
    x, y = rng.random((2, 150)) * 1000
    counts, near = rng.poisson(2.0, 150), distance_band(x, y, 130)
    repetitions = 4999
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the peer's own warnings are not ours to fail on
        import esda

        weights = pysal_weights(near)
        moran = esda.Moran_Local(counts, weights, transformation="r", permutations=repetitions, seed=seed)
        gi = esda.G_Local(counts.astype(float), weights, transform="B", permutations=repetitions, seed=seed)
    some = near.degree > 0
    ours = local_moran(counts, near, seed=seed, n_permutations=repetitions)
    assert ours.i[some] == pytest.approx(moran.Is[some], abs=1e-9)
    named = np.array(["none", "high_high", "low_high", "low_low", "high_low"])[moran.q]
    certain = some & (ours.quadrant != "none")
    assert (ours.quadrant == named)[certain].all()
    # esda's own p is the smaller tail, whichever that is, and counts ties in one of them only (0.2 off with
    # these counts), so its simulated values are counted here instead.
    slack = 5 * (0.25 * 2 / repetitions) ** 0.5
    for run, seen, simulated in (
        (local_moran, moran.Is, moran.sim),
        (local_g, gi.Gs, gi.sim),
    ):
        for side, reached in (("greater", np.greater_equal), ("less", np.less_equal)):
            edge = seen + (-1e-12 if side == "greater" else 1e-12)
            theirs = (reached(simulated, edge).sum(axis=0) + 1) / (repetitions + 1)
            p = run(counts, near, seed=seed, alternative=side, n_permutations=repetitions).p
            assert np.abs(p - theirs)[some].max() < slack
    assert local_g(counts, near, seed=seed, n_permutations=0).z[some] == pytest.approx(gi.Zs[some], abs=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_the_cut_off_lists_what_esdas_lists(seed):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import esda

        rng = np.random.default_rng(seed)
        p = np.concatenate([rng.random(80), rng.random(20) * 0.004 * seed])
        threshold = esda.fdr(p, 0.05)
    # esda returns the bound i share / n that the last listed p-value keeps below, not that p-value.
    assert ((p <= castro_singer_cut_off(p, share=0.05)) == (p <= threshold)).all()


def test_gi_star_of_a_raster_is_esdas():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import esda

        counts = np.random.default_rng(1).poisson(2, (15, 20))
        grid = SquareGrid(540000.0, 180000.0, 100.0, rows=15, columns=20)
        weights = pysal_weights(square_adjacency(grid))
        peer = esda.G_Local(counts.ravel(), weights, transform="B", star=True, permutations=0)
    assert gi_star_of_squares(counts, method="normal").z == pytest.approx(peer.Zs, abs=1e-9)


def redwood():
    table = read_columns(ORACLES / "kde_redwood" / "redwood_density_sigma0.1.csv")
    # One unit of the data set is taken as 100 km, so that sigma 0.1 is 10 km.
    return table["x"] * 100_000.0 + 400_000, table["y"] * 100_000.0 + 400_000, table["dens"]


@needs_real_data
@pytest.mark.parametrize(("binning", "limit"), [("linear", 6e-3), ("cubic", 2e-4)])
def test_the_binned_surface_of_redwood_is_spatstats_too(binning, limit):
    """Gaussian, sigma 0.1; each point in turn the centre of a cell, the others wherever they fall.

    A point at a centre is not smeared at all, so that the average taken out is too much for it: the worst
    that linear sharing does.
    """
    x, y, density = redwood()
    cell_m, shape, middle = 2_000.0, (120, 120), 60
    here = []
    for px, py in zip(x, y, strict=True):
        u, v = (x - px) / cell_m + middle + 0.5, (y - py) / cell_m + middle + 0.5
        surface = gaussian_binned(u, v, None, shape, 10_000.0 / cell_m, binning=binning)
        here.append(surface[middle, middle] * (100_000.0 / cell_m) ** 2)
    assert here == pytest.approx(density, rel=limit)


@needs_real_data
def test_the_likelihood_of_redwoods_bandwidths_is_scikit_learns():
    x, y, _ = redwood()
    tried = [2_000.0, 4_000.0, 6_000.0, 10_000.0]
    ours = likelihood_bandwidth(x, y, seed=1, kernel="gaussian", candidates_m=tried)
    assert ours.score == pytest.approx([left_out(x, y, h) for h in tried], rel=1e-9)


@pytest.mark.parametrize("bandwidth_m", [80.0, 200.0, 500.0])
def test_the_likelihood_of_a_bandwidth_is_scikit_learns(bandwidth_m):
    rng = np.random.default_rng(0)
    x, y = 540_000 + rng.normal(0, 400, 60), 180_000 + rng.normal(0, 400, 60)
    ours = likelihood_bandwidth(x, y, seed=1, kernel="gaussian", candidates_m=[bandwidth_m])
    assert ours.score[0] == pytest.approx(left_out(x, y, bandwidth_m), rel=1e-9)


def left_out(x, y, bandwidth_m):
    from sklearn.neighbors import KernelDensity

    points = np.column_stack([x, y]) - [x.mean(), y.mean()]
    scores = [
        KernelDensity(kernel="gaussian", bandwidth=bandwidth_m)
        .fit(np.delete(points, i, axis=0))
        .score_samples(points[i : i + 1])[0]
        for i in range(len(points))
    ]
    return np.mean(scores)


@pytest.mark.parametrize("bandwidth_m", [120.0, 400.0])
def test_the_quartic_surface_adds_up_and_peaks_as_silverman_prints_it(bandwidth_m):
    """K2(0) = 3/π (Silverman 1986, equation 4.5), per bandwidth squared."""
    grid = SquareGrid(540_000.0, 180_000.0, 10.0, rows=101, columns=101)
    surface = kernel_density([540_505.0], [180_505.0], grid=grid, bandwidth_m=bandwidth_m)
    assert surface.values.max() == pytest.approx(3 / np.pi / (bandwidth_m / 1000) ** 2)
    assert surface.values.sum() * 10**2 / 1e6 == pytest.approx(1, abs=2e-3)

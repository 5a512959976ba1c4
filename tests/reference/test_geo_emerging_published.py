"""Published answers for trends and for Gi* step by step: the EPA's examples, pyMannKendall's tests, esda."""

import csv
import json
import math
import warnings
from pathlib import Path

import numpy as np
import pytest

from placewise.geo.emerging import cube_of_counts, emerging_hotspots
from placewise.geo.getis_ord import gi_star
from placewise.geo.getis_ord_steps import gi_star_steps
from placewise.geo.space_time_cube import monthly_steps
from placewise.geo.trend import mann_kendall, sens_slope
from tests.unit.test_geo_emerging import square_lattice

ORACLES = Path(__file__).parents[3] / "shared" / "data" / "oracles" / "mannkendall"
needs_real_data = pytest.mark.skipif(not ORACLES.is_dir(), reason="real data not present")


def test_the_epas_example_with_ties():
    """EPA QA/G-9S (2006), page 109: eleven measurements, one group of four ties and one of two."""
    found = mann_kendall([10, 10, 10, 5, 10, 20, 18, 17, 15, 24, 15])
    assert found.s[0] == 22
    assert round(found.variance[0], 2) == 155.33
    assert round(found.z[0], 3) == 1.685


def expected():
    return json.loads((ORACLES / "expected.json").read_text(encoding="utf-8"))


def column(name, position):
    with (ORACLES / name).open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    values = [row[position].strip().lower() for row in rows if row]
    return np.array([math.nan if v in {"nan", ""} else float(v) for v in values if v[:1] in "-0123456789n"])


@needs_real_data
@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("original_test", {}),
        ("hamed_rao_modification_test", {"correction": "hamed_rao"}),
        ("hamed_rao_modification_test_lag3", {"correction": "hamed_rao", "max_lag": 3}),
    ],
)
def test_a_long_series_with_gaps_to_the_printed_digits(name, how):
    published = {k: float(v) for k, v in expected()[name]["expected"].items() if k not in {"trend", "h"}}
    found = mann_kendall(column("arbitrary_1d.csv", 0), **how)
    assert found.s[0] == published["s"]
    for ours, theirs in (
        (found.variance, published["var_s"]),
        (found.z, published["z"]),
        (found.tau, published["Tau"]),
    ):
        assert ours[0] == pytest.approx(theirs, rel=1e-14)
    assert found.p[0] == pytest.approx(published["p"], abs=1e-15)  # theirs is 1 less a rounded number


@needs_real_data
def test_the_slope_of_a_long_series_with_gaps():
    published = float(expected()["sens_slope"]["expected"]["slope"])
    assert sens_slope(column("arbitrary_1d.csv", 0)).slope[0] == pytest.approx(published, rel=1e-14)


@needs_real_data
def test_daily_births_and_monthly_sales():
    births, published = column("daily-total-female-births.csv", 1), expected()["_notebook"]
    found, theirs = mann_kendall(births), published["daily-total-female-births.csv original_test"]
    assert (found.s[0], found.variance[0]) == (theirs["s"], theirs["var_s"])
    assert found.z[0] == pytest.approx(theirs["z"], rel=1e-14)
    assert sens_slope(births).slope[0] == pytest.approx(theirs["slope"], rel=1e-14)
    sales = mann_kendall(column("shampoo.csv", 1), correction="hamed_rao")
    theirs = published["shampoo.csv hamed_rao"]
    assert sales.variance[0] == pytest.approx(theirs["var_s"], rel=1e-14)
    assert sales.z[0] == pytest.approx(theirs["z"], rel=1e-14)


def test_gi_star_of_esdas_six_points_in_every_step():
    """esda's tests: Gi* of the first of six points, binary weights within 15 m."""
    x, y = np.array([[10, 10], [20, 10], [40, 10], [15, 20], [30, 20], [30, 30]]).T
    near = np.hypot(x[:, None] - x, y[:, None] - y) <= 15
    from placewise.geo.adjacency import adjacency_from_pairs

    adjacency = adjacency_from_pairs(*np.nonzero(near), n_cells=6)
    counts = np.tile([2, 3, 3.2, 5, 8, 7], (3, 1))
    found = gi_star_steps(counts, adjacency, method="normal")
    assert found.z[:, 0] == pytest.approx([-1.39727626] * 3, abs=5e-9)


def test_each_step_is_esdas_gi_star():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import esda
        from libpysal.graph import Graph

        lattice = square_lattice(8)
        degree = lattice.degree
        graph = Graph.from_arrays(np.repeat(np.arange(64), degree), lattice.indices, np.ones(degree.sum()))
        counts = np.random.default_rng(1).poisson(2.0, (10, 64)).astype(float)
        theirs = [esda.G_Local(c, graph, transform="B", star=True, permutations=0).Zs for c in counts]
    ours = emerging_hotspots(
        cube_of_counts(counts, monthly_steps("2026-01", "2026-10")), lattice, method="normal"
    )
    assert ours.steps.z == pytest.approx(np.array(theirs), abs=1e-12)
    assert ours.steps.z[4] == pytest.approx(gi_star(counts[4], lattice, method="normal").z, abs=1e-12)

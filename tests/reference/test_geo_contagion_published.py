"""Published answers for near repeats, for the accuracy of a surface and for displacement."""

import json
from pathlib import Path

import geopandas as gpd
import pytest

from placewise.geo.near_repeat import knox_test

ORACLES = Path(__file__).parents[3] / "shared" / "data" / "oracles"
needs_real_data = pytest.mark.skipif(not ORACLES.is_dir(), reason="real data not present")
# The data are in a local grid of small numbers, which would pass for degrees; a shift changes no distance.
EAST, NORTH = 400_000, 300_000


@needs_real_data
def test_knox_of_burkitts_lymphoma_in_west_nile():
    """Williams and others 1978, doi 10.1038/bjc.1978.16, as pointpats has it: 20 units and 5 days."""
    expected = json.loads((ORACLES / "burkitt" / "expected.json").read_text())["knox delta=20 tau=5"]
    cases = gpd.read_file(ORACLES / "burkitt" / "burkitt.shp")
    test = knox_test(
        cases["X"] + EAST,
        cases["Y"] + NORTH,
        cases["T"],
        within_m=20,
        within_days=5,
        seed=1,
        permutations=999,
    )
    assert test.statistic == expected["statistic"] == 13
    assert test.observed.tolist() == expected["observed"]
    # As printed by pointpats; the copy beside the data has lost a digit of the third (41.856139).
    printed = ["10.1438161", "3418.85618", "41.8561839", "14107.1438"]
    assert [f"{value:.9g}" for value in test.margin_expected.ravel()] == printed
    assert test.p_poisson == pytest.approx(expected["p_poisson"], rel=1e-9)
    # pointpats' 99 shufflings give 0.21; ours must be one that 99 could have given so.
    assert test.p == pytest.approx(expected["p_sim seed 12345, 99 perms"], abs=3 * (0.2 * 0.8 / 99) ** 0.5)


def test_knox_by_hand():
    """Five cases on a line: two pairs near in space, two near in time, one in both."""
    test = knox_test(
        [400_000, 400_010, 400_500, 400_510, 401_000],
        [300_000] * 5,
        [0, 2, 50, 100, 103],
        within_m=10,
        within_days=3,
        seed=1,
        permutations=99,
    )
    assert test.observed.tolist() == [[1, 1], [1, 7]]
    assert test.margin_expected.tolist() == [[0.4, 1.6], [1.6, 6.4]]
    assert test.p_poisson == pytest.approx(1 - 1.4 * 2.718281828459045**-0.4)

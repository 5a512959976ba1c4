"""Published answers for near repeats, for the accuracy of a surface and for displacement."""

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest

from placewise.geo.backtest import accuracy
from placewise.geo.displacement import (
    BeforeAfter,
    weighted_displacement_difference,
    weighted_displacement_quotient,
)
from placewise.geo.jacquez import jacquez_test
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


def paper(**options):
    return weighted_displacement_difference(
        BeforeAfter(207, 110),
        BeforeAfter(308, 318),
        buffer=BeforeAfter(178, 157),
        buffer_control=BeforeAfter(150, 140),
        **options,
    )


def test_weighted_displacement_difference_of_its_authors():
    """Wheeler and Ratcliffe 2018, doi 10.1186/s40163-018-0085-5 (CC BY)."""
    result = paper()
    assert result.estimate == -118
    assert result.se**2 == pytest.approx(1568)
    assert round(result.z, 2) == -2.98
    assert (round(result.low), round(result.high)) == (-196, -40)


def test_weighted_displacement_difference_with_sizes_as_in_ptools():
    result = weighted_displacement_difference(
        BeforeAfter(207, 110, 1.2),
        BeforeAfter(308, 318, 0.9),
        buffer=BeforeAfter(178, 157, 1.5),
        buffer_control=BeforeAfter(150, 140, 1.6),
    )
    assert result.estimate == pytest.approx(-99.69444444, abs=5e-9)
    assert result.se == pytest.approx(35.4280755, abs=5e-8)
    assert result.z == pytest.approx(-2.813995483, abs=5e-10)
    assert [result.low, result.high] == pytest.approx([-169.1321965, -30.25669241], abs=5e-8)


def test_weighted_displacement_difference_with_unequal_periods_and_another_confidence_as_in_ptools():
    twice = weighted_displacement_difference(
        BeforeAfter(80, 20), BeforeAfter(100, 50), before_days=2, after_days=1
    )
    assert (twice.estimate, twice.se**2) == (-20, pytest.approx(115))
    simple = weighted_displacement_difference(BeforeAfter(20, 10), BeforeAfter(20, 20), confidence=0.9)
    assert (simple.estimate, simple.se) == (-10, pytest.approx(8.3666, abs=5e-5))
    assert simple.z == pytest.approx(-1.195229, abs=5e-7)
    assert [simple.low, simple.high] == pytest.approx([-23.761833, 3.761833], abs=5e-7)


@needs_real_data
def test_weighted_displacement_differences_as_kept_with_their_source():
    kept = json.loads((ORACLES / "pai_wdd_wdq_expected.json").read_text())
    for name in ("WDD simple", "WDD paper"):
        case = kept[name]
        extra = {"buffer": "disp_treated", "buffer_control": "disp_control"} if "disp_treated" in case else {}
        result = weighted_displacement_difference(
            BeforeAfter(*case["treated"]),
            BeforeAfter(*case["control"]),
            **{ours: BeforeAfter(*case[theirs]) for ours, theirs in extra.items()},
        )
        assert result.estimate == case["Est_Total"]
        assert result.z == pytest.approx(case["Z"], abs=5e-3)


@pytest.mark.parametrize(
    ("treated", "buffer", "control", "gross", "net", "wdq", "total"),
    [
        ((100, 60), (50, 45), (200, 190), 40, 0.184, 0.071, 37.5),
        ((40, 24), (30, 33), (80, 76), 16, 0.184, -0.321, 9.5),
        ((100, 50), (100, 150), (100, 100), 50, 0.5, -1, 0),
    ],
)
def test_weighted_displacement_quotient_by_the_guides_formulas(
    treated, buffer, control, gross, net, wdq, total
):
    """POP Guide 10, appendix B, worked by hand; the last is the sign check of streetlamp's tests."""
    result = weighted_displacement_quotient(
        BeforeAfter(*treated), BeforeAfter(*buffer), BeforeAfter(*control)
    )
    assert result.gross_effect == gross
    assert result.net_effect == pytest.approx(net, abs=5e-4)
    assert result.wdq == pytest.approx(wdq, abs=5e-4)
    assert result.total_net_effect == pytest.approx(total)


@needs_real_data
def test_jacquez_of_burkitts_lymphoma_with_three_neighbours():
    """pointpats has 12, or 13 with another version of scipy: ties are broken by the order of the file."""
    cases = gpd.read_file(ORACLES / "burkitt" / "burkitt.shp")
    x, y, t = cases["X"] + EAST, cases["Y"] + NORTH, cases["T"]
    result = jacquez_test(x, y, t, k=3, seed=1, permutations=199)
    assert (result.certain, result.possible) == (11, 13)
    assert result.statistic == pytest.approx(12 + 1 / 3)
    assert result.p > 0.01
    # Far less than any gap between records, so that it settles nothing but ties.
    order = np.arange(len(cases)) * 1e-6
    settled = jacquez_test(x + order, y + 2 * order, t + order, k=3, seed=1, permutations=1)
    assert settled.statistic == settled.certain == settled.possible == 12


def test_predictive_accuracy_efficiency_and_recapture_as_in_ptools():
    result = accuracy([3, 2, 1], [6, 3, 0], [1, 1, 1], shares=[1 / 3, 2 / 3, 1])
    assert result.pai == pytest.approx([2, 1.5, 1])
    assert result.pei == pytest.approx([1, 1, 1])
    assert result.rri == pytest.approx([0.5, 0.5555555555555556, 0.6666666666666666])


@needs_real_data
def test_predictive_accuracy_efficiency_and_recapture_as_kept_with_their_source():
    kept = json.loads((ORACLES / "pai_wdd_wdq_expected.json").read_text())["PAI"]
    n = len(kept["area"])
    result = accuracy(kept["pred"], kept["obs"], kept["area"], shares=[(k + 1) / n for k in range(n)])
    assert result.pai == pytest.approx(kept["PAI"])
    assert result.pei == pytest.approx(kept["PEI"])
    assert result.rri == pytest.approx(kept["RRI"])


def test_twenty_of_a_hundred_events_in_a_twentieth_of_the_area_are_a_pai_of_four():
    """Chainey, Tompson and Uhlig 2008, doi 10.1057/palgrave.sj.8350066, by its definition."""
    assert accuracy([1, 0], [20, 80], [5, 95], shares=[0.05]).pai.tolist() == pytest.approx([4.0])

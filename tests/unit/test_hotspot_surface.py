"""The smoothed surface: how far it smooths, what it says of it, and what it refuses to draw."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import numpy as np
import pytest
import shapely

from placewise.geo.bandwidth import likelihood_bandwidth, silverman_bandwidth_m
from placewise.geo.density import kernel_density
from placewise.geo.hexgrid import hex_grid
from placewise.panel.hotspot_filter import SURFACE_CELL_M, read_filter
from placewise.panel.hotspot_records import mark_records
from placewise.panel.hotspot_surface import HELD_OUT, JUDGED_AMONG, smoothed, smoothing_of
from placewise.panel.hotspot_surface_words import smoothing_lines, spread_lines
from placewise.panel.hotspot_whereabouts import Shapes, terrain_of
from placewise.panel.hotspot_words import left_out, sentence
from placewise.panel.hotspots import Hotspots, Laid, count_records
from placewise.store.geography import Areas
from tests.unit.test_hotspots import CHOICES, X, Y, asked, columns, ground


def found(rows: list[dict[str, Any]], terrain: Shapes | None = None, **changes: Any) -> Hotspots:
    known = columns(*rows)
    wanted, here = asked(view="density", **changes), ground(held=known)
    records = mark_records(known, wanted, here)
    laid = Laid(wanted, here, records, hex_grid(here.frame, cell_width_m=250), children_known=True)
    return count_records(laid, terrain and terrain_of(records, here, terrain))


def cloud(n: int, *, spread_m: float = 200.0, seed: int = 1) -> list[dict[str, Any]]:
    spots = np.random.default_rng(seed).normal(0, spread_m, (n, 2)).clip(-1400, 1400)
    return [{"x": X + float(dx), "y": Y + float(dy)} for dx, dy in spots]


def said(picture: Hotspots) -> str:
    return " ".join(smoothing_lines(picture, smoothed(picture).smoothing))


def test_the_surface_is_the_kernel_density_of_the_records() -> None:
    picture = found(cloud(50), bandwidth="400", kernel="gaussian", edge="plain")
    (surface,) = smoothed(picture).surfaces
    at = picture.records.columns
    alone = kernel_density(
        at.x,
        at.y,
        grid=surface.grid,
        bandwidth_m=400,
        kernel="gaussian",
        edge="none",
        inside=np.isfinite(surface.values),
    )
    assert np.array_equal(surface.values, alone.values, equal_nan=True)


def test_correction_lifts_the_edge_and_only_the_edge() -> None:
    rows = [{"x": X + 1490}, {"x": X}]
    (plain,), (corrected,) = (smoothed(found(rows, edge=edge)).surfaces for edge in ("plain", "corrected"))
    middle = plain.values.shape[0] // 2
    assert corrected.values[middle, middle] == pytest.approx(plain.values[middle, middle])
    assert corrected.values[middle, -1] > 1.8 * plain.values[middle, -1] > 0


def test_silvermans_rule_says_what_it_chose_and_what_it_is_made_for() -> None:
    picture = found(cloud(200), bandwidth="silverman")
    at = picture.records.columns
    assert smoothing_of(picture).bandwidth_m == silverman_bandwidth_m(at.x, at.y)
    assert "Silverman’s rule chose 2" in said(picture)
    assert "one round cloud" in said(picture)


def test_the_records_choose_a_shorter_distance_where_they_have_two_centres() -> None:
    rows = [
        row | {"x": row["x"] + shift}
        for shift, seed in ((-900, 1), (900, 2))
        for row in cloud(100, spread_m=60, seed=seed)
    ]
    rule, judged = (smoothing_of(found(rows, bandwidth=b)) for b in ("silverman", "likelihood"))
    assert judged.bandwidth_m < rule.bandwidth_m / 2
    assert "Judged from 200 records." in said(found(rows, bandwidth="likelihood"))


def test_many_records_are_judged_by_a_sample_and_near_to_what_all_would_say() -> None:
    whole = cloud(3 * JUDGED_AMONG, spread_m=300)
    picture = found(whole, bandwidth="likelihood")
    judged = smoothing_of(picture)
    assert (judged.judged_among, judged.judged_of) == (JUDGED_AMONG, len(whole))
    at = picture.records.columns
    by_all = likelihood_bandwidth(at.x, at.y, seed=1, max_held_out=300)
    # The likelihood of one round cloud is flat about its best: two samples of one size differ as much.
    assert judged.bandwidth_m == pytest.approx(by_all.bandwidth_m, rel=0.3)
    assert f"{JUDGED_AMONG:,} of 6,000 records, drawn by lot" in said(picture)
    assert judged == smoothing_of(picture), "the same question has the same answer"
    assert HELD_OUT < JUDGED_AMONG


@pytest.mark.parametrize("rule", ["silverman", "likelihood"])
@pytest.mark.parametrize("rows", [[], [{}], [{}] * 30], ids=["none", "one", "all at one spot"])
def test_too_few_records_to_judge_by_are_said_to_be(rule: str, rows: list[dict[str, Any]]) -> None:
    picture = found(rows or [{"x": X + 9_000}], bandwidth=rule)
    assert smoothing_of(picture).bandwidth_m == 300
    assert "The usual distance is used instead." in said(picture)


@pytest.mark.parametrize(
    ("bandwidth", "used", "words"),
    [
        ("10", SURFACE_CELL_M, "10 m is less than one cell of the surface (25 m)"),
        ("50000", 3000.0, "50,000 m is more than the study area is long (3,000 m)"),
    ],
)
def test_a_distance_that_does_not_fit_is_mended_and_said(bandwidth: str, used: float, words: str) -> None:
    picture = found(cloud(20), bandwidth=bandwidth)
    assert smoothed(picture).smoothing.bandwidth_m == used
    assert words in said(picture)


def test_a_month_of_the_slider_is_smoothed_as_far_as_the_whole_period() -> None:
    rows = cloud(60)
    whole = smoothing_of(found(rows, bandwidth="likelihood"))
    assert smoothing_of(found(rows, bandwidth="likelihood", month="2026-01")) == whole


def test_any_whole_number_of_metres_may_be_asked_for() -> None:
    state, problems = read_filter({"bandwidth": ["0450"]}, CHOICES)
    assert (state.bandwidth, problems) == ("450", [])
    for wrong in ("0", "-5", "1e3", "9" * 40, "²"):
        state, problems = read_filter({"bandwidth": [wrong]}, CHOICES)
        assert state.bandwidth == "300"
        assert "whole number of metres" in problems[0].message


# --- Records that may have been elsewhere ---------------------------------------------------------

WARD = UUID(int=7)
AREA = {"accuracy": "ward", "radius_m": None, "area": WARD, "has_area": True, "x": np.nan, "y": np.nan}


def terrain(
    ward: shapely.Geometry | None = None, *, water: shapely.Geometry | None = None, streets: Any = ()
) -> Shapes:
    wards = [shapely.box(X - 1500, Y - 1500, X, Y + 1500) if ward is None else ward]
    return Shapes(
        Areas((WARD,), ("W1",), ("West",), np.array(wards, dtype=object)),
        np.array([] if water is None else [water], dtype=object),
        np.array(streets, dtype=object),
    )


def surface(picture: Hotspots) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Density and the centres of its cells, as (x, y, value) of equal shape."""
    (one,) = smoothed(picture).surfaces
    x, y = np.meshgrid(one.grid.x_m, one.grid.y_m)
    return x, y, np.nan_to_num(one.values)


def test_without_the_switch_a_ward_level_record_is_not_drawn() -> None:
    rows = [{}, AREA | {"x": X - 750.0, "y": Y, "radius_m": 2000.0}]
    assert smoothed(found(rows)).peak == smoothed(found([{}])).peak
    assert found(rows, imprecise="spread").accounted.too_coarse == 1, "no terrain was read: nothing is spread"


def test_a_ward_level_record_raises_its_ward_a_little_and_never_its_middle() -> None:
    centroid = AREA | {"x": X - 750.0, "y": Y, "radius_m": 2000.0}
    picture = found([centroid] * 40, terrain(), imprecise="spread", bandwidth="200")
    x, y, value = surface(picture)
    inside = (x < X - 250) & (np.abs(y - Y) < 1250) & (x > X - 1250)
    # 40 records over 4.5 km².
    assert value[inside] == pytest.approx(40 / 4.5, rel=0.03)
    assert value[x > X + 250].max() == 0
    assert picture.accounted.spread == 40
    assert smoothed(picture).rough_share == pytest.approx(1)


def test_a_ward_is_spread_over_without_its_water() -> None:
    lake = shapely.box(X - 1500, Y, X, Y + 1500)
    x, y, value = surface(found([AREA] * 10, terrain(water=lake), imprecise="spread", bandwidth="200"))
    assert value[y > Y + 250].max() == 0
    dry = (x < X - 250) & (x > X - 1250) & (y < Y - 250) & (y > Y - 1250)
    assert value[dry] == pytest.approx(10 / 2.25, rel=0.03)


def test_a_wide_circle_is_spread_over_and_a_narrow_one_hardly() -> None:
    wide = {"accuracy": "neighbourhood", "radius_m": 1000.0}
    x, y, value = surface(found([wide] * 30, terrain(), imprecise="spread", bandwidth="200"))
    away = np.hypot(x - X, y - Y)
    assert value[away < 700] == pytest.approx(30 / np.pi, rel=0.15)
    assert value[away > 1250].max() == 0
    exact, point = (smoothed(found([{}], t, imprecise="spread")).peak for t in (terrain(), None))
    assert exact == pytest.approx(point)


def test_a_street_record_lies_along_its_street() -> None:
    street = shapely.LineString([(X - 600, Y), (X + 600, Y)])
    on_street = {"accuracy": "street", "radius_m": 100.0}
    picture = found([on_street] * 6, terrain(streets=[street]), imprecise="spread", bandwidth="200")
    x, y, value = surface(picture)
    along = value[(np.abs(y - Y) < 13) & (np.abs(x - X) < 350)]
    assert along.min() > 0.9 * along.max()
    assert value[(np.abs(y - Y) < 13) & (np.abs(x - X) > 850)].max() == 0
    assert "6 along their street" in " ".join(spread_lines(picture, smoothed(picture)))


def test_what_is_known_of_nowhere_is_counted_and_said() -> None:
    unknown = AREA | {"area": UUID(int=9)}
    flooded = shapely.box(X - 1500, Y - 1500, X, Y + 1500)
    for rows, shapes in (([{}, unknown], terrain()), ([{}, AREA], terrain(water=flooded))):
        picture = found(rows, shapes, imprecise="spread")
        assert (picture.accounted.spread, picture.accounted.too_coarse) == (0, 1)
        assert any("to no ward or circle" in line for line in left_out(picture))


def test_found_there_is_not_harm_even_when_it_is_spread() -> None:
    picture = found([AREA | {"relation": "found_there"}], terrain(), imprecise="spread")
    assert smoothed(picture).peak == 0
    assert picture.accounted.other_relation == 1


def test_the_legend_says_how_much_of_the_picture_is_known_only_roughly() -> None:
    picture = found([{}] * 3 + [AREA], terrain(), imprecise="spread", edge="plain")
    made = smoothed(picture)
    assert made.rough_share == pytest.approx(0.25, abs=0.02)
    (said, *_) = spread_lines(picture, made)
    assert said.startswith("24% of what is drawn comes from 1 record known only roughly.")
    assert "4 records are on the map" in sentence(picture)
    assert "and 1 known only roughly, spread over where it may have been." in sentence(picture)

"""Records spread over where they may have been: nothing lost, nothing in the water, no false peak."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from placewise.core.errors import BadBandwidth, MissingValue, TooFewRecords, WrongCRS
from placewise.geo.density import SquareGrid, cells_inside, kernel_density
from placewise.geo.hexgrid import hex_grid
from placewise.geo.spread import (
    cell_shares,
    joined,
    spread_along_lines,
    spread_over_areas,
    spread_over_discs,
    spread_points,
)
from placewise.geo.uncertainty import uncertain_density

EAST, NORTH = 540000.0, 180000.0
GRID = SquareGrid(EAST, NORTH, 50.0, rows=60, columns=80)
WARDS = gpd.GeoSeries(
    [shapely.box(EAST + i * 2000, NORTH, EAST + (i + 1) * 2000, NORTH + 3000) for i in range(2)], crs=27700
)
RIVER = gpd.GeoSeries([shapely.box(EAST + 800, NORTH, EAST + 1200, NORTH + 3000)], crs=27700)


def test_a_disc_is_filled_evenly_to_its_edge_and_not_beyond():
    spread = spread_over_discs([EAST], [NORTH], [300.0], spacing_m=10)
    away = np.hypot(spread.x - EAST, spread.y - NORTH)
    assert spread.weight.sum() == pytest.approx(1)
    assert away.max() <= 300
    for radius in (75, 150, 225):
        assert spread.weight[away <= radius].sum() == pytest.approx((radius / 300) ** 2, abs=0.005)
    # An even disc: mean at its centre, variance r²/4 on either axis.
    assert (spread.weight @ spread.x, spread.weight @ spread.y) == pytest.approx((EAST, NORTH), abs=0.5)
    assert spread.weight @ (spread.x - EAST) ** 2 == pytest.approx(300**2 / 4, rel=0.01)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32), st.integers(0, 12))
def test_every_record_is_spread_whole(seed, n):
    rng = np.random.default_rng(seed)
    x, y, radius = EAST + rng.random(n) * 900, NORTH + rng.random(n) * 900, rng.integers(0, 4, n) * 60.0
    spread = spread_over_discs(x, y, radius, spacing_m=25)
    assert spread.weight.sum() == pytest.approx(n)
    assert (spread.n_records, spread.n_nowhere) == (n, 0)
    assert np.isin(np.column_stack([x, y])[radius == 0], np.column_stack([spread.x, spread.y])).all()


def test_a_disc_half_in_the_water_lies_on_its_dry_half_and_a_drowned_one_nowhere():
    land = gpd.GeoSeries([shapely.box(EAST, NORTH - 500, EAST + 500, NORTH + 500)], crs=27700)
    spread = spread_over_discs([EAST, EAST - 900], [NORTH, NORTH], [200.0, 100.0], spacing_m=20, land=land)
    assert spread.x.min() > EAST
    assert spread.weight.sum() == pytest.approx(1)
    assert (spread.n_records, spread.n_nowhere) == (2, 1)


def test_a_vast_radius_does_not_ask_for_a_vast_number_of_points():
    assert spread_over_discs([EAST], [NORTH], [50_000.0], spacing_m=10).x.size == 4096


def test_a_segment_is_filled_evenly_by_all_its_records():
    bent = shapely.LineString([(EAST, NORTH), (EAST + 300, NORTH), (EAST + 300, NORTH + 100)])
    point = shapely.LineString([(EAST, NORTH), (EAST, NORTH)])
    lines = gpd.GeoSeries([bent, point, bent], crs=27700)
    spread = spread_along_lines(lines, [0, 0, 0, 1, -1], spacing_m=10)
    assert (spread.n_records, spread.n_nowhere) == (5, 2)
    assert spread.weight.sum() == pytest.approx(3)
    assert spread.weight[spread.y > NORTH].sum() == pytest.approx(3 / 4)
    assert shapely.distance(bent, shapely.points(spread.x, spread.y)).max() < 1e-6


def slow_shares(areas, cells, water):
    shares = {}
    for i, area in enumerate(areas):
        land = area.difference(water)
        for j, cell in enumerate(cells):
            if (overlap := land.intersection(cell).area) > 0:
                shares[i, j] = overlap / land.area
    return shares


def test_a_ward_minus_water_is_shared_among_hexagons_by_area():
    cells = hex_grid(WARDS, cell_width_m=700).frame().geometry.to_numpy()
    shares = cell_shares(WARDS, cells, water=RIVER)
    slow = slow_shares(WARDS, cells, RIVER.iloc[0])
    fast = dict(zip(zip(shares.area.tolist(), shares.cell.tolist(), strict=True), shares.share, strict=True))
    assert {key for key in fast if fast[key] > 1e-9} == {key for key in slow if slow[key] > 1e-9}
    assert all(fast[key] == pytest.approx(slow[key]) for key in slow if slow[key] > 1e-9)
    assert np.bincount(shares.area, shares.share) == pytest.approx([1, 1])


def test_records_known_to_a_ward_fill_its_land_and_what_is_off_the_grid_is_told():
    spread = spread_over_areas(WARDS, [0] * 6 + [1, 1, -1], grid=GRID, water=RIVER)
    assert spread.n_records == 9
    assert spread.n_nowhere == pytest.approx(1)
    assert spread.weight.sum() == pytest.approx(8)
    assert not ((spread.x > EAST + 800) & (spread.x < EAST + 1200)).any()
    first = spread.x < EAST + 2000
    assert spread.weight[first].sum() == pytest.approx(6)
    assert spread.weight[first] == pytest.approx(6 / first.sum())
    narrow = SquareGrid(EAST, NORTH, 50.0, rows=30, columns=80)  # the southern half
    half = spread_over_areas(WARDS, [0] * 6, grid=narrow)
    assert (half.weight.sum(), half.n_nowhere) == (pytest.approx(3), pytest.approx(3))


def test_no_area_known_is_nowhere():
    spread = spread_over_areas(WARDS, [-1, -1], grid=GRID)
    assert (spread.n_records, spread.n_nowhere, spread.x.size) == (2, 2, 0)


def planted(n=200, ward_only=0.4, seed=0):
    """A park with a third of the records among even ones; 40% known to the ward only, kept at its middle."""
    rng = np.random.default_rng(seed)
    x, y = EAST + rng.random(n) * 2000, NORTH + rng.random(n) * 3000
    park = rng.random(n) < 1 / 3
    x[park], y[park] = EAST + 500 + rng.normal(0, 60, park.sum()), NORTH + 700 + rng.normal(0, 60, park.sum())
    vague = rng.random(n) < ward_only
    return x, y, vague


def value_at(surface, x, y):
    row, column = int((y - NORTH) // 50), int((x - EAST) // 50)
    return surface[row, column]


def test_the_park_is_found_and_the_middle_of_the_ward_is_no_hotspot():
    x, y, vague = planted()
    naive_x, naive_y = np.where(vague, EAST + 1000, x), np.where(vague, NORTH + 1500, y)
    naive = kernel_density(naive_x, naive_y, grid=GRID, bandwidth_m=300).values
    middle = EAST + 1000, NORTH + 1500
    assert value_at(naive, *middle) == pytest.approx(naive.max(), rel=0.05)  # the artefact
    result = uncertain_density(
        spread_points(x[~vague], y[~vague]),
        spread_over_areas(WARDS, np.zeros(vague.sum(), dtype=int), grid=GRID),
        grid=GRID,
        bandwidth_m=300,
    )
    surface = result.everything.values
    row, column = np.unravel_index(surface.argmax(), surface.shape)
    assert np.hypot(GRID.x_m[column] - EAST - 500, GRID.y_m[row] - NORTH - 700) < 100
    assert value_at(surface, *middle) < 0.3 * surface.max()
    assert value_at(result.imprecise_share, EAST + 500, NORTH + 700) < 0.2
    assert value_at(result.imprecise_share, *middle) > value_at(
        result.imprecise_share, EAST + 500, NORTH + 700
    )
    assert result.precise.n == (~vague).sum()
    assert result.everything.n == 200


def test_the_imprecise_share_of_all_is_the_share_of_records():
    inside = cells_inside(WARDS, GRID)
    x, y = EAST + 500 + np.arange(30.0), NORTH + 1500 + np.arange(30.0)
    result = uncertain_density(
        spread_points(x, y),
        spread_over_discs(x[:10] + 900, y[:10], np.full(10, 250.0), spacing_m=25),
        grid=GRID,
        bandwidth_m=200,
        inside=inside,
    )
    assert result.imprecise_of_all == pytest.approx(0.25, abs=0.002)
    assert np.nanmin(result.imprecise_share) == 0
    assert np.nanmax(result.imprecise_share) == pytest.approx(1)
    total = result.everything.values
    assert np.isnan(result.imprecise_share[total == 0]).all()
    assert result.everything.n_outside == 0


def test_nothing_at_all_is_an_empty_surface():
    nothing = spread_points([], [])
    result = uncertain_density(nothing, nothing, grid=GRID, bandwidth_m=200)
    assert result.everything.values.max() == 0
    assert np.isnan(result.imprecise_of_all)
    assert np.isnan(result.imprecise_share).all()


def test_parts_outside_the_area_are_counted():
    inside = cells_inside(WARDS.iloc[:1], GRID)
    half_out = spread_over_discs(
        np.full(40, EAST + 2000), np.full(40, NORTH + 1500), np.full(40, 400.0), spacing_m=20
    )
    result = uncertain_density(
        spread_points([EAST + 10], [NORTH + 10]), half_out, grid=GRID, bandwidth_m=200, inside=inside
    )
    assert (result.everything.n, result.everything.n_outside) == (41, 20)


def test_kinds_of_spread_are_put_together():
    both = joined(spread_points([EAST], [NORTH]), spread_over_areas(WARDS, [0, -1], grid=GRID, water=RIVER))
    assert (both.n_records, both.n_nowhere) == (3, pytest.approx(1))
    assert both.weight.sum() == pytest.approx(2)


def test_what_makes_no_place_is_refused():
    with pytest.raises(MissingValue, match="accuracy radii"):
        spread_over_discs([EAST], [NORTH], [np.nan], spacing_m=10)
    with pytest.raises(MissingValue):
        spread_over_discs([EAST], [NORTH], [-1.0], spacing_m=10)
    with pytest.raises(WrongCRS):
        spread_over_discs([0.1], [51.5], [100.0], spacing_m=10)
    with pytest.raises(ValueError, match="2 accuracy radii for 1"):
        spread_over_discs([EAST], [NORTH], [1.0, 2.0], spacing_m=10)
    with pytest.raises(ValueError, match="spacing_m"):
        spread_over_discs([EAST], [NORTH], [1.0], spacing_m=0)
    with pytest.raises(WrongCRS):
        spread_over_areas(WARDS.set_crs(4326, allow_override=True), [0], grid=GRID)
    with pytest.raises(WrongCRS):
        cell_shares(WARDS, WARDS.to_numpy(), water=RIVER.set_crs(4326, allow_override=True))
    with pytest.raises(TooFewRecords, match="all water"):
        cell_shares(WARDS, WARDS.to_numpy(), water=WARDS.iloc[:1])
    with pytest.raises(IndexError):
        spread_over_areas(WARDS, [2], grid=GRID)
    with pytest.raises(MissingValue, match="whole numbers"):
        spread_over_areas(WARDS, [0.5], grid=GRID)
    with pytest.raises(BadBandwidth):
        uncertain_density(spread_points([EAST], [NORTH]), spread_points([], []), grid=GRID, bandwidth_m=20)


def test_inputs_are_not_modified():
    x = np.full(3, EAST)
    radius = np.array([0.0, 50, 100])
    before = radius.copy()
    spread_over_discs(x, x - EAST + NORTH, radius, spacing_m=10, land=WARDS)
    assert (radius == before).all()
    assert WARDS.area.tolist() == [6e6, 6e6]

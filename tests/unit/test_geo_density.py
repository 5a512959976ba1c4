"""The density surface, against a loop over every record and cell."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from placewise.core.errors import BadBandwidth, MissingValue, TooFewRecords
from placewise.geo import kernels
from placewise.geo.bands import band_levels, density_bands
from placewise.geo.density import (
    DensitySurface,
    SquareGrid,
    cells_inside,
    kernel_density,
    square_grid,
)

EAST, NORTH = 540000.0, 180000.0
GRID = SquareGrid(EAST, NORTH, 50.0, rows=24, columns=30)
# Largest error over the peak that docs/methods.md states, by bandwidth in metres (six cells, and twelve, from which
# on the quartic's bins are no finer than the cells): many records at one badly placed spot, and records spread out.
ERRORS = {300: (2e-3, 5e-4), 600: (4e-3, 2e-3)}
# RMSE over the mean at the fewest spots that are binned: more spots, less error.
ERROR_OF_THE_MEAN = 2e-3


def slow_density(x, y, grid, bandwidth_m, kernel, weights=None):
    """The slow twin: kernels in metres, one record at a time."""
    centre_x, centre_y = np.meshgrid(grid.x_m, grid.y_m)
    values = np.zeros((grid.rows, grid.columns))
    for px, py, w in zip(x, y, np.ones(len(x)) if weights is None else weights, strict=True):
        squared = ((centre_x - px) ** 2 + (centre_y - py) ** 2) / bandwidth_m**2
        if kernel == "quartic":
            values += w * 3 / (np.pi * bandwidth_m**2) * np.maximum(1 - squared, 0) ** 2
        else:
            values += w / (2 * np.pi * bandwidth_m**2) * np.exp(-squared / 2)
    return values * 1e6


def points(n, seed=0, spill_m=400.0):
    """Points over the grid and some way beyond it, a third of them snapped to a few spots."""
    rng = np.random.default_rng(seed)
    x = EAST - spill_m + rng.random(n) * (30 * 50 + 2 * spill_m)
    y = NORTH - spill_m + rng.random(n) * (24 * 50 + 2 * spill_m)
    snapped = rng.random(n) < 1 / 3
    x[snapped], y[snapped] = EAST + 525.0, NORTH + 410.0
    return x, y


@pytest.mark.parametrize("kernel", ["quartic", "gaussian"])
@pytest.mark.parametrize("bandwidth_m", [50.0, 60.0, 149.0, 300.0, 1700.0])
def test_the_surface_of_few_records_is_exact(kernel, bandwidth_m):
    x, y = points(120)
    surface = kernel_density(x, y, grid=GRID, bandwidth_m=bandwidth_m, kernel=kernel)
    # Records beyond five deviations from the grid are not looked at.
    assert surface.values == pytest.approx(slow_density(x, y, GRID, bandwidth_m, kernel), rel=1e-9, abs=1e-4)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32), st.floats(50, 400))
def test_the_quartic_surface_is_exact_with_weights(seed, bandwidth_m):
    x, y = points(15, seed)
    weights = np.random.default_rng(seed).random(15)
    surface = kernel_density(x, y, grid=GRID, bandwidth_m=bandwidth_m, weights=weights)
    assert surface.values == pytest.approx(
        slow_density(x, y, GRID, bandwidth_m, "quartic", weights), abs=1e-8
    )


@pytest.mark.parametrize("kernel", ["gaussian", "quartic"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("bandwidth_m", ERRORS)
def test_the_fast_surfaces_are_as_close_as_stated(monkeypatch, kernel, weighted, bandwidth_m):
    monkeypatch.setattr(kernels, "exact_spots", lambda *_: 0)
    x, y = points(3000)
    spread_out = (x != EAST + 525.0) | (y != NORTH + 410.0)
    weights = np.random.default_rng(1).random(3000) if weighted else np.ones(3000)
    for part, limit in zip((~spread_out, spread_out), ERRORS[bandwidth_m], strict=True):
        given = weights[part] if weighted else None
        surface = kernel_density(
            x[part], y[part], grid=GRID, bandwidth_m=bandwidth_m, kernel=kernel, weights=given
        )
        exact = slow_density(x[part], y[part], GRID, bandwidth_m, kernel, weights[part])
        assert np.abs(surface.values - exact).max() / exact.max() < limit


def snapped_points(n, *, cells, seed=0):
    """Points in cells from the corner: 40% at 500 snapped spots, 60% around 30 places, thinning out from the middle."""
    rng = np.random.default_rng(seed)
    snaps, places = rng.normal(cells / 2, cells / 5, (500, 2)), rng.uniform(0, cells, (30, 2))
    near_places = places[rng.integers(30, size=n)] + rng.normal(0, 2, (n, 2))
    spots = np.where(rng.random((n, 1)) < 0.4, snaps[rng.integers(500, size=n)], near_places)
    return spots.clip(0, cells - 1e-6).T


@pytest.mark.parametrize("bandwidth", [5.0, 6.0, 11.0, 12.0, 16.0, 40.0])
def test_where_binning_takes_over_from_the_exact_sum_its_error_is_as_small_as_stated(bandwidth):
    shape = (100, 100)
    u, v = snapped_points(30_000, cells=100)
    n = int(np.argmax(np.cumsum(first_at_spot(u, v)) > kernels.exact_spots("quartic", shape, bandwidth))) + 1
    assert 100 < n < 30_000

    def both(some):
        surface = kernels.smooth_points(
            u[:some], v[:some], None, shape=shape, bandwidth=bandwidth, kernel="quartic"
        )
        return surface, kernels.quartic_exact(u[:some], v[:some], np.ones(some), shape, bandwidth)

    quick, exact = both(n)
    assert 0 < np.sqrt(np.mean((quick - exact) ** 2)) / exact.mean() < ERROR_OF_THE_MEAN
    assert quick[exact == 0].max(initial=0.0) < 1e-3 * quick.max()
    assert np.allclose(*both(n - 1), rtol=1e-9, atol=1e-12)


def first_at_spot(u, v):
    first = np.zeros(u.size, dtype=bool)
    first[np.unique(u + 1j * v, return_index=True)[1]] = True
    return first


def test_a_bandwidth_narrow_for_bins_is_summed_exactly_for_many_more_spots():
    u, v = np.random.default_rng(0).uniform(0, 40, (2, 60_000))
    quick = kernels.smooth_points(u, v, None, shape=(40, 40), bandwidth=2.0, kernel="quartic")
    assert np.allclose(quick, kernels.quartic_exact(u, v, np.ones(60_000), (40, 40), 2.0), rtol=1e-9)


@pytest.mark.parametrize("kernel", ["gaussian", "quartic"])
@pytest.mark.parametrize("exact_spots", [0, 50_000])
def test_the_surface_adds_up_to_the_number_of_records(monkeypatch, kernel, exact_spots):
    monkeypatch.setattr(kernels, "exact_spots", lambda *_: exact_spots)
    grid = SquareGrid(EAST, NORTH, 50.0, rows=60, columns=60)
    x, y = EAST + 1400 + 200 * np.random.default_rng(0).random((2, 57)) + [[0], [NORTH - EAST]]
    surface = kernel_density(x, y, grid=grid, bandwidth_m=250, kernel=kernel)
    assert surface.values.sum() * 50**2 / 1e6 == pytest.approx(57, rel=2e-3)
    assert (surface.n, surface.n_outside) == (57, 0)


def test_records_just_beyond_the_grid_reach_into_it_and_far_ones_do_not():
    reaching = kernel_density([EAST - 100], [NORTH + 25], grid=GRID, bandwidth_m=300)
    far = kernel_density([EAST - 5000], [NORTH + 25], grid=GRID, bandwidth_m=300)
    assert reaching.values[0, 0] > 0
    assert far.values.max() == 0


def test_an_even_field_is_flat_to_the_edge_once_edges_are_corrected():
    boundary = gpd.GeoSeries([shapely.box(EAST, NORTH, EAST + 1500, NORTH + 1200)], crs=27700)
    inside = cells_inside(boundary, GRID)
    x, y = (a.ravel() for a in np.meshgrid(GRID.x_m, GRID.y_m))
    for kernel in ("quartic", "gaussian"):
        plain = kernel_density(x, y, grid=GRID, bandwidth_m=200, kernel=kernel).values
        mended = kernel_density(x, y, grid=GRID, bandwidth_m=200, kernel=kernel, inside=inside).values
        assert plain[0, 0] < 0.5 * 400
        assert mended == pytest.approx(np.full(GRID[3:], 400.0), rel=0.02)  # one a cell of 1/400 km²


@pytest.mark.parametrize("kernel", ["gaussian", "quartic"])
def test_the_conserving_correction_loses_no_record_at_the_edge_and_none_loses_some(kernel):
    triangle = shapely.Polygon([(EAST, NORTH), (EAST + 1500, NORTH), (EAST, NORTH + 1200)])
    inside = cells_inside(gpd.GeoSeries([triangle], crs=27700), GRID)
    row, column = np.nonzero(inside)
    pick = np.random.default_rng(0).choice(row.size, 80, replace=False)
    x, y = GRID.x_m[column[pick]], GRID.y_m[row[pick]]
    mass = {
        edge: np.nansum(
            kernel_density(x, y, grid=GRID, bandwidth_m=200, kernel=kernel, inside=inside, edge=edge).values
        )
        * 50**2
        / 1e6
        for edge in ("conserving", "none")
    }
    assert mass["conserving"] == pytest.approx(80, rel=2e-3)
    assert mass["none"] < 75


def test_with_a_boundary_outside_is_nan_and_records_there_are_counted():
    triangle = shapely.Polygon([(EAST, NORTH), (EAST + 1500, NORTH), (EAST, NORTH + 1200)])
    inside = cells_inside(gpd.GeoSeries([triangle], crs=27700), GRID)
    x, y = [EAST + 200, EAST + 1450, EAST - 900], [NORTH + 200, NORTH + 1150, NORTH]
    surface = kernel_density(x, y, grid=GRID, bandwidth_m=300, inside=inside)
    assert (surface.n, surface.n_outside) == (1, 2)
    assert np.array_equal(np.isnan(surface.values), ~inside)


def test_the_square_grid_covers_the_boundary_on_round_corners():
    boundary = gpd.GeoSeries([shapely.box(540012.5, 179999.0, 541987.0, 181001.0)], crs=27700)
    grid = square_grid(boundary, cell_m=50)
    a, _, c, _, e, f = grid.transform
    assert (c, f) == (540000.0, 179950.0)
    assert c + a * grid.columns == 542000.0
    assert f + e * grid.rows == 181050.0


def test_an_empty_boundary_is_refused():
    with pytest.raises(TooFewRecords):
        square_grid(gpd.GeoSeries([], crs=27700), cell_m=50)


@pytest.mark.parametrize("bandwidth_m", [0.0, -300.0, 49.9, float("nan"), float("inf")])
def test_bandwidths_the_grid_cannot_carry_are_refused(bandwidth_m):
    with pytest.raises(BadBandwidth, match="50 m"):
        kernel_density([EAST], [NORTH], grid=GRID, bandwidth_m=bandwidth_m)


def test_a_bandwidth_longer_than_the_borough_is_refused():
    inside = np.zeros((24, 30), dtype=bool)
    inside[3:10, 4:12] = True  # 350 m by 400 m
    with pytest.raises(BadBandwidth, match="400 m"):
        kernel_density([EAST + 300], [NORTH + 300], grid=GRID, bandwidth_m=401, inside=inside)
    assert kernel_density([EAST + 300], [NORTH + 300], grid=GRID, bandwidth_m=400, inside=inside).n == 1


def test_a_boundary_without_cells_leaves_every_record_out():
    inside = np.zeros((24, 30), dtype=bool)
    surface = kernel_density([EAST + 300], [NORTH + 300], grid=GRID, bandwidth_m=400, inside=inside)
    assert (surface.n, surface.n_outside) == (0, 1)
    assert np.isnan(surface.values).all()


@pytest.mark.parametrize("weight", [np.nan, -1.0])
def test_missing_and_negative_weights_are_refused(weight):
    with pytest.raises(MissingValue, match="weights"):
        kernel_density([EAST], [NORTH], grid=GRID, bandwidth_m=100, weights=[weight])


def test_unknown_kernels_and_shapes_are_refused():
    with pytest.raises(ValueError, match="quartic or gaussian"):
        kernel_density([EAST], [NORTH], grid=GRID, bandwidth_m=100, kernel="tophat")
    with pytest.raises(ValueError, match="uniform, conserving or none"):
        kernel_density([EAST], [NORTH], grid=GRID, bandwidth_m=100, edge="mirror")
    with pytest.raises(ValueError, match="linear or cubic"):
        kernel_density([EAST], [NORTH], grid=GRID, bandwidth_m=100, binning="nearest")
    with pytest.raises(ValueError, match="2 weights for 1"):
        kernel_density([EAST], [NORTH], grid=GRID, bandwidth_m=100, weights=[1.0, 1.0])
    with pytest.raises(ValueError, match="inside has shape"):
        kernel_density([EAST], [NORTH], grid=GRID, bandwidth_m=100, inside=np.ones((2, 2), dtype=bool))


def test_inputs_are_not_modified_and_the_surface_is_the_same_every_time():
    x, y = points(200)
    before = x.copy(), y.copy()
    first, second = (kernel_density(x, y, grid=GRID, bandwidth_m=150).values for _ in range(2))
    assert (x == before[0]).all()
    assert (y == before[1]).all()
    assert np.array_equal(first, second)


def test_no_records_give_a_surface_of_nought():
    for kernel in ("quartic", "gaussian"):
        assert kernel_density([], [], grid=GRID, bandwidth_m=150, kernel=kernel).values.max() == 0


@pytest.mark.parametrize("rule", ["equal", "quantile"])
def test_bands_hold_exactly_the_cells_of_their_values(rule):
    x, y = points(60, spill_m=0)
    surface = kernel_density(x, y, grid=GRID, bandwidth_m=200)
    levels = band_levels(surface, rule=rule)
    bands = density_bands(surface, levels=levels)
    assert bands.crs == "EPSG:27700"
    assert bands.geometry.is_valid.all()
    assert bands["from_per_km2"].tolist() == [levels[b] for b in bands["band"]]
    centre_x, centre_y = (a.ravel() for a in np.meshgrid(GRID.x_m, GRID.y_m))
    for row in bands.itertuples():
        expected = (surface.values >= row.from_per_km2) & (surface.values < row.to_per_km2)
        assert np.array_equal(shapely.contains_xy(row.geometry, centre_x, centre_y), expected.ravel())
        assert row.geometry.area == pytest.approx(expected.sum() * 50**2)


def test_bands_have_holes_where_the_surface_dips_and_survive_corners_that_touch():
    values = np.array([[5.0, 5, 5, 0], [5, 0, 5, 0], [5, 5, 0, 5], [0, 0, 5, 5]])
    grid = SquareGrid(EAST, NORTH, 50.0, rows=4, columns=4)
    bands = density_bands(DensitySurface(values, grid, 50.0, "quartic", 1, 0), levels=[1.0])
    (shape,) = bands.geometry
    assert shape.is_valid
    assert shape.area == 10 * 50**2
    assert not shape.contains(shapely.Point(EAST + 75, NORTH + 75))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32))
def test_bands_of_any_pattern_are_valid_and_hold_their_cells(seed):
    values = np.random.default_rng(seed).integers(0, 4, (7, 6)).astype(float)
    grid = SquareGrid(EAST, NORTH, 50.0, rows=7, columns=6)
    bands = density_bands(DensitySurface(values, grid, 50.0, "quartic", 1, 0), levels=[1.0, 2.0, 3.0])
    centre_x, centre_y = np.meshgrid(grid.x_m, grid.y_m)
    assert bands.geometry.is_valid.all()
    for row in bands.itertuples():
        assert np.array_equal(shapely.contains_xy(row.geometry, centre_x, centre_y), values == row.band + 1)


def test_equal_bands_step_up_from_above_nought_to_the_peak():
    surface = DensitySurface(np.array([[0.0, np.nan, 10.0]]), GRID, 100.0, "quartic", 1, 0)
    assert band_levels(surface, n_bands=5).tolist() == [2.0, 4.0, 6.0, 8.0]


def test_an_empty_surface_has_no_bands():
    surface = kernel_density([], [], grid=GRID, bandwidth_m=150)
    with pytest.raises(TooFewRecords):
        band_levels(surface)


@pytest.mark.parametrize("levels", [[], [0.0, 1.0], [2.0, 1.0], [1.0, 1.0]])
def test_levels_must_ascend_from_above_nought(levels):
    surface = kernel_density([EAST], [NORTH], grid=GRID, bandwidth_m=150)
    with pytest.raises(ValueError, match="ascending"):
        density_bands(surface, levels=levels)

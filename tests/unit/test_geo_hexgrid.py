"""The hexagonal lattice: fixed, seamless, and the nearest centre always wins."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from placewise.core.errors import TooFewCells
from placewise.geo.hexgrid import (
    cells_of_points,
    centres_of_cells,
    hex_grid,
    pack_cell,
    polygons_of_cells,
    unpack_cell,
)

EAST, NORTH = 540000.0, 180000.0
EASTINGS = st.floats(0, 700_000, allow_nan=False)
NORTHINGS = st.floats(0, 1_300_000, allow_nan=False)
WIDTHS = st.sampled_from([10.0, 50.0, 107.5, 250.0, 500.0, 3000.0])


def box(width_m: float, height_m: float) -> gpd.GeoSeries:
    return gpd.GeoSeries([shapely.box(EAST, NORTH, EAST + width_m, NORTH + height_m)], crs="EPSG:27700")


def nearest_centre_distance(x: float, y: float, width: float) -> float:
    """The slow twin: look at every centre near the point."""
    row = round(y / (width * np.sqrt(3) / 2))
    column = round(x / width - row / 2)
    q, r = (a.ravel() for a in np.meshgrid(column + np.arange(-3, 4), row + np.arange(-3, 4)))
    centre_x, centre_y = width * (q + r / 2), width * np.sqrt(3) / 2 * r
    return float(np.hypot(centre_x - x, centre_y - y).min())


@settings(deadline=None)
@given(EASTINGS, NORTHINGS, WIDTHS)
def test_a_point_goes_to_the_nearest_centre(x, y, width):
    x, y = x + 200, y + 200
    cell = cells_of_points([x], [y], cell_width_m=width)
    centre_x, centre_y = centres_of_cells(cell, cell_width_m=width)
    assert np.hypot(centre_x[0] - x, centre_y[0] - y) - nearest_centre_distance(x, y, width) < 1e-7


@settings(deadline=None)
@given(st.integers(-500_000, 500_000), st.integers(-500_000, 500_000))
def test_an_id_unpacks_to_its_coordinates_and_fits_javascript(q, r):
    cell = pack_cell(q, r)
    assert 0 <= int(cell) < 2**53
    assert [int(a) for a in unpack_cell(cell)] == [q, r]


@settings(deadline=None)
@given(st.lists(st.tuples(EASTINGS, NORTHINGS), min_size=1, max_size=30), WIDTHS, st.randoms())
def test_a_point_keeps_its_cell_whatever_other_points_come_with_it(points, width, random):
    points = [(x + 200, y + 200) for x, y in points]
    together = cells_of_points(*zip(*points, strict=True), cell_width_m=width)
    order = list(range(len(points)))
    random.shuffle(order)
    shuffled = cells_of_points(*zip(*[points[i] for i in order], strict=True), cell_width_m=width)
    assert shuffled.tolist() == [together[i] for i in order]


def test_a_long_array_agrees_with_its_points_taken_singly():
    rng = np.random.default_rng(3)
    x, y = EAST + rng.random(70_000) * 9000, NORTH + rng.random(70_000) * 9000
    cell = cells_of_points(x, y, cell_width_m=250)
    for i in rng.integers(0, x.size, 200):
        assert cells_of_points([x[i]], [y[i]], cell_width_m=250)[0] == cell[i]


def test_a_point_exactly_on_an_edge_always_goes_to_the_same_cell():
    edge_x, edge_y = 250.0 * (2000 + 0.5), 0.0  # half-way between two centres of row 0
    alone = cells_of_points([edge_x], [edge_y], cell_width_m=250)
    many = cells_of_points([edge_x] * 1001, [edge_y] * 1001, cell_width_m=250)
    assert set(many.tolist()) == set(alone.tolist())


def test_the_same_place_is_the_same_cell_in_every_study_area():
    small, large = hex_grid(box(2000, 2000), cell_width_m=250), hex_grid(box(9000, 5000), cell_width_m=250)
    assert set(small.cell) < set(large.cell)


def test_cells_are_regular_hexagons_of_the_stated_width():
    hexagon = polygons_of_cells(pack_cell([2160], [800]), cell_width_m=250)[0]
    x_low, y_low, x_high, y_high = hexagon.bounds
    corners = np.array(hexagon.exterior.coords)
    sides = np.hypot(*np.diff(corners, axis=0).T)
    assert x_high - x_low == pytest.approx(250)
    assert y_high - y_low == pytest.approx(250 * 2 / np.sqrt(3))
    assert sides == pytest.approx(250 / np.sqrt(3))
    assert hexagon.is_valid
    assert shapely.area(hexagon) == pytest.approx(np.sqrt(3) / 2 * 250**2)


def test_neighbouring_cells_share_corners_to_the_bit():
    grid = hex_grid(box(3000, 3000), cell_width_m=107.5)
    assert shapely.coverage_is_valid(grid.frame().geometry.to_numpy())


def test_a_cell_contains_the_points_it_is_given():
    rng = np.random.default_rng(1)
    x, y = EAST + rng.random(2000) * 3000, NORTH + rng.random(2000) * 3000
    hexagons = polygons_of_cells(cells_of_points(x, y, cell_width_m=250), cell_width_m=250)
    assert shapely.distance(hexagons, shapely.points(x, y)).max() < 1e-6


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32))
def test_no_point_inside_the_boundary_falls_outside_the_grid(seed):
    rng = np.random.default_rng(seed)
    corners = rng.random((8, 2)) * 3000 + [EAST, NORTH]
    hull = shapely.convex_hull(shapely.multipoints(corners))
    boundary = gpd.GeoSeries([hull], crs=27700)
    grid = hex_grid(boundary, cell_width_m=500)
    x, y = (rng.random((2, 300)) * 3000) + [[EAST], [NORTH]]
    inside = shapely.contains_xy(hull, x, y)
    assert (grid.locate(x[inside], y[inside]) >= 0).all()


def test_shares_inside_add_up_to_the_boundary():
    ring = shapely.Point(EAST, NORTH).buffer(3000).difference(shapely.Point(EAST, NORTH).buffer(900))
    grid = hex_grid(gpd.GeoSeries([ring], crs=27700), cell_width_m=250)
    assert (grid.share_inside * np.sqrt(3) / 2 * 250**2).sum() == pytest.approx(ring.area)
    assert grid.share_inside.min() > 0
    assert grid.share_inside.max() == 1


def test_a_boundary_along_a_cell_edge_takes_in_no_cell_across_it():
    one = polygons_of_cells(pack_cell([2160], [800]), cell_width_m=250)
    grid = hex_grid(gpd.GeoSeries(one, crs=27700), cell_width_m=250)
    assert grid.cell.tolist() == pack_cell([2160], [800]).tolist()


def test_by_centre_keeps_exactly_the_cells_whose_centre_is_inside():
    boundary = box(4000, 3000)
    every, by_centre = (
        hex_grid(boundary, cell_width_m=500),
        hex_grid(boundary, cell_width_m=500, include="centre"),
    )
    x, y = centres_of_cells(every.cell, cell_width_m=500)
    inside = (x > EAST) & (x < EAST + 4000) & (y > NORTH) & (y < NORTH + 3000)
    assert by_centre.cell.tolist() == every.cell[inside].tolist()
    assert by_centre.n_cells < every.n_cells


def test_points_far_outside_have_no_position():
    grid = hex_grid(box(2000, 2000), cell_width_m=500)
    assert grid.locate([0.0, EAST - 9000, 690_000.0], [0.0, NORTH, 1_200_000.0]).tolist() == [-1, -1, -1]


def test_neighbours_are_the_cells_one_width_away():
    grid = hex_grid(box(3000, 3000), cell_width_m=500)
    x, y = centres_of_cells(grid.cell, cell_width_m=500)
    distance = np.hypot(x[:, None] - x, y[:, None] - y)
    indptr, indices = grid.adjacency
    for i in range(grid.n_cells):
        assert (
            indices[indptr[i] : indptr[i + 1]].tolist()
            == np.flatnonzero(np.abs(distance[i] - 500) < 1).tolist()
        )
    assert grid.adjacency.degree.max() == 6


def test_the_frame_says_its_crs_and_keeps_the_order_of_positions():
    grid = hex_grid(box(2000, 2000), cell_width_m=500)
    frame = grid.frame()
    centre = shapely.centroid(frame.geometry.to_numpy())
    assert frame.crs == "EPSG:27700"
    assert grid.locate(shapely.get_x(centre), shapely.get_y(centre)).tolist() == list(range(grid.n_cells))


def test_the_boundary_is_not_modified():
    boundary = gpd.GeoDataFrame({"name": ["a"]}, geometry=box(2000, 2000).geometry, crs=27700)
    before = boundary.copy(deep=True)
    hex_grid(boundary, cell_width_m=500)
    assert boundary.equals(before)
    assert boundary.crs == before.crs


def test_an_empty_boundary_is_refused():
    with pytest.raises(TooFewCells):
        hex_grid(gpd.GeoSeries([], crs=27700), cell_width_m=500)


def test_a_boundary_between_centres_is_refused_by_centre():
    with pytest.raises(TooFewCells, match="smaller cell width"):
        hex_grid(box(30, 30), cell_width_m=5000, include="centre")


@pytest.mark.parametrize("width", [0.0, -5.0, 9.0, float("nan")])
def test_widths_too_small_for_the_ids_are_refused(width):
    with pytest.raises(ValueError, match="at least 10 metres"):
        cells_of_points([EAST], [NORTH], cell_width_m=width)

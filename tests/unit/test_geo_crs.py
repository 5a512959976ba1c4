"""The gate for coordinates: degrees, gaps and guesses are refused."""

import geopandas as gpd
import numpy as np
import pytest
import shapely

from placewise.core.errors import MissingValue, PlacewiseError, WrongCRS
from placewise.geo.crs import require_british_grid, require_coordinates, require_counts
from placewise.geo.density import SquareGrid, cells_inside, kernel_density, square_grid
from placewise.geo.hexgrid import cells_of_points, hex_grid

LONDON_DEGREES = gpd.GeoSeries([shapely.box(-0.1, 51.4, 0.1, 51.6)], crs="EPSG:4326")
NO_CRS = gpd.GeoSeries([shapely.box(540000, 180000, 541000, 181000)])
GRID = SquareGrid(540000.0, 180000.0, 50.0, rows=4, columns=4)


@pytest.mark.parametrize("crs", [None, "EPSG:4326", "EPSG:3857", "EPSG:29903"])
def test_only_the_british_national_grid_is_accepted(crs):
    with pytest.raises(WrongCRS):
        require_british_grid(crs)


def test_the_british_national_grid_is_accepted_as_an_object_or_a_name():
    require_british_grid(NO_CRS.set_crs(27700).crs)
    require_british_grid("EPSG:27700")


@pytest.mark.parametrize("boundary", [LONDON_DEGREES, NO_CRS], ids=["degrees", "no crs"])
@pytest.mark.parametrize(
    "use",
    [
        lambda b: hex_grid(b, cell_width_m=500),
        lambda b: square_grid(b, cell_m=50),
        lambda b: cells_inside(b, GRID),
    ],
    ids=["hex_grid", "square_grid", "cells_inside"],
)
def test_every_function_that_takes_a_boundary_refuses_degrees_and_no_crs(boundary, use):
    with pytest.raises(WrongCRS):
        use(boundary)


@pytest.mark.parametrize(
    "use",
    [
        lambda x, y: cells_of_points(x, y, cell_width_m=500),
        lambda x, y: kernel_density(x, y, grid=GRID, bandwidth_m=200),
    ],
    ids=["cells_of_points", "kernel_density"],
)
def test_arrays_that_can_only_be_degrees_are_refused(use):
    with pytest.raises(WrongCRS, match="longitude and latitude"):
        use([-0.1, 0.05], [51.5, 51.6])


def test_one_point_in_metres_shows_that_the_layer_is_not_degrees():
    require_coordinates([100.0, 540000.0], [50.0, 180000.0])


@pytest.mark.parametrize("gap", [np.nan, np.inf, -np.inf])
def test_missing_coordinates_are_counted_in_the_message(gap):
    with pytest.raises(MissingValue, match="2 of 3"):
        require_coordinates([540000.0, gap, 1.0], [gap, 180000.0, 1.0])


def test_opposite_infinities_do_not_cancel():
    with pytest.raises(MissingValue, match="2 of 2"):
        require_coordinates([np.inf, -np.inf], [180000.0, 180000.0])


def test_no_records_are_fine():
    x, y = require_coordinates([], [])
    assert x.size == y.size == 0


@pytest.mark.parametrize(("x", "y"), [([1.0], [1.0, 2.0]), ([[1.0]], [[1.0]])])
def test_arrays_of_other_shapes_are_refused(x, y):
    with pytest.raises(ValueError, match="one-dimensional"):
        require_coordinates(x, y)


def test_values_too_large_to_add_up_are_no_gaps():
    far = [1.7e308, 1.7e308]
    assert require_coordinates(far, far)[0].tolist() == far


@pytest.mark.parametrize("bad", [np.nan, np.inf, -1.0])
def test_counts_must_be_finite_and_not_negative(bad):
    with pytest.raises(MissingValue, match="1 of 2 counts"):
        require_counts([3.0, bad])


def test_its_errors_may_be_shown_to_a_user():
    assert issubclass(WrongCRS, PlacewiseError)
    assert issubclass(MissingValue, PlacewiseError)

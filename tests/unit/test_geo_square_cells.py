"""Square cells: the same frame as hexagons, on a lattice of whole multiples of the width."""

import geopandas as gpd
import numpy as np
import pytest
import shapely

from placewise.core.errors import MissingValue, TooFewCells, WrongCRS
from placewise.geo.cells import pack_cell, unpack_cell
from placewise.geo.density import SquareGrid
from placewise.geo.hexgrid import hex_grid
from placewise.geo.square_cells import square_cells
from placewise.geo.squares import square_adjacency

BLOB = gpd.GeoSeries([shapely.Point(540_130, 180_070).buffer(900)], crs=27700)


def test_every_point_inside_is_in_the_square_that_holds_it():
    grid = square_cells(BLOB, cell_width_m=250)
    rng = np.random.default_rng(1)
    x, y = 540_130 + rng.uniform(-1200, 1200, 500), 180_070 + rng.uniform(-1200, 1200, 500)
    at = grid.locate(x, y)
    shapes = grid.polygons()
    for px, py, cell in zip(x, y, at, strict=True):
        holders = np.flatnonzero(shapely.contains_xy(shapes, px, py))
        assert holders.tolist() == ([] if cell < 0 else [cell])
    inside = shapely.contains_xy(BLOB.iloc[0], x, y)
    assert (at[inside] >= 0).all()


def test_shares_add_up_to_the_area():
    grid = square_cells(BLOB, cell_width_m=250)
    assert (grid.share_inside * grid.cell_area_m2).sum() == pytest.approx(BLOB.area.iloc[0])


def test_the_same_spot_has_the_same_name_whatever_the_map_shows():
    small, large = (square_cells(BLOB.buffer(by), cell_width_m=250) for by in (0, 3000))
    names = [int(grid.cell[grid.locate([540_000.0], [180_000.0])[0]]) for grid in (small, large)]
    assert names[0] == names[1]
    assert [int(number[0]) for number in unpack_cell([names[0]])] == [540_000 // 250, 180_000 // 250]


def test_neighbours_are_the_eight_around():
    boundary = gpd.GeoSeries([shapely.box(540_000, 180_000, 541_250, 181_000)], crs=27700)
    grid = square_cells(boundary, cell_width_m=250)
    x, y = grid.centres(np.arange(grid.n_cells))
    near = np.maximum(np.abs(x[:, None] - x), np.abs(y[:, None] - y)) < 1.1 * 250
    for cell in range(grid.n_cells):
        around = grid.adjacency.indices[grid.adjacency.indptr[cell] : grid.adjacency.indptr[cell + 1]]
        assert sorted(around.tolist()) == [
            other for other in np.flatnonzero(near[cell]).tolist() if other != cell
        ]
    assert grid.adjacency.degree.sum() == square_adjacency_pairs(rows=4, columns=5)


def square_adjacency_pairs(*, rows: int, columns: int) -> int:
    return int(square_adjacency(SquareGrid(0.0, 0.0, 250.0, rows, columns)).degree.sum())


@pytest.mark.parametrize("lay", [hex_grid, square_cells])
def test_a_corner_lies_as_far_off_as_the_grid_says_and_steps_point_where_they_say(lay):
    grid = lay(BLOB, cell_width_m=250)
    (x,), (y,) = grid.centres(np.array([0]))
    corners = shapely.get_coordinates(grid.polygons()[0])
    assert np.hypot(corners[:, 0] - x, corners[:, 1] - y) == pytest.approx(grid.corner_m)
    assert shapely.area(grid.polygons()[0]) == pytest.approx(grid.cell_area_m2)
    middle = int(
        np.argmin(np.hypot(*np.subtract(grid.centres(np.arange(grid.n_cells)), [[540_130], [180_070]])))
    )
    q, r = unpack_cell(grid.cell[[middle]])
    for where, (dq, dr) in grid.neighbours.items():
        beside = np.array([grid.positions(pack_cell(q + dq, r + dr))[0]])
        dx, dy = np.subtract(grid.centres(beside), grid.centres(np.array([middle])))[:, 0]
        said = where.lower()
        assert ("north" in said) == (dy > 1)
        assert ("south" in said) == (dy < -1)
        assert ("east" in said) == (dx > 1)
        assert ("west" in said) == (dx < -1)


def test_degrees_missing_values_and_an_empty_boundary_are_refused():
    grid = square_cells(BLOB, cell_width_m=250)
    with pytest.raises(MissingValue):
        grid.locate([np.nan], [180_000.0])
    with pytest.raises(WrongCRS):
        square_cells(BLOB.to_crs(4326), cell_width_m=250)
    with pytest.raises(TooFewCells):
        square_cells(gpd.GeoSeries([], crs=27700), cell_width_m=250)

"""Metres of street in each cell, against exact intersections."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from placewise.core.errors import WrongCRS
from placewise.geo.hexgrid import hex_grid
from placewise.geo.street_lengths import PIECE_M, street_lengths

AREA = gpd.GeoSeries([shapely.box(540_000, 180_000, 542_000, 182_000)], crs="EPSG:27700")
GRID = hex_grid(AREA, cell_width_m=250)


def test_lengths_are_those_of_the_intersections() -> None:
    rng = np.random.default_rng(4)
    ends = rng.uniform([540_000, 180_000], [542_000, 182_000], size=(40, 2, 2))
    streets = np.array([shapely.MultiLineString([pair, pair + 30]) for pair in ends], dtype=object)
    hexagons = GRID.frame().geometry.to_numpy()
    exact = np.array([shapely.length(shapely.intersection(hexagon, streets)).sum() for hexagon in hexagons])
    crossings = np.array([shapely.intersects(hexagon.boundary, streets).sum() for hexagon in hexagons])
    assert np.all(np.abs(street_lengths(streets, GRID) - exact) <= PIECE_M * 2 * crossings + 1e-6)
    assert street_lengths(streets, GRID).sum() == pytest.approx(exact.sum(), rel=0.005)


def test_no_street_is_no_length_and_streets_far_away_are_not_counted() -> None:
    far = shapely.LineString([(100_000, 100_000), (100_500, 100_000)])
    assert street_lengths([], GRID).tolist() == [0.0] * GRID.n_cells
    assert street_lengths([far], GRID).sum() == 0


def test_degrees_are_refused() -> None:
    with pytest.raises(WrongCRS):
        street_lengths([shapely.LineString([(0.1, 51.5), (0.2, 51.5)])], GRID)

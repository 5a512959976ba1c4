"""Ordnance Survey's published OSTN15 test points, and the worked example of its guide."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from placewise.store.osgb import (
    geometries_to_grid,
    geometries_to_lonlat,
    mercator_to_lonlat,
    to_grid,
    to_lonlat,
)

#: Easting, northing, ETRS89 latitude, longitude: from OSTN15_OSGM15_TestFiles (Ordnance Survey, OGL).
POINTS = np.array(
    [
        (91492.146, 11318.804, 49.92226393730, -6.29977752014),  # St Mary's, Scilly
        (250359.811, 62016.569, 50.43885825610, -4.10864563561),  # Plymouth
        (449816.371, 75335.861, 50.57563665000, -1.29782277240),  # Isle of Wight
        (438710.920, 114792.250, 50.93127937910, -1.45051433700),  # Southampton
        (639821.835, 169565.858, 51.37447025550, 1.44454730409),  # North Foreland
        (530624.974, 178388.464, 51.48936564950, -0.11992557180),  # London
        (389544.190, 261912.153, 52.25529381630, -2.15458614387),  # Worcester
        (422242.186, 433818.701, 53.80021519630, -1.66379168242),  # Leeds
        (424639.355, 565012.703, 54.97912273660, -1.61657685184),  # Newcastle
        (227778.330, 468847.388, 54.08666318080, -4.63452168212),  # Isle of Man
    ]
)
X, Y, LAT, LON = POINTS.T


def test_degrees_become_grid_metres_within_two_centimetres() -> None:
    x, y = to_grid(LON, LAT)
    assert np.hypot(x - X, y - Y).max() <= 0.02


def test_grid_metres_become_degrees_again() -> None:
    lon, lat = to_lonlat(X, Y)
    assert np.abs(lon - LON).max() < 2e-7
    assert np.abs(lat - LAT).max() < 2e-7


def test_there_and_back_agree_to_a_millimetre_over_the_country() -> None:
    generator = np.random.default_rng(15)
    lon, lat = generator.uniform(-4, 0.5, 5_000), generator.uniform(50.8, 55, 5_000)
    x, y = to_grid(*to_lonlat(*to_grid(lon, lat)))
    there = to_grid(lon, lat)
    assert np.hypot(x - there[0], y - there[1]).max() < 0.001


def test_points_that_ostn15_does_not_reach_are_nan_in_both() -> None:
    x, y = to_grid([0.0, -0.1, np.nan, 2.4], [0.0, 51.5, 51.5, 48.9])
    assert np.isnan(x).tolist() == np.isnan(y).tolist() == [True, False, True, True]


def test_geometries_are_transformed_vertex_by_vertex() -> None:
    line = shapely.LineString(list(zip(LON[:3], LAT[:3], strict=True)))
    shapes = np.array([line, shapely.Point(LON[7], LAT[7]), None], dtype=object)
    there = geometries_to_grid(shapes)
    assert shapely.get_coordinates(there) == pytest.approx(np.c_[X, Y][[0, 1, 2, 7]], abs=0.02)
    back = geometries_to_lonlat(there)
    assert shapely.get_coordinates(back) == pytest.approx(shapely.get_coordinates(shapes), abs=2e-7)


def test_web_mercator_is_undone() -> None:
    lon, lat = mercator_to_lonlat([-14204.3], [6711542.5])
    assert (lon[0], lat[0]) == pytest.approx((-0.1276, 51.5074), abs=1e-5)

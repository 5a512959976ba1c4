"""Separate areas without boundaries: where records lie together, and what a few far ones must not do."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from placewise.geo.hexgrid import hex_grid
from placewise.panel.hotspot_parts import HULL_MARGIN_M, Parts, find_parts
from placewise.store.geography import grid_series
from placewise.web.maps import FURTHEST_ZOOM, MIN_ZOOM, zoom_to_hold

LONDON, LEEDS = (540_000.0, 184_000.0), (430_000.0, 435_000.0)


def city(centre: tuple[float, float], n: int, *, radius_m: float = 4000.0, seed: int = 1) -> np.ndarray:
    chance = np.random.default_rng(seed)
    return np.asarray(centre) + chance.uniform(-radius_m, radius_m, (n, 2))


def parts_of(*places: np.ndarray) -> Parts:
    x, y = np.concatenate(places).T
    return find_parts(x, y)


def hull_km2(points: np.ndarray) -> float:
    return (
        float(shapely.area(shapely.buffer(shapely.convex_hull(shapely.multipoints(points)), HULL_MARGIN_M)))
        / 1e6
    )


def test_one_city_has_one_part_and_the_hull_of_its_records() -> None:
    here = city(LONDON, 500)
    found = parts_of(here)
    assert found.n.tolist() == [500]
    assert float(shapely.area(found.area)) / 1e6 == pytest.approx(hull_km2(here))
    assert (
        found.source
        == "the outline of the records, 250 m beyond the outermost, because no boundary is imported"
    )


def test_two_cities_have_an_outline_each_and_no_land_between() -> None:
    london, leeds = city(LONDON, 200), city(LEEDS, 500, seed=2)
    found = parts_of(london, leeds)
    assert found.n.tolist() == [500, 200], "most records first"
    assert float(shapely.area(found.area)) / 1e6 == pytest.approx(hull_km2(london) + hull_km2(leeds))
    assert found.of(*london.T).tolist() == [1] * 200
    assert found.apart_m(np.array([0, 1])) == pytest.approx(np.hypot(110_000, 251_000), rel=0.01)
    assert "the 2 outlines of the records, one each area" in found.source
    assert "the land between is left out" in found.source


def test_many_cities_are_all_found_and_every_record_is_in_the_study_area() -> None:
    places = [
        city((300_000 + 40_000 * i, 200_000 + 40_000 * j), 20 + i + 5 * j) for i in range(5) for j in range(5)
    ]
    found = parts_of(*places)
    assert found.n.tolist() == sorted((len(p) for p in places), reverse=True)
    points = np.concatenate(places)
    assert shapely.contains_xy(found.area, points).all()


def test_places_in_touching_squares_are_one_area_corners_included() -> None:
    corner = np.array([[409_900.0, 309_900.0], [410_100.0, 310_100.0]])
    assert parts_of(corner).n.tolist() == [2]
    assert parts_of(corner, corner[1:] + np.array([0, 19_800])).n.tolist() == [3]
    assert parts_of(corner, corner[1:] + np.array([0, 20_000])).n.tolist() == [2, 1]


def test_a_stray_record_keeps_its_place_but_is_no_area() -> None:
    here, stray = city(LONDON, 500), np.array([[LONDON[0], LONDON[1] + 500_000]])
    found = parts_of(here, stray)
    assert found.is_area.tolist() == [True, False]
    disc_km2 = np.pi * (HULL_MARGIN_M / 1000) ** 2
    assert float(shapely.area(found.area)) / 1e6 - hull_km2(here) == pytest.approx(disc_km2, rel=0.02)
    assert found.furthest_m(np.array([1]), np.array([0])) == pytest.approx(500_000, rel=0.01)
    assert "the outline of the records, 250 m beyond the outermost, and 250 m around 1 far" in found.source


def test_a_few_strays_of_one_county_do_not_make_the_county_a_study_area() -> None:
    strays = np.array([[200_100.0, 100_100.0], [218_000.0, 118_000.0], [209_000.0, 109_000.0]])
    found = parts_of(city(LONDON, 500), strays)
    assert found.n.tolist() == [500, 3]
    assert float(shapely.area(found.outlines[1])) / 1e6 < 0.6


def test_where_all_are_few_each_is_an_area() -> None:
    found = parts_of(np.array([LONDON]), np.array([LEEDS]))
    assert found.is_area.all()


def test_the_grid_of_two_cities_is_their_two_grids_and_finds_every_neighbour() -> None:
    found = parts_of(city(LONDON, 300), city(LEEDS, 300, seed=2))
    both = hex_grid(grid_series(found.area), cell_width_m=150)
    one, other = (hex_grid(grid_series(outline), cell_width_m=150) for outline in found.outlines)
    assert both.cell.tolist() == sorted([*one.cell.tolist(), *other.cell.tolist()])
    assert both.adjacency.indices.size == one.adjacency.indices.size + other.adjacency.indices.size
    assert both.positions(both.cell).tolist() == list(range(both.n_cells))
    assert both.locate([LONDON[0], 480_000.0], [LONDON[1], 300_000.0]).tolist()[1] == -1


def test_one_can_zoom_out_until_a_small_screen_holds_all() -> None:
    assert zoom_to_hold([(-0.02, 51.5), (0.08, 51.56)]) == MIN_ZOOM
    assert FURTHEST_ZOOM < zoom_to_hold([(-1.8, 51.5), (0.1, 53.9)]) < MIN_ZOOM
    assert zoom_to_hold([(-8.0, 49.8), (2.0, 61.0)]) == FURTHEST_ZOOM
    assert zoom_to_hold([(0.1, 51.5), (0.1, 51.5)]) == MIN_ZOOM

"""The fictional borough is whole, plausible and nowhere that anyone lives."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from convertbng.cutil import convert_bng, convert_lonlat
from shapely.geometry import Polygon

from fixtures.borough import Borough, build_borough
from fixtures.residents import LEAST, MOST, draw_residents


@pytest.fixture(scope="module")
def borough() -> Borough:
    return build_borough(20260514)


def _areas(borough: Borough, kind: str) -> list[shapely.Geometry]:
    return [area.shape for area in borough.areas if area.kind == kind]


def test_the_borough_has_ten_wards_sixty_lsoas_twelve_msoas_and_one_authority(borough: Borough) -> None:
    counts = {kind: len(_areas(borough, kind)) for kind in ("ward", "lsoa", "msoa", "local_authority")}

    assert counts == {"ward": 10, "lsoa": 60, "msoa": 12, "local_authority": 1}


@pytest.mark.parametrize("kind", ["ward", "lsoa", "msoa"])
def test_areas_of_one_kind_cover_the_borough_once(borough: Borough, kind: str) -> None:
    parts = _areas(borough, kind)
    whole = _areas(borough, "local_authority")[0]

    assert sum(part.area for part in parts) == pytest.approx(whole.area)
    assert shapely.union_all(parts).symmetric_difference(whole).area < 1.0


def test_every_area_is_one_valid_piece(borough: Borough) -> None:
    assert all(isinstance(area.shape, Polygon) and area.shape.is_valid for area in borough.areas)


def test_lsoas_nest_in_wards(borough: Borough) -> None:
    wards = _areas(borough, "ward")

    for lsoa in _areas(borough, "lsoa"):
        assert max(ward.intersection(lsoa).area for ward in wards) == pytest.approx(lsoa.area)


def test_area_codes_are_unique_and_fictional(borough: Borough) -> None:
    codes = [area.code for area in borough.areas]

    assert len(set(codes)) == len(codes)
    assert all(code.startswith("F") and len(code) == 9 for code in codes)


def test_no_ward_spans_the_river(borough: Borough) -> None:
    inside = [
        ward.buffer(-30.0).intersection(borough.terrain.river_line).length for ward in _areas(borough, "ward")
    ]

    assert max(inside) == 0.0


def test_the_river_is_crossed_by_three_road_bridges_and_nothing_else(borough: Borough) -> None:
    crossings = [
        len(shapely.get_parts(street.line.intersection(borough.terrain.river_line)))
        for street in borough.streets
        if street.line.crosses(borough.terrain.river_line)
    ]

    assert sum(crossings) == 3
    assert not any(
        street.line.intersects(borough.terrain.river)
        for street in borough.streets
        if street.street_class == "minor"
    )


def test_no_street_name_is_given_twice(borough: Borough) -> None:
    names = [street.name for street in borough.streets if street.street_class != "path"]

    assert len(names) > 1000
    assert len(set(names)) == len(names)


def test_streets_do_not_form_a_plain_grid(borough: Borough) -> None:
    headings = []
    for street in borough.streets:
        (x0, y0), (x1, y1) = street.line.coords[0], street.line.coords[-1]
        headings.append(np.degrees(np.arctan2(y1 - y0, x1 - x0)) % 90)
    share, _ = np.histogram(headings, bins=9, range=(0, 90))

    # In a grid nearly all streets would lie in one or two of these nine sectors.
    assert share.max() / len(headings) < 0.25


def test_the_base_map_has_every_kind_of_feature(borough: Borough) -> None:
    kinds = [feature.kind for feature in borough.features]

    assert set(kinds) == {
        "park",
        "water",
        "railway",
        "school",
        "station",
        "shop",
        "health",
        "youth",
        "police_station",
    }
    assert kinds.count("park") == 5
    assert kinds.count("station") == 2
    assert kinds.count("police_station") == 1


def test_the_borough_stands_on_open_sea_inside_the_ostn15_grid(borough: Borough) -> None:
    x, y = shapely.get_coordinates(borough.terrain.outline).T
    longitudes, latitudes = convert_lonlat(x.copy(), y.copy())
    back_x, back_y = convert_bng(longitudes, latitudes)

    assert np.abs(back_x - x).max() < 0.02
    assert np.abs(back_y - y).max() < 0.02
    # The Norfolk coast reaches no farther north than 53.0 degrees; Lincolnshire ends west of 0.4.
    assert latitudes.min() > 53.05
    assert longitudes.min() > 0.8


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_another_seed_gives_another_sound_borough(seed: int) -> None:
    other = build_borough(seed)

    assert len(other.areas) == 83
    assert len(other.streets) > 1000


def test_as_many_people_live_in_each_area_as_in_england_and_they_add_up(borough: Borough) -> None:
    residents = draw_residents(20260514, borough.areas)
    of_kind = {
        kind: [n for area, n in zip(borough.areas, residents, strict=True) if area.kind == kind]
        for kind in ("lsoa", "ward", "msoa", "local_authority")
    }

    assert all(LEAST <= n <= MOST for n in of_kind["lsoa"])
    assert len(set(of_kind["lsoa"])) > 50
    assert 80_000 < of_kind["local_authority"][0] < 120_000
    assert {sum(of_kind[kind]) for kind in of_kind} == {of_kind["local_authority"][0]}
    assert draw_residents(1, borough.areas) != residents

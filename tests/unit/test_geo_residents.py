"""Residents shared out over cells: by land, all of them, and never in degrees."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from placewise.core.errors import MissingValue, WrongCRS
from placewise.geo.hexgrid import hex_grid
from placewise.geo.intervals import apart_by_chance, poisson_interval
from placewise.geo.residents import residents_per_cell

X, Y = 540_000.0, 180_000.0
AREAS = gpd.GeoSeries(
    [shapely.box(X, Y, X + 700, Y + 1000), shapely.box(X + 700, Y, X + 1500, Y + 1000)], crs=27700
)


def test_cells_that_cover_the_areas_hold_everybody() -> None:
    grid = hex_grid(AREAS, cell_width_m=150)
    assert residents_per_cell(AREAS, [1300, 2100], grid.polygons()).sum() == pytest.approx(3400)


def test_fast_shares_are_those_of_cutting_every_cell_with_every_area() -> None:
    cells = hex_grid(AREAS, cell_width_m=250).polygons()
    slow = [
        sum(n * cell.intersection(area).area / area.area for n, area in zip([1300, 2100], AREAS, strict=True))
        for cell in cells
    ]
    assert residents_per_cell(AREAS, [1300, 2100], cells) == pytest.approx(slow)


def test_nobody_lives_on_water_and_the_land_has_them_all() -> None:
    cells = shapely.box([X, X + 350], Y, [X + 350, X + 700], Y + 1000)
    water = np.array([shapely.box(X + 350, Y, X + 700, Y + 1000)])
    assert residents_per_cell(AREAS[:1], [1300], cells, water=water).tolist() == [1300, 0]


def test_an_area_that_is_all_water_keeps_its_residents() -> None:
    water = np.array([shapely.box(X - 1, Y - 1, X + 701, Y + 1001)])
    cells = shapely.box([X, X + 350], Y, [X + 350, X + 700], Y + 1000)
    assert residents_per_cell(AREAS[:1], [1300], cells, water=water).tolist() == [650, 650]


@pytest.mark.parametrize("residents", [[-1, 5], [np.nan, 5]])
def test_residents_that_cannot_be_are_refused(residents: list[float]) -> None:
    with pytest.raises(MissingValue):
        residents_per_cell(AREAS, residents, np.array([AREAS[0]]))


def test_degrees_and_a_number_too_few_are_refused() -> None:
    with pytest.raises(WrongCRS):
        residents_per_cell(AREAS.set_crs(4326, allow_override=True), [1, 2], np.array([AREAS[0]]))
    with pytest.raises(ValueError, match="1 numbers of residents for 2 areas"):
        residents_per_cell(AREAS, [1], np.array([AREAS[0]]))


@pytest.mark.parametrize("average", [0.05, 1.0, 3.6, 3.8, 25.0])
def test_as_many_counts_lie_apart_by_chance_as_their_probabilities_say(average: float) -> None:
    counts = np.arange(200)
    low, high = poisson_interval(counts)
    log_factorial = np.cumsum(np.log(np.maximum(counts, 1)))
    chance = np.exp(counts * np.log(average) - average - log_factorial)
    slow = chance[(low > average) | (high < average)].sum()
    assert apart_by_chance([average] * 3) == pytest.approx(3 * slow, abs=1e-12)

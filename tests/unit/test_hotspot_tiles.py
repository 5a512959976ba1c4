"""Counts by tile: every record once on every zoom, at edges, in heaps and when there is nothing at all."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from placewise.core.errors import BadRequest, NotFound
from placewise.panel.hotspot_tiles import CLOSEST_ZOOM, FINEST_ZOOM, PointTiles, point_tiles
from placewise.web.hotspot_dots import as_json
from placewise.web.maps import MAX_ZOOM

MONTHS = ["2026-01", "2026-02", "2026-03"]
LON, LAT = 0.0187, 51.5013


def tile_at(lon: float, lat: float, zoom: int) -> tuple[float, float]:
    """The published formula of web map tiles, before rounding down."""
    n = 2**zoom
    return (lon + 180) / 360 * n, (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * n


def corner(zoom: int, column: float, row: float) -> tuple[float, float]:
    """Longitude and latitude of a tile's north-west corner."""
    n = 2**zoom
    return column / n * 360 - 180, math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * row / n))))


def made(lon, lat, month=None) -> PointTiles:
    lon, lat = np.atleast_1d(np.asarray(lon, dtype=float)), np.atleast_1d(np.asarray(lat, dtype=float))
    return point_tiles(lon, lat, np.zeros(lon.size, dtype=np.int64) if month is None else month, MONTHS)


def scattered(n: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    lon, lat = rng.normal(LON, 0.05, n), rng.normal(LAT, 0.03, n)
    lon[: n // 3], lat[: n // 3] = np.round(lon[: n // 3], 3), np.round(lat[: n // 3], 3)
    return lon, lat, rng.integers(0, len(MONTHS), n)


def every_tile(tiles: PointTiles, lon, lat, zoom: int, month: str | None = None) -> dict:
    """Count of each square of a zoom as (column, row) of the squares, over a frame a tile wider than the records."""
    spots = [tile_at(x, y, zoom) for x, y in zip(lon, lat, strict=True)]
    columns, rows = zip(*spots, strict=True)
    found: dict[tuple[int, int], int] = {}
    for column in range(max(0, int(min(columns)) - 1), min(2**zoom, int(max(columns)) + 2)):
        for row in range(max(0, int(min(rows)) - 1), min(2**zoom, int(max(rows)) + 2)):
            tile = tiles.tile(zoom, column, row, month)
            for square, count in zip(tile.square.tolist(), tile.count.tolist(), strict=True):
                down, across = divmod(square, tile.side)
                found[column * tile.side + across, row * tile.side + down] = count
    return found


@pytest.mark.parametrize("zoom", [0, 5, 9, 12, 14, 15])
def test_each_zoom_counts_every_record_once_where_it_is(zoom):
    lon, lat, month = scattered(3_000)
    tiles = made(lon, lat, month)
    side = 64 if zoom <= FINEST_ZOOM else 64 >> (zoom - FINEST_ZOOM)
    expected = Counter(
        (math.floor(x * side), math.floor(y * side))
        for x, y in (tile_at(a, b, zoom) for a, b in zip(lon, lat, strict=True))
    )
    assert every_tile(tiles, lon, lat, zoom) == expected


@pytest.mark.parametrize("zoom", [8, 13, 15])
def test_the_months_add_up_to_the_period(zoom):
    lon, lat, month = scattered(3_000)
    tiles = made(lon, lat, month)
    total: Counter[tuple[int, int]] = Counter()
    for position, name in enumerate(MONTHS):
        found = every_tile(tiles, lon, lat, zoom, name)
        assert sum(found.values()) == (month == position).sum() == tiles.tile(zoom, 0, 0, name).n
        total.update(found)
    assert total == every_tile(tiles, lon, lat, zoom)


@pytest.mark.parametrize("zoom", range(CLOSEST_ZOOM + 1))
def test_a_record_on_the_corner_of_four_tiles_is_on_one_of_them(zoom):
    column, row = 2**zoom // 2, 2**zoom // 3
    tiles = made(*corner(zoom, column, row))
    around = [
        (c, r) for c in (column - 1, column) for r in (row - 1, row) if 0 <= c < 2**zoom and 0 <= r < 2**zoom
    ]
    counts = [tiles.tile(zoom, *spot).count.sum() for spot in around]
    assert sorted(counts) == [0] * (len(around) - 1) + [1]


def test_records_beyond_the_edge_of_the_world_are_on_its_last_tiles():
    tiles = made([180.0, -180.0, 0.0, 0.0], [0.0, 0.0, 89.9, -89.9])
    n = 2**3
    assert sum(tiles.tile(3, c, r).count.sum() for c in range(n) for r in range(n)) == 4


def test_squares_get_no_smaller_than_the_accuracy_of_records():
    metres = 40_075_016.686 / 2 ** (FINEST_ZOOM + 6)
    assert 20 <= metres * math.cos(math.radians(58)) < metres * math.cos(math.radians(50)) < 25
    tiles = made(LON, LAT)
    sides = {}
    for zoom in range(FINEST_ZOOM, CLOSEST_ZOOM + 1):
        column, row = (int(at) for at in tile_at(LON, LAT, zoom))
        sides[zoom] = tiles.tile(zoom, column, row).side
        assert tiles.tile(zoom, column, row).count.tolist() == [1]
    assert sides == {14: 64, 15: 32, 16: 16, 17: 8, 18: 4}
    assert CLOSEST_ZOOM == MAX_ZOOM


def test_one_scale_holds_for_all_tiles_and_months_of_a_zoom():
    tiles = made([LON] * 5 + [LON + 0.2], [LAT] * 6, np.array([0, 1, 1, 2, 2, 0]))
    here, there = (tuple(int(at) for at in tile_at(x, LAT, 12)) for x in (LON, LON + 0.2))
    assert here != there
    shown = [tiles.tile(12, *here), tiles.tile(12, *there), tiles.tile(12, *here, "2026-01")]
    assert [(tile.count.tolist(), tile.highest) for tile in shown] == [([5], 5), ([1], 5), ([1], 5)]


def test_records_everywhere_are_told_from_records_here_and_there():
    west, north = corner(10, 511, 340)
    east, south = corner(10, 512, 341)
    lon, lat = np.meshgrid(np.linspace(west, east, 300), np.linspace(north, south, 300))
    dense, sparse = made(lon.ravel(), lat.ravel()), made(lon[::30, ::30].ravel(), lat[::30, ::30].ravel())
    assert (dense.tile(10, 511, 340).crowded, sparse.tile(10, 511, 340).crowded) == (True, False)
    assert not dense.tile(14, 511 << 4, 340 << 4).crowded  # the same records lie far apart when zoomed in


def test_without_records_every_tile_is_empty():
    tiles = made([], [])
    assert (tiles.tile(10, 511, 340).highest, tiles.tile(10, 511, 340, "2026-02").n) == (0, 0)
    assert tiles.tile(10, 511, 340).square.size == 0


def test_a_record_without_a_position_is_on_no_tile():
    tiles = made([LON, math.nan], [LAT, LAT])
    assert tiles.tile(0, 0, 0).n == tiles.tile(0, 0, 0).count.sum() == 1


def test_a_tile_away_from_the_records_is_empty_and_says_how_many_there_are():
    tile = made(LON, LAT).tile(12, 0, 0)
    assert (tile.square.size, tile.n) == (0, 1)


@pytest.mark.parametrize("spot", [(-1, 0, 0), (19, 0, 0), (3, 8, 0), (3, 0, 8), (3, -1, 0), (3, 0, -1)])
def test_there_is_no_tile_outside_the_world(spot):
    with pytest.raises(NotFound):
        made(LON, LAT).tile(*spot)


def test_a_month_outside_the_period_is_refused():
    with pytest.raises(BadRequest, match="not in the period"):
        made(LON, LAT).tile(3, 4, 2, "2025-12")


@pytest.mark.parametrize("n", [100_000, 1_000_000])
def test_a_heap_at_one_coordinate_is_one_square_with_all_of_them(n):
    tiles = made(np.full(n, LON), np.full(n, LAT), np.arange(n) % 3)
    for zoom in (5, 12, 18):
        column, row = (int(at) for at in tile_at(LON, LAT, zoom))
        assert tiles.tile(zoom, column, row).count.tolist() == [n]
        assert tiles.tile(zoom, column, row, "2026-01").count.tolist() == [len(range(0, n, 3))]


def test_the_fullest_tile_that_can_be_is_within_its_bounds():
    west, north = corner(10, 511, 340)
    east, south = corner(10, 512, 341)
    middle = (np.arange(64) + 0.5) / 64
    lon, lat = np.meshgrid(west + (east - west) * middle, north + (south - north) * middle)
    tile = made(lon.ravel(), lat.ravel()).tile(10, 511, 340)
    assert sorted(tile.square.tolist()) == list(range(4096))
    assert len(as_json(replace(tile, n=10**9, count=np.full(4096, 10**9)))) <= 128 * 1024

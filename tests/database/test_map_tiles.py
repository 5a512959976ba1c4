"""Base map tiles: exact to well under a pixel, conserving what they show, and one partnership's only."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
from psycopg2.extensions import connection as Connection

from placewise.core.errors import NotFound
from placewise.core.scope import Action
from placewise.store.osgb import to_grid, to_lonlat
from placewise.store.session import Database
from placewise.store.tiles import EXTENT, get_tile, tile_frame
from tests.conftest import MakeAccount, MakePartnership, MakeScope, TestPartnership

X, Y = 540_000.0, 180_000.0
FEATURE = """
INSERT INTO placewise.feature (partnership_id, kind, name, geom)
VALUES (%s, %s, %s, ST_SetSRID(ST_MakePoint(%s, %s), 27700))
"""
STREET = """
INSERT INTO placewise.street (partnership_id, name, street_class, geom)
VALUES (%s, %s, 'main', ST_GeomFromText(%s, 27700))
"""


def tile_of(lon: float, lat: float, zoom: int) -> tuple[int, int]:
    n = 2**zoom
    row = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * n
    return int((lon + 180) / 360 * n), int(row)


def lonlat_in_tile(zoom: int, column: int, row: int, px: float, py: float) -> tuple[float, float]:
    n = 2**zoom
    lon = (column + px / EXTENT) / n * 360 - 180
    lat = math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * (row + py / EXTENT) / n))))
    return lon, lat


# --- A decoder for what these tests look at (Mapbox Vector Tile 2.1) --------------------------------


def varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if not byte & 128:
            return value, at
        shift += 7


def fields(data: bytes) -> Iterator[tuple[int, bytes | int]]:
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 2:
            length, at = varint(data, at)
            yield key >> 3, data[at : at + length]
            at += length
        else:
            value, at = varint(data, at)
            yield key >> 3, value


def texts(layer: bytes) -> list[str]:
    return [
        part.decode()
        for number, value in fields(layer)
        if number == 4 and isinstance(value, bytes)
        for kind, part in fields(value)
        if kind == 1 and isinstance(part, bytes)
    ]


def points(layer: bytes) -> list[tuple[int, int]]:
    found = []
    for number, feature in fields(layer):
        if number != 2 or not isinstance(feature, bytes):
            continue
        geometry = next(value for n, value in fields(feature) if n == 4)
        assert isinstance(geometry, bytes)
        _, at = varint(geometry, 0)
        x, at = varint(geometry, at)
        y, at = varint(geometry, at)
        found.append(((x >> 1) ^ -(x & 1), (y >> 1) ^ -(y & 1)))
    return found


def layers(tile: bytes) -> dict[str, bytes]:
    found = {}
    for number, layer in fields(tile):
        assert number == 3
        assert isinstance(layer, bytes)
        name = next(value for n, value in fields(layer) if n == 1)
        assert isinstance(name, bytes)
        found[name.decode()] = layer
    return found


# --- Where things land ---------------------------------------------------------------------------


@pytest.mark.parametrize("zoom", range(11, 17))
@pytest.mark.parametrize(
    "place", [(540_000, 180_000), (430_000, 433_000), (95_000, 12_000), (320_000, 990_000)]
)
def test_the_affine_map_of_a_tile_is_right_to_well_under_a_pixel(zoom: int, place: tuple[int, int]) -> None:
    lon, lat = to_lonlat([place[0]], [place[1]])
    column, row = tile_of(float(lon[0]), float(lat[0]), zoom)
    frame = tile_frame(zoom, column, row)
    assert frame.residual_px < 0.5
    # Not only at the points of the fit: anywhere in the tile.
    rng = np.random.default_rng(zoom)
    px, py = rng.uniform(0, EXTENT, (2, 50))
    inside = [lonlat_in_tile(zoom, column, row, *point) for point in zip(px, py, strict=True)]
    x, y = to_grid(*np.array(inside).T)
    px, py, x, y = (part[np.isfinite(x)] for part in (px, py, x, y))
    assert px.size
    a, b, d, e, x_off, y_off = frame.affine
    off = np.hypot(a * x + b * y + x_off - px, EXTENT - (d * x + e * y + y_off) - py)
    assert off.max() / EXTENT * 256 < 1


def test_points_land_within_half_a_metre_at_zoom_16(
    admin: Connection, database: Database, partnership: TestPartnership, scope: MakeScope
) -> None:
    true = []
    with admin.cursor() as cursor:
        for dx, dy in [(0, 0), (40, 70), (-60, 20), (15, -80)]:
            true.append((X + dx, Y + dy))
            values = (str(partnership.partnership_id), "school", "S", X + dx, Y + dy)
            cursor.execute(FEATURE, values)
    lon, lat = to_lonlat([X], [Y])
    column, row = tile_of(float(lon[0]), float(lat[0]), 16)
    seen = []
    with database.session(scope(), Action.READ_BASE_MAP) as session:
        for c in (column - 1, column, column + 1):
            for r in (row - 1, row, row + 1):
                tile = layers(get_tile(session, 16, c, r))
                if "feature" in tile:
                    inside = [p for p in points(tile["feature"]) if 0 <= p[0] < EXTENT and 0 <= p[1] < EXTENT]
                    seen += [lonlat_in_tile(16, c, r, *point) for point in inside]
    x, y = to_grid(*np.array(seen).T)
    assert len(seen) == len(true)
    for true_x, true_y in true:
        assert np.hypot(x - true_x, y - true_y).min() < 0.5


def test_no_point_is_lost_between_tiles(
    admin: Connection, database: Database, partnership: TestPartnership, scope: MakeScope
) -> None:
    rng = np.random.default_rng(3)
    with admin.cursor() as cursor:
        for dx, dy in rng.uniform(-800, 800, (120, 2)).tolist():
            values = (str(partnership.partnership_id), "station", "", X + dx, Y + dy)
            cursor.execute(FEATURE, values)
    lon, lat = to_lonlat([X - 900, X + 900], [Y + 900, Y - 900])
    (west, north), (east, south) = (tile_of(float(a), float(b), 14) for a, b in zip(lon, lat, strict=True))
    count = 0
    with database.session(scope(), Action.READ_BASE_MAP) as session:
        for column in range(west, east + 1):
            for row in range(north, south + 1):
                layer = layers(get_tile(session, 14, column, row)).get("feature", b"")
                count += sum(0 <= x < EXTENT and 0 <= y < EXTENT for x, y in points(layer))
    assert count == 120


def test_a_tile_shows_streets_and_ward_names_once(
    admin: Connection, database: Database, partnership: TestPartnership, scope: MakeScope
) -> None:
    with admin.cursor() as cursor:
        line = f"MULTILINESTRING(({X - 100} {Y},{X + 100} {Y + 5}))"
        cursor.execute(STREET, (str(partnership.partnership_id), "High Street", line))
        cursor.execute(
            "INSERT INTO placewise.boundary (partnership_id, kind, code, name, vintage, geom) VALUES"
            " (%s, 'ward', 'W', 'Old Ward', 2024, ST_Multi(ST_MakeEnvelope(%s, %s, %s, %s, 27700)))",
            (str(partnership.partnership_id), X - 500, Y - 500, X + 500, Y + 500),
        )
    lon, lat = to_lonlat([X], [Y])
    named = 0
    column, row = tile_of(float(lon[0]), float(lat[0]), 14)
    with database.session(scope(), Action.READ_BASE_MAP) as session:
        assert "High Street" in texts(layers(get_tile(session, 14, column, row))["street"])
        for c in (column - 1, column, column + 1):
            for r in (row - 1, row, row + 1):
                named += "Old Ward" in texts(layers(get_tile(session, 14, c, r)).get("label", b""))
    assert named in (1, 2), "a label beside a tile's edge may be in both tiles, so that it is not cut"


def test_a_tile_holds_nothing_of_another_partnership(
    admin: Connection,
    database: Database,
    make_partnership: MakePartnership,
    make_account: MakeAccount,
    partnership: TestPartnership,
    scope: MakeScope,
) -> None:
    other = make_partnership("Elsewhere")
    with admin.cursor() as cursor:
        values = (str(other.partnership_id), "school", "Hidden School", X, Y)
        cursor.execute(FEATURE, values)
    lon, lat = to_lonlat([X], [Y])
    column, row = tile_of(float(lon[0]), float(lat[0]), 15)
    with database.session(scope(), Action.READ_BASE_MAP) as session:
        assert get_tile(session, 15, column, row) == b""


@pytest.mark.parametrize("tile", [(7, 60, 40), (17, 1, 1), (12, -1, 5), (12, 5000, 5), (12, 0, 0)])
def test_a_tile_that_cannot_be_is_not_found(tile: tuple[int, int, int]) -> None:
    with pytest.raises(NotFound):
        tile_frame(*tile)

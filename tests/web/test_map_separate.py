"""Two far cities and no boundary: the map opens on records, says that others lie elsewhere, and reaches them."""

from __future__ import annotations

import html
import json
import re
from typing import Any
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient
from psycopg2.extensions import connection as Connection

from placewise.core.scope import Role
from placewise.store.osgb import to_lonlat
from placewise.web.maps import MIN_ZOOM
from tests.conftest import ClientAs, TestPartnership
from tests.records import Records, london

MARCH = london(2026, 3, 14)
MOST, LESS, STRAY = (602_310, 364_010), (470_000, 600_000), (300_000, 800_000)
WARD = """
INSERT INTO placewise.boundary (partnership_id, kind, code, name, vintage, geom)
VALUES (%s, 'ward', 'W2', 'East Ward', 2024, ST_Multi(ST_MakeEnvelope(600000, 362000, 604000, 366000, 27700)))
"""


@pytest.fixture
def client(client_as: ClientAs) -> FlaskClient:
    return client_as(Role.COORDINATOR)


@pytest.fixture
def records(admin: Connection, partnership: TestPartnership) -> Records:
    return Records(admin, partnership)


def add(records: Records, count: int, middle: tuple[int, int]) -> None:
    for i in range(count):
        spot = f"SRID=27700;POINT({middle[0] + 97 * (i % 9)} {middle[1] + 89 * (i // 9)})"
        records.event(None, MARCH, geom=spot, accuracy="exact", radius_m=20)


def look(client: FlaskClient, partnership: TestPartnership, **query: Any) -> str:
    return client.get(f"/p/{partnership.slug}/map?{urlencode(query)}").get_data(as_text=True)


def words(page: str) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))


def lies_within(corners: Any, spot: tuple[int, int]) -> bool:
    (west, south), (east, north) = corners
    lon, lat = to_lonlat([float(spot[0])], [float(spot[1])])
    return bool(west < lon[0] < east and south < lat[0] < north)


def opening(page: str) -> Any:
    (found,) = re.findall(r'data-bounds="([^"]+)"', page)
    return json.loads(html.unescape(found))


def least_zoom(page: str) -> int:
    (found,) = re.findall(r'"minZoom": (\d+)', page)
    return int(found)


@pytest.mark.parametrize("counts", [(60, 45), (30, 20)], ids=["many", "few"])
def test_two_far_cities_open_on_the_one_with_most_and_the_other_can_be_reached(
    client: FlaskClient, partnership: TestPartnership, records: Records, counts: tuple[int, int]
) -> None:
    add(records, counts[0], MOST)
    add(records, counts[1], LESS)
    page = look(client, partnership)
    (west, south), (east, north) = opening(page)
    assert lies_within(opening(page), (MOST[0] + 97 * 4, MOST[1] + 89))
    assert max(north - south, east - west) < 0.1
    said = words(page)
    assert "Records lie in 2 separate areas, up to 270 km apart; the map opens on the one with most." in said
    assert "Zoom out to see the others." in said
    assert "Study area: the 2 outlines of the records, one each area" in said
    assert least_zoom(page) <= 6
    limits = re.findall(r"-?\d+\.\d+", page.split('"maxBounds":')[1])[:4]
    south, west, north, east = map(float, limits)
    assert all(lies_within([(west, south), (east, north)], spot) for spot in (MOST, LESS))


def test_a_stray_record_is_on_the_map_and_said_to_be_far(
    client: FlaskClient, partnership: TestPartnership, records: Records
) -> None:
    add(records, 60, MOST)
    add(records, 1, STRAY)
    page = look(client, partnership)
    said = words(page)
    assert "61 records are on the map" in said
    assert "1 record lies far from the rest, up to 530 km away: zoom out to see it." in said
    assert "separate areas" not in said
    assert lies_within(opening(page), MOST)
    assert not lies_within(opening(page), STRAY)


def test_every_view_of_two_far_cities_and_a_stray_draws_both(
    client: FlaskClient, partnership: TestPartnership, records: Records
) -> None:
    add(records, 60, MOST)
    add(records, 60, LESS)
    add(records, 1, STRAY)
    for width in (200, 800):
        page = look(client, partnership, view="density", bandwidth=width)
        (first,) = re.findall(r'id="first-layer"[^>]*>(.*?)</script>', page, re.DOTALL)
        drawn = json.loads(first)["layer"]
        rows = [
            drawn["y_m"] + row * drawn["cell_m"]
            for band in drawn["bands"]
            for rings in band["polygons"]
            for ring in rings
            for row in ring[1::2]
        ]
        assert drawn["cell_m"] == 25
        assert min(rows) < MOST[1] + 1000
        assert any(abs(row - LESS[1]) < 2000 for row in rows)


def test_with_a_boundary_nothing_is_said_and_the_zoom_is_as_ever(
    admin: Connection, client: FlaskClient, partnership: TestPartnership, records: Records
) -> None:
    with admin.cursor() as cursor:
        cursor.execute(WARD, (str(partnership.partnership_id),))
    add(records, 60, MOST)
    add(records, 60, LESS)
    page = look(client, partnership)
    assert "separate areas" not in words(page)
    assert "60 records outside the study area" in words(page)
    assert least_zoom(page) == MIN_ZOOM

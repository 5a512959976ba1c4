"""What the map must not let anyone believe: stand-in points, months nobody sent, places that are not there."""

from __future__ import annotations

import html
import json
import re
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
import shapely
from flask.testing import FlaskClient
from psycopg2.extensions import connection as Connection

from placewise.core.scope import Role
from placewise.panel.hotspots import SHARED, STANDS_OUT
from tests.conftest import ClientAs, MakeAccount, TestPartnership
from tests.records import Records, london

X, Y = 602_310, 364_010
MARCH = london(2026, 3, 14)
WARD = """
INSERT INTO placewise.boundary (partnership_id, kind, code, name, vintage, geom)
VALUES (%s, 'ward', 'W2', 'East Ward', 2024, ST_Multi(ST_MakeEnvelope(600000, 362000, 604000, 366000, 27700)))
"""
STREET = """
INSERT INTO placewise.street (partnership_id, name, street_class, geom)
VALUES (%s, 'Quarry Lane', 'minor', ST_GeomFromText('MULTILINESTRING((602000 364100,602600 364100))', 27700))
"""


@pytest.fixture
def borough(admin: Connection, partnership: TestPartnership) -> TestPartnership:
    """One ward of 4 km by 4 km with a street."""
    with admin.cursor() as cursor:
        for statement in (WARD, STREET):
            cursor.execute(statement, (str(partnership.partnership_id),))
    return partnership


@pytest.fixture
def records(admin: Connection, borough: TestPartnership) -> Records:
    return Records(admin, borough)


@pytest.fixture
def client(client_as: ClientAs) -> FlaskClient:
    return client_as(Role.COORDINATOR)


def add(
    records: Records,
    count: int,
    *,
    at: datetime = MARCH,
    x: int = X,
    y: int = Y,
    place_id: UUID | None = None,
    **columns: Any,
) -> None:
    usual: dict[str, Any] = {"accuracy": "exact", "radius_m": 20}
    for _ in range(count):
        records.event(place_id, at, geom=f"SRID=27700;POINT({x} {y})", **(usual | columns))


STREET_KNOWN: dict[str, Any] = {"accuracy": "street", "radius_m": 100}


def look(client: FlaskClient, borough: TestPartnership, **query: Any) -> str:
    """The page's words, spaces made one."""
    page = client.get(f"/p/{borough.slug}/map?{urlencode(query, doseq=True)}").get_data(as_text=True)
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))


def test_a_street_midpoint_that_many_records_share_is_never_plainly_said_to_stand_out(
    client: FlaskClient, borough: TestPartnership, records: Records
) -> None:
    add(records, 26, **STREET_KNOWN)
    add(records, 1, x=X + 10)
    text = look(client, borough)
    assert "No area stands out from chance in March 2026; one stands out only because records share" in text
    said = "Stands out, but 26 of 27 records are known only to a street and share one point"
    assert f"{said}: harm may be elsewhere along it" in text
    assert "Dashed edge" in text
    assert "Dark edge" not in text
    layer = client.get(f"/p/{borough.slug}/map/layer.json").get_json()["layer"]
    assert SHARED in layer["verdict"]
    assert STANDS_OUT not in layer["verdict"]


def test_an_exact_hotspot_beside_a_street_midpoint_still_stands_out(
    client: FlaskClient, borough: TestPartnership, records: Records
) -> None:
    add(records, 26, **STREET_KNOWN)
    add(records, 9, x=X + 250)
    text = look(client, borough)
    assert "One area stands out from chance in March 2026, in East Ward; " in text
    assert " beside this area stand out only because records share a street’s point or the like." in text
    assert "Stands out, but 26 of 26 records" in text


def test_the_usual_period_begins_with_the_first_month_that_holds_a_record(
    client: FlaskClient, borough: TestPartnership, records: Records
) -> None:
    add(records, 2, at=london(2024, 2, 3))
    add(records, 9)
    text = look(client, borough)
    assert "One area stands out from chance in March 2026, in East Ward. 9 records are on the map" in text
    assert "Data held for" not in text


def test_months_of_which_nothing_is_held_are_named_in_headline_and_legend(
    client: FlaskClient, borough: TestPartnership, records: Records
) -> None:
    add(records, 9)
    add(records, 9, at=london(2025, 11, 3))
    text = look(client, borough)
    said = "Data held for 2 of these 5 months: nothing is held for December 2025 to February 2026."
    assert text.count(said) >= 2
    assert said in look(client, borough, month="2026-01"), "the slider's month is one of them"


@pytest.mark.parametrize(
    ("relations", "words"),
    [
        (["harm_there", "found_there"], "including places where children were found, not harmed"),
        (
            ["found_there", "detected_there"],
            "including places where children were found or detected, not harmed",
        ),
    ],
)
def test_the_headline_says_when_it_counts_where_children_were_found(
    client: FlaskClient, borough: TestPartnership, records: Records, relations: list[str], words: str
) -> None:
    add(records, 9, relation="found_there")
    assert words in look(client, borough, relation=relations)
    assert "not harmed" not in look(client, borough)


def test_the_legend_says_that_others_may_see_other_records(
    client: FlaskClient, borough: TestPartnership, records: Records
) -> None:
    add(records, 1)
    assert "Counts only records that you may see" in look(client, borough)


FEATURE = """
INSERT INTO placewise.feature (partnership_id, kind, name, geom) VALUES (%s, %s, %s, ST_GeomFromText(%s, 27700))
"""


def test_a_spot_is_called_by_the_nearest_street_and_never_by_a_business_beside_it(
    client: FlaskClient, borough: TestPartnership, records: Records, admin: Connection
) -> None:
    add(records, 9)
    records.place("The Quiet Inn", geom=f"SRID=27700;POINT({X + 5} {Y})")
    with admin.cursor() as cursor:
        cursor.execute(FEATURE, (str(borough.partnership_id), "shop", "Corner Shop", f"POINT({X} {Y})"))
    text = look(client, borough)
    assert "Compared with chance, with its neighbours" in text
    assert "Quarry Lane East Ward 9" in text
    assert "The Quiet Inn East Ward" not in text
    assert "Corner Shop" not in text


def test_a_spot_inside_a_park_is_called_by_the_park(
    client: FlaskClient, borough: TestPartnership, records: Records, admin: Connection
) -> None:
    add(records, 9)
    park = shapely.box(X - 600, Y - 600, X + 600, Y + 600).wkt
    with admin.cursor() as cursor:
        cursor.execute(FEATURE, (str(borough.partnership_id), "park", "Weir Fields", park))
    assert "Weir Fields East Ward 9" in look(client, borough)


def test_a_spot_is_called_by_a_place_that_its_records_name(
    client: FlaskClient, borough: TestPartnership, records: Records
) -> None:
    park = records.place("Weir Park", geom=f"SRID=27700;POINT({X + 60} {Y})")
    add(records, 4)
    add(records, 5, place_id=park)
    assert "Weir Park East Ward 9" in look(client, borough)
    layer = client.get(f"/p/{borough.slug}/map/layer.json").get_json()["layer"]
    busiest = layer["count"].index(9)
    facts = client.get(
        f"/p/{borough.slug}/map/cell.json?cell={layer['q'][busiest]}.{layer['r'][busiest]}"
    ).get_json()
    assert facts["title"] == "Cell of 250 m near Weir Park, in East Ward"
    assert "after counting each child once" in dict(facts["lines"])["Compared with chance"]
    add(records, 4)
    assert "Quarry Lane East Ward 13" in look(client, borough), "five of thirteen are not its records' place"


def test_places_that_are_not_drawn_are_counted_with_the_reason(
    client: FlaskClient, borough: TestPartnership, records: Records
) -> None:
    add(records, 1)
    records.place("Weir Park")
    assert "Places on the map: 1 Place" in look(client, borough)
    records.place("A chat room", online=True)
    assert "Places on the map: 1 of 2 (1 is online)" in look(client, borough)


def test_only_what_is_held_can_be_drawn_over_the_map(
    client: FlaskClient, borough: TestPartnership, records: Records
) -> None:
    add(records, 1)

    def boxes() -> list[str]:
        page = client.get(f"/p/{borough.slug}/map").get_data(as_text=True)
        return re.findall(r'data-overlay="(\w+)"', page)

    assert boxes() == ["ward", "dots"]
    records.place("Weir Park")
    assert boxes() == ["places", "ward", "dots"]


def test_the_map_opens_on_most_records_not_on_the_furthest(
    client: FlaskClient, borough: TestPartnership, records: Records
) -> None:
    add(records, 60)
    add(records, 1, x=600_100, y=362_100)
    page = client.get(f"/p/{borough.slug}/map").get_data(as_text=True)
    (found,) = re.findall(r'data-bounds="([^"]+)"', page)
    (west, south), (east, north) = json.loads(html.unescape(found))
    assert (north - south) * 111_320 < 2000
    assert east - west < 0.025


def test_a_task_member_is_not_offered_the_saved_views(
    client_as: ClientAs,
    client: FlaskClient,
    make_account: MakeAccount,
    admin: Connection,
    borough: TestPartnership,
    records: Records,
) -> None:
    place = records.place("Weir Park")
    records.event(place, MARCH, radius_m=150)
    account = make_account(Role.TASK_MEMBER)
    with admin.cursor() as cursor:
        values = (borough.partnership_id, account.account_id, place)
        cursor.execute(
            "INSERT INTO guard.place_grant VALUES (%s, %s, %s, now() + interval '1 day', 'test')",
            [str(value) for value in values],
        )
    assert "Saved views" in look(client, borough)
    text = look(client_as(account=account), borough)
    assert "Only the records at the places named for your group are shown" in text
    assert "Saved views" not in text

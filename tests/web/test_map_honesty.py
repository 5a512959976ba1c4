"""What the map must not let anyone believe: stand-in points, months nobody sent, places that are not there."""

from __future__ import annotations

import html
import re
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient
from psycopg2.extensions import connection as Connection  # noqa: N812

from placewise.core.scope import Role
from placewise.panel.hotspots import SHARED, STANDS_OUT
from tests.conftest import ClientAs, TestPartnership
from tests.records import Records, london

X, Y = 602_310, 364_010
MARCH = london(2026, 3, 14)
WARD = """
INSERT INTO placewise.boundary (partnership_id, kind, code, name, vintage, geom)
VALUES (%s, 'ward', 'W2', 'East Ward', 2024, ST_Multi(ST_MakeEnvelope(600000, 362000, 604000, 366000, 27700)))
"""
STREET = """
INSERT INTO placewise.street (partnership_id, name, street_class, geom, fingerprint)
VALUES (%s, 'Quarry Lane', 'minor', ST_GeomFromText('MULTILINESTRING((602000 364100,602600 364100))', 27700), '\\x01')
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
    records: Records, count: int, *, at: datetime = MARCH, x: int = X, y: int = Y, **columns: Any
) -> None:
    usual: dict[str, Any] = {"accuracy": "exact", "radius_m": 20}
    for _ in range(count):
        records.event(None, at, geom=f"SRID=27700;POINT({x} {y})", **(usual | columns))


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
    assert "One area stands out from chance in March 2026, in East Ward." in text
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

"""Months and hours under the map: the part asked for, silence told from nought, one line in the log."""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient
from psycopg2.extensions import connection as Connection

from placewise.core.scope import Role
from tests.conftest import ClientAs, TestPartnership
from tests.records import Records, london
from tests.web.test_map_honesty import WARD, X, Y, add

#: Around (X, Y), some hundred metres each way; the other records lie outside it.
HERE = {"west": "1.0151", "south": "53.1306", "east": "1.0306", "north": "53.1391"}


@pytest.fixture
def records(admin: Connection, partnership: TestPartnership) -> Records:
    with admin.cursor() as cursor:
        cursor.execute(WARD, (str(partnership.partnership_id),))
    made = Records(admin, partnership)
    for month in (1, 2, 4):
        add(made, 3, at=london(2026, month, 9, 22))
        add(made, 2, at=london(2026, month, 9, 22), x=X - 1800, y=Y - 1500)
    return made


@pytest.fixture
def client(client_as: ClientAs) -> FlaskClient:
    return client_as(Role.COORDINATOR)


def asked(client: FlaskClient, partnership: TestPartnership, **query: Any) -> Any:
    return client.get(f"/p/{partnership.slug}/map/area.json?{urlencode(query, doseq=True)}")


def words(text: str) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text)))


@pytest.mark.usefixtures("records")
def test_the_page_has_the_whole_and_a_part_has_its_own_figures(
    client: FlaskClient, partnership: TestPartnership
) -> None:
    page = words(client.get(f"/p/{partnership.slug}/map").get_data(as_text=True))
    assert "Months and hours in the whole study area 15 records, January 2026 to April 2026." in page
    answer = asked(client, partnership, **HERE).get_json()
    text = words(answer["html"])
    assert answer["n"] == 9
    assert "Months and hours in the part of the map shown 9 records of 15 on the map" in text
    assert "February 2026 3 0.6 to 8.8" in text
    assert "March 2026 no reports held –" in text
    assert "no reports held (1 month): not a nought" in text
    assert "Data held for 3 of these 4 months: nothing is held for March 2026." in text
    assert "9 records have a known time, too few to show a pattern" in text


def test_enough_timed_records_make_a_clock_with_its_table(
    client: FlaskClient, partnership: TestPartnership, records: Records
) -> None:
    add(records, 4, at=london(2026, 4, 9, 22))
    answer = asked(client, partnership, **HERE).get_json()["html"]
    assert answer.count("pw-clock__cell ") == 7 * 24
    assert "22:00 3.0 0 0 7.0 3.0 0 0" in words(answer)


@pytest.mark.usefixtures("records")
@pytest.mark.parametrize(
    "wrong", [{"west": ""}, {"west": "2"}, {"north": "here"}, {"harm": "heat"}, {"south": "1e999"}]
)
def test_what_cannot_be_understood_is_refused_in_words(
    client: FlaskClient, partnership: TestPartnership, wrong: dict[str, str]
) -> None:
    address = f"/p/{partnership.slug}/map/area.json?{urlencode(HERE | wrong)}"
    answer = client.get(address, headers={"Accept": "application/json"})
    assert answer.status_code == 400
    assert answer.get_json()["detail"]


def test_nothing_to_map_is_said(client: FlaskClient, partnership: TestPartnership) -> None:
    assert asked(client, partnership).status_code == 400


@pytest.mark.usefixtures("records")
def test_moving_an_open_map_is_part_of_its_opening_and_asking_by_hand_is_logged(
    client: FlaskClient, admin: Connection, partnership: TestPartnership
) -> None:
    def logged() -> list[str]:
        with admin.cursor() as cursor:
            cursor.execute(
                "SELECT action FROM audit.event WHERE partnership_id = %s AND action LIKE 'consult:%%' ORDER BY seq",
                (str(partnership.partnership_id),),
            )
            return [action for (action,) in cursor.fetchall()]

    page = client.get(f"/p/{partnership.slug}/map?month=2026-02").get_data(as_text=True)
    (address,) = re.findall(r'data-area="([^"]+)"', page)
    for south in ("53.1306", "53.1300"):
        moved = f"{html.unescape(address)}&{urlencode(HERE | {'south': south})}"
        assert client.get(moved).status_code == 200
    assert logged() == ["consult:map"]
    assert asked(client, partnership, **HERE).status_code == 200
    assert logged() == ["consult:map"] * 2


@pytest.mark.usefixtures("records")
def test_who_sees_no_records_sees_no_months(client_as: ClientAs, partnership: TestPartnership) -> None:
    assert asked(client_as(Role.AUDITOR), partnership, **HERE).status_code == 403


@pytest.mark.usefixtures("records")
def test_the_figures_behind_a_cell_come_with_the_page_and_with_its_facts(
    client: FlaskClient, partnership: TestPartnership
) -> None:
    layer = client.get(f"/p/{partnership.slug}/map/layer.json").get_json()["layer"]
    busiest = layer["count"].index(9)
    cell = f"{layer['q'][busiest]}.{layer['r'][busiest]}"
    why = words(client.get(f"/p/{partnership.slug}/map/cell.json?cell={cell}").get_json()["why"])
    said = "Stands out, because q is at most 0.05 and there are at least 5 reports with the cells around it."
    assert said in why
    assert "This cell 9 North-east 0 East 0" in why
    assert "No record that is located at all." in why
    assert said in words(client.get(f"/p/{partnership.slug}/map?cell={cell}").get_data(as_text=True))
    assert said not in words(client.get(f"/p/{partnership.slug}/map").get_data(as_text=True))

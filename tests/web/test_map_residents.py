"""Rates by residents on the map's pages: cells and wards, the denominator named, and what a saved view keeps."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient
from psycopg2.extensions import connection as Connection

from placewise.core.scope import Action, Scope
from placewise.panel.hotspot_rates import ABOVE, cell_rates
from placewise.panel.hotspots import Hotspots, find_hotspots
from placewise.store.geography import list_residents
from placewise.store.session import Database
from tests.borough import ALL_MONTHS, Truth, cell_at
from tests.conftest import TestPartnership, csrf_token
from tests.web.test_map_pages import (  # noqa: F401 - fixtures
    AddEvents,
    X,
    Y,
    account,
    add_events,
    address,
    client,
    ground,
    text_of,
)

VIEW = {"view": "rates", "rate": "residents", "width": "500"}
NAMED = "residents of 2021 by ward, shared out by area of land"


@pytest.fixture
def inhabited(
    ground: None,  # noqa: F811  an imported fixture
    admin: Connection,
    add_events: AddEvents,  # noqa: F811  an imported fixture
    partnership: TestPartnership,
) -> None:
    """Two wards with 8,000 and 16,000 residents, and 30 records in the east."""
    with admin.cursor() as cursor:
        for code, residents in (("W1", 8000), ("W2", 16000)):
            cursor.execute(
                "UPDATE placewise.boundary SET residents = %s, residents_year = 2021"
                " WHERE code = %s AND partnership_id = %s",
                (residents, code, str(partnership.partnership_id)),
            )
    add_events(30)


@pytest.mark.usefixtures("inhabited")
def test_the_page_names_the_denominator_and_has_the_wards_as_a_table(
    client: FlaskClient,  # noqa: F811  an imported fixture
    partnership: TestPartnership,
) -> None:
    answer = client.get(address(partnership, **VIEW))
    assert answer.status_code == 200
    page = answer.get_data(as_text=True)
    (wards,) = re.findall(r'aria-labelledby="wards-caption".*?</table>', page, re.DOTALL)
    east, west, whole = (text_of(row).split() for row in re.findall(r"<tr.*?</tr>", wards, re.DOTALL)[1:])
    assert east[:4] == ["East", "Ward", "30", "16,000"]
    assert west[:5] == ["West", "Ward", "0", "8,000", "0"]
    assert whole[:4] == ["All", "wards", "30", "24,000"]
    said = text_of(page)
    assert f"Denominator: {NAMED}" in said
    assert "Held against residents of 2021 by ward." in said
    assert "not the risk of those who live there" in said


@pytest.mark.usefixtures("inhabited")
def test_other_views_and_rates_have_no_table_of_wards(
    client: FlaskClient,  # noqa: F811  an imported fixture
    partnership: TestPartnership,
) -> None:
    for view in ({}, {"view": "rates", "rate": "children"}):
        assert "wards-caption" not in client.get(address(partnership, **view)).get_data(as_text=True)


@pytest.mark.usefixtures("inhabited")
def test_a_saved_view_keeps_what_its_rates_were_held_against(
    client: FlaskClient,  # noqa: F811  an imported fixture
    partnership: TestPartnership,
    admin: Connection,
) -> None:
    form = {"csrf_token": csrf_token(client, address(partnership)), "title": "Wards", **VIEW}
    assert client.post(address(partnership, "/saved"), data=form).status_code == 303
    with admin.cursor() as cursor:
        cursor.execute(
            "SELECT parameters, filter FROM placewise.saved_run WHERE partnership_id = %s",
            (str(partnership.partnership_id),),
        )
        ((parameters, saved),) = cursor.fetchall()
    assert parameters["denominator"] == NAMED
    assert ["rate", "residents"] in saved


def test_in_the_demo_everybody_lives_in_a_cell_and_what_was_planted_lies_above(
    database: Database, chair: Scope, truth: Truth
) -> None:
    with database.session(chair, Action.CONSULT_MAP) as session:
        areas = list_residents(session, "lsoa")
        found, _ = find_hotspots(
            session, {"view": ["rates"], "rate": ["residents"], "width": ["500"]} | ALL_MONTHS
        )
        assert isinstance(found, Hotspots)
        rates = cell_rates(found)
    assert areas is not None
    assert rates.rates is not None
    assert rates.rates.denominator.sum() == pytest.approx(areas.residents.sum(), rel=0.001)
    planted = [spot for spot in truth["hotspots"] if spot["category"] == "persistent"]
    assert planted
    assert {int(rates.stand[cell_at(found, spot)]) for spot in planted} == {ABOVE}

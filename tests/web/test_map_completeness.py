"""The map's completeness: who reported about which months, and a map of a silent month that says so."""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient
from psycopg2.extensions import connection as Connection

from placewise.core.scope import Role
from tests.conftest import ClientAs, MakeAccount, TestPartnership
from tests.records import Records, london
from tests.web.test_map_honesty import WARD, X, Y, add

GRANT = "INSERT INTO guard.place_grant VALUES (%s, %s, %s, now() + interval '1 day', 'test')"


@pytest.fixture
def records(admin: Connection, partnership: TestPartnership) -> Records:
    """Police in January to April and June 2026, health in three months of four, then silent; May from nobody."""
    with admin.cursor() as cursor:
        cursor.execute(WARD, (str(partnership.partnership_id),))
    made = Records(admin, partnership)
    for month in (1, 2, 3, 4, 6):
        add(made, 12, at=london(2026, month, 9), agency="police")
    for month in (2, 3, 4):
        add(made, 3, at=london(2026, month, 9), agency="health")
    return made


@pytest.fixture
def look(client_as: ClientAs, partnership: TestPartnership) -> Any:
    def page(client: FlaskClient | None = None, **query: Any) -> str:
        answer = (client or client_as(Role.COORDINATOR)).get(
            f"/p/{partnership.slug}/map?{urlencode(query, doseq=True)}"
        )
        return str(answer.get_data(as_text=True))

    return page


def words(page: str) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))


def silence(page: str) -> str:
    (said,) = re.findall(r"data-map-silence>([^<]*)<", page)
    return html.unescape(said)


@pytest.mark.usefixtures("records")
def test_the_grid_tells_reports_from_silence_and_both_from_before_the_first(look: Any) -> None:
    page = words(look())
    assert (
        "In these 6 months, reports of 2 of 2 agencies are missing: Testham Health, Testshire Police." in page
    )
    row = r"Testham Health · before its first record 3 records 3 records 3 records (× reports missing ){2}"
    assert re.search(row, page)
    assert re.search(r"Testshire Police (12 records ){4}× reports missing 12 records", page)
    assert "No event was ever reported by Testham Children's Social Care, Testham Community Safety." in page


@pytest.mark.usefixtures("records")
def test_a_month_that_nobody_reported_on_is_said_across_the_map_and_other_months_are_not(
    look: Any, client_as: ClientAs, partnership: TestPartnership
) -> None:
    said = "No report from anyone is held for May 2026. This map is empty because nothing was reported"
    assert silence(look(month="2026-05")).startswith(said)
    assert silence(look()) == silence(look(month="2026-06")) == ""
    layer = client_as(Role.COORDINATOR).get(f"/p/{partnership.slug}/map/layer.json?month=2026-05").get_json()
    assert layer["silence"].startswith(said)


@pytest.mark.usefixtures("records")
def test_what_is_not_on_the_map_names_who_was_silent_in_the_month_of_the_slider(look: Any) -> None:
    june, april = words(look(month="2026-06")), words(look(month="2026-04"))
    said = "Testham Health sent nothing about June 2026, though it usually does: fewer records may mean"
    assert said in june
    assert "though it usually does" not in april
    whole = words(look())
    assert (
        "Nothing is held from Testshire Police for May 2026: fewer records may mean fewer reports." in whole
    )
    assert "Testham Health has sent nothing since April 2026: fewer records may mean" in whole


@pytest.mark.usefixtures("records")
def test_only_the_agencies_chosen_count(look: Any) -> None:
    page = look(agency="health", month="2026-06")
    assert silence(page).startswith("No report from the agencies chosen is held for June 2026.")
    said = words(page)
    assert "nothing is held for January 2026 and May 2026 to June 2026 from the agencies chosen." in said
    assert "Testshire Police (left out by the filter) 12 records" in said


def test_a_month_with_reports_and_no_incident_here_is_not_hatched(look: Any, records: Records) -> None:
    add(records, 1, at=london(2026, 5, 9), x=X + 90_000, y=Y)
    assert silence(look(month="2026-05")) == ""


def test_who_sees_single_places_only_is_told_of_no_silence(
    look: Any,
    records: Records,
    client_as: ClientAs,
    make_account: MakeAccount,
    admin: Connection,
    partnership: TestPartnership,
) -> None:
    place = records.place("Weir Park", geom=f"SRID=27700;POINT({X} {Y})")
    add_at = {"geom": f"SRID=27700;POINT({X} {Y})", "accuracy": "exact", "radius_m": 20}
    for month in (1, 6):
        records.event(place, london(2026, month, 9), **add_at)
    account = make_account(Role.TASK_MEMBER)
    with admin.cursor() as cursor:
        cursor.execute(GRANT, (str(partnership.partnership_id), str(account.account_id), str(place)))
    page = look(client_as(account=account), month="2026-03")
    assert "which reports are missing cannot be told" in words(page)
    assert silence(page) == ""
    assert "reports missing" not in words(page)
    for view in ("counts", "significance"):
        seen = words(look(client_as(account=account), view=view))
        assert "so nothing is compared with chance" in seen
        assert "Not compared with chance" in seen
        assert "Too few to tell" not in seen

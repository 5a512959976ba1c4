"""Dots on the map: whose they are, what a pass opens, and that a tile is of the records shown and no others."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from psycopg2.extras import execute_values

from placewise.core.scope import Role
from placewise.web import hotspot_dots, openings

X, Y = 545_000.0, 180_000.0  # all east of the meridian, where a column of tiles begins
ZOOM, COLUMN, ROW = 8, 128, 85
EVENTS = """
INSERT INTO placewise.event (partnership_id, source_agency, recorded_by, kind, harm_types, occurred_from,
    occurred_to, relation, accuracy, radius_m, geom, restricted, recorded_at) VALUES %s
"""
TEMPLATE = "(%s, %s, %s, 'incident', '{cse}', %s, %s, %s, 'exact', 20, ST_SetSRID(ST_MakePoint(%s, %s), 27700), %s, %s)"
BEFORE = datetime(2026, 4, 1, tzinfo=UTC)


@pytest.fixture
def add(admin, partnership, make_account):
    """Put records of one agency on record: months, their link to the place, how far east."""
    by = make_account(Role.COORDINATOR, agency="health").account_id

    def put(*months: int, relation="harm_there", east=0.0, restricted=False, recorded=BEFORE):
        own, agency = str(partnership.partnership_id), str(partnership.agencies["health"])
        rows = []
        for month in months:
            at = datetime(2026, month, 5, 20, tzinfo=UTC)
            rows.append((own, agency, str(by), at, at, relation, X + east, Y, restricted, recorded))
        with admin.cursor() as cursor:
            execute_values(cursor, EVENTS, rows, template=TEMPLATE)

    return put


@pytest.fixture
def borough(admin, partnership, add):
    """A ward with 30 records in three months at one spot and 12 scattered, and one found there."""
    with admin.cursor() as cursor:
        cursor.execute(
            "INSERT INTO placewise.boundary (partnership_id, kind, code, name, vintage, geom) VALUES"
            " (%s, 'ward', 'W', 'Mill', 2024, ST_Multi(ST_MakeEnvelope(%s, %s, %s, %s, 27700)))",
            (str(partnership.partnership_id), X - 2000, Y - 2000, X + 2000, Y + 2000),
        )
    add(*[1 + i % 3 for i in range(30)])
    for i in range(12):
        add(1 + i % 3, east=-1900 + 300 * i)
    add(1, relation="found_there")
    add(1, east=2500)  # outside the study area
    return partnership


@pytest.fixture
def reads(monkeypatch):
    """How often the records were read from the database."""
    made = []
    read = hotspot_dots.lay_records
    monkeypatch.setattr(hotspot_dots, "lay_records", lambda *said: made.append(said) or read(*said))
    return made


def address(client, slug, zoom=ZOOM, column=COLUMN, row=ROW, **asked):
    """Where an open map asks for the counts of a tile."""
    page = client.get(f"/p/{slug}/map?{urlencode(asked)}").get_data(as_text=True)
    found = html.unescape(re.search(r'data-dots="([^"]+)"', page)[1])
    return found.replace("{z}", str(zoom)).replace("{x}", str(column)).replace("{y}", str(row))


def by_hand(slug, zoom=ZOOM, column=COLUMN, row=ROW):
    """The same without the pass of an open page."""
    return f"/p/{slug}/map/counts/{zoom}/{column}/{row}.json"


def with_month(found, month):
    return f"{found}&{urlencode({'month': month})}"


def actions(admin, partnership):
    with admin.cursor() as cursor:
        cursor.execute(
            "SELECT action, outcome FROM audit.event WHERE partnership_id = %s"
            " AND action NOT LIKE 'authenticate:%%' ORDER BY seq",
            (str(partnership.partnership_id),),
        )
        return cursor.fetchall()


def test_a_tile_counts_the_records_on_the_map_and_no_others(borough, client_as):
    client = client_as(Role.MEMBER)
    found = address(client, borough.slug)
    answer = client.get(found)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    tile = answer.get_json()
    assert set(tile) == {"n", "side", "square", "count", "highest", "crowded"}
    assert tile["highest"] == max(tile["count"]) >= 30
    assert (tile["n"], sum(tile["count"]), tile["side"]) == (42, 42, 64)
    layer = client.get(f"/p/{borough.slug}/map/layer.json").get_json()
    assert layer["n"] == tile["n"]


def test_the_tiles_of_an_open_map_are_one_opening_and_one_reading(
    borough, client_as, admin, partnership, reads
):
    client = client_as(Role.CHAIR)
    found = address(client, borough.slug)
    sums = [
        client.get(with_month(found, month)).get_json() for month in ("2026-01", "2026-02", "2026-03", "")
    ]
    assert [tile["n"] for tile in sums] == [sum(tile["count"]) for tile in sums] == [14, 14, 14, 42]
    assert client.get(found.replace(f"/{COLUMN}/", "/0/")).get_json()["count"] == []
    assert len(reads) == 1
    assert actions(admin, partnership) == [("consult:map", "allow")]


def test_without_a_pass_each_tile_is_logged_and_read(borough, client_as, admin, partnership, reads):
    client = client_as(Role.CHAIR)
    for _ in range(2):
        assert client.get(by_hand(borough.slug)).get_json()["n"] == 42
    found = address(client, borough.slug)
    said = dict(parse_qsl(urlsplit(found).query))[openings.PARAMETER]
    assert client.get(found.replace(said[:6], "000000")).get_json()["n"] == 42
    assert client.get(f"{found}&harm=cse").get_json()["n"] == 42
    assert len(reads) == 4
    assert actions(admin, partnership) == [("consult:map", "allow")] * 5


def test_the_dots_are_of_the_moment_the_page_was_opened(borough, client_as, add, monkeypatch):
    client = client_as(Role.CHAIR)
    found = address(client, borough.slug)
    add(2, recorded=datetime(2100, 1, 1, tzinfo=UTC))
    monkeypatch.setattr(hotspot_dots._held, "_for_s", -1)
    assert client.get(found).get_json()["n"] == 42


def test_a_view_of_earlier_records_has_the_dots_of_those(borough, client_as, add):
    client = client_as(Role.CHAIR)
    add(2, 2, recorded=datetime(2026, 5, 2, tzinfo=UTC))
    assert client.get(address(client, borough.slug)).get_json()["n"] == 44
    earlier = address(client, borough.slug, as_at="2026-05-01T00:00:00+00:00")
    assert client.get(earlier).get_json()["n"] == 42


def test_a_sign_in_that_is_over_gets_nothing_of_what_is_held(borough, client_as, make_account, door):
    account = make_account(Role.CHAIR)
    client = client_as(account=account)
    found = address(client, borough.slug)
    assert client.get(found).get_json()["n"] == 42
    door.end(account.token)
    answer = client.get(found)
    assert answer.status_code == 303
    assert b"square" not in answer.get_data()


def test_a_membership_that_is_over_gets_nothing_of_what_is_held(borough, client_as, make_account, admin):
    account = make_account(Role.CHAIR)
    client = client_as(account=account)
    found = address(client, borough.slug)
    assert client.get(found).status_code == 200
    with admin.cursor() as cursor:
        cursor.execute(
            "UPDATE guard.membership SET valid_from = current_date - 9, valid_to = current_date - 1"
            " WHERE account_id = %s",
            (str(account.account_id),),
        )
        assert cursor.rowcount == 1
    assert client.get(found).status_code in (303, 404)


def test_another_role_is_not_given_what_the_old_one_read(borough, client_as, make_account, admin):
    account = make_account(Role.CHAIR)
    client = client_as(account=account)
    found = address(client, borough.slug)
    assert client.get(found).get_json()["n"] == 42
    with admin.cursor() as cursor:
        cursor.execute(
            "UPDATE guard.membership SET roles = %s WHERE account_id = %s",
            (int(Role.TASK_MEMBER), str(account.account_id)),
        )
    answer = client.get(found)  # a task member sees the records of the group's places, and there are none
    assert b"square" not in answer.get_data() or answer.get_json()["n"] == 0


def test_what_is_made_restricted_is_out_of_the_dots_once_they_are_read_again(
    borough, client_as, make_account, add, admin, monkeypatch
):
    client = client_as(Role.CHAIR)
    add(3, restricted=True)
    found = address(client, borough.slug)
    assert client.get(found).get_json()["n"] == 42
    with admin.cursor() as cursor:
        cursor.execute(
            "UPDATE placewise.event SET restricted = true WHERE partnership_id = %s",
            (str(borough.partnership_id),),
        )
    assert client.get(found).get_json()["n"] == 42  # as on the open page
    monkeypatch.setattr(hotspot_dots, "_held", hotspot_dots.Held(most_bytes=1, for_s=1))
    assert b"square" not in client.get(found).get_data()


def test_the_pass_of_one_is_of_no_use_to_another(borough, client_as, admin, partnership):
    found = address(client_as(Role.CHAIR), borough.slug)
    other = client_as(Role.CHAIR)
    assert other.get(found).status_code == 200
    assert actions(admin, partnership) == [("consult:map", "allow")] * 2  # logged for itself


def test_another_partnership_has_no_such_page(borough, client_as, make_partnership, make_account):
    other = make_partnership("Otherham")
    stranger = client_as(account=make_account(Role.CHAIR, among=(other,)))
    assert stranger.get(address(client_as(Role.CHAIR), borough.slug)).status_code == 404


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.ADMINISTRATOR])
def test_roles_that_see_no_records_are_refused(borough, client_as, role):
    found = address(client_as(Role.CHAIR), borough.slug)
    assert client_as(role).get(found).status_code == 403


def test_nobody_without_a_sign_in_is_answered(borough, app):
    assert app.test_client().get(by_hand(borough.slug)).status_code == 303


@pytest.mark.parametrize(
    "spot", [(19, 0, 0), (8, 256, 0), (8, 0, 256), (8, "-1", 0), (8, "x", 0), (8, 0, "1e3")]
)
def test_there_is_no_tile_outside_the_world(borough, client_as, spot):
    client = client_as(Role.CHAIR)
    assert client.get(address(client, borough.slug, *spot)).status_code == 404


@pytest.mark.parametrize("month", ["2025-12", "2026-13", "x", "2026-01' --"])
def test_a_month_that_is_not_in_the_period_is_said(borough, client_as, month):
    client = client_as(Role.CHAIR)
    answer = client.get(
        with_month(address(client, borough.slug), month), headers={"Accept": "application/json"}
    )
    assert answer.status_code == 400
    assert "not in the period" in answer.get_json()["detail"]


def test_a_filter_that_cannot_be_understood_is_said(borough, client_as):
    answer = client_as(Role.CHAIR).get(
        by_hand(borough.slug) + "?harm=none-such", headers={"Accept": "application/json"}
    )
    assert answer.status_code == 400
    assert "unknown kind of harm" in answer.get_json()["detail"]


def test_a_partnership_without_records_has_nothing_to_count(partnership, client_as):
    answer = client_as(Role.CHAIR).get(by_hand(partnership.slug), headers={"Accept": "application/json"})
    assert answer.status_code == 400
    assert "nothing to map" in answer.get_json()["detail"]


def test_dots_are_off_until_asked_for(borough, client_as):
    client = client_as(Role.CHAIR)
    box = r'<input type="checkbox" data-overlay="dots"( checked)?>'
    assert re.search(box, client.get(f"/p/{borough.slug}/map").get_data(as_text=True))[1] is None
    shown = client.get(f"/p/{borough.slug}/map?show=dots").get_data(as_text=True)
    assert re.search(box, shown)[1] == " checked"

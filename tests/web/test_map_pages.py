"""The map's pages without a browser: what they say, what they refuse, and that no data's text reaches folium."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from psycopg2.extensions import connection as Connection

from placewise.core.scope import Role
from placewise.web import maps
from tests.conftest import Account, ClientAs, MakeAccount, MakePartnership, TestPartnership

WHEN = datetime(2026, 3, 14, 20, tzinfo=UTC)
X, Y = 540_000.0, 180_000.0
NASTY = "{{ 7*7 }}<script>window.x=1</script>"

BOUNDARY = """
INSERT INTO placewise.boundary (partnership_id, kind, code, name, vintage, geom)
VALUES (%s, %s, %s, %s, 2024, ST_Multi(ST_MakeEnvelope(%s, %s, %s, %s, 27700)))
"""
EVENT = """
INSERT INTO placewise.event (partnership_id, source_agency, recorded_by, kind, category, harm_types,
    occurred_from, occurred_to, relation, accuracy, radius_m, geom, place_id)
VALUES (%(partnership)s, %(agency)s, %(account)s, %(kind)s, %(category)s, %(harm_types)s,
    %(at)s, %(at)s, %(relation)s, %(accuracy)s, %(radius_m)s,
    CASE WHEN %(x)s::float8 IS NULL THEN NULL ELSE ST_SetSRID(ST_MakePoint(%(x)s, %(y)s), 27700) END, %(place)s)
"""
PLACE = """
INSERT INTO placewise.place (partnership_id, place_id, source_agency, recorded_by, name, location_type,
    geom)
VALUES (%s, %s, %s, %s, %s, 'park', ST_SetSRID(ST_MakePoint(%s, %s), 27700))
"""

AddEvents = Callable[..., None]


@pytest.fixture
def account(make_account: MakeAccount) -> Account:
    return make_account(Role.COORDINATOR)


@pytest.fixture
def client(client_as: ClientAs, account: Account) -> FlaskClient:
    return client_as(account=account)


@pytest.fixture
def ground(admin: Connection, partnership: TestPartnership) -> None:
    """Two wards of 2 km by 4 km."""
    with admin.cursor() as cursor:
        for code, name, x in (("W1", "West Ward", X - 2000), ("W2", "East Ward", X)):
            values = (str(partnership.partnership_id), "ward", code, name, x, Y - 2000, x + 2000, Y + 2000)
            cursor.execute(BOUNDARY, values)


@pytest.fixture
def add_events(admin: Connection, partnership: TestPartnership, account: Account) -> AddEvents:
    def add(count: int, **changes: Any) -> None:
        usual = {
            "kind": "incident",
            "category": None,
            "harm_types": ["cse"],
            "relation": "harm_there",
            "accuracy": "exact",
            "radius_m": 20.0,
            "x": X + 310,
            "y": Y + 10,
            "place": None,
            "agency": "police",
            "at": WHEN,
        }
        values = usual | changes
        values["agency"] = str(partnership.agencies[str(values["agency"])])
        own = {"partnership": str(partnership.partnership_id), "account": str(account.account_id)}
        with admin.cursor() as cursor:
            for _ in range(count):
                cursor.execute(EVENT, values | own)

    return add


def address(partnership: TestPartnership, rest: str = "", **query: Any) -> str:
    return f"/p/{partnership.slug}/map{rest}" + (f"?{urlencode(query, doseq=True)}" if query else "")


def text_of(page: str) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))


def test_a_partnership_without_records_says_what_to_import(
    client: FlaskClient, partnership: TestPartnership
) -> None:
    page = client.get(address(partnership)).get_data(as_text=True)
    assert "no records have been imported" in page
    assert "Ward boundaries" in page


def test_records_without_boundary_and_location_say_what_to_import(
    client: FlaskClient, partnership: TestPartnership, add_events: AddEvents
) -> None:
    add_events(3, x=None, y=None, accuracy="none", radius_m=None)
    page = client.get(address(partnership)).get_data(as_text=True)
    assert "there are records, but no boundary" in page


@pytest.mark.usefixtures("ground")
@pytest.mark.parametrize(
    "as_at", ["2026-01-01T00:00:00-23:59", "0001-01-01T00:00:00", "9999-12-31T23:59:59-05:00"]
)
@pytest.mark.parametrize("part", ["", "/layer.json", "/cell.json"])
def test_no_moment_is_too_strange_to_be_asked_for(
    client: FlaskClient, partnership: TestPartnership, add_events: AddEvents, part: str, as_at: str
) -> None:
    add_events(3)
    assert client.get(address(partnership, part, as_at=as_at, cell="0.0")).status_code < 500


@pytest.mark.usefixtures("ground")
def test_the_sentence_says_how_many_are_on_the_map_and_how_many_too_coarse(
    client: FlaskClient, partnership: TestPartnership, add_events: AddEvents
) -> None:
    add_events(8)
    add_events(3, accuracy="ward", radius_m=2000)
    text = text_of(client.get(address(partnership)).get_data(as_text=True))
    assert "One area stands out from chance in March 2026, in East Ward." in text
    assert "8 records are on the map" in text
    assert "3 of 11 records are too coarsely located to place" in text


@pytest.mark.usefixtures("ground")
@pytest.mark.parametrize("relation", ["found_there", "detected_there"])
def test_where_children_were_found_is_off_until_asked_for_and_then_warned_about(
    client: FlaskClient, partnership: TestPartnership, add_events: AddEvents, relation: str
) -> None:
    add_events(6, relation=relation)
    add_events(1, x=X - 900)
    usual = client.get(address(partnership)).get_data(as_text=True)
    asked = client.get(address(partnership, relation=["harm_there", relation])).get_data(as_text=True)
    assert "1 record is on the map" in text_of(usual)
    assert "not where harm happens" not in usual
    assert "7 records are on the map" in text_of(asked)
    assert "not where harm happens" in asked


@pytest.mark.usefixtures("ground")
def test_stop_and_search_is_never_in_the_usual_picture(
    client: FlaskClient, partnership: TestPartnership, add_events: AddEvents
) -> None:
    add_events(6, kind="stop_search", harm_types=[])
    text = text_of(client.get(address(partnership)).get_data(as_text=True))
    assert "no record matches these filters" in text


@pytest.mark.usefixtures("ground")
def test_open_data_alone_makes_a_map_that_explains_its_points(
    client: FlaskClient, partnership: TestPartnership, add_events: AddEvents
) -> None:
    add_events(9, kind="recorded_crime", category="drugs", harm_types=[], accuracy="snap_point", radius_m=150)
    text = text_of(client.get(address(partnership)).get_data(as_text=True))
    assert "9 records are on the map" in text
    assert "moved to a nearby published point" in text


@pytest.mark.usefixtures("ground")
def test_bad_values_are_named_and_the_rest_of_the_filter_is_kept(
    client: FlaskClient, partnership: TestPartnership, add_events: AddEvents
) -> None:
    add_events(6)
    answer = client.get(address(partnership, view="density", width="999", harm="cse", **{"from": "May"}))
    page = answer.get_data(as_text=True)
    assert answer.status_code == 400
    assert "A month must look like 2026-05" in page
    assert "unknown cell size" in page
    assert re.search(r'value="cse" checked', page)
    assert 'aria-current="true">Density' in page


@pytest.mark.usefixtures("ground")
@pytest.mark.parametrize("name", ["layer.json", "cell.json"])
def test_a_layer_refuses_what_it_does_not_understand(
    client: FlaskClient, partnership: TestPartnership, add_events: AddEvents, name: str
) -> None:
    add_events(1)
    answer = client.get(address(partnership, f"/{name}", width="999"), headers={"Accept": "application/json"})
    assert answer.status_code == 400
    assert answer.content_type == "application/problem+json"


@pytest.mark.usefixtures("ground")
def test_the_counts_of_the_cells_add_up_to_the_records_on_the_map(
    client: FlaskClient, partnership: TestPartnership, add_events: AddEvents
) -> None:
    for step in range(7):
        add_events(step + 1, x=X + 300 * step, y=Y - 200 * step)
    answer = client.get(address(partnership, "/layer.json")).get_json()
    assert sum(answer["layer"]["count"]) == answer["n"] == 28


@pytest.mark.usefixtures("ground")
def test_every_cell_of_the_layer_answers_with_its_facts(
    client: FlaskClient, partnership: TestPartnership, add_events: AddEvents
) -> None:
    add_events(4, harm_types=["cse"])
    add_events(2, harm_types=[], agency="health")
    layer = client.get(address(partnership, "/layer.json")).get_json()["layer"]
    busiest = layer["count"].index(max(layer["count"]))
    cell = f"{layer['q'][busiest]}.{layer['r'][busiest]}"
    facts = client.get(address(partnership, "/cell.json", cell=cell)).get_json()
    lines = dict(facts["lines"])
    assert lines["Records"].startswith("6 ")
    assert lines["Harm"] == "Child sexual exploitation 4, not recorded 2"
    assert lines["Sent by"] == "Testshire Police 4, Testham Health 2"
    assert lines["When"] == "All in March 2026"
    assert client.get(address(partnership, "/cell.json", cell="1.1")).status_code == 404


@pytest.mark.usefixtures("ground")
def test_one_month_of_the_slider_counts_only_that_month(
    client: FlaskClient, partnership: TestPartnership, add_events: AddEvents
) -> None:
    add_events(4)
    add_events(3, at=WHEN - timedelta(days=31))
    whole = client.get(address(partnership, "/layer.json")).get_json()
    month = client.get(address(partnership, "/layer.json", month="2026-02")).get_json()
    assert (whole["n"], month["n"]) == (7, 3)
    assert "February 2026. n = 3 of 3 records." in month["legend"]["lines"]


@pytest.mark.usefixtures("ground")
def test_text_from_the_data_is_never_evaluated_and_never_markup(
    client: FlaskClient,
    admin: Connection,
    partnership: TestPartnership,
    account: Account,
    add_events: AddEvents,
) -> None:
    place = uuid4()
    with admin.cursor() as cursor:
        own = (str(partnership.partnership_id), str(place), str(partnership.agencies["police"]))
        cursor.execute(PLACE, (*own, str(account.account_id), NASTY, X, Y))
        cursor.execute("UPDATE placewise.boundary SET name = %s WHERE code = 'W2'", (NASTY,))
        cursor.execute(
            "UPDATE placewise.agency SET name = %s WHERE partnership_id = %s AND code = 'police'",
            (NASTY, str(partnership.partnership_id)),
        )
    add_events(8, place=str(place))
    page = client.get(address(partnership)).get_data(as_text=True)
    assert "<script>window.x" not in page
    assert NASTY in html.unescape(page)
    assert "49" not in re.findall(r"\b49\b(?=.{0,30}script)", page)
    layer = client.get(address(partnership, "/layer.json")).get_json()
    assert NASTY in layer["sentence"]
    assert html.unescape(page).count("7*7") >= 3  # place, ward and agency, all literally


def test_what_folium_gets_is_numbers_and_constants_so_its_part_never_changes() -> None:
    def made() -> maps.MapParts:
        return maps.hotspot_map(
            (0.1, 51.5),
            13,
            bounds=[(0.0, 51.4), (0.2, 51.6)],
            leaflet_js="/static/vendor/leaflet/leaflet.js",
            leaflet_css="/static/vendor/leaflet/leaflet.css",
        )

    assert made() == made()
    assert "http" not in made().script + made().html + made().style


def test_folium_cannot_bring_a_file_from_elsewhere() -> None:
    with pytest.raises(Exception, match="elsewhere"):
        maps.hotspot_map(
            (0.1, 51.5),
            13,
            bounds=[(0.0, 51.4), (0.2, 51.6)],
            leaflet_js="https://elsewhere.example/leaflet.js",
            leaflet_css="/static/vendor/leaflet/leaflet.css",
        )


@pytest.mark.usefixtures("ground")
def test_a_task_member_sees_only_the_places_of_the_group_and_no_test(
    client_as: ClientAs, partnership: TestPartnership, add_events: AddEvents
) -> None:
    add_events(8)
    page = client_as(Role.TASK_MEMBER).get(address(partnership)).get_data(as_text=True)
    assert "no records have been imported" in page


@pytest.mark.usefixtures("ground")
def test_another_partnership_sees_nothing_of_it(
    client_as: ClientAs,
    make_partnership: MakePartnership,
    make_account: MakeAccount,
    partnership: TestPartnership,
    add_events: AddEvents,
) -> None:
    add_events(8)
    other = make_partnership("Elsewhere")
    stranger = client_as(account=make_account(Role.CHAIR, among=(other,)))
    assert stranger.get(address(partnership)).status_code == 404
    assert "no records have been imported" in stranger.get(address(other)).get_data(as_text=True)


@pytest.mark.usefixtures("ground")
def test_looking_at_the_map_is_logged_and_a_tile_is_not(
    client: FlaskClient,
    admin: Connection,
    partnership: TestPartnership,
    account: Account,
    add_events: AddEvents,
) -> None:
    add_events(1)
    client.get(address(partnership))
    client.get(f"/p/{partnership.slug}/tiles/12/2048/1362.mvt")
    looked = [a for a in logged(admin, partnership.partnership_id) if not a.startswith("authenticate:")]
    assert looked == ["consult:map"]


def logged(admin: Connection, partnership_id: UUID) -> list[str]:
    with admin.cursor() as cursor:
        cursor.execute(
            "SELECT action FROM audit.event WHERE partnership_id = %s AND action NOT LIKE 'authenticate:%%'"
            " ORDER BY seq",
            (str(partnership_id),),
        )
        return [action for (action,) in cursor.fetchall()]


@pytest.mark.usefixtures("ground")
def test_the_page_names_no_host_but_its_own(
    client: FlaskClient, partnership: TestPartnership, add_events: AddEvents
) -> None:
    add_events(6)
    page = client.get(address(partnership)).get_data(as_text=True)
    hosts = set(re.findall(r"(?:https?:)?//[\w.-]+", page))
    assert hosts <= {"http://www.w3.org"}


@pytest.mark.usefixtures("ground")
def test_outlines_carry_names_as_data(
    client: FlaskClient, partnership: TestPartnership, add_events: AddEvents
) -> None:
    answer = client.get(address(partnership, "/outlines/ward.json")).get_json()
    assert [one["properties"]["name"] for one in answer["features"]] == ["East Ward", "West Ward"]
    assert client.get(address(partnership, "/outlines/street.json")).status_code == 404
    assert json.dumps(answer).count("[") > 8

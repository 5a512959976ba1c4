"""Saved views of the map, and the map as its records stood at an earlier moment."""
# ruff: noqa: F811 - fixtures are imported, and arguments bear their names

from __future__ import annotations

import html
import re
from urllib.parse import parse_qsl, urlsplit

import pytest
from flask.testing import FlaskClient

from placewise.core.scope import Role
from tests.conftest import ClientAs, TestPartnership, csrf_token
from tests.web.test_map_pages import (  # noqa: F401 - fixtures
    AddEvents,
    account,
    add_events,
    address,
    client,
    ground,
    text_of,
)

pytestmark = pytest.mark.usefixtures("ground")


def test_a_saved_view_opens_as_it_was_though_records_came_since(
    client: FlaskClient, partnership: TestPartnership, add_events: AddEvents
) -> None:
    add_events(8)
    token = csrf_token(client, address(partnership))
    form = {"csrf_token": token, "title": "March panel", "view": "significance", "width": "500"}
    assert client.post(address(partnership, "/saved"), data=form).status_code == 303
    add_events(5)
    listing = client.get(address(partnership, "/saved")).get_data(as_text=True)
    link = re.search(r'href="([^"]+)">March panel', listing)
    assert link
    saved = html.unescape(link[1])
    assert dict(parse_qsl(urlsplit(saved).query))["width"] == "500"
    assert "8 records are on the map" in text_of(client.get(saved).get_data(as_text=True))
    assert "13 records are on the map" in text_of(client.get(address(partnership)).get_data(as_text=True))


@pytest.mark.parametrize("view", ["counts", "rates", "scan"])
def test_a_picture_of_earlier_records_says_so_first(
    client: FlaskClient, partnership: TestPartnership, add_events: AddEvents, view: str
) -> None:
    add_events(8)
    earlier = "2026-01-01T12:00:00+00:00"
    drawn = client.get(address(partnership, "/layer.json", view=view, as_at=earlier)).get_json()
    assert drawn["sentence"].startswith("Records as held on 1 January 2026, 12:00. ")
    assert drawn["silence"].startswith("By 1 January 2026, 12:00, no report from anyone had come in for ")
    assert "nothing was reported" not in drawn["silence"], "it came later"
    assert "As held" not in client.get(address(partnership, "/layer.json", view=view)).get_json()["sentence"]
    page = client.get(address(partnership, "/analysis/near_repeats", as_at=earlier)).get_data(as_text=True)
    assert "As the records stood on 1 January 2026, 12:00." in page
    link = re.search(r'href="([^"]+)">Show the records of now', page)
    assert link
    assert "as_at" not in link[1]


@pytest.mark.parametrize("title", ["  ", "\u200b", "x" * 121, "March \u202elenap"])
def test_a_view_without_a_name_that_can_be_read_is_not_saved(
    client: FlaskClient, partnership: TestPartnership, add_events: AddEvents, title: str
) -> None:
    add_events(1)
    form = {"csrf_token": csrf_token(client, address(partnership)), "title": title}
    assert client.post(address(partnership, "/saved"), data=form).status_code == 400


def test_a_member_may_look_but_not_save(
    client_as: ClientAs, partnership: TestPartnership, add_events: AddEvents
) -> None:
    add_events(1)
    member = client_as(Role.MEMBER)
    assert "Save this view" not in member.get(address(partnership)).get_data(as_text=True)
    form = {"csrf_token": csrf_token(member, address(partnership)), "title": "Mine"}
    assert member.post(address(partnership, "/saved"), data=form).status_code == 403

"""One line in the log for each opening of a page, however much the page fetches; one for each request without it."""

from __future__ import annotations

import html
import re
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import shapely

from placewise.core.scope import Role
from placewise.intake.bring_in import Sending, bring_in
from placewise.intake.layouts import get_layout
from placewise.intake.limits import UPLOAD_LIMITS
from placewise.web import openings
from tests.shape_files import geojson
from tests.visitor import GOOD, Visitor

X, Y = 540_000, 180_000
WARD = {"kind": "ward", "code": "E05000001", "name": "Mill", "vintage": "2024"}


@pytest.fixture
def borough(database, scope, tmp_path):
    """A ward, and an incident in each of two months."""
    incidents = [
        (
            {"local_ref": day, "kind": "incident", "occurred_from": day, "relation": "harm_there"},
            shapely.Point(X, Y),
        )
        for day in ("2026-02-14", "2026-03-14")
    ]
    for layout, features in (
        ("boundaries", [(WARD, shapely.box(X - 2000, Y - 2000, X + 2000, Y + 2000))]),
        ("incidents", incidents),
    ):
        path = geojson(tmp_path / f"{layout}.geojson", features, epsg=27700)
        sending = Sending(path, get_layout(layout), "police", UPLOAD_LIMITS, path.name)
        assert bring_in(database, scope(Role.COORDINATOR), sending).counts.refused == 0


@pytest.fixture
def logged(admin, partnership):
    """Actions in the log, and how they ended, since the one before."""
    seen = 0

    def since():
        nonlocal seen
        with admin.cursor() as cursor:
            cursor.execute(
                "SELECT seq, action, outcome FROM audit.event WHERE partnership_id = %s AND seq > %s"
                " AND action NOT LIKE 'authenticate:%%' ORDER BY seq",
                (str(partnership.partnership_id), seen),
            )
            found = cursor.fetchall()
        seen = found[-1][0] if found else seen
        return [(action, outcome) for _, action, outcome in found]

    return since


@pytest.fixture
def opened(borough, client_as, partnership, logged):
    """A browser with the map open, and the address of its layer."""
    client = client_as(Role.COORDINATOR)
    logged()
    return client, layer_address(client, partnership)


def layer_address(client, partnership, **asked):
    page = client.get(f"/p/{partnership.slug}/map?{urlencode(asked)}").get_data(as_text=True)
    return html.unescape(re.search(r'data-layer="([^"]+)"', page)[1])


def changed(address, **changes):
    """An address with some parameters changed; None takes one out."""
    parts = urlsplit(address)
    pairs = [(name, value) for name, value in parse_qsl(parts.query) if name not in changes]
    pairs += [(name, value) for name, value in changes.items() if value is not None]
    return f"{parts.path}?{urlencode(pairs)}"


def test_the_months_of_an_open_map_belong_to_its_opening(opened, logged):
    client, layer = opened
    for month in ("2026-02", "2026-03", None):
        answer = client.get(changed(layer, month=month))
        assert answer.status_code == 200
        assert answer.get_json()["n"] == (2 if month is None else 1)
    assert logged() == [("consult:map", "allow")]


def test_a_map_opened_on_one_month_shows_its_others_as_well(borough, client_as, partnership, logged):
    client = client_as(Role.COORDINATOR)
    logged()
    layer = layer_address(client, partnership, month="2026-02", harm="cse", agency="police")
    for month in ("2026-02", "2026-03", None):
        assert client.get(changed(layer, month=month)).status_code == 200
    assert logged() == [("consult:map", "allow")]


def test_another_filter_is_another_opening(opened, partnership, logged):
    client, layer = opened
    logged()
    assert client.get(changed(layer, view="density")).status_code == 200
    assert client.get(changed(layer, harm="cse")).status_code == 200
    assert client.get(f"{layer}&harm=cse").status_code == 200
    assert client.get(changed(layer, view=None)).status_code == 200
    layer_address(client, partnership, harm="cse")
    assert logged() == [("consult:map", "allow")] * 5


def test_a_layer_asked_for_without_the_page_is_logged(opened, logged, partnership):
    client, layer = opened
    logged()
    said = dict(parse_qsl(urlsplit(layer).query))[openings.PARAMETER]
    assert client.get(f"/p/{partnership.slug}/map/layer.json").status_code == 200
    for forged in (None, "", "x", said[:-1], said.replace(said[:4], "0000"), "é"):
        assert client.get(changed(layer, opened=forged)).status_code == 200
    assert logged() == [("consult:map", "allow")] * 7


def test_a_pass_is_of_no_use_to_anyone_else_nor_for_long(opened, client_as, logged, monkeypatch):
    client, layer = opened
    logged()
    assert client_as(Role.COORDINATOR).get(layer).status_code == 200
    assert logged() == [("consult:map", "allow")]
    monkeypatch.setattr(openings, "OPEN_FOR_S", -1)
    assert client.get(layer).status_code == 200
    assert logged() == [("consult:map", "allow")]


def test_a_pass_opens_nothing(opened, client_as, app, partnership, logged):
    _, layer = opened
    logged()
    assert client_as(Role.AUDITOR).get(layer).status_code == 403
    assert app.test_client().get(layer).status_code == 303
    assert logged() == [("consult:map", "deny")]


def test_each_cell_looked_at_is_logged(opened, partnership, logged):
    client, layer = opened
    drawn = client.get(layer).get_json()["layer"]
    logged()
    cell = f"{drawn['q'][0]}.{drawn['r'][0]}"
    for _ in range(2):
        answer = client.get(changed(layer.replace("layer.json", "cell.json"), cell=cell))
        assert answer.status_code == 200
    assert logged() == [("consult:map-cell", "allow")] * 2


def test_following_an_import_is_no_line_in_the_log_for_each_look(client_as, partnership, logged):
    visitor = Visitor(client_as(Role.COORDINATOR), partnership)
    visitor.look(GOOD)
    running = visitor.at.replace("waiting", "running")
    visitor.accept()
    logged()
    for _ in range(5):
        assert visitor.client.get(f"{running}/progress").json["over"]
    assert logged() == []
    visitor.client.get(running)
    assert logged() == [("consult:imports", "allow")]
    assert client_as(Role.CHAIR).get(f"{running}/progress").status_code == 403
    assert logged() == [("read:part", "deny")]

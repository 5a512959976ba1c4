"""The map's views that a worker calculates: asked for, shown as layer and table, explained by cell, and saved whole."""

from __future__ import annotations

import json
import re

import pytest
from flask.testing import FlaskClient
from psycopg2.extensions import connection as Connection

from placewise.core.scope import Role
from placewise.panel.analyses.catalogue import ANALYSES, ON_THE_MAP
from placewise.panel.hotspot_filter import OPTIONS, VIEWS
from tests.conftest import ClientAs, TestPartnership, csrf_token
from tests.records import Records, london
from tests.web.conftest import Finish

QUERY = {"from": "2025-01", "to": "2025-12"}


@pytest.fixture
def records(admin: Connection, partnership: TestPartnership) -> None:
    """A year of records, and many more at one spot in its last two months."""
    made = Records(admin, partnership)
    for month in range(1, 13):
        spots = [(531_000 + 700 * i, 181_000 + 700 * j) for i in range(4) for j in range(4)]
        spots += [(531_060, 181_040 + k) for k in range(12)] if month >= 11 else []
        for day, (x, y) in enumerate(spots):
            made.event(
                None,
                london(2025, month, 1 + day),
                accuracy="exact",
                radius_m=5,
                geom=f"SRID=27700;POINT({x} {y})",
            )


def look(client: FlaskClient, partnership: TestPartnership, **query: str) -> str:
    answer = client.get(f"/p/{partnership.slug}/map", query_string=QUERY | query)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def calculated(client: FlaskClient, partnership: TestPartnership, finish: Finish, **query: str) -> str:
    """The page of a view once it is calculated, got by the page's own forms."""
    before = look(client, partnership, **query)
    assert "not calculated yet" in before
    form = before.split('action="/p/' + partnership.slug + "/map/analysis/", 1)[1]
    fields = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form.split("</form>")[0])
    token = csrf_token(client)
    asked = client.post(
        f"/p/{partnership.slug}/map/analysis/{query['view']}",
        data=dict([*fields, ("csrf_token", token)]),
    )
    assert asked.status_code == 303
    waiting = client.get(asked.headers["Location"]).get_data(as_text=True)
    finish(waiting)
    return client.get(asked.headers["Location"]).get_data(as_text=True)


def first_layer(page: str) -> dict[str, object]:
    found = re.search(
        r'<script type="application/json" id="first-layer"[^>]*>(.*?)</script>', page, re.DOTALL
    )
    assert found
    layer: dict[str, object] = json.loads(found[1])["layer"]
    return layer


def test_every_view_of_a_worker_is_offered_and_its_options_are_its_own() -> None:
    assert set(ON_THE_MAP) == set(OPTIONS)
    assert set(ON_THE_MAP) <= set(VIEWS)
    assert set(ON_THE_MAP) <= set(ANALYSES)


@pytest.mark.usefixtures("records")
def test_clusters_from_the_button_to_the_circle_and_the_saved_view(
    client_as: ClientAs, partnership: TestPartnership, finish: Finish
) -> None:
    client = client_as(Role.ANALYST)
    page = calculated(client, partnership, finish, view="scan", shufflings="199")
    layer = first_layer(page)
    assert layer["kind"] == "circles"
    assert len(layer["circles"]) == 1
    assert "Clusters (1)" in page
    assert "from exactly these records" in page
    assert "not calculated yet" in look(client, partnership, view="scan", shufflings="999")
    saved = client.post(
        f"/p/{partnership.slug}/map/saved",
        data=QUERY
        | {"view": "scan", "shufflings": "199", "title": "Clusters", "csrf_token": csrf_token(client)},
    )
    assert saved.status_code == 303
    listed = client.get(f"/p/{partnership.slug}/map/saved").get_data(as_text=True)
    assert "would be expected" in listed
    assert "shufflings=199" in listed, "the saved address must ask the same"


@pytest.mark.usefixtures("records")
def test_emerging_cells_are_drawn_listed_and_explained(
    client_as: ClientAs, partnership: TestPartnership, finish: Finish
) -> None:
    client = client_as(Role.ANALYST)
    page = calculated(client, partnership, finish, view="emerging", redraws="99", step="1")
    layer = first_layer(page)
    assert layer["kind"] == "emerging"
    assert "How cells changed" in page
    cell = re.search(r'data-show-cell="([^"]+)"', page)
    assert cell
    facts = client.get(
        f"/p/{partnership.slug}/map/cell.json",
        query_string=QUERY | {"view": "emerging", "redraws": "99", "step": "1", "cell": cell[1]},
    ).get_json()
    assert facts["lines"][0][0] == "How it changed"


@pytest.mark.usefixtures("records")
def test_a_view_not_yet_calculated_cannot_be_saved(client_as: ClientAs, partnership: TestPartnership) -> None:
    client = client_as(Role.ANALYST)
    saved = client.post(
        f"/p/{partnership.slug}/map/saved",
        data=QUERY | {"view": "scan", "title": "Clusters", "csrf_token": csrf_token(client)},
    )
    assert saved.status_code == 400
    assert "Calculate this view first" in saved.get_data(as_text=True)


@pytest.mark.usefixtures("records")
@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"view": "scan", "radius": "1"}, "must be a whole number from 250 to 10,000"),
        ({"view": "scan", "compared": "stars"}, "must be one of: permutation, area, background"),
        ({"view": "scan", "compared": "area", "time": "now"}, "Choose the whole period"),
        ({"view": "emerging", "step": "9"}, "step in months must be one of: 1, 2, 3"),
        ({"view": "emerging", "seed": "-1"}, "seed must be a whole number"),
    ],
)
def test_an_option_that_cannot_be_is_an_error_that_says_what_can(
    client_as: ClientAs, partnership: TestPartnership, query: dict[str, str], words: str
) -> None:
    client, asked = client_as(Role.ANALYST), QUERY | query
    answer = client.get(f"/p/{partnership.slug}/map", query_string=asked)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 400
    summary = page[page.index("govuk-error-summary__list") :].partition("</ul>")[0]
    assert words in summary
    group = re.search(r'href="#([^"]+)"', summary)
    assert group
    assert f'id="{group[1]}" open' in page
    assert "not calculated yet" not in page
    assert ">Calculate</button>" not in page
    layer = client.get(f"/p/{partnership.slug}/map/layer.json", query_string=asked)
    assert layer.status_code == 400
    form = asked | {"title": "Clusters", "csrf_token": csrf_token(client)}
    saved = client.post(f"/p/{partnership.slug}/map/saved", data=form)
    assert saved.status_code == 400
    assert words in saved.get_data(as_text=True)


@pytest.mark.usefixtures("records")
def test_records_that_cannot_bear_it_are_no_error_but_said_and_there_is_no_button(
    client_as: ClientAs, partnership: TestPartnership
) -> None:
    page = look(client_as(Role.ANALYST), partnership, view="emerging", **{"from": "2025-11"})
    assert "Choose a longer period" in page
    assert "cannot be calculated from these records" in page
    assert "not calculated yet" not in page
    assert ">Calculate</button>" not in page

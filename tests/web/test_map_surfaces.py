"""Every way to draw the map through its own form: the page answers, keeps what was chosen, and says it in words."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient
from psycopg2.extensions import connection as Connection

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

pytestmark = pytest.mark.usefixtures("ground")

WARD_LEVEL = {"x": None, "y": None, "accuracy": "ward", "radius_m": None}


def chosen(page: str, field: str) -> str:
    (select,) = re.findall(rf'<select[^>]+name="{field}".*?</select>', page, re.DOTALL)
    (value,) = re.findall(r'value="([^"]+)" selected', select)
    return str(value)


@pytest.mark.parametrize(
    ("field", "value", "view", "words"),
    [
        ("kernel", "gaussian", "density", "Gaussian kernel"),
        ("edge", "plain", "density", "Not corrected at the edge"),
        ("bandwidth", "silverman", "density", "Silverman’s rule chose"),
        ("bandwidth", "likelihood", "density", "likelihood cross-validation"),
        ("bandwidth", "450", "density", "smoothed over 450 m"),
        ("bandwidth", "9", "density", "less than one cell of the surface (25 m)"),
        ("imprecise", "spread", "density", "nothing was spread over a ward"),
        ("cells", "squares", "counts", "in each square of 250 m"),
        ("shade", "children", "counts", "Different children in each cell"),
        ("rate", "children", "rates", "too few children"),
        ("rate", "residents", "rates", "nobody is held to live in any area here"),
        ("rate", "crime_quotient", "rates", "no recorded crime"),
    ],
)
def test_what_is_chosen_in_the_form_is_kept_and_said(
    client: FlaskClient,  # noqa: F811  an imported fixture
    partnership: TestPartnership,
    add_events: AddEvents,  # noqa: F811  an imported fixture
    field: str,
    value: str,
    view: str,
    words: str,
) -> None:
    for step in range(12):
        add_events(1, x=X + 310 + 37 * step, y=Y + 10 + 53 * (step % 5))
    answer = client.get(address(partnership, view=view, **{field: value}))
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert chosen(page, field) == value
    assert words in text_of(page)
    layer = client.get(address(partnership, "/layer.json", view=view, **{field: value}))
    assert words in " ".join([layer.json["legend"]["title"], *layer.json["legend"]["lines"]])


def test_a_ward_level_record_is_spread_over_its_ward_and_its_share_is_said(
    client: FlaskClient,  # noqa: F811  an imported fixture
    partnership: TestPartnership,
    add_events: AddEvents,  # noqa: F811  an imported fixture
    admin: Connection,
) -> None:
    add_events(4)
    add_events(1, **WARD_LEVEL)
    with admin.cursor() as cursor:
        cursor.execute(
            "UPDATE placewise.event SET boundary_id = b.boundary_id FROM placewise.boundary b"
            " WHERE b.partnership_id = event.partnership_id AND b.code = 'W1' AND event.geom IS NULL"
        )
    spread = client.get(
        address(partnership, "/layer.json", view="density", imprecise="spread", edge="plain")
    ).json
    assert any(
        "known only roughly" in line and re.match("(19|20)%", line) for line in spread["legend"]["lines"]
    )
    assert spread["n"] == 5
    counts = client.get(address(partnership, "/layer.json", view="counts", imprecise="spread")).json
    assert counts["n"] == 4
    assert "only the density view can spread them" in counts["left_out"][0]


def test_a_saved_view_keeps_how_it_was_drawn(
    client: FlaskClient,  # noqa: F811  an imported fixture
    partnership: TestPartnership,
    add_events: AddEvents,  # noqa: F811  an imported fixture
) -> None:
    add_events(12)
    page = client.get(address(partnership, view="density", kernel="gaussian", cells="squares", rate="all"))
    form = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page.get_data(as_text=True))
    kept = [pair for pair in form if pair[0] in ("view", "kernel", "cells", "rate", "from", "to")]
    data = {**dict(kept), "csrf_token": csrf_token(client), "title": "Squares"}
    assert client.post(address(partnership, "/saved"), data=data).status_code == 303
    saved = client.get(address(partnership, "/saved")).get_data(as_text=True)
    assert "kernel=gaussian" in saved
    assert "cells=squares" in saved

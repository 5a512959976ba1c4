"""Asking for a long calculation, following it, ending it, and reading its result, as a browser without scripts does."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from psycopg2.extensions import connection as Connection

from placewise.core.scope import Role
from tests.conftest import ClientAs, TestPartnership, csrf_token
from tests.records import Records, london
from tests.web.conftest import Finish


@pytest.fixture
def records(admin: Connection, partnership: TestPartnership) -> None:
    """Forty pairs of records, the second a day after the first and beside it."""
    made = Records(admin, partnership)
    for i in range(40):
        for later in (0, 1):
            made.event(
                None,
                london(2026, 1 + i % 4, 1 + i % 27 + later),
                accuracy="exact",
                radius_m=5,
                geom=f"SRID=27700;POINT({531_000 + 400 * (i % 8) + later} {181_000 + 400 * (i // 8)})",
            )


def address(partnership: TestPartnership, kind: str = "near_repeats") -> str:
    return f"/p/{partnership.slug}/map/analysis/{kind}"


def ask(client: FlaskClient, at: str, **fields: str) -> str:
    """Press the page's button; the address it leads to."""
    answer = client.post(at, data={"csrf_token": csrf_token(client, at), **fields})
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return str(answer.headers["Location"])


def text(client: FlaskClient, at: str, *, status: int = 200) -> str:
    answer = client.get(at)
    assert answer.status_code == status
    return answer.get_data(as_text=True)


@pytest.mark.usefixtures("records")
def test_from_the_button_to_the_result(
    client_as: ClientAs, partnership: TestPartnership, finish: Finish
) -> None:
    client = client_as(Role.ANALYST)
    assert "has not been calculated for these records yet" in text(client, address(partnership))
    page = text(client, ask(client, address(partnership), shufflings="199"))
    assert "Waiting for its turn." in page
    assert 'name="shufflings" value="199"' in page, "cancelling must lead back to the same question"
    finish(page)
    done = text(client, f"{address(partnership)}?shufflings=199")
    assert "from exactly these records" in done
    assert "Pairs of records" in done
    assert "has not been calculated" in text(client, address(partnership)), "another question, another answer"


@pytest.mark.usefixtures("records")
def test_progress_tells_how_far_it_is_and_nothing_to_others(
    client_as: ClientAs, partnership: TestPartnership, finish: Finish
) -> None:
    mine, other = client_as(Role.ANALYST), client_as(Role.COORDINATOR)
    page = text(mine, ask(mine, address(partnership), shufflings="199"))
    at = re.search(r'data-progress="([^"]+)"', page)
    assert at
    first = mine.get(at[1]).get_json()
    assert first == {"percent": 0, "over": False, "words": "Waiting for its turn."}
    assert other.get(at[1]).status_code == 404
    finish(page)
    assert mine.get(at[1]).get_json() == {"percent": 100, "over": True, "words": ""}
    assert mine.get(f"/p/{partnership.slug}/map/analysis/progress/{uuid4()}.json").status_code == 404


@pytest.mark.usefixtures("records")
def test_cancelling_leads_back_to_the_button(
    client_as: ClientAs, partnership: TestPartnership, finish: Finish
) -> None:
    mine, other = client_as(Role.ANALYST), client_as(Role.ANALYST)
    page = text(mine, ask(mine, address(partnership)))
    at = re.search(r'action="([^"]+/cancel/[^"]+)"', page)
    assert at
    assert other.post(at[1], data={"csrf_token": csrf_token(other, address(partnership))}).status_code == 404
    assert mine.post(at[1], data={"csrf_token": csrf_token(mine, address(partnership))}).status_code == 303
    finish(page)
    after = text(mine, address(partnership))
    assert "was cancelled" in after
    assert "Calculate" in after


def test_too_few_records_are_said_and_cannot_be_asked_for(
    client_as: ClientAs, partnership: TestPartnership, admin: Connection
) -> None:
    Records(admin, partnership).event(
        None, london(2026, 3, 3), accuracy="exact", radius_m=5, geom="SRID=27700;POINT(531000 181000)"
    )
    client = client_as(Role.ANALYST)
    page = text(client, address(partnership))
    assert "govuk-inset-text" in page
    assert f'method="post" action="{address(partnership)}"' not in page
    asked = client.post(address(partnership), data={"csrf_token": csrf_token(client)})
    assert asked.status_code in {400, 422}


@pytest.mark.usefixtures("records")
@pytest.mark.parametrize(
    ("kind", "query", "words"),
    [
        ("near_repeats", "shufflings=many", "shufflings must be one of: 199, 999"),
        ("near_repeats", "from=2026-99", "A month must look like 2026-05"),
        ("near_repeats", "distances=5+1", "up to 5 whole numbers from"),
        ("back_test", "surface=tea", "surface must be one of: density, counts, significance"),
        ("back_test", "before=0", "whole number from 1 to 60"),
    ],
)
def test_an_option_that_cannot_be_is_an_error_that_says_what_can(
    client_as: ClientAs, partnership: TestPartnership, kind: str, query: str, words: str
) -> None:
    page = text(client_as(Role.ANALYST), f"{address(partnership, kind)}?{query}", status=400)
    summary = page[page.index("govuk-error-summary__list") :].partition("</ul>")[0]
    assert words in summary
    assert "<title>Error: " in page
    assert ('<details class="govuk-details" id="options" open>' in page) == ('href="#options"' in summary)


@pytest.mark.usefixtures("records")
def test_the_map_stands_in_the_navigation_of_its_calculations(
    client_as: ClientAs, partnership: TestPartnership
) -> None:
    page = text(client_as(Role.ANALYST), address(partnership))
    assert re.search(r'aria-current="true">\s*<strong[^>]*>Map</strong>', page)


@pytest.mark.usefixtures("records")
def test_while_nothing_is_heard_the_words_say_what_may_be_the_matter(
    client_as: ClientAs, partnership: TestPartnership, admin: Connection
) -> None:
    client = client_as(Role.ANALYST)
    page = text(client, ask(client, address(partnership)))
    at = re.search(r'data-progress="([^"]+/([0-9a-f-]{36})\.json)"', page)
    assert at
    long_ago = "noted_at = noted_at - interval '31 seconds'"
    with admin.cursor() as cursor:
        cursor.execute(f"UPDATE placewise.analysis SET {long_ago} WHERE analysis_id = %s", (at[2],))
    words = client.get(at[1]).get_json()["words"]
    assert words.startswith("Still waiting for its turn")
    assert "ask the operator" in words
    with admin.cursor() as cursor:
        cursor.execute("UPDATE placewise.analysis SET state = 'running' WHERE analysis_id = %s", (at[2],))
    assert client.get(at[1]).get_json()["words"].startswith("Still calculating, or interrupted")


def test_no_such_calculation(client_as: ClientAs, partnership: TestPartnership) -> None:
    client = client_as(Role.ANALYST)
    assert client.get(address(partnership, "fortune")).status_code == 404
    asked = client.post(address(partnership, "fortune"), data={"csrf_token": csrf_token(client)})
    assert asked.status_code == 404


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.ADMINISTRATOR])
def test_only_readers_may_look_or_ask(client_as: ClientAs, partnership: TestPartnership, role: Role) -> None:
    client = client_as(role)
    assert client.get(address(partnership)).status_code == 403
    assert client.post(address(partnership), data={"csrf_token": csrf_token(client)}).status_code == 403


def test_without_any_record_the_page_says_what_to_import(
    client_as: ClientAs, partnership: TestPartnership
) -> None:
    client = client_as(Role.ANALYST)
    assert "import" in text(client, address(partnership)).lower()
    asked = client.post(address(partnership), data={"csrf_token": csrf_token(client)})
    assert asked.status_code == 400


@pytest.mark.usefixtures("records")
@pytest.mark.parametrize("kind", ["emerging", "scan"])
def test_what_the_map_draws_is_shown_on_the_map(
    client_as: ClientAs, partnership: TestPartnership, kind: str
) -> None:
    answer = client_as(Role.ANALYST).get(f"{address(partnership, kind)}?from=2026-01&view=counts")
    assert answer.status_code == 302
    assert answer.headers["Location"].endswith(f"/map?view={kind}&from=2026-01")

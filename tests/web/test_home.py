"""The start pages: choosing a partnership, and the home page's sentence."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from placewise.core.scope import Action, Role
from placewise.panel.home import Overview, SilentAgency, compare, sentence, summarise
from placewise.web.app import SUBJECTS
from placewise.web.home import PURPOSES
from tests.records import Records

TODAY = date(2026, 6, 10)


def moments(year, month, n):
    return [datetime(year, month, 1 + i % 27, 12, tzinfo=UTC) for i in range(n)]


@pytest.fixture
def borough(admin, partnership):
    """Two ordinary months, a running one, and an agency that has stopped sending."""
    Records(admin, partnership).events(moments(2026, 4, 40) + moments(2026, 5, 70) + moments(2026, 6, 5))
    Records(admin, partnership).events(moments(2026, 2, 3), agency="health")
    Records(admin, partnership).place()
    return partnership


def test_the_sentence_compares_the_last_full_month_with_the_one_before(database, scope, borough):
    with database.session(scope(Role.MEMBER), Action.CONSULT_HOME) as session:
        facts = summarise(session, today=TODAY)
    assert (facts.places, facts.month, facts.records, facts.records_before) == (1, date(2026, 5, 1), 70, 40)
    assert sentence(facts) == (
        "70 records in May 2026, more than April (40). "
        "Data held for 3 of these 4 months: nothing is held for March 2026. "
        "Nothing has come from Testham Health since February 2026."
    )


def test_a_record_just_after_midnight_in_london_counts_in_its_london_month(
    admin, database, scope, partnership
):
    Records(admin, partnership).events([datetime(2026, 4, 30, 23, 30, tzinfo=UTC)])
    with database.session(scope(Role.MEMBER), Action.CONSULT_HOME) as session:
        facts = summarise(session, today=TODAY)
    assert (facts.month, facts.records, facts.records_before) == (date(2026, 5, 1), 1, 0)


@pytest.mark.parametrize(
    ("records", "before", "words"),
    [
        (9, 10, "too few to compare with"),
        (10, 10, "about the same as"),
        (100, 120, "about the same as"),
        (60, 120, "fewer than"),
        (120, 60, "more than"),
    ],
)
def test_months_are_compared_in_words_that_allow_for_chance(records, before, words):
    assert compare(records, before) == words


def test_the_sentence_names_the_year_of_the_month_before_when_it_differs():
    facts = Overview(0, date(2026, 1, 1), 50, 50, None, ())
    assert sentence(facts) == "50 records in January 2026, about the same as December 2025 (50)."


def test_a_month_of_which_nothing_is_held_is_not_taken_for_none():
    said = sentence(Overview(0, date(2025, 2, 1), 9000, 0, None, ()))
    assert said == (
        "9,000 records in February 2025; no record is held for January 2025, so there is nothing to compare with."
    )


def test_several_silent_agencies_are_listed():
    quiet = (SilentAgency("Health", date(2025, 9, 3)), SilentAgency("Housing", date(2026, 3, 1)))
    said = sentence(Overview(0, date(2026, 5, 1), 1, 30, None, quiet))
    assert said.endswith("Nothing has come from Health since September 2025 and Housing since March 2026.")


def test_an_empty_partnership_says_so(client_as, partnership):
    page = client_as(Role.COORDINATOR).get(f"/p/{partnership.slug}/").get_data(as_text=True)
    assert "No records yet" in page


def test_the_home_page_shows_the_last_import_to_those_who_may_see_imports(admin, client_as, partnership):
    Records(admin, partnership).batch(datetime(2026, 5, 14, 9, tzinfo=UTC), rows=1200)
    shown = client_as(Role.ANALYST).get(f"/p/{partnership.slug}/").get_data(as_text=True)
    hidden = client_as(Role.MEMBER).get(f"/p/{partnership.slug}/").get_data(as_text=True)
    assert "14 May 2026" in shown
    assert "Testshire Police, 1,200 rows" in shown
    assert "Last import" not in hidden


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.ADMINISTRATOR])
def test_auditors_and_administrators_get_no_figures(client_as, borough, role):
    page = client_as(role).get(f"/p/{borough.slug}/").get_data(as_text=True)
    assert "records in" not in page
    assert "pw-figures" not in page


def test_every_entry_of_the_navigation_says_what_it_is_for():
    labels = {entry.label for subject in SUBJECTS for entry in subject.navigation}
    assert labels
    assert labels <= set(PURPOSES)


def test_one_membership_leads_straight_home(client_as, partnership):
    answer = client_as().get("/")
    assert (answer.status_code, answer.location) == (303, f"/p/{partnership.slug}/")


def test_several_memberships_are_offered(client_as, make_account, make_partnership, partnership):
    other = make_partnership("Elsewhere")
    account = make_account(Role.ANALYST, among=(partnership, other))
    page = client_as(account=account).get("/").get_data(as_text=True)
    assert f"/p/{partnership.slug}/" in page
    assert f"/p/{other.slug}/" in page


def test_a_partnership_marked_synthetic_says_so_on_its_pages(client_as, make_account, make_partnership):
    real, invented = make_partnership(synthetic=False), make_partnership(synthetic=True)
    client = client_as(account=make_account(Role.CHAIR, among=(real, invented)))
    assert "Every record here is fictional" in client.get(f"/p/{invented.slug}/").get_data(as_text=True)
    assert "fictional" not in client.get(f"/p/{real.slug}/").get_data(as_text=True)

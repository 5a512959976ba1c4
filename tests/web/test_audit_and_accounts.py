"""The auditor's and the administrator's pages."""

from __future__ import annotations

from uuid import uuid4

import pytest

from placewise.core.errors import NotAllowed
from placewise.core.scope import Action, Role
from placewise.store.accounts import list_accounts
from placewise.store.audit import list_actors, list_events
from placewise.web.audit_pages import ACTIONS, PAGE_LENGTH


def consult(database, scope, n, *, action=Action.CONSULT_MAP, purpose=None):
    for _ in range(n):
        with database.session(scope, action) as session:
            session.note(count=3, purpose=purpose)


def text(client, address):
    answer = client.get(address)
    assert answer.status_code == 200, answer.status
    return answer.get_data(as_text=True)


def test_every_audited_action_has_a_name():
    assert set(ACTIONS) == set(Action)


def test_an_auditor_reads_who_did_what_and_why_in_their_own_partnership(
    database, scope, client_as, partnership, make_partnership, make_account, door
):
    consult(database, scope(), 1, purpose="Agenda of 14 May")
    page = text(client_as(Role.AUDITOR), f"/p/{partnership.slug}/audit")
    assert "Opened the map" in page.partition("<tbody")[2]
    assert "Agenda of 14 May" in page
    assert "Robin Test" in page
    other = make_partnership()
    stranger = make_account(Role.AUDITOR, among=(other,))
    page = text(client_as(account=stranger), f"/p/{other.slug}/audit")
    assert "Agenda of 14 May" not in page


def test_events_come_in_pages_without_gap_or_repeat(database, scope):
    auditor = scope(Role.AUDITOR)
    consult(database, auditor, 7)
    seen, before = [], None
    with database.session(auditor, Action.CONSULT_AUDIT) as session:
        while found := list_events(session, before=before, limit=3):
            seen += [event.seq for event in found]
            before = found[-1].seq
    assert seen == [8, 7, 6, 5, 4, 3, 2, 1]  # the first is the auditor's sign-in


def test_a_long_log_links_to_older_events(database, scope, client_as, partnership):
    consult(database, scope(), PAGE_LENGTH + 2)
    client = client_as(Role.AUDITOR)
    page = text(client, f"/p/{partnership.slug}/audit?action=consult:map")
    address = page.partition('href="')[2] and page.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0]
    older = text(client, address.replace("&amp;", "&"))
    assert older.partition("<tbody")[2].count("<tr") == 2
    assert 'rel="next"' not in older


def test_events_are_filtered_by_action_and_person(database, scope, make_account, client_as, partnership):
    first, second = scope(), scope()
    consult(database, first, 2)
    consult(database, second, 1, action=Action.CONSULT_PLACE)
    client = client_as(Role.AUDITOR)
    assert (
        text(client, f"/p/{partnership.slug}/audit?action=consult:place").partition("<tbody")[2].count("<tr")
        == 1
    )
    with database.session(second, Action.CONSULT_HOME) as session:
        person = session.account_id
    rows = text(client, f"/p/{partnership.slug}/audit?account={person}").partition("<tbody")[2].count("<tr")
    assert rows == 3  # the sign-in, the place, the home page
    assert "No event fits" in text(client, f"/p/{partnership.slug}/audit?account={uuid4()}")


@pytest.mark.parametrize("query", ["account=me", "before=x", "before=-1", "before=" + "9" * 30])
def test_a_mangled_address_is_answered_in_words(client_as, partnership, query):
    assert client_as(Role.AUDITOR).get(f"/p/{partnership.slug}/audit?{query}").status_code == 400


def test_reading_the_log_is_logged(database, client_as, scope, partnership):
    client = client_as(Role.AUDITOR)
    text(client, f"/p/{partnership.slug}/audit")
    assert "Opened the audit log" in text(client, f"/p/{partnership.slug}/audit").partition("<tbody")[2]


def test_an_administrator_sees_accounts_roles_and_their_end(client_as, make_account, partnership, admin):
    make_account(Role.CHAIR | Role.ANALYST, name="Chris Chair")
    gone = make_account(name="Lee Left")
    with admin.cursor() as cursor:
        cursor.execute("UPDATE guard.account SET active = false WHERE email = %s", (gone.email,))
    page = text(client_as(Role.ADMINISTRATOR), f"/p/{partnership.slug}/accounts")
    assert "Chris Chair" in page
    assert "Chair and Analyst" in page
    assert "Closed" in page.partition("Lee Left")[2].partition("</tr>")[0]
    assert "2 people may sign in" in page


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMINISTRATOR])
def test_the_database_itself_refuses_the_list_of_accounts_to_everyone_else(database, scope, role):
    with pytest.raises(NotAllowed), database.session(scope(role), Action.ADMINISTER_ACCOUNTS) as session:
        list_accounts(session)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.AUDITOR])
def test_the_database_itself_refuses_the_names_in_the_log_to_everyone_else(database, scope, role):
    with pytest.raises(NotAllowed), database.session(scope(role), Action.CONSULT_AUDIT) as session:
        list_actors(session)


def test_accounts_of_another_partnership_are_not_listed(database, scope, make_account, make_partnership):
    make_account(among=(make_partnership(),), name="Stranger")
    with database.session(scope(Role.ADMINISTRATOR), Action.ADMINISTER_ACCOUNTS) as session:
        assert [account.name for account in list_accounts(session) if account.signs_in] == ["Robin Test"]

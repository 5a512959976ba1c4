"""How a page is written: who may open it, what is logged, and when bytes leave."""

from __future__ import annotations

from uuid import uuid4

import pytest
from flask import Flask

from placewise.core.errors import DatabaseBusy, NotFound, RuleBroken
from placewise.core.scope import READERS, Action, Role
from placewise.store.overview import count_places
from placewise.web import app as app_module
from placewise.web.app import create_app
from placewise.web.pages import TOKEN, Subject


@pytest.fixture
def subject():
    """A subject whose pages the test declares."""
    return Subject("sample", __name__)


@pytest.fixture
def client_of(monkeypatch, app, database, door, subject, make_account):
    """Make a client, signed in with these roles, of an application that has the sample subject."""

    subjects = (*app_module.SUBJECTS, subject)

    def make(roles=Role.COORDINATOR):
        monkeypatch.setattr(app_module, "SUBJECTS", subjects)
        made: Flask = create_app(app.extensions["placewise"].settings, database, door)
        client = made.test_client()
        with client.session_transaction() as cookie:
            cookie[TOKEN] = make_account(roles).token
        return client

    return make


@pytest.fixture
def logged(admin, partnership):
    """Give the partnership's audit events as (action, outcome, n)."""

    def read():
        with admin.cursor() as cursor:
            cursor.execute(
                "SELECT action, outcome, (payload::jsonb ->> 'n')::integer FROM audit.event"
                " WHERE partnership_id = %s AND action NOT LIKE 'authenticate:%%' ORDER BY seq",
                (str(partnership.partnership_id),),
            )
            return cursor.fetchall()

    return read


def test_a_page_gets_an_open_session_and_its_event_is_logged(subject, client_of, partnership, logged):
    @subject.page("/p/<slug>/sample/<int:n>", roles=READERS, action=Action.CONSULT_MAP, navigation="Sample")
    def page(session, membership, n):
        session.note(count=n)
        return f"{membership.partnership} {count_places(session)} {n}"

    answer = client_of().get(f"/p/{partnership.slug}/sample/7")
    assert answer.get_data(as_text=True) == "Testham 0 7"
    assert logged() == [("consult:map", "allow", 7)]


def test_another_role_is_refused_and_the_refusal_is_logged(subject, client_of, partnership, logged):
    opened = []

    @subject.page("/p/<slug>/sample", roles=READERS, action=Action.CONSULT_MAP)
    def page(session, membership):
        opened.append(1)
        return "never"

    assert client_of(Role.ADMINISTRATOR).get(f"/p/{partnership.slug}/sample").status_code == 403
    assert logged() == [("consult:map", "deny", 0)]
    assert not opened


def test_a_stranger_gets_the_page_of_what_does_not_exist(subject, client_of, make_partnership, partnership):
    @subject.page("/p/<slug>/sample/<uuid:place>", roles=READERS, action=Action.CONSULT_PLACE)
    def page(session, membership, place):
        raise NotFound("Somebody's place is hidden from you.")

    client = client_of()
    bodies = set()
    for address in (
        f"/p/{partnership.slug}/sample/{uuid4()}",
        f"/p/{partnership.slug}/no-such-page",
        f"/p/{make_partnership().slug}/sample/{uuid4()}",
        "/p/no-such-partnership/sample",
    ):
        answer = client.get(address, headers={"Accept": "application/json"})
        assert answer.status_code == 404
        bodies.add(tuple(sorted((k, v) for k, v in answer.json.items() if k != "instance")))
    assert len(bodies) == 1


def test_without_sign_in_a_page_asks_for_it_and_logs_nothing(client, partnership, logged):
    answer = client.get(f"/p/{partnership.slug}/")
    assert (answer.status_code, answer.location) == (303, f"/sign-in?next=/p/{partnership.slug}/")
    assert client.get(f"/p/{partnership.slug}/", headers={"Accept": "application/json"}).status_code == 401
    assert logged() == []


def test_when_the_event_cannot_be_written_nothing_is_served(
    subject, client_of, partnership, logged, monkeypatch
):
    from placewise.store.session import Session

    def fail(self, outcome):
        raise DatabaseBusy("The log is not there.")

    @subject.page("/p/<slug>/sample", roles=READERS, action=Action.CONSULT_MAP)
    def page(session, membership):
        return "a record"

    client = client_of()
    monkeypatch.setattr(Session, "append", fail)
    answer = client.get(f"/p/{partnership.slug}/sample")
    assert answer.status_code == 503
    assert "a record" not in answer.get_data(as_text=True)


def test_a_generator_is_drained_inside_the_session(subject, client_of, partnership):
    @subject.page("/p/<slug>/sample", roles=READERS, action=Action.CONSULT_MAP)
    def page(session, membership):
        return (str(count_places(session)) for _ in range(3))

    assert client_of().get(f"/p/{partnership.slug}/sample").get_data(as_text=True) == "000"


def test_a_failed_change_is_rolled_back_and_answers_in_words(subject, client_of, partnership, logged):
    @subject.page("/p/<slug>/sample", roles=READERS, action=Action.CONSULT_MAP)
    def page(session, membership):
        raise RuleBroken("Give the place a name.", constraint="place_has_name")

    answer = client_of().get(f"/p/{partnership.slug}/sample")
    assert answer.status_code == 422
    assert "Give the place a name." in answer.get_data(as_text=True)
    assert logged() == []


def test_base_map_reads_are_not_logged_but_their_refusals_are(subject, client_of, partnership, logged):
    @subject.page("/p/<slug>/tiles", roles=READERS, action=Action.READ_BASE_MAP)
    def tiles(session, membership):
        return b"tile"

    assert client_of().get(f"/p/{partnership.slug}/tiles").data == b"tile"
    assert logged() == []
    assert client_of(Role.AUDITOR).get(f"/p/{partnership.slug}/tiles").status_code == 403
    assert logged() == [("read:base-map", "deny", 0)]


def test_a_page_must_name_its_partnership(subject):
    with pytest.raises(ValueError, match="names no partnership"):
        subject.page("/map", roles=READERS, action=Action.CONSULT_MAP)


@pytest.mark.parametrize(
    ("methods", "action"), [(("GET",), Action.ALTER_PLACE), (("GET", "POST"), Action.CONSULT_PLACE)]
)
def test_a_get_that_changes_records_cannot_be_declared(subject, methods, action):
    with pytest.raises(ValueError, match="changes nothing"):
        subject.page("/p/<slug>/x", roles=READERS, action=action, methods=methods)


def test_the_navigation_shows_only_what_the_role_can_open(client_as, partnership):
    def menu(roles):
        page = client_as(roles).get(f"/p/{partnership.slug}/").get_data(as_text=True)
        return page.partition('id="navigation"')[2].partition("</ul>")[0]

    assert "Audit" in menu(Role.AUDITOR)
    assert "Accounts" not in menu(Role.AUDITOR)
    assert "Accounts" in menu(Role.ADMINISTRATOR)
    assert "Audit" not in menu(Role.COORDINATOR)


def test_a_misspelt_name_in_a_template_is_an_error(app):
    from jinja2 import UndefinedError

    with pytest.raises(UndefinedError):
        app.jinja_env.from_string("{{ nmae }}").render()
    with pytest.raises(UndefinedError):
        app.jinja_env.from_string("{{ membership.nmae }}").render(membership=object())


def test_the_govuk_macros_work(app):
    template = (
        '{% from "govuk_frontend_jinja/components/summary-list/macro.html" import govukSummaryList %}'
        '{{ govukSummaryList({"rows": [{"key": {"text": "Role"}, "value": {"text": "<b>"}}]}) }}'
    )
    written = app.jinja_env.from_string(template).render()
    assert "govuk-summary-list__key" in written

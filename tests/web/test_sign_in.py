"""Signing in and out."""

from __future__ import annotations

from uuid import uuid4

import pytest

from placewise.core.errors import BadRequest, NotSignedIn, TooManyAttempts
from placewise.core.scope import Action, Role, Scope
from placewise.core.settings import Settings
from placewise.web.app import create_app
from placewise.web.demo_accounts import DEMO_ACCOUNTS
from placewise.web.pages import TOKEN
from placewise.web.passwords import hashed, matches
from tests.conftest import PASSWORD, csrf_token

WRONG = "Check your email address and password."


def sign_in(client, email, password=PASSWORD, *, address=None, **more):
    form = {"csrf_token": csrf_token(client), "email": email, "password": password, **more}
    # Each test calls from an address of its own: the limit of one must not hold up the next.
    place = {"REMOTE_ADDR": address or f"test-{uuid4()}"}
    return client.post("/sign-in", data=form, environ_base=place)


def test_the_right_password_leads_home(client, make_account, partnership):
    answer = sign_in(client, make_account().email)
    assert (answer.status_code, answer.location) == (303, f"/p/{partnership.slug}/")
    assert client.get(answer.location).status_code == 200


def test_the_address_may_be_typed_in_capitals_and_with_a_space(client, make_account):
    assert sign_in(client, f" {make_account().email.upper()} ").status_code == 303


def test_a_member_of_several_partnerships_chooses(client, make_account, make_partnership, partnership):
    account = make_account(among=(partnership, make_partnership()))
    assert sign_in(client, account.email).location == "/"


def test_an_unknown_account_and_a_wrong_password_read_the_same(client, make_account):
    unknown = sign_in(client, "nobody@test.invalid", "x")
    wrong = sign_in(client, make_account().email, "x")
    assert unknown.status_code == wrong.status_code == 422
    assert WRONG in unknown.get_data(as_text=True)
    assert WRONG in wrong.get_data(as_text=True)


def test_an_unknown_account_costs_a_password_check(client, monkeypatch):
    checked = []
    monkeypatch.setattr("placewise.web.signin.matches", lambda stored, _: bool(checked.append(stored)))
    sign_in(client, "nobody@test.invalid", "x")
    assert checked == [None]


def test_nobody_has_the_password_of_an_account_that_does_not_exist():
    assert not matches(None, "")
    assert not matches("not a hash", PASSWORD)
    assert matches(hashed(PASSWORD), PASSWORD)


def test_a_short_password_is_not_stored():
    with pytest.raises(BadRequest, match="at least 15"):
        hashed("short")


@pytest.mark.parametrize(
    ("email", "password", "message"),
    [("", "x", "Enter your email address"), ("a@b.invalid", "", "Enter your password")],
)
def test_a_missing_field_is_named_in_the_summary_and_at_the_field(client, email, password, message):
    answer = sign_in(client, email, password)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert page.count(message) == 2
    assert "<title>Error: Sign in" in page


def test_after_six_failures_in_a_minute_the_next_attempt_is_slowed_down(client, make_account):
    email = make_account().email
    for _ in range(6):
        assert sign_in(client, email, "x", address="203.0.113.5").status_code == 422
    answer = sign_in(client, email, address="203.0.113.5")
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "60"
    assert "Too many failed attempts" in answer.get_data(as_text=True)


def test_right_passwords_are_never_slowed_down(client, make_account):
    email = make_account().email
    assert [sign_in(client, email, address="203.0.113.6").status_code for _ in range(8)] == [303] * 8


def test_someone_elsewhere_cannot_keep_a_person_out(door, make_account):
    email = make_account().email
    for _ in range(6):
        door.refuse(email, address="203.0.113.7")
    with pytest.raises(TooManyAttempts):
        door.credentials(email, address="203.0.113.7")
    assert door.credentials(email, address="198.51.100.2") is not None


def test_signing_in_out_and_failing_stand_in_the_partnerships_log(client, make_account, admin, partnership):
    email = make_account().email
    sign_in(client, email, "wrong")
    sign_in(client, email)
    client.post("/sign-out", data={"csrf_token": csrf_token(client, f"/p/{partnership.slug}/")})
    with admin.cursor() as cursor:
        cursor.execute(
            "SELECT action, outcome FROM audit.event WHERE partnership_id = %s AND action LIKE 'authenticate:%%'"
            " ORDER BY seq OFFSET 1",  # the first is the fixture's own
            (str(partnership.partnership_id),),
        )
        events = cursor.fetchall()
    assert events == [
        ("authenticate:sign-in", "deny"),
        ("authenticate:sign-in", "allow"),
        ("authenticate:sign-out", "allow"),
    ]


def test_each_sign_in_has_a_token_of_its_own(client, make_account):
    email = make_account().email
    tokens = set()
    for _ in range(2):
        sign_in(client, email)
        with client.session_transaction() as cookie:
            tokens.add(cookie[TOKEN])
    assert len(tokens) == 2


def test_signing_in_again_ends_the_session_before(client, make_account, door):
    email = make_account().email
    sign_in(client, email)
    with client.session_transaction() as cookie:
        first = cookie[TOKEN]
    sign_in(client, email)
    assert door.memberships(first) == []


def test_nothing_of_the_cookie_from_before_survives_sign_in(client, make_account):
    with client.session_transaction() as cookie:
        cookie["planted"] = "by someone else"
    before = csrf_token(client)
    sign_in(client, make_account().email)
    with client.session_transaction() as cookie:
        assert "planted" not in cookie
    assert client.post("/sign-out", data={"csrf_token": before}).status_code == 400


@pytest.mark.parametrize(
    "evil", ["//evil.invalid/", "/p//evil", "https://evil.invalid/p/", "/p/\\evil", "/sign-out"]
)
def test_after_sign_in_nobody_is_led_elsewhere(client, make_account, partnership, evil):
    assert sign_in(client, make_account().email, next=evil).location == f"/p/{partnership.slug}/"


def test_after_sign_in_the_page_asked_for_opens(client, make_account, partnership):
    asked = client.get(f"/p/{partnership.slug}/audit?action=x")
    assert asked.status_code == 303
    assert "next=/p/" in asked.location
    wanted = f"/p/{partnership.slug}/audit?action=x"
    assert sign_in(client, make_account().email, next=wanted).location == wanted


def test_an_account_without_membership_is_told_so_and_not_let_in(client, make_account, admin):
    account = make_account()
    with admin.cursor() as cursor:
        cursor.execute("DELETE FROM guard.membership WHERE account_id = %s", (str(account.account_id),))
    answer = sign_in(client, account.email)
    assert answer.status_code == 422
    assert "belongs to no partnership" in answer.get_data(as_text=True)
    with client.session_transaction() as cookie:
        assert TOKEN not in cookie


def test_signing_out_ends_the_session_everywhere(client_as, make_account, database, partnership):
    account = make_account()
    client = client_as(account=account)
    answer = client.post("/sign-out", data={"csrf_token": csrf_token(client, "/")})
    assert answer.status_code == 303
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    with (
        pytest.raises(NotSignedIn),
        database.session(Scope(account.token, partnership.partnership_id), Action.CONSULT_HOME),
    ):
        pass


def test_a_closed_account_is_out_at_its_next_step(client_as, make_account, admin, partnership):
    account = make_account()
    client = client_as(account=account)
    assert client.get(f"/p/{partnership.slug}/").status_code == 200
    with admin.cursor() as cursor:
        cursor.execute("UPDATE guard.account SET active = false WHERE email = %s", (account.email,))
    assert client.get(f"/p/{partnership.slug}/").status_code == 303


def test_demonstration_sign_ins_cover_every_role_and_only_invented_addresses():
    assert {account.roles for account in DEMO_ACCOUNTS} == set(Role)
    assert all(account.email.endswith("@demo.invalid") for account in DEMO_ACCOUNTS)
    assert all(hashed(account.password) for account in DEMO_ACCOUNTS[:1])


def test_demonstration_sign_ins_are_offered_in_demo_mode_only(client, database, door, tmp_path):
    production = create_app(Settings("", "", "secret", tmp_path), database, door)
    assert "Sign in as Co-ordinator" in client.get("/sign-in").get_data(as_text=True)
    assert "demo.invalid" not in production.test_client().get("/sign-in").get_data(as_text=True)

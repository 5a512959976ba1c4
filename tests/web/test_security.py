"""Headers on every answer, and what a change must show."""

from __future__ import annotations

import re

import pytest

from placewise.core.settings import Settings
from placewise.web.app import create_app
from tests.conftest import csrf_token


@pytest.fixture
def production(database, door, tmp_path):
    """The application as a council runs it."""
    return create_app(Settings("", "", "secret", tmp_path), database, door)


def headers_of(client, address):
    with client.get(address) as answer:  # a file stays open until the answer is closed
        return answer.headers


@pytest.mark.parametrize("address", ["/sign-in", "/nowhere", "/", "/healthz", "/static/placewise.css"])
def test_every_answer_carries_the_strict_headers(client, address):
    headers = headers_of(client, address)
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self' 'nonce-")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "geolocation=()" in headers["Permissions-Policy"]


def test_each_answer_has_a_nonce_of_its_own_and_its_scripts_carry_it(client):
    seen = set()
    for _ in range(2):
        answer = client.get("/sign-in")
        (nonce,) = set(re.findall(r"'nonce-([^']+)'", answer.headers["Content-Security-Policy"]))
        inline = re.findall(r"<script(?![^>]*src=)([^>]*)>", answer.get_data(as_text=True))
        assert len(inline) == 2
        assert all(f'nonce="{nonce}"' in attributes for attributes in inline)
        seen.add(nonce)
    assert len(seen) == 2


def test_pages_are_never_kept_by_the_browser(client, client_as, partnership):
    assert client.get("/sign-in").headers["Cache-Control"] == "no-store"
    assert client_as().get(f"/p/{partnership.slug}/").headers["Cache-Control"] == "no-store"


def test_a_file_is_kept_only_under_the_address_that_names_its_content(client):
    page = client.get("/sign-in").get_data(as_text=True)
    addresses = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
    assert len(addresses) >= 4
    for address in addresses:
        plain = address.split("?")[0]
        assert "immutable" in headers_of(client, address)["Cache-Control"]
        assert headers_of(client, plain)["Cache-Control"] == "no-store"
        assert headers_of(client, plain + "?v=older")["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["../app.py", "..%2fapp.py", "vendor/../../app.py", "nothing.css"])
def test_only_static_files_are_served_as_such(client, path):
    assert client.get(f"/static/{path}").status_code == 404


def test_in_production_the_cookie_is_bound_to_this_host_and_to_https(production):
    answer = production.test_client().get("/sign-in", base_url="https://placewise.test")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-placewise=")
    assert {"Secure", "HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")


def test_the_demonstration_works_without_https(client):
    answer = client.get("/sign-in")
    assert answer.headers["Set-Cookie"].startswith("placewise=")
    assert "Secure" not in answer.headers["Set-Cookie"]
    assert "Strict-Transport-Security" not in answer.headers


def test_a_form_without_its_token_changes_nothing(client_as, partnership):
    client = client_as()
    assert client.post("/sign-out").status_code == 400
    assert client.get(f"/p/{partnership.slug}/").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://elsewhere.invalid"},
    ],
)
def test_a_form_sent_from_another_site_is_refused_even_with_its_token(client_as, partnership, headers):
    client = client_as()
    token = csrf_token(client, "/")
    assert client.post("/sign-out", data={"csrf_token": token}, headers=headers).status_code == 403
    assert client.get(f"/p/{partnership.slug}/").status_code == 200


@pytest.mark.parametrize(
    "address", ["/sign-in?next=%00", "/p/%00/", "/nowhere%00", "/sign-in?next=/&next=%E2%80%AE"]
)
def test_a_hidden_character_is_refused_before_anything_is_asked(client, address):
    assert client.get(address).status_code == 400


@pytest.mark.parametrize("hidden", ["\0", "\x1b", "\u202e", "\u2068"])
def test_a_form_with_such_a_character_is_refused_too(client, hidden):
    form = {"csrf_token": csrf_token(client), "email": f"a{hidden}b@test.invalid", "password": "x"}
    answer = client.post("/sign-in", data=form)
    assert answer.status_code == 400
    assert "turns the direction of text" in answer.get_data(as_text=True)


def test_behind_a_proxy_that_ends_https_a_script_of_ours_may_post(client_as):
    client = client_as()
    headers = {
        "X-CSRFToken": csrf_token(client, "/"),
        "Origin": "https://localhost",
        "Sec-Fetch-Site": "same-origin",
    }
    assert client.post("/sign-out", headers=headers).status_code == 303


def test_a_script_may_send_the_token_as_a_header(client_as):
    client = client_as()
    token = csrf_token(client, "/")
    answer = client.post("/sign-out", headers={"X-CSRFToken": token, "Sec-Fetch-Site": "same-origin"})
    assert answer.status_code == 303

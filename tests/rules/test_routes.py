"""Every route says who may open it, and a GET changes nothing but the audit log."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from placewise.core.scope import CHANGING_VERBS, READERS, Role
from placewise.core.settings import Settings
from placewise.store.door import Door
from placewise.store.session import Database
from placewise.web.app import create_app
from placewise.web.pages import Permission

#: The whole of what a stranger may ask for; a line more here is a decision.
PUBLIC = {"/sign-in", "/sign-out", "/healthz", "/static/<path:name>"}
#: Pages on which a role that sees no records may act.
OPEN_TO_AUDITORS = {"/p/<slug>/", "/p/<slug>/audit"}
OPEN_TO_ADMINISTRATORS = {"/p/<slug>/", "/p/<slug>/accounts"}


@pytest.fixture(scope="module")
def routes() -> list[tuple[str, set[str], Permission | None]]:
    """Address, methods and declared permission of each route; no database is asked."""
    settings = Settings("", "", "secret", Path("unused"))
    app: Flask = create_app(settings, Database(""), Door("", idle_minutes=1, session_hours=1))
    return [
        (rule.rule, set(rule.methods or ()), getattr(app.view_functions[rule.endpoint], "permission", None))
        for rule in app.url_map.iter_rules()
    ]


def test_every_route_declares_its_permission(routes):
    assert [rule for rule, _, permission in routes if permission is None] == []


def test_only_the_listed_routes_are_public(routes):
    assert {rule for rule, _, permission in routes if permission.public} == PUBLIC


def test_every_route_of_a_partnership_names_roles_and_an_audited_action(routes):
    inside = [(rule, permission) for rule, _, permission in routes if rule.startswith("/p/")]
    assert inside
    assert [rule for rule, permission in inside if not permission.roles or permission.action is None] == []


def test_a_route_outside_a_partnership_opens_none(routes):
    outside = {rule for rule, _, permission in routes if not rule.startswith("/p/") and not permission.public}
    assert outside == {"/"}


def test_a_get_changes_nothing(routes):
    changing = [
        rule
        for rule, methods, permission in routes
        if "GET" in methods and permission.action and permission.action.split(":")[0] in CHANGING_VERBS
    ]
    mixed = [rule for rule, methods, _ in routes if {"GET", "POST"} <= methods]
    assert changing == mixed == []


@pytest.mark.parametrize(
    ("role", "expected"),
    [(Role.AUDITOR, OPEN_TO_AUDITORS), (Role.ADMINISTRATOR, OPEN_TO_ADMINISTRATORS)],
)
def test_roles_that_see_no_records_open_their_own_pages_only(routes, role, expected):
    assert not role & READERS
    opened = {rule for rule, _, permission in routes if permission.roles and permission.roles & role}
    assert opened == expected

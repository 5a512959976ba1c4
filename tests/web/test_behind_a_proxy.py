"""The visitor's address and the host's name are believed from our own proxies only."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, request

from placewise.core.settings import Settings
from placewise.store.door import Door
from placewise.store.session import Database
from placewise.web.app import create_app

FORWARDED = {
    "X-Forwarded-For": "203.0.113.9",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "placewise.test",
}


@pytest.fixture
def make_app(database_urls: Any, database: Database, door: Door, tmp_path: Path) -> Callable[..., Flask]:
    base = Settings(database_urls.app, database_urls.door, "of no worth", tmp_path, demo=True)

    def make(**changes: Any) -> Flask:
        app = create_app(dataclasses.replace(base, **changes), database, door)
        app.add_url_rule(
            "/who", view_func=lambda: {"address": request.remote_addr, "secure": request.is_secure}
        )
        return app

    return make


def test_without_a_proxy_a_visitor_cannot_choose_an_address(make_app: Callable[..., Flask]) -> None:
    assert make_app().test_client().get("/who", headers=FORWARDED).json == {
        "address": "127.0.0.1",
        "secure": False,
    }


def test_behind_one_proxy_the_visitor_is_told_apart(make_app: Callable[..., Flask]) -> None:
    app = make_app(proxies=1)
    assert app.test_client().get("/who", headers=FORWARDED).json == {"address": "203.0.113.9", "secure": True}


def test_a_host_that_is_not_ours_is_refused(make_app: Callable[..., Flask]) -> None:
    client = make_app(hosts=("placewise.test",)).test_client()
    assert client.get("/who", base_url="http://placewise.test").status_code == 200
    assert client.get("/who", base_url="http://elsewhere.test").status_code == 400

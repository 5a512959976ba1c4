"""What tests share: a private PostGIS of their own, a migrated database, people and partnerships to act with.

One server for each worker process, so that tests may run side by side; one partnership for each test, so
that they do not see one another.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg2
import pytest
from flask import Flask
from flask.testing import FlaskClient
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import make_dsn
from xdist.scheduler import LoadFileScheduling

from fixtures.partnership import write_partnership
from placewise.core.scope import Role, Scope
from placewise.core.settings import Settings
from placewise.store.administration import (
    Partnership,
    administrator,
    save_account,
    save_partnership,
    set_login_passwords,
)
from placewise.store.cluster import PrivateCluster
from placewise.store.door import Door
from placewise.store.migrate import migrate
from placewise.store.session import Database
from placewise.web.app import create_app
from placewise.web.pages import TOKEN
from placewise.web.passwords import hashed
from tests.partner_files import SEED, Files

PASSWORD = "correct horse battery staple"
AGENCIES = {
    "police": ("Testshire Police", "police"),
    "childrens_social_care": ("Testham Children's Social Care", "childrens_social_care"),
    "health": ("Testham Health", "health"),
    "community_safety": ("Testham Community Safety", "community_safety"),
}


@dataclass(frozen=True)
class Urls:
    """Connections of the logins."""

    admin: str
    app: str
    door: str
    worker: str


@dataclass(frozen=True)
class Account:
    """Someone who can sign in; ``token`` belongs to a session already started."""

    account_id: UUID
    email: str
    password: str
    token: str


@dataclass(frozen=True)
class TestPartnership(Partnership):
    """A partnership made for one test."""

    __test__ = False
    slug: str
    name: str


MakePartnership = Callable[..., TestPartnership]
MakeAccount = Callable[..., Account]
MakeScope = Callable[..., Scope]
ClientAs = Callable[..., FlaskClient]


class SideBySide(LoadFileScheduling):
    """One file of tests stays with one worker, and the files that look at the demo's borough with the same one."""

    def _split_scope(self, nodeid: str) -> str:
        file = str(super()._split_scope(nodeid))
        return "demo" if file.endswith("_demo.py") else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> SideBySide | None:
    """Loading the borough takes half a minute: once is enough. (xdist's own groups do nothing under pytest 9.2.)"""
    return SideBySide(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """The partner files of the demo's borough at its default size."""
    folder = tmp_path_factory.mktemp("borough")
    write_partnership(folder, seed=SEED, events=3200)
    return Files(folder)


@pytest.fixture(scope="session")
def cluster() -> Iterator[PrivateCluster]:
    """A server of this worker's own; pytest's folders are closed to the server's user under root."""
    home = Path(tempfile.mkdtemp(prefix="placewise-test-"))
    home.chmod(0o711)
    try:
        with PrivateCluster(home / "cluster", fast=True) as started:
            yield started
        shutil.rmtree(started.socket_folder, ignore_errors=True)
    finally:
        shutil.rmtree(home)


@pytest.fixture(scope="session")
def database_urls(cluster: PrivateCluster) -> Urls:
    """A migrated database, by login."""
    admin = cluster.superuser_dsn()
    migrate(admin)
    with administrator(admin) as connection:
        set_login_passwords(
            connection, {"placewise_app": "app", "placewise_door": "door", "placewise_worker": "worker"}
        )
    return Urls(
        admin,
        make_dsn(admin, user="placewise_app", password="app"),
        make_dsn(admin, user="placewise_door", password="door"),
        make_dsn(admin, user="placewise_worker", password="worker"),
    )


@pytest.fixture
def admin(database_urls: Urls) -> Iterator[Connection]:
    """The superuser's connection, each statement committed by itself."""
    connection = psycopg2.connect(database_urls.admin)
    connection.autocommit = True
    yield connection
    connection.close()


@pytest.fixture(scope="session")
def database(database_urls: Urls) -> Iterator[Database]:
    """The pages' way to the records."""
    database = Database(database_urls.app)
    yield database
    database.close()


@pytest.fixture(scope="session")
def door(database_urls: Urls) -> Iterator[Door]:
    """Sign-in's way to the sessions."""
    door = Door(database_urls.door, idle_minutes=15, session_hours=10)
    yield door
    door.close()


@pytest.fixture(scope="session")
def password_hash() -> str:
    """Hash of ``PASSWORD``; made once, because making one is meant to be slow."""
    return hashed(PASSWORD)


@pytest.fixture
def make_partnership(database_urls: Urls) -> MakePartnership:
    """Make a partnership of its own with four agencies."""

    def make(name: str = "Testham", *, synthetic: bool = True) -> TestPartnership:
        slug = f"test-{uuid4().hex[:12]}"
        with administrator(database_urls.admin) as connection:
            made = save_partnership(connection, slug, name, AGENCIES, synthetic=synthetic)
        return TestPartnership(made.partnership_id, made.agencies, slug, name)

    return make


@pytest.fixture
def partnership(make_partnership: MakePartnership) -> TestPartnership:
    """The test's partnership."""
    return make_partnership()


@pytest.fixture
def make_account(
    database_urls: Urls, door: Door, partnership: TestPartnership, password_hash: str
) -> MakeAccount:
    """Make an account with roles in the test's partnership (or another), already signed in."""

    def make(
        roles: Role = Role.COORDINATOR,
        *,
        agency: str = "police",
        name: str = "Robin Test",
        email: str | None = None,
        among: tuple[TestPartnership, ...] = (),
    ) -> Account:
        email = email or f"{uuid4().hex[:12]}@test.invalid"
        with administrator(database_urls.admin) as connection:
            for one in among or (partnership,):
                account_id = save_account(
                    connection,
                    email,
                    name,
                    password_hash,
                    partnership_id=one.partnership_id,
                    agency=agency,
                    roles=roles,
                )
        return Account(account_id, email, PASSWORD, door.start(account_id))

    return make


@pytest.fixture
def scope(make_account: MakeAccount, partnership: TestPartnership) -> MakeScope:
    """Make the key to a session: someone with these roles, acting in the test's partnership."""

    def make(roles: Role = Role.COORDINATOR, *, agency: str = "police") -> Scope:
        return Scope(make_account(roles, agency=agency).token, partnership.partnership_id)

    return make


@pytest.fixture(scope="session")
def app(
    database_urls: Urls, database: Database, door: Door, tmp_path_factory: pytest.TempPathFactory
) -> Flask:
    """The web application in demo mode (plain HTTP), on the test database."""
    settings = Settings(
        database_url=database_urls.app,
        door_url=database_urls.door,
        secret_key="of no worth outside this test",
        data_dir=tmp_path_factory.mktemp("data"),
        demo=True,
    )
    return create_app(settings, database, door)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser without scripts, not signed in."""
    return app.test_client()


@pytest.fixture
def client_as(app: Flask, make_account: MakeAccount) -> ClientAs:
    """Make a client that is signed in with these roles in the test's partnership, or as this account."""

    def make(roles: Role = Role.COORDINATOR, *, account: Account | None = None) -> FlaskClient:
        client = app.test_client()
        with client.session_transaction() as cookie:
            cookie[TOKEN] = (account or make_account(roles)).token
        return client

    return make


def csrf_token(client: FlaskClient, address: str = "/sign-in") -> str:
    """The token that a form of this client must carry."""
    page = client.get(address, follow_redirects=True).get_data(as_text=True)
    found = re.search(r'name="csrf[-_]token" (?:content|value)="([^"]+)"', page)
    assert found, f"{address} holds no CSRF token"
    return found[1]

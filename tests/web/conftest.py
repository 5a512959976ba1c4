"""The fictional borough of the demo, loaded once for each worker: it takes half a minute; and a worker's hands."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from psycopg2.extensions import connection as Connection

from placewise.core.scope import Role, Scope
from placewise.panel.analyses.running import analyse
from placewise.store.administration import command_email
from placewise.store.door import Door
from placewise.store.session import Database
from placewise.store.worker import Worker
from placewise.web.demo import SLUG, load_demo
from placewise.web.local import Connections
from tests.borough import Truth
from tests.conftest import ClientAs, MakeAccount, TestPartnership, Urls
from tests.partner_files import Files

Finish = Callable[[str], None]


@pytest.fixture(scope="session")
def truth(files: Files) -> Truth:
    """What was planted in the borough."""
    return files.truth


@pytest.fixture(scope="session")
def demo_borough(database_urls: Urls, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Slug of the partnership that holds it; tests look at it and change nothing."""
    urls, folder = database_urls, tmp_path_factory.mktemp("demo")
    load_demo(Connections(urls.app, urls.door, urls.worker, urls.admin, "key", folder), lambda _: None)
    return SLUG


@pytest.fixture(scope="module")
def chair(demo_borough: str, door: Door) -> Iterator[Scope]:
    """The borough's command line account, which reads what an importer reads."""
    token, partnership_id = door.start_for_operator(command_email(demo_borough), demo_borough)
    yield Scope(token, partnership_id)
    door.end(token)


@pytest.fixture
def finish(database_urls: Urls, database: Database) -> Finish:
    """Do a calculation that a page follows, as the worker would."""

    def finish(page: str) -> None:
        found = re.search(r"analysis/progress/([0-9a-f-]{36})\.json", page)
        assert found, "the page follows nothing"
        worker = Worker(database_urls.worker)
        analyse(worker, database, UUID(found[1]), executors=nullcontext, must_stop=lambda: False)
        worker.close()

    return finish


@pytest.fixture
def group_member(
    client_as: ClientAs, make_account: MakeAccount, admin: Connection, partnership: TestPartnership
) -> Callable[[UUID], FlaskClient]:
    """Sign in as a member of a task-and-finish group to which one place is named."""

    def of(place: UUID) -> FlaskClient:
        account = make_account(Role.TASK_MEMBER)
        with admin.cursor() as cursor:
            cursor.execute(
                "INSERT INTO guard.place_grant VALUES (%s, %s, %s, now() + interval '1 day', 'test')",
                (str(partnership.partnership_id), str(account.account_id), str(place)),
            )
        return client_as(account=account)

    return of

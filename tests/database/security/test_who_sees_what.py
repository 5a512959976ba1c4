"""The wall itself: policies against an oracle, forged identities, escalation, side channels, broken policies."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg2
import pytest

from placewise.store.cluster import PrivateCluster
from placewise.store.migrate import migrate
from tests.database.security.attacks import ATTACKS, probes_that_leak
from tests.database.security.mutants import MUTANTS, Mutant
from tests.database.security.world import World, build, disagreements

LINT = (Path(__file__).parent / "lint.sql").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def admin() -> Iterator[Any]:
    """A superuser in a cluster of its own: the mutants change roles, which belong to the whole cluster."""
    # pytest's own folders are closed to the database's user.
    with (
        TemporaryDirectory(prefix="placewise-wall-") as home,
        PrivateCluster(Path(home), fast=True) as cluster,
    ):
        migrate(cluster.superuser_dsn())
        connection = psycopg2.connect(cluster.superuser_dsn())
        with connection.cursor() as cursor:
            cursor.execute(
                "ALTER ROLE placewise_app PASSWORD 'app'; ALTER ROLE placewise_door PASSWORD 'door'"
            )
        connection.commit()
        yield connection
        connection.close()


@pytest.fixture(scope="module")
def world(admin: Any) -> World:
    return build(admin)


def as_app(admin: Any) -> Any:
    dsn = psycopg2.extensions.make_dsn(
        **{**admin.info.dsn_parameters, "user": "placewise_app", "password": "app"}
    )
    return psycopg2.connect(dsn)


@pytest.fixture
def app(admin: Any, world: World) -> Iterator[Any]:
    connection = as_app(admin)
    yield connection
    connection.close()


def faults(admin: Any) -> list[tuple[str, str]]:
    with admin.cursor() as cursor:
        cursor.execute(LINT)
        found = cursor.fetchall()
    admin.rollback()
    return [(str(rule), str(thing)) for rule, thing in found]


def test_no_rule_of_the_lint_is_broken(admin: Any) -> None:
    assert faults(admin) == []


def test_every_member_sees_exactly_what_the_oracle_says(app: Any, world: World) -> None:
    assert list(disagreements(app, world)) == []
    shown = [sum(map(len, world.visible(m).values())) for m in world.members]
    assert max(shown) > 200, "the oracle must not be trivially empty"
    assert min(shown) == 0, "some roles see no record at all"


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda a: a.__name__)
def test_without_a_valid_identity_there_are_no_rows(app: Any, admin: Any, world: World, attack: Any) -> None:
    assert attack(app, lambda: as_app(admin), world) == 0


def test_what_the_login_may_never_do(app: Any, world: World) -> None:
    assert list(probes_that_leak(app, world)) == []


def test_the_same_refusal_for_wrong_partnership_and_wrong_token(app: Any, world: World) -> None:
    member = world.members[0]
    other = next(m.partnership for m in world.members if m.partnership != member.partnership)
    messages = set()
    for token, partnership in (
        (member.token, other),
        ("nonsense", member.partnership),
        ("nonsense", uuid.uuid4()),
    ):
        with app.cursor() as cursor, pytest.raises(psycopg2.Error) as refused:
            cursor.execute("SELECT guard.open(%s, %s)", (token, partnership))
        messages.add(
            (refused.value.pgcode, refused.value.diag.message_primary, refused.value.diag.message_detail)
        )
        app.rollback()
    assert len(messages) == 1


def test_a_foreign_key_tells_nothing_about_another_partnership(app: Any, world: World) -> None:
    writer = next(m for m in world.members if m.roles & 2)
    own = {r.id for r in world.links if r.partnership == writer.partnership}
    foreign = next(r.id for r in world.links if r.partnership != writer.partnership)
    errors = set()
    for link in (foreign, uuid.uuid4()):
        assert link not in own
        with app.cursor() as cursor:
            cursor.execute("SELECT guard.open(%s, %s)", (writer.token, writer.partnership))
            with pytest.raises(psycopg2.Error) as refused:
                cursor.execute(
                    "INSERT INTO placewise.link_evidence (partnership_id, link_id, note) VALUES (%s, %s, 'x')",
                    (writer.partnership, link),
                )
            diag = refused.value.diag
            errors.add(
                (
                    refused.value.pgcode,
                    diag.message_primary,
                    diag.message_detail and re.sub(r"[0-9a-f-]{36}", "", diag.message_detail),
                )
            )
        app.rollback()
    assert len(errors) == 1


def test_a_revoked_session_is_refused_at_its_next_transaction(admin: Any, app: Any, world: World) -> None:
    member = world.members[3]
    with app.cursor() as cursor:
        cursor.execute("SELECT guard.open(%s, %s)", (member.token, member.partnership))
    app.commit()
    with admin, admin.cursor() as cursor:
        cursor.execute(
            "UPDATE guard.web_session SET ended_at = now() WHERE account_id = %s", (member.account,)
        )
    try:
        with app.cursor() as cursor, pytest.raises(psycopg2.Error, match="no session"):
            cursor.execute("SELECT guard.open(%s, %s)", (member.token, member.partnership))
    finally:
        app.rollback()
        with admin, admin.cursor() as cursor:
            cursor.execute(
                "UPDATE guard.web_session SET ended_at = NULL WHERE account_id = %s", (member.account,)
            )


def test_a_prepared_plan_belongs_to_whoever_runs_it(app: Any, world: World) -> None:
    first, second = (
        world.members[0],
        next(m for m in world.members if m.partnership != world.members[0].partnership and m.roles & 15),
    )
    with app.cursor() as cursor:
        cursor.execute("SELECT guard.open(%s, %s)", (first.token, first.partnership))
        cursor.execute("PREPARE every_place AS SELECT count(*) FROM placewise.place")
        for _ in range(7):
            cursor.execute("EXECUTE every_place")
        app.commit()
        cursor.execute("SELECT guard.open(%s, %s)", (second.token, second.partnership))
        cursor.execute("EXECUTE every_place")
        assert cursor.fetchone()[0] == len(world.visible(second)["place"])
        app.commit()
        cursor.execute("EXECUTE every_place")
        assert cursor.fetchone()[0] == 0
    app.rollback()


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.name)
def test_a_broken_policy_is_noticed(admin: Any, world: World, mutant: Mutant) -> None:
    with mutant.broken(admin):
        connection = as_app(admin)
        try:
            noticed: list[Any] = faults(admin) or list(disagreements(connection, world))
            noticed = noticed or [a.__name__ for a in ATTACKS if a(connection, lambda: as_app(admin), world)]
            noticed = noticed or list(probes_that_leak(connection, world))
        finally:
            connection.close()
    assert noticed, "nothing noticed that the wall had a hole"

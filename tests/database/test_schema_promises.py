"""What code and database say of each other: vocabularies, messages for rules, migrations, and who may add an event."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from psycopg2 import sql

from placewise.core.errors import MigrationRefused, RuleBroken
from placewise.core.scope import Action, Role
from placewise.core.vocabulary import terms, vocabularies
from placewise.store import migrate as migration
from placewise.store.refusals import MESSAGES

RULES = """
SELECT conname FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace
 WHERE n.nspname IN ('placewise', 'guard') UNION SELECT tgname FROM pg_trigger
 UNION SELECT policyname FROM pg_policies
"""
REACHED_BY_FORMS = """
SELECT conname FROM pg_constraint k WHERE contype = 'c' AND conrelid IN
    ('placewise.place'::regclass, 'placewise.event'::regclass, 'placewise.person'::regclass, 'placewise.link'::regclass,
     'placewise.peer_group'::regclass, 'placewise.peer_group_member'::regclass, 'placewise.link_evidence'::regclass)
"""
ADD_EVENT = """
INSERT INTO placewise.event (partnership_id, source_agency, import_batch_id, recorded_by, kind,
    occurred_from, occurred_to, relation, accuracy)
VALUES (%s, %s, %s, %s, 'incident', now(), now(), 'harm_there', 'none')
"""
ADD_EVENT_WITH = sql.SQL("""
INSERT INTO placewise.event (partnership_id, source_agency, import_batch_id, recorded_by, occurred_from,
    occurred_to, {})
VALUES (%s, %s, %s, %s, now(), now(), {})
""")
ADD_BATCH = """
INSERT INTO placewise.import_batch (partnership_id, layout, source_agency, file_name, file_sha256, file_bytes,
    imported_by, software_version)
VALUES (%s, 'incidents', %s, 'x.csv', 'x', 1, %s, '0') RETURNING import_batch_id
"""


def names(admin: Any, statement: str) -> set[str]:
    with admin.cursor() as cursor:
        cursor.execute(statement)
        return {name for (name,) in cursor.fetchall()}


def test_the_vocabularies_in_code_and_database_are_the_same(admin: Any) -> None:
    with admin.cursor() as cursor:
        cursor.execute("SELECT vocabulary, code, label, gloss, valid_from, valid_to, extra FROM ref.term")
        held = set(cursor.fetchall())
    ours = {
        (name, t.code, t.label, t.gloss, t.valid_from, t.valid_to, t.extra)
        for name in vocabularies()
        for t in terms(name).values()
    }
    assert held == ours
    assert len(ours) > 150


def test_every_message_is_for_a_rule_that_there_is(admin: Any) -> None:
    raised_by_name = {"identity_needs_reason", "analyses_at_once"}
    assert set(MESSAGES) - names(admin, RULES) - raised_by_name == set()


def test_every_rule_that_a_form_or_a_file_can_break_has_a_message(admin: Any) -> None:
    assert names(admin, REACHED_BY_FORMS) - set(MESSAGES) == set()


def test_migrating_again_does_nothing(database_urls: Any) -> None:
    assert migration.migrate(database_urls.admin) == []


def test_a_migration_changed_after_it_was_applied_is_refused(database_urls: Any, monkeypatch: Any) -> None:
    (name, text), *rest = migration.migrations()
    monkeypatch.setattr(migration, "migrations", lambda: [(name, text + "-- more"), *rest])
    with pytest.raises(MigrationRefused, match=f"{name} was changed"):
        migration.migrate(database_urls.admin)


def test_two_branches_that_each_add_a_migration_are_noticed(tmp_path: Path, monkeypatch: Any) -> None:
    folder = tmp_path / "migrations"
    folder.mkdir()
    for name in ("0001_a.sql", "0002_b.sql"):
        (folder / name).write_text("SELECT 1")
    (folder / "HEAD").write_text("0001_a.sql\n")
    monkeypatch.setattr(migration, "files", lambda _package: tmp_path)
    with pytest.raises(MigrationRefused, match="renumber"):
        migration.migrations()


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("kind", "party", "vocabulary"),
        ("category", "tax-fraud", "vocabulary"),
        ("harm_types", ["cse", "mischief"], "vocabulary"),
        ("relation", "nearby", "vocabulary"),
        ("accuracy", "spot_on", "vocabulary"),
        ("basis", "hunch", "vocabulary"),
        ("place_id", uuid.uuid4(), "partnership's places"),
        ("boundary_id", uuid.uuid4(), "partnership's boundaries"),
    ],
)
def test_an_event_with_an_unknown_word_place_or_area_is_refused(
    database, scope, partnership, column, value, message
):
    mine, police = scope(Role.ANALYST), partnership.agencies["police"]
    values = {"kind": "incident", "relation": "harm_there", "accuracy": "none", column: value}
    names = sql.SQL(", ").join(map(sql.Identifier, values))
    marks = sql.SQL(", ").join(sql.Placeholder() * len(values))

    def add() -> None:
        with database.session(mine, Action.COLLECT_FILE) as session:
            (batch,) = session.row(ADD_BATCH, (partnership.partnership_id, police, session.account_id))
            own = (partnership.partnership_id, police, batch, session.account_id)
            session.run(ADD_EVENT_WITH.format(names, marks), (*own, *values.values()))

    with pytest.raises(RuleBroken, match=message):
        add()


@pytest.mark.parametrize("fault", ["another agency", "no such batch", "another partnership's batch"])
def test_an_event_belongs_to_a_batch_of_its_agency_and_partnership(
    database, scope, partnership, make_partnership, admin, fault
):
    mine, other = scope(Role.ANALYST), make_partnership()
    with database.session(mine, Action.COLLECT_FILE) as session:
        police, health = partnership.agencies["police"], partnership.agencies["health"]
        (batch,) = session.row(ADD_BATCH, (partnership.partnership_id, police, session.account_id))
        values = [partnership.partnership_id, police, batch, session.account_id]
        assert session.run(ADD_EVENT, values) == 1
    with admin.cursor() as cursor:
        cursor.execute(ADD_BATCH, (other.partnership_id, other.agencies["police"], values[3]))
        (foreign,) = cursor.fetchone()
    if fault == "another agency":
        values[1] = health
    else:
        values[2] = uuid.uuid4() if fault == "no such batch" else foreign
    connection = psycopg2.connect(database._pool._url)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT guard.open(%s, %s)", (mine.token, mine.partnership_id))
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                cursor.execute(ADD_EVENT, values)
    finally:
        connection.close()

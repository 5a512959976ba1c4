"""Ways to ask without being someone; each returns the number of rows it got, which must be 0."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import psycopg2

from tests.database.security.world import World

COUNT = "SELECT (SELECT count(*) FROM placewise.event) + (SELECT count(*) FROM placewise.person)"


def _rows(cursor: Any) -> int:
    cursor.execute(COUNT)
    return int(cursor.fetchone()[0])


def _signed(cursor: Any, world: World) -> str:
    member = next(m for m in world.members if m.roles & 15)
    cursor.execute("SELECT guard.open(%s, %s)", (member.token, member.partnership))
    assert _rows(cursor) > 0, "with a valid identity there are rows"
    cursor.execute("SELECT current_setting('placewise.scope')")
    return str(cursor.fetchone()[0])


def no_identity(app: Any, _: Callable[[], Any], world: World) -> int:
    with app.cursor() as cursor:
        rows = _rows(cursor)
    app.rollback()
    return rows


def after_commit(app: Any, _: Callable[[], Any], world: World) -> int:
    with app.cursor() as cursor:
        _signed(cursor, world)
        app.commit()
        rows = _rows(cursor)
    app.rollback()
    return rows


def replayed_in_another_transaction(app: Any, _: Callable[[], Any], world: World) -> int:
    with app.cursor() as cursor:
        signed = _signed(cursor, world)
        app.commit()
        cursor.execute("SELECT set_config('placewise.scope', %s, false)", (signed,))
        rows = _rows(cursor)
        cursor.execute("SELECT set_config('placewise.scope', '', false)")
    app.rollback()
    return rows


def edited_to_another_partnership(app: Any, _: Callable[[], Any], world: World) -> int:
    with app.cursor() as cursor:
        signed = _signed(cursor, world).split("|")
        signed[1] = str(next(m.partnership for m in world.members if str(m.partnership) != signed[1]))
        cursor.execute("SELECT set_config('placewise.scope', %s, true)", ("|".join(signed),))
        rows = _rows(cursor)
    app.rollback()
    return rows


def forged_inside_the_transaction(app: Any, _: Callable[[], Any], world: World) -> int:
    member = next(m for m in world.members if m.roles & 15)
    with app.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('placewise.scope', concat_ws('|', %s, %s, %s, 127, pg_backend_pid(),"
            " extract(epoch FROM transaction_timestamp()), repeat('0', 64)), true)",
            (str(member.account), str(member.partnership), str(member.agency)),
        )
        rows = _rows(cursor)
    app.rollback()
    return rows


def carried_to_another_backend(app: Any, another: Callable[[], Any], world: World) -> int:
    other = another()
    try:
        with app.cursor() as cursor, other.cursor() as second:
            signed = _signed(cursor, world)
            second.execute("SELECT set_config('placewise.scope', %s, true)", (signed,))
            rows = _rows(second)
    finally:
        other.close()
        app.rollback()
    return rows


def raised_own_roles(app: Any, _: Callable[[], Any], world: World) -> int:
    """An administrator edits the role bits of a signed identity."""
    member = next(m for m in world.members if m.roles == 64)
    with app.cursor() as cursor:
        cursor.execute("SELECT guard.open(%s, %s)", (member.token, member.partnership))
        cursor.execute("SELECT current_setting('placewise.scope')")
        part = str(cursor.fetchone()[0]).split("|")
        part[3] = "127"
        cursor.execute("SELECT set_config('placewise.scope', %s, true)", ("|".join(part),))
        rows = _rows(cursor)
    app.rollback()
    return rows


def opened_where_no_member(app: Any, _: Callable[[], Any], world: World) -> int:
    member = next(m for m in world.members if m.roles & 15)
    other = next(m.partnership for m in world.members if m.partnership != member.partnership)
    with app.cursor() as cursor:
        try:
            cursor.execute("SELECT guard.open(%s, %s)", (member.token, other))
            rows = _rows(cursor)
        except psycopg2.errors.InvalidAuthorizationSpecification:
            rows = 0
    app.rollback()
    return rows


ATTACKS = [
    opened_where_no_member,
    no_identity,
    after_commit,
    replayed_in_another_transaction,
    edited_to_another_partnership,
    forged_inside_the_transaction,
    carried_to_another_backend,
    raised_own_roles,
]

DENIED = [
    "SELECT key FROM guard.signing_key",
    "SELECT * FROM guard.web_session",
    "SELECT * FROM guard.account",
    "SELECT * FROM guard.place_grant",
    "SELECT guard.start_session(gen_random_uuid(), 'x', 1, 1)",
    "SELECT * FROM guard.credentials('x')",
    "SELECT guard.claim(1)",
    "SELECT guard.signature('x')",
    "SELECT audit.chain(gen_random_uuid(), NULL, 'x', NULL, 'allow', '{}')",
    "SELECT * FROM placewise.identity",
    "SELECT guard.stage('event; DROP TABLE placewise.event', '{}')",
    """SELECT guard.stage('place', '{"name\\" text); DROP TABLE placewise.event; --": "x"}')""",
    "UPDATE placewise.identity SET given_name = 'x'",
    "SET ROLE placewise_owner",
    "SET ROLE placewise_guard",
    "SET SESSION AUTHORIZATION postgres",
    "CREATE TABLE public.x (a int)",
    "CREATE TEMPORARY TABLE x (a int)",
    "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "TRUNCATE placewise.event",
    "DELETE FROM placewise.event",
    "UPDATE placewise.event SET summary = 'x'",
    "UPDATE audit.event SET action = 'x'",
    "DELETE FROM audit.event",
    "INSERT INTO audit.event VALUES (gen_random_uuid(), 1)",
    "ALTER TABLE placewise.event DISABLE ROW LEVEL SECURITY",
    "ALTER FUNCTION guard.claim(integer) OWNER TO placewise_app",
    "COPY (SELECT 1) TO PROGRAM 'id'",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT * FROM pg_stat_activity",
]


def probes_that_leak(app: Any, world: World) -> Iterator[str]:
    """Statements that must be refused or must show nothing, and did not."""
    member = next(m for m in world.members if m.roles == 2)
    for statement in DENIED:
        with app.cursor() as cursor:
            try:
                cursor.execute("SELECT guard.open(%s, %s)", (member.token, member.partnership))
                cursor.execute(statement)
                yield f"allowed: {statement}"
            except psycopg2.Error:
                pass
        app.rollback()
    yield from _hidden_rows(app, world, member)
    yield from _writes_elsewhere(app, world, member)


def _hidden_rows(app: Any, world: World, member: Any) -> Iterator[str]:
    number = 1 if member.partnership == world.members[0].partnership else 2
    probes = [
        # An error raised on a hidden row would prove that the row is there.
        (
            "SELECT count(*) FROM placewise.event"
            f" WHERE 1 / (CASE WHEN summary = 'SECRET-{3 - number}' THEN 0 ELSE 1 END) = 1"
        ),
        "SET LOCAL row_security = off; SELECT count(*) FROM placewise.event",
    ]
    for statement in probes:
        with app.cursor() as cursor:
            try:
                cursor.execute("SELECT guard.open(%s, %s)", (member.token, member.partnership))
                cursor.execute(statement)
                if cursor.fetchone()[0] > len(world.visible(member)["event"]):
                    yield f"too many rows: {statement}"
            except psycopg2.errors.DivisionByZero:
                yield f"a hidden row was looked at: {statement}"
            except psycopg2.errors.InsufficientPrivilege:
                pass
        app.rollback()


def _writes_elsewhere(app: Any, world: World, member: Any) -> Iterator[str]:
    other = next(m.partnership for m in world.members if m.partnership != member.partnership)
    new_feature = """INSERT INTO placewise.feature (partnership_id, kind, geom)
        VALUES (%s, 'park', ST_SetSRID(ST_MakePoint(1, 1), 27700))"""
    run_of_another = """INSERT INTO placewise.saved_run (partnership_id, kind, title, filter, parameters, data_cut_off,
        software_version, result, saved_by) VALUES (%s, 'x', 'x', '{}', '{}', now(), 'x', '{}', %s)"""
    writes = [
        ("UPDATE placewise.place SET name = 'x' WHERE partnership_id = %s", (other,)),
        ("UPDATE placewise.place SET name = 'x' WHERE partnership_id <> %s", (member.partnership,)),
        (new_feature, (other,)),
        (run_of_another, (member.partnership, uuid.uuid4())),
    ]
    for statement, values in writes:
        with app.cursor() as cursor:
            try:
                cursor.execute("SELECT guard.open(%s, %s)", (member.token, member.partnership))
                cursor.execute(statement, values)
                if cursor.rowcount > 0:
                    yield f"wrote elsewhere: {statement}"
            except psycopg2.Error:
                pass
        app.rollback()

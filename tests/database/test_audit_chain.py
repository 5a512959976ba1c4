"""The audit chain: what each kind of tampering leaves to be seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg2
import pytest

from placewise.core.scope import Action, Role, Scope
from placewise.store.audit_chain import Head, faults, list_heads
from placewise.store.session import Database

REWORDED = """UPDATE audit.event SET payload = replace(payload, '14 May', '15 May')
    WHERE partnership_id = %(p)s AND seq = 4"""
SWAPPED = """
UPDATE audit.event SET seq = CASE seq WHEN 4 THEN -5 ELSE -4 END WHERE partnership_id = %(p)s AND seq IN (4, 5);
UPDATE audit.event SET seq = -seq WHERE partnership_id = %(p)s AND seq < 0
"""


@pytest.fixture
def chain(database: Database, scope: Callable[..., Scope], database_urls: Any) -> Iterator[tuple[Any, Head]]:
    """Ten events of one partnership, on a superuser's connection that is rolled back at the end."""
    mine = scope(Role.ANALYST)
    for count in range(10):
        with database.session(mine, Action.CONSULT_MAP) as session:
            session.note(count=count, purpose="panel of 14 May")
    connection = psycopg2.connect(database_urls.admin)
    with connection.cursor() as cursor:
        cursor.execute(
            "SET session_replication_role = replica"
        )  # what a database administrator can do: no triggers
    head = next(h for h in list_heads(connection) if h.partnership_id == mine.partnership_id)
    yield connection, head
    connection.rollback()
    connection.close()


def tamper(connection: Any, statement: str, head: Head) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"p": str(head.partnership_id)})
        assert cursor.rowcount > 0
    return list(faults(connection, head))


def test_an_untouched_chain_is_sound(chain: tuple[Any, Head]) -> None:
    assert list(faults(*chain)) == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit.event SET account_id = gen_random_uuid() WHERE partnership_id = %(p)s AND seq = 4",
        REWORDED,
        "UPDATE audit.event SET action = 'consult:place' WHERE partnership_id = %(p)s AND seq = 4",
        "DELETE FROM audit.event WHERE partnership_id = %(p)s AND seq = 4",
        "DELETE FROM audit.event WHERE partnership_id = %(p)s AND seq = 10",
        SWAPPED,
    ],
    ids=["actor", "content", "action", "taken out", "tail cut off", "swapped"],
)
def test_tampering_is_noticed(chain: tuple[Any, Head], statement: str) -> None:
    assert tamper(chain[0], statement, chain[1]) != []


def test_an_event_erased_under_retention_keeps_the_chain_sound(chain: tuple[Any, Head]) -> None:
    erase = "UPDATE audit.event SET salt = NULL, payload = NULL WHERE partnership_id = %(p)s AND seq = 4"
    assert tamper(chain[0], erase, chain[1]) == []


@pytest.mark.parametrize("change", ["SET action = 'x'", "SET payload = 'x'", "SET hash = 'x'"])
def test_not_even_the_owner_changes_an_event_in_passing(
    admin: Any, chain: tuple[Any, Head], change: str
) -> None:
    with admin.cursor() as cursor, pytest.raises(psycopg2.errors.InsufficientPrivilege, match="append-only"):
        cursor.execute(
            f"UPDATE audit.event {change} WHERE partnership_id = %s", (str(chain[1].partnership_id),)
        )


def test_a_refusal_is_logged_though_its_transaction_is_rolled_back(
    admin: Any, database: Database, scope: Callable[..., Scope]
) -> None:
    from placewise.core.errors import NotAllowed

    mine = scope(Role.MEMBER)
    with pytest.raises(NotAllowed), database.session(mine, Action.COLLECT_FILE) as session:
        session.require(Role.COORDINATOR)
    with admin.cursor() as cursor:
        cursor.execute(
            "SELECT outcome FROM audit.event WHERE partnership_id = %s AND action = 'collect:file'",
            (str(mine.partnership_id),),
        )
        assert cursor.fetchall() == [("deny",)]

"""Checks that no audit event was altered, taken out or put in between.

The chain cannot notice that its tail was cut off, or that all of it was written anew by someone who holds the
database; for that, keep its head (``list_heads``) somewhere else and compare.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg2.extensions import connection as Connection  # noqa: N812 - the driver's class has a lower-case name

EVENTS = """
SELECT seq, at, account_id, action, object_id, outcome, salt, payload, commitment, previous, hash
  FROM audit.event WHERE partnership_id = %s ORDER BY seq
"""
HEADS = "SELECT partnership_id, seq, hash, at FROM audit.head ORDER BY partnership_id"


@dataclass(frozen=True, slots=True)
class Head:
    """The end of one partnership's chain; the nil UUID is the chain of sign-ins."""

    partnership_id: UUID
    seq: int
    hash: str
    at: datetime


def list_heads(connection: Connection) -> list[Head]:
    """The end of every chain, to be kept outside the database."""
    with connection.cursor() as cursor:
        cursor.execute(HEADS)
        return [Head(UUID(str(p)), seq, bytes(digest).hex(), at) for p, seq, digest, at in cursor.fetchall()]


def faults(connection: Connection, head: Head) -> Iterator[str]:
    """What is wrong with one chain, event by event; nothing when it is sound.

    Parameters
    ----------
    connection : connection
        The administrator's.
    head : Head
        As it stands now, or as it was kept elsewhere: then a cut or rewritten chain is noticed too.
    """
    previous = hashlib.sha256(f"placewise audit {head.partnership_id}".encode()).digest()
    expected, at_head = 1, b""
    with connection.cursor("audit_chain") as cursor:
        cursor.execute(EVENTS, (str(head.partnership_id),))
        for row in cursor:
            seq, digest = row[0], bytes(row[10])
            if seq != expected:
                yield f"event {expected} is missing"
            yield from _faults_of(row, previous)
            expected, previous = seq + 1, digest
            if seq == head.seq:
                at_head = digest
    if at_head.hex() != head.hash:
        yield f"event {head.seq} is not the one that was the last: events were cut off or written anew"


def _faults_of(row: tuple[object, ...], previous: bytes) -> Iterator[str]:
    seq, _, account, action, object_id, outcome, salt, payload, commitment, said_previous, digest = row
    sealed = _bytes(commitment)
    if _bytes(said_previous) != previous:
        yield f"event {seq} does not follow the one before it"
    link = previous + int(str(seq)).to_bytes(8, "big", signed=True) + sealed
    if hashlib.sha256(link).digest() != _bytes(digest):
        yield f"event {seq} has another hash than its content"
    if payload is None:
        return  # erased under a retention rule: the commitment stands in its place
    if hashlib.sha256(_bytes(salt) + str(payload).encode()).digest() != sealed:
        yield f"event {seq} says something else than was sealed"
        return
    said = json.loads(str(payload))
    shown = {"account": account, "action": action, "object": object_id, "outcome": outcome}
    for name, value in shown.items():
        if said.get(name) != (None if value is None else str(value)):
            yield f"event {seq}: its {name} column differs from what was sealed"


def _bytes(value: object) -> bytes:
    return bytes(value) if isinstance(value, bytes | bytearray | memoryview) else b""

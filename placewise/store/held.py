"""Which records of a file are held already, told before anything is brought in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from psycopg2 import sql

from placewise.store.session import Session
from placewise.store.targets import TARGETS

# One look-up by index a record, as in loading.CHANGED.
COUNT_HELD = sql.SQL("""
SELECT count(*), count(*) FILTER (WHERE held.digest <> s.digest)
  FROM unnest(%(ids)s::uuid[], %(digests)s::bytea[]) AS s (record_id, digest)
 CROSS JOIN LATERAL (SELECT {digest} AS digest FROM placewise.{table} t
    WHERE t.partnership_id = %(partnership)s AND t.{id} = s.record_id OFFSET 0) held
""")
_HEX = 32


def count_held(
    session: Session, target: str, record_ids: NDArray[np.void], content_digests: Sequence[bytes | None]
) -> tuple[int, int]:
    """How many of these records are held, and how many of those say something else.

    Records that the person may not see count as not held. Boundaries are known by code and year, not by
    their ids, and are never counted.
    """
    into = TARGETS[target]
    statement = COUNT_HELD.format(
        digest=sql.SQL("t.content_digest" if into.has_digest else "NULL::bytea"),
        table=sql.Identifier(into.table),
        id=sql.Identifier(f"{into.table}_id"),
    )
    ids = record_ids.tobytes().hex()
    digests = ("NULL" if digest is None else f'"\\\\x{digest.hex()}"' for digest in content_digests)
    params = {
        "ids": "{" + ",".join(ids[start : start + _HEX] for start in range(0, len(ids), _HEX)) + "}",
        "digests": "{" + ",".join(digests) + "}",
        "partnership": session.scope.partnership_id,
    }
    held, differing = session.row(statement, params) or (0, 0)
    return int(held), int(differing)

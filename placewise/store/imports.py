"""Imports: their batches, the fate of their rows, and what an import must know beforehand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from placewise.core.errors import NotFound
from placewise.store.session import Session

AREA_CODES = "SELECT DISTINCT code FROM placewise.boundary"
EXTENT = """
SELECT public.ST_XMin(e), public.ST_YMin(e), public.ST_XMax(e), public.ST_YMax(e)
  FROM (SELECT public.ST_Extent(geom) AS e FROM placewise.boundary) whole WHERE e IS NOT NULL
"""
AGENCIES = "SELECT code, name FROM placewise.agency ORDER BY name"
BATCH = """
SELECT b.import_batch_id, b.layout, a.name, b.file_name, b.file_bytes, b.rows_read,
    (SELECT coalesce(sum(upper(r) - lower(r)), 0) FROM unnest(b.accepted) r)::integer,
    (SELECT coalesce(sum(upper(r) - lower(r)), 0) FROM unnest(b.duplicate) r)::integer,
    b.refused_count, b.summary, b.imported_at, b.header
  FROM placewise.import_batch b JOIN placewise.agency a
    ON a.partnership_id = b.partnership_id AND a.agency_id = b.source_agency
"""
LIST_BATCHES = BATCH + " ORDER BY b.imported_at DESC, b.import_batch_id LIMIT %s OFFSET %s"
GET_BATCH = BATCH + " WHERE b.import_batch_id = %s"
COUNT_BATCHES = "SELECT count(*) FROM placewise.import_batch"
LIST_REFUSALS = """
SELECT row_number, column_name, code, message, cells FROM placewise.import_refusal
 WHERE import_batch_id = %s ORDER BY row_number, ordinal LIMIT %s
"""
FATE = """
SELECT CASE WHEN %(row)s <@ accepted THEN 'accepted' WHEN %(row)s <@ duplicate THEN 'duplicate'
            WHEN EXISTS (SELECT FROM placewise.import_refusal r WHERE r.import_batch_id = b.import_batch_id
                          AND r.row_number = %(row)s) THEN 'refused' END
  FROM placewise.import_batch b WHERE b.import_batch_id = %(batch)s
"""


@dataclass(frozen=True, slots=True)
class Batch:
    """One import: a file, and how its rows ended. ``read = accepted + duplicate + refused``."""

    batch_id: UUID
    layout: str
    agency: str
    file_name: str
    size_bytes: int
    read: int
    accepted: int
    duplicate: int
    refused: int
    summary: list[dict[str, Any]]
    imported_at: datetime
    header: list[str]


@dataclass(frozen=True, slots=True)
class StoredRefusal:
    """One fault of one row, with the row as it came."""

    row: int
    column: str
    code: str
    message: str
    cells: tuple[str, ...]


def area_codes(session: Session) -> frozenset[str]:
    """Codes of every boundary held, of every kind and year."""
    return frozenset(code for (code,) in session.rows(AREA_CODES))


def extent(session: Session) -> tuple[float, float, float, float] | None:
    """Box around the partnership's boundaries (min x, min y, max x, max y; EPSG:27700), or None without any."""
    row = session.row(EXTENT)
    return None if row is None else (row[0], row[1], row[2], row[3])


def list_agencies(session: Session) -> list[tuple[str, str]]:
    """Code and name of every agency of the partnership."""
    return [(code, name) for code, name in session.rows(AGENCIES)]


def list_batches(session: Session, *, limit: int = 50, offset: int = 0) -> list[Batch]:
    """Imports, newest first."""
    return [Batch(*row) for row in session.rows(LIST_BATCHES, (limit, offset))]


def count_batches(session: Session) -> int:
    """Number of imports."""
    (count,) = session.row(COUNT_BATCHES) or (0,)
    return int(count)


def get_batch(session: Session, batch_id: UUID) -> Batch:
    """One import.

    Raises
    ------
    NotFound
        Absent, or another partnership's.
    """
    row = session.row(GET_BATCH, (batch_id,))
    if row is None:
        raise NotFound("There is no such import.")
    return Batch(*row)


def list_refusals(session: Session, batch_id: UUID, *, limit: int | None = None) -> Iterator[StoredRefusal]:
    """Faults of an import in the order of its rows."""
    for row, column, code, message, cells in session.rows(LIST_REFUSALS, (batch_id, limit)):
        yield StoredRefusal(row, column, code, message, tuple(cells))


def find_fate(session: Session, batch_id: UUID, row_number: int) -> str | None:
    """How one row of an import ended, as a code of the vocabulary ``row_fate``; None for a row it did not have."""
    row = session.row(FATE, {"batch": batch_id, "row": row_number})
    return None if row is None else row[0]

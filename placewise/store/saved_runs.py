"""Saved runs: a result as it was shown, with all that is needed to make it again. Never changed, never removed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg2.extras import Json

from placewise.core.errors import NotFound
from placewise.store.session import Session

APPEND = """
INSERT INTO placewise.saved_run (partnership_id, kind, title, filter, parameters, seed, data_cut_off, software_version,
    result, saved_by)
SELECT guard.partnership(), %s, %s, %s, %s, NULL, transaction_timestamp(), %s, %s, guard.account()
RETURNING saved_run_id
"""
_COLUMNS = "saved_run_id, title, filter, parameters, data_cut_off, software_version, result, saved_at"
LIST = f"SELECT {_COLUMNS} FROM placewise.saved_run WHERE kind = %s ORDER BY saved_at DESC LIMIT 200"  # noqa: S608  only constants are put in
LIST_ABOUT = f"""
SELECT {_COLUMNS} FROM placewise.saved_run WHERE kind = %s AND parameters ->> %s = %s ORDER BY saved_at DESC LIMIT 200
"""  # noqa: S608  only constants are put in
GET = f"SELECT {_COLUMNS} FROM placewise.saved_run WHERE saved_run_id = %s AND kind = %s"  # noqa: S608  only constants are put in


@dataclass(frozen=True, slots=True)
class SavedRun:
    """One saved result.

    Attributes
    ----------
    query : list of pairs
        The filter as an address writes it.
    data_cut_off : datetime
        Only what was on record then went in.
    """

    saved_run_id: UUID
    title: str
    query: Sequence[tuple[str, str]]
    parameters: Mapping[str, Any]
    data_cut_off: datetime
    software_version: str
    result: Mapping[str, Any]
    saved_at: datetime


def append_saved_run(
    session: Session,
    kind: str,
    title: str,
    *,
    query: Sequence[tuple[str, str]],
    parameters: Mapping[str, Any],
    result: Mapping[str, Any],
    software_version: str,
) -> UUID:
    """Keep a result; the data cut-off is this transaction's own time."""
    values = (kind, title, Json(list(query)), Json(dict(parameters)), software_version, Json(dict(result)))
    (saved_run_id,) = session.row(APPEND, values) or (None,)
    return UUID(str(saved_run_id))


def list_saved_runs(session: Session, kind: str) -> list[SavedRun]:
    """Newest first, at most 200."""
    return [_run(*row) for row in session.rows(LIST, (kind,))]


def list_runs_about(session: Session, kind: str, parameter: str, value: str) -> list[SavedRun]:
    """Those with this value of a parameter, newest first, at most 200."""
    return [_run(*row) for row in session.rows(LIST_ABOUT, (kind, parameter, value))]


def get_saved_run(session: Session, saved_run_id: UUID, kind: str) -> SavedRun:
    """One saved run.

    Raises
    ------
    NotFound
        Absent, or another partnership's.
    """
    if (row := session.row(GET, (saved_run_id, kind))) is None:
        raise NotFound("There is no such saved view.")
    return _run(*row)


def _run(saved_run_id: UUID, title: str, query: list[list[str]], *rest: Any) -> SavedRun:
    return SavedRun(saved_run_id, title, [(name, value) for name, value in query], *rest)

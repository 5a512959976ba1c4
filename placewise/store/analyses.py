"""Long calculations as their asker sees them: asked for, on their way, done; and results by what went into them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg2.extras import Json

from placewise.core.errors import NotFound
from placewise.store.session import Session

ASK = "SELECT guard.ask_analysis(%s, %s, coalesce(%s, transaction_timestamp()), %s)"
FIND_RESULT = "SELECT analysis_id, ended_at, result FROM guard.find_result(%s) WHERE analysis_id IS NOT NULL"
_COLUMNS = (
    "analysis_id, kind, state, done, total, message, extract(epoch FROM clock_timestamp() - noted_at)::float8"
)
FIND_ASKED = f"SELECT {_COLUMNS} FROM placewise.analysis WHERE digest = %s ORDER BY asked_at DESC LIMIT 1"  # noqa: S608  only constants are put in
GET_ASKED = f"SELECT {_COLUMNS} FROM placewise.analysis WHERE analysis_id = %s"  # noqa: S608  only constants are put in
CANCEL = "UPDATE placewise.analysis SET cancel_asked = true WHERE analysis_id = %s"


@dataclass(frozen=True, slots=True)
class Asked:
    """A calculation that this person asked for.

    Attributes
    ----------
    state : str
        ``waiting``, ``running``, ``done``, ``failed`` or ``cancelled``.
    done, total : int
        Pieces of work; 0 of 0 before it began.
    message : str
        Why it failed.
    quiet_s : float
        Seconds since it was last heard of.
    """

    analysis_id: UUID
    kind: str
    state: str
    done: int
    total: int
    message: str
    quiet_s: float


@dataclass(frozen=True, slots=True)
class Kept:
    """A result, and when it was calculated."""

    analysis_id: UUID
    ended_at: datetime
    result: dict[str, Any]


def ask_analysis(
    session: Session,
    kind: str,
    *,
    query: Sequence[tuple[str, str]],
    data_cut_off: datetime | None,
    digest: bytes,
) -> UUID:
    """Put a calculation into the queue, unless this person waits for the same one already.

    Parameters
    ----------
    query : sequence of pairs
        The map's address, from which the worker prepares the inputs again in this person's name.
    data_cut_off : datetime, optional
        Only what was on record then goes in. Default: now.
    digest : bytes
        32 bytes that name inputs, parameters and software.

    Raises
    ------
    RuleBroken
        Five are waiting or running already.
    """
    (asked,) = session.row(ASK, (kind, Json(list(query)), data_cut_off, digest)) or (None,)
    return UUID(str(asked))


def find_result(session: Session, digest: bytes) -> Kept | None:
    """The newest result for these inputs, whoever of the partnership asked for it."""
    row = session.row(FIND_RESULT, (digest,))
    return None if row is None else Kept(*row)


def find_asked(session: Session, digest: bytes) -> Asked | None:
    """What this person last asked for with these inputs."""
    row = session.row(FIND_ASKED, (digest,))
    return None if row is None else Asked(*row)


def get_asked(session: Session, analysis_id: UUID) -> Asked:
    """One calculation that this person asked for.

    Raises
    ------
    NotFound
        Absent, or somebody else's.
    """
    row = session.row(GET_ASKED, (analysis_id,))
    if row is None:
        raise NotFound("There is no such calculation.")
    return Asked(*row)


def cancel_analysis(session: Session, analysis_id: UUID) -> None:
    """Ask for an end after the piece of work in hand; one that is over stays as it is.

    Raises
    ------
    NotFound
        Absent, or somebody else's.
    """
    if not session.run(CANCEL, (analysis_id,)):
        raise NotFound("There is no such calculation.")

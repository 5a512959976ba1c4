"""What is known of a calculation now: its result, how far it is, or why there can be none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from placewise.core.errors import BadRequest, PlacewiseError
from placewise.panel.analyses.analysis import Analysis, Asked, digest_of
from placewise.panel.hotspots import Hotspots
from placewise.store import analyses
from placewise.store.session import Session


@dataclass(frozen=True, slots=True)
class Answer:
    """One calculation for one picture.

    Attributes
    ----------
    state : str
        ``refused`` (an option of the address is none; ``message`` says what is possible), ``impossible`` with these
        records (``message`` says why), ``not_asked``, or as in `store.analyses.Asked`.
    analysis_id : UUID or None
    done, total : int
        Pieces of work.
    message : str
    result : dict or None
        Of ``done`` alone.
    ended_at : datetime or None
        When the result was calculated.
    """

    state: str
    analysis_id: UUID | None = None
    done: int = 0
    total: int = 0
    message: str = ""
    result: dict[str, Any] | None = None
    ended_at: datetime | None = None


def find_answer(session: Session, analysis: Analysis[Any], found: Hotspots, asked: Asked) -> Answer:
    """The result for exactly the records and parameters of a picture, or where the calculation of it stands."""
    try:
        digest = digest_of(analysis.code, analysis.prepare(found, asked))
    except BadRequest as problem:
        return Answer("refused", message=str(problem))
    except PlacewiseError as problem:
        return Answer("impossible", message=str(problem))
    kept = analyses.find_result(session, digest)
    if kept is not None:
        return Answer("done", kept.analysis_id, result=kept.result, ended_at=kept.ended_at)
    last = analyses.find_asked(session, digest)
    if last is None or last.state == "done":
        return Answer("not_asked")
    return Answer(last.state, last.analysis_id, last.done, last.total, last.message)


def ask(session: Session, analysis: Analysis[Any], found: Hotspots, asked: Asked) -> UUID:
    """Put the calculation for a picture into the queue.

    Raises
    ------
    PlacewiseError
        It cannot be calculated; the message says why.
    """
    digest = digest_of(analysis.code, analysis.prepare(found, asked))
    query = [(name, value) for name, values in asked.items() for value in values if name != "as_at"]
    return analyses.ask_analysis(
        session, analysis.code, query=query, data_cut_off=found.wanted.as_at, digest=digest
    )

"""Keeping an evaluation so that its figures can be rebuilt, and saying whether they have changed since."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

import placewise
from placewise.core.errors import BadRequest, NotFound
from placewise.core.scope import Role
from placewise.core.text import read_title
from placewise.panel.before_after import Evaluation, evaluate
from placewise.panel.before_after_plan import Site, read_plan, too_early
from placewise.panel.before_after_words import comparison_words, left_out, sentence
from placewise.store.saved_runs import SavedRun, append_saved_run, get_saved_run, list_runs_about
from placewise.store.session import Session

KIND = "before_after"
SAVERS = Role.CHAIR | Role.COORDINATOR | Role.ANALYST


@dataclass(frozen=True, slots=True)
class Held:
    """A saved evaluation, and its figures as they come out again.

    Attributes
    ----------
    as_saved : bool
        The records of its cut-off give the same figures again.
    as_now : bool
        The records of now do too.
    """

    run: SavedRun
    as_saved: bool
    as_now: bool


def save_evaluation(session: Session, found: Evaluation, site: Site, title: str) -> UUID:
    """Keep what the page shows now.

    Raises
    ------
    BadRequest
        The title is empty or too long, or the records are those of an earlier day.
    """
    title = read_title(title, of="the evaluation")
    if found.plan.as_at is not None:
        raise BadRequest(
            "This evaluation is of earlier records. Open it with the records of now to save it again."
        )
    return append_saved_run(
        session,
        KIND,
        title,
        query=found.plan.query(),
        parameters={
            "place_id": str(site.place.place_id),
            "comparison": comparison_words(found.plan, site),
            "confidence": 0.95,
            "power": 0.8,
        },
        result={"sentence": sentence(found), "left_out": left_out(found), "figures": found.figures},
        software_version=placewise.__version__,
    )


def list_evaluations(session: Session, place_id: UUID) -> Sequence[SavedRun]:
    """Saved evaluations of a place, newest first."""
    return list_runs_about(session, KIND, "place_id", str(place_id))


def get_evaluation(session: Session, saved_run_id: UUID, place_id: UUID) -> SavedRun:
    """One saved evaluation of a place.

    Raises
    ------
    NotFound
        Absent, of another place, or another partnership's.
    """
    run = get_saved_run(session, saved_run_id, KIND)
    if run.parameters["place_id"] != str(place_id):
        raise NotFound("There is no such evaluation of this place.")
    return run


def recalculate(session: Session, run: SavedRun, site: Site, *, today: date) -> Held:
    """Make a saved evaluation again from its own plan, with the records of its cut-off and with those of now."""
    plan, _ = read_plan(_by_name(run.query), site)
    if plan is None or too_early(plan, site, today=today):
        return Held(run, as_saved=False, as_now=False)  # a place or ward that it was compared with is gone
    figures = run.result["figures"]
    then, now = (
        evaluate(session, replace(plan, as_at=moment), site).figures for moment in (run.data_cut_off, None)
    )
    return Held(run, as_saved=then == figures, as_now=now == figures)


def _by_name(query: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in query:
        found.setdefault(name, []).append(value)
    return found

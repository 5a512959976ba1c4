"""Long calculations: their pages, asking for one, following it, and ending it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict

from placewise.core.errors import BadRequest, NotFound
from placewise.core.scope import PANEL, READERS, Action
from placewise.panel.analyses.analysis import Analysis
from placewise.panel.analyses.answers import Answer as Outcome
from placewise.panel.analyses.answers import ask as put_into_queue
from placewise.panel.analyses.answers import find_answer
from placewise.panel.analyses.catalogue import ANALYSES, ON_THE_MAP
from placewise.panel.hotspots import Nothing, find_hotspots, period_words
from placewise.store.analyses import Asked, cancel_analysis, get_asked
from placewise.store.door import Membership
from placewise.store.session import Session
from placewise.web.pages import Answer, Subject

subject = Subject("analysis", __name__, within="map")

Pairs = Sequence[tuple[str, str]]
#: Longer than several notes of progress take; then the worker may be gone.
QUIET_S = 30
_WAITING = "Waiting for its turn."
_RUNNING = "Calculating."
#: What is said when nothing was heard of it for `QUIET_S`.
_QUIET = {
    "waiting": "Still waiting for its turn: others may go first. If it has not begun in five minutes, ask the operator "
    "whether the worker runs.",
    "running": "Still calculating, or interrupted: then another worker takes it up within two minutes. If nothing "
    "moves after five, ask the operator whether the worker runs.",
}


@subject.page("/p/<slug>/map/analysis/<kind>", roles=READERS, action=Action.CONSULT_ANALYSIS)
def page(session: Session, membership: Membership, kind: str) -> Answer:
    """One calculation for what the address filters: its result, its progress, or a button to start it."""
    analysis = _analysis(kind)
    if kind in ON_THE_MAP:
        return redirect(shown_at(kind, _pairs(request.args)))
    found, problems = find_hotspots(session, _values(request.args))
    if isinstance(found, Nothing):
        return render_template("map_empty.html", nothing=found, may_import=bool(membership.roles & PANEL))
    outcome = find_answer(session, analysis, found, _values(request.args))
    errors = [problem.message for problem in problems]
    errors += [outcome.message] if outcome.state == "refused" else []
    session.note(object_id=outcome.analysis_id, count=found.accounted.asked_for, kind=kind)
    html = render_template(
        "analysis/page.html",
        analysis=analysis,
        outcome=outcome,
        following=following(outcome),
        found=found,
        period=period_words(found.wanted),
        errors=errors,
        query=_pairs(request.args),
        map_query=urlencode(found.wanted.query()),
    )
    return html, 400 if errors else 200


@subject.page("/p/<slug>/map/analysis/<kind>", roles=READERS, action=Action.ASK_ANALYSIS, methods=("POST",))
def ask(session: Session, membership: Membership, kind: str) -> Answer:
    """Put the calculation into the queue, for what the form carries, and go to where its result will be."""
    analysis = _analysis(kind)
    found, problems = find_hotspots(session, _values(request.form))
    if problems:
        raise BadRequest(problems[0].message)
    if isinstance(found, Nothing):
        raise BadRequest("There is nothing to calculate with yet.")
    asked = put_into_queue(session, analysis, found, _values(request.form))
    session.note(object_id=asked, count=found.accounted.asked_for, kind=kind)
    return redirect(shown_at(kind, _pairs(request.form)), 303)


@subject.page(
    "/p/<slug>/map/analysis/progress/<uuid:analysis_id>.json", roles=READERS, action=Action.READ_PART
)
def progress_json(session: Session, membership: Membership, analysis_id: UUID) -> Answer:
    """How far a calculation of this person's is."""
    asked = get_asked(session, analysis_id)
    over = asked.state not in {"waiting", "running"}
    return {"percent": _percent(asked), "over": over, "words": _words(asked)}


@subject.page(
    "/p/<slug>/map/analysis/<kind>/cancel/<uuid:analysis_id>",
    roles=READERS,
    action=Action.ASK_ANALYSIS,
    methods=("POST",),
)
def cancel(session: Session, membership: Membership, kind: str, analysis_id: UUID) -> Answer:
    """Ask for an end after the piece of work in hand."""
    _analysis(kind)
    cancel_analysis(session, analysis_id)
    session.note(object_id=analysis_id)
    return redirect(shown_at(kind, _pairs(request.form)), 303)


def following(outcome: Outcome) -> dict[str, Any] | None:
    """What a page needs to follow a calculation that is on its way; None for any other."""
    if outcome.state not in {"waiting", "running"} or outcome.analysis_id is None:
        return None
    return {
        "progress": url_for("analysis.progress_json", analysis_id=outcome.analysis_id),
        "percent": _percent(outcome),
        "words": _WAITING if outcome.state == "waiting" else _RUNNING,
        "analysis_id": outcome.analysis_id,
    }


def shown_at(kind: str, query: Pairs) -> str:
    """Address at which a calculation's result is shown: the map, or a page of its own."""
    if kind not in ON_THE_MAP:
        return f"{url_for('analysis.page', kind=kind)}?{urlencode(query)}"
    rest = [(name, value) for name, value in query if name != "view"]
    return f"{url_for('map.page')}?{urlencode([('view', kind), *rest])}"


def _analysis(kind: str) -> Analysis[Any]:
    if kind not in ANALYSES:
        raise NotFound("There is no such calculation.")
    return ANALYSES[kind]


def _values(source: MultiDict[str, str]) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for name, value in _pairs(source):
        values.setdefault(name, []).append(value)
    return values


def _pairs(source: MultiDict[str, str]) -> Pairs:
    return [(name, value) for name, value in source.items(multi=True) if name != "csrf_token"]


def _percent(at: Asked | Outcome) -> int:
    if at.state == "done":
        return 100
    return min(99, 100 * at.done // at.total) if at.total else 0


def _words(asked: Asked) -> str:
    words = _QUIET if asked.quiet_s > QUIET_S else {"waiting": _WAITING, "running": _RUNNING}
    return words.get(asked.state, "")

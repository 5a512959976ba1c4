"""A plan written down before its results can exist: what was expected and why, with the moment it was saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

import placewise
from placewise.core.errors import BadRequest
from placewise.core.text import one_line
from placewise.panel.before_after import Evaluation
from placewise.panel.before_after_plan import LONGEST_TEXT, Plan, Site
from placewise.panel.before_after_words import comparison_words, day_words, plan_sentence
from placewise.panel.period import LONDON
from placewise.store.saved_runs import SavedRun, append_saved_run, list_runs_about
from placewise.store.session import Session

KIND = "before_after_plan"
#: What may be expected here, held against the comparison area.
EXPECTED = {
    "fewer": "Fewer records here",
    "more": "More records here, for example because more is told",
    "either": "A change, fewer or more",
}
NOT_BEFOREHAND = (
    "This plan was not saved before its period after was over, so nobody can see whether it was fixed before the "
    "figures were known."
)


@dataclass(frozen=True, slots=True)
class Beforehand:
    """A plan as it was written down.

    Attributes
    ----------
    run : SavedRun
    expected : str
        One of `EXPECTED`.
    lines : list of (str, str)
        When it was saved, what was expected and why, in words.
    last_day : date
        Of its period after.
    """

    run: SavedRun
    expected: str
    lines: list[tuple[str, str]]
    last_day: date


def may_be_saved(plan: Plan, *, today: date) -> bool:
    """Whether the results cannot be whole yet, and the plan is of no earlier records."""
    return plan.as_at is None and today < plan.until


def save_plan(session: Session, plan: Plan, site: Site, *, expected: str, reason: str, today: date) -> UUID:
    """Keep a plan with what is expected of it; the database gives it its time.

    Raises
    ------
    BadRequest
        Its period after is over, it is saved already, or the expectation or its reason is missing or too long.
    """
    if not may_be_saved(plan, today=today):
        raise BadRequest("The period after is over: a plan that is saved now would not be fixed beforehand.")
    if expected not in EXPECTED:
        raise BadRequest("Choose what you expect: fewer records here, more, or a change either way.")
    reason = one_line(reason)
    if not 0 < len(reason) <= LONGEST_TEXT:
        raise BadRequest(f"Say in up to {LONGEST_TEXT} characters why you expect it.")
    if find_saved(list_plans(session, site.place.place_id), plan):
        raise BadRequest("This plan is saved already; what was expected of it cannot be changed.")
    return append_saved_run(
        session,
        KIND,
        plan.done,
        query=plan.query(),
        parameters={
            "place_id": str(site.place.place_id),
            "comparison": comparison_words(plan, site),
            "changed": plan.changed.isoformat(),
            "until": plan.until.isoformat(),
        },
        result={"sentence": plan_sentence(plan, site), "expected": expected, "reason": reason},
        software_version=placewise.__version__,
    )


def list_plans(session: Session, place_id: UUID) -> list[Beforehand]:
    """Plans of a place that were written down, newest first."""
    return [_beforehand(run) for run in list_runs_about(session, KIND, "place_id", str(place_id))]


def find_saved(plans: Sequence[Beforehand], plan: Plan) -> Beforehand | None:
    """The one of them that is exactly this plan, whatever records it is shown with."""
    asked = [(name, value) for name, value in plan.query() if name != "as_at"]
    return next((one for one in plans if one.run.query == asked), None)


def outcome_words(beforehand: Beforehand | None, found: Evaluation) -> str:
    """What was found beside what was expected, if that was written down."""
    if beforehand is None:
        return NOT_BEFOREHAND
    verdict = found.here.verdict if found.here else "too_few"
    if verdict == "too_few":
        return "Whether what was expected came about cannot be told."
    if verdict == "ordinary":
        return "What was expected is not seen: no change beyond ordinary variation."
    if beforehand.expected in (verdict, "either"):
        return "This is what was expected beforehand."
    return "This is the opposite of what was expected beforehand."


def _beforehand(run: SavedRun) -> Beforehand:
    saved = run.saved_at.astimezone(LONDON)
    changed, until = (date.fromisoformat(run.parameters[name]) for name in ("changed", "until"))
    when = (
        "before the change"
        if saved.date() < changed
        else "after the change, before the period after was over"
    )
    expected = run.result["expected"]
    lines = [
        ("Written down", f"{day_words(saved.date())}, {saved:%H:%M}: {when}"),
        ("Expected then", EXPECTED[expected]),
        ("Why", run.result["reason"]),
    ]
    return Beforehand(run, expected, lines, until - timedelta(1))

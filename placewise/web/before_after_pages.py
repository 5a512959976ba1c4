"""Before and after a change at a place: the plan, what happened, and evaluations that were saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict

from placewise.core.errors import BadRequest, NotFound
from placewise.core.scope import PANEL, READERS, Action
from placewise.panel import before_after_beforehand as beforehand
from placewise.panel import before_after_plan as plans
from placewise.panel import before_after_runs as runs
from placewise.panel import before_after_words as words
from placewise.panel.before_after import Evaluation, evaluate, interval
from placewise.panel.before_after_picture import draw
from placewise.panel.before_after_plan import Plan, Site
from placewise.store.door import Membership
from placewise.store.places import Place, get_place
from placewise.store.session import Session
from placewise.web import before_after_charts, charts
from placewise.web.pages import Answer, Subject
from placewise.web.reading import today

subject = Subject("evaluations", __name__, within="places")

RULE = "/p/<slug>/places/<uuid:place_id>/before-after"


@subject.page(RULE, roles=READERS, action=Action.CONSULT_PLACE)
def before_after(session: Session, membership: Membership, place_id: UUID) -> Answer:
    """The form; and, with a plan in the address, the plan and what happened."""
    place = get_place(session, place_id)
    session.note(object_id=place_id, count=1)
    site = plans.read_site(session, place_id, today=today())
    if site is None:
        return render_template("places/before_after_none.html", place=place)
    query = _query(request.args)
    plan, problems = plans.read_plan(query, site) if plans.is_asked(query) else (None, [])
    early = plans.too_early(plan, site, today=today()) if plan else None
    found = evaluate(session, plan, site) if plan and not early else None
    held = _held(session, found, site)
    html = _page(
        session, membership, place, site, plan=plan, early=early, found=found, held=held, problems=problems
    )
    return html, 400 if problems else 200


@subject.page(RULE, roles=runs.SAVERS, action=Action.SAVE_RUN, methods=("POST",))
def save(session: Session, membership: Membership, place_id: UUID) -> Answer:
    """Keep the evaluation that the form carries, as the records stand now."""
    site = _site(session, place_id)
    plan = _planned(site)
    if early := plans.too_early(plan, site, today=today()):
        raise BadRequest(early)
    saved = runs.save_evaluation(session, evaluate(session, plan, site), site, request.form.get("title", ""))
    session.note(object_id=saved, count=1)
    return redirect(f"{url_for('evaluations.before_after', place_id=place_id)}?{_address(plan, saved)}", 303)


@subject.page(f"{RULE}/plan", roles=runs.SAVERS, action=Action.SAVE_RUN, methods=("POST",))
def write_down(session: Session, membership: Membership, place_id: UUID) -> Answer:
    """Keep the plan that the form carries, with what is expected of it, before there are results."""
    site = _site(session, place_id)
    plan = _planned(site)
    expected, reason = (request.form.get(name, "") for name in ("expected", "reason"))
    saved = beforehand.save_plan(session, plan, site, expected=expected, reason=reason, today=today())
    session.note(object_id=saved, count=1)
    return redirect(f"{url_for('evaluations.before_after', place_id=place_id)}?{_address(plan)}", 303)


def _site(session: Session, place_id: UUID) -> Site:
    """The place that a form is about.

    Raises
    ------
    BadRequest, NotFound
    """
    session.note(object_id=place_id, count=0)
    get_place(session, place_id)
    site = plans.read_site(session, place_id, today=today())
    if site is None:
        raise BadRequest("A place without a point or shape on the map cannot be evaluated.")
    return site


def _planned(site: Site) -> Plan:
    """The plan that a form carries.

    Raises
    ------
    BadRequest
    """
    plan, problems = plans.read_plan(_query(request.form), site)
    if plan is None:
        raise BadRequest(problems[0].message)
    return plan


def _page(
    session: Session,
    membership: Membership,
    place: Place,
    site: Site,
    *,
    plan: Plan | None,
    early: str | None,
    found: Evaluation | None,
    held: runs.Held | None,
    problems: Sequence[Any],
) -> str:
    panel = bool(membership.roles & PANEL)
    saved = runs.list_evaluations(session, place.place_id) if panel else []
    written = beforehand.list_plans(session, place.place_id) if panel else []
    known = beforehand.find_saved(written, plan) if plan else None
    saver = bool(membership.roles & runs.SAVERS)
    return render_template(
        "places/before_after.html",
        place=place,
        site=site,
        form=_form(site),
        offered=_offered(site),
        errors={problem.field: problem.message for problem in problems},
        plan=plan,
        plan_lines=words.plan_lines(plan, site) if plan else [],
        now_address=_address(replace(plan, as_at=None)) if plan else None,
        picture=draw(session, site, plans.find_grounds(plan, site)) if plan else None,
        early=early,
        found=found,
        sentence=words.sentence(found) if found else None,
        pairs=_pairs(found) if found else [],
        held=held,
        saved=[(run, _run_address(run)) for run in saved],
        sees_all=panel,
        may_save=saver and found is not None and plan is not None and not plan.as_at,
        plans=written,
        beforehand=known,
        expectations=beforehand.EXPECTED,
        may_write_down=saver
        and plan is not None
        and known is None
        and beforehand.may_be_saved(plan, today=today()),
        outcome=beforehand.outcome_words(known, found) if panel and found else "",
        words=words,
        interval=interval,
        charts=charts,
        drawn=before_after_charts,
    )


def _query(source: MultiDict[str, str]) -> Mapping[str, Sequence[str]]:
    return source.to_dict(flat=False)


def _address(plan: Plan, run: UUID | None = None) -> str:
    return urlencode([*plan.query(), *([("run", str(run))] if run else [])])


def _run_address(run: Any) -> str:
    pairs = [*run.query, ("as_at", run.data_cut_off.isoformat()), ("run", str(run.saved_run_id))]
    return urlencode(pairs)


def _held(session: Session, found: Evaluation | None, site: Site) -> runs.Held | None:
    """The saved evaluation that the address names, with its figures as they come out again."""
    typed = request.args.get("run")
    if not typed or found is None:
        return None
    try:
        run = runs.get_evaluation(session, UUID(typed), site.place.place_id)
    except ValueError as error:
        raise NotFound("There is no such evaluation of this place.") from error
    return runs.recalculate(session, run, site, today=today())


def _form(site: Site) -> dict[str, Any]:
    """What stands in the form: as asked for, or the usual."""
    usual = {
        "months": plans.USUAL_MONTHS,
        "reach": plans.USUAL_REACH_M if site.is_point else plans.USUAL_MARGIN_M,
        "ring": plans.USUAL_RING_M,
        "against": site.ways[0] if site.ways else "",
    }
    typed = {name: request.args.get(name, "") for name in (*plans.DATE_PARTS, "done")}
    chosen = {name: request.args.get(name) or str(value) for name, value in usual.items()}
    return {**typed, **chosen, "with": request.args.getlist("with")}


def _offered(site: Site) -> dict[str, list[tuple[str, str]]]:
    """What each list of the form offers, as (value, label)."""
    return {
        "months": [(str(n), f"{n} months") for n in plans.MONTHS],
        "reach": [(str(m), f"{m} m") for m in site.reaches_m],
        "ring": [(str(m), f"{m:,} m") for m in plans.RINGS_M],
        "places": [(str(one.place_id), one.name) for one in site.others],
        "wards": [(str(ward), name) for ward, name in zip(site.wards.ids, site.wards.names, strict=True)],
    }


def _pairs(found: Evaluation) -> list[before_after_charts.Pair]:
    return [
        before_after_charts.Pair(words.AREA_NAMES[where], area.once, found.days if found.gaps else None)
        for where, area in found.counts.items()
    ]

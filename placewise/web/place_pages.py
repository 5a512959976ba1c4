"""The list of places, a place on one page, and the form that changes what describes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import redirect, render_template, request, url_for

from placewise.core.errors import BadRequest, RuleBroken
from placewise.core.scope import PANEL, READERS, Action, Role
from placewise.core.vocabulary import terms
from placewise.panel import dossier as dossiers
from placewise.panel import places as place_lists
from placewise.panel.completeness import SINGLE_PLACES
from placewise.panel.dossier import build_dossier
from placewise.panel.place_editing import Clash, change_place
from placewise.panel.place_trend import children_words, direction_words
from placewise.store.door import Membership
from placewise.store.places import get_place
from placewise.store.session import Session
from placewise.web import charts
from placewise.web.pages import Answer, Subject
from placewise.web.place_form import PlaceForm
from placewise.web.reading import reading_day, today

subject = Subject("places", __name__)

#: Roles that may change what describes a place; the database's policy says the same.
EDITORS = Role.CHAIR | Role.COORDINATOR | Role.ANALYST
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@subject.page("/p/<slug>/places", roles=READERS, action=Action.CONSULT_PLACES, navigation="Places")
def places(session: Session, membership: Membership) -> Answer:
    """All places, with what may be said of each."""
    chosen = _filters(request.args)
    order = request.args.get("sort", "name")
    if order not in place_lists.ORDERS:
        raise BadRequest(f"Places cannot be sorted by {order!r}.")
    descending = request.args.get("direction") == "down"
    found = place_lists.list_places(session, today=today(), order=order, descending=descending, **chosen)
    session.note(count=len(found.places))
    return render_template(
        "places/list.html",
        found=found,
        sentence=place_lists.sentence(found, filtered=any(chosen.values())),
        chosen=chosen,
        order=order,
        descending=descending,
        options=options,
    )


@subject.page("/p/<slug>/places/<uuid:place_id>", roles=READERS, action=Action.CONSULT_PLACE)
def place(session: Session, membership: Membership, place_id: UUID) -> Answer:
    """The place dossier."""
    session.note(object_id=place_id, count=1)
    day = reading_day(session, membership)
    built = build_dossier(session, place_id, today=today(), as_of=day)
    return render_template(
        "places/place.html",
        dossier=built,
        place=built.place,
        evidence=built.evidence,
        sentence=dossiers.sentence(built),
        verdict_words=dossiers.verdict_words,
        children_words=children_words,
        direction_words=direction_words,
        single_places=SINGLE_PLACES,
        few_timed=dossiers.FEW_TIMED,
        few_drawn=dossiers.FEW_DRAWN,
        near_m=dossiers.NEAR_M,
        time_is_known=dossiers.time_is_known,
        charts=charts,
        weekdays=WEEKDAYS,
        may_edit=bool(membership.roles & EDITORS),
        may_connect=bool(membership.roles & PANEL),
        saved=request.args.get("saved"),
        today=day,
    )


@subject.page("/p/<slug>/places/<uuid:place_id>/edit", roles=EDITORS, action=Action.CONSULT_PLACE)
def edit(session: Session, membership: Membership, place_id: UUID) -> Answer:
    """The form, as the place stands."""
    found = get_place(session, place_id)
    session.note(object_id=place_id, count=1)
    return _form(place_id, PlaceForm.of(found.described, found.version), found.name)


@subject.page(
    "/p/<slug>/places/<uuid:place_id>/edit", roles=EDITORS, action=Action.ALTER_PLACE, methods=("POST",)
)
def save(session: Session, membership: Membership, place_id: UUID) -> Answer:
    """Save the form; on any fault show it again with what was typed."""
    filled = PlaceForm.sent(request.form)
    session.note(object_id=place_id, count=0)
    name = get_place(session, place_id).name
    if filled.errors:
        return _form(place_id, filled, name), 422
    try:
        outcome = change_place(
            session, place_id, typed=filled.description, opened=filled.opened, version=filled.version
        )
    except RuleBroken as refusal:
        filled.refuse(refusal)
        return _form(place_id, filled, name), 422
    if isinstance(outcome, Clash):
        session.note(clash=list(outcome.fields))
        return _form(place_id, filled.reopened(outcome.current, outcome.version), name, clash=outcome), 409
    session.note(count=1 if outcome.changed else 0, fields=list(outcome.changed))
    said = "merged" if outcome.merged else "yes" if outcome.changed else "nothing"
    return redirect(url_for("places.place", place_id=place_id, saved=said), 303)


def options(vocabulary: str) -> list[tuple[str, str]]:
    """Code and label of each word in force, for a list to choose from."""
    return [(code, term.label) for code, term in terms(vocabulary).items() if term.valid_to is None]


def _form(place_id: UUID, form: PlaceForm, name: str, *, clash: Clash | None = None) -> str:
    theirs = PlaceForm.of(clash.current, clash.version) if clash else None
    return render_template(
        "places/edit.html",
        place_id=place_id,
        name=name,
        form=form,
        clash=clash,
        theirs=theirs,
        options=options,
    )


def _filters(args: Mapping[str, str]) -> dict[str, Any]:
    """Filters as asked for; a word of no vocabulary is refused by name."""
    location_type, status = args.get("type") or None, args.get("status") or None
    for value, vocabulary, what in (
        (location_type, "location_type", "type"),
        (status, "place_status", "status"),
    ):
        if value is not None and value not in terms(vocabulary):
            raise BadRequest(f"{value!r} is not a {what} of place.")
    name = (args.get("name") or "").strip()[:200] or None
    return {"location_type": location_type, "status": status, "name": name}

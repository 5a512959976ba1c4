"""A person by pseudonym, and the one deliberate, logged step to a name."""

from __future__ import annotations

import secrets
from uuid import UUID

from flask import render_template, request
from flask import session as cookie

from placewise.core.errors import RuleBroken
from placewise.core.scope import IDENTITY_READERS, PANEL, Action
from placewise.panel.connections import find_connections, person_words
from placewise.store.door import Membership
from placewise.store.groups import list_groups_of_person
from placewise.store.identities import Person, get_person, reveal_identity
from placewise.store.session import Session
from placewise.web.pages import Answer, Subject
from placewise.web.reading import reading_day

subject = Subject("people", __name__)

LONGEST_REASON = 500
#: Name, within the signed cookie, of the one form that may be sent next.
ASKING = "asking"


@subject.page("/p/<slug>/people/<uuid:person_id>", roles=PANEL, action=Action.CONSULT_PERSON)
def person(session: Session, membership: Membership, person_id: UUID) -> Answer:
    """Pseudonym, age band, groups, places and links: no more than the work on contexts needs."""
    found = get_person(session, person_id)
    session.note(object_id=person_id, count=1)
    day = reading_day(session, membership)
    around = find_connections(session, person_id, hops=1, as_of=day)
    return render_template(
        "people/person.html",
        person=found,
        words=person_words(found.concern_category, found.source_grade, found.assessment),
        groups=list_groups_of_person(session, person_id),
        lines=[line for line in around.lines if str(person_id) in (line.source.id, line.target.id)]
        if around
        else [],
        refusal=around.refusal if around else None,
        sees_identities=bool(membership.roles & IDENTITY_READERS),
        today=day,
    )


@subject.page("/p/<slug>/people/<uuid:person_id>/identity", roles=PANEL, action=Action.CONSULT_PERSON)
def ask(session: Session, membership: Membership, person_id: UUID) -> Answer:
    """The question that stands before a name: what it is needed for."""
    found = get_person(session, person_id)
    session.note(object_id=person_id, count=0)
    allowed = bool(membership.roles & IDENTITY_READERS)
    return _ask(found, allowed=allowed)


@subject.page(
    "/p/<slug>/people/<uuid:person_id>/identity",
    roles=IDENTITY_READERS,
    action=Action.REVEAL_IDENTITY,
    methods=("POST",),
)
def show(session: Session, membership: Membership, person_id: UUID) -> Answer:
    """One identity. The database logs the reason before it answers; this page is never stored."""
    found = get_person(session, person_id)
    reason = request.form.get("reason", "").strip()
    if len(reason) > LONGEST_REASON:
        return _ask(found, reason=reason, error="Use 500 characters or fewer."), 422
    if not _asked_once():
        return _ask(found, reason=reason, error="A reason serves once. Say again why you need to know."), 422
    try:
        identity = reveal_identity(session, person_id, reason=reason)
    except RuleBroken as refusal:
        return _ask(found, reason=reason, error=str(refusal)), 422
    return render_template("people/identity.html", person=found, identity=identity, reason=reason)


def _ask(found: Person, *, allowed: bool = True, reason: str = "", error: str | None = None) -> str:
    cookie[ASKING] = secrets.token_urlsafe(12)
    return render_template(
        "people/ask.html", person=found, allowed=allowed, reason=reason, error=error, asking=cookie[ASKING]
    )


def _asked_once() -> bool:
    """Whether this form has not been sent before: a reloaded page must not show the name again."""
    asking = cookie.pop(ASKING, None)
    return asking is not None and asking == request.form.get("asking")

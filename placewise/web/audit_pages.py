"""The audit log, for auditors: who did what, when and why; never what a record says."""

from __future__ import annotations

from uuid import UUID

from flask import render_template, request, url_for

from placewise.core.errors import BadRequest
from placewise.core.scope import Action, Role
from placewise.store.audit import list_actors, list_events
from placewise.store.door import Membership
from placewise.store.session import Session
from placewise.web.pages import Answer, Subject

subject = Subject("audit", __name__)

PAGE_LENGTH = 50
#: What each audited action is called; a test holds it against ``Action``.
ACTIONS = {
    Action.CONSULT_HOME: "Opened the home page",
    Action.CONSULT_MAP: "Opened the map",
    Action.CONSULT_MAP_CELL: "Looked at one cell of the map",
    Action.CONSULT_PLACES: "Opened the list of places",
    Action.CONSULT_PLACE: "Opened a place",
    Action.CONSULT_CONNECTIONS: "Opened connections",
    Action.CONSULT_GROUP: "Opened peer groups",
    Action.CONSULT_PERSON: "Opened a person's page",
    Action.EXPAND_CONNECTIONS: "Expanded connections a second step",
    Action.REVEAL_IDENTITY: "Asked for a name",
    Action.CONSULT_IMPORTS: "Opened imports",
    Action.COLLECT_FILE: "Imported a file",
    Action.DISCLOSE_REFUSALS: "Downloaded refused rows",
    Action.ALTER_PLACE: "Changed a place",
    Action.SAVE_RUN: "Saved a result",
    Action.ASK_ANALYSIS: "Asked for a calculation, or ended one",
    Action.CALCULATE: "Read records for a calculation",
    Action.CONSULT_ANALYSIS: "Looked at a calculation",
    Action.CONSULT_AUDIT: "Opened the audit log",
    Action.ADMINISTER_ACCOUNTS: "Opened accounts",
    Action.SIGN_IN: "Signed in",
    Action.SIGN_OUT: "Signed out",
    Action.READ_BASE_MAP: "Asked for base map tiles",
    Action.READ_PART: "Asked for more of an open page",
}
OUTCOMES = {"allow": "Done", "deny": "Refused", "error": "Failed"}


@subject.page("/p/<slug>/audit", roles=Role.AUDITOR, action=Action.CONSULT_AUDIT, navigation="Audit")
def page(session: Session, membership: Membership) -> Answer:
    """Events of the partnership, newest first."""
    action = request.args.get("action") or None
    account_id = _uuid(request.args.get("account"))
    events = list_events(
        session,
        action=action,
        account_id=account_id,
        before=_whole(request.args.get("before")),
        limit=PAGE_LENGTH + 1,
    )
    shown, more = events[:PAGE_LENGTH], len(events) > PAGE_LENGTH
    session.note(count=len(shown))
    actors = list_actors(session)
    chosen = {"action": action, "account": str(account_id) if account_id else None}
    return render_template(
        "audit.html",
        events=shown,
        names={actor.account_id: actor for actor in actors},
        people=[(str(actor.account_id), f"{actor.name}, {actor.agency}") for actor in actors],
        chosen=chosen,
        filtered=any(chosen.values()) or "before" in request.args,
        older=_older(shown[-1].seq, action, account_id) if more else None,
        actions=ACTIONS,
        outcomes=OUTCOMES,
    )


def _older(before: int, action: str | None, account_id: UUID | None) -> str:
    return url_for("audit.page", before=before, action=action, account=account_id)


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError as problem:
        raise BadRequest("Choose the person from the list.") from problem


def _whole(text: str | None) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise BadRequest("The page number in the address is not a number.")
    return int(text)

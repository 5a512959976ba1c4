"""Connections: choose a start, look one step round it, and a second step with a purpose."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

from flask import jsonify, redirect, render_template, request, url_for
from flask import session as cookie

from placewise.core.errors import BadRequest, NotAllowed, NotFound
from placewise.core.scope import IDENTITY_READERS, PANEL, Action
from placewise.core.vocabulary import terms
from placewise.panel import connections as panel
from placewise.panel import group_connection_words
from placewise.panel.connections import Connections, Hops, find_connections
from placewise.panel.group_connections import (
    MOST_CHANGED,
    RESAMPLES,
    GroupConnections,
    find_group_connections,
)
from placewise.store.door import Membership
from placewise.store.groups import get_group, list_groups
from placewise.store.places import get_place, list_places
from placewise.store.session import Session
from placewise.web.group_connections_picture import MOST_DRAWN, groups_picture
from placewise.web.pages import Answer, Subject, services
from placewise.web.reading import reading_day

subject = Subject("connections", __name__)

SHORTEST_PURPOSE, LONGEST_PURPOSE = 10, 500
#: A purpose once given holds for this long, for this start, in this browser.
SECOND_STEP_S = 10 * 60
SECOND_STEPS = "second_steps"
#: Stands for an id in an address that the browser's script fills in.
NOBODY = UUID(int=0)
NO_PURPOSE = "Say what you need the second step for, in at least ten characters"


class Start(NamedTuple):
    """What the picture starts from."""

    kind: str
    record_id: UUID

    @property
    def query(self) -> dict[str, str]:
        """The same in an address."""
        return {self.kind: str(self.record_id)}


@subject.page(
    "/p/<slug>/connections", roles=PANEL, action=Action.CONSULT_CONNECTIONS, navigation="Connections"
)
def connections(session: Session, membership: Membership) -> Answer:
    """The choice of a start, or one or two steps round it."""
    start = _start(request.args)
    if start is None:
        return _choose(session, membership)
    hops, types = _hops(request.args), _types(request.args)
    if hops == 2 and not _may_take_second_step(membership, start):
        return _page(session, membership, start, 1, types, asking=True)
    return _page(session, membership, start, hops, types)


@subject.page("/p/<slug>/connections.json", roles=PANEL, action=Action.CONSULT_CONNECTIONS)
def picture(session: Session, membership: Membership) -> Answer:
    """What the browser draws."""
    start = _start(request.args)
    if start is None:
        raise BadRequest("Name the peer group or place to start from.")
    hops = _hops(request.args)
    if hops == 2 and not _may_take_second_step(membership, start):
        raise NotAllowed("A second step needs a purpose. Open it from the connections page.")
    found = _found(session, membership, start, hops, _types(request.args))
    if found.around is None:
        raise BadRequest(found.refusal or "There is nothing to draw.")
    return jsonify(panel.picture(found))


@subject.page(
    "/p/<slug>/connections/second-step", roles=PANEL, action=Action.EXPAND_CONNECTIONS, methods=("POST",)
)
def second_step(session: Session, membership: Membership) -> Answer:
    """Log the purpose and open the second step for a while."""
    start, types = _start(request.form), _types(request.form)
    if start is None:
        raise BadRequest("Name the peer group or place to start from.")
    purpose = request.form.get("purpose", "").strip()
    _get_start(session, start)
    session.note(object_id=start.record_id, hops=2)
    asks = services().settings.ask_purpose
    if asks and not SHORTEST_PURPOSE <= len(purpose) <= LONGEST_PURPOSE:
        session.note(opened=False)
        error = NO_PURPOSE if len(purpose) < SHORTEST_PURPOSE else "Use 500 characters or fewer"
        return _page(session, membership, start, 1, types, asking=True, purpose=purpose, error=error), 422
    session.note(purpose=purpose or None)
    _allow_second_step(membership, start)
    address: dict[str, Any] = {**start.query, "hops": 2, "type": types}
    return redirect(url_for("connections.connections", **address), 303)


@subject.page("/p/<slug>/connections/groups", roles=PANEL, action=Action.CONSULT_CONNECTIONS)
def groups(session: Session, membership: Membership) -> Answer:
    """What connects the peer groups, and what would end without some of it."""
    without = request.args.get("without", "")
    best, remove = _removal(without)
    day = reading_day(session, membership)
    found = find_group_connections(session, as_of=day, best=best, remove=remove)
    shown = [one.node for one in found.connectors] + list(found.change.removed if found.change else ())
    adults = sorted({node.id for node in shown if node.kind == "adult"})
    session.note(object_id=remove, count=len(found.connectors), people=adults)
    return render_template(
        "connections/groups.html",
        found=found,
        words=group_connection_words,
        picture=groups_picture(found),
        most_drawn=MOST_DRAWN,
        resamples=RESAMPLES,
        choices=_removals(found),
        without=without,
    )


def _removal(without: str) -> tuple[int | None, UUID | None]:
    """What to compare without: the best so many, or one place or adult."""
    if not without:
        return None, None
    if without in (numbers := {f"best-{n}": n for n in range(1, MOST_CHANGED + 1)}):
        return numbers[without], None
    return None, _record_id(without)


def _removals(found: GroupConnections) -> list[tuple[str, str]]:
    best = [(f"best-{n}", f"The best {count}") for n, count in enumerate(("one", "two", "three"), start=1)]
    return best + [(one.node.id, one.node.label) for one in found.connectors]


def _choose(session: Session, membership: Membership) -> str:
    groups = list_groups(session, today=reading_day(session, membership))
    places = list_places(session)
    session.note(count=len(groups) + len(places))
    return render_template("connections/choose.html", groups=groups, places=places)


def _page(
    session: Session,
    membership: Membership,
    start: Start,
    hops: Hops,
    types: list[str],
    *,
    asking: bool = False,
    purpose: str = "",
    error: str | None = None,
) -> str:
    found = _found(session, membership, start, hops, types)
    return render_template(
        "connections/page.html",
        found=found,
        start=start,
        sentence=panel.sentence(found),
        bridges=panel.bridges(found),
        types=types,
        asking=asking,
        ask_purpose=services().settings.ask_purpose,
        purpose=purpose,
        error=error,
        people_address=url_for("people.person", person_id=NOBODY).replace(str(NOBODY), "{id}"),
        sees_identities=bool(membership.roles & IDENTITY_READERS),
    )


def _found(
    session: Session, membership: Membership, start: Start, hops: Hops, types: list[str]
) -> Connections:
    _get_start(session, start)
    day = reading_day(session, membership)
    found = find_connections(session, start.record_id, hops=hops, as_of=day, types=types)
    if found is None:
        raise NotFound("There is no such record.")
    count = len(found.around.nodes) if found.around else 0
    session.note(object_id=start.record_id, count=count, shown_hops=hops, people=found.people)
    return found


def _get_start(session: Session, start: Start) -> None:
    """Raise ``NotFound`` unless the reader may see the start."""
    if start.kind == "group":
        get_group(session, start.record_id)
    else:
        get_place(session, start.record_id)


def _start(values: Mapping[str, str]) -> Start | None:
    given = [(kind, values[kind]) for kind in ("group", "place") if values.get(kind)]
    if not given:
        return None
    if len(given) > 1:
        raise BadRequest("Start from a peer group or from a place, not from both.")
    kind, text = given[0]
    return Start(kind, _record_id(text))


def _record_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as problem:
        raise NotFound("There is no such record.") from problem


def _hops(values: Mapping[str, str]) -> Hops:
    hops = values.get("hops", "1")
    if hops not in ("1", "2"):
        raise BadRequest("Connections go one step or two.")
    return 2 if hops == "2" else 1


def _types(values: Mapping[str, str]) -> list[str]:
    chosen = values.getlist("type") if hasattr(values, "getlist") else []
    unknown = [code for code in chosen if code != "member" and code not in terms("link_type")]
    if unknown:
        raise BadRequest(f"{unknown[0]!r} is not a kind of link.")
    return chosen


def _key(membership: Membership, start: Start) -> str:
    return f"{membership.slug}/{start.record_id}"


def _allow_second_step(membership: Membership, start: Start) -> None:
    # Kept in the signed cookie and not in the address: an address can be passed on, a purpose cannot.
    now = int(time.time())
    open_steps = {key: until for key, until in cookie.get(SECOND_STEPS, {}).items() if until > now}
    cookie[SECOND_STEPS] = {**open_steps, _key(membership, start): now + SECOND_STEP_S}


def _may_take_second_step(membership: Membership, start: Start) -> bool:
    until = cookie.get(SECOND_STEPS, {}).get(_key(membership, start), 0)
    return bool(until > time.time())

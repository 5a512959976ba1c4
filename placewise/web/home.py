"""The start: choose a partnership, and each partnership's home page."""

from __future__ import annotations

from datetime import datetime

from flask import redirect, render_template, url_for

from placewise.core.scope import READERS, Action, Role
from placewise.panel.home import sentence, summarise
from placewise.panel.period import LONDON
from placewise.store.door import Membership
from placewise.store.session import Session
from placewise.web.pages import Answer, Subject

subject = Subject("home", __name__)

#: Every role has a home; what stands on it depends on the role.
EVERYONE = READERS | Role.AUDITOR | Role.ADMINISTRATOR
#: What each entry of the navigation is for.
PURPOSES = {
    "Map": "Where harm was recorded, by type, period and source, and what cannot be told.",
    "Places": "Each place on one page: trend, times of day, harm types, groups and who looks after it.",
    "Peer groups": "Groups of children who spend time together: where, since when, and what is good in it.",
    "Connections": "Peer groups, places and persons of concern, with the evidence for each link.",
    "Imports": "Partners' files: what was accepted, and each refused row with its reason.",
    "Audit": "Who opened or changed what, when, and for what purpose.",
    "Accounts": "Who may sign in to this partnership, in which role, and until when.",
}


@subject.lobby("/")
def choose(mine: list[Membership]) -> Answer:
    """Straight home with one membership, else the choice."""
    if len(mine) == 1:
        return redirect(url_for("home.page", slug=mine[0].slug), 303)
    return render_template("choose.html", memberships=mine)


@subject.page("/p/<slug>/", roles=EVERYONE, action=Action.CONSULT_HOME)
def page(session: Session, membership: Membership) -> Answer:
    """What a chair would say first, and the ways on."""
    facts = said = None
    if membership.roles & READERS:
        facts = summarise(session, today=datetime.now(LONDON).date())
        said = sentence(facts)
        session.note(count=facts.records)
    return render_template("home.html", facts=facts, sentence=said, purposes=PURPOSES)

"""Peer groups: the list, and one group with its members by pseudonym."""

from __future__ import annotations

from uuid import UUID

from flask import render_template

from placewise.core.scope import PANEL, Action
from placewise.store.door import Membership
from placewise.store.groups import get_group, list_groups, list_members, list_places_of_group
from placewise.store.session import Session
from placewise.web.pages import Answer, Subject
from placewise.web.reading import reading_day

subject = Subject("groups", __name__)


@subject.page("/p/<slug>/groups", roles=PANEL, action=Action.CONSULT_GROUP, navigation="Peer groups")
def groups(session: Session, membership: Membership) -> Answer:
    """All peer groups, by name."""
    found = list_groups(session, today=reading_day(session, membership))
    session.note(count=len(found))
    return render_template("groups/list.html", groups=found)


@subject.page("/p/<slug>/groups/<uuid:peer_group_id>", roles=PANEL, action=Action.CONSULT_GROUP)
def group(session: Session, membership: Membership, peer_group_id: UUID) -> Answer:
    """One peer group; its members stand by pseudonym, in that order and no other."""
    found = get_group(session, peer_group_id)
    day = reading_day(session, membership)
    members = list_members(session, peer_group_id)
    session.note(
        object_id=peer_group_id, count=len(members), people=[str(member.person_id) for member in members]
    )
    return render_template(
        "groups/group.html",
        group=found,
        present=[member for member in members if not member.has_left(day)],
        former=[member for member in members if member.has_left(day)],
        places=list_places_of_group(session, peer_group_id, today=day),
        today=day,
    )

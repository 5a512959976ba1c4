"""Accounts, for administrators: who may sign in, in which role, until when."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import render_template

from placewise.core.scope import Action, Role
from placewise.panel.period import LONDON
from placewise.store.accounts import list_accounts
from placewise.store.door import Membership
from placewise.store.session import Session
from placewise.web.pages import Answer, Subject

subject = Subject("accounts", __name__)

ENDS_SOON = timedelta(days=30)


@subject.page(
    "/p/<slug>/accounts", roles=Role.ADMINISTRATOR, action=Action.ADMINISTER_ACCOUNTS, navigation="Accounts"
)
def page(session: Session, membership: Membership) -> Answer:
    """All accounts of the partnership."""
    accounts = list_accounts(session)
    session.note(count=len(accounts))
    today = datetime.now(LONDON).date()
    return render_template("accounts.html", accounts=accounts, today=today, soon=today + ENDS_SOON)

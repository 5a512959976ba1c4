"""The days by which a page judges: today, and the day on which links are said to have expired."""

from __future__ import annotations

from datetime import date, datetime

from placewise.panel import period
from placewise.panel.period import LONDON
from placewise.store.door import Membership
from placewise.store.session import Session


def today() -> date:
    """The day in London."""
    return datetime.now(LONDON).date()


def reading_day(session: Session, membership: Membership) -> date:
    """Today; in the fictional borough, the day of its newest record."""
    return period.reading_day(session, today=today(), synthetic=membership.synthetic)

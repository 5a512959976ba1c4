"""How dates, times, numbers and terms are written on a page."""

from __future__ import annotations

from datetime import date, datetime

from flask import Flask

from placewise.core.scope import Role
from placewise.core.vocabulary import label
from placewise.panel.period import LONDON, moment_words


def day(value: date | datetime) -> str:
    """A date as read aloud.

    >>> day(date(2026, 5, 14))
    '14 May 2026'
    """
    if isinstance(value, datetime):
        value = value.astimezone(LONDON)
    return f"{value.day} {value:%B %Y}"


def month(value: date) -> str:
    """A month.

    >>> month(date(2026, 5, 1))
    'May 2026'
    """
    return f"{value:%B %Y}"


def number(value: float) -> str:
    """A number with commas.

    >>> number(95440)
    '95,440'
    """
    return f"{value:,}"


def count_of(n: int, one: str, many: str | None = None) -> str:
    """A number with its noun.

    >>> count_of(1, "place"), count_of(1200, "place"), count_of(0, "agency", "agencies")
    ('1 place', '1,200 places', '0 agencies')
    """
    return f"{number(n)} {one if n == 1 else many or one + 's'}"


def term(code: str | None, vocabulary: str) -> str:
    """What a code is called, as a filter: ``{{ place.location_type|term("location_type") }}``.

    >>> term("found_there", "relation"), term(None, "place_role")
    ('Found here', 'Not recorded')
    """
    return label(vocabulary, code)


def role_names(roles: Role) -> str:
    """The roles of a person, as the vocabulary calls them.

    >>> role_names(Role.CHAIR | Role.ANALYST)
    'Chair and Analyst'
    """
    names = [label("role", str(role.name).lower()) for role in roles]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def add_to(app: Flask) -> None:
    """Give templates these as filters."""
    for write in (day, month, number, count_of, term, role_names):
        app.add_template_filter(write)
    app.add_template_filter(moment_words, "moment")

"""Changing what describes a place, without losing what someone else changed meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any
from uuid import UUID

from placewise.store import places
from placewise.store.places import Description
from placewise.store.session import Session

#: What may be changed, in the order of the form.
FIELDS = tuple(field.name for field in fields(Description))


@dataclass(frozen=True, slots=True)
class Saved:
    """The change stands.

    Attributes
    ----------
    changed : sequence of str
        Fields that the editor changed; none if nothing was.
    merged : sequence of str
        Fields that someone else had changed since the form was opened, and that were kept.
    """

    changed: Sequence[str]
    merged: Sequence[str]


@dataclass(frozen=True, slots=True)
class Clash:
    """Both changed the same fields; nothing was saved.

    Attributes
    ----------
    fields : sequence of str
    current : Description
        As it stands now.
    version : int
        Of ``current``: a form opened on it may overwrite it knowingly.
    """

    fields: Sequence[str]
    current: Description
    version: int


def change_place(
    session: Session, place_id: UUID, *, typed: Description, opened: Description, version: int
) -> Saved | Clash:
    """Save an editor's changes; what others changed since is merged where it is something else.

    Parameters
    ----------
    typed : Description
        The form as it was sent.
    opened : Description
        The form as it was opened. Believed only when ``version`` is no longer the current one.
    version : int
        The version that was opened.

    Raises
    ------
    NotFound
        Absent, hidden or another partnership's.
    RuleBroken
        The database refused; ``constraint`` names the rule. Nothing was saved.
    """
    current, current_version = places.lock_description(session, place_id)
    opened = current if version == current_version else opened
    mine, theirs = different(typed, opened), different(current, opened)
    clashing = [name for name in mine if name in theirs and name in different(typed, current)]
    if clashing:
        return Clash(clashing, current, current_version)
    changes: dict[str, Any] = {name: getattr(typed, name) for name in mine}
    wanted = replace(current, **changes)
    if different(wanted, current):
        places.save_description(session, place_id, wanted)
    return Saved(mine, theirs)


def different(one: Description, other: Description) -> list[str]:
    """Names of the fields that differ, line ends and outer spaces apart."""
    return [name for name in FIELDS if _clean(getattr(one, name)) != _clean(getattr(other, name))]


def _clean(value: object) -> object:
    if isinstance(value, str):
        return "\n".join(line.rstrip() for line in value.strip().splitlines()) or None
    if isinstance(value, tuple):
        return tuple(str(part).strip() for part in value)
    return value

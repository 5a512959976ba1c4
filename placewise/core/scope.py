"""Who is asking, for which partnership, and what they are doing: the key to every session."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntFlag, StrEnum
from uuid import UUID, uuid4


class Role(IntFlag):
    """What a member of a partnership may do; a person may hold several roles.

    The numbers stand in the database too (``guard.role_bit``): never renumber.
    """

    CHAIR = 1
    COORDINATOR = 2
    ANALYST = 4
    MEMBER = 8
    TASK_MEMBER = 16
    AUDITOR = 32
    ADMINISTRATOR = 64

    @classmethod
    def of(cls, codes: list[str]) -> Role:
        """Combine role codes of the ``role`` vocabulary."""
        combined = cls(0)
        for code in codes:
            combined |= cls[code.upper()]
        return combined


#: Roles that see every unrestricted record of their partnership.
PANEL = Role.CHAIR | Role.COORDINATOR | Role.ANALYST | Role.MEMBER
#: Roles that see records at all (task members: only the places named for their group).
READERS = PANEL | Role.TASK_MEMBER
#: Roles that may bring files in.
IMPORTERS = Role.COORDINATOR | Role.ANALYST
#: Roles that may see a name, with a reason, one person at a time.
IDENTITY_READERS = Role.CHAIR | Role.COORDINATOR


class Action(StrEnum):
    """The audited actions: ``verb:subject``. The verbs are those of DPA 2018 s.62, and administration."""

    CONSULT_MAP = "consult:map"
    CONSULT_MAP_CELL = "consult:map-cell"
    CONSULT_PLACES = "consult:places"
    CONSULT_PLACE = "consult:place"
    CONSULT_CONNECTIONS = "consult:connections"
    CONSULT_GROUP = "consult:group"
    CONSULT_PERSON = "consult:person"
    EXPAND_CONNECTIONS = "combine:connections"
    REVEAL_IDENTITY = "consult:identity"
    CONSULT_IMPORTS = "consult:imports"
    COLLECT_FILE = "collect:file"
    DISCLOSE_REFUSALS = "disclose:refusals"
    ALTER_PLACE = "alter:place"
    SAVE_RUN = "combine:run"
    ASK_ANALYSIS = "combine:ask-analysis"
    CALCULATE = "combine:analysis"
    CONSULT_ANALYSIS = "consult:analysis"
    CONSULT_AUDIT = "consult:audit"
    ADMINISTER_ACCOUNTS = "administer:accounts"
    CONSULT_HOME = "consult:home"
    SIGN_IN = "authenticate:sign-in"
    SIGN_OUT = "authenticate:sign-out"
    READ_BASE_MAP = "read:base-map"
    READ_PART = "read:part"


#: Sessions that add no event of their own; refusals are logged still. Base map tiles are public geography, a dozen to a
#: page; the database itself logs a name with its reason (guard.reveal_identity) before it answers. More of an open page
#: belongs to its opening, which is in the log (web/openings.py), or tells nothing of any record.
UNAUDITED = frozenset({Action.READ_BASE_MAP, Action.READ_PART, Action.REVEAL_IDENTITY})
#: Verbs that change records: no page may do these on GET.
CHANGING_VERBS = frozenset({"alter", "collect", "erase"})


@dataclass(frozen=True, slots=True)
class Scope:
    """One person acting in one partnership: what ``store.session`` opens a transaction with.

    The token is checked by the database itself; nothing in this object is believed by it.

    Attributes
    ----------
    token : str
        The secret of a sign-in session.
    partnership_id : UUID
        The partnership acted in.
    request_id : UUID
        Joins the audit events of one request.
    """

    token: str = field(repr=False)
    partnership_id: UUID
    request_id: UUID = field(default_factory=uuid4)

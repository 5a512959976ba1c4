"""Everything that can go wrong, by name.

Each exception carries a message for the person at the screen: what is wrong and what to do.
The table from exception to HTTP status is in ``web/problems.py``.
"""

from __future__ import annotations


class PlacewiseError(Exception):
    """The base of all expected failures; ``str(error)`` may be shown to a user."""


# --- Settings and start-up -------------------------------------------------------------------


class SettingMissing(PlacewiseError):
    """A setting without a safe default was not given."""


class ClusterUnavailable(PlacewiseError):
    """The private PostgreSQL cluster could not be started or reached."""


class MigrationRefused(PlacewiseError):
    """The database and the migrations of this version do not fit together."""


# --- Who is asking ----------------------------------------------------------------------------


class NotSignedIn(PlacewiseError):
    """There is no valid session, or it ended; one message for every cause."""


class NotAllowed(PlacewiseError):
    """The signed-in person's role does not cover this action."""


class SignInRefused(PlacewiseError):
    """The e-mail address and password do not match an active account."""


class TooManyAttempts(PlacewiseError):
    """Sign-in is slowed down for this account or address."""


# --- Records ----------------------------------------------------------------------------------


class NotFound(PlacewiseError):
    """Absent, hidden or another partnership's: one answer for all three."""


class StaleEdit(PlacewiseError):
    """Someone else changed the record since it was opened; nothing was overwritten."""


class RuleBroken(PlacewiseError):
    """A named database rule refused the change.

    Attributes
    ----------
    constraint : str
        Name of the rule, e.g. ``place_geometry_or_online``.
    """

    def __init__(self, message: str, *, constraint: str) -> None:
        super().__init__(message)
        self.constraint = constraint


class DatabaseBusy(PlacewiseError):
    """No connection came free in time, or a statement ran into its time limit; try again."""


class UnknownTerm(PlacewiseError):
    """A code is not in its vocabulary."""


# --- Input ------------------------------------------------------------------------------------


class BadRequest(PlacewiseError):
    """A filter or form value cannot be understood; the message names it."""

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


class AssetsUnusable(PlacewiseError):
    """The front-end files are missing, or not fit to be served."""


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


class AuditUnsound(PlacewiseError):
    """The audit log is not as it was written."""


# --- Input ------------------------------------------------------------------------------------


class BadRequest(PlacewiseError):
    """A filter or form value cannot be understood; the message names it."""


class InvalidLinks(PlacewiseError):
    """The nodes and links given do not make one network; the message names the record."""


# --- Spatial statistics -----------------------------------------------------------------------


class WrongCRS(PlacewiseError):
    """Coordinates are not metres of the British National Grid (EPSG:27700)."""


class MissingValue(PlacewiseError):
    """A coordinate, count or weight is missing, infinite or negative where it must not be."""


class TooFewRecords(PlacewiseError):
    """There are too few records for this calculation to mean anything."""


class TooFewCells(PlacewiseError):
    """The study area has too few cells to compare one neighbourhood with the rest."""


class NoVariation(PlacewiseError):
    """Every cell has the same count (perhaps nought), so none can stand out."""


class BadBandwidth(PlacewiseError):
    """The smoothing distance is not a positive length that the grid can carry."""


class CalculationStopped(PlacewiseError):
    """A person stopped a long calculation before it was done; there is no result."""


class ExecutorUnavailable(PlacewiseError):
    """The cluster that should do the calculations cannot be reached."""


class TooManyPairs(PlacewiseError):
    """The distances or periods chosen join more pairs of records than can be held in memory."""


# --- Intake -----------------------------------------------------------------------------------


class FileRefused(PlacewiseError):
    """Nothing of an import file can be taken.

    Attributes
    ----------
    code : str
        Stable name of the reason, e.g. ``type-mismatch``.
    """

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


class QuestionsOpen(PlacewiseError):
    """The import needs an answer from a person first; nothing of it may be stored."""


class SandboxUnavailable(PlacewiseError):
    """No file reader can be locked in on this machine, so no file is read at all."""


class ImportCancelled(PlacewiseError):
    """A person stopped an import half-way; nothing of it was stored."""

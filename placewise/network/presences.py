"""Who is named in which record, where and when: what derived ties are made from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from placewise.core.errors import InvalidLinks
from placewise.network.arrays import Flags
from placewise.network.together import Whole

Days = npt.NDArray[np.datetime64]


class Role(IntEnum):
    """What somebody is in a record; the codes are those of ``person_event_role``, in this order."""

    CHILD_CONCERNED = 0
    ADULT_CONCERNED = 1
    MISSING_CHILD = 2


@dataclass(frozen=True)
class Presences:
    """Who is named in which record, one row a person and record, shape (n,) each.

    Attributes
    ----------
    person, event, place : ndarray of int64
        Positions; ``place`` is -1 where no place is named. Give -1 too where being there cannot mean a meeting:
        a police station, a hospital, a home.
    role : ndarray of int64
        A `Role`.
    begin, end : ndarray of datetime64[m]
        When it was; a missing episode from leaving to return.
    recorded : ndarray of datetime64[D]
        Day on which the partnership came to know.
    found : ndarray of bool
        Whether ``place`` is where the child was found.
    doubtful : ndarray of bool
        Source graded 3 or assessment graded E: evidence that never makes a tie more than possible.
    """

    person: Whole
    event: Whole
    place: Whole
    role: Whole
    begin: Days
    end: Days
    recorded: Days
    found: Flags
    doubtful: Flags

    @classmethod
    def build(
        cls,
        *,
        person: ArrayLike,
        event: ArrayLike,
        place: ArrayLike,
        role: ArrayLike,
        begin: ArrayLike,
        end: ArrayLike,
        recorded: ArrayLike,
        found: ArrayLike,
        doubtful: ArrayLike,
    ) -> Presences:
        """Check the columns against each other; an end that is not known is the beginning.

        Raises
        ------
        InvalidLinks
            Columns of unequal length, a position below nought, an unknown role, a time that is missing or runs
            backwards.
        """
        came, left = (np.atleast_1d(np.asarray(t, dtype="datetime64[m]")) for t in (begin, end))
        known = np.atleast_1d(np.asarray(recorded, dtype="datetime64[D]"))
        whole = [np.atleast_1d(np.asarray(c)).astype(np.int64) for c in (person, event, place, role)]
        flags = [np.atleast_1d(np.asarray(c, dtype=np.bool_)) for c in (found, doubtful)]
        if len({column.shape for column in (came, left, known, *whole, *flags)}) != 1 or came.ndim != 1:
            raise InvalidLinks("Every row needs a person, a record, a place or -1, a role and times.")
        left = np.where(np.isnat(left), came, left)
        if np.isnat(came).any() or np.isnat(known).any() or np.any(left < came):
            raise InvalidLinks("A record has no time, or ends before it begins, or has no day of recording.")
        if any(np.any(c < least) for c, least in zip(whole, (0, 0, -1, 0), strict=True)):
            raise InvalidLinks("A person, a record or a place is given by a number below nought.")
        if not np.isin(whole[3], list(Role)).all():
            raise InvalidLinks("A role is not one of " + ", ".join(role.name.lower() for role in Role) + ".")
        return cls(whole[0], whole[1], whole[2], whole[3], came, left, known, flags[0], flags[1])

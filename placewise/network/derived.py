"""Ties that records bear out though nobody recorded a tie: by which rule, on which records, and for how long.

A derived tie says that records place two people together. It does not say that they know one another, nor that
either did anything. Nothing here counts or orders people: what comes back is pairs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import ArrayLike

from placewise.core.errors import InvalidLinks
from placewise.network.arrays import Flags
from placewise.network.presences import Days, Presences, Role
from placewise.network.together import Crowd, PointKind, Stays, Whole, pairs_together


@dataclass(frozen=True, slots=True)
class Rule:
    """When records place two people together, and how much that says. The numbers are ours, not measured.

    Attributes
    ----------
    name : str
    meet_at : {"record", "place", "found", "adult"}
        What the two have in common: a record that names both; a place; the place where both, missing at the
        same time, were found; an adult of concern whom each was with, as a record of each says.
    window_hours : float >= 0
        Most hours between the end of one stay and the beginning of the other; unused for one record.
    one_record : bool
        Whether a record that names both counts; where not, it is left to ``same_incident``.
    probable_from_days : int
        Different days on which records say so, doubtful ones apart, from which the tie is probable; one
        record alone never makes it so.
    expires_days : int
        Days after the last evidence from which the tie no longer stands.
    most_people : int
        With more people than this within the window, being there says nothing and no tie is derived.
    """

    name: str
    meet_at: PointKind
    window_hours: float
    one_record: bool
    probable_from_days: int
    expires_days: int
    most_people: int = 50


SAME_INCIDENT = Rule("same_incident", "record", 0, True, 2, 365)
CO_MISSING = Rule("co_missing", "found", 0, True, 2, 365)
CO_PRESENT = Rule("co_present", "place", 4, False, 3, 180)
SHARED_ADULT = Rule("shared_adult", "adult", 90 * 24, False, 3, 180)
RULES = (SAME_INCIDENT, CO_MISSING, CO_PRESENT, SHARED_ADULT)


@dataclass(frozen=True)
class Occasions:
    """Each time that records place two people together by one rule, shape (n,) each; kept apart from the ties
    they make, so that the ties of any day can be made again.

    Attributes
    ----------
    rule : Rule
    one, other : ndarray of int64
        The two people, ``one < other``; rows are in order of pair and day, sound ones first in a day.
    events : ndarray of int64, shape (n, 2)
        The records that say so; twice the same where one record names both.
    day : ndarray of datetime64[D]
        Day on which the later of the two stays began.
    recorded : ndarray of datetime64[D]
        Day from which both records were known.
    sound : ndarray of bool
        Neither record is doubtful.
    left_out : tuple of Crowd
        Where too many came together for ties to be derived; see `reason`.
    """

    rule: Rule
    one: Whole
    other: Whole
    events: Whole
    day: Days
    recorded: Days
    sound: Flags
    left_out: tuple[Crowd, ...]


@dataclass(frozen=True)
class DerivedTies:
    """Pairs that one rule ties, as of a day, shape (n,) each, in order of pair.

    Attributes
    ----------
    rule : Rule
    one, other : ndarray of int64
    days : ndarray of int64
        Different days on which records place them together.
    probable : ndarray of bool
        Strength: probable, or else possible. A derived tie is never known.
    first, last, expires : ndarray of datetime64[D]
        ``expires`` is the last day on which the tie stands.
    stands : ndarray of bool
        Whether it does on the day asked for.
    evidence_offsets, evidence : ndarray of int64
        Tie ``i`` rests on the records ``evidence[evidence_offsets[i]:evidence_offsets[i + 1]]``, ascending.
    """

    rule: Rule
    one: Whole
    other: Whole
    days: Whole
    probable: Flags
    first: Days
    last: Days
    expires: Days
    stands: Flags
    evidence_offsets: Whole
    evidence: Whole


def occasions(presences: Presences, rule: Rule) -> Occasions:
    """Return each time that records place two people together by a rule.

    Parameters
    ----------
    presences : Presences
        Not modified.
    rule : Rule
        One of `RULES`, or one with other numbers (`dataclasses.replace`).

    Raises
    ------
    TooManyPairs
        More pairs than can be held though no place is crowded; the message says what to do.

    Notes
    -----
    Crowds are left out and listed, never paired: time O(n log n + pairs), and a row has at most
    ``most_people`` people to be paired with. See `together`.
    """
    row, stays, crowds = _stays(presences, rule)
    first, second, too_many = pairs_together(
        stays, window=round(rule.window_hours * 60), most_people=rule.most_people
    )
    first, second = row[first], row[second]
    if not rule.one_record:
        apart = presences.event[first] != presences.event[second]
        first, second = first[apart], second[apart]
    person, event = presences.person, presences.event
    one, other = np.minimum(person[first], person[second]), np.maximum(person[first], person[second])
    events = np.sort(np.stack([event[first], event[second]], axis=1), axis=1)
    day = np.maximum(presences.begin[first], presences.begin[second]).astype("datetime64[D]")
    recorded = np.maximum(presences.recorded[first], presences.recorded[second])
    sound = ~(presences.doubtful[first] | presences.doubtful[second])
    order = np.lexsort((events[:, 1], events[:, 0], ~sound, day, other, one))
    columns = (one[order], other[order], events[order, 0], events[order, 1])
    # Somebody with two roles in one record, or at two meetings of one record, was there once.
    again = np.logical_and.reduce([column[1:] == column[:-1] for column in columns])
    kept = order[np.concatenate([np.ones(min(order.size, 1), dtype=np.bool_), ~again])]
    return Occasions(
        rule, one[kept], other[kept], events[kept], day[kept], recorded[kept], sound[kept], crowds + too_many
    )


def _stays(given: Presences, rule: Rule) -> tuple[Whole, Stays, tuple[Crowd, ...]]:
    """Return the rows that a rule looks at, and where and when each was."""
    begin, end = (moment.astype(np.int64) for moment in (given.begin, given.end))
    crowds: tuple[Crowd, ...] = ()
    if rule.meet_at == "record":
        row, point = np.arange(given.person.size), given.event
        begin = end = np.zeros_like(begin)  # who is in one record was there together, whatever its times
    elif rule.meet_at == "adult":
        row, point, crowds = _with_adults(given, most_people=rule.most_people)
    else:
        there = given.place >= 0
        if rule.meet_at == "found":
            there &= given.found & (given.role == Role.MISSING_CHILD)
        row = np.flatnonzero(there)
        point = given.place[row]
    return row, Stays(rule.meet_at, point, given.person[row], begin[row], end[row]), crowds


def _with_adults(given: Presences, *, most_people: int) -> tuple[Whole, Whole, tuple[Crowd, ...]]:
    """Join children to the adults of concern named in the same record: rows of children, and the adults."""
    at_once = np.zeros_like(given.event)
    named = Stays("record", given.event, given.person, at_once, at_once)
    _, _, crowds = pairs_together(named, window=0, most_people=most_people)
    clear = ~np.isin(given.event, [crowd.point for crowd in crowds])
    adults = np.flatnonzero(clear & (given.role == Role.ADULT_CONCERNED))
    adults = adults[np.argsort(given.event[adults], kind="stable")]
    children = np.flatnonzero(clear & (given.role != Role.ADULT_CONCERNED))
    begins = np.searchsorted(given.event[adults], given.event[children], side="left")
    count = np.searchsorted(given.event[adults], given.event[children], side="right") - begins
    at = np.repeat(begins - np.cumsum(count) + count, count) + np.arange(int(count.sum()))
    return np.repeat(children, count), given.person[adults[at]], crowds


def ties_as_of(found: Occasions, as_of: date, *, known_by: date | None = None) -> DerivedTies:
    """Return the ties as they were on a day, those that had expired by then included and marked.

    Parameters
    ----------
    found : Occasions
        Not modified.
    as_of : date
        Nothing that happened later counts, whether it makes a tie or renews one.
    known_by : date, optional
        Nothing recorded later counts. Given ``as_of`` itself, the answer is what could be seen on that day;
        left out, it is what we now know of that day.
    """
    kept = found.day <= np.datetime64(as_of, "D")
    if known_by is not None:
        kept &= found.recorded <= np.datetime64(known_by, "D")
    one, other, day, sound = found.one[kept], found.other[kept], found.day[kept], found.sound[kept]
    new = np.ones(one.size, dtype=np.bool_)
    new[1:] = (one[1:] != one[:-1]) | (other[1:] != other[:-1])
    new_day = new.copy()
    new_day[1:] |= day[1:] != day[:-1]
    starts, tie = np.flatnonzero(new), np.cumsum(new) - 1
    days = np.bincount(tie[new_day], minlength=starts.size)
    # Sound occasions come first in a day, so the first tells whether the day has one.
    sound_days = np.bincount(tie[new_day & sound], minlength=starts.size)
    first, last = day[starts], day[np.append(starts[1:], one.size)[: starts.size] - 1]
    expires = last + np.timedelta64(found.rule.expires_days, "D")
    cited = np.unique(np.column_stack([np.repeat(tie, 2), found.events[kept].ravel()]), axis=0)
    offsets = np.zeros(starts.size + 1, dtype=np.int64)
    np.cumsum(np.bincount(cited[:, 0], minlength=starts.size), out=offsets[1:])
    return DerivedTies(
        found.rule,
        one[starts],
        other[starts],
        days,
        sound_days >= found.rule.probable_from_days,
        first,
        last,
        expires,
        standing(first, last, expires, as_of),
        offsets,
        cited[:, 1],
    )


def standing(
    first: ArrayLike,
    last: ArrayLike,
    expires: ArrayLike,
    as_of: date,
    *,
    recorded: ArrayLike | None = None,
    known_by: date | None = None,
) -> Flags:
    """Say which ties stand on a day: seen by then, not expired, and known by then.

    Between the days on which a tie was first and last seen it is held to have stood. That is all that a
    recorded link's own dates can tell; `ties_as_of` looks at each piece of evidence instead.

    Parameters
    ----------
    first, last, expires : array_like of datetime64[D], shape (n,)
        A tie without a first day stands from the last; without either, always. Without ``expires`` (the last
        day on which it may be relied on) it does not expire.
    as_of : date
    recorded : array_like of datetime64[D], shape (n,), optional
    known_by : date, optional
        Needs ``recorded``; what was recorded later is not standing.

    Raises
    ------
    InvalidLinks
        Dates out of order, or ``known_by`` without ``recorded``.

    Examples
    --------
    >>> standing(["2026-01-05"], ["2026-02-01"], ["2026-08-01"], date(2026, 3, 31)).tolist()
    [True]
    >>> standing(["2026-01-05"], ["2026-02-01"], ["2026-08-01"], date(2026, 8, 2)).tolist()
    [False]
    """
    begins, ends, until = (np.asarray(days, dtype="datetime64[D]") for days in (first, last, expires))
    if np.any(ends < begins) or np.any(until < ends) or np.any(until < begins):
        raise InvalidLinks(
            "A tie was last seen before it was first seen, or expires before it was last seen."
        )
    begins = np.where(np.isnat(begins), ends, begins)
    day = np.datetime64(as_of, "D")
    stands: Flags = (np.isnat(begins) | (begins <= day)) & (np.isnat(until) | (until >= day))
    if known_by is not None:
        if recorded is None:
            raise InvalidLinks("What was known by a day can be told only with the days of recording.")
        stands &= np.asarray(recorded, dtype="datetime64[D]") <= np.datetime64(known_by, "D")
    return stands


def reason(crowd: Crowd, rule: Rule) -> str:
    """Say why no ties were derived from a crowd, and what to do.

    Examples
    --------
    >>> reason(Crowd("found", point=7, people=60, stays=61), CO_MISSING)
    'Up to 60 people were found at one place. Above 50, that says nothing of a connection, so no ties come from \
these 61 records. Record which part of the place it was.'
    """
    within = f" within {rule.window_hours:g} hours of one another"
    where, remedy = {
        "record": ("named in one record", "Split the record into what happened to whom."),
        "place": (
            f"at one place{within}",
            "Choose a shorter window, or record which part of the place it was.",
        ),
        "found": ("found at one place", "Record which part of the place it was."),
        "adult": (f"with one adult of concern{within}", "Choose a shorter window."),
    }[crowd.kind]
    return (
        f"Up to {crowd.people:,} people were {where}. Above {rule.most_people}, that says nothing of a connection, "
        f"so no ties come from {'it' if crowd.kind == 'record' else f'these {crowd.stays:,} records'}. {remedy}"
    )

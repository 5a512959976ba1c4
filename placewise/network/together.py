"""Who was where within a window of whom: pairs of rows at one point, found without comparing everybody to everybody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from placewise.core.errors import TooManyPairs
from placewise.network.arrays import Flags

PointKind = Literal["record", "place", "found", "adult"]
Whole = npt.NDArray[np.int64]

#: Above this the pairs alone need more than about a gigabyte while they are sought.
MAX_PAIRS = 20_000_000


class Stays(NamedTuple):
    """Somebody at a point for some time, shape (n,) each but for the kind of points; in whole minutes."""

    kind: PointKind
    point: Whole
    person: Whole
    begin: Whole
    end: Whole


@dataclass(frozen=True, slots=True)
class Crowd:
    """A point at which so many came together that being there says nothing of a connection.

    Attributes
    ----------
    kind : {"record", "place", "found", "adult"}
        What the point is: a record that names them, a place, a place where they were found, an adult.
    point : int
        Its position.
    people : int
        Most people within the window of one stay.
    stays : int
        Stays that no pair was made from.
    """

    kind: PointKind
    point: int
    people: int
    stays: int


def pairs_together(stays: Stays, *, window: int, most_people: int) -> tuple[Whole, Whole, tuple[Crowd, ...]]:
    """Return the pairs of different people's stays at one point no more than a window apart.

    Parameters
    ----------
    stays : Stays
        Not modified.
    window : int >= 0
        Most minutes between the end of one stay and the beginning of the next; stays that touch are 0 apart.
    most_people : int
        A stay with more people than this within the window, its own among them, is paired with nobody. Somebody
        who comes twice during one long stay of somebody else, more than two windows apart, counts twice.

    Returns
    -------
    first, second : ndarray of int64, shape (pairs,)
        Positions of the stays; the first began no later than the second.
    crowds : tuple of Crowd
        By point.

    Raises
    ------
    TooManyPairs
        More than `MAX_PAIRS`, though no stay is crowded; known before any pair is made.

    Notes
    -----
    Sorted by point and beginning, the stays that follow one within the window stand next to it, so time is
    O(n log n + pairs) and memory O(n + pairs), however many are at one point.
    """
    if not stays.point.size:
        return _NOTHING, _NOTHING, ()
    base, begin, end = _laid_end_to_end(stays, window)
    people = _people_near(stays, base, begin, end, window)
    crowded = people > most_people
    calm = np.flatnonzero(~crowded)
    order = calm[np.argsort(base[calm] + begin[calm], kind="stable")]
    until = np.searchsorted((base + begin)[order], (base + end + window)[order], side="right")
    following = until - np.arange(order.size) - 1
    total = int(following.sum())
    if total > MAX_PAIRS:
        raise TooManyPairs(
            f"{total:,} pairs of records would have to be compared, and {MAX_PAIRS:,} can be. "
            "Choose a shorter period or a shorter window."
        )
    first = np.repeat(np.arange(order.size), following)
    rank = np.arange(total) - np.repeat(np.cumsum(following) - following, following)
    one, other = order[first], order[first + 1 + rank]
    apart = stays.person[one] != stays.person[other]
    return one[apart], other[apart], _crowds(stays, crowded, people)


_NOTHING: Whole = np.zeros(0, dtype=np.int64)


def _laid_end_to_end(stays: Stays, window: int) -> tuple[Whole, Whole, Whole]:
    """Give each point a stretch of one line, so long that no window reaches from one stretch to the next."""
    start = stays.begin.min()
    begin, end = stays.begin - start, stays.end - start
    _, number = np.unique(stays.point, return_inverse=True)
    return number * (int(end.max()) + window + 1), begin, end


def _people_near(stays: Stays, base: Whole, begin: Whole, end: Whole, window: int) -> Whole:
    """Count the people within the window of each stay, its own among them.

    All but those who had left before, of all who came before it was over. One person's stays up to two windows
    apart are joined first: whoever came between them is within the window of one of the two.
    """
    order = np.lexsort((begin, stays.person, base))
    here, who, came, left = base[order], stays.person[order], begin[order], end[order]
    someone = np.cumsum(np.concatenate([[0], (here[1:] != here[:-1]) | (who[1:] != who[:-1])]))
    stretch = int(end.max()) + 2 * window + 1
    latest = np.maximum.accumulate(someone * stretch + left)
    new = np.concatenate([[True], someone[1:] * stretch + came[1:] > latest[:-1] + 2 * window])
    new[1:] |= someone[1:] != someone[:-1]
    starts = np.flatnonzero(new)
    joined_begin = (here + came)[starts]
    joined_end = here[starts] + np.maximum.reduceat(left, starts)
    arrived = np.searchsorted(np.sort(joined_begin), base + end + window, side="right")
    gone = np.searchsorted(np.sort(joined_end + window), base + begin, side="left")
    near: Whole = arrived - gone
    return near


def _crowds(stays: Stays, crowded: Flags, people: Whole) -> tuple[Crowd, ...]:
    points, number, count = np.unique(stays.point[crowded], return_inverse=True, return_counts=True)
    most = np.zeros(points.size, dtype=np.int64)
    np.maximum.at(most, number, people[crowded])
    rows = zip(points.tolist(), most.tolist(), count.tolist(), strict=True)
    return tuple(Crowd(stays.kind, *row) for row in rows)

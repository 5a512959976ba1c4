"""What changed in groups and ties between two periods: who joined, who left, what is new, merged, split, shared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from placewise.core.errors import InvalidLinks
from placewise.network.arrays import Flags, Network, positions
from placewise.network.groups import Groups
from placewise.network.links import IndexArray

# From this share of all members that two groups have, the later is the earlier one gone on (Greene et al.: 0.1 to 0.5).
_SAME_GROUP = 0.3
# A group goes into another when more than this share of its members is in it.
_MOST_OF_IT = 0.5
# One person who moves joins and leaves; only several together merge or split.
_LEAST_MEMBERS = 2


class Shared(NamedTuple):
    """Pairs of groups that share members, by number of the one, then of the other, shape (k,) each.

    ``members`` are how many are in both; ``jaccard`` is their share of all who are in either.
    """

    one: IndexArray
    other: IndexArray
    members: IndexArray
    jaccard: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Membership:
    """One group in two periods, as ascending positions of its members."""

    stayed: IndexArray
    joined: IndexArray
    left: IndexArray


@dataclass(frozen=True)
class Courses:
    """What became of groups that nobody has named, from one period to the next, as numbers of groups.

    Attributes
    ----------
    continued : sequence of (before, after)
        Each group in one pair at most.
    merged : sequence of (several before, after)
    split : sequence of (before, several after)
    ended, begun : sequence of int
        Groups with members that are in none of these.
    """

    continued: Sequence[tuple[int, int]]
    merged: Sequence[tuple[tuple[int, ...], int]]
    split: Sequence[tuple[int, tuple[int, ...]]]
    ended: Sequence[int]
    begun: Sequence[int]


@dataclass(frozen=True)
class TieChanges:
    """Ties of two periods as pairs of positions, lower first, in order, shape (k, 2) each."""

    stayed: IndexArray
    new: IndexArray
    ended: IndexArray


def standing(first_day: ArrayLike, last_day: ArrayLike, *, begin: int, end: int) -> Flags:
    """Say which memberships or ties stood on any day of a period.

    Parameters
    ----------
    first_day, last_day : array_like of int, shape (n,)
        Ordinals of days, both included; for one without an end the largest number there is.
    begin, end : int
        First and last day of the period.

    Raises
    ------
    ValueError
        The period ends before it begins.

    Examples
    --------
    >>> standing([1, 5, 9], [4, 8, 12], begin=4, end=8).tolist()
    [True, True, False]
    """
    if end < begin:
        raise ValueError("a period cannot end before it begins")
    return (np.asarray(first_day) <= end) & (np.asarray(last_day) >= begin)


def membership(before: Groups, after: Groups, group: int, later: int | None = None) -> Membership:
    """Say who stayed in a group, who joined it and who left it.

    "Left" says that no record has them in it any more, not that they are out of harm's way.

    Parameters
    ----------
    before, after : Groups
        Of the same nodes, in two periods.
    group : int
        Number of the group; ``later`` is its number in ``after`` where that is another.
    """
    after.require(before.matrix.shape[0])
    old, new = members_of(before, group), members_of(after, group if later is None else later)
    return Membership(
        np.intersect1d(old, new, assume_unique=True),
        np.setdiff1d(new, old, assume_unique=True),
        np.setdiff1d(old, new, assume_unique=True),
    )


def members_of(groups: Groups, group: int) -> IndexArray:
    """Return the positions of a group's members, ascending.

    Raises
    ------
    InvalidLinks
        There is no such group.
    """
    if not 0 <= group < groups.n_groups:
        raise InvalidLinks(f"Group {group} is not among the {groups.n_groups} groups.")
    return np.flatnonzero(groups.matrix[:, [group]].toarray()).astype(np.int32)


def shared_between(one: Groups, other: Groups) -> Shared:
    """Return which groups of two groupings share members.

    Parameters
    ----------
    one, other : Groups
        Of the same nodes: two periods, or the records' groups and suggested ones.

    Examples
    --------
    >>> before = Groups.build(4, [0, 1, 2], [0, 0, 0], n_groups=1)
    >>> found = shared_between(before, Groups.build(4, [1, 2, 3], [0, 0, 1], n_groups=2))
    >>> found.one.tolist(), found.other.tolist(), found.members.tolist(), found.jaccard.round(2).tolist()
    ([0], [0], [2], [0.67])
    """
    other.require(one.matrix.shape[0])
    both = (one.matrix.T @ other.matrix).tocoo()
    order = np.lexsort((both.col, both.row))
    first, second = both.row[order].astype(np.int32), both.col[order].astype(np.int32)
    members = both.data[order]
    either = one.matrix.sum(axis=0)[first] + other.matrix.sum(axis=0)[second] - members
    return Shared(first, second, members.astype(np.int32), members / either)


def overlaps(groups: Groups) -> Shared:
    """Return which groups of one period share members, each pair once."""
    found = shared_between(groups, groups)
    apart = found.one < found.other
    return Shared(found.one[apart], found.other[apart], found.members[apart], found.jaccard[apart])


def courses(before: Groups, after: Groups) -> Courses:
    """Say what became of groups from one period to the next, by their members alone.

    For groups without a lasting name, such as suggested ones. A group **continued** where the earlier and the later
    share at least 0.3 of all their members, the most alike first, each once. Groups **merged** where more than half
    of each of several is in one later group, and one **split** where several later groups each have more than half
    of their members from it; a group of one does neither. So a group that splits backwards in time merges. A group
    that took a smaller one in both continued and merged.

    Parameters
    ----------
    before, after : Groups
        Of the same nodes.

    Notes
    -----
    Matching by Jaccard similarity as in Greene, Doyle and Cunningham 2010, doi 10.1109/ASONAM.2010.17; merging and
    splitting by shares of the smaller group, because a small group taken in by a large one is not like it.
    """
    shared = shared_between(before, after)
    continued = _most_alike(shared)
    merged = _gone_into(shared.one, shared.other, shared.members, size_of(before))
    came_from = _gone_into(shared.other, shared.one, shared.members, size_of(after))
    split = [(whole, parts) for parts, whole in came_from]
    went_on = {one for one, _ in continued + split} | {one for several, _ in merged for one in several}
    came = {one for _, one in continued + merged} | {one for _, several in split for one in several}
    return Courses(
        continued,
        merged,
        split,
        ended=[one for one in np.flatnonzero(size_of(before)).tolist() if one not in went_on],
        begun=[one for one in np.flatnonzero(size_of(after)).tolist() if one not in came],
    )


def size_of(groups: Groups) -> npt.NDArray[np.int64]:
    """Return the number of members of each group."""
    return np.bincount(groups.matrix.indices, minlength=groups.n_groups)


def _most_alike(shared: Shared) -> list[tuple[int, int]]:
    chosen: dict[int, int] = {}
    alike = np.flatnonzero(shared.jaccard >= _SAME_GROUP)
    for pair in alike[np.argsort(-shared.jaccard[alike], kind="stable")]:
        one, other = int(shared.one[pair]), int(shared.other[pair])
        if one not in chosen and other not in chosen.values():
            chosen[one] = other
    return sorted(chosen.items())


def _gone_into(
    part: IndexArray, whole: IndexArray, members: IndexArray, size: npt.NDArray[np.int64]
) -> list[tuple[tuple[int, ...], int]]:
    """Return the wholes that have most of each of several parts, with these."""
    within = (members > _MOST_OF_IT * size[part]) & (members >= _LEAST_MEMBERS)
    found = ((tuple(part[within & (whole == one)].tolist()), one) for one in np.unique(whole).tolist())
    return [(parts, one) for parts, one in found if len(parts) > 1]


def tie_changes(before: Network, after: Network, *, among: ArrayLike | None = None) -> TieChanges:
    """Say which ties stayed, are new, or ended.

    A new tie is one that records show in the later period only: it may have been there before, unrecorded.

    Parameters
    ----------
    before, after : Network
        Of the same nodes, in two periods.
    among : array_like of int, optional
        Positions of those whose ties with each other are asked for, such as the members of a group.
    """
    if before.n_nodes != after.n_nodes:
        raise InvalidLinks(f"The periods have {before.n_nodes:,} and {after.n_nodes:,} nodes.")
    old, new = (_pairs_among(network, among) for network in (before, after))
    return TieChanges(
        *(
            np.stack(np.divmod(pairs, max(before.n_nodes, 1)), axis=1).astype(np.int32)
            for pairs in (np.intersect1d(old, new), np.setdiff1d(new, old), np.setdiff1d(old, new))
        )
    )


def _pairs_among(network: Network, among: ArrayLike | None) -> npt.NDArray[np.int64]:
    pairs = network.source.astype(np.int64) * network.n_nodes + network.target
    if among is None:
        return pairs
    asked = np.zeros(network.n_nodes, dtype=np.bool_)
    asked[positions(among, network.n_nodes)] = True
    return pairs[asked[network.source] & asked[network.target]]

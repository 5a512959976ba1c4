"""What lies between groups: places and adults of concern that join them, and places that share adults."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array, triu

from placewise.core.errors import TooManyPairs
from placewise.network.arrays import Floats, Network, Offsets, positions
from placewise.network.groups import Groups
from placewise.network.links import IndexArray
from placewise.network.measures import tie_matrix

#: Pairs of places that are held in memory: about 1 GB while they are put together.
MOST_HELD = 20_000_000
#: Pairs of groups that are gone through: about half a minute. Some millions of them are held at a time.
MOST_COUNTED = 500_000_000
AT_ONCE = 5_000_000


@dataclass(frozen=True, slots=True)
class Bridges:
    """What some places and adults of concern join, each array of shape (q,), in the order asked.

    Attributes
    ----------
    of : ndarray of int64
        Positions.
    groups : ndarray of int64
        Groups that it is tied to and does not belong to.
    pairs : ndarray of int64
        Pairs of these groups: ``groups × (groups - 1) / 2``.
    sole_pairs : ndarray of int64
        Those of the pairs that nothing else joins in one step: no common member, no tie between members, and nobody
        and no place else tied to both.
    open_pairs : ndarray of int64
        Pairs of its neighbours that belong to groups, share none with each other or with it, and are not tied: Gould
        and Fernandez' liaison without direction.
    parts : ndarray of int64
        Separate parts with members of groups in them that its removal leaves of the part it is in; 2 or more means
        that groups, or members of one, fall apart.
    """

    of: Offsets
    groups: Offsets
    pairs: Offsets
    sole_pairs: Offsets
    open_pairs: Offsets
    parts: Offsets


def bridges(network: Network, groups: Groups, *, of: ArrayLike) -> Bridges:
    """Return how some places and adults of concern lie between groups.

    It describes what is recorded: a place may join groups because many go there, and because many are asked about it.
    A pair that only this place joins may be joined elsewhere unrecorded.

    Parameters
    ----------
    network : Network
    groups : Groups
        Of the same nodes.
    of : array_like of int, shape (q,)
        Positions of places and of adults of concern. Children are never given a number: leave them out.

    Raises
    ------
    InvalidLinks
        A position is not among the nodes, or the groups are of another network.
    TooManyPairs
        Places or people are tied to so many groups that their pairs cannot be gone through.

    Notes
    -----
    Gould and Fernandez 1989, doi 10.2307/270949. Time O(ties + pairs of groups that anyone joins), and for
    ``open_pairs`` the ties of the neighbours of those asked for.

    Examples
    --------
    >>> shop_between_two = Network.build(3, [0, 0], [1, 2])
    >>> found = bridges(shop_between_two, Groups.build(3, [1, 2], [0, 1], n_groups=2), of=[0])
    >>> found.pairs.tolist(), found.sole_pairs.tolist(), found.open_pairs.tolist(), found.parts.tolist()
    ([1], [1], [1], [2])
    """
    from placewise.network import brokerage_compiled, walks_compiled

    groups.require(network.n_nodes)
    of = positions(of, network.n_nodes)
    ties, walk = tie_matrix(network), walks_compiled.ties_of(network)
    beside = _beside(ties, groups)
    touched = np.diff(beside.indptr)[of].astype(np.int64)
    sets = groups.sets
    belonging = brokerage_compiled.Belonging(
        groups.set_of,
        np.cumsum([0, *map(len, sets)], dtype=np.int64),
        np.array([group for one in sets for group in one], dtype=np.int64),
    )
    member = (groups.set_of >= 0).astype(np.uint8)
    return Bridges(
        of,
        touched,
        touched * (touched - 1) // 2,
        _sole_pairs(ties, groups, beside, of),
        brokerage_compiled.open_pairs(walk, belonging, of),
        brokerage_compiled.parts_left(walk, member)[of],
    )


def _beside(ties: csr_array, groups: Groups) -> csr_array:
    """Return 1 where a node is tied to a group that it does not belong to, shape (n, groups)."""
    tied = (ties @ groups.matrix).sign()
    outside = csr_array(tied - tied.multiply(groups.matrix))
    outside.eliminate_zeros()
    return outside


def _sole_pairs(ties: csr_array, groups: Groups, beside: csr_array, of: Offsets) -> Offsets:
    touched = np.diff(beside.indptr)
    _refuse_too_many(touched, "linked to very many groups", most=MOST_COUNTED)
    inside = groups.matrix
    direct = csr_array(inside.T @ inside + inside.T @ (ties @ inside)).sign()
    by_group = csr_array(beside.T)
    asked = csr_array(beside[of])
    asked_by_group = csr_array(asked.T)
    found = np.zeros(of.size)
    cuts = np.flatnonzero(np.diff(np.cumsum(by_group @ touched) // AT_ONCE)) + 1
    for first, last in pairwise([0, *cuts.tolist(), groups.n_groups]):
        joined = csr_array(triu(by_group[first:last] @ beside, k=first + 1))
        # 1 where one node alone joins the pair; what is joined directly besides is no longer 1.
        ways = csr_array(joined + 2 * joined.sign().multiply(direct[first:last]))
        ways.data = (ways.data == 1).astype(np.float64)
        found += (csr_array(asked_by_group[first:last].T) @ ways).multiply(asked).sum(axis=1)
    return found.astype(np.int64)


def _refuse_too_many(touched: IndexArray, which: str, *, most: int) -> None:
    pairs = int((touched.astype(np.int64) * (touched.astype(np.int64) - 1) // 2).sum())
    if pairs > most:
        raise TooManyPairs(
            f"Some of the network is {which}: {pairs:,} pairs, and at most {most:,} can be gone through. "
            f"Leave out what is linked to nearly everything (such as a station), or ask about fewer."
        )


@dataclass(frozen=True, slots=True)
class SharedAdults:
    """Pairs of places that the same adults of concern are tied to; arrays of shape (pairs,), in order of places.

    Attributes
    ----------
    one, other : ndarray of int64
        Positions of the two places, ``one < other``.
    shared : ndarray of int64
        Adults tied to both.
    expected : ndarray of float64
        Adults that would be shared if each place's were drawn anew from all who are tied to any of the places.
    starts, adult : ndarray of int64, shapes (pairs + 1,) and (sum of shared,)
        Pair ``i`` shares the adults at ``adult[starts[i]:starts[i + 1]]``, ascending.
    """

    one: Offsets
    other: Offsets
    shared: Offsets
    expected: Floats
    starts: Offsets
    adult: Offsets


def places_sharing_adults(
    network: Network, *, places: ArrayLike, adults: ArrayLike, at_least: int = 1
) -> SharedAdults:
    """Return which pairs of places the same adults of concern are tied to, as a place network of supply or staging.

    It suggests where to look: the same adults may be at both places for reasons of their own, and at different times.

    Parameters
    ----------
    network : Network
    places, adults : array_like of int
        Positions of places, and of adults of concern; the same position twice counts once.
    at_least : int >= 1
        Adults that a pair must share.

    Raises
    ------
    InvalidLinks
        A position is not among the nodes.
    TooManyPairs
        Adults are tied to so many places that the pairs cannot be held.

    Notes
    -----
    Time and memory O(sum over adults of their places squared).

    Examples
    --------
    >>> found = places_sharing_adults(Network.build(3, [2, 2], [0, 1]), places=[0, 1], adults=[2])
    >>> found.one.tolist(), found.other.tolist(), found.adult.tolist(), found.expected.tolist()
    ([0], [1], [2], [1.0])
    """
    place = np.unique(positions(places, network.n_nodes))
    adult = np.unique(positions(adults, network.n_nodes))
    there = csr_array(tie_matrix(network)[place][:, adult])
    by_adult = csr_array(there.T)
    _refuse_too_many(np.diff(by_adult.indptr), "linked to very many places", most=MOST_HELD)
    pairs = triu(there @ by_adult, k=1, format="coo")
    kept = pairs.data >= at_least
    order = np.lexsort((pairs.col[kept], pairs.row[kept]))
    one, other = pairs.row[kept][order], pairs.col[kept][order]
    both = csr_array(there[one].multiply(there[other]))
    both.sort_indices()
    at = np.diff(there.indptr)
    known = max(int(np.count_nonzero(np.diff(by_adult.indptr))), 1)
    return SharedAdults(
        place[one],
        place[other],
        np.diff(both.indptr).astype(np.int64),
        at[one] * at[other] / known,
        both.indptr.astype(np.int64),
        adult[both.indices],
    )

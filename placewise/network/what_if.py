"""What would end if a place were changed or an adult of concern disrupted, what would be lost, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from placewise.core.errors import InvalidLinks
from placewise.network.arrays import Flags, Network, positions
from placewise.network.cover import Choice, Meetings, choose, number_among, refuse_children
from placewise.network.exposure import exposure
from placewise.network.groups import Groups
from placewise.network.together import Whole

Pair = tuple[float, float]

#: Sets tried in each resample: fewer than for the choice itself, which is made once.
_SETS_A_RESAMPLE = 2_000


@dataclass(frozen=True)
class Situation:
    """What is known before anything changes.

    Attributes
    ----------
    network : Network
        The ties given, and those that ``harm`` rests on.
    contexts : ndarray of int64
        Positions of the places and adults of concern that could be changed, ascending.
    harm : Meetings
        The exposure: each child with the place, the adult of concern, or the adult at the place.
    protection : Meetings
        Each child with a safe place, a trusted adult, or the trusted adult at a place.
    groups : Groups
    """

    network: Network
    contexts: Whole
    harm: Meetings
    protection: Meetings
    groups: Groups

    @classmethod
    def build(
        cls,
        network: Network,
        *,
        contexts: ArrayLike,
        harm: Meetings,
        protection: Meetings | None = None,
        groups: Groups | None = None,
    ) -> Situation:
        """Put together what is known.

        Parameters
        ----------
        network : Network
            Ties to count as connections: without protective ones, or a youth club would join everybody.
        contexts : array_like of int
            Positions of places and adults of concern. Nothing is calculated for anybody else.
        harm, protection : Meetings
        groups : Groups, optional
            Of the same nodes.

        Raises
        ------
        InvalidLinks
            A child among the contexts, a position out of range, or groups of another network.
        """
        n = network.n_nodes
        safe = protection or Meetings.build([], [], [], n_nodes=n)
        asked = np.unique(positions(contexts, n))
        refuse_children(asked, harm, safe)
        belonging = groups or Groups.build(n, [], [], n_groups=0)
        belonging.require(n)
        ties = [
            (harm.child[known], ends[known]) for ends in (harm.place, harm.adult) for known in [ends >= 0]
        ]
        whole = Network.build(
            n,
            np.concatenate([network.source, *(child for child, _ in ties)]),
            np.concatenate([network.target, *(context for _, context in ties)]),
        )
        return cls(whole, asked, harm, safe, belonging)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a removal would do to what is recorded, if nothing took its place.

    Attributes
    ----------
    removed : tuple of int
        Positions, ascending.
    exposures, ended : int
        Different meetings of a child with a place, an adult of concern, or the adult at the place; those that end.
    children, children_left : int
        Different children in these meetings, and in those that do not end.
    largest_before, largest_after : int
        Nodes in the largest part of the network.
    between_before, between_after : int
        Ties between groups: ties of members of different groups, and pairs of groups tied to one context.
    protective, protective_lost : int
        Protective meetings, and those that end too; the trusted adult may still be met elsewhere.
    """

    removed: tuple[int, ...]
    exposures: int
    ended: int
    children: int
    children_left: int
    largest_before: int
    largest_after: int
    between_before: int
    between_after: int
    protective: int
    protective_lost: int

    @property
    def share_ended(self) -> float | None:
        """Share of the exposure that ends, 0 to 1; None where there is none to end."""
        return self.ended / self.exposures if self.exposures else None


@dataclass(frozen=True)
class Alone:
    """What removing each context alone would do, shape (k,) each, in the order of ``Situation.contexts``.

    Attributes
    ----------
    contexts, ended, between, protective_lost : ndarray of int64
        Positions; meetings with harm, ties between groups and protective meetings that end.
    children : ndarray of int64
        Different children in the meetings that end.
    """

    contexts: Whole
    ended: Whole
    children: Whole
    between: Whole
    protective_lost: Whole


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """How far an outcome depends on which ties happen to be recorded: figures of many resamples.

    Attributes
    ----------
    resamples : int
    dropped : (float, float)
        Least and most share of ties left out.
    share_ended : (float, float, float) or None
        5th, 50th and 95th percentile; None where no resample has any exposure.
    largest_fall, between_fall : (float, float, float)
        The same, of nodes in the largest part and of ties between groups.
    as_good_as_best : float
        Share of resamples in which no choice found of as many contexts ends more.
    often : tuple of (int, float)
        Contexts in the choice of any resample, and in what share of them; most often first.
    """

    resamples: int
    dropped: Pair
    share_ended: tuple[float, float, float] | None
    largest_fall: tuple[float, float, float]
    between_fall: tuple[float, float, float]
    as_good_as_best: float
    often: tuple[tuple[int, float], ...]


def what_if(situation: Situation, removed: ArrayLike) -> Outcome:
    """Return what would end if some places and adults were removed from the network.

    It takes away ties on paper. Harm may move elsewhere, measures seldom end everything, and what nobody recorded is
    not counted: the figures compare options, they foretell nothing.

    Parameters
    ----------
    situation : Situation
        Not modified.
    removed : array_like of int
        Positions, each among the situation's contexts.

    Raises
    ------
    InvalidLinks
        Something else than one of the contexts, so any child.

    Notes
    -----
    Time O(nodes + ties + meetings).
    """
    chosen = np.unique(positions(removed, situation.network.n_nodes))
    if not np.isin(chosen, situation.contexts).all():
        raise InvalidLinks("Only the places and adults of concern that the question is about can be removed.")
    gone = np.zeros(situation.network.n_nodes, dtype=np.bool_)
    gone[chosen] = True
    harm, protection = situation.harm, situation.protection
    ended = harm.ended(gone)
    by_context = _groups_paired(situation)
    between = int(by_context.sum()) + _direct_ties(situation)
    return Outcome(
        tuple(chosen.tolist()),
        harm.child.size,
        int(np.count_nonzero(ended)),
        _different(harm.child),
        _different(harm.child[~ended]),
        _largest(situation.network),
        _largest(situation.network.without(chosen)),
        between,
        between - int(by_context[np.isin(situation.contexts, chosen)].sum()),
        protection.child.size,
        int(np.count_nonzero(protection.ended(gone))),
    )


def each_alone(situation: Situation) -> Alone:
    """Return what removing each place and each adult of concern alone would do, for all at once.

    See `what_if` for what it does not say. The sum over several is not what removing them together ends.
    """
    contexts, harm = situation.contexts, situation.harm
    child, context = np.tile(harm.child, 2), np.concatenate([harm.place, harm.adult])
    met = exposure(context[context >= 0], child[context >= 0], of=contexts, n_nodes=situation.network.n_nodes)
    return Alone(
        contexts,
        _meetings_of_each(harm, contexts),
        met.children,
        _groups_paired(situation),
        _meetings_of_each(situation.protection, contexts),
    )


def best_within(situation: Situation, budget: int) -> Choice:
    """Return the places and adults, ``budget`` of them at most, whose removal ends most exposure; see `choose`."""
    return choose(situation.harm, of=situation.contexts, budget=budget, protection=situation.protection)


def resampled(
    situation: Situation,
    removed: ArrayLike,
    *,
    seed: int,
    resamples: int = 200,
    dropped: Pair = (0.1, 0.3),
) -> Uncertainty:
    """Return how an outcome varies when a share of the ties, drawn anew each time, had not been recorded.

    It tells whether the answer hangs on few ties. It does not say which ties are missing now: those that an agency
    never sends, or that children keep to themselves, are not missing at random. Protective meetings stay as they are.

    Parameters
    ----------
    situation : Situation
        Not modified.
    removed : array_like of int
        As in `what_if`; at least one.
    seed : int
        Resample ``i`` depends on the seed and ``i`` alone.
    resamples : int >= 1
    dropped : (float, float)
        Least and most share of ties left out; each resample draws a share between them.

    Raises
    ------
    InvalidLinks
        As `what_if`; nothing removed, no resamples, or shares that are not in order between 0 and 1.

    Notes
    -----
    A meeting whose tie to the place is left out rests on the adult alone, and the other way round; without either
    it is left out. Time is that of `what_if` and `choose` a resample.
    """
    chosen = np.unique(positions(removed, situation.network.n_nodes))
    if not chosen.size or resamples < 1 or not 0 <= dropped[0] <= dropped[1] < 1:
        raise InvalidLinks(
            "Resampling needs something to remove, a number of resamples, and shares from 0 to 1."
        )
    ends = [_ties_under(situation, context) for context in (situation.harm.place, situation.harm.adult)]
    shares, largest, between, best = [], [], [], 0
    often = np.zeros(situation.contexts.size, dtype=np.int64)
    for number in range(resamples):
        rng = np.random.default_rng([seed, number])
        kept = rng.random(situation.network.n_ties) >= rng.uniform(*dropped)
        drawn = _with_ties(situation, kept, ends)
        outcome = what_if(drawn, chosen)
        choice = choose(drawn.harm, of=drawn.contexts, budget=chosen.size, max_sets=_SETS_A_RESAMPLE)
        if outcome.share_ended is not None:
            shares.append(outcome.share_ended)
        largest.append(outcome.largest_before - outcome.largest_after)
        between.append(outcome.between_before - outcome.between_after)
        best += outcome.ended >= choice.ended
        often[np.searchsorted(situation.contexts, choice.contexts)] += 1
    order = np.argsort(-often, kind="stable")[: np.count_nonzero(often)]
    return Uncertainty(
        resamples,
        dropped,
        _spread(shares) if shares else None,
        _spread(largest),
        _spread(between),
        best / resamples,
        tuple((int(situation.contexts[i]), float(often[i] / resamples)) for i in order),
    )


def _ties_under(situation: Situation, context: Whole) -> Whole:
    """Which tie of the network each meeting's place or adult rests on; -1 where it has none."""
    network, child = situation.network, situation.harm.child
    n = network.n_nodes
    pair = np.minimum(child, context) * n + np.maximum(child, context)
    tie = np.searchsorted(network.source.astype(np.int64) * n + network.target, pair)
    return np.where(context >= 0, tie, -1)


def _with_ties(situation: Situation, kept: Flags, ends: list[Whole]) -> Situation:
    """Return the situation as if only some of its ties had been recorded."""
    harm, there = situation.harm, np.append(kept, False)
    place, adult = (
        np.where(there[tie], context, -1) for tie, context in zip(ends, (harm.place, harm.adult), strict=True)
    )
    known = (place >= 0) | (adult >= 0)
    n = situation.network.n_nodes
    drawn = Meetings.build(harm.child[known], place[known], adult[known], n_nodes=n)
    return Situation(
        situation.network.only(kept), situation.contexts, drawn, situation.protection, situation.groups
    )


def _meetings_of_each(meetings: Meetings, contexts: Whole) -> Whole:
    places, adults = number_among(meetings.place, contexts), number_among(meetings.adult, contexts)
    number = np.concatenate([places, adults])
    of_each: Whole = np.bincount(number[number >= 0], minlength=contexts.size)
    return of_each


def _groups_paired(situation: Situation) -> Whole:
    """Pairs of groups that each context is tied to: k × (k - 1) / 2 of k groups."""
    network, contexts = situation.network, situation.contexts
    context = np.concatenate([number_among(ends, contexts) for ends in (network.source, network.target)])
    tied = np.concatenate([network.target, network.source])
    ties = csr_array(
        (np.ones(int((context >= 0).sum())), (context[context >= 0], tied[context >= 0])),
        shape=(contexts.size, network.n_nodes),
    )
    groups: Whole = np.diff((ties @ situation.groups.matrix).indptr).astype(np.int64)
    return groups * (groups - 1) // 2


def _direct_ties(situation: Situation) -> int:
    """Ties of two people who are in groups, and in none together."""
    one, other = (
        situation.groups.matrix[ends] for ends in (situation.network.source, situation.network.target)
    )
    both = (np.diff(one.indptr) > 0) & (np.diff(other.indptr) > 0)
    shared = np.asarray(one.multiply(other).sum(axis=1)).ravel()
    return int(np.count_nonzero(both & (shared == 0)))


def _largest(network: Network) -> int:
    # Each tie once is enough here; `separate_parts` would sort them both ways, for each resample again.
    ends = (network.source, network.target)
    ties = csr_array((np.ones(network.n_ties), ends), shape=(network.n_nodes, network.n_nodes))
    _, part = connected_components(ties, directed=False)
    return int(np.bincount(part).max(initial=0))


def _different(positions_of: Whole) -> int:
    return int(np.count_nonzero(np.bincount(positions_of)))


def _spread(values: list[float] | list[int]) -> tuple[float, float, float]:
    low, middle, high = np.quantile(values, (0.05, 0.5, 0.95)).tolist()
    return low, middle, high

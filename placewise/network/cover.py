"""Which few places and adults end most exposure: a choice within a budget, and a bound on any better one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import chain, combinations

import numpy as np
from numpy.typing import ArrayLike

from placewise.core.errors import InvalidLinks
from placewise.network.arrays import Flags, positions
from placewise.network.together import Whole

#: Above this many possible choices, the best is approached rather than found.
MAX_SETS = 50_000


@dataclass(frozen=True)
class Meetings:
    """Different meetings of children with contexts, shape (n,) each, sorted: each rests on a place, an adult or both.

    Attributes
    ----------
    child, place, adult : ndarray of int64
        Positions of nodes; one of ``place`` and ``adult`` may be -1, not known or none.
    """

    child: Whole
    place: Whole
    adult: Whole

    @classmethod
    def build(cls, child: ArrayLike, place: ArrayLike, adult: ArrayLike, *, n_nodes: int) -> Meetings:
        """Put rows together; one that is given twice is one meeting.

        Raises
        ------
        InvalidLinks
            Columns of unequal length, positions out of range, a row with neither place nor adult, a child that
            is a place or an adult elsewhere, or two million nodes, which one number cannot tell apart by three.
        """
        if n_nodes >= 2_000_000:
            raise InvalidLinks(
                f"Meetings among {n_nodes:,} nodes cannot be told apart; choose a smaller network."
            )
        who = positions(child, n_nodes)
        where, whom = (positions(np.asarray(c) + 1, n_nodes + 1) - 1 for c in (place, adult))
        if not who.size == where.size == whom.size:
            raise InvalidLinks("Every meeting needs a child, a place or -1, and an adult or -1.")
        if np.any((where < 0) & (whom < 0)):
            raise InvalidLinks("A meeting needs a place or an adult.")
        if np.isin(where, who).any() or np.isin(whom, who).any():
            raise InvalidLinks("Whoever is a child in one meeting is neither place nor adult in another.")
        every = np.sort((who * (n_nodes + 1) + where + 1) * (n_nodes + 1) + whom + 1)
        once = every[np.diff(every, prepend=-1) > 0]
        rest, whom = once // (n_nodes + 1), once % (n_nodes + 1) - 1
        return cls(rest // (n_nodes + 1), rest % (n_nodes + 1) - 1, whom)

    def ended(self, removed: Flags) -> Flags:
        """Say which meetings end when contexts are removed; ``removed`` says which nodes, shape (nodes,)."""
        gone = np.append(removed, False)  # where there is no place or adult, -1 reads the last
        ended: Flags = gone[self.place] | gone[self.adult]
        return ended


@dataclass(frozen=True, slots=True)
class Choice:
    """The contexts whose removal ends most meetings, as far as could be found.

    Attributes
    ----------
    contexts : tuple of int
        Positions, in the order chosen (by position when every choice was tried), without any that would end
        nothing more: there may be fewer than the budget allows.
    ended, total : int
        Meetings that end, of how many.
    at_most : int
        No choice of as many contexts ends more than this.
    exact : bool
        Every choice that could be better was tried; ``at_most`` is then ``ended``.
    greedy_ended : int
        Meetings that taking the best next context each time ends.
    """

    contexts: tuple[int, ...]
    ended: int
    total: int
    at_most: int
    exact: bool
    greedy_ended: int

    @property
    def gap(self) -> int:
        """How many more meetings a better choice could at most end; 0 when none can."""
        return self.at_most - self.ended


def choose(
    harm: Meetings,
    *,
    of: ArrayLike,
    budget: int,
    protection: Meetings | None = None,
    max_sets: int = MAX_SETS,
) -> Choice:
    """Return up to ``budget`` places and adults whose removal ends the most meetings with harm.

    Best means most meetings ended, each counted alike; it weighs neither how grave they are, nor what a measure
    costs or does to those who live there. Of choices (where not all are tried, of next contexts) that end as
    many, it is the one that ends fewer protective meetings.

    Parameters
    ----------
    harm, protection : Meetings
        Not modified.
    of : array_like of int
        Positions of the places and adults of concern that could be removed. Nobody else is considered.
    budget : int >= 1
        Most contexts to remove.
    max_sets : int
        With no more choices than this that could be best, every one is tried and the answer is exact.

    Raises
    ------
    InvalidLinks
        No budget, or a child among the contexts.

    Notes
    -----
    A meeting rests on two contexts at most, so that of a set, the meetings ended are the sum of what each ends
    minus what each two end together: all sets are tried in one table of k × k, of the contexts that could be in
    a set as good as the greedy one. Meetings ended are monotone and
    submodular; taking the best next context b times therefore ends at least 1 − (1 − 1/b)^b > 1 − 1/e of the most
    possible (Nemhauser, Wolsey and Fisher 1978, doi 10.1007/BF01588971). ``at_most`` is the least of that bound,
    of what was ended plus the b largest further gains (Leskovec et al. 2007, doi 10.1145/1281192.1281239), and
    of all. Since a meeting that ends changes the gain of one other context at most, gains are kept exact
    throughout, in time O(meetings + b × contexts): nothing is left for lazy evaluation to spare.
    """
    contexts = np.unique(np.asarray(of, dtype=np.int64))
    if budget < 1:
        raise InvalidLinks("At least one place or adult must be in the budget.")
    refuse_children(contexts, harm, *([protection] if protection else []))
    gains = _Gains.of(harm, contexts)
    losses = _Gains.of(protection, contexts) if protection else None
    budget = min(budget, int(np.count_nonzero(gains.alone)))
    total = harm.child.size
    taken, ended, further = _greedy(gains, losses, budget)
    if budget == 0:
        return Choice((), 0, total, 0, True, 0)
    useful = _in_a_better_set(gains.alone, budget, ended)
    if math.comb(useful.size, budget) <= max_sets:
        best, most = _try_all(gains, losses, useful, budget)
        return Choice(_needed(gains, contexts, best), most, total, most, True, ended)
    promised = math.floor(ended / (1 - (1 - 1 / budget) ** budget))
    at_most = min(total, promised, ended + int(np.sort(further)[-budget:].sum()))
    return Choice(_needed(gains, contexts, taken), ended, total, at_most, False, ended)


def refuse_children(contexts: Whole, *meetings: Meetings) -> None:
    """Refuse contexts among which is a child of these meetings, by `InvalidLinks`."""
    if any(np.isin(contexts, each.child).any() for each in meetings):
        raise InvalidLinks(
            "Only places and adults of concern can be changed or disrupted; a child was given."
        )


@dataclass(frozen=True)
class _Gains:
    """What removing each of k contexts ends, alone and by two; rows of one context are next to one another."""

    first: Whole
    second: Whole
    alone: Whole
    offsets: Whole
    rows: Whole

    @classmethod
    def of(cls, meetings: Meetings, contexts: Whole) -> _Gains:
        first, second = (number_among(nodes, contexts) for nodes in (meetings.place, meetings.adult))
        known = np.concatenate([first, second])
        order = np.argsort(known, kind="stable")
        counts = np.bincount(known + 1, minlength=contexts.size + 1)
        offsets = np.cumsum(counts)
        return cls(first, second, counts[1:], offsets, order % max(first.size, 1))

    def by_two(self, kept: Whole) -> Whole:
        """Meetings that each two of the kept contexts both end, shape (k, k), nought on the diagonal."""
        number = np.full(self.alone.size + 1, -1)
        number[kept] = np.arange(kept.size)
        one, other = number[self.first], number[self.second]
        both = (one >= 0) & (other >= 0)
        table = np.zeros((kept.size, kept.size), dtype=np.int64)
        np.add.at(table, (one[both], other[both]), 1)
        return table + table.T


def number_among(nodes: ArrayLike, contexts: Whole) -> Whole:
    """Number nodes by their place among the contexts; -1 for others and for -1, shape (n,)."""
    wanted = np.asarray(nodes)
    number = np.full(max(wanted.max(initial=-1), contexts.max(initial=-1)) + 2, -1)  # the last is that of -1
    number[contexts] = np.arange(contexts.size)
    numbered: Whole = number[wanted]
    return numbered


def _greedy(gains: _Gains, losses: _Gains | None, budget: int) -> tuple[Whole, int, Whole]:
    """Take the best next context each time; return them, the meetings ended, and what each would still end."""
    left, open_ = gains.alone.copy(), np.ones(gains.first.size, dtype=np.bool_)
    weight = 1 if losses is None else losses.first.size + 1
    cost = 0 if losses is None else losses.alone
    taken: list[int] = []
    while len(taken) < budget and left.any():
        best = int(np.argmax(left * weight - np.where(left > 0, cost, weight)))
        taken.append(best)
        rows = gains.rows[gains.offsets[best] : gains.offsets[best + 1]]
        rows = rows[open_[rows]]
        open_[rows] = False
        for ends in (gains.first[rows], gains.second[rows]):
            left -= np.bincount(ends[ends >= 0], minlength=left.size)
    return np.array(taken, dtype=np.int64), int(np.count_nonzero(~open_)), left


def _needed(gains: _Gains, contexts: Whole, chosen: Whole) -> tuple[int, ...]:
    """Return the contexts without those that end nothing which the others of the choice do not end."""
    times = np.zeros(gains.first.size, dtype=np.int64)
    hit = [gains.rows[gains.offsets[c] : gains.offsets[c + 1]] for c in chosen.tolist()]
    for rows in hit:
        times[rows] += 1
    needed = [True] * len(hit)
    for i, rows in reversed(list(enumerate(hit))):
        if np.all(times[rows] > 1):
            needed[i] = False
            times[rows] -= 1
    return tuple(c for c, is_needed in zip(contexts[chosen].tolist(), needed, strict=True) if is_needed)


def _in_a_better_set(alone: Whole, budget: int, ended: int) -> Whole:
    """Return the contexts that with the ``budget - 1`` largest others could end as many meetings or more.

    No set ends more than its contexts do one by one, so every set that is as good as ``ended`` is among them.
    """
    largest = np.sort(alone)[-budget:]
    with_others = np.minimum(alone, largest[0]) + largest[1:].sum()
    return np.flatnonzero(with_others >= ended)


def _try_all(gains: _Gains, losses: _Gains | None, useful: Whole, budget: int) -> tuple[Whole, int]:
    """Return the best of all sets of ``budget`` useful contexts, and the meetings it ends."""
    count = math.comb(useful.size, budget)
    flat = chain.from_iterable(combinations(range(useful.size), budget))
    sets = np.fromiter(flat, dtype=np.int64, count=count * budget).reshape(count, budget)
    ended = _ended_by(gains, useful, sets)
    lost = _ended_by(losses, useful, sets) if losses else np.zeros(count, dtype=np.int64)
    best = int(np.lexsort((lost, -ended))[0])
    return useful[sets[best]], int(ended[best])


def _ended_by(gains: _Gains, useful: Whole, sets: Whole) -> Whole:
    ended: Whole = gains.alone[useful][sets].sum(axis=1)
    if sets.shape[1] == 1:
        return ended  # there may be too many contexts for a table of each two
    by_two = gains.by_two(useful)
    for one, other in combinations(range(sets.shape[1]), 2):
        ended -= by_two[sets[:, one], sets[:, other]]
    return ended

"""Which places and adults of concern lie on the shortest routes: between everyone, or between groups."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array
from scipy.sparse.csgraph import reverse_cuthill_mckee

from placewise.core.errors import CalculationStopped, InvalidLinks
from placewise.network.arrays import Floats, Network, Offsets, positions
from placewise.network.groups import Groups
from placewise.network.links import IndexArray
from placewise.network.measures import Parts, separate_parts, tie_matrix

#: Told (done, total) sources after each piece; returning False stops the work.
OnProgress = Callable[[int, int], bool]
#: Sources in a piece: half a second at 100,000 nodes and 500,000 ties.
PIECE = 16


@dataclass(frozen=True, slots=True)
class Betweenness:
    """How much of the shortest routes between others leads through some places and adults.

    Attributes
    ----------
    of : ndarray of int64, shape (q,)
        Positions asked for, in the order asked.
    share : ndarray of float64, shape (q,)
        Share of the shortest routes between two others that leads through: of each pair between which there is a way,
        the share of its equally short routes, averaged over the pairs. Estimated if ``sources < possible``, and can
        then come out above 1.
    pairs : ndarray of float64, shape (q,)
        Pairs of others between which there is a way.
    margin : ndarray of float64, shape (q,)
        With the stated confidence *all* true shares are within this of those given; 0 if every source was used.
    confidence : float
    sources, possible : int
        Sources walked from, and how many there are.
    """

    of: Offsets
    share: Floats
    pairs: Floats
    margin: Floats
    confidence: float
    sources: int
    possible: int

    @property
    def routes(self) -> Floats:
        """Pairs of others joined through here, shared routes in part: Freeman's betweenness, shape (q,)."""
        return self.share * self.pairs


@dataclass(frozen=True, slots=True)
class _Ways:
    """Pairs that are asked about: each source, and how many ends it can reach (0 for who is no source)."""

    groups: Groups | None
    parts: Parts
    reached: Offsets

    @property
    def sources(self) -> Offsets:
        return np.flatnonzero(self.reached)

    def pairs(self, of: Offsets) -> Floats:
        """Pairs without oneself, in both directions."""
        pairs: Floats = (self.reached.sum() - 2 * self.reached[of]).astype(np.float64)
        return pairs

    def widest(self, of: Offsets) -> Floats:
        """Return the most that one source can add to the share of each, if there were but this source."""
        most = np.zeros(self.parts.size.size, dtype=np.int64)
        np.maximum.at(most, self.parts.part, self.reached)
        pairs = np.maximum(self.pairs(of), 1.0)
        share: Floats = self.sources.size * most[self.parts.part[of]] / pairs
        return share


def betweenness(
    network: Network,
    *,
    of: ArrayLike,
    groups: Groups | None = None,
    sources: int | None = None,
    seed: int = 0,
    confidence: float = 0.95,
    on_progress: OnProgress | None = None,
) -> Betweenness:
    """Return which share of the shortest routes between others leads through some places and adults of concern.

    It describes the records: who is better known is better linked. It does not say that anything passed along these
    routes, nor that anyone there did anything. Every tie is one step: strength says how sure a tie is, not how far.

    Parameters
    ----------
    network : Network
    of : array_like of int, shape (q,)
        Positions of places and of adults of concern. Children are never given a number: leave them out.
    groups : Groups, optional
        Count routes between members of different groups only (of pairs that share no group).
    sources : int >= 1, optional
        Walk from this many nodes, drawn without replacement by ``seed``; from all by default, which is exact.
    confidence : float in (0, 1)
        For ``margin``.
    on_progress : callable, optional

    Raises
    ------
    InvalidLinks
        A position is not among the nodes, or there are more equally short routes than a number can hold.
    CalculationStopped
        ``on_progress`` returned False.
    ValueError
        The number of sources or the confidence cannot be.

    Notes
    -----
    Time O(sources × ties). Brandes 2001, doi 10.1080/0022250X.2001.9990249; sources drawn as in Brandes and Pich 2007,
    doi 10.1142/S0218127407018403. The margin is Hoeffding's, with Serfling's factor for drawing without replacement
    (doi 10.1214/aos/1176342611), shared out over the q asked for::

        margin = S m / P · √( (1 - (k - 1) / S) · ln(2 q / (1 - confidence)) / (2 k) )

    for k of S sources, P pairs (in both directions) and at most m ends reached by one source. It holds whatever the
    network; the true error is usually a small part of it.

    Examples
    --------
    >>> path = Network.build(3, [0, 1], [1, 2])
    >>> betweenness(path, of=[1]).share.tolist()
    [1.0]
    """
    _check(sources, confidence)
    of = positions(of, network.n_nodes)
    ways = _ways(network, groups)
    possible = ways.sources.size
    walked = ways.sources
    if sources is not None and sources < possible:
        chosen = np.random.Generator(np.random.SFC64(seed)).choice(possible, sources, replace=False)
        walked = walked[np.sort(chosen)]
    through = _walk(network, groups, walked, on_progress)[of]
    pairs = ways.pairs(of)
    scale = possible / max(walked.size, 1)
    margin = ways.widest(of) * _half_width(walked.size, possible, of.size, confidence)
    share = np.divide(scale * through, pairs, out=np.zeros(of.size), where=pairs > 0)
    return Betweenness(of, share, pairs / 2, margin, confidence, walked.size, possible)


def sources_needed(
    network: Network,
    *,
    of: ArrayLike,
    margin: float,
    groups: Groups | None = None,
    confidence: float = 0.95,
) -> int:
    """Return how many sources `betweenness` must walk from for all its margins to be at most ``margin``.

    Raises
    ------
    InvalidLinks
        A position is not among the nodes.
    ValueError
        The margin is not above nought, or the confidence not between 0 and 1.

    Examples
    --------
    >>> circle = Network.build(2000, range(2000), [*range(1, 2000), 0])
    >>> sources_needed(circle, of=[0, 1], margin=0.05), sources_needed(circle, of=[0, 1], margin=0.2)
    (611, 54)
    """
    _check(None, confidence)
    if not margin > 0:
        raise ValueError(f"a margin must be above nought, not {margin}")
    of = positions(of, network.n_nodes)
    ways = _ways(network, groups)
    possible = ways.sources.size
    widest = float(ways.widest(of).max(initial=0.0))
    if widest == 0:
        return min(possible, 1)
    wanted = 2 * (margin / widest) ** 2 / _tails(of.size, confidence)
    return min(math.ceil((1 + 1 / possible) / (wanted + 1 / possible)), possible)


def _check(sources: int | None, confidence: float) -> None:
    if sources is not None and sources < 1:
        raise ValueError(f"the number of sources must be 1 or more, not {sources}")
    if not 0 < confidence < 1:
        raise ValueError(f"the confidence must be between 0 and 1, not {confidence}")


def _tails(asked: int, confidence: float) -> float:
    return math.log(2 * max(asked, 1) / (1 - confidence))


def _half_width(walked: int, possible: int, asked: int, confidence: float) -> float:
    if walked == possible:
        return 0.0
    return math.sqrt((1 - (walked - 1) / possible) * _tails(asked, confidence) / (2 * walked))


def _ways(network: Network, groups: Groups | None) -> _Ways:
    parts = separate_parts(network)
    if groups is None:
        return _Ways(None, parts, parts.size[parts.part] - 1)
    groups.require(network.n_nodes)
    reached = np.zeros(network.n_nodes, dtype=np.int64)
    by_part = np.bincount(parts.part[groups.members], minlength=parts.size.size)
    for number, own in _by_set(groups, groups.members):
        sharing = groups.members_of(groups.sets[number])
        here, shared = np.unique(parts.part[sharing], return_counts=True)
        less = dict(zip(here.tolist(), shared.tolist(), strict=True))
        reached[own] = [by_part[p] - less[p] for p in parts.part[own].tolist()]
    return _Ways(groups, parts, reached)


def _by_set(groups: Groups, nodes: IndexArray) -> Iterator[tuple[int, IndexArray]]:
    """Nodes put together by the set of groups that they belong to."""
    number = groups.set_of[nodes]
    order = np.argsort(number, kind="stable")
    cuts = np.flatnonzero(np.diff(number[order])) + 1
    for own in np.split(nodes[order], cuts):
        if own.size:
            yield int(groups.set_of[own[0]]), own


def _targets(network: Network, groups: Groups | None, walked: Offsets) -> Iterator[tuple[Offsets, Floats]]:
    """Sources with the ends to which their routes count, as weights of all nodes."""
    if groups is None:
        yield walked, np.ones(network.n_nodes)
        return
    anyone = np.zeros(network.n_nodes)
    anyone[groups.members] = 1.0
    for number, own in _by_set(groups, walked.astype(np.int32)):
        others = anyone.copy()
        others[groups.members_of(groups.sets[number])] = 0.0
        yield own.astype(np.int64), others


def _walk(network: Network, groups: Groups | None, walked: Offsets, on_progress: OnProgress | None) -> Floats:
    """Sum of shares of routes through each node: never handed out for a node that was not asked for."""
    from placewise.network import walks_compiled

    through = np.zeros(network.n_nodes)
    if walked.size == 0:
        return through
    matrix = tie_matrix(network)
    # Neighbours get near numbers: a walk over 100,000 nodes then waits half as long for memory.
    order = np.asarray(reverse_cuthill_mckee(matrix, symmetric_mode=True), dtype=np.int64)
    rank = np.empty_like(order)
    rank[order] = np.arange(order.size)
    near = csr_array(matrix[order][:, order])
    near.sort_indices()
    ties = walks_compiled.Ties(near.indptr.astype(np.int64), near.indices.astype(np.int32))
    done = 0
    for sources, target in _targets(network, groups, walked):
        for piece in np.split(sources, np.arange(PIECE, sources.size, PIECE)):
            walks_compiled.add_routes(through, ties, rank[piece], target[order])
            done += piece.size
            if on_progress is not None and on_progress(done, walked.size) is False:
                raise CalculationStopped(
                    "The calculation was stopped before it was done; there is no result."
                )
    if not np.all(np.isfinite(through)):
        raise InvalidLinks("There are more equally short routes in this network than can be counted.")
    return through[rank]

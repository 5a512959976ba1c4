"""How two nodes, or two groups, are connected: the shortest ways between them, tie by tie."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from placewise.core.errors import InvalidLinks
from placewise.network.arrays import Network, Offsets, positions
from placewise.network.links import IndexArray


@dataclass(frozen=True, slots=True, order=True)
class Path:
    """One way without loops: positions of its nodes from start to end, and of the ties between them."""

    nodes: tuple[int, ...]
    ties: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Branch:
    """All ways that begin with the first ``kept`` nodes of ``nodes`` and then do not turn to ``barred``.

    ``nodes`` is the first of them.
    """

    nodes: tuple[int, ...]
    kept: int
    barred: frozenset[int]

    def __lt__(self, other: _Branch) -> bool:
        return (len(self.nodes), self.nodes) < (len(other.nodes), other.nodes)


def shortest_paths(
    network: Network,
    start: ArrayLike,
    end: ArrayLike,
    *,
    count: int = 1,
    max_between: int | None = 1,
) -> tuple[Path, ...]:
    """Return the shortest ways by which two nodes, or two groups, are connected.

    A path says that records tie each to the next. It does not say that the ends have to do with each other: the more
    nodes lie between, the less it says, and by default only one may.

    Parameters
    ----------
    network : Network
        Keep ties that do not bear weight out of it (`Network.only`): every tie counts as one step.
    start, end : array_like of int
        Positions; of a path only the first node is one of ``start`` and only the last one of ``end``. Whoever is
        one of both is a path of one node.
    count : int >= 1
        Paths wanted.
    max_between : int >= 0 or None
        Nodes that may lie between the ends; None for any number.

    Returns
    -------
    tuple of Path
        Fewest ties first, then by positions; fewer than ``count`` if there are no more. Being first means nothing
        where the number of ties is the same.

    Raises
    ------
    InvalidLinks
        There is no start or no end, one is not among the nodes, or a number cannot be.

    Notes
    -----
    Yen 1971, doi 10.1287/mnsc.17.11.712, each branch once (Lawler 1972). At most one walk over the network for each
    node of each path found.

    Examples
    --------
    >>> square = Network.build(4, [0, 1, 2, 3], [1, 2, 3, 0])
    >>> [path.nodes for path in shortest_paths(square, 0, 2, count=5)]
    [(0, 1, 2), (0, 3, 2)]
    >>> shortest_paths(square, 0, 2, max_between=0)
    ()
    """
    one, other = positions(start, network.n_nodes), positions(end, network.n_nodes)
    if one.size == 0 or other.size == 0:
        raise InvalidLinks("A path needs a node to start from and a node to end at.")
    if count < 1 or (max_between is not None and max_between < 0):
        raise InvalidLinks("Ask for one path or more, with nought or more nodes between the ends.")
    most = network.n_nodes if max_between is None else max_between + 1
    search = _Search(network, one, other, most)
    return tuple(_with_ties(network, nodes) for nodes in search.first(count))


class _Search:
    """Ways from one set to another, shortest first."""

    def __init__(self, network: Network, start: Offsets, end: Offsets, most: int) -> None:
        self._network, self._start, self._end, self._most = network, np.unique(start), end, most

    def first(self, count: int) -> list[tuple[int, ...]]:
        """Return the nodes of the first ways."""
        found: list[tuple[int, ...]] = []
        open_branches = self._branches((), frozenset())
        while open_branches and len(found) < count:
            branch = heapq.heappop(open_branches)
            found.append(branch.nodes)
            if len(found) == count:
                break
            for kept in range(branch.kept, len(branch.nodes)):
                barred = frozenset({branch.nodes[kept]}) | (
                    branch.barred if kept == branch.kept else frozenset()
                )
                for other in self._branches(branch.nodes[:kept], barred):
                    heapq.heappush(open_branches, other)
        return found

    def _branches(self, begun: tuple[int, ...], barred: frozenset[int]) -> list[_Branch]:
        """Return the branch of all ways that begin so and do not turn to the barred, if there is a way."""
        steps = self._steps(begun)
        onward = self._start if not begun else self._near(begun[-1])
        turns = [(int(steps[v]), int(v)) for v in onward if steps[v] >= 0 and int(v) not in barred]
        if not turns:
            return []
        left, first = min(turns)
        way = [*begun, first]
        steps[self._start] = -1
        for to_go in range(left - 1, -1, -1):
            near = self._near(way[-1])
            way.append(int(near[steps[near] == to_go][0]))
        return [_Branch(tuple(way), len(begun), barred)]

    def _steps(self, begun: tuple[int, ...]) -> IndexArray:
        from placewise.network import walks_compiled

        may = np.full(self._network.n_nodes, walks_compiled.FREE, dtype=np.uint8)
        may[self._start] = walks_compiled.CLOSED if begun else walks_compiled.ARRIVE
        may[list(begun)] = walks_compiled.CLOSED
        left = self._most - len(begun)
        return walks_compiled.steps_to(walks_compiled.ties_of(self._network), self._end, may, left)

    def _near(self, node: int) -> IndexArray:
        return self._network.neighbour[self._network.offsets[node] : self._network.offsets[node + 1]]


def _with_ties(network: Network, nodes: tuple[int, ...]) -> Path:
    ties = []
    for here, there in pairwise(nodes):
        begin, end = network.offsets[here], network.offsets[here + 1]
        ties.append(int(network.tie[begin + np.searchsorted(network.neighbour[begin:end], there)]))
    return Path(nodes, tuple(ties))

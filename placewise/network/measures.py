"""What a network is made of: its separate parts, its dense cores, and what surrounds a node."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from placewise.core.errors import InvalidLinks
from placewise.network.arrays import Network, Offsets, positions
from placewise.network.links import IndexArray


def tie_matrix(network: Network) -> csr_array:
    """Return who is tied to whom as a symmetric matrix of noughts and ones, float64, shape (n, n)."""
    ones = np.ones(network.neighbour.size)
    return csr_array((ones, network.neighbour, network.offsets), shape=(network.n_nodes, network.n_nodes))


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a network between which there is no way.

    Attributes
    ----------
    part : ndarray of int32, shape (n,)
        The part of each node; parts are numbered by their first node. The number means nothing else.
    size : ndarray of int64, shape (parts,)
        Nodes in each part.
    """

    part: IndexArray
    size: Offsets


def separate_parts(network: Network) -> Parts:
    """Return the parts (connected components) of a network; a node without ties is one by itself.

    Notes
    -----
    Time O(nodes + ties).

    Examples
    --------
    >>> found = separate_parts(Network.build(4, [0], [2]))
    >>> found.part.tolist(), found.size.tolist()
    ([0, 1, 0, 2], [2, 1, 1])
    """
    _, label = connected_components(tie_matrix(network), directed=False)
    _, first, size = np.unique(label, return_index=True, return_counts=True)
    by_first = np.argsort(first)
    number = np.empty_like(by_first)
    number[by_first] = np.arange(by_first.size)
    return Parts(number[label].astype(np.int32), size[by_first].astype(np.int64))


def core_numbers(network: Network, *, of: ArrayLike) -> Offsets:
    """Return how deep in the network's dense cores some places and adults lie.

    A core of k is a part in which every node has k ties or more inside that part; the number is the largest k of a
    core that the node is in. It says how interwoven its surroundings are as recorded, not that anything is done there.

    Parameters
    ----------
    network : Network
    of : array_like of int, shape (q,)
        Positions of places and of adults of concern. Children are never given a number: leave them out.

    Returns
    -------
    ndarray of int64, shape (q,)

    Raises
    ------
    InvalidLinks
        A position is not among the nodes.

    Notes
    -----
    Batagelj and Zaversnik 2003, arXiv:cs/0310049; time O(nodes + ties).

    Examples
    --------
    >>> triangle_with_a_tail = Network.build(4, [0, 0, 1, 2], [1, 2, 2, 3])
    >>> core_numbers(triangle_with_a_tail, of=[0, 3]).tolist()
    [2, 1]
    """
    of = positions(of, network.n_nodes)
    return _cores(network)[of]


def core_sizes(network: Network) -> Offsets:
    """Return how many nodes are in the core of 0, of 1, and so on to the deepest, shape (deepest + 1,).

    Examples
    --------
    >>> core_sizes(Network.build(4, [0, 0, 1, 2], [1, 2, 2, 3])).tolist()
    [4, 4, 3]
    """
    return np.bincount(_cores(network), minlength=1)[::-1].cumsum()[::-1].astype(np.int64)


def _cores(network: Network) -> Offsets:
    from placewise.network import walks_compiled

    return walks_compiled.core_numbers(walks_compiled.ties_of(network))


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is within some steps of a start.

    Attributes
    ----------
    nodes : ndarray of int32, shape (k,)
        Positions: the start, then step by step; inside a step in no order that means anything.
    steps : ndarray of int64, shape (k,)
        Steps from the start.
    ties : ndarray of int32, shape (t,)
        Positions of all ties among these nodes, ascending.
    """

    nodes: IndexArray
    steps: Offsets
    ties: IndexArray


def surroundings(network: Network, start: ArrayLike, *, hops: int = 2) -> Surroundings:
    """Return who is within some steps of a start, and every tie among them.

    Parameters
    ----------
    network : Network
    start : array_like of int, shape (s,)
        One or more positions.
    hops : int >= 0

    Raises
    ------
    InvalidLinks
        There is no start, it is not among the nodes, or the steps are fewer than none.

    Notes
    -----
    Time O(ties of what is reached), besides one byte a node.

    Examples
    --------
    >>> path = Network.build(5, [0, 1, 2, 3], [1, 2, 3, 4])
    >>> found = surroundings(path, [0])
    >>> found.nodes.tolist(), found.steps.tolist(), found.ties.tolist()
    ([0, 1, 2], [0, 1, 2], [0, 1])
    """
    from placewise.network import walks_compiled

    begin = positions(start, network.n_nodes)
    if begin.size == 0 or hops < 0:
        raise InvalidLinks("Surroundings need a node to start from, and no fewer than nought steps.")
    nodes, starts, ties = walks_compiled.reach(walks_compiled.ties_of(network), network.tie, begin, hops)
    return Surroundings(nodes, np.repeat(np.arange(hops + 1), np.diff(starts)), np.sort(ties))

"""What a node stands between, compiled: open pairs of its neighbours, and the parts that its removal leaves."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from placewise.compiled import compiled
from placewise.network.arrays import Offsets
from placewise.network.links import IndexArray
from placewise.network.walks_compiled import Marks, Positions, Ties


class Belonging(NamedTuple):
    """Groups of each node: ``groups[starts[s]:starts[s + 1]]``, ascending, where ``s = set_of[node]`` is not -1."""

    set_of: IndexArray
    starts: Offsets
    groups: Offsets


@compiled
def _apart(belonging: Belonging, one: int, other: int) -> bool:
    """Whether two sets of groups have no group in common."""
    if one < 0 or other < 0:
        return True
    i, j = belonging.starts[one], belonging.starts[other]
    while i < belonging.starts[one + 1] and j < belonging.starts[other + 1]:
        if belonging.groups[i] == belonging.groups[j]:
            return False
        if belonging.groups[i] < belonging.groups[j]:
            i += 1
        else:
            j += 1
    return True


@compiled
def open_pairs(ties: Ties, belonging: Belonging, of: Positions) -> Offsets:
    """Return how many pairs of each one's neighbours, of groups apart and of groups not its own, are not tied."""
    found = np.zeros(of.size, dtype=np.int64)
    asked = np.full(ties.offsets.size - 1, -1, dtype=np.int64)
    count = np.zeros(belonging.starts.size - 1, dtype=np.int64)
    for k in range(of.size):
        near = ties.neighbour[ties.offsets[of[k]] : ties.offsets[of[k] + 1]]
        for a in near:
            own = belonging.set_of[a]
            if own >= 0 and _apart(belonging, own, belonging.set_of[of[k]]):
                asked[a] = k
                count[own] += 1
        found[k] = _pairs_apart(belonging, near, count) - _tied_apart(ties, belonging, near, asked, k)
        for a in near:
            if belonging.set_of[a] >= 0:
                count[belonging.set_of[a]] = 0
    return found


@compiled
def _pairs_apart(belonging: Belonging, near: IndexArray, count: Offsets) -> int:
    sets = np.unique(belonging.set_of[near])
    pairs = 0
    for i in range(sets.size):
        if sets[i] < 0 or count[sets[i]] == 0:
            continue
        for j in range(i):
            if sets[j] >= 0 and _apart(belonging, sets[i], sets[j]):
                pairs += count[sets[i]] * count[sets[j]]
    return pairs


@compiled
def _tied_apart(ties: Ties, belonging: Belonging, near: IndexArray, asked: Offsets, k: int) -> int:
    tied = 0
    for a in near:
        if asked[a] != k:
            continue
        for j in range(ties.offsets[a], ties.offsets[a + 1]):
            b = ties.neighbour[j]
            if b > a and asked[b] == k:
                tied += _apart(belonging, belonging.set_of[a], belonging.set_of[b])
    return tied


class _Search(NamedTuple):
    """Depth-first search over n nodes: when each was met, the earliest that its branch is tied to, and its branch.

    ``inside`` counts the members in a branch; ``parts`` the branches with members that hang on a node alone, and
    ``hanging`` the members in these.
    """

    met: Offsets
    earliest: Offsets
    parent: Offsets
    root: Offsets
    inside: Offsets
    parts: Offsets
    hanging: Offsets


@compiled
def parts_left(ties: Ties, member: Marks) -> Offsets:
    """Return into how many parts with members in them each node's removal leaves what it is in, shape (n,).

    Tarjan's search for nodes on which a branch hangs.
    """
    n = ties.offsets.size - 1
    counts = member.astype(np.int64)
    search = _Search(
        np.full(n, -1, dtype=np.int64),
        np.zeros(n, dtype=np.int64),
        np.full(n, -1, dtype=np.int64),
        np.zeros(n, dtype=np.int64),
        counts,
        np.zeros(n, dtype=np.int64),
        np.zeros(n, dtype=np.int64),
    )
    upcoming, branch = ties.offsets[:-1].copy(), np.empty(n, dtype=np.int64)
    for v in range(n):
        if search.met[v] < 0:
            _search_from(ties, search, upcoming, branch, v)
    left = search.parts.copy()
    for v in range(n):
        rest = search.inside[search.root[v]] - member[v] - search.hanging[v]
        left[v] += rest > 0
    return left


@compiled
def _search_from(ties: Ties, search: _Search, upcoming: Offsets, branch: Offsets, root: int) -> None:
    time, depth = 0, 1
    branch[0], search.met[root], search.root[root] = root, 0, root
    while depth > 0:
        v = branch[depth - 1]
        if upcoming[v] == ties.offsets[v + 1]:
            depth -= 1
            if depth > 0:
                _close(search, v, branch[depth - 1])
            continue
        u = ties.neighbour[upcoming[v]]
        upcoming[v] += 1
        if search.met[u] < 0:
            time += 1
            search.met[u], search.earliest[u], search.parent[u], search.root[u] = time, time, v, root
            branch[depth] = u
            depth += 1
        elif u != search.parent[v]:
            search.earliest[v] = min(search.earliest[v], search.met[u])


@compiled
def _close(search: _Search, v: int, above: int) -> None:
    """Hand what is known of a branch to the node above it."""
    search.earliest[above] = min(search.earliest[above], search.earliest[v])
    search.inside[above] += search.inside[v]
    if search.earliest[v] >= search.met[above] and search.inside[v] > 0:
        search.parts[above] += 1
        search.hanging[above] += search.inside[v]

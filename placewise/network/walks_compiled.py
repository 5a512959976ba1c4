"""Walks over the whole network, compiled: each touches every tie a fixed number of times. See `compiled`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from placewise.compiled import compiled
from placewise.network.arrays import Floats, Network, Offsets
from placewise.network.links import IndexArray

Marks = npt.NDArray[np.uint8]
Positions = npt.NDArray[np.int64]

#: What is known of a node on a walk.
_UNSEEN, _NEXT, _DONE = 0, 1, 2
#: What a walk to the ends may do with a node: pass through, arrive but go no further, or not touch it.
FREE, ARRIVE, CLOSED = 0, 1, 2


class Ties(NamedTuple):
    """A network's neighbours, as `Network` has them."""

    offsets: Offsets
    neighbour: IndexArray


def ties_of(network: Network) -> Ties:
    """Return a network's neighbours as the walks take them."""
    return Ties(network.offsets, network.neighbour)


class _Room(NamedTuple):
    """Room for walks from one source after another over n nodes; clean before and after each.

    ``queue[starts[k]:starts[k + 1]]`` are the nodes ``k`` steps away.
    """

    state: Marks
    queue: IndexArray
    starts: Offsets
    routes: Floats
    onward: Floats
    fresh: Floats


@compiled
def core_numbers(ties: Ties) -> Offsets:
    """Return for each node the largest k of a part in which everyone has k ties or more, shape (n,).

    Nodes stand sorted by the ties they have left. The first is taken; each neighbour with more loses one, by changing
    places with the first of its kind.
    """
    n = ties.offsets.size - 1
    left = ties.offsets[1:] - ties.offsets[:-1]
    first = np.zeros(n + 1, dtype=np.int64)
    for v in range(n):
        first[left[v] + 1] += 1
    for k in range(n):
        first[k + 1] += first[k]
    order, place = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
    free = first.copy()
    for v in range(n):
        place[v] = free[left[v]]
        order[place[v]] = v
        free[left[v]] += 1
    for i in range(n):
        v = order[i]
        first[left[v]] = i + 1
        for j in range(ties.offsets[v], ties.offsets[v + 1]):
            u = ties.neighbour[j]
            if left[u] > left[v]:
                swap = max(first[left[u]], i + 1)
                other = order[swap]
                order[place[u]], order[swap] = other, u
                place[other], place[u] = place[u], swap
                first[left[u]] = swap + 1
                left[u] -= 1
    return left


@compiled
def reach(ties: Ties, tie: IndexArray, start: Positions, hops: int) -> tuple[IndexArray, Offsets, IndexArray]:
    """Return who is within some steps of the start, nearest first, where each step begins, and the ties among them.

    ``tie`` says which tie leads to each neighbour.
    """
    n = ties.offsets.size - 1
    seen = np.zeros(n, dtype=np.uint8)
    queue = np.empty(n, dtype=np.int32)
    starts = np.zeros(hops + 2, dtype=np.int64)
    filled = 0
    for v in start:
        if not seen[v]:
            seen[v], queue[filled] = 1, v
            filled += 1
    starts[1] = filled
    for hop in range(hops):
        for i in range(starts[hop], starts[hop + 1]):
            for j in range(ties.offsets[queue[i]], ties.offsets[queue[i] + 1]):
                u = ties.neighbour[j]
                if not seen[u]:
                    seen[u], queue[filled] = 1, u
                    filled += 1
        starts[hop + 2] = filled
    return queue[:filled].copy(), starts, _ties_among(ties, tie, queue[:filled], seen)


@compiled
def _ties_among(ties: Ties, tie: IndexArray, nodes: IndexArray, inside: Marks) -> IndexArray:
    count = 0
    for v in nodes:
        for j in range(ties.offsets[v], ties.offsets[v + 1]):
            count += inside[ties.neighbour[j]] and ties.neighbour[j] > v
    found = np.empty(count, dtype=np.int32)
    count = 0
    for v in nodes:
        for j in range(ties.offsets[v], ties.offsets[v + 1]):
            if inside[ties.neighbour[j]] and ties.neighbour[j] > v:
                found[count] = tie[j]
                count += 1
    return found


@compiled
def steps_to(ties: Ties, ends: Positions, may: Marks, most: int) -> IndexArray:
    """Return each node's steps to the nearest end, -1 where it is more than ``most`` or not allowed, shape (n,)."""
    n = ties.offsets.size - 1
    steps = np.full(n, -1, dtype=np.int32)
    queue = np.empty(n, dtype=np.int32)
    filled = 0
    for v in ends:
        if may[v] != CLOSED and steps[v] < 0:
            steps[v], queue[filled] = 0, v
            filled += 1
    i = 0
    while i < filled and steps[queue[i]] < most:
        v = queue[i]
        i += 1
        if may[v] == ARRIVE:
            continue
        for j in range(ties.offsets[v], ties.offsets[v + 1]):
            u = ties.neighbour[j]
            if steps[u] < 0 and may[u] != CLOSED:
                steps[u], queue[filled] = steps[v] + 1, u
                filled += 1
    return steps


@compiled
def _spread(ties: Ties, source: int, room: _Room) -> int:
    """Count the shortest routes from the source to everyone; return how many steps there are, its own included."""
    room.state[source], room.queue[0], room.routes[source] = _DONE, source, 1.0
    levels, begin, filled = 0, 0, 1
    while begin < filled:
        room.starts[levels] = begin
        levels += 1
        end = filled
        for i in range(begin, end):
            v = room.queue[i]
            for j in range(ties.offsets[v], ties.offsets[v + 1]):
                u = ties.neighbour[j]
                if room.state[u] == _UNSEEN:
                    room.state[u], room.queue[filled], room.routes[u] = _NEXT, u, room.routes[v]
                    filled += 1
                elif room.state[u] == _NEXT:
                    room.routes[u] += room.routes[v]
        for i in range(end, filled):
            room.state[room.queue[i]] = _DONE
        begin = end
    room.starts[levels] = filled
    return levels


@compiled
def _gather(through: Floats, ties: Ties, target: Floats, levels: int, room: _Room) -> None:
    """Add what each node passes on, from the furthest back to the source, and leave the room clean.

    ``onward`` is not nought one step further out only, so that a sum over all neighbours needs no question.
    """
    for level in range(levels - 1, -1, -1):
        begin, end, beyond = room.starts[level], room.starts[level + 1], room.starts[min(level + 2, levels)]
        for i in range(begin, end):
            v = room.queue[i]
            passed = 0.0
            if level < levels - 1:
                for j in range(ties.offsets[v], ties.offsets[v + 1]):
                    passed += room.onward[ties.neighbour[j]]
            passed *= room.routes[v]
            if level > 0:
                through[v] += passed
            room.fresh[i] = (target[v] + passed) / room.routes[v]
            room.state[v] = _UNSEEN
        for i in range(end, beyond):
            room.onward[room.queue[i]] = 0.0
        for i in range(begin, end):
            room.onward[room.queue[i]] = room.fresh[i]
    room.onward[room.queue[0]] = 0.0


@compiled
def add_routes(through: Floats, ties: Ties, sources: Positions, target: Floats) -> None:
    """Add to each node its share of the shortest routes from these sources to each target, weighed by ``target``.

    Brandes' accumulation; a node's own routes, as source or target, do not count for it. ``through`` and ``target``
    are of shape (n,). Sums are made source by source: cut into pieces they are the same to the last bit.
    """
    n = ties.offsets.size - 1
    room = _Room(
        np.zeros(n, dtype=np.uint8),
        np.empty(n, dtype=np.int32),
        np.empty(n + 1, dtype=np.int64),
        np.empty(n),
        np.zeros(n),
        np.empty(n),
    )
    for source in sources:
        levels = _spread(ties, source, room)
        _gather(through, ties, target, levels, room)

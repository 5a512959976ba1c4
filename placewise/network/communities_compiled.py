"""The inner loops of suggested peer groups (Leiden), compiled: moving node by node, refining, drawing together.

Last comes rewiring, for what chance alone would suggest.
Every step looks at one node and what it is tied to, and changes what the next step finds: arrays cannot do that.
See `compiled` for when to import this module.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from placewise.compiled import compiled
from placewise.network.arrays import Floats, Offsets
from placewise.network.links import IndexArray

# Ties weigh 1 on average, so gains are of the order of 1, and smaller differences than this are rounding.
_ROUNDING = 1e-10
# How readily refining takes a lesser gain; the authors' and the reference implementation's value.
_RANDOMNESS = 0.01


class Level(NamedTuple):
    """A network of n nodes, or of groups of them drawn together.

    ``neighbour`` and ``weight`` are of shape (2m,), at ``offsets[i]`` to ``offsets[i + 1]`` for node ``i``, without
    ties of a node to itself; ``strength``, shape (n,), counts what was drawn together too. ``expected`` times the
    strengths of two nodes is the weight expected between them, resolution included.
    """

    offsets: Offsets
    neighbour: IndexArray
    weight: Floats
    strength: Floats
    expected: float


@compiled
def _add_up(level: Level, node: int, group: IndexArray, to: Floats, near: IndexArray) -> int:
    """Sum a node's ties in ``to`` by the group of the other end; list those groups in ``near``, return how many."""
    found = 0
    for entry in range(level.offsets[node], level.offsets[node + 1]):
        other = group[level.neighbour[entry]]
        if to[other] == 0.0:
            near[found] = other
            found += 1
        to[other] += level.weight[entry]
    return found


@compiled
def _best(expected: float, totals: Floats, to: Floats, near: IndexArray, own: int) -> tuple[int, float]:
    """Return the group that a node, taken out of ``own``, gains most by joining, its own when equal; and the gain.

    ``expected`` times a group's total strength is the weight expected between it and the node.
    """
    best, gain = own, to[own] - expected * totals[own]
    for other in near:
        here = to[other] - expected * totals[other]
        if here > gain + _ROUNDING:
            best, gain = int(other), here
    return best, gain


@compiled
def _move(level: Level, group: IndexArray, rng: np.random.Generator) -> None:
    """Move nodes to the group that gains most, in place, until none gains; who sees a neighbour go looks again."""
    n = group.size
    totals, members = np.zeros(n), np.zeros(n, dtype=np.int64)
    for node in range(n):
        totals[group[node]] += level.strength[node]
        members[group[node]] += 1
    empty = [i for i in range(n) if members[i] == 0]
    to, near = np.zeros(n), np.empty(n, dtype=np.int32)
    queue, waits, at, waiting = rng.permutation(n), np.ones(n, dtype=np.bool_), 0, n
    while waiting:
        node = queue[at]
        at, waiting, waits[node] = (at + 1) % n, waiting - 1, False
        own = group[node]
        found = _add_up(level, node, group, to, near)
        totals[own] -= level.strength[node]
        members[own] -= 1
        best, gain = _best(level.expected * level.strength[node], totals, to, near[:found], own)
        to[near[:found]] = 0.0
        if gain < -_ROUNDING:
            best = empty.pop()
        elif best != own and members[own] == 0:
            empty.append(own)
        group[node] = best
        totals[best] += level.strength[node]
        members[best] += 1
        if best == own:
            continue
        for entry in range(level.offsets[node], level.offsets[node + 1]):
            other = level.neighbour[entry]
            if not waits[other] and group[other] != best:
                queue[(at + waiting) % n] = other
                waiting, waits[other] = waiting + 1, True


@compiled
def _choose(expected: float, totals: Floats, to: Floats, near: IndexArray, rng: np.random.Generator) -> int:
    """Draw one of the groups in ``near`` by what a node gains there (see `_best`); -1 when it gains nowhere."""
    gains = np.empty(near.size)
    for i in range(near.size):
        gains[i] = to[near[i]] - expected * totals[near[i]]
    if near.size == 0 or gains.max() < -_ROUNDING:
        return -1
    chances, highest, total = np.zeros(near.size), gains.max(), 0.0
    for i in range(near.size):
        if gains[i] >= -_ROUNDING:
            total += math.exp((gains[i] - highest) / _RANDOMNESS)
        chances[i] = total
    drawn = np.searchsorted(chances, rng.random() * total, side="right")
    # A product with a number below 1 can still round up to the total.
    return int(near[min(int(drawn), near.size - 1)])


@compiled
def _refine(level: Level, group: IndexArray, rng: np.random.Generator) -> IndexArray:
    """Build each group anew from single nodes that are well tied to the rest of it; it may fall into several.

    Only nodes still alone move, and only to what they are tied to: whatever is built hangs together.
    """
    n = group.size
    totals, outward = np.zeros(n), np.zeros(n)
    for node in range(n):
        totals[group[node]] += level.strength[node]
        for entry in range(level.offsets[node], level.offsets[node + 1]):
            if group[level.neighbour[entry]] == group[node]:
                outward[node] += level.weight[entry]
    part, strengths, alone = np.arange(n, dtype=np.int32), level.strength.copy(), np.ones(n, dtype=np.bool_)
    to, near, fit = np.zeros(n), np.empty(n, dtype=np.int32), np.empty(n, dtype=np.int32)
    for node in rng.permutation(n):
        total = totals[group[node]]
        expected = level.expected * strengths[node] * (total - strengths[node])
        if not alone[node] or outward[node] < expected - _ROUNDING:
            continue
        found, fitting = _add_up(level, node, part, to, near), 0
        for other in near[:found]:
            expected = level.expected * strengths[other] * (total - strengths[other])
            if group[other] == group[node] and outward[other] >= expected - _ROUNDING:
                fit[fitting] = other
                fitting += 1
        chosen = _choose(level.expected * level.strength[node], strengths, to, fit[:fitting], rng)
        if chosen >= 0:
            part[node], alone[node], alone[chosen] = chosen, False, False
            strengths[chosen] += level.strength[node]
            outward[chosen] += outward[node] - 2 * to[chosen]
        to[near[:found]] = 0.0
    return part


@compiled
def _number(labels: IndexArray) -> int:
    """Renumber labels (below n) from 0 in order of first sight, in place; return how many there are."""
    new, count = np.full(labels.size, -1, dtype=np.int32), 0
    for i in range(labels.size):
        if new[labels[i]] < 0:
            new[labels[i]] = count
            count += 1
        labels[i] = new[labels[i]]
    return count


@compiled
def _draw_together(level: Level, part: IndexArray, count: int) -> Level:
    """Make one node of each part, numbered 0 to ``count - 1``."""
    ends = np.cumsum(np.bincount(part, minlength=count))
    member, place = np.empty(part.size, dtype=np.int32), ends.copy()
    strength, offsets = np.zeros(count), np.zeros(count + 1, dtype=np.int64)
    for node in range(part.size - 1, -1, -1):
        place[part[node]] -= 1
        member[place[part[node]]] = node
        strength[part[node]] += level.strength[node]
    neighbour, weight = np.empty_like(level.neighbour), np.empty_like(level.weight)
    to, near, entries = np.zeros(count), np.empty(count, dtype=np.int32), 0
    for own in range(count):
        found = 0
        for node in member[place[own] : ends[own]]:
            for entry in range(level.offsets[node], level.offsets[node + 1]):
                other = part[level.neighbour[entry]]
                if to[other] == 0.0 and other != own:
                    near[found] = other
                    found += 1
                if other != own:
                    to[other] += level.weight[entry]
        for other in near[:found]:
            neighbour[entries], weight[entries] = other, to[other]
            to[other] = 0.0
            entries += 1
        offsets[own + 1] = entries
    return Level(offsets, neighbour[:entries].copy(), weight[:entries].copy(), strength, level.expected)


@compiled
def improve(level: Level, group: IndexArray, rng: np.random.Generator) -> IndexArray:
    """Return groups at least as good as ``group`` (0 to n - 1, not modified), each of one piece, shape (n,)."""
    node_of = np.arange(group.size).astype(np.int32)
    group = group.copy()
    while True:
        _move(level, group, rng)
        _number(group)
        part = _refine(level, group, rng)
        count = _number(part)
        node_of = part[node_of]
        if count == part.size:
            return node_of
        above = np.empty(count, dtype=np.int32)
        for node in range(part.size):
            above[part[node]] = group[node]
        level, group = _draw_together(level, part, count), above


@compiled
def _slot(level: Level, node: int, other: int) -> int:
    """Return where a node's neighbours name another; -1 when they are not tied."""
    for entry in range(level.offsets[node], level.offsets[node + 1]):
        if level.neighbour[entry] == other:
            return entry
    return -1


@compiled
def _tied(level: Level, one: int, other: int) -> bool:
    few, many = level.offsets[one + 1] - level.offsets[one], level.offsets[other + 1] - level.offsets[other]
    return (_slot(level, one, other) if few <= many else _slot(level, other, one)) >= 0


@compiled
def swap_ends(level: Level, source: IndexArray, target: IndexArray, rng: np.random.Generator) -> None:
    """Let two ties at a time exchange an end, in place (neighbours too), ten times as often as there are ties.

    Every node keeps its number of ties; what would tie a node to itself, or two nodes twice, is left out.
    """
    neighbour, ties = level.neighbour, source.size
    for _ in range(10 * ties):
        one, other = int(rng.random() * ties), int(rng.random() * ties)
        a, b = source[one], target[one]
        c, d = (source[other], target[other]) if rng.random() < 0.5 else (target[other], source[other])
        if a == d or c == b or _tied(level, a, d) or _tied(level, c, b):
            continue
        neighbour[_slot(level, a, b)], neighbour[_slot(level, b, a)] = d, c
        neighbour[_slot(level, c, d)], neighbour[_slot(level, d, c)] = b, a
        target[one], source[other], target[other] = d, c, b

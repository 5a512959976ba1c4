"""Where to draw each node: the same picture for every member, from visit to visit."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import rustworkx as rx

from placewise.core.errors import InvalidLinks
from placewise.network.ego import Tie
from placewise.network.links import Node

#: The picture's box in its own units; the screen scales it.
WIDTH, HEIGHT = 1000.0, 700.0
#: Fewer new nodes than this share of the picture leave the others where they were.
NEW_SHARE = 0.25

_CENTRE = np.array([WIDTH / 2, HEIGHT / 2])
_SPRING_STEPS = 120
_PUSH_STEPS = 80
_MEMBER_PULL = 3.0  # members gather round their group more than round what else they are linked to
_EXPIRED_PULL = 0.2
_HUB_PULL = 0.05

Points = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Spring = tuple[int, int, float]


class Position(NamedTuple):
    """A point of the picture; ``y`` grows downwards."""

    x: float
    y: float


def min_distance(count: int) -> float:
    """Least distance that `place_nodes` leaves between any two of ``count`` nodes.

    Five times as many free sites as nodes exist at this spacing, so that one can always be found.
    """
    return min(60.0, math.sqrt(WIDTH * HEIGHT / (5 * max(count, 1))))


def place_nodes(
    nodes: Collection[Node],
    ties: Iterable[Tie],
    *,
    start: Iterable[str],
    previous: Mapping[str, Position] | None = None,
) -> dict[str, Position]:
    """Position of each node in a box of 1,000 by 700.

    Distance and place in the picture mean nothing beyond "linked things tend to be near". The result
    depends on nothing but the arguments: no clock, no chance, and not on the order of nodes or ties.
    Starts stand at the centre (several in a small ring). Where up to a quarter of the nodes is new
    (or three nodes), those with a previous position keep it, but for making room; where more is new
    the picture is drawn afresh from the previous positions.

    Parameters
    ----------
    nodes : collection of Node
    ties : iterable of Tie
        As in a `Neighbourhood`. Ties must join these nodes.
    start : iterable of str
        Ids to hold at the centre; ids that are not among the nodes are passed over.
    previous : mapping of id to Position, optional
        From an earlier picture or one of the whole network. May name other nodes too.

    Returns
    -------
    dict of id to Position
        In order of id; every two at least `min_distance` apart.

    Raises
    ------
    InvalidLinks
        A tie's end is not among the nodes.

    Notes
    -----
    Force-directed placement after Fruchterman & Reingold 1991, doi 10.1002/spe.4380211102, from
    positions hashed from the ids. Time grows with the square of the number of nodes.
    """
    kinds = {node.id: node.kind for node in nodes}
    ids = sorted(kinds)
    if not ids:
        return {}
    index = {node_id: i for i, node_id in enumerate(ids)}
    springs = _springs(ties, kinds, index)
    centred = sorted(index[node_id] for node_id in set(start) if node_id in index)
    known = _known_points(ids, previous or {}, centred)
    old = ~np.isnan(known[:, 0])
    new_count = len(ids) - int(old.sum())
    keep = bool(old.any()) and new_count <= max(3, NEW_SHARE * len(ids))
    held = old.copy() if keep else np.zeros(len(ids), dtype=np.bool_)
    points = _first_guess(ids, known, springs)
    points[centred] = _ring(len(centred))
    held[centred] = True
    points = _spring(points, springs, held)
    if not keep:
        points = _fill_box(points)
        points[centred] = _ring(len(centred))
    points = _make_room(points, held)
    points = _part(points, first=[*centred, *np.flatnonzero(old), *range(len(ids))])
    return {node_id: Position(float(x), float(y)) for node_id, (x, y) in zip(ids, points, strict=True)}


def _springs(ties: Iterable[Tie], kinds: Mapping[str, str], index: Mapping[str, int]) -> list[Spring]:
    """Ends and pull of each tie, in an order of their own."""
    springs = []
    for tie in ties:
        if tie.source not in index or tie.target not in index:
            raise InvalidLinks(f"The tie {tie.id} has an end that is not among the nodes given.")
        membership = {kinds[tie.source], kinds[tie.target]} == {"group", "child"}
        pull = _EXPIRED_PULL if tie.expired else _MEMBER_PULL if membership else 1.0
        springs.append((index[tie.source], index[tie.target], pull))
    return sorted(springs)


def _known_points(ids: Sequence[str], previous: Mapping[str, Position], centred: Sequence[int]) -> Points:
    """Previous positions, moved as one so that the starts are central; NaN for those without."""
    points = np.array([previous.get(node_id, (np.nan, np.nan)) for node_id in ids], dtype=np.float64)
    points[~np.isfinite(points).all(axis=1)] = np.nan
    starts = points[list(centred)]
    starts = starts[~np.isnan(starts[:, 0])]
    if len(starts):
        points += _CENTRE - starts.mean(axis=0).round(1)
    clamped: Points = np.clip(points, 0.0, (WIDTH, HEIGHT))
    return clamped


def _first_guess(ids: Sequence[str], known: Points, springs: Iterable[Spring]) -> Points:
    """Where the springs begin: as before; else beside what is linked; else anywhere, by hash of the id."""
    scattered = np.array([_hashed(node_id) for node_id in ids])
    points = np.where(np.isnan(known), scattered * (WIDTH, HEIGHT), known)
    near: dict[int, list[int]] = defaultdict(list)
    for a, b, _ in springs:
        near[a].append(b)
        near[b].append(a)
    for i in np.flatnonzero(np.isnan(known[:, 0])).tolist():
        anchors = [j for j in near[i] if not np.isnan(known[j, 0])]
        if anchors:
            points[i] = known[anchors].mean(axis=0) + (scattered[i] - 0.5) * 120
    return points


def _hashed(node_id: str) -> tuple[float, float]:
    """A point of the unit square that belongs to this id for ever."""
    digest = blake2b(node_id.encode(), digest_size=8).digest()
    return int.from_bytes(digest[:4], "big") / 2**32, int.from_bytes(digest[4:], "big") / 2**32


def _ring(count: int) -> Points:
    """``count`` points about the centre: the centre itself for one."""
    if count == 1:
        return _CENTRE[None, :].copy()
    angles = 2 * np.pi * np.arange(count) / max(count, 1)
    radius = min(250.0, 40.0 * count)
    return _CENTRE + radius * np.column_stack([np.cos(angles), np.sin(angles)]).round(3)


def _spring(points: Points, springs: Iterable[Spring], held: BoolArray) -> Points:
    """Let linked nodes draw together and all nodes keep apart; held nodes do not move."""
    graph: rx.PyGraph[int, float] = rx.PyGraph(multigraph=False)
    graph.add_nodes_from(list(range(len(points))))
    graph.add_edges_from([(a, b, pull) for a, b, pull in springs])
    hub = graph.add_node(len(points))  # holds together what no tie holds
    graph.add_edges_from([(hub, i, _HUB_PULL) for i in range(len(points))])
    scaled = np.vstack([(points - _CENTRE) / (WIDTH / 2), [[0.0, 0.0]]])
    placed = rx.spring_layout(
        graph,
        pos={i: (x, y) for i, (x, y) in enumerate(scaled.tolist())},
        fixed={hub, *np.flatnonzero(held).tolist()},
        k=(4 * HEIGHT / WIDTH / len(scaled)) ** 0.5,
        num_iter=_SPRING_STEPS,
        weight_fn=float,
        seed=1,
    )
    moved = np.array([placed[i] for i in range(len(points))]) * (WIDTH / 2) + _CENTRE
    moved = np.where(np.isfinite(moved), moved, points)
    return np.where(held[:, None], points, moved)


def _fill_box(points: Points) -> Points:
    """Bring far-flung nodes nearer and stretch the whole about the centre to fill the box."""
    offset = points - _CENTRE
    radius = np.hypot(offset[:, 0], offset[:, 1])
    typical = np.median(radius)
    if typical > 0:
        offset /= (1 + radius / (3 * typical))[:, None]
    low, high = np.maximum(-offset.min(axis=0), 1.0), np.maximum(offset.max(axis=0), 1.0)
    stretch = np.stack([_CENTRE / low, _CENTRE / high])  # left and up, right and down: each side fills
    stretch = np.minimum(stretch, 2 * stretch.min())
    filled: Points = _CENTRE + offset * np.where(offset < 0, stretch[0], stretch[1])
    return filled


def _make_room(points: Points, held: BoolArray) -> Points:
    """Push nodes apart until, if it can be had, each has room for its label."""
    room = _room_for(len(points))
    points = np.clip(points, 0.0, (WIDTH, HEIGHT))
    give = np.where(held, 0.0, 0.7)
    one, other = np.triu_indices(len(points), k=1)
    for _ in range(_PUSH_STEPS):
        x, y = points.T.copy()
        level = np.flatnonzero(np.abs(x[one] - x[other]) < room[0])
        a, b = one[level], other[level]
        clash = np.abs(y[a] - y[b]) < room[1]
        if not clash.any():
            break
        a, b = a[clash], b[clash]
        gap = points[a] - points[b]
        short = room - np.abs(gap)
        sideways = short[:, 0] * room[1] < short[:, 1] * room[0]
        push = short * np.where(gap >= 0, 0.5, -0.5) * np.column_stack([sideways, ~sideways])
        push *= (1 + (give[a] == 0) + (give[b] == 0))[:, None]  # the other one makes all the room
        np.add.at(points, a, push * give[a][:, None])
        np.add.at(points, b, -push * give[b][:, None])
        np.clip(points, 0.0, (WIDTH, HEIGHT), out=points)
    return points


def _room_for(count: int) -> Points:
    """Width and height that each of ``count`` nodes should have for itself and its label."""
    width = min(130.0, (0.5 * WIDTH * HEIGHT / max(count, 1) * 2.2) ** 0.5)
    return np.array([width, max(min(width / 2.2, 60.0), min_distance(count))])


def _part(points: Points, *, first: Iterable[int]) -> Points:
    """Guarantee `min_distance`: in the order given, a node too near to one before takes a free site."""
    least = min_distance(len(points))
    step = np.ceil(least * 10) / 10
    sites = np.array(
        [(x, y) for x in np.arange(0, WIDTH + 0.1, step) for y in np.arange(0, HEIGHT + 0.1, step)]
    )
    placed = points.round(1)
    done: list[int] = []
    for i in dict.fromkeys(int(i) for i in first):
        if done and _nearest(placed[i], placed[done]) < least:
            by_distance = np.argsort(np.hypot(*(sites - placed[i]).T), kind="stable")
            placed[i] = next(sites[s] for s in by_distance if _nearest(sites[s], placed[done]) >= least)
        done.append(i)
    return placed


def _nearest(point: Points, others: Points) -> float:
    return float(np.hypot(*(others - point).T).min())

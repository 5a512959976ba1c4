"""The neighbourhood that people look at: what is linked to a group or a place, one or two steps away."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
import numpy.typing as npt

from placewise.core.errors import InvalidLinks
from placewise.network.links import (
    KIND_ORDER,
    STRENGTH_ORDER,
    IndexArray,
    Link,
    LinkTable,
    Node,
    NodeKind,
    Strength,
    reading_order,
    strongest,
)

#: More shapes than this cannot be told apart on one screen.
MAX_NODES = 300

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Tie:
    """All links between one pair of nodes: drawn as a single line, listed one by one.

    Attributes
    ----------
    id, source, target : str
        Own id (made of the pair's) and the pair in order of id; direction is in each of ``links``.
    links : tuple of Link
        Strongest first, links that no longer stand last.
    types : tuple of str
        Types of the links that stand, strongest first; of all when none stands.
    strength : str
        The strongest that stands; of all when none stands.
    count : int
        Links that stand. Links past their expiry are never counted.
    expired_count : int
        Links past their expiry.
    """

    id: str
    source: str
    target: str
    links: tuple[Link, ...]
    types: tuple[str, ...]
    strength: Strength
    count: int
    expired_count: int

    @property
    def expired(self) -> bool:
        """Whether no link between the two stands any more; drawn thin and grey."""
        return self.count == 0


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """What one picture and the table beside it show.

    Attributes
    ----------
    start : tuple of str
        Ids of the nodes it was asked for, sorted.
    hops : {1, 2}
        Steps taken.
    as_of : date
        Day on which expiry was judged.
    nodes : tuple of Node
        By kind, then label. The order means nothing else: nobody is ranked.
    ties : tuple of Tie
        One a pair, by id.
    links : tuple of Link
        Every link among the nodes, by id, expired ones and links of a node to itself included.
    """

    start: tuple[str, ...]
    hops: int
    as_of: date
    nodes: tuple[Node, ...]
    ties: tuple[Tie, ...]
    links: tuple[Link, ...]

    @property
    def link_count(self) -> int:
        """Links that stand between two different nodes."""
        return sum(tie.count for tie in self.ties)


@dataclass(frozen=True, slots=True)
class TooLarge:
    """There is more than one picture can hold; nothing was left out silently instead.

    Attributes
    ----------
    node_count, max_nodes : int
        Nodes reached, and the most a picture holds.
    hops : {1, 2}
        Steps taken.
    by_kind : mapping of kind to int
        Nodes reached, in the order of kinds.
    by_type : mapping of link type to int
        Links among them that stand, most frequent first: what to narrow by.
    """

    node_count: int
    max_nodes: int
    hops: int
    by_kind: Mapping[NodeKind, int]
    by_type: Mapping[str, int]


def neighbourhood(
    table: LinkTable,
    start: Iterable[str],
    *,
    as_of: date,
    hops: Literal[1, 2] = 1,
    max_nodes: int = MAX_NODES,
) -> Neighbourhood | TooLarge:
    """Everything within one or two steps of the start, with all links among what is kept.

    Being shown here says that records link two nodes, not that anyone did anything. A link past its
    expiry is shown with its other end, so that it can be renewed or dropped, but no second step is
    taken across it.

    Parameters
    ----------
    table : LinkTable
        Not modified.
    start : iterable of str
        Ids of one or more nodes.
    as_of : date
        Day on which expiry is judged.
    hops : {1, 2}
        Steps from the start.
    max_nodes : int
        More than this and the answer is `TooLarge`.

    Raises
    ------
    InvalidLinks
        No start, a start that is not in the table, or a number of hops other than 1 and 2.

    Notes
    -----
    Time grows with the links of the kept nodes.
    """
    start = tuple(sorted(set(start)))
    unknown = [node_id for node_id in start if node_id not in table.position]
    if not start or unknown or hops not in (1, 2):
        raise InvalidLinks("A neighbourhood needs nodes of the table to start from, and one or two hops.")
    begin = np.array([table.position[s] for s in start], dtype=np.int32)
    kept = _reach(table, begin, hops=hops, as_of=as_of)
    inside = _links_among(table, kept)
    nodes = [table.nodes[i] for i in np.flatnonzero(kept)]
    if len(nodes) > max_nodes:
        standing = [table.links[i].type for i in inside[table.last_day[inside] >= as_of.toordinal()]]
        return _too_large(nodes, standing, hops=hops, max_nodes=max_nodes)
    links = tuple(table.links[i] for i in inside)
    ties = draw_together(links, as_of=as_of)
    return Neighbourhood(start, hops, as_of, tuple(sorted(nodes, key=reading_order)), ties, links)


def _reach(table: LinkTable, start: IndexArray, *, hops: int, as_of: date) -> BoolArray:
    """Mark the start and what is within ``hops`` of it; only standing links are walked through."""
    kept = np.zeros(len(table.nodes), dtype=np.bool_)
    walked_to = kept.copy()
    kept[start] = walked_to[start] = True
    frontier = start
    for _ in range(hops):
        edges = _edges_of(table, frontier)
        kept[table.neighbour[edges]] = True
        standing = table.last_day[table.via[edges]] >= as_of.toordinal()
        reached = np.unique(table.neighbour[edges[standing]])
        frontier = reached[~walked_to[reached]]
        walked_to[frontier] = True
    return kept


def _links_among(table: LinkTable, kept: BoolArray) -> IndexArray:
    """Positions of the links with both ends kept, sorted."""
    edges = _edges_of(table, np.flatnonzero(kept).astype(np.int32))
    among = table.via[edges[kept[table.neighbour[edges]]]]
    own = table.self_links[kept[table.source[table.self_links]]]
    return np.unique(np.concatenate([among, own]))


def _edges_of(table: LinkTable, frontier: IndexArray) -> npt.NDArray[np.intp]:
    """Positions in ``table.neighbour`` of everything that touches the frontier."""
    lengths = table.offsets[frontier + 1] - table.offsets[frontier]
    begins = np.repeat(table.offsets[frontier] - np.cumsum(lengths) + lengths, lengths)
    return begins + np.arange(lengths.sum())


def _too_large(nodes: list[Node], types: list[str], *, hops: int, max_nodes: int) -> TooLarge:
    kinds = Counter(node.kind for node in nodes)
    by_kind = {kind: kinds[kind] for kind in KIND_ORDER if kinds[kind]}
    by_type = dict(sorted(Counter(types).items(), key=lambda item: (-item[1], item[0])))
    return TooLarge(len(nodes), max_nodes, hops, by_kind, by_type)


def draw_together(links: Iterable[Link], *, as_of: date) -> tuple[Tie, ...]:
    """One `Tie` for each pair of nodes that any of the links joins; self-links make none."""
    pairs: dict[tuple[str, str], list[Link]] = defaultdict(list)
    for link in links:
        if link.source != link.target:
            a, b = sorted((link.source, link.target))
            pairs[a, b].append(link)
    return tuple(_tie(pair, pairs[pair], as_of) for pair in sorted(pairs))


def _tie(pair: tuple[str, str], links: list[Link], as_of: date) -> Tie:
    def listing(link: Link) -> tuple[bool, int, str, str]:
        return link.is_expired(as_of), STRENGTH_ORDER.index(link.drawn_strength), link.type, link.id

    listed = tuple(sorted(links, key=listing))
    standing = [link for link in listed if not link.is_expired(as_of)]
    shown = standing or listed
    return Tie(
        id=f"{pair[0]}~{pair[1]}",
        source=pair[0],
        target=pair[1],
        links=listed,
        types=tuple(dict.fromkeys(link.type for link in shown)),
        strength=strongest(shown),
        count=len(standing),
        expired_count=len(listed) - len(standing),
    )

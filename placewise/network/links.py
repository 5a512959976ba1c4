"""What the room works on: nodes, links, and the table of both that is walked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Literal, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from placewise.core.errors import InvalidLinks

NodeKind = Literal["group", "place", "adult", "child"]
Strength = Literal["known", "probable", "possible"]
IndexArray = npt.NDArray[np.int32]

#: Contexts come first, then adults; children last. Inside a kind: by label, never by any measure.
KIND_ORDER: tuple[NodeKind, ...] = ("group", "place", "adult", "child")
#: Strongest first.
STRENGTH_ORDER: tuple[Strength, ...] = ("known", "probable", "possible")
#: A person's dated place in a peer group. It is no evidential ``link_type``: groups carry their members.
MEMBERSHIP = "member"


@dataclass(frozen=True, slots=True)
class Node:
    """A child, an adult of concern, a peer group or a place, as the reader may see it."""

    id: str
    kind: NodeKind
    label: str
    detail: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KIND_ORDER:
            raise InvalidLinks(f"Node {self.id}: {self.kind!r} is not a kind of node.")


@dataclass(frozen=True, slots=True)
class Link:
    """One evidenced statement that two nodes are connected.

    Attributes
    ----------
    id, source, target : str
        Own id and the ids of the nodes it joins, in the direction in which it is read.
    type : str
        A ``link_type``, or `MEMBERSHIP`.
    strength : {"known", "probable", "possible"}
        As recorded. `drawn_strength` is what may be shown.
    first_seen, last_seen, expires_on : date or None
        ``expires_on`` is the last day on which the link may be relied on.
    evidence_count : int
        Events cited; 0 where the evidence is a note.
    source_grade, assessment : int, str
        Source 1 to 3 and assessment A to E of the 3x5x2 grading.
    """

    id: str
    source: str
    target: str
    type: str
    strength: Strength
    first_seen: date | None
    last_seen: date | None
    expires_on: date | None
    evidence_count: int
    source_grade: int
    assessment: str

    def __post_init__(self) -> None:
        if self.strength not in STRENGTH_ORDER:
            raise InvalidLinks(f"Link {self.id}: {self.strength!r} is not a strength.")
        if self.evidence_count < 0:
            raise InvalidLinks(f"Link {self.id}: a count of evidence cannot be negative.")

    @property
    def drawn_strength(self) -> Strength:
        """Strength that may be shown: an unreliable source or a suspected falsehood is only ``possible``."""
        doubtful = self.source_grade == 3 or self.assessment == "E"
        return "possible" if doubtful else self.strength

    def is_expired(self, as_of: date) -> bool:
        """Whether the link has passed its last day without new evidence."""
        return self.expires_on is not None and self.expires_on < as_of


def reading_order(node: Node) -> tuple[int, str, str]:
    """Sort key for every list of nodes: kind, then label, then id."""
    return KIND_ORDER.index(node.kind), node.label.casefold(), node.id


def strongest(links: Iterable[Link]) -> Strength:
    """Strongest of what may be shown of these links; at least one link is needed."""
    return min((link.drawn_strength for link in links), key=STRENGTH_ORDER.index)


class _Identified(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=_Identified)


def _by_id(records: Iterable[T]) -> dict[str, T]:
    """Records by id in order of id; the same record twice counts once."""
    found: dict[str, T] = {}
    for record in records:
        if found.setdefault(record.id, record) != record:
            raise InvalidLinks(f"Two different records have the id {record.id}.")
    return dict(sorted(found.items()))


@dataclass(frozen=True)
class LinkTable:
    """Nodes and links with the arrays that make walking them fast.

    The order in which records were given leaves no trace: everything is held in order of id. A link
    from a node to itself is listed with its node but never walked, drawn or counted.

    Attributes
    ----------
    nodes, links : tuple
        Each record once, by id.
    source, target : int32 arrays, one element a link
        Positions of its ends in ``nodes``.
    offsets, neighbour, via : int32 arrays
        Node ``i`` touches the nodes ``neighbour[offsets[i]:offsets[i + 1]]`` through the links
        ``via[…]``; each link stands in both directions.
    """

    nodes: tuple[Node, ...]
    links: tuple[Link, ...]
    source: IndexArray
    target: IndexArray
    offsets: IndexArray
    neighbour: IndexArray
    via: IndexArray

    @classmethod
    def build(cls, nodes: Iterable[Node], links: Iterable[Link]) -> LinkTable:
        """Check the records against each other and index them.

        Raises
        ------
        InvalidLinks
            Two different records share an id, or a link's end is not among the nodes. (What a reader
            may not see is left out, with its links, before it gets here; a loose end is a mistake.)

        Notes
        -----
        Time and memory grow with nodes + links; sorting the ids costs a little more.
        """
        kept_nodes, kept_links = _by_id(nodes), _by_id(links)
        position = {node_id: i for i, node_id in enumerate(kept_nodes)}
        source = _ends(kept_links.values(), [link.source for link in kept_links.values()], position)
        target = _ends(kept_links.values(), [link.target for link in kept_links.values()], position)
        walked = np.flatnonzero(source != target).astype(np.int32)
        here = np.concatenate([source[walked], target[walked]])
        there = np.concatenate([target[walked], source[walked]])
        order = np.argsort(here, kind="stable")
        starts = np.zeros(len(position) + 1, dtype=np.int32)
        np.cumsum(np.bincount(here, minlength=len(position)), out=starts[1:])
        via = np.concatenate([walked, walked])[order]
        return cls(
            tuple(kept_nodes.values()), tuple(kept_links.values()), source, target, starts, there[order], via
        )

    @cached_property
    def position(self) -> Mapping[str, int]:
        """Position of each node in ``nodes`` by its id."""
        return {node.id: i for i, node in enumerate(self.nodes)}

    @cached_property
    def last_day(self) -> IndexArray:
        """For each link, the ordinal of the last day on which it stands."""
        days = [(link.expires_on or date.max).toordinal() for link in self.links]
        return np.array(days, dtype=np.int32)

    @cached_property
    def self_links(self) -> IndexArray:
        """Positions of the links from a node to itself."""
        return np.flatnonzero(self.source == self.target).astype(np.int32)


def _ends(links: Iterable[Link], ids: list[str], position: Mapping[str, int]) -> IndexArray:
    try:
        return np.array([position[node_id] for node_id in ids], dtype=np.int32)
    except KeyError as unknown:
        at = next(link.id for link, node_id in zip(links, ids, strict=True) if node_id == unknown.args[0])
        raise InvalidLinks(f"Link {at} has an end that is not among the nodes given.") from None

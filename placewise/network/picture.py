"""What the browser draws: a neighbourhood and its positions as plain values, with words for each line."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TypedDict

from placewise.core.vocabulary import label
from placewise.network.ego import Neighbourhood, Tie
from placewise.network.layout import Position
from placewise.network.links import MEMBERSHIP, Link, Strength


class DrawnNode(TypedDict):
    """One shape; ``x`` and ``y`` in units of a 1,000 by 700 box, ``y`` downwards."""

    id: str
    kind: str
    label: str
    detail: str
    x: float
    y: float
    start: bool


class DrawnLink(TypedDict):
    """One line. ``count`` is of links that stand; ``summary`` may be read aloud."""

    id: str
    source: str
    target: str
    types: list[str]
    strength: Strength
    expired: bool
    count: int
    summary: str


class Picture(TypedDict):
    """Everything ``connections.js`` needs. ``status`` is the sentence it says first."""

    nodes: list[DrawnNode]
    links: list[DrawnLink]
    status: str


def draw(around: Neighbourhood, positions: Mapping[str, Position], *, status: str) -> Picture:
    """The neighbourhood as values that JSON can carry, labels of link types included.

    Parameters
    ----------
    around : Neighbourhood
        Not modified.
    positions : mapping of id to Position
        From `place_nodes`; every node must have one.
    status : str
        First sentence, in the chair's words.

    Raises
    ------
    KeyError
        A node has no position.
    """
    nodes = [
        DrawnNode(
            id=node.id,
            kind=node.kind,
            label=node.label,
            detail=node.detail,
            x=positions[node.id].x,
            y=positions[node.id].y,
            start=node.id in around.start,
        )
        for node in around.nodes
    ]
    links = [
        DrawnLink(
            id=tie.id,
            source=tie.source,
            target=tie.target,
            types=[type_label(code) for code in tie.types],
            strength=tie.strength,
            expired=tie.expired,
            count=tie.count,
            summary=summarise(tie, as_of=around.as_of),
        )
        for tie in around.ties
    ]
    return Picture(nodes=nodes, links=links, status=status)


def type_label(code: str) -> str:
    """What to show for a type of link, membership of a peer group included."""
    return "Member" if code == MEMBERSHIP else label("link_type", code)


def summarise(tie: Tie, *, as_of: date) -> str:
    """All links of a tie in one line: type, strength, when last seen; expired ones said to be so.

    Examples
    --------
    >>> friend = Link("l", "a", "b", "friend", "known", None, date(2026, 5, 14), None, 1, 2, "B")
    >>> tie = Tie("a~b", "a", "b", (friend,), ("friend",), "known", 1, 0)
    >>> summarise(tie, as_of=date(2026, 6, 1))
    'Friend, known, last seen 14 May 2026'
    """
    return "; ".join(_phrase(link, as_of) for link in tie.links)


def _phrase(link: Link, as_of: date) -> str:
    words = [type_label(link.type), link.drawn_strength]
    if link.last_seen:
        words.append(f"last seen {_day(link.last_seen)}")
    if link.is_expired(as_of) and link.expires_on:
        words.append(f"expired {_day(link.expires_on)}, not counted")
    return ", ".join(words)


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"

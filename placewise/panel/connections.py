"""Connections: what links a peer group or a place to others, as a picture and as a table of the same links."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, cast
from uuid import UUID

from placewise.core.vocabulary import label
from placewise.network.ego import MAX_NODES, Neighbourhood, TooLarge, neighbourhood
from placewise.network.layout import place_nodes
from placewise.network.links import (
    KIND_ORDER,
    MEMBERSHIP,
    STRENGTH_ORDER,
    Link,
    LinkTable,
    Node,
    NodeKind,
    Strength,
)
from placewise.network.picture import Picture, draw, type_label
from placewise.store import links as stored
from placewise.store.links import MOST_LINKS, EndRow, LinkRow, StepRow
from placewise.store.session import Session

Hops = Literal[1, 2]
KIND_WORDS: dict[NodeKind, tuple[str, str]] = {
    "group": ("peer group", "peer groups"),
    "place": ("place", "places"),
    "adult": ("adult", "adults"),
    "child": ("child", "children"),
}


@dataclass(frozen=True, slots=True)
class LinkLine:
    """One row of the table: both ends, and everything that says how far the link may be relied on."""

    source: Node
    target: Node
    type: str
    strength: Strength
    expired: bool
    row: LinkRow

    @property
    def is_membership(self) -> bool:
        """Whether this is a place in a peer group and not an evidenced link."""
        return self.row.type is None


@dataclass(frozen=True, slots=True)
class Connections:
    """One or two steps round a start.

    Attributes
    ----------
    around : Neighbourhood or None
        None when there is more than a picture can hold; ``refusal`` then says so.
    lines : sequence of LinkLine
        Links that stand first; then by kind and name of the ends. No order by any measure of a person.
    types : mapping-like pairs of (code, label)
        Kinds of link found, to narrow by.
    """

    start: Node
    hops: Hops
    as_of: date
    around: Neighbourhood | None
    lines: Sequence[LinkLine]
    types: Sequence[tuple[str, str]]
    refusal: str | None

    @property
    def people(self) -> list[str]:
        """Ids of the people shown, for the audit log."""
        nodes = self.around.nodes if self.around else ()
        return [node.id for node in nodes if node.kind in ("adult", "child")]


def find_connections(
    session: Session, start_id: UUID, *, hops: Hops, as_of: date, types: Collection[str] = ()
) -> Connections | None:
    """What is linked to a record, as this reader may see it; None when the start itself cannot be seen.

    Parameters
    ----------
    hops : {1, 2}
    types : collection of str
        Only links of these types; all when empty.
    """
    fetched = _fetch(session, start_id, hops=hops, as_of=as_of, types=frozenset(types))
    ends = {str(end.record_id): end_node(end) for end in stored.list_ends(session, fetched.reached)}
    start = ends.get(str(start_id))
    if start is None:
        return None
    offered = sorted(((code, type_label(code)) for code in fetched.types), key=_name)
    kept = [row for row in fetched.rows or () if str(row.source) in ends and str(row.target) in ends]
    table = LinkTable.build(ends.values(), [_link(row) for row in kept])
    found = neighbourhood(table, [start.id], as_of=as_of, hops=hops)
    if isinstance(found, TooLarge) or fetched.rows is None:
        return Connections(start, hops, as_of, None, [], offered, _refusal(ends.values()))
    by_id = {str(row.link_id): row for row in kept}
    lines = sorted((_line(link, by_id[link.id], ends, as_of) for link in found.links), key=_listing)
    return Connections(start, hops, as_of, found, lines, offered, None)


@dataclass(slots=True)
class _Fetched:
    """Ids of all ends, types met before narrowing, links among the ends; no links when there is too much to draw."""

    reached: set[UUID]
    types: set[str]
    rows: list[LinkRow] | None = None


def _fetch(session: Session, start_id: UUID, *, hops: Hops, as_of: date, types: frozenset[str]) -> _Fetched:
    """Walk outwards by the ends alone, then ask for the links among what was reached."""
    fetched = _Fetched({start_id}, set())
    frontier = {start_id}
    for _ in range(hops):
        found = stored.list_steps(session, frontier)
        fetched.types |= {step.type or MEMBERSHIP for step in found}
        wanted = [step for step in found if not types or (step.type or MEMBERSHIP) in types]
        fetched.reached |= {end for step in wanted for end in (step.source, step.target)}
        if len(found) > MOST_LINKS:
            return _Fetched({start_id}, fetched.types)  # how much there is behind them is not known
        if len(fetched.reached) > MAX_NODES:
            return fetched
        frontier = {end for step in wanted if _stands(step, as_of) for end in (step.source, step.target)}
    among = stored.list_links_among(session, fetched.reached)
    if len(among) <= MOST_LINKS:
        fetched.rows = [row for row in among if not types or (row.type or MEMBERSHIP) in types]
    return fetched


def _stands(step: StepRow, as_of: date) -> bool:
    return step.expires_on is None or step.expires_on >= as_of


def end_node(end: EndRow) -> Node:
    """What is drawn and named of a record at the end of a link."""
    if end.kind == "adult":
        detail = person_words(end.concern_category or "none", end.source_grade, end.assessment)
    elif end.kind == "child":
        detail = f"Age {label('age_band', end.detail).lower()}"
    else:
        detail = label("location_type", end.detail) if end.detail else ""
    return Node(str(end.record_id), cast(NodeKind, end.kind), end.label, detail)


def person_words(concern_category: str, source_grade: int | None, assessment: str | None) -> str:
    """What an adult is called, always with the grading that this rests on.

    >>> person_words("suspected", 2, "B")
    'Suspected person of concern, graded 2B'
    >>> person_words("none", None, None)
    'No concern recorded'
    """
    if concern_category == "none":
        return "No concern recorded"
    words = label("concern_category", concern_category)
    return f"{words}, graded {source_grade or '?'}{assessment or '?'}"


def _link(row: LinkRow) -> Link:
    return Link(
        id=str(row.link_id),
        source=str(row.source),
        target=str(row.target),
        type=row.type or MEMBERSHIP,
        strength=cast(Strength, row.strength),
        first_seen=row.first_seen,
        last_seen=row.last_seen,
        expires_on=row.expires_on,
        evidence_count=row.evidence_count,
        source_grade=row.source_grade or 0,  # not graded: neither reliable nor unreliable
        assessment=row.assessment or "",
    )


def _line(link: Link, row: LinkRow, ends: dict[str, Node], as_of: date) -> LinkLine:
    return LinkLine(
        ends[link.source],
        ends[link.target],
        type_label(link.type),
        link.drawn_strength,
        link.is_expired(as_of),
        row,
    )


def _listing(line: LinkLine) -> tuple[object, ...]:
    kinds = sorted([(KIND_ORDER.index(end.kind), end.label.casefold()) for end in (line.source, line.target)])
    return line.expired, kinds, line.type, STRENGTH_ORDER.index(line.strength), line.row.link_id


def _name(pair: tuple[str, str]) -> str:
    return pair[1]


def _refusal(reached: Collection[Node]) -> str:
    if len(reached) > MAX_NODES:
        counts = Counter(node.kind for node in reached)
        what = _kinds((kind, counts[kind]) for kind in KIND_ORDER if counts[kind])
        return (
            f"That reaches {len(reached):,} records ({what}), and one picture holds {MAX_NODES}. "
            "Choose fewer kinds of link, or start elsewhere."
        )
    return f"There are more than {MOST_LINKS:,} links here. Choose another start."


def _kinds(counts: Iterable[tuple[NodeKind, int]]) -> str:
    parts = [f"{n:,} {KIND_WORDS[kind][n != 1]}" for kind, n in counts]
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def sentence(found: Connections) -> str:
    """What a chair would say of the picture."""
    if found.around is None:
        return found.refusal or ""
    standing = {end for tie in found.around.ties if tie.count for end in (tie.source, tie.target)}
    counts = Counter(n.kind for n in found.around.nodes if n.id in standing and n.id != found.start.id)
    expired = sum(tie.expired_count for tie in found.around.ties)
    old = ""
    if expired:
        one = expired == 1
        old = (
            f" {expired:,} more {'has' if one else 'have'} expired and {'is' if one else 'are'} not counted."
        )
    if not counts:
        return f"No link of {found.start.label} stands at present.{old}"
    what = _kinds((kind, counts[kind]) for kind in KIND_ORDER if counts[kind])
    links = found.around.link_count
    steps = "one step" if found.hops == 1 else "two steps"
    noun = "link" if links == 1 else "links"
    return f"Within {steps} of {found.start.label}: {what}, joined by {links:,} {noun}.{old}"


def bridges(found: Connections) -> list[tuple[Node, list[Node]]]:
    """Places and adults that join two or more of the peer groups shown; never children.

    Returns
    -------
    list of (Node, list of Node)
        Each bridge with its groups, by kind and name.
    """
    if found.around is None:
        return []
    nodes = {node.id: node for node in found.around.nodes}
    joined: dict[str, list[Node]] = {}
    for tie in found.around.ties:
        if tie.expired:
            continue
        for one, other in ((tie.source, tie.target), (tie.target, tie.source)):
            if nodes[one].kind in ("place", "adult") and nodes[other].kind == "group":
                joined.setdefault(one, []).append(nodes[other])
    return [
        (node, sorted(joined[node.id], key=lambda g: g.label.casefold()))
        for node in found.around.nodes
        if len(joined.get(node.id, ())) > 1
    ]


def picture(found: Connections) -> Picture:
    """The drawing: the one-step picture keeps its places when the second step is added.

    Raises
    ------
    ValueError
        There is more than a picture can hold.
    """
    if found.around is None:
        raise ValueError("There is nothing to draw.")
    around, previous = found.around, None
    if found.hops == 2:
        table = LinkTable.build(around.nodes, around.links)
        first = neighbourhood(table, around.start, as_of=found.as_of, hops=1)
        if isinstance(first, Neighbourhood):
            previous = place_nodes(first.nodes, first.ties, start=first.start)
    positions = place_nodes(around.nodes, around.ties, start=around.start, previous=previous)
    return draw(around, positions, status=sentence(found))

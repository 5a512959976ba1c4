"""What connects peer groups: places and adults of concern between them, who is met there, what removal would do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from placewise.core.errors import NotFound
from placewise.network.brokerage import bridges
from placewise.network.cover import Choice
from placewise.network.exposure import exposure
from placewise.network.links import Node
from placewise.network.measures import tie_matrix
from placewise.network.what_if import Outcome, Situation, Uncertainty, best_within, resampled, what_if
from placewise.panel.connections import end_node
from placewise.panel.group_situation import Known, read_known
from placewise.store.links import list_ends
from placewise.store.network import NodeColumns
from placewise.store.session import Session

Positions = NDArray[np.int64]

#: Places and adults that one page lists.
MOST_LISTED = 30
MOST_CHANGED = 3
#: The words say that a fifth of the links is left out.
RESAMPLES, LEFT_OUT, SEED = 20, 0.2, 1


@dataclass(frozen=True, slots=True)
class PeerGroup:
    """A peer group that something joins to another, with its number of children."""

    node: Node
    children: int


@dataclass(frozen=True, slots=True)
class Connector:
    """A place or adult of concern that joins peer groups.

    Attributes
    ----------
    node : Node
    joins : tuple of int
        Positions of the groups in ``GroupConnections.groups``, ascending.
    sole_pairs : int
        Pairs of these groups that nothing else joins in one step.
    parts : int
        Parts with members in them that the network around it falls into without it.
    children : int
        Different children who are linked to it, or named with it in a record.
    by_group : tuple of int
        Those of each group in ``joins``; a child of two groups counts in both.
    in_no_group : int
    beside : int
        For a place, different adults of concern named there with a child; for an adult, different places.
    """

    node: Node
    joins: tuple[int, ...]
    sole_pairs: int
    parts: int
    children: int
    by_group: tuple[int, ...]
    in_no_group: int
    beside: int


@dataclass(frozen=True, slots=True)
class Change:
    """What removing some places and adults would do.

    Attributes
    ----------
    removed : tuple of Node
        By kind and name; none where nothing would end anything.
    outcome : Outcome
    uncertainty : Uncertainty or None
        None where nothing is removed.
    choice : Choice or None
        How far it was found to be the best; None where the reader named what to remove.
    """

    removed: tuple[Node, ...]
    outcome: Outcome
    uncertainty: Uncertainty | None
    choice: Choice | None


@dataclass(frozen=True, slots=True)
class GroupConnections:
    """What connects the peer groups that one reader sees.

    Attributes
    ----------
    as_of, since : date
        Links stand on the first; records after the second and up to the first count.
    held : int
        Peer groups, joined or not.
    groups : tuple of PeerGroup
        Those that something listed joins, by name.
    connectors : tuple of Connector
        Most groups joined first; then most pairs that nothing else joins, most children, and by name.
    more : int
        Connectors beyond `MOST_LISTED`.
    change : Change or None
        The answer to a question asked.
    """

    as_of: date
    since: date
    held: int
    groups: tuple[PeerGroup, ...]
    connectors: tuple[Connector, ...]
    more: int
    change: Change | None


@dataclass(frozen=True, slots=True)
class Joined:
    """Places and adults of concern that join two groups or more, by position, arrays of shape (q,).

    Attributes
    ----------
    of, sole_pairs, parts, children, in_no_group, beside : ndarray of int64
    joins, by_group : ndarray, shape (q, groups)
        Whether it joins a group, and how many children of the group meet it.
    """

    of: Positions
    sole_pairs: Positions
    parts: Positions
    children: Positions
    in_no_group: Positions
    beside: Positions
    joins: NDArray[np.bool_]
    by_group: Positions


def find_group_connections(
    session: Session, *, as_of: date, best: int | None = None, remove: UUID | None = None
) -> GroupConnections:
    """What connects the peer groups, and what would end without some of it, as this reader may see it.

    Parameters
    ----------
    best : int, optional
        Ask for the best choice of so many places and adults at most.
    remove : UUID, optional
        Ask what would end without this place or adult of concern.

    Raises
    ------
    NotFound
        ``remove`` is none of the places and adults of concern that can be asked about; so any child.
    """
    known = read_known(session, as_of=as_of)
    situation, columns = known.situation, known.loaded.seen.nodes
    joined = join_groups(situation)
    listed = slice(MOST_LISTED)
    shown = np.flatnonzero(joined.joins[listed].any(axis=0)).tolist()
    asked = _asked(known, best, remove)
    removed = asked[0] if asked else ()
    nodes = _nodes(
        session, columns, [*joined.of[listed].tolist(), *known.group_nodes[shown].tolist(), *removed]
    )
    shown.sort(key=lambda g: _name(nodes[int(known.group_nodes[g])]))
    return GroupConnections(
        as_of,
        known.since,
        known.group_nodes.size,
        _peer_groups(known, shown, nodes),
        tuple(
            sorted((_connector(joined, i, shown, nodes) for i in range(joined.of[listed].size)), key=_listing)
        ),
        joined.of[MOST_LISTED:].size,
        _change(situation, nodes, removed, asked[1]) if asked else None,
    )


def join_groups(situation: Situation) -> Joined:
    """Find the places and adults of concern that join two groups or more; most groups first, then most sole pairs."""
    of, ties, groups = situation.contexts, tie_matrix(situation.network), situation.groups
    found = bridges(situation.network, groups, of=of)
    # As for the bridges: a group to which an adult belongs is not one that they join to another.
    tied = (ties[of] @ groups.matrix).toarray() > 0
    joins = tied & ~(groups.matrix[of].toarray() > 0)
    harm = situation.harm
    met = np.concatenate([harm.place, harm.adult])
    beside = np.concatenate([harm.adult, harm.place])
    known = met >= 0
    met_by = exposure(
        met[known],
        np.tile(harm.child, 2)[known],
        of=of,
        n_nodes=situation.network.n_nodes,
        adult=beside[known],
        groups=groups,
    )
    order = np.lexsort((of, -met_by.children, -found.sole_pairs, -found.groups))
    order = order[found.groups[order] > 1]
    return Joined(
        of[order],
        found.sole_pairs[order],
        found.parts[order],
        met_by.children[order],
        met_by.in_no_group[order],
        np.diff(met_by.by_adult.indptr)[order].astype(np.int64),
        joins[order],
        met_by.by_group.toarray()[order],
    )


def _asked(
    known: Known, best: int | None, remove: UUID | None
) -> tuple[tuple[int, ...], Choice | None] | None:
    """Positions to remove, and how they were chosen; None where nothing is asked."""
    if remove is not None:
        at = int(known.loaded.seen.nodes.locate(np.array([remove.bytes], dtype="V16"))[0])
        if at not in known.situation.contexts:
            raise NotFound("There is no such record.")
        return (at,), None
    if best is None:
        return None
    choice = best_within(known.situation, best)
    return choice.contexts, choice


def _change(
    situation: Situation, nodes: dict[int, Node], removed: tuple[int, ...], choice: Choice | None
) -> Change:
    drop = (LEFT_OUT, LEFT_OUT)
    return Change(
        tuple(sorted((nodes[at] for at in removed), key=lambda node: (node.kind == "adult", _name(node)))),
        what_if(situation, np.array(removed, dtype=np.int64)),
        resampled(situation, removed, seed=SEED, resamples=RESAMPLES, dropped=drop) if removed else None,
        choice,
    )


def _nodes(session: Session, columns: NodeColumns, at: Iterable[int]) -> dict[int, Node]:
    ids = {UUID(bytes=columns.id[i].tobytes()): i for i in at}
    return {ids[end.record_id]: end_node(end) for end in list_ends(session, list(ids))}


def _peer_groups(known: Known, shown: list[int], nodes: dict[int, Node]) -> tuple[PeerGroup, ...]:
    children = known.situation.groups.matrix[known.loaded.of_kind("child")].sum(axis=0)
    return tuple(PeerGroup(nodes[int(known.group_nodes[g])], int(children[g])) for g in shown)


def _connector(joined: Joined, i: int, shown: list[int], nodes: dict[int, Node]) -> Connector:
    joins = np.flatnonzero(joined.joins[i, shown])
    return Connector(
        nodes[int(joined.of[i])],
        tuple(joins.tolist()),
        int(joined.sole_pairs[i]),
        int(joined.parts[i]),
        int(joined.children[i]),
        tuple(joined.by_group[i, shown][joins].tolist()),
        int(joined.in_no_group[i]),
        int(joined.beside[i]),
    )


def _listing(one: Connector) -> tuple[object, ...]:
    return -len(one.joins), -one.sole_pairs, -one.children, _name(one.node)


def _name(node: Node) -> str:
    return node.label.casefold()

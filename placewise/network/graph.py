"""The readable interface: the nodes and links people look at, as a networkx graph."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

import networkx as nx

from placewise.network.links import Link, LinkTable, Node


def to_networkx(nodes: Iterable[Node], links: Iterable[Link]) -> nx.MultiDiGraph[str]:
    """The same nodes and links as a networkx graph, each attribute under its own name.

    Meant for the small graphs people look at (up to some thousand links). Links keep their direction
    and their number: use ``.to_undirected()`` or ``nx.Graph(…)`` where neither matters.

    Returns
    -------
    networkx.MultiDiGraph
        Node ids as nodes; link ids as edge keys; in order of id. Edges also carry ``drawn_strength``.

    Raises
    ------
    InvalidLinks
        As `LinkTable.build`.

    Examples
    --------
    >>> from placewise.network.links import Link, Node
    >>> park, ada = Node("p", "place", "Park"), Node("c", "child", "C-01")
    >>> link = Link("l", "c", "p", "frequents", "known", None, None, None, 1, 2, "B")
    >>> to_networkx([park, ada], [link]).edges["c", "p", "l"]["type"]
    'frequents'
    """
    table = LinkTable.build(nodes, links)
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    for node in table.nodes:
        graph.add_node(node.id, kind=node.kind, label=node.label, detail=node.detail)
    for link in table.links:
        facts = asdict(link)
        del facts["id"], facts["source"], facts["target"]
        graph.add_edge(link.source, link.target, link.id, drawn_strength=link.drawn_strength, **facts)
    return graph

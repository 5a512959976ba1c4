"""The same network as arrays and as a networkx graph, drawn at random or made from a graph."""

from __future__ import annotations

import networkx as nx
from hypothesis import settings
from hypothesis import strategies as st

from placewise.network.arrays import Network
from placewise.network.groups import Groups


def network_of(graph: nx.Graph[int]) -> Network:
    """Arrays of a graph whose nodes are 0 to n - 1."""
    return Network.build(len(graph), [a for a, _ in graph.edges], [b for _, b in graph.edges])


@st.composite
def graphs(draw: st.DrawFn, *, least: int = 1, most: int = 14) -> nx.Graph[int]:
    """Small graphs of every density, in one piece or several."""
    n = draw(st.integers(least, most))
    graph: nx.Graph[int] = nx.gnp_random_graph(
        n, draw(st.floats(0, 0.6)), seed=draw(st.integers(0, 2**32 - 1))
    )
    return graph


#: The first example may have to wait for a loop to be compiled.
UNTIMED = settings(deadline=None)
STAR = nx.star_graph(50_000)


def memberships(data: st.DataObject, graph: nx.Graph[int]) -> tuple[Groups, dict[int, set[int]]]:
    """Up to four groups, each node in none, one or several; as arrays and as a set by node."""
    drawn = data.draw(st.lists(st.tuples(st.sampled_from(sorted(graph)), st.integers(0, 3)), max_size=20))
    belongs = {v: {group for who, group in drawn if who == v} for v in graph}
    return Groups.build(len(graph), [v for v, _ in drawn], [g for _, g in drawn], n_groups=4), belongs

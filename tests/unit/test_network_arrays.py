"""The whole network as arrays, against networkx."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placewise.core.errors import InvalidLinks
from placewise.network.arrays import Network

ENDS = st.integers(1, 12).flatmap(
    lambda n: st.tuples(st.just(n), st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1))))
)


@given(ENDS)
def test_ties_are_those_of_networkx_whatever_the_order_and_repetition(drawn):
    n, links = drawn
    graph = nx.Graph()
    graph.add_nodes_from(range(n))
    graph.add_edges_from((a, b) for a, b in links if a != b)
    found = Network.build(n, [a for a, _ in links], [b for _, b in links])
    assert set(zip(found.source.tolist(), found.target.tolist(), strict=True)) == {
        tuple(sorted(edge)) for edge in graph.edges
    }
    assert found.self_links == sum(a == b for a, b in links)
    assert found.weight.sum() == found.links_given == len(links) - found.self_links
    for i in range(n):
        near = slice(found.offsets[i], found.offsets[i + 1])
        assert found.neighbour[near].tolist() == sorted(graph.neighbors(i))
        ends = np.stack([found.source, found.target])[:, found.tie[near]]
        assert (ends.sum(axis=0) - i).tolist() == sorted(graph.neighbors(i))
    assert found.degree.tolist() == [graph.degree(i) for i in range(n)]


def test_a_network_of_nothing_is_a_network():
    assert Network.build(0, [], []).n_ties == 0
    assert Network.build(4, [], []).degree.tolist() == [0, 0, 0, 0]


def test_nodes_and_ties_can_be_taken_away_and_the_network_stays_as_it_was():
    square = Network.build(4, [0, 1, 2, 3], [1, 2, 3, 0], weight=[1, 2, 3, 4])
    assert square.without([1]).degree.tolist() == [1, 0, 1, 2]
    assert square.only(square.weight > 2).n_ties == 2
    assert square.n_ties == 4


@pytest.mark.parametrize(
    ("source", "target", "weight", "said"),
    [
        ([0], [5], None, "not among the 3"),
        ([-1], [0], None, "not among the 3"),
        ([0.5], [1], None, "whole numbers"),
        ([0, 1], [1], None, "needs a source"),
        ([0], [1], [0], "above nought"),
        ([0], [1], [np.nan], "above nought"),
    ],
)
def test_what_is_no_link_is_refused(source, target, weight, said):
    with pytest.raises(InvalidLinks, match=said):
        Network.build(3, source, target, weight=weight)

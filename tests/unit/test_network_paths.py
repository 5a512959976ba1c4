"""Shortest ways, against networkx and against all ways listed."""

from itertools import islice

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placewise.core.errors import InvalidLinks
from placewise.network.arrays import Network
from placewise.network.paths import shortest_paths
from tests.graphs import STAR, UNTIMED, graphs, network_of


def all_ways(graph, start, end, most):
    """Every way whose first node alone is of the start and whose last alone is of the end, in order."""
    ways = [(v,) for v in start & end]
    for a in start - end:
        for b in end - start:
            inner = graph.subgraph(set(graph) - (start | end) | {a, b})
            ways += map(tuple, nx.all_simple_paths(inner, a, b, cutoff=most))
    return sorted(ways, key=lambda way: (len(way), way))


@UNTIMED
@given(graphs(most=8), st.data())
def test_ways_are_the_first_of_all_there_are_in_order(graph, data):
    ends = st.sets(st.sampled_from(sorted(graph)), min_size=1, max_size=3)
    start, end = data.draw(ends), data.draw(ends)
    between = data.draw(st.one_of(st.none(), st.integers(0, 4)))
    count = data.draw(st.integers(1, 40))
    found = shortest_paths(network_of(graph), list(start), list(end), count=count, max_between=between)
    most = len(graph) if between is None else between + 1
    assert [path.nodes for path in found] == all_ways(graph, start, end, most)[:count]


@pytest.mark.parametrize("seed", range(4))
def test_ways_in_larger_networks_are_as_short_as_those_of_networkx(seed):
    graph = nx.watts_strogatz_graph(60, 4, 0.2, seed=seed)
    found = shortest_paths(network_of(graph), 3, 41, count=60, max_between=None)
    expected = list(islice(nx.shortest_simple_paths(graph, 3, 41), 60))
    assert [len(path.nodes) for path in found] == [len(way) for way in expected]
    last = len(expected[-1])
    assert {path.nodes for path in found if len(path.nodes) < last} == {
        tuple(way) for way in expected if len(way) < last
    }
    assert all(nx.is_simple_path(graph, path.nodes) for path in found)
    assert len({path.nodes for path in found}) == 60


def test_each_step_comes_with_its_tie():
    network = network_of(nx.karate_club_graph())
    for path in shortest_paths(network, 0, 33, count=30, max_between=3):
        ends = zip(network.source[list(path.ties)], network.target[list(path.ties)], strict=True)
        steps = zip(path.nodes[:-1], path.nodes[1:], strict=True)
        assert [set(map(int, pair)) for pair in ends] == [set(pair) for pair in steps]


def test_a_way_does_not_go_back_into_the_group_it_starts_from():
    """0 and 1 are the group; 1 has a way of its own to 4, as long as the one through 0."""
    graph = nx.Graph([(0, 1), (0, 3), (1, 2), (2, 3), (3, 4)])
    found = shortest_paths(network_of(graph), [0, 1], 4, count=5, max_between=None)
    assert [path.nodes for path in found] == [(0, 3, 4), (1, 2, 3, 4)]


def test_by_default_one_node_may_lie_between():
    path = network_of(nx.path_graph(4))
    assert [found.nodes for found in shortest_paths(path, 0, 2)] == [(0, 1, 2)]
    assert shortest_paths(path, 0, 3) == ()
    assert [found.nodes for found in shortest_paths(path, 0, 3, max_between=2)] == [(0, 1, 2, 3)]


def test_where_there_is_no_way_there_is_no_path():
    assert shortest_paths(Network.build(2, [], []), 0, 1, max_between=None) == ()
    two = network_of(nx.disjoint_union(nx.path_graph(3), nx.path_graph(3)))
    assert shortest_paths(two, 0, 5, max_between=None) == ()
    assert [found.nodes for found in shortest_paths(Network.build(1, [], []), 0, 0)] == [(0,)]


def test_ways_across_a_hub_of_50_000():
    assert [path.nodes for path in shortest_paths(network_of(STAR), [7, 9], [50_000], count=3)] == [
        (7, 0, 50_000),
        (9, 0, 50_000),
    ]


@pytest.mark.parametrize(
    ("start", "end", "asked"),
    [([], 1, {}), (0, [], {}), (0, 5, {}), (0, 1, {"count": 0}), (0, 1, {"max_between": -1})],
)
def test_what_is_no_question_is_refused(start, end, asked):
    with pytest.raises(InvalidLinks):
        shortest_paths(Network.build(2, [0], [1]), start, end, **asked)

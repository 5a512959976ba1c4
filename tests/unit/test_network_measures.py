"""Separate parts, cores and surroundings, against networkx."""

import inspect

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placewise.core.errors import InvalidLinks
from placewise.network.arrays import Network
from placewise.network.betweenness import betweenness, sources_needed
from placewise.network.brokerage import bridges
from placewise.network.measures import core_numbers, core_sizes, separate_parts, surroundings
from tests.graphs import STAR, UNTIMED, graphs, network_of


@given(graphs())
def test_parts_are_those_of_networkx_numbered_by_their_first_node(graph):
    found = separate_parts(network_of(graph))
    parts = sorted(nx.connected_components(graph), key=min)
    assert [set(np.flatnonzero(found.part == i)) for i in range(found.size.size)] == parts
    assert found.size.tolist() == [len(part) for part in parts]


@UNTIMED
@given(graphs(most=30))
def test_core_numbers_are_those_of_networkx(graph):
    expected = nx.core_number(graph)
    assert core_numbers(network_of(graph), of=list(graph)).tolist() == [expected[v] for v in graph]
    assert core_sizes(network_of(graph)).tolist() == [
        len(nx.k_core(graph, k, expected)) for k in range(max(expected.values()) + 1)
    ]


def test_cores_of_larger_networks_are_those_of_networkx():
    for graph in (
        nx.barabasi_albert_graph(800, 4, seed=3),
        nx.karate_club_graph(),
        nx.gnm_random_graph(500, 3000, 1),
    ):
        expected = nx.core_number(graph)
        assert core_numbers(network_of(graph), of=list(graph)).tolist() == [expected[v] for v in graph]


def test_only_those_asked_for_are_given_a_number():
    network = network_of(nx.krackhardt_kite_graph())
    assert core_numbers(network, of=[9, 3]).tolist() == [1, 3]
    assert core_numbers(network, of=[]).tolist() == []


@UNTIMED
@given(graphs(), st.data())
def test_surroundings_are_the_ego_network_of_networkx(graph, data):
    start = data.draw(st.lists(st.sampled_from(sorted(graph)), min_size=1, max_size=3))
    hops = data.draw(st.integers(0, 3))
    network = network_of(graph)
    found = surroundings(network, start, hops=hops)
    steps = nx.multi_source_dijkstra_path_length(graph, set(start), cutoff=hops)
    assert dict(zip(found.nodes.tolist(), found.steps.tolist(), strict=True)) == steps
    assert found.steps.tolist() == sorted(found.steps.tolist())
    among = zip(network.source[found.ties].tolist(), network.target[found.ties].tolist(), strict=True)
    assert list(among) == sorted(tuple(sorted(edge)) for edge in graph.subgraph(steps).edges)


def test_a_network_without_ties_has_parts_and_cores_of_one():
    alone = Network.build(3, [], [])
    assert separate_parts(alone).size.tolist() == [1, 1, 1]
    assert core_numbers(alone, of=[2]).tolist() == [0]
    assert core_sizes(alone).tolist() == [3]
    assert surroundings(alone, [1]).nodes.tolist() == [1]
    nothing = Network.build(0, [], [])
    assert separate_parts(nothing).size.tolist() == []
    assert core_sizes(nothing).tolist() == [0]


def test_a_hub_of_50_000_is_walked_like_any_other():
    star = network_of(STAR)
    assert separate_parts(star).size.tolist() == [50_001]
    assert core_numbers(star, of=[0, 7]).tolist() == [1, 1]
    assert surroundings(star, [7], hops=1).nodes.tolist() == [7, 0]
    assert surroundings(star, [7]).ties.size == 50_000


@pytest.mark.parametrize(("start", "hops"), [([], 2), ([3], 2), ([-1], 2), ([0], -1)])
def test_surroundings_of_nobody_are_refused(start, hops):
    with pytest.raises(InvalidLinks):
        surroundings(Network.build(3, [0], [1]), start, hops=hops)


@pytest.mark.parametrize("measure", [core_numbers, betweenness, sources_needed, bridges])
def test_no_measure_is_given_for_all_nodes_unasked(measure):
    """Children are never ranked: whoever wants numbers of nodes names the places and the adults of concern."""
    assert inspect.signature(measure).parameters["of"].default is inspect.Parameter.empty

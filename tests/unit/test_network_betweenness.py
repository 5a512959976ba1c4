"""Betweenness, exact and from some sources, against networkx and plain counting."""

import math
from itertools import combinations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placewise.core.errors import CalculationStopped, InvalidLinks
from placewise.network import betweenness as module
from placewise.network.arrays import Network
from placewise.network.betweenness import betweenness, sources_needed
from placewise.network.groups import Groups
from tests.graphs import STAR, UNTIMED, graphs, memberships, network_of


def test_the_published_answers_of_the_kite():
    found = betweenness(network_of(nx.krackhardt_kite_graph()), of=[7, 8, 5, 6, 0, 9])
    assert found.routes == pytest.approx([14, 8, 25 / 3, 25 / 3, 5 / 6, 0])
    assert found.share == pytest.approx(found.routes / 36)
    assert (found.sources, found.possible, found.margin.tolist()) == (10, 10, [0.0] * 6)


@UNTIMED
@given(graphs(most=20))
def test_routes_are_those_of_networkx(graph):
    found = betweenness(network_of(graph), of=list(graph))
    expected = nx.betweenness_centrality(graph, normalized=False)
    assert found.routes == pytest.approx([expected[v] for v in graph], abs=1e-9)
    for v in graph:
        others = graph.subgraph(set(graph) - {v})
        ways = sum(nx.has_path(graph, a, b) for a, b in combinations(others, 2))
        assert found.pairs[v] == ways


@pytest.mark.parametrize("graph", [nx.karate_club_graph(), nx.barabasi_albert_graph(300, 3, seed=2)])
def test_in_one_piece_shares_are_the_normalised_ones_of_networkx(graph):
    expected = nx.betweenness_centrality(graph, weight=None)
    found = betweenness(network_of(graph), of=list(graph))
    assert found.share == pytest.approx([expected[v] for v in graph], abs=1e-12)


def between_groups(graph, belongs, v):
    """Shares of shortest routes through v, counted path by path, and the pairs that have one."""
    through = pairs = 0
    for a, b in combinations(sorted(set(graph) - {v}), 2):
        if belongs[a] and belongs[b] and not belongs[a] & belongs[b] and nx.has_path(graph, a, b):
            routes = list(nx.all_shortest_paths(graph, a, b))
            pairs += 1
            through += sum(v in route for route in routes) / len(routes)
    return through, pairs


@UNTIMED
@given(graphs(most=10), st.data())
def test_routes_between_groups_are_those_counted_one_by_one(graph, data):
    groups, belongs = memberships(data, graph)
    found = betweenness(network_of(graph), of=list(graph), groups=groups)
    expected = [between_groups(graph, belongs, v) for v in graph]
    assert found.routes == pytest.approx([through for through, _ in expected], abs=1e-9)
    assert found.pairs.tolist() == [pairs for _, pairs in expected]


def test_some_sources_give_the_mean_over_these_sources():
    graph = nx.barabasi_albert_graph(200, 3, seed=5)
    n = len(graph)
    found = betweenness(network_of(graph), of=list(graph), sources=20, seed=8)
    drawn = np.random.Generator(np.random.SFC64(8)).choice(n, 20, replace=False)
    some = nx.betweenness_centrality_subset(graph, drawn.tolist(), list(graph))
    expected = [some[v] * 2 * n / 20 / ((n - 1) * (n - 2)) for v in graph]
    assert found.share == pytest.approx(expected, abs=1e-12)
    assert found.sources == 20


HARD = [
    nx.barbell_graph(60, 1),  # every other source adds nearly all it can to the middle
    nx.barabasi_albert_graph(150, 2, seed=4),
    nx.disjoint_union(nx.star_graph(80), nx.path_graph(60)),
]


@pytest.mark.parametrize("graph", HARD)
def test_the_margin_holds_for_every_seed_and_all_asked_for_at_once(graph):
    network, of = network_of(graph), list(graph)
    true = betweenness(network, of=of)
    beyond = 0
    estimates = []
    for seed in range(200):
        found = betweenness(network, of=of, sources=40, seed=seed, confidence=0.9)
        beyond += bool(np.any(np.abs(found.share - true.share) > found.margin))
        estimates.append(found.share)
    assert beyond <= 20
    standard_error = np.std(estimates, axis=0) / np.sqrt(200)
    assert np.all(np.abs(np.mean(estimates, axis=0) - true.share) <= 5 * standard_error + 1e-12)


def test_the_margin_is_that_of_the_formula():
    """A path of 101: from each of 101 sources 100 ends, and 100 × 99 pairs without oneself."""
    found = betweenness(network_of(nx.path_graph(101)), of=[50, 3], sources=26, confidence=0.9)
    per_source = 101 * 100 / (100 * 99)
    assert found.margin == pytest.approx([per_source * math.sqrt((1 - 25 / 101) * math.log(40) / 52)] * 2)


@UNTIMED
@given(graphs(least=6, most=20), st.data())
def test_margins_of_some_sources_hold_between_groups_too(graph, data):
    groups, _ = memberships(data, graph)
    network, of = network_of(graph), list(graph)
    true = betweenness(network, of=of, groups=groups)
    found = betweenness(network, of=of, groups=groups, sources=4, seed=1, confidence=1 - 1e-6)
    assert np.all(np.abs(found.share - true.share) <= found.margin + 1e-12)


@pytest.mark.parametrize("margin", [0.01, 0.05, 0.2])
def test_as_many_sources_as_needed_and_no_more_keep_the_margin(margin):
    network, of = network_of(nx.barabasi_albert_graph(3000, 3, seed=1)), [0, 1, 2]
    needed = sources_needed(network, of=of, margin=margin)
    assert betweenness(network, of=of, sources=needed).margin.max() <= margin
    assert betweenness(network, of=of, sources=needed - 1).margin.max() > margin


def test_neither_pieces_nor_the_order_asked_change_a_bit(monkeypatch):
    network = network_of(nx.barabasi_albert_graph(120, 3, seed=5))
    whole = betweenness(network, of=range(120)).share
    told = []
    monkeypatch.setattr(module, "PIECE", 7)
    pieces = betweenness(
        network, of=range(119, -1, -1), on_progress=lambda *at: told.append(at) is None
    ).share
    assert np.array_equal(whole, pieces[::-1])
    assert told[0] == (7, 120)
    assert told[-1] == (120, 120)


def test_whoever_stops_the_work_gets_no_result():
    with pytest.raises(CalculationStopped):
        betweenness(network_of(nx.path_graph(100)), of=[3], on_progress=lambda done, total: done < 30)


def test_degenerate_networks_have_plain_answers():
    assert betweenness(Network.build(0, [], []), of=[]).share.tolist() == []
    for n in (1, 2, 5):
        alone = betweenness(Network.build(n, [], []), of=[0], sources=1)
        assert (alone.share.tolist(), alone.pairs.tolist(), alone.margin.tolist()) == ([0], [0], [0])
        assert sources_needed(Network.build(n, [], []), of=[0], margin=0.1) == 0
    nobody = Groups.build(5, [], [], n_groups=0)
    assert betweenness(network_of(nx.path_graph(5)), of=[2], groups=nobody).share.tolist() == [0]
    two = network_of(nx.disjoint_union(nx.path_graph(3), nx.path_graph(3)))
    assert betweenness(two, of=[1, 4]).routes.tolist() == [1, 1]
    assert betweenness(two, of=[1, 4]).share.tolist() == [0.25, 0.25]


def test_a_hub_of_50_000_takes_all_routes():
    found = betweenness(network_of(STAR), of=[0, 9], sources=30)
    assert abs(found.share - [1, 0]) == pytest.approx([0, 0], abs=1e-4)


def test_more_routes_than_a_number_can_hold_are_refused_not_guessed():
    chain = nx.Graph()
    for i in range(0, 7200, 3):
        chain.add_edges_from([(i, i + 1), (i, i + 2), (i + 1, i + 3), (i + 2, i + 3)])
    with pytest.raises(InvalidLinks, match="more equally short routes"):
        betweenness(network_of(chain), of=[3], sources=1)


def test_what_cannot_be_asked_is_refused():
    network = network_of(nx.path_graph(4))
    with pytest.raises(InvalidLinks):
        betweenness(network, of=[4])
    with pytest.raises(InvalidLinks, match="of 3 nodes"):
        betweenness(network, of=[1], groups=Groups.build(3, [], [], n_groups=0))
    for wrong in ({"sources": 0}, {"confidence": 1.0}):
        with pytest.raises(ValueError, match="must be"):
            betweenness(network, of=[1], **wrong)
    with pytest.raises(ValueError, match="above nought"):
        sources_needed(network, of=[1], margin=0)

"""What lies between groups, against counting with sets."""

from itertools import combinations

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placewise.core.errors import InvalidLinks, TooManyPairs
from placewise.network import brokerage as module
from placewise.network.arrays import Network
from placewise.network.brokerage import bridges, places_sharing_adults
from placewise.network.groups import Groups
from tests.graphs import STAR, UNTIMED, graphs, memberships, network_of


def touched(graph, belongs, v):
    return {group for near in graph[v] for group in belongs[near]} - belongs[v]


def joined_directly(graph, belongs, one, other):
    members = [{v for v in graph if group in belongs[v]} for group in (one, other)]
    return bool(members[0] & members[1]) or any(graph.has_edge(a, b) for a in members[0] for b in members[1])


def sole_pairs(graph, belongs, v):
    found = 0
    for pair in combinations(touched(graph, belongs, v), 2):
        others = [u for u in graph if u != v and set(pair) <= touched(graph, belongs, u)]
        found += not others and not joined_directly(graph, belongs, *pair)
    return found


def open_pairs(graph, belongs, v):
    near = [u for u in graph[v] if belongs[u] and not belongs[u] & belongs[v]]
    return sum(not belongs[a] & belongs[b] and not graph.has_edge(a, b) for a, b in combinations(near, 2))


def parts_left(graph, belongs, v):
    whole = nx.node_connected_component(graph, v)
    left = nx.connected_components(graph.subgraph(whole - {v}))
    return sum(any(belongs[u] for u in part) for part in left)


@UNTIMED
@given(graphs(), st.data())
def test_bridges_are_those_counted_with_sets(graph, data):
    groups, belongs = memberships(data, graph)
    of = data.draw(st.lists(st.sampled_from(sorted(graph)), max_size=8))
    found = bridges(network_of(graph), groups, of=of)
    assert found.of.tolist() == of
    assert found.groups.tolist() == [len(touched(graph, belongs, v)) for v in of]
    assert found.pairs.tolist() == [n * (n - 1) // 2 for n in found.groups.tolist()]
    assert found.sole_pairs.tolist() == [sole_pairs(graph, belongs, v) for v in of]
    assert found.open_pairs.tolist() == [open_pairs(graph, belongs, v) for v in of]
    assert found.parts.tolist() == [parts_left(graph, belongs, v) for v in of]


def test_a_shop_that_alone_joins_two_groups_is_told_from_a_park_beside_another():
    """Groups of three; the shop (9) joins the first two, park (10) and square (11) the last two."""
    graph = nx.disjoint_union_all([nx.complete_graph(3)] * 3)
    graph.add_edges_from([(9, 0), (9, 1), (9, 3), (10, 4), (10, 6), (11, 5), (11, 7)])
    groups = Groups.build(12, range(9), [0, 0, 0, 1, 1, 1, 2, 2, 2], n_groups=3)
    found = bridges(network_of(graph), groups, of=[9, 10, 11])
    assert found.pairs.tolist() == [1, 1, 1]
    assert found.sole_pairs.tolist() == [1, 0, 0]
    assert found.open_pairs.tolist() == [2, 1, 1]
    assert found.parts.tolist() == [2, 1, 1]


def test_groups_gone_through_in_blocks_have_the_same_sole_pairs(monkeypatch):
    graph = nx.gnm_random_graph(150, 200, seed=6)
    groups = Groups.build(150, range(100), [i // 5 for i in range(100)], n_groups=20)
    whole = bridges(network_of(graph), groups, of=range(150)).sole_pairs
    monkeypatch.setattr(module, "AT_ONCE", 3)
    assert whole.sum() > 20
    assert bridges(network_of(graph), groups, of=range(150)).sole_pairs.tolist() == whole.tolist()


def test_two_rings_that_share_one_place_fall_apart_without_it():
    rings = nx.Graph([(0, 1), (1, 2), (2, 0), (0, 3), (3, 4), (4, 0)])
    groups = Groups.build(5, [1, 2, 3, 4], [0, 0, 1, 1], n_groups=2)
    assert bridges(network_of(rings), groups, of=[0, 1]).parts.tolist() == [2, 1]


def test_a_long_chain_does_not_end_the_search():
    chain = network_of(nx.path_graph(30_000))
    ends = Groups.build(30_000, [0, 29_999], [0, 1], n_groups=2)
    assert bridges(chain, ends, of=[15_000, 0]).parts.tolist() == [2, 1]


def test_networks_without_ties_or_groups_have_noughts():
    for groups in (Groups.build(3, [], [], n_groups=0), Groups.build(3, [1, 2], [0, 1], n_groups=2)):
        alone = bridges(Network.build(3, [], []), groups, of=[0, 1])
        assert [alone.groups.tolist(), alone.sole_pairs.tolist(), alone.parts.tolist()] == [[0, 0]] * 3
    unknown = bridges(network_of(nx.star_graph(3)), Groups.build(4, [], [], n_groups=0), of=[0])
    assert (unknown.open_pairs.tolist(), unknown.parts.tolist()) == ([0], [0])


def test_a_hub_of_50_000_is_counted_without_making_its_pairs():
    numbers = [i % 500 for i in range(50_000)]
    groups = Groups.build(50_001, range(1, 50_001), numbers, n_groups=500)
    found = bridges(network_of(STAR), groups, of=[0, 1])
    assert found.pairs.tolist() == [500 * 499 // 2, 0]
    assert found.open_pairs.tolist() == [100 * 100 * (500 * 499 // 2), 0]
    assert found.parts.tolist() == [50_000, 1]


def test_a_hub_of_too_many_groups_is_refused_with_what_to_do(monkeypatch):
    monkeypatch.setattr(module, "MOST_COUNTED", 5)
    monkeypatch.setattr(module, "MOST_HELD", 5)
    groups = Groups.build(5, range(1, 5), range(4), n_groups=4)
    with pytest.raises(TooManyPairs, match=r"6 pairs.*such as a station"):
        bridges(network_of(nx.star_graph(4)), groups, of=[1])
    with pytest.raises(TooManyPairs, match="very many places"):
        places_sharing_adults(network_of(nx.star_graph(4)), places=range(1, 5), adults=[0])


@pytest.mark.parametrize(
    ("member", "group", "n_groups"), [([5], [0], 1), ([0], [1], 1), ([0, 1], [0], 1), ([0], [-1], 1)]
)
def test_memberships_of_nobody_or_nothing_are_refused(member, group, n_groups):
    with pytest.raises(InvalidLinks):
        Groups.build(5, member, group, n_groups=n_groups)


def test_groups_of_another_network_are_refused():
    with pytest.raises(InvalidLinks, match="groups are of 3 nodes, the network of 2"):
        bridges(Network.build(2, [], []), Groups.build(3, [], [], n_groups=0), of=[0])


@UNTIMED
@given(graphs(), st.data())
def test_places_that_share_adults_are_those_counted_with_sets(graph, data):
    adults = data.draw(st.sets(st.sampled_from(sorted(graph))))
    places = sorted(set(graph) - adults)
    at_least = data.draw(st.integers(1, 3))
    found = places_sharing_adults(network_of(graph), places=places, adults=sorted(adults), at_least=at_least)
    at = {place: set(graph[place]) & adults for place in places}
    expected = {
        pair: at[pair[0]] & at[pair[1]]
        for pair in combinations(places, 2)
        if len(at[pair[0]] & at[pair[1]]) >= at_least
    }
    assert list(zip(found.one.tolist(), found.other.tolist(), strict=True)) == list(expected)
    assert found.shared.tolist() == [len(both) for both in expected.values()]
    known = len(set().union(*at.values())) if at else 0
    for i, ((one, other), both) in enumerate(expected.items()):
        assert found.adult[found.starts[i] : found.starts[i + 1]].tolist() == sorted(both)
        assert found.expected[i] == pytest.approx(len(at[one]) * len(at[other]) / known)

"""Suggested peer groups, against networkx, scikit-learn and published answers."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.metrics import adjusted_rand_score

from placewise.core.errors import CalculationStopped, InvalidLinks
from placewise.network.arrays import Network
from placewise.network.communities import adjusted_rand, modularity, suggest_groups
from tests.graphs import UNTIMED, network_of


@st.composite
def networks(draw, most: int = 14) -> Network:
    """Any network, weighted by whole numbers."""
    n = draw(st.integers(1, most))
    ends = st.integers(0, n - 1)
    links = draw(st.lists(st.tuples(ends, ends, st.integers(1, 4)), max_size=40))
    source, target, weight = np.array(links, dtype=np.int64).reshape(-1, 3).T
    return Network.build(n, source, target, weight=weight)


def pieces_of(network: Network, members: np.ndarray) -> int:
    """Pieces that some nodes fall into by the ties among them."""
    inside = np.isin(network.source, members) & np.isin(network.target, members)
    apart = connected_components(matrix(network.only(inside)), directed=False)[1]
    return np.unique(apart[members]).size


def matrix(network: Network):
    shape = (network.n_nodes, network.n_nodes)
    return coo_array((network.weight, (network.source, network.target)), shape=shape).tocsr()


@pytest.mark.parametrize(
    ("graph", "known"), [(nx.karate_club_graph(), 0.4198), (nx.les_miserables_graph(), 0.5600)]
)
def test_the_best_known_answers_are_found_from_every_one_of_100_seeds(graph, known):
    network = network_of(nx.convert_node_labels_to_integers(graph))
    found = [suggest_groups(network, seed=seed, starts=3).modularity for seed in range(100)]
    assert known - 0.0005 < min(found)
    assert max(found) < known + 0.0005


@UNTIMED
@given(networks(), st.data(), st.sampled_from([0.5, 1.0, 2.3]))
def test_modularity_is_that_network_of(network, data, resolution):
    labels = data.draw(st.lists(st.integers(0, 5), min_size=network.n_nodes, max_size=network.n_nodes))
    graph = nx.from_scipy_sparse_array(matrix(network))
    groups = [{i for i, own in enumerate(labels) if own == label} for label in set(labels)]
    expected = nx.community.modularity(graph, groups, resolution=resolution) if network.n_ties else 0.0
    assert modularity(network, labels, resolution=resolution) == pytest.approx(expected, abs=1e-12)


@UNTIMED
@given(networks(), st.integers(0, 50), st.sampled_from([0.3, 1.0, 2.3]))
def test_every_group_hangs_together_and_what_is_said_of_the_whole_is_so(network, seed, resolution):
    found = suggest_groups(network, seed=seed, resolution=resolution, starts=2)
    assert [pieces_of(network, members) for members in found.members] == [1] * len(found.members)
    assert sorted(np.concatenate(found.members).tolist()) == list(range(network.n_nodes))
    assert [members[0] for members in found.members] == sorted(members[0] for members in found.members)
    assert found.modularity == pytest.approx(modularity(network, found.label, resolution=resolution))
    alone = modularity(network, np.arange(network.n_nodes), resolution=resolution)
    assert found.modularity >= alone - 1e-12


@settings(UNTIMED, max_examples=60)
@given(networks(most=6), st.sampled_from([0.5, 1.0, 2.0]))
def test_on_small_networks_no_grouping_whatever_is_better(network, resolution):
    best = max(modularity(network, labels, resolution=resolution) for labels in groupings(network.n_nodes))
    assert suggest_groups(network, seed=1, resolution=resolution).modularity == pytest.approx(best, abs=1e-9)


def groupings(n: int) -> list[list[int]]:
    """All ways to put n nodes in groups."""
    ways: list[list[int]] = [[]]
    for _ in range(n):
        ways = [[*way, label] for way in ways for label in range(max(way, default=-1) + 2)]
    return ways


@UNTIMED
@given(networks(), st.randoms(use_true_random=False))
def test_the_order_and_direction_of_links_make_no_difference_and_the_seed_repeats(network, random):
    links = list(zip(network.source, network.target, network.weight, strict=True))
    random.shuffle(links)
    turned = [(b, a, w) if random.random() < 0.5 else (a, b, w) for a, b, w in links]
    source, target, weight = np.array(turned).reshape(-1, 3).T
    again = Network.build(network.n_nodes, source.astype(int), target.astype(int), weight=weight)
    one, other = suggest_groups(network, seed=7), suggest_groups(again, seed=7)
    assert one.label.tolist() == other.label.tolist()


def test_weights_count_and_their_unit_does_not():
    square = [0, 1, 2, 3], [1, 2, 3, 0]
    for unit in (1.0, 1e-6, 3e7):
        heavy = Network.build(4, *square, weight=np.array([9, 1, 9, 1]) * unit)
        assert suggest_groups(heavy, seed=1).label.tolist() == [0, 0, 1, 1]
    other = Network.build(4, *square, weight=[1, 9, 1, 9])
    assert suggest_groups(other, seed=1).label.tolist() == [0, 1, 1, 0]


def test_resolution_divides_further_and_joins():
    ring = network_of(nx.ring_of_cliques(12, 5))
    few, usual, many = (suggest_groups(ring, seed=1, resolution=r).size.size for r in (0.1, 1.0, 20.0))
    assert few < usual == 12 < many


@pytest.mark.parametrize("n", [0, 1, 5])
def test_without_ties_everybody_is_alone(n):
    found = suggest_groups(Network.build(n, [0] * (n > 0), [0] * (n > 0)), seed=1)
    assert found.label.tolist() == list(range(n))
    assert found.modularity == 0.0
    assert len(found.members) == n


def test_a_hub_of_50_000_is_one_group():
    star = Network.build(50_001, np.zeros(50_000, dtype=int), np.arange(1, 50_001))
    assert suggest_groups(star, seed=1, starts=1).size.tolist() == [50_001]


def test_progress_is_told_and_a_stop_is_heeded():
    told = []

    def stop_at_two(done: int, total: int) -> bool:
        told.append((done, total))
        return done < 2

    with pytest.raises(CalculationStopped):
        suggest_groups(Network.build(3, [0], [1]), seed=1, starts=5, on_progress=stop_at_two)
    assert told == [(1, 5), (2, 5)]


@pytest.mark.parametrize("options", [{"resolution": 0}, {"resolution": np.nan}, {"starts": 0}])
def test_options_that_mean_nothing_are_refused(options):
    with pytest.raises(ValueError, match="above 0"):
        suggest_groups(Network.build(3, [0], [1]), seed=1, **options)


def test_a_grouping_of_other_nodes_is_refused():
    with pytest.raises(InvalidLinks, match="3 nodes, and 2"):
        modularity(Network.build(3, [0], [1]), [0, 0])


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=30))
def test_the_agreement_of_two_groupings_is_that_of_scikit_learn(pairs):
    one, other = [a for a, _ in pairs], [b for _, b in pairs]
    assert adjusted_rand(one, other) == pytest.approx(adjusted_rand_score(one, other), abs=1e-12)

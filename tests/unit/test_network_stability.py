"""What suggested groups are worth: ties left out, networks without groups, and the demo's planted groups."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placewise.core.errors import CalculationStopped
from placewise.network.arrays import Network
from placewise.network.communities import SuggestedGroups, adjusted_rand, suggest_groups
from placewise.network.stability import beside_chance, holds, redrawn, rewired
from tests.graphs import UNTIMED, graphs, network_of
from tests.partner_files import Files


def without_groups(n: int, mean_ties: float, rng: np.random.Generator) -> Network:
    """Everybody tied to anybody."""
    return network_of(nx.gnp_random_graph(n, mean_ties / n, seed=int(rng.integers(2**31))))


CLIQUES = network_of(nx.ring_of_cliques(8, 6))


def test_cliques_come_back_and_chance_has_nothing_like_them():
    groups = suggest_groups(CLIQUES, seed=1)
    drawn, chance = redrawn(CLIQUES, groups, seed=2), beside_chance(CLIQUES, groups, seed=3)
    assert groups.size.tolist() == [6] * 8
    assert drawn.nearly.min() >= 48
    assert drawn.together.min() > 0.95
    assert chance.as_strong.tolist() == [0] * 8
    assert chance.modularity_as_high == 0
    assert holds(drawn, chance).all()


def test_groups_that_the_ties_do_not_suggest_do_not_come_back():
    dealt = np.arange(48, dtype=np.int32) % 8
    made_up = SuggestedGroups(dealt, 0.0, 1.0, 1, 3)
    drawn = redrawn(CLIQUES, made_up, seed=2)
    assert drawn.roughly.max() == 0
    assert drawn.together.max() < 0.2


def test_nothing_missing_brings_all_back_and_who_is_alone_has_no_pairs():
    network = Network.build(5, [0, 0, 1], [1, 2, 2])
    groups = suggest_groups(network, seed=1)
    drawn = redrawn(network, groups, seed=1, redraws=4, least_missing=0, most_missing=0)
    assert drawn.nearly.tolist() == drawn.roughly.tolist() == [4, 4, 4]
    np.testing.assert_array_equal(drawn.together, [1.0, np.nan, np.nan])


@UNTIMED
@given(graphs(), st.integers(0, 9))
def test_rewired_everybody_has_as_many_ties_and_the_network_stays_as_it_was(graph, seed):
    network = network_of(graph)
    before = network.neighbour.copy()
    other = rewired(network, np.random.default_rng(seed))
    assert other.degree.tolist() == network.degree.tolist()
    assert other.n_ties == network.n_ties
    assert other.self_links == 0
    assert network.neighbour.tolist() == before.tolist()


def test_rewiring_forgets_who_was_tied_to_whom():
    kept = [
        np.intersect1d(pairs(CLIQUES), pairs(rewired(CLIQUES, np.random.default_rng(i)))) for i in range(20)
    ]
    # 128 ties among 1,128 pairs: about one in nine is there by chance.
    assert np.mean([found.size for found in kept]) < 0.2 * CLIQUES.n_ties


def pairs(network: Network) -> np.ndarray:
    return network.source * network.n_nodes + network.target


@pytest.mark.parametrize("mean_ties", [2, 4, 10])
def test_in_networks_without_groups_next_to_none_hold(mean_ties):
    rng = np.random.default_rng(5)
    found = []
    for seed in range(12):
        network = without_groups(80, mean_ties, rng)
        groups = suggest_groups(network, seed=seed, starts=1)
        chance = beside_chance(network, groups, seed=seed, rewirings=19)
        found += holds(redrawn(network, groups, seed=seed, redraws=20), chance)[groups.size >= 3].tolist()
    assert len(found) > 50
    assert np.mean(found) <= 0.01


def test_two_tied_people_are_no_group_however_often_they_come_back():
    network = Network.build(60, np.arange(0, 60, 2), np.arange(1, 60, 2))
    groups = suggest_groups(network, seed=1)
    chance = beside_chance(network, groups, seed=1, rewirings=20)
    assert chance.as_strong.tolist() == [20] * 30
    assert not holds(redrawn(network, groups, seed=1), chance).any()


@pytest.mark.parametrize("n", [0, 3])
def test_without_ties_nothing_holds(n):
    network = Network.build(n, [], [])
    groups = suggest_groups(network, seed=1)
    assert not holds(redrawn(network, groups, seed=1), beside_chance(network, groups, seed=1)).any()


def test_the_seed_repeats_and_progress_can_stop():
    groups = suggest_groups(CLIQUES, seed=1)
    one, other = (redrawn(CLIQUES, groups, seed=4, redraws=5) for _ in range(2))
    assert one.together.tolist() == other.together.tolist()
    told = []
    for work in (redrawn, beside_chance):
        with pytest.raises(CalculationStopped):
            work(
                CLIQUES,
                groups,
                seed=4,
                on_progress=lambda done, total: told.append((done, total)) or done < 2,
            )
    assert told == [(1, 50), (2, 50), (1, 99), (2, 99)]


def test_shares_that_cannot_be_missing_are_refused():
    groups = suggest_groups(CLIQUES, seed=1)
    for shares in ((0.3, 0.1), (-0.1, 0.1), (0.1, 1.0)):
        with pytest.raises(ValueError, match="cannot be missing"):
            redrawn(CLIQUES, groups, seed=1, least_missing=shares[0], most_missing=shares[1])
    with pytest.raises(ValueError, match="at least one"):
        beside_chance(CLIQUES, groups, seed=1, rewirings=0)


class Demo:
    """What the demo's files link, groups and memberships left out, and the members of the planted groups."""

    def __init__(self, files: Files) -> None:
        links = [
            [(link[f"{end}_kind"], link[f"{end}_ref"]) for end in ("from", "to")]
            for link in files.table("youth-justice-links.csv")
        ]
        links = [ends for ends in links if all(kind != "group" for kind, _ in ends)]
        at = {node: i for i, node in enumerate(sorted({node for ends in links for node in ends}))}
        self.network = Network.build(len(at), [at[a] for a, _ in links], [at[b] for _, b in links])
        groups = [[at["person", ref] for ref in group["members"]] for group in files.truth["groups"]]
        self.member = np.concatenate(groups)
        self.planted = np.repeat(np.arange(len(groups)), [len(group) for group in groups])


@pytest.fixture(scope="module")
def demo(files: Files) -> Demo:
    return Demo(files)


def test_the_planted_groups_are_suggested_with_a_fifth_of_the_links_missing(demo: Demo) -> None:
    for seed in range(20):
        kept = np.random.default_rng(seed).random(demo.network.n_ties) >= 0.2
        found = suggest_groups(demo.network.only(kept), seed=seed)
        assert adjusted_rand(found.label[demo.member], demo.planted) >= 0.9


def test_the_planted_groups_hold_and_nothing_else_does(demo: Demo) -> None:
    groups = suggest_groups(demo.network, seed=1)
    chance = beside_chance(demo.network, groups, seed=1)
    found = holds(redrawn(demo.network, groups, seed=1), chance)
    assert set(np.flatnonzero(found)) == set(groups.label[demo.member])
    assert np.sum(groups.size >= 3) > 2 * found.sum()

from __future__ import annotations

import math
import time
from itertools import combinations
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placewise.core.errors import InvalidLinks
from placewise.network.ego import Tie
from placewise.network.layout import HEIGHT, WIDTH, Position, min_distance, place_nodes
from placewise.network.links import Node

CENTRE = Position(WIDTH / 2, HEIGHT / 2)
KINDS = ("group", "place", "adult", "child")


def tie(a, b, *, expired=False):
    a, b = sorted((a, b))
    return Tie(f"{a}~{b}", a, b, (), ("friend",), "known", 0 if expired else 1, int(expired))


def network(count, *, seed=1, ties_each=2):
    random = Random(seed)
    nodes = [Node(f"n{i}", KINDS[min(i % 8, 3)], f"N{i}") for i in range(count)]
    pairs = {
        tuple(sorted((f"n{i}", f"n{random.randrange(i)}"))) for i in range(1, count) for _ in range(ties_each)
    }
    return nodes, [tie(a, b) for a, b in sorted(pairs)]


def closest(positions):
    return min((math.dist(a, b) for a, b in combinations(positions.values(), 2)), default=math.inf)


def assert_sound(positions, nodes):
    assert list(positions) == sorted({node.id for node in nodes})
    assert all(0 <= p.x <= WIDTH and 0 <= p.y <= HEIGHT for p in positions.values())  # false for NaN too
    assert closest(positions) >= min_distance(len(positions)) - 1e-6


def test_nothing_has_no_positions():
    assert place_nodes([], [], start=["gone"]) == {}


@pytest.mark.parametrize("start", [["n0"], []])
def test_one_node_has_a_position(start):
    assert_sound(place_nodes([Node("n0", "group", "K")], [], start=start), [Node("n0", "group", "K")])


@pytest.mark.parametrize("count", [1, 2, 12, 80, 300])
def test_the_start_stands_exactly_at_the_centre(count):
    nodes, ties = network(count)
    positions = place_nodes(nodes, ties, start=["n0"])
    assert positions["n0"] == CENTRE
    assert_sound(positions, nodes)


def test_several_starts_stand_in_a_ring_about_the_centre():
    nodes, ties = network(30)
    positions = place_nodes(nodes, ties, start=["n0", "n1", "n2"])
    mean = [sum(positions[i][axis] for i in ("n0", "n1", "n2")) / 3 for axis in (0, 1)]
    assert mean == pytest.approx(CENTRE, abs=0.2)


def test_a_tie_to_a_node_that_is_not_drawn_is_refused():
    with pytest.raises(InvalidLinks, match="a~z"):
        place_nodes([Node("a", "place", "A")], [tie("a", "z")], start=["a"])


def test_members_stand_nearer_to_their_own_group_than_to_the_others():
    groups = [Node(f"g{i}", "group", f"G{i}") for i in range(3)]
    members = {f"c{i}": f"g{i % 3}" for i in range(18)}
    children = [Node(child, "child", child) for child in members]
    ties = [tie(child, group) for child, group in members.items()] + [tie("g0", "g1"), tie("g0", "g2")]
    positions = place_nodes([*groups, *children], ties, start=["g0"])
    near = sum(
        min(("g0", "g1", "g2"), key=lambda g: math.dist(positions[g], positions[child])) == group
        for child, group in members.items()
    )
    assert near >= 16


def test_one_node_more_leaves_every_other_where_it_was():
    nodes, ties = network(40)
    before = place_nodes(nodes, ties, start=["n0"])
    grown = [*nodes, Node("new", "place", "New")]
    after = place_nodes(grown, [*ties, tie("new", "n5")], start=["n0"], previous=before)
    assert_sound(after, grown)
    assert {node_id: after[node_id] for node_id in before} == before


def test_a_new_node_comes_to_stand_near_what_it_is_linked_to():
    nodes, ties = network(40)
    before = place_nodes(nodes, ties, start=["n0"])
    grown = [*nodes, Node("new", "place", "New")]
    after = place_nodes(grown, [*ties, tie("new", "n5")], start=["n0"], previous=before)
    distances = sorted(math.dist(after["new"], position) for position in before.values())
    assert math.dist(after["new"], after["n5"]) < distances[len(distances) // 2]


def test_nodes_that_go_leave_the_others_within_a_small_step():
    nodes, ties = network(60)
    before = place_nodes(nodes, ties, start=["n0"])
    gone = {"n50", "n51", "n52"}
    kept = [node for node in nodes if node.id not in gone]
    after = place_nodes(
        kept, [t for t in ties if not gone & {t.source, t.target}], start=["n0"], previous=before
    )
    assert_sound(after, kept)
    assert max(math.dist(after[node.id], before[node.id]) for node in kept) <= 2 * min_distance(len(kept))


def test_useless_previous_positions_do_no_harm():
    nodes, ties = network(12)
    same_spot = {node.id: Position(10.0, 10.0) for node in nodes}
    assert_sound(place_nodes(nodes, ties, start=["n0"], previous=same_spot), nodes)
    nowhere = {node.id: Position(math.nan, math.inf) for node in nodes}
    assert place_nodes(nodes, ties, start=["n0"], previous=nowhere) == place_nodes(nodes, ties, start=["n0"])


@st.composite
def pictures(draw):
    count = draw(st.integers(1, 25))
    nodes = [Node(f"n{i}", draw(st.sampled_from(KINDS)), f"N{i}") for i in range(count)]
    ends = st.integers(0, count - 1)
    pairs = draw(st.sets(st.tuples(ends, ends).filter(lambda pair: pair[0] < pair[1]), max_size=40))
    return nodes, [tie(f"n{a}", f"n{b}", expired=draw(st.booleans())) for a, b in sorted(pairs)]


@settings(deadline=None, max_examples=60)
@given(pictures(), st.randoms(use_true_random=False))
def test_every_member_sees_the_same_picture(picture, random):
    nodes, ties = picture
    expected = place_nodes(nodes, ties, start=["n0"])
    assert_sound(expected, nodes)
    random.shuffle(nodes)
    random.shuffle(ties)
    assert place_nodes(nodes, ties, start=["n0"]) == expected


@settings(deadline=None, max_examples=60)
@given(pictures())
def test_a_second_visit_moves_nothing(picture):
    nodes, ties = picture
    first = place_nodes(nodes, ties, start=["n0"])
    assert place_nodes(nodes, ties, start=["n0"], previous=first) == first


@settings(deadline=None, max_examples=60)
@given(pictures(), st.data())
def test_adding_one_node_moves_no_other(picture, data):
    nodes, ties = picture
    before = place_nodes(nodes, ties, start=["n0"])
    grown = [*nodes, Node("new", "child", "New")]
    linked = data.draw(st.sets(st.sampled_from([node.id for node in nodes]), max_size=3))
    after = place_nodes(grown, [*ties, *(tie("new", i) for i in linked)], start=["n0"], previous=before)
    assert_sound(after, grown)
    assert {node_id: after[node_id] for node_id in before} == before


def test_a_full_picture_takes_less_than_half_a_second_of_processor_time():
    nodes, ties = network(300)
    place_nodes(nodes, ties, start=["n0"])
    begun = time.process_time()
    place_nodes(nodes, ties, start=["n0"])
    assert time.process_time() - begun < 0.5

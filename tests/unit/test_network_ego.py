from __future__ import annotations

from datetime import date, timedelta

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placewise.core.errors import InvalidLinks
from placewise.network.ego import Neighbourhood, TooLarge, neighbourhood
from placewise.network.graph import to_networkx
from placewise.network.layout import place_nodes
from placewise.network.links import Link, LinkTable, Node, reading_order
from placewise.network.picture import draw

AS_OF = date(2026, 5, 14)
PAST, FUTURE = AS_OF - timedelta(days=1), AS_OF + timedelta(days=1)


def link(name, source, target, *, expires_on=FUTURE, strength="known", source_grade=1, kind="friend"):
    return Link(name, source, target, kind, strength, None, None, expires_on, 1, source_grade, "B")


def chain(*links, extra=()):
    ids = sorted({end for each in links for end in (each.source, each.target)} | set(extra))
    return LinkTable.build([Node(i, "place", i.upper()) for i in ids], links)


def around(table, *start, hops=1, **options):
    found = neighbourhood(table, start, as_of=AS_OF, hops=hops, **options)
    assert isinstance(found, Neighbourhood)
    return found


def ids(records):
    return {record.id for record in records}


def test_one_hop_keeps_the_neighbours_and_the_links_among_them():
    table = chain(link("ab", "a", "b"), link("ac", "a", "c"), link("bc", "b", "c"), link("cd", "c", "d"))
    found = around(table, "a")
    assert ids(found.nodes) == {"a", "b", "c"}
    assert ids(found.links) == {"ab", "ac", "bc"}


def test_two_hops_reach_one_step_further_and_no_more():
    table = chain(link("ab", "a", "b"), link("bc", "c", "b"), link("cd", "c", "d"))
    assert ids(around(table, "a", hops=2).nodes) == {"a", "b", "c"}


def test_several_starts_are_one_neighbourhood():
    table = chain(link("ab", "a", "b"), link("cd", "c", "d"), link("de", "d", "e"))
    assert ids(around(table, "c", "a", "a").nodes) == {"a", "b", "c", "d"}


def test_an_expired_link_is_shown_with_its_other_end_but_left_out_of_counts():
    found = around(chain(link("ab", "a", "b", expires_on=PAST), link("ac", "a", "c")), "a")
    old, standing = found.ties
    assert (old.expired, old.count, old.expired_count) == (True, 0, 1)
    assert (standing.expired, standing.count, standing.expired_count) == (False, 1, 0)
    assert found.link_count == 1


def test_no_second_step_is_taken_across_an_expired_link():
    table = chain(link("ab", "a", "b", expires_on=PAST), link("bc", "b", "c"))
    assert ids(around(table, "a", hops=2).nodes) == {"a", "b"}


def test_links_of_one_pair_are_one_tie_with_the_strongest_that_stands():
    table = chain(
        link("1", "a", "b", strength="known", expires_on=PAST, kind="co_missing"),
        link("2", "b", "a", strength="known", source_grade=3, kind="harms"),
        link("3", "a", "b", strength="probable", kind="friend"),
        link("4", "a", "b", strength="possible", kind="friend"),
    )
    (tie,) = around(table, "a").ties
    assert [each.id for each in tie.links] == ["3", "4", "2", "1"]
    assert (tie.strength, tie.count, tie.expired_count) == ("probable", 3, 1)
    assert tie.types == ("friend", "harms")


def test_a_link_of_a_node_to_itself_is_listed_but_neither_drawn_nor_counted():
    found = around(chain(link("aa", "a", "a")), "a")
    assert ids(found.links) == {"aa"}
    assert (found.ties, found.link_count) == ((), 0)


def test_a_node_without_links_is_its_own_neighbourhood():
    found = around(chain(extra=["a"]), "a", hops=2)
    assert (ids(found.nodes), found.ties) == ({"a"}, ())


@pytest.mark.parametrize(("start", "hops"), [([], 1), (["nobody"], 1), (["a"], 3), (["a"], 0)])
def test_a_missing_start_or_an_unlimited_walk_is_refused(start, hops):
    with pytest.raises(InvalidLinks):
        neighbourhood(chain(extra=["a"]), start, as_of=AS_OF, hops=hops)


def test_more_than_a_picture_holds_says_what_to_narrow_by():
    table = chain(
        *(link(f"l{i}", "a", f"n{i}", kind="friend" if i else "family") for i in range(300)),
        link("old", "a", "n1", kind="recruits", expires_on=PAST),
    )
    found = neighbourhood(table, ["a"], as_of=AS_OF)
    assert isinstance(found, TooLarge)
    assert (found.node_count, found.max_nodes, found.hops) == (301, 300, 1)
    assert found.by_kind == {"place": 301}
    assert list(found.by_type.items()) == [("friend", 299), ("family", 1)]
    assert isinstance(neighbourhood(table, ["a"], as_of=AS_OF, max_nodes=301), Neighbourhood)


KINDS = st.sampled_from(["child", "adult", "group", "place"])


@st.composite
def networks(draw):
    kinds = draw(st.lists(KINDS, min_size=1, max_size=9))
    nodes = [Node(f"n{i}", kind, f"L{i % 3}") for i, kind in enumerate(kinds)]
    ends = st.sampled_from([node.id for node in nodes])
    drawn = draw(st.lists(st.tuples(ends, ends, st.sampled_from([PAST, AS_OF, None])), max_size=20))
    return nodes, [link(f"l{i}", a, b, expires_on=day) for i, (a, b, day) in enumerate(drawn)]


@given(networks(), st.sampled_from([1, 2]), st.randoms(use_true_random=False))
def test_the_order_of_records_leaves_no_trace(network, hops, random):
    nodes, links = network
    expected = neighbourhood(LinkTable.build(nodes, links), ["n0"], as_of=AS_OF, hops=hops)
    random.shuffle(nodes)
    random.shuffle(links)
    assert neighbourhood(LinkTable.build(nodes, links), ["n0"], as_of=AS_OF, hops=hops) == expected


@given(networks(), st.sampled_from([1, 2]))
def test_the_fast_walk_finds_what_the_obvious_one_finds(network, hops):
    nodes, links = network
    standing = to_networkx(nodes, [each for each in links if not each.is_expired(AS_OF)]).to_undirected()
    walked = nx.ego_graph(standing, "n0", radius=hops - 1).nodes
    shown = to_networkx(nodes, links).to_undirected()
    expected = {near for node in walked for near in nx.ego_graph(shown, node, radius=1)}
    found = around(LinkTable.build(nodes, links), "n0", hops=hops)
    assert ids(found.nodes) == expected
    assert ids(found.links) == {e.id for e in links if {e.source, e.target} <= expected}
    assert list(found.nodes) == sorted(found.nodes, key=reading_order)
    assert found.link_count == sum(e.source != e.target and not e.is_expired(AS_OF) for e in found.links)


def test_the_picture_carries_words_and_positions_for_every_node_and_line():
    k, ada = Node("k", "group", "Group K", "6 members"), Node("c", "child", "C-01")
    old = Link("l2", "c", "k", "group_contact", "known", None, date(2025, 3, 1), PAST, 0, 3, "E")
    member = Link("l1", "c", "k", "member", "known", None, None, FUTURE, 1, 1, "A")
    found = around(LinkTable.build([ada, k], [old, member]), "k")
    picture = draw(found, place_nodes(found.nodes, found.ties, start=found.start), status="One child.")
    assert picture["status"] == "One child."
    assert [(n["id"], n["start"], n["detail"]) for n in picture["nodes"]] == [
        ("k", True, "6 members"),
        ("c", False, ""),
    ]
    (line,) = picture["links"]
    assert (line["types"], line["strength"], line["expired"], line["count"]) == (
        ["Member"],
        "known",
        False,
        1,
    )
    assert line["summary"] == (
        "Member, known; Contact with the group, possible, last seen 1 March 2025, "
        "expired 13 May 2026, not counted"
    )

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from placewise.core.errors import InvalidLinks
from placewise.network.graph import to_networkx
from placewise.network.links import Link, LinkTable, Node, reading_order, strongest

AS_OF = date(2026, 5, 14)
FRIEND = Link("l1", "a", "b", "friend", "known", date(2026, 1, 1), date(2026, 2, 1), AS_OF, 2, 1, "A")
ADA, BEN = Node("a", "child", "C-01"), Node("b", "child", "C-02")


@pytest.mark.parametrize("source_grade", [1, 2])
@pytest.mark.parametrize("assessment", ["A", "B", "C", "D"])
@pytest.mark.parametrize("strength", ["known", "probable", "possible"])
def test_a_fairly_graded_link_is_drawn_as_recorded(source_grade, assessment, strength):
    link = replace(FRIEND, source_grade=source_grade, assessment=assessment, strength=strength)
    assert link.drawn_strength == strength


@pytest.mark.parametrize(("source_grade", "assessment"), [(3, "A"), (1, "E"), (3, "E")])
@pytest.mark.parametrize("strength", ["known", "probable", "possible"])
def test_an_unreliable_source_or_suspected_falsehood_is_never_more_than_possible(
    source_grade, assessment, strength
):
    link = replace(FRIEND, source_grade=source_grade, assessment=assessment, strength=strength)
    assert link.drawn_strength == "possible"


def test_a_link_holds_on_its_last_day_and_has_expired_on_the_next():
    assert not FRIEND.is_expired(AS_OF)
    assert FRIEND.is_expired(AS_OF + timedelta(days=1))


def test_a_link_without_an_expiry_does_not_expire():
    assert not replace(FRIEND, expires_on=None).is_expired(date.max)


def test_strongest_goes_by_what_may_be_drawn_not_by_what_was_recorded():
    doubtful = replace(FRIEND, id="l2", source_grade=3)
    assert strongest([doubtful, replace(FRIEND, strength="probable")]) == "probable"


def test_lists_run_from_groups_to_children_and_then_by_label():
    nodes = [ADA, Node("z", "adult", "A-09"), Node("y", "place", "park"), Node("x", "group", "K"), BEN]
    assert [n.id for n in sorted(nodes, key=reading_order)] == ["x", "y", "z", "a", "b"]


def test_the_same_record_twice_counts_once():
    table = LinkTable.build([ADA, BEN, ADA], [FRIEND, FRIEND])
    assert (table.nodes, table.links) == ((ADA, BEN), (FRIEND,))


def test_two_different_records_with_one_id_are_refused():
    with pytest.raises(InvalidLinks, match="l1"):
        LinkTable.build([ADA, BEN], [FRIEND, replace(FRIEND, type="family")])


def test_a_link_with_a_loose_end_is_refused_by_name():
    with pytest.raises(InvalidLinks, match="l1"):
        LinkTable.build([ADA], [FRIEND])


@pytest.mark.parametrize(
    "make",
    [
        lambda: Node("a", "person", "C-01"),
        lambda: replace(FRIEND, strength="strong"),
        lambda: replace(FRIEND, evidence_count=-1),
    ],
)
def test_words_and_counts_outside_the_vocabulary_are_refused(make):
    with pytest.raises(InvalidLinks):
        make()


def test_each_link_can_be_walked_from_both_ends_and_a_self_link_from_none():
    table = LinkTable.build([ADA, BEN], [FRIEND, replace(FRIEND, id="l2", target="a")])
    assert table.offsets.tolist() == [0, 1, 2]
    assert table.neighbour.tolist() == [1, 0]
    assert table.via.tolist() == [0, 0]


def test_an_empty_table_is_a_table():
    table = LinkTable.build([], [])
    assert table.offsets.tolist() == [0]
    assert table.last_day.tolist() == []


def test_networkx_keeps_direction_number_and_attributes():
    second = replace(FRIEND, id="l2", source="b", target="a", type="harms", assessment="E")
    graph = to_networkx([BEN, ADA], [second, FRIEND])
    assert list(graph.nodes(data="label")) == [("a", "C-01"), ("b", "C-02")]
    assert list(graph.edges(keys=True)) == [("a", "b", "l1"), ("b", "a", "l2")]
    assert graph.edges["b", "a", "l2"]["strength"] == "known"
    assert graph.edges["b", "a", "l2"]["drawn_strength"] == "possible"

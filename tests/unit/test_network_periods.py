"""Groups and ties of two periods, against sets in plain Python."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placewise.core.errors import InvalidLinks
from placewise.network.arrays import Network
from placewise.network.groups import Groups
from placewise.network.periods import (
    courses,
    members_of,
    membership,
    overlaps,
    shared_between,
    standing,
    tie_changes,
)

N_NODES = 30


def groups_of(*members: set[int]) -> Groups:
    pairs = [(node, number) for number, own in enumerate(members) for node in own]
    return Groups.build(N_NODES, [a for a, _ in pairs], [b for _, b in pairs], n_groups=len(members))


SOME_GROUPS = st.lists(st.sets(st.integers(0, 9), max_size=8), min_size=1, max_size=4)


@given(SOME_GROUPS, SOME_GROUPS)
def test_what_groups_share_and_who_came_and_went_is_what_sets_say(before, after):
    one, other = groups_of(*before), groups_of(*after)
    found = shared_between(one, other)
    expected = [
        (i, j, len(a & b), len(a & b) / len(a | b))
        for i, a in enumerate(before)
        for j, b in enumerate(after)
        if a & b
    ]
    assert list(zip(*(column.tolist() for column in found), strict=True)) == expected
    changed = membership(one, other, 0, len(after) - 1)
    assert set(changed.stayed.tolist()) == before[0] & after[-1]
    assert set(changed.joined.tolist()) == after[-1] - before[0]
    assert set(changed.left.tolist()) == before[0] - after[-1]


@given(SOME_GROUPS)
def test_groups_of_one_period_overlap_as_sets_do(members):
    found = overlaps(groups_of(*members))
    assert {(a, b): n for a, b, n, _ in zip(*found, strict=True)} == {
        (i, j): len(a & b) for i, a in enumerate(members) for j, b in enumerate(members) if i < j and a & b
    }


@given(SOME_GROUPS, SOME_GROUPS)
def test_backwards_in_time_a_merger_is_a_split_and_every_group_has_some_course(before, after):
    there, back = (
        courses(groups_of(*before), groups_of(*after)),
        courses(groups_of(*after), groups_of(*before)),
    )
    assert there.merged == [(parts, whole) for whole, parts in back.split]
    assert (there.ended, there.begun) == (back.begun, back.ended)
    told = {a for a, _ in [*there.continued, *there.split]} | {a for many, _ in there.merged for a in many}
    assert sorted(told | set(there.ended)) == [i for i, own in enumerate(before) if own]


def test_a_group_taken_in_by_a_larger_one_has_merged_and_the_larger_one_goes_on():
    found = courses(groups_of(set(range(10)), {20, 21, 22}), groups_of(set(range(10)) | {20, 21, 22}))
    assert found.merged == [((0, 1), 0)]
    assert found.continued == [(0, 0)]
    assert found.ended == found.begun == found.split == []


def test_a_group_in_two_halves_has_split_and_the_more_alike_part_goes_on():
    found = courses(groups_of(set(range(9))), groups_of({0, 1, 2, 3}, {4, 5, 6, 7, 8, 9}))
    assert found.split == [(0, (0, 1))]
    assert found.continued == [(0, 1)]


def test_one_person_who_moves_neither_merges_nor_splits():
    found = courses(groups_of({1}, {2, 3, 4, 5}), groups_of({1, 2, 3, 4, 5}))
    assert found.merged == []
    assert (found.continued, found.ended) == ([(1, 0)], [0])


def test_groups_with_nobody_in_common_ended_and_began_and_empty_ones_never_were():
    found = courses(groups_of({1, 2}, set()), groups_of(set(), {3, 4}))
    assert (found.ended, found.begun, found.continued) == ([0], [1], [])


def test_a_membership_stands_on_both_of_its_end_days():
    first, last = np.array([10, 10, 10, 30]), np.array([19, 20, np.iinfo(np.int64).max, 40])
    assert standing(first, last, begin=20, end=29).tolist() == [False, True, True, False]
    assert standing(first, last, begin=20, end=30).tolist() == [False, True, True, True]
    with pytest.raises(ValueError, match="before it begins"):
        standing(first, last, begin=2, end=1)


PAIRS = st.sets(st.tuples(st.integers(0, 7), st.integers(0, 7)).filter(lambda pair: pair[0] < pair[1]))


@given(PAIRS, PAIRS, st.none() | st.sets(st.integers(0, 7)))
def test_ties_that_stayed_are_new_or_ended_are_what_sets_say(before, after, among):
    old, new = (Network.build(8, [a for a, _ in links], [b for _, b in links]) for links in (before, after))
    found = tie_changes(old, new, among=None if among is None else np.array(sorted(among), dtype=np.int64))
    for pairs, expected in (
        (found.stayed, before & after),
        (found.new, after - before),
        (found.ended, before - after),
    ):
        kept = sorted(pair for pair in expected if among is None or set(pair) <= among)
        assert [tuple(pair) for pair in pairs.tolist()] == kept


def test_periods_of_different_nodes_and_groups_that_are_not_there_are_refused():
    with pytest.raises(InvalidLinks, match="3 and 4"):
        tie_changes(Network.build(3, [], []), Network.build(4, [], []))
    with pytest.raises(InvalidLinks, match="nodes"):
        shared_between(groups_of({1}), Groups.build(4, [1], [0], n_groups=1))
    with pytest.raises(InvalidLinks, match="Group 1"):
        members_of(groups_of({1}), 1)

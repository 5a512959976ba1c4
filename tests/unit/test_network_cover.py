"""The choice of contexts against trying every set of them in Python."""

import math
import tracemalloc
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placewise.core.errors import InvalidLinks
from placewise.network.cover import Meetings, choose
from tests.graphs import UNTIMED

# Nodes 0 to 5 are children, 6 to 9 places, 10 to 12 adults.
N, CONTEXTS = 13, [6, 7, 8, 9, 10, 11, 12]
ROWS = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from([-1, 6, 7, 8, 9]), st.sampled_from([-1, 10, 11, 12])).filter(
        lambda row: row[1:] != (-1, -1)
    ),
    max_size=25,
)


def meetings(rows):
    return Meetings.build(*(np.array([row[i] for row in rows], dtype=int) for i in range(3)), n_nodes=N)


def ended(rows, removed):
    return sum(bool({place, adult} & set(removed)) for _, place, adult in set(rows))


@UNTIMED
@given(ROWS)
def test_meetings_are_the_set_of_their_rows(rows):
    built = meetings(rows)
    columns = (built.child.tolist(), built.place.tolist(), built.adult.tolist())
    assert list(zip(*columns, strict=True)) == sorted(set(rows))


@UNTIMED
@given(ROWS, ROWS, st.integers(1, 8))
def test_the_exact_choice_is_the_best_of_all_and_loses_least_of_what_protects(rows, safe, budget):
    found = choose(meetings(rows), of=CONTEXTS, budget=budget, protection=meetings(safe))
    sets = [s for size in range(budget + 1) for s in combinations(CONTEXTS, size)]
    most = max(ended(rows, s) for s in sets)
    assert (found.exact, found.ended, found.at_most, found.gap) == (True, most, most, 0)
    assert found.total == len(set(rows))
    assert ended(rows, found.contexts) == most
    assert len(found.contexts) <= budget
    # Nothing is removed that would end nothing more.
    assert all(ended(rows, set(found.contexts) - {c}) < most for c in found.contexts)
    equal = [s for s in sets if len(s) == len(found.contexts) and ended(rows, s) == most]
    if len(found.contexts) == min(budget, len(set(CONTEXTS) & {c for row in rows for c in row[1:]})):
        assert ended(safe, found.contexts) == min(ended(safe, s) for s in equal)


@UNTIMED
@given(ROWS, ROWS, st.integers(1, 4))
def test_greedy_is_within_its_bound_and_no_choice_exceeds_what_it_says_is_the_most(rows, safe, budget):
    greedy = choose(meetings(rows), of=CONTEXTS, budget=budget, protection=meetings(safe), max_sets=0)
    # What protects decides between equals, in both.
    best = choose(meetings(rows), of=CONTEXTS, budget=budget, protection=meetings(safe))
    assert ended(rows, greedy.contexts) == greedy.ended == greedy.greedy_ended == best.greedy_ended
    assert greedy.ended <= best.ended <= greedy.at_most <= greedy.total
    assert greedy.ended >= (1 - 1 / math.e) * best.ended


@UNTIMED
@given(ROWS, st.integers(1, 4))
def test_greedy_takes_what_ends_most_of_what_is_left(rows, budget):
    taken, left = [], set(rows)
    for _ in range(budget):
        gains = {c: ended(left, [c]) for c in CONTEXTS}
        if not any(gains.values()):
            break
        taken.append(max(CONTEXTS, key=lambda c: (gains[c], -c)))
        left = {row for row in left if taken[-1] not in row[1:]}
    assert choose(meetings(rows), of=CONTEXTS, budget=budget, max_sets=0).ended == len(set(rows)) - len(left)


def test_greedy_may_fall_short_and_says_by_how_much_at_most():
    # Place 6 has most meetings, but the two adults 10 and 11 together have all of them and more.
    rows = [(child, 6, 10) for child in (0, 1)] + [(child, 6, 11) for child in (2, 3)]
    rows += [(4, -1, 10), (5, -1, 11)]
    greedy = choose(meetings(rows), of=CONTEXTS, budget=2, max_sets=0)
    exact = choose(meetings(rows), of=CONTEXTS, budget=2)
    assert (greedy.contexts, greedy.ended, greedy.at_most, greedy.gap) == ((6, 10), 5, 6, 1)
    assert (exact.contexts, exact.ended, exact.greedy_ended) == ((10, 11), 6, 5)


def test_of_equal_choices_the_one_that_spares_what_protects_is_taken():
    rows, safe = [(0, 6, -1), (1, 7, -1)], [(2, 6, -1)]
    for max_sets in (0, 100):
        found = choose(meetings(rows), of=CONTEXTS, budget=1, protection=meetings(safe), max_sets=max_sets)
        assert found.contexts == (7,)


def test_among_forty_thousand_places_the_one_to_change_is_proven_in_little_memory():
    n = 100_001
    child = np.append(np.arange(40_000), 40_000)
    place = np.append(np.arange(50_000, 90_000), 50_007)
    tracemalloc.start()
    found = choose(
        Meetings.build(child, place, np.full(child.size, -1), n_nodes=n), of=range(50_000, n), budget=1
    )
    equal = choose(
        Meetings.build(child[:-1], place[:-1], np.full(40_000, -1), n_nodes=n), of=range(50_000, n), budget=1
    )
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (found.contexts, found.ended, found.exact) == ((50_007,), 2, True)
    assert (equal.contexts, equal.ended, equal.exact) == ((50_000,), 1, True)
    assert peak < 50e6


def test_nothing_to_end_is_nothing_to_choose():
    nothing = choose(meetings([]), of=CONTEXTS, budget=3)
    assert (nothing.contexts, nothing.ended, nothing.at_most, nothing.exact) == ((), 0, 0, True)
    assert choose(meetings([(0, 6, -1)]), of=[], budget=1).at_most == 0


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (([0], [-1], [-1]), "a place or an adult"),
        (([0], [0], [-1]), "neither place nor adult"),
        (([0, 1], [6], [-1]), "Every meeting needs"),
        (([0], [-2], [10]), "not among"),
        (([N], [6], [-1]), "not among"),
        (([0], [6.5], [-1]), "whole numbers"),
    ],
)
def test_what_is_no_meeting_is_refused(row, said):
    with pytest.raises(InvalidLinks, match=said):
        Meetings.build(*row, n_nodes=N)


def test_children_are_never_among_what_can_be_removed():
    rows = meetings([(0, 6, -1)])
    with pytest.raises(InvalidLinks, match="a child was given"):
        choose(rows, of=[6, 0], budget=1)
    with pytest.raises(InvalidLinks, match="in the budget"):
        choose(rows, of=[6], budget=0)
    with pytest.raises(InvalidLinks, match="smaller network"):
        Meetings.build([], [], [], n_nodes=2_000_000)

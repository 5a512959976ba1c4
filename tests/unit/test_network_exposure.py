"""Exposure of places against a slow twin made of sets."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placewise.core.errors import InvalidLinks, TooManyPairs
from placewise.network import exposure as module
from placewise.network.exposure import exposure, overlap
from placewise.network.groups import Groups
from tests.graphs import UNTIMED

# Nodes 0 to 5 are children, 6 to 9 places, 10 to 12 adults of concern.
N, PLACES = 13, [9, 6, 8]
ROW = st.tuples(
    st.integers(6, 9), st.integers(0, 5), st.sampled_from([-1, 10, 11, 12]), st.sampled_from([-1, 0, 1])
)
MEMBERS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2)), max_size=8)


def found(rows, members=(), places=PLACES):
    place, child, adult, period = (np.array([row[i] for row in rows], dtype=int) for i in range(4))
    groups = Groups.build(N, [child for child, _ in members], [group for _, group in members], n_groups=3)
    return exposure(
        place,
        child,
        of=places,
        n_nodes=N,
        adult=adult,
        period=period,
        n_periods=2,
        groups=groups,
    )


@UNTIMED
@given(st.lists(ROW, max_size=25), MEMBERS)
def test_every_count_is_the_size_of_a_set_of_children(rows, members):
    counts = found(rows, members)
    grouped = {child for child, _ in members}
    for i, place in enumerate(PLACES):
        here = {child for where, child, _, _ in rows if where == place}
        assert counts.children[i] == len(here)
        assert counts.in_no_group[i] == len(here - grouped)
        for group in range(3):
            assert counts.by_group.toarray()[i, group] == len(here & {c for c, g in members if g == group})
        for period in range(2):
            assert counts.by_period[i, period] == len({c for w, c, _, p in rows if (w, p) == (place, period)})
        for adult in range(N):
            met = {c for w, c, a, _ in rows if (w, a) == (place, adult)}
            assert counts.by_adult.toarray()[i, adult] == len(met)


@UNTIMED
@given(st.lists(ROW, max_size=25), st.permutations([9, 6, 8]), st.integers(0, 3))
def test_overlap_is_that_of_sets(rows, order, k):
    chosen = order[:k]
    here = {place: {child for where, child, _, _ in rows if where == place} for place in PLACES}
    compared = overlap(found(rows), chosen)
    for i, one in enumerate(chosen):
        others = set().union(*(here[place] for place in chosen if place != one))
        assert compared.children[i] == len(here[one])
        assert compared.only_here[i] == len(here[one] - others)
        for j, other in enumerate(chosen):
            assert compared.shared.toarray()[i, j] == len(here[one] & here[other])
            if here[one]:
                share = len(here[one] & here[other]) / len(here[one])
                assert compared.inclusion.toarray()[i, j] == share
    assert compared.in_all == len(set().union(*(here[place] for place in chosen)))


def test_nothing_at_all_is_nought_everywhere():
    nothing = found([])
    assert nothing.children.tolist() == [0, 0, 0]
    assert nothing.by_period.tolist() == [[0, 0]] * 3
    assert overlap(nothing).in_all == 0
    assert overlap(nothing).inclusion.nnz == 0
    assert found([], places=[]).by_group.shape == (0, 3)


def test_a_child_s_own_measure_cannot_be_asked_for():
    with pytest.raises(InvalidLinks, match="no child among them"):
        exposure([6], [0], of=[6, 0], n_nodes=N)
    with pytest.raises(InvalidLinks, match="each place once"):
        exposure([6], [0], of=[6, 6], n_nodes=N)
    with pytest.raises(InvalidLinks, match="counted at, each once"):
        overlap(found([(6, 0, -1, -1)]), [7])


@pytest.mark.parametrize(
    "wrong",
    [
        {"adult": [-2]},
        {"adult": [N]},
        {"period": [2], "n_periods": 2},
        {"adult": [10, 11]},
        {"groups": Groups.build(N + 1, [0], [0], n_groups=1)},
    ],
)
def test_what_does_not_fit_together_is_refused(wrong):
    with pytest.raises(InvalidLinks):
        exposure([6], [0], of=[6], n_nodes=N, **wrong)


def test_more_shared_children_than_can_be_compared_are_refused_before_the_product(monkeypatch):
    monkeypatch.setattr(module, "MAX_SHARED", 8)
    with pytest.raises(TooManyPairs, match="in 9 ways"):
        overlap(found([(place, 0, -1, -1) for place in PLACES]))

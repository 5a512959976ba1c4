"""What removals would do: against sets and networkx, and on the demo borough's planted bridges."""

from itertools import combinations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placewise.core.errors import InvalidLinks
from placewise.network.arrays import Network
from placewise.network.cover import Meetings
from placewise.network.groups import Groups
from placewise.network.what_if import Situation, best_within, each_alone, resampled, what_if
from tests.graphs import UNTIMED
from tests.partner_files import Files

# Nodes 0 to 5 are children, 6 to 9 places, 10 to 12 adults.
N, CONTEXTS = 13, [6, 7, 8, 9, 10, 11, 12]
TIES = st.lists(st.tuples(st.integers(0, N - 1), st.integers(0, N - 1)), max_size=20)
ROWS = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from([-1, 6, 7, 8, 9]), st.sampled_from([-1, 10, 11, 12])).filter(
        lambda row: row[1:] != (-1, -1)
    ),
    max_size=15,
)
MEMBERS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2)), max_size=8)


def meetings(rows, n=N):
    return Meetings.build(*(np.array([row[i] for row in rows], dtype=int) for i in range(3)), n_nodes=n)


def situation(ties, rows, safe=(), members=()):
    return Situation.build(
        Network.build(N, [a for a, _ in ties], [b for _, b in ties]),
        contexts=CONTEXTS,
        harm=meetings(rows),
        protection=meetings(safe),
        groups=Groups.build(N, [m for m, _ in members], [g for _, g in members], n_groups=3),
    )


def graph_of(ties, rows):
    graph = nx.Graph()
    graph.add_nodes_from(range(N))
    graph.add_edges_from((a, b) for a, b in ties if a != b)
    graph.add_edges_from((child, end) for child, *ends in rows for end in ends if end >= 0)
    return graph


def between(graph, members):
    """Ties between groups, one after another."""
    groups = {v: {g for m, g in members if m == v} for v in graph}
    direct = sum(bool(groups[a] and groups[b] and not groups[a] & groups[b]) for a, b in graph.edges)
    beside = [set().union(*(groups[v] for v in graph[c])) for c in CONTEXTS if c in graph]
    return direct + sum(len(list(combinations(joined, 2))) for joined in beside)


@UNTIMED
@given(TIES, ROWS, ROWS, MEMBERS, st.sets(st.sampled_from(CONTEXTS)))
def test_an_outcome_is_that_of_taking_the_nodes_out_of_the_graph(ties, rows, safe, members, removed):
    outcome = what_if(situation(ties, rows, safe, members), sorted(removed))
    graph = graph_of(ties, rows)
    left = [row for row in set(rows) if not set(row[1:]) & removed]
    assert outcome.removed == tuple(sorted(removed))
    assert (outcome.exposures, outcome.ended) == (len(set(rows)), len(set(rows)) - len(left))
    assert (outcome.children, outcome.children_left) == (len({r[0] for r in rows}), len({r[0] for r in left}))
    assert outcome.protective == len(set(safe))
    assert outcome.protective_lost == sum(bool(set(row[1:]) & removed) for row in set(safe))
    assert outcome.largest_before == max(map(len, nx.connected_components(graph)))
    assert outcome.between_before == between(graph, members)
    graph.remove_nodes_from(removed)
    assert outcome.largest_after == max(map(len, nx.connected_components(graph)))
    assert outcome.between_after == between(graph, members)


@UNTIMED
@given(TIES, ROWS, ROWS, MEMBERS)
def test_each_alone_is_what_removing_it_alone_would_do(ties, rows, safe, members):
    before = situation(ties, rows, safe, members)
    alone = each_alone(before)
    for i, context in enumerate(CONTEXTS):
        outcome = what_if(before, [context])
        assert alone.contexts[i] == context
        assert alone.ended[i] == outcome.ended
        assert alone.children[i] == len({row[0] for row in rows if context in row[1:]})
        assert alone.between[i] == outcome.between_before - outcome.between_after
        assert alone.protective_lost[i] == outcome.protective_lost


@UNTIMED
@given(TIES, ROWS, MEMBERS, st.sets(st.sampled_from(CONTEXTS), min_size=1))
def test_with_nothing_dropped_each_resample_is_the_outcome_itself(ties, rows, members, removed):
    before = situation(ties, rows, members=members)
    outcome = what_if(before, sorted(removed))
    again = resampled(before, sorted(removed), seed=1, resamples=2, dropped=(0, 0))
    expected = None if outcome.share_ended is None else (outcome.share_ended,) * 3
    assert again.share_ended == pytest.approx(expected)
    assert again.largest_fall == (outcome.largest_before - outcome.largest_after,) * 3
    assert again.between_fall == (outcome.between_before - outcome.between_after,) * 3
    best = best_within(before, len(removed))
    assert again.as_good_as_best == float(outcome.ended == best.ended)


def test_a_resample_depends_on_the_seed_alone_and_leaves_out_what_rests_on_dropped_ties():
    # Eight children with one place and four with another: in few resamples the other is as good.
    rows = [(child, 16 if child < 8 else 17, -1) for child in range(12)]
    many = Situation.build(Network.build(18, [], []), contexts=[16, 17], harm=meetings(rows, 18))
    one, again, other = (resampled(many, [16], seed=seed, resamples=50) for seed in (1, 1, 2))
    assert one == again != other
    low, middle, high = one.share_ended
    assert low < middle < high
    assert 0.5 < middle < 0.8
    assert 0.8 < one.as_good_as_best <= 1
    assert one.often[0][0] == 16
    # Eight children and the place, thinned, against four and theirs, thinned alike.
    assert one.largest_fall[1] == pytest.approx(3.2, abs=1.2)


def test_a_meeting_with_an_adult_at_a_place_rests_on_the_other_when_one_tie_is_not_recorded():
    both = Situation.build(Network.build(3, [], []), contexts=[1, 2], harm=meetings([(0, 1, 2)], 3))
    assert what_if(both, [1]).share_ended == 1
    found = resampled(both, [1], seed=3, resamples=400, dropped=(0.5, 0.5))
    # Of four equal cases one leaves the adult alone (0) and one nothing at all (not counted).
    assert found.share_ended == (0, 1, 1)
    assert found.as_good_as_best == pytest.approx(0.75, abs=0.07)


def test_nothing_known_ends_nothing():
    empty = situation([], [])
    assert what_if(empty, [6]).share_ended is None
    assert resampled(empty, [6], seed=1, resamples=3).share_ended is None
    nobody = Situation.build(Network.build(0, [], []), contexts=[], harm=meetings([], 0))
    assert what_if(nobody, []).largest_before == 0
    assert each_alone(nobody).ended.size == 0


def test_no_child_can_be_asked_about():
    rows = [(0, 6, -1)]
    with pytest.raises(InvalidLinks, match="a child was given"):
        Situation.build(Network.build(N, [], []), contexts=[0, 6], harm=meetings(rows))
    for ask in (what_if, lambda s, r: resampled(s, r, seed=1)):
        with pytest.raises(InvalidLinks, match="that the question is about"):
            ask(situation([], rows), [0])
    assert not set(each_alone(situation([(0, 1), (1, 6)], rows)).contexts) & set(range(6))


@pytest.mark.parametrize(
    "wrong", [{"resamples": 0}, {"dropped": (0.3, 0.1)}, {"dropped": (0.1, 1)}, {"removed": []}]
)
def test_what_cannot_be_resampled_is_refused(wrong):
    removed = wrong.pop("removed", [6])
    with pytest.raises(InvalidLinks, match="Resampling needs"):
        resampled(situation([], [(0, 6, -1)]), removed, seed=1, **wrong)


@pytest.fixture(scope="module")
def borough(files: Files):
    """The demo's recorded links, with the meetings that its records of harm tell of; and each ref's position."""
    links, groups = files.table("youth-justice-links.csv"), files.table("youth-justice-groups.csv")
    adults = {row["local_ref"] for row in files.table("police-people.csv")}
    told = [row for row in files.incidents() if row["relation"] in ("harm_there", "stated_by_child")]
    met = [(child, row["place_ref"], adult) for row in told for child in row["children"].split(";") if child
           for adult in [a for a in row["adults"].split(";") if a in adults] or [""]]  # fmt: skip
    met = [row for row in met if row[1] or row[2]]
    safe = [(row["to_ref"], "", row["from_ref"]) for row in links if row["type"] == "trusted_adult"]
    refs = {row[end] for row in links for end in ("from_ref", "to_ref")}
    refs |= {row["member_ref"] for row in groups} | {ref for row in met for ref in row if ref}
    at = {ref: i for i, ref in enumerate(sorted(refs))} | {"": -1}
    ties = [row for row in links if row["type"] != "trusted_adult"]
    member = [(row["member_ref"], row["group_ref"]) for row in groups]
    member += [(ref, ref) for _, ref in sorted(set(member))]  # a group's own node belongs to it
    number = {ref: i for i, ref in enumerate(sorted({ref for _, ref in member}))}
    n = len(at) - 1
    whole = Situation.build(
        Network.build(n, [at[row["from_ref"]] for row in ties], [at[row["to_ref"]] for row in ties]),
        contexts=[i for ref, i in at.items() if ref.startswith("SYN-PL") or ref in adults],
        harm=meetings([tuple(at[ref] for ref in row) for row in met], n),
        protection=meetings([tuple(at[ref] for ref in row) for row in safe], n),
        groups=Groups.build(n, [at[m] for m, _ in member], [number[g] for _, g in member], n_groups=4),
    )
    return whole, at


def test_the_demo_s_bridging_place_and_adult_come_first(files, borough):
    whole, at = borough
    bridge = files.truth["bridge"]
    alone = each_alone(whole)
    joining = alone.contexts[alone.between > 0]
    assert set(joining) == {at[bridge["places"][0]], at[bridge["adults"][0]]}
    assert what_if(whole, joining).between_after == 0
    assert [what_if(whole, [one]).between_after for one in joining] == [1, 1]


def test_the_demo_s_best_three_places_are_proven_best_and_stay_so_when_ties_are_missing(files, borough):
    whole, at = borough
    spots = [spot["place_ref"] for spot in files.truth["hotspots"]]
    best = best_within(whole, 3)
    assert best.exact
    assert set(best.contexts) <= {at[ref] for ref in spots}
    again = resampled(whole, best.contexts, seed=1, resamples=40)
    assert again.as_good_as_best > 0.9
    low, _, high = again.share_ended
    assert low - 0.05 < best.ended / best.total < high + 0.05

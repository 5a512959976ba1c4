"""What connects peer groups: numbers from a small made-up network, and the words for them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from placewise.network.arrays import Network
from placewise.network.cover import Meetings
from placewise.network.groups import Groups
from placewise.network.links import Node
from placewise.network.what_if import Situation, best_within, resampled, what_if
from placewise.panel import group_connection_words as words
from placewise.panel.group_connections import Change, Connector, GroupConnections, PeerGroup, join_groups
from placewise.web.group_connections_picture import MOST_DRAWN, groups_picture

# Nodes 0 to 2 are groups, 3 to 8 children (two of each group), 9 and 10 places, 11 an adult.
N, PARK, SHOP, ADULT = 12, 9, 10, 11
MEMBERS = {0: (3, 4), 1: (5, 6), 2: (7, 8)}


@pytest.fixture
def situation():
    """The park is tied to two groups and meets a child of the third; the adult is at the shop with the third."""
    member = [(child, group) for group, children in MEMBERS.items() for child in (group, *children)]
    return Situation.build(
        Network.build(N, [0, 1, 2], [PARK, PARK, ADULT]),
        contexts=[PARK, SHOP, ADULT],
        harm=Meetings.build([3, 7, 8, 8], [PARK, PARK, SHOP, -1], [-1, -1, ADULT, ADULT], n_nodes=N),
        protection=Meetings.build([3, 5], [-1, PARK], [11, -1], n_nodes=N),
        groups=Groups.build(N, [m for m, _ in member], [g for _, g in member], n_groups=3),
    )


def test_what_joins_groups_by_links_and_by_meetings_of_members(situation):
    joined = join_groups(situation)
    assert joined.of.tolist() == [PARK]
    assert joined.joins.tolist() == [[True, True, True]]
    assert joined.sole_pairs.tolist() == [3]
    assert joined.parts.tolist() == [4]  # two groups' own nodes and two children hang on it alone
    assert joined.children.tolist() == [2]
    assert joined.by_group.tolist() == [[1, 0, 1]]
    assert joined.beside.tolist() == [0]


def node(kind="place", label="Weir Park"):
    return Node(label, kind, label, "")


PARK_JOINS = Connector(node(), (0, 1), 0, 1, 5, (2, 3), 1, 2)
ADULT_JOINS = Connector(node("adult", "Adult 0001"), (0, 1), 0, 1, 1, (1, 0), 0, 1)
GROUPS = (PeerGroup(node("group", "North group"), 4), PeerGroup(node("group", "South group"), 3))
FOUND = GroupConnections(date(2026, 4, 30), date(2025, 4, 30), 4, GROUPS, (PARK_JOINS, ADULT_JOINS), 0, None)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {},
            "1 place and 1 adult of concern join 2 of 4 peer groups. No two groups hang on one of them alone",
        ),
        ({"connectors": (PARK_JOINS,)}, "1 place joins 2 of 4 peer groups."),
        (
            {"connectors": (replace(PARK_JOINS, sole_pairs=1),)},
            "Weir Park is all that joins two groups in one step.",
        ),
        (
            {"connectors": (PARK_JOINS, ADULT_JOINS), "more": 3},
            "The first 1 place and 1 adult of concern join",
        ),
        ({"connectors": (), "held": 4}, "Nothing that is recorded joins two peer groups, of 4 peer groups"),
        ({"connectors": (), "held": 0}, "No peer group is held yet"),
    ],
)
def test_one_sentence_first(changed, said):
    assert said in words.sentence(replace(FOUND, **changed))


def test_children_are_counts_by_group():
    assert words.children_words(FOUND, PARK_JOINS) == [
        "5 different children:",
        "2 of 4 in North group",
        "3 of 3 in South group",
        "1 in no peer group",
    ]
    assert words.children_words(FOUND, replace(PARK_JOINS, children=0)) == ["No child is recorded with it"]


def changed(situation, at, *, label="The Gull, Quay Road", choice=None):
    drop = (0.2, 0.2)
    return Change(
        (node(label=label),),
        what_if(situation, at),
        resampled(situation, at, seed=1, resamples=20, dropped=drop),
        choice,
    )


def test_an_answer_says_what_ends_what_is_lost_and_how_sure(situation):
    said = words.change_sentence(changed(situation, [PARK]))
    assert said.startswith(
        "Without The Gull, Quay Road, 2 of 4 recorded meetings would end (50%), and 3 of 3 ties"
    )
    assert "Of 2 ties that keep children safe, 1 would be lost." in said
    assert said.endswith("of 20 trials.")
    choice = best_within(situation, 1)
    assert "this choice stayed best in" in words.change_sentence(changed(situation, [PARK], choice=choice))


def test_names_that_hold_commas_are_told_apart(situation):
    both = replace(
        changed(situation, [PARK]), removed=(node(label="The Gull, Quay Road"), node(label="Adult 0001"))
    )
    assert words.change_sentence(both).startswith("Without The Gull, Quay Road; and Adult 0001, 2 of 4")


def test_with_nobody_met_it_cannot_tell(situation):
    nobody = replace(situation, harm=Meetings.build([], [], [], n_nodes=N))
    change = Change((), what_if(nobody, np.array([], dtype=int)), None, best_within(nobody, 2))
    assert words.change_sentence(change).startswith("Cannot tell")
    assert words.choice_words(change) == ""


def test_the_picture_draws_the_first_and_cuts_long_names():
    many = tuple(
        replace(PARK_JOINS, node=node(label=f"Place {n} " + "very long name " * 5)) for n in range(20)
    )
    picture = str(groups_picture(replace(FOUND, connectors=many)))
    assert picture.count("<line ") == 2 * MOST_DRAWN
    assert "Place 11" in picture
    assert "Place 12" not in picture
    assert "…" in picture


def test_a_name_is_never_markup():
    one = replace(PARK_JOINS, node=node(label="<b>Pub</b>"))
    assert "&lt;b&gt;" in str(groups_picture(replace(FOUND, connectors=(one,))))

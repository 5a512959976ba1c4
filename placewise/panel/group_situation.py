"""What one reader sees of peer groups, of the places and adults of concern around them, and of who met whom."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from placewise.core.vocabulary import terms
from placewise.network.cover import Meetings
from placewise.network.groups import Groups
from placewise.network.presences import Presences, Role
from placewise.network.what_if import Situation
from placewise.panel.network import NO_MEETING_PLACE, LinkFilter, Loaded, load_network, load_presences
from placewise.store.network import KINDS, LINK_TYPES
from placewise.store.session import Session

Positions = NDArray[np.int64]
Flags = NDArray[np.bool_]

#: Links that say that a child is kept safe.
SAFE = ("protects", "trusted_adult", "feels_safe_at")
#: Whoever works with children knows children of many groups; a home is no meeting, and a bar keeps away.
NOT_JOINING = (*SAFE, "carer", "professional", "lives_at", "barred_from")
JOINING = tuple(code for code in LINK_TYPES if code not in NOT_JOINING)
WORKING = tuple(LINK_TYPES.index(code) for code in ("works_at", "manages"))
#: Records this many days before the day of the answer count.
PERIOD_DAYS = 365


@dataclass(frozen=True, slots=True)
class Known:
    """What one reader sees on a day.

    Attributes
    ----------
    loaded : Loaded
        The links that may join groups.
    since : date
        Records from then to the day of ``loaded`` count.
    group_nodes : ndarray of int64
        Position of each group's own node, by the group's number.
    situation : Situation
        Its contexts are the places and adults of concern that can be asked about. Places that keep children safe,
        police stations, health sites and homes are neither asked about nor do they join anybody.
    """

    loaded: Loaded
    since: date
    group_nodes: Positions
    situation: Situation


def read_known(session: Session, *, as_of: date) -> Known:
    """Read what is known on a day, from the links that stand and a year of records."""
    loaded = load_network(session, as_of=as_of, wanted=LinkFilter(types=JOINING))
    safe = load_network(session, as_of=as_of, wanted=LinkFilter(types=SAFE))
    return put_together(loaded, safe, load_presences(session, loaded.seen))


def put_together(loaded: Loaded, safe: Loaded, presences: Presences) -> Known:
    """Make the arrays of the question from links that may join groups, links that keep safe, and records."""
    since = loaded.as_of - timedelta(days=PERIOD_DAYS)
    every_place, nodes = loaded.of_kind("place"), loaded.seen.nodes
    no_meeting = [list(terms("location_type")).index(code) for code in NO_MEETING_PLACE]
    left_out = np.isin(nodes.location_type[every_place], no_meeting) | nodes.protective[every_place]
    places, adults = every_place[~left_out], loaded.adults_of_concern
    group_nodes, groups = _groups(loaded)
    situation = Situation.build(
        loaded.network.without(every_place[left_out]),
        contexts=np.concatenate([places, adults]),
        harm=_harm(loaded, _in_period(presences, since, loaded.as_of), presences, places, adults),
        protection=_protection(loaded, safe),
        groups=groups,
    )
    return Known(loaded, since, group_nodes, situation)


def _groups(loaded: Loaded) -> tuple[Positions, Groups]:
    """Members on that day; a group's own node is one, so that a link of the group is a link of a member."""
    own = loaded.of_kind("group")
    one, other, kinds = _ends(loaded)
    membership = kinds == LINK_TYPES.index("member")
    person, group = one[membership], np.searchsorted(own, other[membership])
    groups = Groups.build(
        loaded.seen.nodes.n,
        np.concatenate([person, own]),
        np.concatenate([group, np.arange(own.size)]),
        n_groups=own.size,
    )
    return own, groups


def _ends(loaded: Loaded) -> tuple[Positions, Positions, NDArray[np.int8]]:
    links = loaded.seen.links
    return (
        links.source[loaded.links].astype(np.int64),
        links.target[loaded.links].astype(np.int64),
        links.type[loaded.links],
    )


def _of_children(loaded: Loaded) -> tuple[Positions, Positions, Positions]:
    """Links of a child with a place or an adult: the child, and the place or the adult; the other is -1."""
    kind = loaded.seen.nodes.kind
    one, other, _ = _ends(loaded)
    child, end = np.concatenate([one, other]), np.concatenate([other, one])
    place, adult = (np.where(kind[end] == KINDS.index(name), end, -1) for name in ("place", "adult"))
    kept = (kind[child] == KINDS.index("child")) & ((place >= 0) | (adult >= 0))
    return child[kept], place[kept], adult[kept]


def _in_period(presences: Presences, since: date, as_of: date) -> Flags:
    within: Flags = presences.begin >= np.datetime64(since + timedelta(days=1), "m")
    return within & (presences.begin < np.datetime64(as_of + timedelta(days=1), "m"))


def _harm(
    loaded: Loaded, in_period: Flags, presences: Presences, places: Positions, adults: Positions
) -> Meetings:
    """Links of children with places and adults of concern, and records that name them together."""
    is_child = loaded.seen.nodes.kind[presences.person] == KINDS.index("child")
    # Where a child was found, and from where one went missing, tells of no meeting there.
    concerned = in_period & is_child & (presences.role == Role.CHILD_CONCERNED) & ~presences.found
    children = np.flatnonzero(concerned)
    with_them = np.flatnonzero(
        in_period & (presences.role == Role.ADULT_CONCERNED) & np.isin(presences.person, adults)
    )
    row, together = _matching(presences.event[children], presences.event[with_them])
    alone = np.setdiff1d(np.arange(children.size), row)
    told = children[np.concatenate([row, alone])]
    child, place, adult = _of_children(loaded)
    child = np.concatenate([child, presences.person[told]])
    place = np.concatenate([place, presences.place[told]])
    adult = np.concatenate([adult, presences.person[with_them[together]], np.full(alone.size, -1)])
    place, adult = np.where(np.isin(place, places), place, -1), np.where(np.isin(adult, adults), adult, -1)
    met = (place >= 0) | (adult >= 0)
    return Meetings.build(child[met], place[met], adult[met], n_nodes=loaded.seen.nodes.n)


def _protection(loaded: Loaded, safe: Loaded) -> Meetings:
    """Children with who or what keeps them safe; a trusted adult is met where they work, if that is known."""
    child, place, adult = _of_children(safe)
    one, other, kinds = _ends(loaded)
    works = np.isin(kinds, WORKING)
    row, job = _matching(adult, one[works])
    elsewhere = np.setdiff1d(np.arange(child.size), row)
    visitor, visited, _ = _of_children(loaded)
    kept = np.isin(visited, loaded.protective_places)
    return Meetings.build(
        np.concatenate([child[row], child[elsewhere], visitor[kept]]),
        np.concatenate([other[works][job], place[elsewhere], visited[kept]]),
        np.concatenate([adult[row], adult[elsewhere], np.full(np.count_nonzero(kept), -1)]),
        n_nodes=loaded.seen.nodes.n,
    )


def _matching(one: Positions, other: Positions) -> tuple[Positions, Positions]:
    """Return every pair of rows of the two that hold the same value."""
    order = np.argsort(other, kind="stable")
    begins = np.searchsorted(other[order], one, side="left")
    count = np.searchsorted(other[order], one, side="right") - begins
    at = np.repeat(begins - np.cumsum(count) + count, count) + np.arange(int(count.sum()))
    return np.repeat(np.arange(one.size), count), order[at]

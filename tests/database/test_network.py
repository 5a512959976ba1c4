"""The network in memory: what it holds, of when, for whom, and that what is hidden leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from placewise.core.errors import BadRequest
from placewise.core.scope import Action, Role
from placewise.network.links import KIND_ORDER, MEMBERSHIP, STRENGTH_ORDER
from placewise.network.presences import Role as EventRole
from placewise.panel.connections import find_connections
from placewise.panel.network import LinkFilter, Seen, load_network, load_presences, see_network
from placewise.store import network as stored
from placewise.store.session import Session
from tests.conftest import Account
from tests.records import Records, london

DAY = date(2026, 4, 1)
Ask = Callable[[Callable[[Session], Any]], Any]


@pytest.fixture
def records(admin, partnership):
    return Records(admin, partnership)


@pytest.fixture
def reader(database, make_account, partnership) -> Callable[..., Ask]:
    """Make somebody who can ask again and again."""
    from placewise.core.scope import Scope

    def make(roles: Role = Role.MEMBER, *, agency: str = "health") -> Ask:
        account: Account = make_account(roles, agency=agency)

        def ask(question: Callable[[Session], Any]) -> Any:
            scope = Scope(account.token, partnership.partnership_id)
            with database.session(scope, Action.CONSULT_CONNECTIONS) as session:
                return question(session)

        ask.account = account  # type: ignore[attr-defined]
        return ask

    return make


def load(session: Session, **asked: Any) -> Any:
    return load_network(session, **{"as_of": DAY, **asked})


def position(seen: Seen, record_id: UUID) -> int:
    return int(seen.nodes.locate(np.frombuffer(record_id.bytes, dtype="V16"))[0])


def ids(values: Any) -> set[UUID]:
    return {UUID(bytes=bytes(value)) for value in values}


def same(one: Any, other: Any) -> bool:
    return all(np.array_equal(getattr(one, f.name), getattr(other, f.name)) for f in fields(one))


def in_order(links: Any) -> Any:
    order = sorted(range(links.n), key=lambda i: bytes(links.id[i]))
    return type(links)(**{f.name: getattr(links, f.name)[order] for f in fields(links)})


def test_the_vocabularies_of_both_rooms_are_in_the_same_order():
    assert stored.KINDS == KIND_ORDER
    assert stored.LINK_TYPES[-1] == MEMBERSHIP
    assert tuple(stored.terms("link_strength")) == STRENGTH_ORDER
    assert [role.name.lower() for role in EventRole] == list(stored.terms("person_event_role"))


def test_nodes_and_links_are_those_of_the_records(records, reader):
    park = records.place("Weir Park", place_role="protective_place", location_type="leisure")
    child = records.person("Child 1")
    graded = {"source_grade": 2, "assessment": "B", "basis": "fact"}
    adult = records.person("Adult 1", kind="adult", concern_category="suspected", **graded)
    group = records.group("North group", child, left={child: date(2026, 1, 31)})
    link = records.link(("person", child), ("place", park), "frequents", agency="health", strength="probable")
    against = {"contradicted_by": "Seen elsewhere", "source_grade": 1, "assessment": "C"}
    records.link(("person", adult), ("person", child), "suspected_exploiter", **against)
    seen = reader()(see_network)
    nodes, links = seen.nodes, seen.links
    assert [stored.KINDS[k] for k in nodes.kind] == ["group", "place", "adult", "child"]
    assert [position(seen, one) for one in (group, park, adult, child)] == [0, 1, 2, 3]
    assert nodes.protective.tolist() == [False, True, False, False]
    assert list(stored.terms("location_type"))[nodes.location_type[1]] == "leisure"
    assert list(stored.terms("concern_category"))[nodes.concern[2]] == "suspected"
    assert (nodes.source_grade[2], "ABCDE"[nodes.assessment[2]]) == (2, "B")
    assert nodes.concern[0] == nodes.location_type[0] == nodes.assessment[0] == stored.NONE
    row = {stored.LINK_TYPES[kind]: n for n, kind in enumerate(links.type)}
    n = row["frequents"]
    assert (links.source[n], links.target[n], ids(links.id[n : n + 1])) == (3, 1, {link})
    assert STRENGTH_ORDER[links.strength[n]] == "probable"
    assert seen.agencies[links.agency[n]].code == "health"
    days = [
        date(1970, 1, 1) + timedelta(int(getattr(links, f"{what}_seen")[n])) for what in ("first", "last")
    ]
    assert days == [date(2026, 1, 30), date(2026, 3, 1)]
    assert (links.source_grade[n], links.assessment[n], links.contradicted[n]) == (0, stored.NONE, False)
    n = row["suspected_exploiter"]
    assert (links.source_grade[n], "ABCDE"[links.assessment[n]], links.contradicted[n]) == (1, "C", True)
    n = row[MEMBERSHIP]
    assert (links.source[n], links.target[n], links.last_seen[n]) == (3, 0, stored.ALWAYS)
    assert date(1970, 1, 1) + timedelta(int(links.expires_on[n])) == date(2026, 1, 31)


def test_nothing_at_all_is_a_network_without_nodes(reader):
    found = reader()(load)
    assert (found.network.n_nodes, found.network.n_ties, found.links.size) == (0, 0, 0)


def test_ids_that_share_a_half_are_told_apart():
    raw = [bytes([n]) * 8 + bytes([m]) * 8 for n in (1, 2) for m in (0, 1, 2)]
    known = np.frombuffer(b"".join(raw[:5]), dtype="V16")
    nothing = np.zeros(5, dtype=np.int8)
    nodes = stored.NodeColumns(known, nothing, nothing, nothing, nothing, nothing, nothing.astype(bool))
    assert nodes.locate(np.frombuffer(b"".join(raw), dtype="V16")).tolist() == [0, 1, 2, 3, 4, stored.NONE]


def test_the_graph_of_an_earlier_day_is_rebuilt(records, reader):
    one, two, three = (records.person(f"Child {n}") for n in range(3))
    records.group("Group", one, left={one: date(2025, 6, 30)})
    records.link(("person", one), ("person", two), seen=date(2025, 3, 1), lasts_days=60)
    late = {"seen": date(2025, 3, 1), "recorded_at": london(2026, 2, 1, 0, 30)}
    records.link(("person", one), ("person", three), **late)
    ask = reader()
    counts = {
        day: ask(lambda session, day=day: load(session, as_of=day)).network.n_ties
        for day in (date(2024, 1, 1), date(2025, 3, 31), date(2025, 6, 30), date(2025, 7, 1))
    }
    assert list(counts.values()) == [0, 3, 2, 1]
    known = [
        ask(lambda session, by=by: load(session, as_of=date(2025, 7, 1), known_by=by)).network.n_ties
        for by in (date(2026, 1, 31), date(2026, 2, 1))
    ]
    assert known == [0, 1]


def test_links_are_chosen_by_kind_strength_grading_age_and_agency(records, reader):
    one, two, three = (records.person(f"Child {n}") for n in range(3))
    good = {"source_grade": 1, "assessment": "A"}
    records.link(("person", one), ("person", two), "friend", **good)
    records.link(("person", two), ("person", one), "co_missing", strength="probable", agency="health")
    old = {"seen": date(2025, 9, 1), "strength": "possible", "source_grade": 3, "assessment": "E"}
    records.link(("person", one), ("person", three), "family", **old)
    records.group("Group", one)
    ask = reader()

    def kinds(**asked: Any) -> list[str]:
        found = ask(lambda session: load(session, wanted=LinkFilter(**asked)))
        return sorted(stored.LINK_TYPES[k] for k in found.seen.links.type[found.links])

    assert kinds() == ["co_missing", "family", "friend", "member"]
    assert kinds(types=("friend", "member")) == ["friend", "member"]
    assert kinds(strengths=("probable",)) == ["co_missing"]
    assert kinds(source_grades=(1,)) == kinds(assessments=("A",)) == ["friend"]
    assert kinds(agencies=("health",)) == ["co_missing"]
    assert kinds(seen_within_days=90) == ["co_missing", "friend", "member"]
    found = ask(load)
    assert found.network.n_ties == 3
    assert sorted(found.network.weight.tolist()) == [1, 1, 2]
    for wrong in (
        {"types": ("enemy",)},
        {"strengths": ("sure",)},
        {"source_grades": (4,)},
        {"assessments": ("F",)},
    ):
        with pytest.raises(BadRequest):
            LinkFilter(**wrong)
    with pytest.raises(BadRequest, match="agency"):
        kinds(agencies=("circus",))


def test_a_doubtful_link_is_never_more_than_possible(records, reader, admin):
    one, two = records.person("Child 1"), records.person("Child 2")
    for grading in ({"source_grade": 3}, {"assessment": "E"}):
        records.link(("person", one), ("person", two), strength="possible", **grading)
    seen = reader()(see_network)
    recorded = seen.links.strength.copy()
    seen.links.strength[:] = STRENGTH_ORDER.index("known")  # as if the database's own rule had failed
    assert [STRENGTH_ORDER[s] for s in seen.drawn] == ["possible", "possible"]
    seen.links.strength[:] = recorded


# --- Need to know -------------------------------------------------------------------------------------

HIDDEN = {
    "restricted": {"restricted": True},
    "conditional": {"handling": "C", "handling_conditions": "Police only"},
}


@pytest.mark.parametrize("hidden", HIDDEN.values(), ids=HIDDEN)
def test_a_hidden_node_leaves_the_same_network_as_no_node(records, reader, hidden):
    park, child = records.place("Weir Park"), records.person("Child 1")
    friend = records.person("Child 2")
    group = records.group("North group", child)
    records.link(("person", child), ("place", park), "frequents")
    records.link(("person", child), ("person", friend))
    ask = reader()
    before = ask(load)
    starts = (group, park)
    pictures = [ask(lambda s, start=start: find_connections(s, start, hops=2, as_of=DAY)) for start in starts]
    adult = records.person("Adult 1", kind="adult", **hidden)
    elsewhere = records.place("Station", **hidden)
    other = records.group("Hidden group", child, **hidden)
    records.link(("person", adult), ("person", child), "suspected_exploiter")
    records.link(("person", adult), ("place", park), "frequents")
    records.link(("place", park), ("place", elsewhere), "route")
    records.link(("group", other), ("place", park), "group_uses_place")
    records.link(("person", friend), ("person", child), "family", **hidden)
    after = ask(load)
    assert after.seen is not before.seen, "it was read again"
    assert same(before.seen.nodes, after.seen.nodes)
    assert same(in_order(before.seen.links), in_order(after.seen.links))
    assert before.network.degree.tolist() == after.network.degree.tolist()
    again = [ask(lambda s, start=start: find_connections(s, start, hops=2, as_of=DAY)) for start in starts]
    assert pictures == again
    police = reader(Role.CHAIR, agency="police")(load)
    assert (police.network.n_nodes > after.network.n_nodes) == ("handling" in hidden)


def test_a_hidden_record_is_not_counted_as_evidence(records, reader, admin, partnership):
    one, two = records.person("Child 1"), records.person("Child 2")
    group = records.group("Group", one, two)
    link = records.link(("person", one), ("person", two))
    kept = records.event(None, london(2026, 2, 1))
    hidden = records.event(None, london(2026, 2, 2), **HIDDEN["conditional"])
    add = "INSERT INTO placewise.link_evidence (partnership_id, link_id, event_id) VALUES (%s, %s, %s)"
    with admin.cursor() as cursor:
        for event in (kept, hidden):
            cursor.execute(add, (partnership.partnership_id, link, event))

    def counted(ask: Ask) -> tuple[int, int]:
        found = ask(lambda s: find_connections(s, group, hops=1, as_of=DAY))
        (line,) = [line for line in found.lines if line.row.link_id == link]
        return line.row.evidence_count, len(ask(lambda s: stored.list_evidence(s, [link]))[link])

    assert counted(reader()) == (1, 1)
    assert counted(reader(agency="police")) == (2, 2)


def test_nobody_gets_what_was_held_for_another(records, reader):
    records.person("Child 1")
    records.person("Child 2", **HIDDEN["conditional"])
    police, health, chair = reader(agency="police"), reader(), reader(Role.CHAIR)
    auditor = reader(Role.AUDITOR, agency="police")
    for _ in range(2):
        counts = [ask(see_network).nodes.n for ask in (police, health, chair, auditor)]
        assert counts == [2, 1, 1, 0]
    assert reader()(see_network) is not health(see_network), "nor what would be the same"


def test_what_is_held_is_given_again_until_something_changes(records, reader, admin, partnership):
    park = records.place("Weir Park")
    child, friend = records.person("Child 1"), records.person("Child 2", restricted=True)
    ask = reader()
    last = ask(see_network)
    assert ask(see_network) is last
    own = str(partnership.partnership_id)
    grant = "INSERT INTO guard.record_grant VALUES (%s, %s, %s, now() + interval '1 day', 'named')"
    changes = {
        "link": lambda: records.link(("person", child), ("place", park), "frequents"),
        "membership": lambda: records.group("Group", child),
        "hidden": lambda: execute(
            admin, "UPDATE placewise.place SET restricted = true WHERE place_id = %s", park
        ),
        "grant": lambda: execute(admin, grant, own, ask.account.account_id, friend),
        "no grant": lambda: execute(
            admin, "DELETE FROM guard.record_grant WHERE account_id = %s", ask.account.account_id
        ),
        "import": lambda: records.batch(london(2026, 4, 1)),
    }
    counts = []
    for name, change in changes.items():
        change()
        now = ask(see_network)
        assert now is not last, name
        assert ask(see_network) is now, name
        counts.append((now.nodes.n, now.links.n))
        last = now
    assert counts == [(2, 1), (3, 2), (2, 1), (3, 1), (2, 1), (2, 1)]


def execute(admin: Any, statement: str, *values: object) -> None:
    with admin.cursor() as cursor:
        cursor.execute(statement, [str(value) for value in values])


def test_a_change_that_is_committed_later_than_a_younger_one_is_not_missed(
    records, reader, admin, database_urls
):
    import psycopg2

    records.person("Child 1")
    park = records.place("Weir Park")
    ask = reader()
    slow = psycopg2.connect(database_urls.admin)
    try:
        with slow.cursor() as cursor:
            cursor.execute("UPDATE placewise.place SET restricted = true WHERE place_id = %s", (str(park),))
        records.person("Child 2")  # committed at once
        assert ask(see_network).nodes.n == 3
        slow.commit()
        assert ask(see_network).nodes.n == 2
    finally:
        slow.close()


# --- Who was where ------------------------------------------------------------------------------------


def test_presences_say_who_was_named_where_and_when(records, reader, admin, partnership):
    park = records.place("Weir Park")
    station = records.place("Custody", location_type="police_station")
    away = records.place("Hidden", **HIDDEN["conditional"])
    child, adult = records.person("Child 1"), records.person("Adult 1", kind="adult")
    unknown = records.person("Child 2", restricted=True)
    own = partnership.partnership_id
    gone = records.event(park, london(2026, 3, 1), kind="missing_episode", relation="found_there")
    named = [
        (gone, child, "missing_child"),
        (records.event(station, london(2026, 3, 2), source_grade=3), adult, "adult_concerned"),
        (records.event(away, london(2026, 3, 3)), child, "child_concerned"),
        (records.event(park, london(2026, 3, 4)), unknown, "child_concerned"),
    ]
    back = "INSERT INTO placewise.missing_episode (partnership_id, event_id, returned_at) VALUES (%s, %s, %s)"
    execute(admin, back, own, gone, london(2026, 3, 3, 9))
    for event, person, role in named:
        execute(admin, "INSERT INTO placewise.event_person VALUES (%s, %s, %s, %s)", own, event, person, role)
    seen, found = reader()(lambda session: ((s := see_network(session)), load_presences(session, s)))
    rows = np.argsort(found.begin)
    assert found.person[rows].tolist() == [position(seen, one) for one in (child, adult, child)]
    assert found.place[rows].tolist() == [position(seen, park), -1, -1]
    assert [EventRole(role) for role in found.role[rows]] == [
        EventRole.MISSING_CHILD,
        EventRole.ADULT_CONCERNED,
        EventRole.CHILD_CONCERNED,
    ]
    assert found.begin[rows[0]] == np.datetime64("2026-03-01T12:00")
    assert found.end[rows[0]] == np.datetime64("2026-03-03T09:00")
    assert found.found[rows].tolist() == [True, False, False]
    assert found.doubtful[rows].tolist() == [False, True, False]
    assert len(set(found.event.tolist())) == 3

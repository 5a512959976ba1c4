"""What connects peer groups: the page, in a small partnership and in the demo borough."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from types import SimpleNamespace
from uuid import uuid4

import pytest

from placewise.core.scope import Action, Role
from placewise.panel import period
from placewise.panel.group_connections import GroupConnections, find_group_connections
from tests.records import LONDON, Records
from tests.web.test_place_pages import text

TODAY = datetime.now(LONDON).date()
LATELY = {"seen": TODAY - timedelta(days=20)}


@pytest.fixture
def records(admin, partnership):
    return Records(admin, partnership)


@pytest.fixture
def at(partnership):
    return lambda path: f"/p/{partnership.slug}/{path}"


@pytest.fixture
def page_of(client_as, at):
    return lambda query="", role=Role.MEMBER, status=200: text(
        client_as(role), at(f"connections/groups{query}"), status=status
    )


@pytest.fixture
def borough(records):
    """Two peer groups with a park and an adult of concern between them; a youth club, a station and a worker apart."""
    children = [records.person(f"Child {n:04}") for n in range(1, 7)]
    suspected = {"concern_category": "suspected", "source_grade": 2, "assessment": "B", "basis": "inference"}
    adult = records.person("Adult 0001", "adult", **suspected)
    worker = records.person("Adult 0002", "adult")
    north = records.group("North group", *children[:3])
    south = records.group("South group", *children[3:])
    park = records.place("Weir Park")
    club = records.place("Youth club", place_role="protective_place")
    station = records.place("Police station", location_type="police_station")
    for group in (north, south):
        for place in (park, club, station):
            records.link(("group", group), ("place", place), "group_uses_place", **LATELY)
        records.link(("person", adult), ("group", group), "group_contact", **LATELY)
    for child in (children[0], children[1], children[3]):
        records.link(("person", child), ("place", park), "frequents", **LATELY)
    for child in (children[0], children[3]):
        records.link(("person", worker), ("person", child), "trusted_adult", **LATELY)
    return SimpleNamespace(children=children, adult=adult, north=north, south=south, park=park, club=club)


def test_places_and_adults_that_join_groups_are_named_with_counts_of_children(page_of, borough):
    page = page_of()
    assert "1 place and 1 adult of concern join 2 of 2 peer groups." in page
    assert re.search(
        r"P Weir Park .*North group G South group No 3 different children: 2 of 3 in North group "
        r"1 of 3 in South group With 0 adults of concern",
        page,
    )
    assert "Child 0" not in page


def test_no_child_is_named_or_can_be_told_from_the_page(client_as, at, borough):
    for query in ("", f"?without={borough.adult}", "?without=best-2"):
        page = client_as(Role.CHAIR).get(at(f"connections/groups{query}")).get_data(as_text=True)
        assert str(borough.park) in page
        assert "Child 0" not in page
        assert not [child for child in borough.children if str(child) in page]


def test_a_hidden_child_changes_no_count(page_of, borough, records):
    before = page_of(f"?without={borough.park}")
    hidden = records.person("Child 0099", restricted=True)
    records.link(("person", hidden), ("place", borough.park), "frequents", **LATELY)
    after = page_of(f"?without={borough.park}")
    for said in ("3 different children", "3 of 3 recorded meetings would end"):
        assert said in before
        assert said in after


def test_safe_places_police_stations_and_workers_join_nobody(page_of, borough):
    page = page_of()
    for left_out in ("Youth club", "Police station", "Adult 0002"):
        assert left_out not in page


def test_the_picture_draws_each_group_and_what_joins_it_once(client_as, at, borough):
    page = client_as(Role.MEMBER).get(at("connections/groups")).get_data(as_text=True)
    picture = page[page.index('<svg class="pw-joins"') : page.index("<table")]
    assert picture.count("<line ") == 4
    for name in ("North group", "South group", "Weir Park", "Adult 0001"):
        assert picture.count(f">{name}<") == 1


def test_without_one_what_ends_what_is_lost_and_how_sure(page_of, borough):
    page = page_of(f"?without={borough.park}")
    assert (
        "Without Weir Park, 3 of 3 recorded meetings would end (100%), and 1 of 2 ties between groups."
        in page
    )
    assert "Of 2 ties that keep children safe, none would be lost." in page
    assert "nothing else ended more in 20 of 20 trials" in page


def test_the_best_choice_takes_no_more_than_it_needs(page_of, borough):
    page = page_of("?without=best-3")
    assert "Without Weir Park, 3 of 3" in page
    assert "No other choice of as many ends more" in page


def test_what_a_child_feels_safe_at_would_be_lost(page_of, borough, records):
    records.link(("person", borough.children[5]), ("place", borough.park), "feels_safe_at", **LATELY)
    assert "Of 3 ties that keep children safe, 1 would be lost." in page_of(f"?without={borough.park}")


def test_a_record_that_names_child_and_adult_at_the_place_is_one_meeting(
    page_of, borough, records, admin, partnership
):
    when = datetime.now(LONDON) - timedelta(days=9)
    event = records.event(borough.park, when)
    with admin.cursor() as cursor:
        for person, role in ((borough.children[4], "child_concerned"), (borough.adult, "adult_concerned")):
            row = (partnership.partnership_id, event, person, role)
            cursor.execute("INSERT INTO placewise.event_person VALUES (%s, %s, %s, %s)", row)
    page = page_of(f"?without={borough.adult}")
    assert "2 of 3 in South group With 1 adult of concern" in page
    assert "Without Adult 0001, 1 of 4 recorded meetings would end (25%)" in page


def test_nobody_asks_about_a_child_or_a_safe_place(page_of, borough):
    for record in (borough.children[0], borough.club, uuid4(), "best-4", "nonsense"):
        page_of(f"?without={record}", status=404)


def test_groups_without_anything_between_them_say_so(page_of, records):
    assert "No peer group is held yet" in page_of()
    records.group("North group", records.person("Child 0001"))
    assert "Nothing that is recorded joins two peer groups, of 1 peer group that you see." in page_of()
    assert "Cannot tell: no child is recorded as meeting" in page_of("?without=best-1")


def test_who_may_not_see_connections_is_refused_and_another_partnership_is_not_found(client_as, at, borough):
    for role in (Role.TASK_MEMBER, Role.AUDITOR, Role.ADMINISTRATOR):
        assert client_as(role).get(at("connections/groups")).status_code == 403
    assert client_as(Role.MEMBER).get("/p/elsewhere/connections/groups").status_code == 404


def test_adults_shown_are_in_the_audit_log_by_id_and_children_are_not(page_of, borough, admin, partnership):
    page_of(f"?without={borough.park}")
    with admin.cursor() as cursor:
        cursor.execute(
            "SELECT payload::jsonb FROM audit.event WHERE partnership_id = %s AND action = 'consult:connections'",
            (partnership.partnership_id,),
        )
        ((payload,),) = cursor.fetchall()
    assert payload["detail"]["people"] == [str(borough.adult)]
    assert payload["object"] == str(borough.park)


# --- The demo borough -------------------------------------------------------------------------------


@pytest.fixture
def demo(chair, database):
    def look(**question) -> GroupConnections:
        with database.session(chair, Action.CONSULT_CONNECTIONS) as session:
            day = period.reading_day(session, today=TODAY, synthetic=True)
            return find_group_connections(session, as_of=day, **question)

    return look


def test_the_planted_bridge_is_all_that_joins_groups(demo, truth):
    found = demo()
    bridge = truth["bridge"]
    assert {one.node.kind for one in found.connectors} == {"place", "adult"}
    assert len(found.connectors) == len(bridge["places"]) + len(bridge["adults"])
    named = {group["name"] for group in truth["groups"] if group["ref"] in bridge["groups"]}
    assert {group.node.label for group in found.groups} == named
    places = {spot["name"] for spot in truth["hotspots"] if spot["place_ref"] in bridge["places"]}
    assert {one.node.label for one in found.connectors if one.node.kind == "place"} == places


def test_the_best_choice_in_the_demo_says_how_sure_it_is(demo):
    change = demo(best=2).change
    assert change.choice.exact
    low, _, high = change.uncertainty.share_ended
    assert low < change.outcome.share_ended < high + 0.05
    assert {node.kind for node in change.removed} <= {"place", "adult"}

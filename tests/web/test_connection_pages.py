"""Peer groups, connections, people and names, without a browser."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date
from html import unescape
from types import SimpleNamespace
from uuid import uuid4

import pytest

from placewise.core.scope import Role
from tests.conftest import csrf_token
from tests.records import Records
from tests.web.test_place_pages import text, words

PURPOSE = "Planning the station response"


@pytest.fixture
def records(admin, partnership):
    return Records(admin, partnership)


@pytest.fixture
def at(partnership):
    return lambda path: f"/p/{partnership.slug}/{path}"


@pytest.fixture
def borough(records):
    """Two peer groups joined by one place and one adult; beyond them another place."""
    return make_borough(records)


def make_borough(records):
    children = [records.person(f"Child {n:04}", name="Jamie Doe") for n in range(1, 7)]
    suspected = {"concern_category": "suspected", "source_grade": 2, "assessment": "B", "basis": "inference"}
    adult = records.person("Adult 0001", "adult", name="Pat Roe", **suspected)
    north = records.group("North group", *children[:3], left={children[2]: date(2025, 6, 1)})
    south = records.group("South group", *children[3:])
    park, hotel = records.place("Weir Park"), records.place("Lodge hotel")
    records.link(("group", north), ("place", park), "group_uses_place")
    records.link(("group", south), ("place", park), "group_uses_place")
    records.link(("person", adult), ("group", north), "group_contact", strength="probable")
    records.link(("person", adult), ("group", south), "group_contact")
    records.link(("person", adult), ("place", hotel), "works_at")
    records.link(("person", children[0]), ("person", children[1]), seen=date(2023, 3, 1), lasts_days=90)
    return SimpleNamespace(children=children, adult=adult, north=north, south=south, park=park, hotel=hotel)


def audited(admin, partnership, action):
    with admin.cursor() as cursor:
        cursor.execute(
            "SELECT outcome, payload::jsonb FROM audit.event WHERE partnership_id = %s AND action = %s ORDER BY seq",
            (partnership.partnership_id, action),
        )
        return cursor.fetchall()


def ask_second_step(client, at, purpose=PURPOSE, **start):
    token = csrf_token(client, at("connections"))
    form = {"csrf_token": token, "purpose": purpose, **start}
    return client.post(at("connections/second-step"), data=form)


# --- Peer groups --------------------------------------------------------------------------------


def test_groups_are_listed_by_name_with_counts_and_no_pseudonym(client_as, at, borough):
    page = text(client_as(Role.MEMBER), at("groups"))
    assert re.search(r"North group Not started 2 1 South group Not started 3 1", page)
    assert "Child 0" not in page


def test_a_group_lists_its_members_by_pseudonym_and_former_ones_apart(client_as, at, borough):
    page = text(client_as(Role.MEMBER), at(f"groups/{borough.north}"))
    assert re.search(r"Child 0001 .*Child 0002 .*1 former member Child 0003, left 1 June 2025", page)
    assert "Weir Park" in page
    assert "Jamie" not in page


def test_task_members_and_auditors_open_no_connections(client_as, at, borough):
    for role in (Role.TASK_MEMBER, Role.AUDITOR, Role.ADMINISTRATOR):
        client = client_as(role)
        for path in (
            "groups",
            f"groups/{borough.north}",
            "connections",
            f"connections?group={borough.north}",
        ):
            assert client.get(at(path)).status_code == 403


# --- One step -------------------------------------------------------------------------------------


def test_connections_start_from_a_group_or_a_place_and_never_from_a_person(client_as, at, borough):
    client = client_as(Role.MEMBER)
    page = text(client, at("connections"))
    assert "North group" in page
    assert "Weir Park" in page
    text(client, at(f"connections?group={borough.children[0]}"), status=404)
    text(client, at(f"connections?place={borough.adult}"), status=404)
    text(client, at(f"connections?group={borough.north}&place={borough.park}"), status=400)
    text(client, at("connections?group=nonsense"), status=404)


def test_one_step_shows_the_group_its_members_places_and_adults(client_as, at, borough):
    client = client_as(Role.ANALYST)
    page = text(client, at(f"connections?group={borough.north}"))
    assert "Within one step of North group: 1 place, 1 adult and 2 children, joined by 4 links." in page
    assert "2 more have expired and are not counted" in page
    assert "South group" not in page
    assert re.search(r"Child 0003 Member .*Left 1 June 2025 not counted", page)


def test_the_picture_holds_what_the_table_holds(client_as, at, borough):
    client = client_as(Role.MEMBER)
    picture = client.get(at(f"connections.json?group={borough.north}")).get_json()
    labels = {node["label"] for node in picture["nodes"]}
    assert labels == {"North group", "Weir Park", "Adult 0001", "Child 0001", "Child 0002", "Child 0003"}
    assert sum(link["count"] for link in picture["links"]) == 4
    assert all(0 <= node["x"] <= 1000 and 0 <= node["y"] <= 700 for node in picture["nodes"])
    page = text(client, at(f"connections?group={borough.north}"))
    assert all(label in page for label in labels)


def test_the_picture_is_the_same_each_time_and_for_each_member(client_as, at, borough):
    address = at(f"connections.json?group={borough.north}")
    assert client_as(Role.MEMBER).get(address).data == client_as(Role.CHAIR).get(address).data


def test_links_are_narrowed_by_kind(client_as, at, borough):
    client = client_as(Role.MEMBER)
    page = text(client, at(f"connections?group={borough.north}&type=group_uses_place"))
    assert "Within one step of North group: 1 place, joined by 1 link." in page
    assert "Adult 0001" not in page
    text(client, at(f"connections?group={borough.north}&type=rumour"), status=400)


def test_an_unreliable_source_is_drawn_as_possible(client_as, at, records):
    park, lane = records.place("Weir Park"), records.place("Weir Lane")
    records.link(
        ("place", park), ("place", lane), "route", strength="possible", source_grade=3, assessment="E"
    )
    picture = client_as(Role.MEMBER).get(at(f"connections.json?place={park}")).get_json()
    assert [link["strength"] for link in picture["links"]] == ["possible"]


def test_handling_conditions_are_printed_beside_the_link(client_as, at, records):
    park, lane = records.place("Weir Park"), records.place("Weir Lane")
    records.link(
        ("place", park), ("place", lane), "route", handling="C", handling_conditions="Not to the landlord"
    )
    page = text(client_as(Role.MEMBER), at(f"connections?place={park}"))
    assert "Handling C Not to the landlord" in page


def test_a_hidden_end_takes_its_links_away_without_a_trace(client_as, at, records):
    park = records.place("Weir Park")
    seen, hidden = records.person("Child 0001"), records.person("Child 0002", restricted=True)
    secret = records.place("Safe house", restricted=True)
    records.link(("person", seen), ("place", park), "frequents")
    records.link(("person", hidden), ("place", park), "frequents")
    records.link(("place", park), ("place", secret), "route")
    client = client_as(Role.CHAIR)
    for path in (f"connections?place={park}", f"connections.json?place={park}"):
        answer = client.get(at(path)).get_data(as_text=True)
        assert "Child 0001" in answer
        for trace in ("Child 0002", "Safe house", str(hidden), str(secret)):
            assert trace not in answer
    page = text(client, at(f"connections?place={park}"))
    assert "1 child, joined by 1 link." in page


def test_more_than_a_picture_holds_is_refused_with_counts_and_a_way_on(client_as, at, records):
    park = records.place("Weir Park")
    group = records.group("Summer fair", *[records.person(f"Child {n:04}") for n in range(301)])
    records.link(("group", group), ("place", park), "group_uses_place")
    client = client_as(Role.MEMBER)
    page = text(client, at(f"connections?group={group}"))
    assert (
        "Too much for one picture. That reaches 303 records (1 peer group, 1 place and 301 children)" in page
    )
    assert "Choose fewer kinds of link" in page
    assert client.get(at(f"connections.json?group={group}")).status_code == 400
    assert "joined by 1 link" in text(client, at(f"connections?group={group}&type=group_uses_place"))


# --- The second step ------------------------------------------------------------------------------


def test_a_second_step_asks_for_a_purpose_logs_it_and_then_shows(client_as, at, borough, admin, partnership):
    client = client_as(Role.MEMBER)
    asked = text(client, at(f"connections?group={borough.north}&hops=2"))
    assert "South group" not in asked
    assert "What do you need it for?" in asked
    answer = ask_second_step(client, at, group=borough.north)
    assert answer.status_code == 303
    page = text(client, answer.location)
    assert "Within two steps of North group: 1 peer group, 2 places, 1 adult and 2 children" in page
    assert "Lodge hotel" in page
    ((outcome, payload),) = audited(admin, partnership, "combine:connections")
    assert (outcome, payload["purpose"], payload["object"]) == ("allow", PURPOSE, str(borough.north))


def test_bridges_between_groups_are_places_and_adults(client_as, at, borough, records):
    records.link(("person", borough.children[0]), ("group", borough.south), "group_contact")
    client = client_as(Role.MEMBER)
    answer = ask_second_step(client, at, group=borough.north)
    page = text(client, answer.location)
    section = page[page.index("Joining peer groups") : page.index("Places and adults only")]
    assert "Weir Park joins North group and South group" in section
    assert "Adult 0001 joins North group and South group" in section
    assert "Child" not in section


@pytest.mark.parametrize("purpose", ["", "too short", "x" * 501])
def test_a_purpose_is_ten_to_five_hundred_characters(client_as, at, borough, purpose):
    client = client_as(Role.MEMBER)
    answer = ask_second_step(client, at, purpose, group=borough.north)
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert 'id="purpose-error"' in page
    assert f">{purpose}</textarea>" in page
    assert "South group" not in page
    assert client.get(at(f"connections.json?group={borough.north}&hops=2")).status_code == 403


def test_the_address_of_a_second_step_opens_nothing_for_another_person(client_as, at, borough):
    first, second = client_as(Role.MEMBER), client_as(Role.CHAIR)
    address = ask_second_step(first, at, group=borough.north).location
    assert "South group" in text(first, address)
    assert "South group" not in text(second, address)


def test_a_purpose_runs_out_and_holds_for_its_own_start_only(client_as, at, borough, monkeypatch):
    client = client_as(Role.MEMBER)
    address = ask_second_step(client, at, group=borough.north).location
    assert "Lodge hotel" not in text(client, at(f"connections?group={borough.south}&hops=2"))
    import placewise.web.connection_pages as pages

    now = pages.time.time()
    monkeypatch.setattr(pages.time, "time", lambda: now + pages.SECOND_STEP_S + 1)
    assert "Lodge hotel" not in text(client, address)


def test_where_no_purpose_is_asked_the_step_is_logged_all_the_same(
    client_as, at, borough, app, monkeypatch, admin, partnership
):
    ours = app.extensions["placewise"]
    monkeypatch.setitem(
        app.extensions, "placewise", replace(ours, settings=replace(ours.settings, ask_purpose=False))
    )
    client = client_as(Role.MEMBER)
    assert "What do you need it for?" not in text(client, at(f"connections?group={borough.north}"))
    assert "Lodge hotel" in text(client, ask_second_step(client, at, "", group=borough.north).location)
    ((outcome, payload),) = audited(admin, partnership, "combine:connections")
    assert (outcome, payload["purpose"]) == ("allow", None)


def test_a_second_step_from_a_hidden_start_is_not_found_and_logged_as_refused(
    client_as, at, records, admin, partnership
):
    hidden = records.place("Safe house", restricted=True)
    answer = ask_second_step(client_as(Role.CHAIR), at, place=hidden)
    assert answer.status_code == 404
    assert [outcome for outcome, _ in audited(admin, partnership, "combine:connections")] == ["deny"]


def test_who_was_shown_is_in_the_audit_log_by_id(client_as, at, borough, admin, partnership):
    client_as(Role.MEMBER).get(at(f"connections?group={borough.north}"))
    ((_, payload),) = audited(admin, partnership, "consult:connections")
    assert set(payload["detail"]["people"]) == {str(p) for p in (*borough.children[:3], borough.adult)}
    assert "Child" not in json.dumps(payload)


# --- People and names -------------------------------------------------------------------------------


def test_a_person_is_a_pseudonym_with_a_kind_that_cannot_be_mistaken(client_as, at, borough):
    client = client_as(Role.ANALYST)
    adult = text(client, at(f"people/{borough.adult}"))
    assert "Person of concern Adult 0001" in adult
    assert "Suspected person of concern, graded 2B" in adult
    child = text(client, at(f"people/{borough.children[0]}"))
    assert "Child Child 0001 A child" in child
    assert "1 peer group and 1 link that stands. 1 more has expired and is not counted." in child
    assert "concern" not in child.lower()
    for page in (adult, child):
        assert "Jamie" not in page
        assert "Pat Roe" not in page


def test_a_carer_is_no_person_of_concern(client_as, at, records):
    carer = records.person("Adult 0009", "adult")
    page = text(client_as(Role.MEMBER), at(f"people/{carer}"))
    assert "Adult Adult 0009" in page
    assert "No concern recorded" in page


def asking(client, address):
    """The one-time part of the form that asks for a name."""
    page = client.get(address).get_data(as_text=True)
    return {"asking": page.partition('name="asking" value="')[2].partition('"')[0]}


def test_a_name_needs_a_reason_and_is_logged_with_it(client_as, at, borough, admin, partnership):
    client = client_as(Role.CHAIR)
    address = at(f"people/{borough.children[0]}/identity")
    assert "Jamie" not in text(client, address)
    token = csrf_token(client, address)
    refused = client.post(address, data={"csrf_token": token, "reason": "because"} | asking(client, address))
    assert refused.status_code == 422
    assert "Give a reason of at least ten characters." in refused.get_data(as_text=True)
    assert "Jamie" not in refused.get_data(as_text=True)
    reason = "Strategy meeting on Tuesday"
    form = {"csrf_token": token, "reason": reason} | asking(client, address)
    shown = client.post(address, data=form)
    again = client.post(address, data=form)
    assert (again.status_code, "Jamie" in again.get_data(as_text=True)) == (422, False)
    assert "A reason serves once" in again.get_data(as_text=True)
    assert "Given name Jamie" in words(shown.get_data(as_text=True))
    assert "3 February 2010" in unescape(shown.get_data(as_text=True))
    assert shown.headers["Cache-Control"] == "no-store"
    logged = [
        (o, p["purpose"], p["n"], p["object"]) for o, p in audited(admin, partnership, "consult:identity")
    ]
    assert logged == [("allow", reason, 1, str(borough.children[0]))]


@pytest.mark.parametrize("role", [Role.ANALYST, Role.MEMBER])
def test_others_are_told_to_ask_and_cannot_see_a_name_by_force(
    client_as, at, borough, role, admin, partnership
):
    client = client_as(role)
    address = at(f"people/{borough.children[0]}/identity")
    page = text(client, at(f"people/{borough.children[0]}"))
    assert "ask your chair or co-ordinator" in page
    assert "Show identity" not in page
    assert "Ask your chair or co-ordinator" in text(client, address)
    token = csrf_token(client, at("groups"))
    forced = client.post(address, data={"csrf_token": token, "reason": "I would like to know"})
    assert forced.status_code == 403
    assert "Jamie" not in forced.get_data(as_text=True)
    assert [outcome for outcome, _ in audited(admin, partnership, "consult:identity")] == ["deny"]


def test_a_hidden_person_has_no_page_and_no_name(client_as, at, records):
    hidden = records.person("Child 0007", name="Alex Poe", restricted=True)
    client = client_as(Role.CHAIR)
    token = csrf_token(client, at("groups"))
    for person in (hidden, uuid4()):
        text(client, at(f"people/{person}"), status=404)
        answer = client.post(
            at(f"people/{person}/identity"), data={"csrf_token": token, "reason": "Strategy meeting today"}
        )
        assert answer.status_code == 404


def test_no_page_but_the_revealed_identity_ever_holds_a_name(client_as, at, borough):
    client = client_as(Role.CHAIR)
    ask_second_step(client, at, group=borough.north)
    paths = [
        "places", f"places/{borough.park}", "groups", f"groups/{borough.north}", "connections",
        f"connections?group={borough.north}&hops=2", f"connections.json?group={borough.north}&hops=2",
        f"people/{borough.adult}", f"people/{borough.adult}/identity",
    ]  # fmt: skip
    for path in paths:
        answer = client.get(at(path))
        assert answer.status_code == 200
        assert not re.search(r"\b(Jamie|Doe|Pat|Roe)\b", answer.get_data(as_text=True)), path

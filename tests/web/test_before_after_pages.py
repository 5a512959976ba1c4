"""The page "Before and after" without a browser: the form, the verdict, what is left out, and saved evaluations."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from placewise.core.scope import Role
from placewise.web.reading import today
from tests.conftest import csrf_token
from tests.records import Records, london
from tests.web.test_place_pages import text, words

HERE, NEAR, FAR = (f"SRID=27700;POINT({602000 + x} 364000)" for x in (0, 250, 5000))
WARD = "SRID=27700;MULTIPOLYGON(((598000 360000,610000 360000,610000 368000,598000 368000,598000 360000)))"
PLAN = {
    "day": "1",
    "month": "11",
    "year": "2025",
    "done": "Lights repaired",
    "months": "6",
    "reach": "100",
    "ring": "300",
    "against": "rest",
}
#: As a plan writes itself into an address.
PLAN_ORDER = ("day", "month", "year", "done", "months", "reach", "ring", "against")


@pytest.fixture
def records(admin, partnership):
    made = Records(admin, partnership)
    made.two_years()
    with admin.cursor() as cursor:
        cursor.execute(
            "INSERT INTO placewise.boundary (partnership_id, boundary_id, kind, code, name, vintage, geom)"
            " VALUES (%s, gen_random_uuid(), 'local_authority', 'E1', 'Testham', 2025, %s)",
            (partnership.partnership_id, WARD),
        )
    return made


@pytest.fixture
def at(partnership):
    return lambda place, **changes: (
        f"/p/{partnership.slug}/places/{place}/before-after?{urlencode({**PLAN, **changes}, doseq=True)}"
    )


def some(records, geom, before, after, **columns):
    """Put records of harm at a point: so many in the six months before November 2025 and after."""
    columns = {"geom": geom, "accuracy": "exact", "radius_m": 20, **columns}
    for n in range(before):
        records.event(None, london(2025, 5 + n % 6, 2 + n % 25), **columns)
    for n in range(after):
        records.event(None, london(2025 + (n % 6 > 1), (10 + n % 6) % 12 + 1, 2 + n % 25), **columns)


def point(records, name="Weir Park", **columns):
    return records.place(name, geom=HERE, accuracy="exact", radius_m=20, **columns)


def test_a_fall_here_and_nothing_next_door(client_as, at, records):
    place = point(records)
    some(records, HERE, 30, 5)
    some(records, NEAR, 12, 12)
    some(records, FAR, 80, 80)
    page = text(client_as(Role.MEMBER), at(place))
    assert (
        "30 before, 5 after here; 80 and 80 in the comparison area: a fall beyond ordinary variation; "
        "nothing suggests that it moved next door." in page
    )
    assert page.index("The plan") < page.index("What happened")
    assert "Lights repaired" in page
    assert "6 months: 1 May 2025 to 31 October 2025" in page


def test_too_few_say_what_would_not_be_noticed(client_as, at, records):
    place = point(records)
    some(records, HERE, 4, 1)
    some(records, FAR, 80, 80)
    page = text(client_as(Role.MEMBER), at(place))
    assert (
        "4 before, 1 after here; 80 and 80 in the comparison area: cannot tell: not even a fall to nought"
        in page
    )


def test_nothing_here_is_no_finding(client_as, at, records):
    place = point(records)
    some(records, FAR, 80, 80)
    page = text(client_as(Role.MEMBER), at(place))
    assert "cannot tell: nothing is recorded here in either period" in page


def test_found_here_published_crime_and_rough_records_are_no_part_of_it(client_as, at, records):
    place = point(records)
    some(records, HERE, 30, 5)
    some(records, FAR, 80, 80)
    some(records, HERE, 0, 40, relation="found_there")
    some(records, HERE, 0, 40, kind="recorded_crime")
    some(records, HERE, 3, 7, accuracy="ward", radius_m=2000)
    page = text(client_as(Role.MEMBER), at(place))
    assert "30 before, 5 after here" in page
    # six of the records that make the months whole have no location at all, before as after
    assert "9 records of harm before and 13 after" in page


def test_a_record_that_names_the_place_counts_wherever_else_it_says(client_as, at, records):
    place = point(records)
    for n in range(8):
        records.event(place, london(2025, 9, 1 + n), accuracy="ward")
    some(records, FAR, 80, 80)
    page = text(client_as(Role.MEMBER), at(place))
    assert "8 before, 0 after here; 80 and 80" in page


def test_one_childs_repeats_count_once(client_as, at, records, admin, partnership):
    place = point(records)
    some(records, FAR, 80, 80)
    child = records.person("Child 0001")
    for n in range(12):
        event = records.event(place, london(2025, 9, 1 + n))
        with admin.cursor() as cursor:
            cursor.execute(
                "INSERT INTO placewise.event_person (partnership_id, event_id, person_id, role)"
                " VALUES (%s, %s, %s, 'child_concerned')",
                (partnership.partnership_id, event, child),
            )
    page = text(client_as(Role.MEMBER), at(place))
    assert "Counting each child once: 1 before, 0 after here" in page
    assert re.search(r"Here Each child once 1 .*? Records 12 0 Different children named 1 0", page)
    assert "Child 0001" not in page


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"day": "31", "month": "2"}, "The date of the change must be a real date"),
        ({"done": " "}, "Say in a few words what was done"),
        ({"done": "x" * 201}, "200 characters or fewer"),
        ({"months": "7"}, "Choose one of 3, 6"),
        ({"reach": "-1"}, "Choose one of 50"),
        ({"ring": "NaN"}, "Choose one of 100"),
        ({"against": "places"}, "Choose what to compare the place with"),
        ({"as_at": "yesterday"}, "is not a date and time"),
    ],
)
def test_a_wrong_plan_is_a_message_and_shows_no_figures(client_as, at, records, changes, message):
    page = text(client_as(Role.MEMBER), at(point(records), **changes), status=400)
    assert message in page
    assert "What happened" not in page


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"year": "2099"}, "is still to come. Open this plan again once"),
        ({"month": "1", "year": "2026"}, "whole months of records reach only to 30 April 2026"),
        ({"month": "7", "year": "2024"}, "the first record is of May 2024"),
    ],
)
def test_a_plan_beyond_the_records_is_shown_without_an_answer(client_as, at, records, changes, message):
    page = text(client_as(Role.MEMBER), at(point(records), **changes))
    assert message in page
    assert "The plan" in page
    assert "How sure is that?" not in page


def test_places_are_compared_by_name_and_must_lie_apart(client_as, at, records):
    place = point(records)
    apart = records.place("Tide Square", geom=FAR, accuracy="exact", radius_m=20)
    beside = records.place("Beside It", geom=NEAR, accuracy="exact", radius_m=20)
    some(records, HERE, 12, 12)
    some(records, FAR, 9, 8)
    page = text(client_as(Role.MEMBER), at(place, against="places", **{"with": [str(apart)]}))
    assert "12 before, 12 after here; 9 and 8 in the comparison area: " in page
    assert "Comparison area Tide Square" in page
    near = text(client_as(Role.MEMBER), at(place, against="places", **{"with": [str(beside)]}), status=400)
    assert "Beside It lies in or beside the ring" in near


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"online": True}, "This place is online"),
        ({"geom": HERE, "accuracy": "ward", "radius_m": 2000}, "known only roughly"),
    ],
)
def test_a_place_that_stands_nowhere_says_so(client_as, at, records, columns, said):
    place = records.place("Somewhere", **columns)
    assert said in text(client_as(Role.MEMBER), at(place))


def test_a_silence_that_began_before_a_short_plan_is_known_by_what_was_sent_earlier(client_as, at, records):
    """Of the plan's six months health reported about one, which alone would tell nothing of silence."""
    place = point(records)
    some(records, FAR, 80, 80)
    for n in range(16):
        records.event(
            None, london(2024 + (4 + n) // 12, (4 + n) % 12 + 1, 9), accuracy="none", agency="health"
        )
    page = text(client_as(Role.MEMBER), at(place, months="3"))
    assert "Reports of Testham Health are missing in more months of one period than of the other" in page
    assert "Testham Health 1 0 2 months before, 3 after" in page


def test_a_task_member_sees_the_plan_and_is_told_why_nothing_is_compared(
    client_as, make_account, at, records, admin, partnership
):
    named, other = point(records, "Named Park"), point(records, "Other Park")
    account = make_account(Role.TASK_MEMBER)
    with admin.cursor() as cursor:
        cursor.execute(
            "INSERT INTO guard.place_grant VALUES (%s, %s, %s, now() + interval '1 day', 'test')",
            (partnership.partnership_id, account.account_id, named),
        )
    for n in range(12):
        records.event(named, london(2024 + (4 + n) // 12, (4 + n) % 12 + 1, 3))
        records.event(named, london(2025 + (4 + n) // 12, (4 + n) % 12 + 1, 3))
    client = client_as(account=account)
    why = "You see single places only: neither what happened next door and elsewhere"
    page = text(client, at(named))
    assert f"What happened Cannot tell. {why}" in page
    for said in ("Save this evaluation", "Without whole data", "missing in more months", "Who reported"):
        assert said not in page
    form = text(client, at(named).partition("?")[0])
    assert form.index(f"Whether a change here made a difference cannot be told. {why}") < form.index(
        "What was done"
    )
    assert "Show what happened" not in form
    text(client, at(other), status=404)


def save(client, address, title="Lights at Weir Park"):
    page = client.get(address).get_data(as_text=True)
    form = page[page.index('class="pw-save"') :]
    hidden = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form))
    token = csrf_token(client, address)
    return client.post(address.partition("?")[0], data={**hidden, "title": title, "csrf_token": token})


def test_a_saved_evaluation_is_calculated_again_and_says_what_changed(client_as, at, records):
    place = point(records)
    some(records, HERE, 30, 5)
    some(records, FAR, 80, 80)
    client = client_as(Role.ANALYST)
    answer = save(client, at(place))
    assert answer.status_code == 303, words(answer.get_data(as_text=True))
    assert "Calculated again, the figures are the same" in text(client, answer.location)
    listed = client.get(at(place).partition("?")[0]).get_data(as_text=True)
    address = re.search(r'href="(\?[^"]+)">Lights at Weir Park<', listed)[1].replace("&amp;", "&")
    some(records, HERE, 2, 0)
    page = text(client, at(place).partition("?")[0] + address)
    assert "Calculated again with the records of then, the figures are the same." in page
    assert "The figures have changed since." in page
    assert "30 before, 5 after here" in page
    assert "32 before, 5 after here" in text(client, at(place))


def test_a_saved_evaluation_whose_records_are_gone_says_so(client_as, at, records, admin, partnership):
    place = point(records)
    some(records, HERE, 30, 5)
    some(records, FAR, 80, 80)
    client = client_as(Role.CHAIR)
    address = save(client, at(place)).location
    with admin.cursor() as cursor:
        cursor.execute(
            "DELETE FROM placewise.event WHERE partnership_id = %s AND occurred_from > %s AND geom IS NOT NULL",
            (partnership.partnership_id, date(2026, 3, 1)),
        )
    page = text(client, address)
    assert "The figures cannot be made again as they were." in page
    assert "It then said: 30 before, 5 after here" in page


def test_who_may_save(client_as, at, records):
    place = point(records)
    some(records, HERE, 30, 5)
    some(records, FAR, 80, 80)
    member = client_as(Role.MEMBER)
    assert "Save this evaluation" not in text(member, at(place))
    token = csrf_token(member, at(place))
    assert member.post(at(place).partition("?")[0], data={**PLAN, "csrf_token": token}).status_code == 403
    analyst = client_as(Role.ANALYST)
    assert save(analyst, at(place), title=" ").status_code == 400
    assert save(analyst, at(place), title="x" * 121).status_code == 400
    text(analyst, at(place, run="nonsense"), status=404)


def write_down(client, address, **typed):
    typed = {"expected": "fewer", "reason": "Young people said the dark path was used", **typed}
    hidden = dict(parse_qsl(urlsplit(address).query))
    form = {**hidden, **typed, "csrf_token": csrf_token(client, address)}
    return client.post(f"{urlsplit(address).path}/plan", data=form)


def day_of(moment):
    return {"day": str(moment.day), "month": str(moment.month), "year": str(moment.year)}


def test_a_plan_is_written_down_before_its_results_and_shown_with_its_time(client_as, at, records):
    place = point(records)
    analyst = client_as(Role.ANALYST)
    plan = at(place, **day_of(today() + timedelta(20)))
    assert "Save this plan" in text(analyst, plan)
    answer = write_down(analyst, plan)
    assert answer.status_code == 303, words(answer.get_data(as_text=True))
    page = text(client_as(Role.MEMBER), answer.location)
    assert re.search(r"Written down \d+ \w+ 20\d\d, \d\d:\d\d: before the change", page)
    assert "Expected then Fewer records here Why Young people said the dark path was used" in page
    assert "Plans of this place written down beforehand" in page
    assert "Save this plan" not in page
    assert write_down(analyst, plan).status_code == 400, "what was expected cannot be changed"
    other = text(analyst, at(place, **day_of(today() + timedelta(20)), ring="400"))
    assert "Written down" not in other, "another ring is another plan"


def test_a_plan_that_was_saved_stands_beside_its_results(client_as, at, records, admin, partnership):
    place = point(records)
    some(records, HERE, 30, 5)
    some(records, FAR, 80, 80)
    analyst = client_as(Role.ANALYST)
    assert "not saved before its period after was over" in text(analyst, at(place))
    recent = today() - timedelta(20)
    assert write_down(analyst, at(place, **day_of(recent))).status_code == 303
    assert "after the change, before the period after was over" in text(analyst, at(place, **day_of(recent)))
    with (
        admin.cursor() as cursor
    ):  # as if it had been about an earlier change, whose records are whole by now
        cursor.execute(
            "UPDATE placewise.saved_run SET filter = %s WHERE partnership_id = %s AND kind = 'before_after_plan'",
            (json.dumps([[name, PLAN[name]] for name in PLAN_ORDER]), partnership.partnership_id),
        )
    assert "This is what was expected beforehand." in text(analyst, at(place))


@pytest.mark.parametrize(
    "typed", [{"expected": ""}, {"expected": "miracle"}, {"reason": " "}, {"reason": "x" * 201}]
)
def test_a_plan_without_expectation_or_reason_is_not_saved(client_as, at, records, typed):
    plan = at(point(records), **day_of(today() + timedelta(20)))
    assert write_down(client_as(Role.ANALYST), plan, **typed).status_code == 400


def test_a_plan_is_no_plan_once_its_results_are_there_and_members_save_none(client_as, at, records):
    place = point(records)
    answer = write_down(client_as(Role.ANALYST), at(place))
    assert answer.status_code == 400
    assert "would not be fixed beforehand" in words(answer.get_data(as_text=True))
    coming = at(place, **day_of(today() + timedelta(20)))
    assert write_down(client_as(Role.MEMBER), coming).status_code == 403


def test_another_partnerships_place_is_not_found(client_as, at, make_partnership, admin, records):
    foreign = Records(admin, make_partnership("Nextham")).place("Foreign Park")
    text(client_as(Role.CHAIR), at(foreign), status=404)

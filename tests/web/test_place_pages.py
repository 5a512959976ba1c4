"""The places list, the place page and its form, without a browser."""

from __future__ import annotations

import re
from datetime import date
from html import unescape
from uuid import uuid4

import pytest

from placewise.core.scope import Role
from tests.conftest import csrf_token
from tests.records import Records, london


@pytest.fixture
def records(admin, partnership):
    return Records(admin, partnership)


@pytest.fixture
def at(partnership):
    return lambda path: f"/p/{partnership.slug}/{path}"


def words(page: str) -> str:
    """What a page says, its marks taken off."""
    main = page[page.index("<main") : page.index("</main>")]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", main))).replace(" ,", ",")


def text(client, address, status=200):
    answer = client.get(address)
    assert answer.status_code == status, answer.get_data(as_text=True)
    return words(answer.get_data(as_text=True))


def form_of(client, address):
    """Names and values of the edit form, as a browser would send them back."""
    page = client.get(address).get_data(as_text=True)
    inputs = re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', page)
    areas = re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>\n?([^<]*)</textarea>', page)
    chosen = re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', page, re.S)
    picked = [(n, (re.findall(r'value="([^"]*)" selected', body) or [""])[0]) for n, body in chosen]
    return {name: unescape(value) for name, value in [*inputs, *areas, *picked]}


def test_the_list_counts_twice_twelve_months_and_says_what_can_be_said(client_as, at, records):
    place = records.place("Weir Park")
    for n in range(4):
        records.event(place, london(2026, 4, 1 + n))
    for n in range(2):
        records.event(place, london(2025, 3, 1 + n))
    page = text(client_as(Role.MEMBER), at("places"))
    assert re.search(r"Weir Park .*Emerging concern 4 2 No clear change", page)


@pytest.mark.parametrize(
    ("now", "before", "said"),
    [(3, 2, "Too few to tell"), (8, 0, "Higher"), (0, 8, "Lower"), (0, 0, "None recorded")],
)
def test_small_counts_are_too_few_to_tell(client_as, at, records, now, before, said):
    place = records.place("Weir Park")
    records.two_years(records.place("Elsewhere"))
    for n in range(now):
        records.event(place, london(2026, 2, 1 + n))
    for n in range(before):
        records.event(place, london(2024, 8, 1 + n))
    assert re.search(rf"{now} {before} (▲ |▼ )?{said}", text(client_as(Role.MEMBER), at("places")))


def test_being_found_at_a_place_is_not_harm_there(client_as, at, records):
    station = records.place("Quay Police Station", location_type="police_station")
    records.two_years()
    for n in range(15):
        records.event(station, london(2026, 4, 1 + n), relation=("found_there", "detected_there")[n % 2])
    client = client_as(Role.MEMBER)
    assert re.search(r"Police station Emerging concern 0 0 None recorded", text(client, at("places")))
    page = text(client, at(f"places/{station}"))
    assert "No harm at Quay Police Station was recorded in the 24 months to April 2026." in page
    assert "15 records of children found or detected here are not counted as harm" in page


def test_places_are_filtered_by_type_status_and_name_with_aliases(client_as, at, records):
    records.place("Weir Park", aliases=["The Rec"])
    records.place("Tide Kebabs", location_type="takeaway", status="improving")
    client = client_as(Role.ANALYST)
    assert "Tide Kebabs" not in text(client, at("places?type=park"))
    assert "Weir Park" not in text(client, at("places?status=improving"))
    found = text(client, at("places?name=the+rec"))
    assert "Weir Park" in found
    assert "Tide Kebabs" not in found
    assert "1 place fits these filters" in found
    assert "No place fits these filters" in text(client, at("places?name=%25"))
    text(client, at("places?type=castle"), status=400)
    text(client, at("places?sort=risk"), status=400)


def test_the_list_sorts_by_column_and_says_which(client_as, at, records):
    for name, n in (("Alpha Park", 1), ("Beta Park", 3), ("Gamma Park", 2)):
        place = records.place(name)
        for day in range(n):
            records.event(place, london(2026, 4, 1 + day))
    client = client_as(Role.MEMBER)
    page = client.get(at("places?sort=recent&direction=down")).get_data(as_text=True)
    assert re.findall(r"(Alpha|Beta|Gamma) Park</a>", page) == ["Beta", "Gamma", "Alpha"]
    assert page.count('aria-sort="descending"') == 1


def test_a_task_member_sees_only_the_places_named_for_the_group(group_member, at, records):
    named, other = records.place("Named Park"), records.place("Other Park")
    client = group_member(named)
    page = text(client, at("places"))
    assert "Named Park" in page
    assert "Other Park" not in page
    assert "Your role does not cover peer groups" in text(client, at(f"places/{named}"))
    text(client, at(f"places/{other}"), status=404)


def test_the_place_page_opens_with_the_chairs_sentence(client_as, at, records):
    place = records.place("Weir Park")
    records.two_years()
    for n in range(12):
        records.event(place, london(2026, 4, 1 + n, 21))
    page = text(client_as(Role.COORDINATOR), at(f"places/{place}"))
    assert (
        "12 records of harm at Weir Park in the 12 months to April 2026, against 0 in the 12 months before: "
        "higher, by more than ordinary variation." in page
    )


def test_a_place_without_records_is_not_called_safe(client_as, at, records):
    records.event(records.place("Elsewhere"), london(2026, 4, 1))
    place = records.place("Weir Park")
    page = text(client_as(Role.MEMBER), at(f"places/{place}"))
    assert "No record that you may see names Weir Park in the last 24 months." in page
    assert "That is not proof that it is safe." in page


def test_the_week_spreads_spans_and_leaves_out_what_is_known_by_day_or_month(client_as, at, records):
    place = records.place("Weir Park")
    for _ in range(10):
        records.event(place, london(2026, 4, 6, 22), until=london(2026, 4, 7, 0))  # Monday night
    records.event(place, london(2026, 4, 8, 0), until=london(2026, 4, 9, 0))
    records.event(place, london(2026, 3, 1, 0), until=london(2026, 4, 1, 0))
    page = text(client_as(Role.MEMBER), at(f"places/{place}"))
    assert "(n = 10; 2 known only by day or month left out)" in page
    assert re.search(r"22:00 5\.0 0 ", page)
    assert re.search(r"23:00 5\.0 0 ", page)


def test_a_handful_of_records_is_told_and_not_drawn(client_as, at, records):
    place = records.place("Weir Park")
    client = client_as(Role.MEMBER)
    for n in range(4):
        records.event(place, london(2026, 4, 1 + n))
    assert "4 records in 24 months: too few to draw a trend." in text(client, at(f"places/{place}"))
    records.event(place, london(2026, 4, 9))
    assert 'class="pw-chart"' in client.get(at(f"places/{place}")).get_data(as_text=True)


def test_silence_looks_different_from_nought(client_as, at, records):
    place, elsewhere = records.place("Weir Park"), records.place("Elsewhere")
    for month in range(1, 13):
        records.event(elsewhere, london(2025, month, 3), agency="police")
    for month in range(1, 5):
        records.event(place, london(2026, month, 3), agency="police")
    for month in range(5, 13):
        records.event(place, london(2025, month, 9), agency="health")
    page = text(client_as(Role.MEMBER), at(f"places/{place}"))
    assert (
        "Testham Health told of this place before and nothing is held from there about anywhere in April 2026"
        in page
    )
    assert re.search(r"Testham Health 1 1 1 1 1 1 1 1 (× no data held ){4}8", page)
    assert re.search(r"Testshire Police 0 0 0 0 0 0 0 0 1 1 1 1 4", page)
    assert "count incomplete" in page


def test_handling_conditions_stand_beside_the_record_and_no_free_text_does(client_as, at, records):
    place = records.place("Weir Park")
    records.event(
        place,
        london(2026, 4, 1),
        handling="C",
        handling_conditions="Not to be shared with the school",
        summary="Jamie Doe was seen",
        source_grade=2,
        assessment="B",
    )
    page = text(client_as(Role.COORDINATOR), at(f"places/{place}"))
    assert "Handling C Not to be shared with the school" in page
    assert "Source 2: Untested; information B: Known indirectly but corroborated" in page
    assert "Jamie" not in page


def test_another_agency_does_not_see_a_record_under_conditions(client_as, make_account, at, records):
    place = records.place("Weir Park")
    records.event(place, london(2026, 4, 1), agency="police", handling="C", handling_conditions="Police only")
    records.event(place, london(2026, 4, 2), agency="health")
    page = text(client_as(account=make_account(Role.MEMBER, agency="health")), at(f"places/{place}"))
    assert "Police only" not in page
    assert "1 record of harm at Weir Park" in page


def test_peer_groups_of_a_place_stand_as_counts(client_as, at, records):
    place = records.place("Weir Park")
    children = [records.person(f"Child {n:04}") for n in range(3)]
    group = records.group("Weir Park evening group", *children)
    records.link(("group", group), ("place", place), "group_uses_place")
    page = text(client_as(Role.MEMBER), at(f"places/{place}"))
    assert "Weir Park evening group, 3 children, last seen here 1 March 2026" in page
    assert "Child 0" not in page


@pytest.mark.parametrize(
    "columns", [{"geom": "SRID=27700;LINESTRING(602000 364000,602300 364200)"}, {"online": True}]
)
def test_a_route_and_an_online_place_have_a_page(client_as, at, records, columns):
    place = records.place("Somewhere", **columns)
    page = text(client_as(Role.MEMBER), at(f"places/{place}"))
    assert ("This place is online" in page) == ("online" in columns)


def test_text_from_the_data_stays_text(client_as, at, records):
    place = records.place("{{ 7*7 }}<script>alert(1)</script>")
    page = client_as(Role.MEMBER).get(at(f"places/{place}")).get_data(as_text=True)
    assert "{{ 7*7 }}&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page


def test_absent_hidden_and_foreign_places_are_not_found_alike(
    client_as, at, records, make_partnership, admin
):
    hidden = records.place("Hidden House", restricted=True)
    foreign = Records(admin, make_partnership("Nextham")).place("Foreign Park")
    client = client_as(Role.CHAIR)
    reference = re.compile(r'<code class="pw-reference">.*?</code>|nonce="[^"]+"|name="csrf[^>]+>')
    pages = {
        reference.sub("", client.get(at(f"places/{place}")).get_data(as_text=True))
        for place in (hidden, foreign, uuid4())
    }
    assert len(pages) == 1
    assert "Page not found" in pages.pop()


# --- Changing -----------------------------------------------------------------------------------


def send(client, address, form):
    return client.post(address, data={**form, "csrf_token": csrf_token(client, address)})


@pytest.fixture
def edit(client_as, at, records):
    place = records.place(
        "Weir Park", aliases=["The Rec"], guardianship="Wardens until 8pm", strengths="Free courts"
    )
    client = client_as(Role.ANALYST)
    address = at(f"places/{place}/edit")
    return client, address, form_of(client, address)


def test_the_form_shows_what_is_held_and_saves_what_is_typed(edit):
    client, address, form = edit
    assert (form["name"], form["aliases"], form["status"]) == ("Weir Park", "The Rec", "emerging_concern")
    change = {
        "status": "improving",
        "review_due-day": "14",
        "review_due-month": "5",
        "review_due-year": "2026",
    }
    answer = send(client, address, {**form, **change})
    assert answer.status_code == 303
    page = text(client, answer.location)
    assert "Your changes are saved" in page
    assert "Improving" in page
    assert "14 May 2026" in page


def test_changes_to_different_fields_are_merged(edit):
    client, address, form = edit
    assert send(client, address, {**form, "strengths": "Free courts, youth workers"}).status_code == 303
    answer = send(client, address, {**form, "guardianship": "Wardens until 10pm\nand a gate"})
    assert answer.status_code == 303
    page = text(client, answer.location)
    assert "both are kept" in page
    assert "Free courts, youth workers" in page
    assert "Wardens until 10pm and a gate" in page


def test_changes_to_the_same_field_are_shown_side_by_side_and_nothing_typed_is_lost(edit):
    client, address, form = edit
    send(client, address, {**form, "guardianship": "Nobody"})
    answer = send(client, address, {**form, "guardianship": "Wardens until 10pm", "name": "Weir Park, north"})
    assert answer.status_code == 409
    page = answer.get_data(as_text=True)
    assert "Guardianship Wardens until 10pm Nobody" in words(page)
    assert "Weir Park, north" in page
    assert "Nobody" in text(client, address.removesuffix("/edit"))
    again = re.search(r'name="version" value="(\d+)"', page)
    was = {"was-guardianship": "Nobody", "version": again[1]}
    knowing = send(client, address, {**form, **was, "guardianship": "Wardens until 10pm"})
    assert knowing.status_code == 303
    assert "Wardens until 10pm" in text(client, knowing.location)


def test_the_same_change_twice_is_no_clash(edit):
    client, address, form = edit
    for _ in range(2):
        assert send(client, address, {**form, "guardianship": "Nobody"}).status_code == 303


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        ({"name": "  "}, "name", "Enter the name of the place"),
        ({"name": "x" * 201}, "name", "Give the place a name of up to 200 characters."),
        ({"status": "haunted"}, "status", "A word is not in the vocabulary place status."),
        (
            {"review_due-day": "31", "review_due-month": "2", "review_due-year": "27"},
            "review_due",
            "a real date",
        ),
        ({"strengths": "x" * 4001}, "strengths", "Strengths must be 4,000 characters or fewer"),
    ],
)
def test_a_refused_change_is_a_message_on_its_field_and_stays_typed(edit, change, field, message):
    client, address, form = edit
    answer = send(client, address, {**form, "opening_hours": "Dawn to dusk", **change})
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert re.search(rf'id="{field}-error"[^>]*>.*?{re.escape(message)}', page)
    assert 'value="Dawn to dusk"' in page
    assert form_of(client, address)["opening_hours"] == ""


def test_members_cannot_change_a_place(client_as, at, records):
    place = records.place("Weir Park")
    client = client_as(Role.MEMBER)
    assert "Change the description" not in text(client, at(f"places/{place}"))
    assert client.get(at(f"places/{place}/edit")).status_code == 403
    token = csrf_token(client, at("places"))
    answer = client.post(
        at(f"places/{place}/edit"), data={"csrf_token": token, "version": "1", "name": "Mine"}
    )
    assert answer.status_code == 403


def test_a_change_is_audited_with_its_fields_and_not_their_contents(edit, admin, partnership):
    client, address, form = edit
    send(client, address, {**form, "guardianship": "Nobody"})
    with admin.cursor() as cursor:
        cursor.execute(
            "SELECT payload::jsonb -> 'detail', object_id FROM audit.event"
            " WHERE partnership_id = %s AND action = 'alter:place'",
            (partnership.partnership_id,),
        )
        ((detail, place_id),) = cursor.fetchall()
    assert detail == {"fields": ["guardianship"]}
    assert str(place_id) in address


def test_a_review_date_in_the_past_is_said_to_be_overdue(client_as, at, records):
    place = records.place("Weir Park", review_due=date(2020, 1, 2))
    assert "2 January 2020 (overdue)" in text(client_as(Role.MEMBER), at(f"places/{place}"))

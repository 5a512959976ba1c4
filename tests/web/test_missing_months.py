"""A month of which nothing is held never looks like a month without incidents: places, their list, home."""

from __future__ import annotations

import re
from datetime import date
from html import unescape

import pytest

from placewise.core.scope import Action, Role
from placewise.panel.completeness import Completeness, holding_of, judge, set_side_by_side
from placewise.panel.dossier import verdict_words
from placewise.panel.home import sentence, summarise
from placewise.panel.period import Period
from tests.records import Records, london

PERIOD = Period(date(2025, 2, 1))
GAP = "Data held for 1 of these 24 months: nothing is held for March 2023 to January 2025."


@pytest.fixture
def records(admin, partnership):
    return Records(admin, partnership)


@pytest.fixture
def look(client_as, partnership):
    def text(path, role=Role.MEMBER, client=None, **options):
        client = client or (client_as(**options) if options else client_as(role))
        page = client.get(f"/p/{partnership.slug}/{path}").get_data(as_text=True)
        return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page)))

    return text


@pytest.fixture
def park(records):
    """Police files of early 2018 and of February 2025, and nothing between."""
    place = records.place("Weir Park")
    for day in range(1, 13):
        records.event(place, london(2018, 1 + day % 6, day), agency="police")
        records.event(place, london(2025, 2, day), agency="police")
    return place


def test_the_place_page_draws_and_words_a_gap_as_no_data(look, park):
    page = look(f"places/{park}")
    assert GAP in page
    assert re.search(r"Testshire Police (× no data held ){11}12 12", page)
    assert "no data held from anyone (23 months): not a nought" in page
    assert "January 2025 no data held –" in page
    assert "not compared, because the data are whole for 1 of these 12 months and 0 of the 12 before" in page
    assert "more than ordinary variation" not in page


def test_the_list_of_places_compares_nothing_with_a_gap(look, park):
    page = look("places")
    assert "Data missing: not compared" in page
    assert "1 could not be compared, because data are missing" in page
    assert GAP in page


def test_home_tells_of_the_gap_though_the_newest_data_are_recent(look, park):
    page = look("")
    assert GAP in page
    assert "Months without data 23 of the last 24, from anyone" in page


def test_home_names_an_agency_with_months_missing_between_its_reports(database, scope, records):
    records.two_years()
    for month in (1, 2, 3, 8, 9, 10, 11, 12):
        records.event(None, london(2025, month, 3), accuracy="none", agency="health")
    for month in range(1, 5):
        records.event(None, london(2026, month, 3), accuracy="none", agency="health")
    with database.session(scope(Role.MEMBER), Action.CONSULT_HOME) as session:
        facts = summarise(session, today=date(2026, 5, 20))
    assert facts.silent == ()
    assert "From Testham Health nothing is held for April 2025 to July 2025." in sentence(facts)


def test_home_tells_a_member_of_a_group_nothing_of_silence(client_as, make_account, look, park):
    assert "Agencies gone quiet" not in look("", account=make_account(Role.TASK_MEMBER))


def test_a_charity_with_three_records_a_year_leaves_no_gap_but_is_not_said_to_have_reported():
    monthly = [("Police", month, 5) for month in PERIOD.months]
    rare = [("Charity", month, 1) for month in PERIOD.months[::4]]
    known = judge(holding_of(monthly + rare), PERIOD)
    assert sum(known.reported["Charity"]) == 6
    assert known.whole(["Police", "Charity"]) == (True,) * 24
    assert known.sentence == ""


def test_a_month_missing_from_a_telling_agency_is_no_time_observed_though_others_reported():
    sent = [("Police", month, 900) for month in PERIOD.months[:20]]
    sent += [("Health", month, 1) for month in PERIOD.months]
    known = judge(holding_of(sent), PERIOD)
    assert known.whole(["Police"]) == (True,) * 20 + (False,) * 4
    assert known.whole(["Health"]) == (True,) * 24


def known_whole(whole, *, sees_all=True):
    missing = tuple(not here for here in whole)
    return Completeness(PERIOD, {"Police": (True,) * 24}, {"Police": missing}, sees_all)


def test_months_without_data_count_on_neither_side():
    pair = set_side_by_side([2] * 24, known_whole([True] * 18 + [False] * 6), ["Police"], 12)
    assert (pair.count, pair.baseline, pair.whole, pair.baseline_whole) == (24, 24, 6, 12)
    assert pair.comparison is not None
    assert (pair.comparison.count, pair.comparison.verdict) == (12, "ordinary")
    assert pair.comparison.rate_ratio == pytest.approx((12 / 184) / (24 / 366), rel=0.02)
    assert "only the 6 of these 12 months and 12 of the 12 before" in verdict_words(pair)
    one_sided = known_whole([False] * 12 + [True] * 12)
    assert set_side_by_side([2] * 24, one_sided, ["Police"], 12).comparison is None


def test_to_who_sees_single_places_no_months_are_said_to_be_missing():
    pair = set_side_by_side([2] * 24, known_whole([True] * 24, sees_all=False), ["Police"], 12)
    assert pair.comparison is None
    assert verdict_words(pair) == "whether that is a change cannot be told"


def test_a_task_member_is_told_that_silence_cannot_be_told(look, group_member, records):
    """Records of one place say nothing of the months in which nothing came from there."""
    place = records.place("Named Park")
    records.two_years()
    for day in range(1, 13):
        records.event(place, london(2025, 2, day))
        records.event(place, london(2026, 2, day))
    client = group_member(place)
    page = look(f"places/{place}", client=client)
    assert (
        "12 records of harm at Named Park in the 12 months to February 2026, against 12 in the 12 months before: "
        "whether that is a change cannot be told. You see single places only, so a month without reports cannot be "
        "told from a quiet one." in page
    )
    for said in ("reports missing", "no data held", "Nothing has come from", "have whole data", "×"):
        assert said not in page
    assert "January 2026 0 cannot tell" in page
    listed = look("places", client=client)
    assert "Whether any had more harm recorded than before cannot be told." in listed
    assert "Cannot be told" in listed
    assert "ata are missing" not in listed


def test_who_sees_single_places_cannot_tell_a_gap():
    known = judge(holding_of([("Police", PERIOD.last, 3)]), PERIOD, sees_all=False)
    assert not any(known.whole([]))
    assert known.sentence == ""

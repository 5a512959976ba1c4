"""A reader opens places, an editor changes one: in a real browser, by keyboard, on any screen."""

from __future__ import annotations

import re

import pytest

from placewise.core.scope import Role
from tests.journeys.conftest import axe, focus_stops, scrolls_sideways
from tests.records import Records, london


@pytest.fixture
def at(admin, partnership):
    """A place with two years of records, and where its pages are."""
    records = Records(admin, partnership)
    place = records.place("Weir Park", aliases=["The Rec"], guardianship="Wardens until 8pm")
    for n in range(40):
        records.event(
            place,
            london(2024 + (4 + n // 2) // 12, (4 + n // 2) % 12 + 1, 3 + n % 20, 21),
            until=london(2024 + (4 + n // 2) // 12, (4 + n // 2) % 12 + 1, 3 + n % 20, 23),
            agency=("police", "health")[n < 24],
            harm_types=[["cce"], ["cse", "missing"], []][n % 3],
            relation=("harm_there", "found_there")[n % 5 == 0],
        )
    far = records.place("Elsewhere", location_type="shopping", geom="SRID=27700;POINT(608000 364000)")
    records.event(far, london(2026, 4, 20))
    group = records.group("Weir Park evening group", records.person("Child 0001"))
    records.link(("group", group), ("place", place), "group_uses_place")
    base = f"/p/{partnership.slug}"
    return lambda path="": (
        f"{base}/places/{place}"
        if not path
        else f"{base}/{path}".replace("PLACE", str(place)).replace("FAR", str(far))
    )


EVALUATION = (
    "places/PLACE/before-after?day=1&month=3&year=2025&done=Lights+repaired&months=6&reach=25&ring=300"
    "&against=places&with=FAR"
)
PAGES = ("places", "places/PLACE", "places/PLACE/edit", "places/PLACE/before-after", EVALUATION, "groups")


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("width", [1280, 320])
def test_each_page_is_accessible_and_never_scrolls_sideways(page_as, at, path, width):
    page = page_as(Role.COORDINATOR)
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(at(path))
    assert axe(page) == []
    assert not scrolls_sideways(page)


@pytest.mark.parametrize("path", PAGES)
def test_every_stop_of_the_tab_key_can_be_seen(page_as, at, path):
    page = page_as(Role.COORDINATOR)
    page.goto(at(path))
    stops = focus_stops(page)
    assert len(stops) > 5
    assert [stop for stop in stops if not (stop["marked"] and stop["visible"])] == []


def test_forced_colours_keep_the_charts_and_the_week(page_as, at):
    page = page_as(Role.MEMBER)
    page.emulate_media(forced_colors="active")
    page.goto(at())
    fill = "getComputedStyle(document.querySelector('.pw-chart__bar--recent')).fill"
    ground = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(fill) != page.evaluate(ground)
    assert axe(page) == []


def test_from_the_list_to_a_place_and_its_figures_by_keyboard(page_as, at):
    page = page_as(Role.MEMBER)
    page.goto(at("places"))
    page.get_by_label("Name").focus()
    page.keyboard.type("the rec")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("name=the"))
    assert page.locator("tbody tr").count() == 1
    page.get_by_role("link", name="Weir Park").focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", level=1, name="Weir Park").wait_for()
    summary = page.get_by_text("The same figures as a table")
    page.locator("details summary").first.focus()
    page.keyboard.press("Enter")
    assert summary.is_visible()
    assert page.get_by_role("cell", name="reports missing").first.is_visible()


def test_a_column_sorts_and_says_so(page_as, at):
    page = page_as(Role.MEMBER)
    page.goto(at("places"))
    page.get_by_role("link", name="Last 12 months").click()
    header = page.get_by_role("columnheader", name="Last 12 months")
    assert header.get_attribute("aria-sort") == "descending"
    assert page.locator("tbody th").first.inner_text() == "Weir Park"


def test_two_editors_and_nothing_lost(page_as, at, watch):
    page = page_as(Role.COORDINATOR)
    other = page.context.new_page()
    for tab in (page, other):
        tab.goto(at("places/PLACE/edit"))
    other.get_by_label("Guardianship").fill("Wardens until 10pm")
    other.get_by_role("button", name="Save changes").click()
    other.get_by_text("Your changes are saved").wait_for()
    watch.expected.add(409)
    page.get_by_label("Guardianship").fill("Nobody after dark")
    page.get_by_role("button", name="Save changes").click()
    page.get_by_role("heading", name="Someone else changed this place").wait_for()
    assert page.get_by_label("Guardianship").input_value() == "Nobody after dark"
    assert page.get_by_role("cell", name="Wardens until 10pm").is_visible()
    assert axe(page) == []
    page.get_by_role("button", name="Save changes").click()
    page.get_by_text("Your changes are saved").wait_for()
    assert page.get_by_text("Nobody after dark").is_visible()

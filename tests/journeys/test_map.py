"""The hotspot map in a real browser: by mouse, by keyboard alone, on a phone, and with the colours of the reader."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, Route
from psycopg2.extensions import connection as Connection
from psycopg2.extras import execute_values

from placewise.core.scope import Role
from tests.conftest import Account, MakeAccount, TestPartnership
from tests.journeys.conftest import OpenAs, axe, focus_stops, scrolls_sideways

X, Y = 540_000.0, 180_000.0
NASTY = "{{ 7*7 }}<script>window.x=1</script>"
EVENTS = """
INSERT INTO placewise.event (partnership_id, source_agency, recorded_by, kind, harm_types, occurred_from,
    occurred_to, relation, accuracy, radius_m, geom) VALUES %s
"""
TEMPLATE = (
    "(%s, %s, %s, 'incident', '{cse}', %s, %s, %s, 'exact', 20, ST_SetSRID(ST_MakePoint(%s, %s), 27700))"
)


@pytest.fixture
def account(make_account: MakeAccount) -> Account:
    return make_account(Role.COORDINATOR)


@pytest.fixture
def borough(admin: Connection, partnership: TestPartnership, account: Account) -> TestPartnership:
    """One ward with a street, a park with a hostile name, a hotspot of 30 records and 40 scattered ones."""
    own, agency, by = (
        str(partnership.partnership_id),
        str(partnership.agencies["police"]),
        str(account.account_id),
    )
    with admin.cursor() as cursor:
        cursor.execute(
            "INSERT INTO placewise.boundary (partnership_id, kind, code, name, vintage, geom) VALUES"
            " (%s, 'ward', 'W', %s, 2024, ST_Multi(ST_MakeEnvelope(%s, %s, %s, %s, 27700)))",
            (own, NASTY, X - 2000, Y - 2000, X + 2000, Y + 2000),
        )
        cursor.execute("UPDATE placewise.agency SET name = %s WHERE agency_id = %s", (NASTY, agency))
        cursor.execute(
            "INSERT INTO placewise.street (partnership_id, name, street_class, geom) VALUES"
            " (%s, %s, 'main', ST_GeomFromText(%s, 27700))",
            (own, NASTY, f"MULTILINESTRING(({X - 1800} {Y},{X + 1800} {Y + 100}))"),
        )
        cursor.execute(
            "INSERT INTO placewise.place (partnership_id, source_agency, recorded_by, name,"
            " location_type, geom) VALUES (%s, %s, %s, %s, 'park', ST_SetSRID(ST_MakePoint(%s, %s), 27700))",
            (own, agency, by, NASTY, X + 600, Y + 600),
        )
        spots = [(X + 310, Y + 5)] * 30 + [
            (X - 1800 + 90 * i, Y - 1700 + (i * 613) % 3400) for i in range(40)
        ]
        rows = []
        for i, (x, y) in enumerate(spots):
            at = datetime(2026, 1 + i % 3, 5, 20, tzinfo=UTC)
            rows.append((own, agency, by, at, at, "harm_there", x, y))
        found = datetime(2026, 1, 9, 20, tzinfo=UTC)
        rows.append((own, agency, by, found, found, "found_there", X - 700, Y - 700))
        execute_values(cursor, EVENTS, rows, template=TEMPLATE)
    return partnership


OpenMap = Callable[..., Page]


@pytest.fixture
def open_map(page_as: OpenAs, account: Account, borough: TestPartnership) -> OpenMap:
    def open_it(query: str = "", *, width: int = 1280, height: int = 900, **media: Any) -> Page:
        page = page_as(account=account)
        page.set_viewport_size({"width": width, "height": height})
        if media:
            page.emulate_media(**media)
        page.goto(f"/p/{borough.slug}/map{query}")
        page.locator("#hotspot-map[data-ready]").wait_for()
        page.wait_for_load_state("networkidle")
        return page

    return open_it


def state(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def status(page: Page) -> str:
    return page.locator("#map-status").inner_text()


@pytest.mark.parametrize("view", ["counts", "density", "significance"])
def test_each_view_is_drawn_without_a_fault(open_map: OpenMap, view: str) -> None:
    page = open_map(f"?view={view}")
    assert axe(page) == []
    drawn = "#hotspot-map .leaflet-overlay-pane " + ("path" if view == "density" else "canvas")
    assert page.locator(drawn).count() > 0
    assert page.locator(".pw-pin").count() == 1


def test_hostile_names_are_shown_as_they_are_and_never_run(open_map: OpenMap) -> None:
    page = open_map("?zoom=16&lat=51.5013&lon=0.0187")
    assert page.evaluate("window.x === undefined")
    assert page.locator(".pw-pin__name").text_content() == NASTY
    page.locator("[data-show-cell]").first.click()
    page.locator("[data-cell-facts]").wait_for()
    facts = page.locator("[data-cell-facts]").inner_text()
    assert NASTY in facts
    assert NASTY in page.locator("[data-map-sentence]").inner_text()
    assert page.evaluate("window.x === undefined")


def test_a_click_on_a_cell_shows_its_facts_and_the_address_keeps_it(open_map: OpenMap) -> None:
    page = open_map()
    page.locator("[data-show-cell]").first.click()
    page.locator("[data-cell-close]").click()
    page.locator("#hotspot-map").scroll_into_view_if_needed()
    box = page.locator("#map_hotspots").bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.locator("[data-cell-facts]").wait_for()
    assert "30" in page.locator("[data-cell-lines] dd").first.inner_text()
    assert "Stands out" in page.locator("[data-cell-verdict]").inner_text()
    page.reload()
    page.locator("#hotspot-map[data-ready]").wait_for()
    assert "30" in page.locator("[data-cell-lines] dd").first.inner_text()
    assert {"cell", "lat", "lon", "zoom"} <= set(state(page))


def test_by_keyboard_alone_from_the_top_to_a_cells_facts_and_back(open_map: OpenMap) -> None:
    page = open_map()
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "map_hotspots":
            break
    assert page.evaluate("document.activeElement.id") == "map_hotspots"
    for _ in range(4):
        page.keyboard.press("+")
        page.wait_for_timeout(350)
    page.keyboard.press("Enter")
    page.wait_for_timeout(800)
    said = status(page)
    assert "Cell of 250 m" in said or "No cell with records under the cross" in said
    page.keyboard.press("Escape")

    button = page.locator("[data-show-cell]").first
    button.focus()
    page.keyboard.press("Enter")
    page.locator("[data-cell-facts]").wait_for()
    page.wait_for_timeout(300)
    assert page.evaluate("document.activeElement.hasAttribute('data-cell-facts')")
    assert "Stands out from chance" in status(page)
    page.keyboard.press("Escape")
    assert page.locator("[data-cell-facts]").is_hidden()
    assert page.evaluate("document.activeElement.hasAttribute('data-show-cell')")


def test_by_keyboard_alone_to_a_places_page(open_map: OpenMap) -> None:
    page = open_map()
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.classList.contains('pw-pin')"):
            break
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/places/[0-9a-f-]{36}$"))
    assert NASTY in page.locator("h1").inner_text()


def test_every_stop_of_the_tab_key_can_be_seen(open_map: OpenMap) -> None:
    unseen = [stop for stop in focus_stops(open_map(), most=70) if not (stop["marked"] and stop["visible"])]
    assert unseen == []


def test_the_slider_shows_one_month_and_the_whole_again(open_map: OpenMap) -> None:
    page = open_map()
    page.locator("[data-months-step='1']").click()
    page.locator("[data-months-name]", has_text="January 2026").wait_for()
    page.locator("[data-legend-lines]", has_text="January 2026. n = 24 of 25 records.").wait_for()
    assert state(page)["month"] == ["2026-01"]
    page.locator("[data-months-whole]").click()
    page.locator("[data-legend-lines]", has_text="n = 70 of 71 records.").wait_for()
    assert "month" not in state(page)
    assert axe(page) == []


def test_the_slider_says_that_it_loads_until_map_and_words_follow(open_map: OpenMap) -> None:
    page = open_map()
    held: list[Route] = []
    page.route("**/map/layer.json?*", lambda route: held.append(route))
    page.locator("[data-months-step='1']").click()
    name = page.locator("[data-months-name]")
    name.and_(page.locator("[aria-busy='true']")).wait_for()
    assert "n = 70 of 71 records." in page.locator("[data-legend-lines]").inner_text()
    held[0].continue_()
    name.and_(page.locator("[aria-busy='false']")).wait_for()
    assert "January 2026. n = 24 of 25 records." in page.locator("[data-legend-lines]").inner_text()


def test_play_runs_through_the_months_and_stops_by_itself(open_map: OpenMap) -> None:
    page = open_map()
    page.locator("[data-months-play]").click()
    page.locator("[data-months-name]", has_text="March 2026").wait_for()
    page.locator("[data-months-play]", has_text="Play").wait_for()


def test_those_who_ask_for_less_motion_step_by_hand(open_map: OpenMap) -> None:
    page = open_map(reduced_motion="reduce")
    assert page.locator("[data-months-play]").is_hidden()
    assert page.locator("[data-months-step='1']").is_visible()


def test_overlays_are_said_and_kept_in_the_address(open_map: OpenMap) -> None:
    page = open_map()
    page.get_by_label("Places", exact=True).uncheck()
    assert page.locator(".pw-pin").count() == 0
    assert status(page) == "Places hidden."
    assert state(page)["show"] == ["ward"]
    page.get_by_role("link", name="Density").click()
    page.locator("#hotspot-map[data-ready]").wait_for()
    assert state(page)["show"] == ["ward"]
    assert page.locator(".pw-pin").count() == 0


def test_filters_keep_where_the_map_looks(open_map: OpenMap) -> None:
    page = open_map("?lat=51.50000&lon=0.02000&zoom=15")
    page.locator("details#harm summary").click()
    page.get_by_label("Child sexual exploitation").check()
    page.get_by_role("button", name="Show on map", exact=True).click()
    page.wait_for_url(re.compile("harm=cse"))
    page.locator("#hotspot-map[data-ready]").wait_for()
    assert (state(page)["zoom"], state(page)["lat"]) == (["15"], ["51.50000"])


def test_found_and_detected_bring_a_warning(open_map: OpenMap) -> None:
    page = open_map("?relation=found_there")
    assert "not where harm happens" in page.locator(".pw-map-warning").inner_text()
    assert axe(page) == []


def test_a_view_is_saved_and_opened_again(open_map: OpenMap) -> None:
    page = open_map("?view=significance")
    page.get_by_label("Save this view as").fill("March panel")
    page.get_by_role("button", name="Save", exact=True).click()
    assert axe(page) == []
    page.get_by_role("link", name="March panel").click()
    page.locator("#hotspot-map[data-ready]").wait_for()
    assert "As the records stood on" in page.locator(".pw-map-note:visible").inner_text()


def test_at_320_pixels_nothing_scrolls_sideways(open_map: OpenMap) -> None:
    page = open_map(width=320, height=700)
    assert not scrolls_sideways(page)
    assert page.locator("#map_hotspots").is_visible()
    assert axe(page) == []


def test_with_the_readers_own_colours_the_map_keeps_its_legend(open_map: OpenMap) -> None:
    page = open_map(forced_colors="active")
    colour = page.locator(".pw-swatch--step-5").evaluate("e => getComputedStyle(e).backgroundColor")
    assert colour == "rgb(61, 23, 102)"
    assert axe(page) == []


def test_an_empty_partnership_says_what_to_import(
    page_as: OpenAs, account: Account, partnership: TestPartnership
) -> None:
    page = page_as(account=account)
    page.goto(f"/p/{partnership.slug}/map")
    assert "no records have been imported" in page.locator("main").inner_text()
    assert axe(page) == []


def test_at_320_pixels_the_credit_does_not_cover_the_scale(open_map: OpenMap) -> None:
    page = open_map(width=320, height=700)
    scale = page.locator(".leaflet-control-scale").bounding_box()
    credit = page.locator(".leaflet-control-attribution").bounding_box()
    assert scale
    assert credit
    assert scale["y"] + scale["height"] <= credit["y"]


def test_from_afar_places_are_small_rings_and_from_further_none(open_map: OpenMap) -> None:
    ring = "e => getComputedStyle(e, '::before').width"
    near, far = (
        open_map(f"?lat=51.5&lon=0.01&zoom={zoom}").locator(".pw-pin").evaluate(ring) for zoom in (15, 12)
    )
    assert (near, far) == ("12px", "8px")
    assert open_map("?lat=51.5&lon=0.01&zoom=10").locator(".pw-pin").is_hidden()


def test_what_stands_under_the_map_follows_it(open_map: OpenMap) -> None:
    page = open_map()
    assert "70 records" in page.locator("[data-area-sentence]").inner_text()
    page.locator("summary", has_text="The months as a table").click()
    page.locator("#map_hotspots").focus()
    for _ in range(4):
        page.keyboard.press("+")
        page.wait_for_timeout(350)
    page.locator("#area-title", has_text="in the part of the map shown").wait_for()
    assert re.match(r"\d+ records of 70 on the map", page.locator("[data-area-sentence]").inner_text())
    assert page.locator(".pw-area details").first.get_attribute("open") is not None
    assert axe(page) == []


def test_why_is_this_here_opens_by_keyboard_and_needs_no_script(open_map: OpenMap) -> None:
    page = open_map(width=320)
    page.locator("[data-show-cell]").first.focus()
    page.keyboard.press("Enter")
    page.locator("[data-cell-facts]").wait_for()
    page.wait_for_timeout(300)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    why = page.locator("[data-cell-why]")
    assert "Stands out, because q is at most 0.05" in why.inner_text()
    assert "North-east" in why.inner_text()
    assert axe(page) == []
    assert not scrolls_sideways(page)
    page.reload()
    page.locator(".pw-why summary").click()
    assert "Stands out, because q is at most 0.05" in why.inner_text()

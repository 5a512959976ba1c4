"""Dots on the hotspot map in a real browser: ticked, read, followed through the months, and by keyboard."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.journeys.conftest import axe, scrolls_sideways
from tests.journeys.test_map import OpenMap, account, borough, open_map, state, status  # noqa: F401 - fixtures

#: Pixels that are not clear, on all tiles.
INKED = """
() => [...document.querySelectorAll('.leaflet-dots-pane canvas')].reduce((n, canvas) => {
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', { willReadFrequently: true });
  copy.drawImage(canvas, 0, 0);
  const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
  for (let k = 3; k < data.length; k += 4) { n += data[k] > 0; }
  return n;
}, 0)
"""
KEY = "[data-dots-key]"


def inked(page: Page, more_than: int) -> None:
    """Wait until more pixels than these are drawn: a tile draws itself a moment after its bytes are there."""
    page.wait_for_function(f"({INKED})() > {more_than}")


def tick(page: Page) -> None:
    page.get_by_role("checkbox", name="Dots").check()
    page.locator("[data-dots-total]", has_text="on the map").wait_for()
    page.wait_for_load_state("networkidle")


def test_dots_are_ticked_drawn_said_and_kept_in_the_address(open_map: OpenMap) -> None:  # noqa: F811  an imported fixture
    page = open_map()
    assert page.evaluate(INKED) == 0
    assert page.locator(KEY).is_hidden()
    tick(page)
    inked(page, more_than=1_000)
    assert "70 records on the map." in page.locator(KEY).inner_text()
    assert page.locator("[data-dots-examples] li").last.inner_text() == "30 records"
    assert status(page) == "Dots shown."
    assert "dots" in state(page)["show"]
    assert axe(page) == []
    page.get_by_role("checkbox", name="Dots").uncheck()
    assert page.locator(".leaflet-dots-pane canvas").count() == 0
    assert page.locator(KEY).is_hidden()
    assert "dots" not in state(page)["show"]


def test_dots_asked_for_in_the_address_are_there_at_once_and_on_every_zoom(open_map: OpenMap) -> None:  # noqa: F811  an imported fixture
    page = open_map("?show=dots&zoom=15&lat=51.5013&lon=0.0187")
    page.locator("[data-dots-total]", has_text="70 records").wait_for()
    page.wait_for_load_state("networkidle")
    assert page.get_by_role("checkbox", name="Dots").is_checked()
    inked(page, more_than=0)
    page.get_by_role("button", name="Zoom out").click()
    page.wait_for_timeout(600)
    page.wait_for_load_state("networkidle")
    inked(page, more_than=0)
    assert "70 records" in page.locator("[data-dots-total]").inner_text()


def test_dots_follow_the_time_slider(open_map: OpenMap) -> None:  # noqa: F811  an imported fixture
    page = open_map("?show=dots")
    page.locator("[data-dots-total]", has_text="70 records").wait_for()
    page.get_by_role("button", name="One month on").click()
    page.locator("[data-dots-total]", has_text="24 records").wait_for()
    page.get_by_role("button", name="Whole period").click()
    page.locator("[data-dots-total]", has_text="70 records").wait_for()


def test_at_320_pixels_and_with_the_readers_own_colours_the_key_is_there(open_map: OpenMap) -> None:  # noqa: F811  an imported fixture
    page = open_map("?show=dots", width=320, forced_colors="active")
    page.locator("[data-dots-total]", has_text="70 records").wait_for()
    assert not scrolls_sideways(page)
    assert page.locator(KEY).is_visible()
    assert axe(page) == []

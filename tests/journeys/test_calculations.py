"""Long calculations in a real browser, with the worker that does them: asked for, followed, shown, and ended."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page
from psycopg2.extensions import connection as Connection

from placewise.core.scope import Role
from placewise.web.serving import WorkerProcess
from tests.conftest import Account, MakeAccount, TestPartnership
from tests.journeys.conftest import OpenAs, axe, focus_stops, scrolls_sideways
from tests.records import Records, london

OpenView = Callable[[str], Page]
YEAR = "from=2025-01&to=2025-12"
X, Y = 531_000, 181_000
#: What pages write and hatch on canvas, for a test to read.
WATCH_CANVAS = """
window.written = new Set();
window.hatched = 0;
const pen = CanvasRenderingContext2D.prototype;
const { fillText, createPattern } = pen;
pen.fillText = function (text, ...rest) { window.written.add(text); return fillText.call(this, text, ...rest); };
pen.createPattern = function (...all) { window.hatched += 1; return createPattern.apply(this, all); };
"""


#: Buttons, views and bars that cannot be told from the page once backgrounds are the reader's.
EDGELESS = """
() => [...document.querySelectorAll('main button, main .pw-map-view, main progress')].filter((e) => {
  const style = getComputedStyle(e);
  return e.checkVisibility() && style.appearance === 'none' && parseFloat(style.borderTopWidth) === 0;
}).map((e) => e.textContent.trim() || e.tagName)
"""


@pytest.fixture
def account(make_account: MakeAccount) -> Account:
    return make_account(Role.COORDINATOR)


@pytest.fixture
def town(admin: Connection, partnership: TestPartnership) -> TestPartnership:
    """A ward of sixteen spots with a record a month, at one of which many more come in autumn, and two in a corner."""
    own = str(partnership.partnership_id)
    with admin.cursor() as cursor:
        cursor.execute(
            "INSERT INTO placewise.boundary (partnership_id, kind, code, name, vintage, geom) VALUES"
            " (%s, 'ward', 'W', 'Millward', 2024, ST_Multi(ST_MakeEnvelope(%s, %s, %s, %s, 27700)))",
            (own, X - 600, Y - 600, X + 3700, Y + 2700),
        )
        cursor.execute(
            "INSERT INTO placewise.street (partnership_id, name, street_class, geom) VALUES"
            " (%s, 'Mill Road', 'main', ST_GeomFromText(%s, 27700))",
            (own, f"MULTILINESTRING(({X - 500} {Y + 40},{X + 2600} {Y + 80}))"),
        )
    records = Records(admin, partnership)
    for month in range(1, 13):
        spots = [(X + 700 * i, Y + 700 * j) for i in range(4) for j in range(4)]
        if month >= 9:
            spots += [(X + 760, Y + 740 + k) for k in range(12)]
        if month in (3, 6):
            spots.append((X + 3650, Y - 560))
        for day, (x, y) in enumerate(spots):
            at = f"SRID=27700;POINT({x} {y})"
            records.event(None, london(2025, month, 1 + day), accuracy="exact", radius_m=5, geom=at)
    return partnership


@pytest.fixture
def open_view(page_as: OpenAs, account: Account, town: TestPartnership) -> OpenView:
    def open_it(address: str) -> Page:
        page = page_as(account=account)
        page.add_init_script(WATCH_CANVAS)
        page.goto(f"/p/{town.slug}/map{address}")
        page.wait_for_load_state("networkidle")
        return page

    return open_it


@contextmanager
def held_up(worker: WorkerProcess) -> Iterator[None]:
    """Let nothing be calculated meanwhile, so that what stands before the result can be looked at."""
    worker.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        worker.process.send_signal(signal.SIGCONT)


def press(page: Page, name: str) -> None:
    """Reach a button by the Tab key, and press Enter."""
    for _ in range(90):
        page.keyboard.press("Tab")
        if focused(page) == name:
            break
    assert focused(page) == name
    page.keyboard.press("Enter")


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.textContent.trim()"))


def wait_for_result(page: Page) -> None:
    page.locator(".pw-calculated").wait_for(timeout=90_000)
    page.wait_for_load_state("networkidle")


def faults(page: Page) -> list[str]:
    """What is wrong with the page for a reader with a phone, with colours of their own, or without sight."""
    found = axe(page)
    page.set_viewport_size({"width": 320, "height": 700})
    found += ["scrolls sideways at 320 pixels"] if scrolls_sideways(page) else []
    found += [f"at 320 pixels: {fault}" for fault in axe(page)]
    page.set_viewport_size({"width": 1280, "height": 900})
    page.emulate_media(forced_colors="active")
    found += [f"without an edge: {name}" for name in page.evaluate(EDGELESS)]
    page.emulate_media(forced_colors="none")
    return found


def test_clusters_are_asked_for_by_keyboard_followed_and_shown(
    open_view: OpenView, worker: WorkerProcess
) -> None:
    page = open_view(f"?view=scan&{YEAR}")
    assert "not calculated yet" in page.locator("[data-map-sentence]").inner_text()
    assert faults(page) == []
    with held_up(worker):
        press(page, "Calculate")
        page.get_by_role("progressbar", name="Clusters").wait_for()
        assert "Waiting for its turn." in page.locator(".pw-running").inner_text()
        assert faults(page) == []
    wait_for_result(page)
    assert page.locator(".pw-cluster__number").inner_text() == "1"
    assert page.locator("#hotspot-map path[fill='#b35806']").count() == 1
    assert "One cluster is still going on" in page.locator("[data-map-sentence]").inner_text()
    row = page.locator("table:has(#clusters-caption) tbody tr")
    assert row.count() == 1
    assert "in Millward" in row.inner_text()
    press(page, "Show on map: cluster 1")
    page.locator("[data-cell-lines] dt", has_text="Inside cluster 1").wait_for()
    assert page.evaluate("document.activeElement.hasAttribute('data-cell-facts')")
    assert faults(page) == []


def test_the_number_of_a_circle_lies_over_names_and_places(
    open_view: OpenView, worker: WorkerProcess
) -> None:
    page = open_view(f"?view=scan&{YEAR}")
    page.set_viewport_size({"width": 320, "height": 700})
    page.get_by_role("button", name="Calculate").click()
    wait_for_result(page)
    depth = "e => Number(getComputedStyle(e).zIndex)"
    numbers, names, places = (
        page.locator(f".leaflet-{pane}-pane").evaluate(depth) for pane in ("clusters", "names", "marker")
    )
    assert numbers > max(names, places)


def test_emerging_hot_spots_are_lettered_and_what_cannot_be_told_is_hatched(
    open_view: OpenView, worker: WorkerProcess
) -> None:
    page = open_view(f"?view=emerging&{YEAR}")
    assert faults(page) == []
    with held_up(worker):
        press(page, "Calculate")
        page.get_by_role("progressbar", name="Emerging hot spots").wait_for()
    wait_for_result(page)
    key = page.locator("[data-legend-key]").inner_text()
    assert "hot spot: above the rest" in key
    assert "Cannot tell" in key
    page.locator("[data-show-cell]").first.click()
    page.locator("[data-cell-facts]").wait_for()
    page.wait_for_timeout(500)
    written = page.evaluate("[...window.written]")
    assert {"N", "C", "I"} & set(written), written
    assert "?" in written
    assert page.evaluate("window.hatched") > 0
    page.get_by_text("How this was worked out").click()
    assert "Getis–Ord Gi*" in page.locator(".pw-method").inner_text()
    assert faults(page) == []


def test_a_calculation_is_cancelled_and_the_button_is_there_again(
    open_view: OpenView, worker: WorkerProcess
) -> None:
    page = open_view(f"?view=scan&{YEAR}")
    with held_up(worker):
        press(page, "Calculate")
        page.get_by_role("progressbar").wait_for()
        press(page, "Cancel")
    page.get_by_text("The calculation was cancelled.").wait_for(timeout=30_000)
    assert page.get_by_role("button", name="Calculate").is_visible()
    assert faults(page) == []


@pytest.mark.parametrize(
    ("link", "heading", "table"),
    [
        ("Do records repeat nearby?", "Near repeats", "Pairs of records"),
        (
            "How well did earlier maps do?",
            "Looking back at the map",
            "What lay in the first part of the area",
        ),
    ],
)
def test_further_calculations_are_reached_from_under_the_filters(
    open_view: OpenView, worker: WorkerProcess, link: str, heading: str, table: str
) -> None:
    page = open_view(f"?{YEAR}")
    page.get_by_role("link", name=link).click()
    page.get_by_role("heading", level=1, name=heading).wait_for()
    assert faults(page) == []
    with held_up(worker):
        press(page, "Calculate")
        page.get_by_role("progressbar", name=heading).wait_for()
    wait_for_result(page)
    assert page.get_by_role("table", name=table).count() == 1
    assert faults(page) == []
    page.locator("main").get_by_text("How this was calculated").click()
    assert [stop for stop in focus_stops(page, most=60) if not (stop["marked"] and stop["visible"])] == []


def test_the_tab_key_goes_from_filters_to_views_to_the_button_to_the_map(
    open_view: OpenView, worker: WorkerProcess
) -> None:
    page = open_view(f"?view=scan&{YEAR}")
    stops = focus_stops(page, most=90)
    assert [stop for stop in stops if not (stop["marked"] and stop["visible"])] == []
    names = [stop["name"] for stop in stops]
    order = [names.index(name) for name in ("Show on map", "Counts", "Calculate", "Zoom in")]
    assert order == sorted(order)

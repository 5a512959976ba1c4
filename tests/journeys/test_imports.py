"""Bringing files in, in a real browser: kinds of file, mending, cancelling, keyboard, narrow, high contrast."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import xlsxwriter

from placewise.core.scope import Role
from placewise.intake.bring_in import Sending, bring_in
from placewise.intake.layouts import get_layout
from placewise.intake.limits import COMMAND_LIMITS
from placewise.web import imports_running
from tests.journeys.conftest import axe, focus_stops, scrolls_sideways

WEST, SOUTH = 441_000, 381_000
HEADER = (
    "local_ref",
    "kind",
    "occurred_from",
    "relation",
    "easting",
    "northing",
    "accuracy",
    "harm_types",
    "summary",
)


def incident(number, *, kind="incident", day=None):
    when = f"{1 + number % 28:02}/02/2024 21:15" if day is None else day
    x, y = WEST + 137 * number % 2_900, SOUTH + 211 * number % 1_900
    accuracy = ("street", "postcode", "exact")[number % 3]
    return (
        f"I{number}",
        kind,
        when,
        "harm_there",
        str(x),
        str(y),
        accuracy,
        "cce;county_lines",
        "Reported by staff",
    )


def write_csv(path, rows):
    path.write_text("\n".join(",".join(row) for row in (HEADER, *rows)) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def mixed(tmp_path):
    """Forty good rows, two that come twice, three that need mending."""
    bad = (
        incident(90, kind="accident"),
        incident(91, day="31/02/2024"),
        ("I92", "incident", "01/02/2024", "harm_there", "1", "2", "street", "", ""),
    )
    return write_csv(tmp_path / "february.csv", [*map(incident, range(40)), incident(3), incident(4), *bad])


@pytest.fixture
def borough(database, scope, tmp_path):
    """Six wards to look at the rows on."""
    features = []
    for i in range(6):
        x, y = WEST + 1_000 * (i % 3), SOUTH + 1_000 * (i // 3)
        corners = [[x, y], [x + 1000, y], [x + 1000, y + 1000], [x, y + 1000], [x, y]]
        properties = {"kind": "ward", "code": f"E0500000{i}", "name": f"Ward {i}", "vintage": 2024}
        geometry = {"type": "Polygon", "coordinates": [corners]}
        features.append({"type": "Feature", "properties": properties, "geometry": geometry})
    path = tmp_path / "wards.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    answers = {"crs": "EPSG:27700"}
    file = Sending(path, get_layout("boundaries"), "police", COMMAND_LIMITS, path.name, answers)
    assert bring_in(database, scope(Role.COORDINATOR), file).counts.accepted == 6


def choose(page, partnership, path, layout):
    page.goto(f"/p/{partnership.slug}/imports")
    page.get_by_role("button", name="Bring in a file").click()
    page.get_by_label("Who sent it?").select_option("police")
    page.get_by_label(layout, exact=True).check()
    page.get_by_label("The file").set_input_files(path)
    page.get_by_role("button", name="Look at the file").click()


def figures(page):
    return page.locator(".pw-figure__value").evaluate_all(
        "all => all.map(one => parseInt(one.firstChild.data))"
    )


def test_a_file_is_looked_at_accepted_accounted_for_mended_and_sent_again(
    page_as, partnership, borough, mixed, tmp_path
):
    page = page_as()
    choose(page, partnership, mixed, "Incidents and intelligence")
    assert page.locator(".pw-sentence").inner_text() == (
        "45 rows: 40 are new. 2 repeat a row above and will add nothing. 3 need mending."
    )
    assert "All lie inside" in page.locator("#map-words").inner_text()
    assert page.locator(".pw-sketch__ring").count() > 10
    assert page.get_by_text("2 Feb 2024, 21:15").count() > 0
    assert axe(page) == []
    page.get_by_role("button", name="Bring in 40 new rows").click()
    page.wait_for_url("**/imports/*?fresh=1")
    assert figures(page) == [45, 40, 2, 3]
    assert axe(page) == []
    with page.expect_download() as download:
        page.get_by_role("button", name="Download refused rows (CSV)").click()
    mended = tmp_path / "mended.csv"
    text = Path(download.value.path()).read_text(encoding="utf-8")
    mended.write_text(
        text.replace("accident", "incident").replace("31/02", "28/02").replace(",1,2,", ",441500,381500,")
    )
    choose(page, partnership, mended, "Incidents and intelligence")
    page.get_by_role("button", name="Bring in 3 rows").click()
    page.wait_for_url("**/imports/*?fresh=1")
    assert figures(page) == [3, 3, 0, 0]
    page.get_by_label("Row number in the file").fill("2")
    page.get_by_role("button", name="Look it up").click()
    assert "Row 2: accepted." in page.locator("main").inner_text()


def test_a_workbook_asks_which_sheet_and_is_brought_in(page_as, partnership, tmp_path):
    path = tmp_path / "places.xlsx"
    with xlsxwriter.Workbook(path) as book:
        for name in ("Parks", "Shops"):
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, ("local_ref", "name", "location_type", "easting", "northing"))
            sheet.write_row(1, 0, (f"{name}-1", f"{name} one", "park", WEST + 10, SOUTH + 10))
    page = page_as()
    choose(page, partnership, path, "Places")
    assert page.locator(".pw-sentence").inner_text() == "One question first."
    assert axe(page) == []
    page.get_by_label("Shops", exact=True).check()
    page.get_by_role("button", name="Answer and look again").click()
    assert "Shops one" in page.locator("main").inner_text()
    page.get_by_role("button", name="Bring in 1 row").click()
    page.wait_for_url("**/imports/*?fresh=1")
    assert figures(page) == [1, 1, 0, 0]


def test_drawn_places_with_a_hostile_name_are_shown_as_areas_and_as_text(
    page_as, partnership, borough, tmp_path
):
    name = "{{ 7*7 }}<script>document.title = 'taken'</script>"
    ring = [[-1.382, 53.325], [-1.375, 53.325], [-1.375, 53.330], [-1.382, 53.330], [-1.382, 53.325]]
    feature = {
        "type": "Feature",
        "properties": {"local_ref": "P1", "name": name, "location_type": "park"},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    path = tmp_path / "places.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    page = page_as()
    choose(page, partnership, path, "Places")
    assert page.get_by_text(name).count() == 1
    assert page.locator(".pw-sketch__shape").count() == 1
    page.get_by_role("button", name="Bring in 1 row").click()
    page.wait_for_url("**/imports/*?fresh=1")
    page.goto(f"/p/{partnership.slug}/places")
    assert page.get_by_role("link", name=name).count() == 1
    assert "taken" not in page.title()


def test_the_wrong_choice_is_put_right_with_one_click(page_as, partnership, mixed):
    page = page_as()
    choose(page, partnership, mixed, "Places")
    assert page.locator(".pw-sentence").inner_text() == "Nothing of this file can be brought in as it stands."
    assert axe(page) == []
    page.get_by_role("button", name="Read it as “Incidents and intelligence”").click()
    assert "40 are new" in page.locator(".pw-sentence").inner_text()
    page.get_by_role("button", name="Discard").click()
    assert "Nothing of it was stored" in page.locator("main").inner_text()


def test_progress_moves_and_cancelling_leaves_nothing(page_as, partnership, mixed, monkeypatch):
    import threading

    go_on = threading.Event()
    real = imports_running.bring_in

    def slow(*args, on_progress, may_go_on, **rest):
        on_progress(50, 100)
        go_on.wait(20)
        return real(*args, on_progress=on_progress, may_go_on=may_go_on, **rest)

    monkeypatch.setattr(imports_running, "bring_in", slow)
    page = page_as()
    choose(page, partnership, mixed, "Incidents and intelligence")
    page.get_by_role("button", name="Bring in 40 new rows").click()
    page.locator(".pw-running [role=status]", has_text="50% read").wait_for(state="attached")
    assert page.locator(".pw-running__percent").inner_text() == "50"
    assert axe(page) == []
    page.get_by_role("button", name="Cancel the import").click()
    go_on.set()
    page.get_by_text("The import was cancelled; nothing of it was stored.").wait_for()
    assert axe(page) == []
    page.goto(f"/p/{partnership.slug}/imports")
    assert "No file has been brought in yet." in page.locator("main").inner_text()


def test_a_file_too_large_is_told_before_it_is_sent(page_as, partnership, tmp_path):
    path = tmp_path / "large.csv"
    path.write_bytes(b"x" * (26 << 20))
    page = page_as()
    page.goto(f"/p/{partnership.slug}/imports/new")
    page.get_by_label("The file").set_input_files(path)
    assert page.get_by_text("The file is larger than 25 MB").is_visible()
    page.get_by_role("button", name="Look at the file").click()
    assert page.url.endswith("/imports/new")
    assert page.locator("#file").evaluate("one => one === document.activeElement")


def test_every_step_works_by_keyboard_alone(page_as, partnership, mixed):
    page = page_as()
    page.goto(f"/p/{partnership.slug}/imports/new")
    stops = focus_stops(page)
    assert [stop["name"] for stop in stops if not (stop["marked"] and stop["visible"])] == []
    page.locator("#agency").focus()
    page.keyboard.type("Testshire Police")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.locator("#file").set_input_files(mixed)
    page.get_by_role("button", name="Look at the file").press("Enter")
    page.get_by_role("button", name="Bring in 40 new rows").press("Enter")
    page.wait_for_url("**/imports/*?fresh=1")
    assert [stop["name"] for stop in focus_stops(page) if not (stop["marked"] and stop["visible"])] == []


def test_each_page_fits_a_narrow_window_and_high_contrast(page_as, partnership, borough, mixed):
    page = page_as()
    page.set_viewport_size({"width": 320, "height": 640})
    page.emulate_media(forced_colors="active")
    page.goto(f"/p/{partnership.slug}/imports/new")
    assert not scrolls_sideways(page)
    choose(page, partnership, mixed, "Incidents and intelligence")
    assert not scrolls_sideways(page)
    page.get_by_role("button", name="Bring in 40 new rows").click()
    page.wait_for_url("**/imports/*?fresh=1")
    assert not scrolls_sideways(page)
    assert axe(page) == []
    for address in ("imports", "imports/layouts/incidents"):
        page.goto(f"/p/{partnership.slug}/{address}")
        assert not scrolls_sideways(page)
        assert axe(page) == []

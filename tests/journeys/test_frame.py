"""The frame of every page: home, audit, accounts and errors, wide and narrow, with and without colours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from placewise.core.scope import Role
from tests.journeys.conftest import Watch, axe, focus_stops, scrolls_sideways, sign_in_cookie
from tests.records import Records

EVERYTHING = Role.COORDINATOR | Role.AUDITOR | Role.ADMINISTRATOR
PAGES = ["", "audit", "accounts"]


@pytest.fixture
def borough(admin, partnership):
    """A partnership with something to say."""
    now = datetime.now(UTC)
    Records(admin, partnership).events([now - timedelta(days=n / 4) for n in range(4, 480)])
    Records(admin, partnership).events([now - timedelta(days=200 + n) for n in range(9)], agency="health")
    Records(admin, partnership).place()
    Records(admin, partnership).batch(now, rows=1234)
    return partnership


@pytest.mark.parametrize("width", [1280, 320])
@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_accessible_and_never_scrolls_sideways(page_as, borough, path, width):
    page = page_as(EVERYTHING)
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"/p/{borough.slug}/{path}")
    expect(page.locator("h1")).to_have_count(1)
    assert axe(page) == []
    assert not scrolls_sideways(page)


@pytest.mark.parametrize("path", PAGES)
def test_every_stop_of_the_tab_key_can_be_seen(page_as, borough, path):
    page = page_as(EVERYTHING)
    page.goto(f"/p/{borough.slug}/{path}")
    stops = focus_stops(page)
    assert stops[0]["name"] == "Skip to main content"
    assert len(stops) >= 5
    assert [stop for stop in stops if not (stop["marked"] and stop["visible"])] == []


def test_the_home_page_opens_with_the_sentence_and_leads_on(page_as, borough):
    page = page_as(EVERYTHING)
    page.goto(f"/p/{borough.slug}/")
    expect(page.locator(".pw-sentence")).to_contain_text("Nothing has come from Testham Health since")
    page.get_by_role("main").get_by_role("link", name="Audit").click()
    expect(page.get_by_role("heading", name="Audit log")).to_be_visible()
    expect(page.get_by_role("navigation", name="Menu").get_by_role("link", name="Audit")).to_have_attribute(
        "aria-current", "page"
    )


def test_the_menu_opens_on_a_narrow_screen(page_as, partnership):
    page = page_as(EVERYTHING)
    page.set_viewport_size({"width": 320, "height": 800})
    page.goto(f"/p/{partnership.slug}/")
    link = page.get_by_role("navigation", name="Menu").get_by_role("link", name="Accounts")
    expect(link).to_be_hidden()
    page.get_by_role("button", name="Menu").click()
    expect(link).to_be_visible()
    assert axe(page) == []
    assert not scrolls_sideways(page)


def test_the_audit_log_is_filtered_without_a_mouse(page_as, partnership):
    page = page_as(Role.AUDITOR)
    page.goto(f"/p/{partnership.slug}/")
    page.goto(f"/p/{partnership.slug}/audit")
    page.get_by_label("Action").focus()
    page.keyboard.type("Opened the home")
    page.get_by_role("button", name="Apply").focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{page.url.split('?')[0]}?action=consult%3Ahome&account=")
    expect(page.locator("tbody tr")).to_have_count(1)


@pytest.mark.parametrize(
    ("path", "status", "heading"),
    [
        ("nowhere", 404, "Page not found"),
        ("accounts", 403, "You cannot open this page"),
    ],
)
def test_an_error_page_keeps_the_frame_and_leads_home(page_as, watch, partnership, path, status, heading):
    watch.expected.add(status)
    page = page_as(Role.MEMBER)
    page.goto(f"/p/{partnership.slug}/{path}")
    expect(page.get_by_role("heading", name=heading)).to_be_visible()
    assert axe(page) == []
    page.get_by_role("main").get_by_role("link").click()
    expect(page.get_by_role("heading", name=partnership.name, level=1)).to_be_visible()


@pytest.mark.parametrize("path", PAGES)
def test_with_forced_colours_the_focus_and_the_cards_are_still_drawn(page_as, borough, path):
    page = page_as(EVERYTHING)
    page.emulate_media(forced_colors="active")
    page.goto(f"/p/{borough.slug}/{path}")
    # Shadows and backgrounds are gone in this mode; only outlines and borders remain.
    for _ in range(6):
        page.keyboard.press("Tab")
        outline = page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none"
    borders = page.evaluate(
        "() => [...document.querySelectorAll('.pw-card')].map((card) => getComputedStyle(card).borderStyle)"
    )
    assert all(border == "solid" for border in borders)


def test_on_paper_every_sheet_carries_the_marking_and_no_buttons(page_as, borough):
    page = page_as(EVERYTHING)
    page.goto(f"/p/{borough.slug}/")
    page.emulate_media(media="print")
    expect(page.get_by_text("OFFICIAL-SENSITIVE")).to_be_visible()
    expect(page.get_by_role("button", name="Sign out")).to_be_hidden()
    expect(page.get_by_role("navigation", name="Menu")).to_be_hidden()


def test_a_page_works_without_scripts(browser, server, watch, app, make_account, partnership):

    context = browser.new_context(base_url=server, java_script_enabled=False)
    context.add_cookies([sign_in_cookie(app, server, make_account(EVERYTHING))])
    page = context.new_page()
    page.goto(f"/p/{partnership.slug}/")
    page.get_by_role("navigation", name="Menu").get_by_role("link", name="Audit").click()
    page.get_by_label("Action").select_option("Opened the home page")
    page.get_by_role("button", name="Apply").click()
    assert page.locator("tbody tr").count() == 1
    context.close()


def test_the_watch_notices_what_it_is_for(browser, app, server, page):
    """A refused script, a foreign request, an error status and a thrown error are each seen."""

    watch = Watch(server)
    context = browser.new_context(base_url=server)
    watch.follow(context)
    tab = context.new_page()
    tab.goto("/nowhere")
    tab.evaluate(
        "() => { const s = document.createElement('script'); s.textContent = '1'; document.body.append(s); }"
    )
    tab.evaluate(
        "() => { const i = new Image(); i.src = 'http://127.0.0.1:9/x.png'; document.body.append(i); }"
    )
    tab.evaluate("() => setTimeout(() => { throw new Error('lost'); })")
    tab.wait_for_timeout(300)
    context.close()
    said = "\n".join(watch.faults)
    for what in ("status 404", "CSP: script-src-elem", "CSP: img-src", "lost"):
        assert what in said, said

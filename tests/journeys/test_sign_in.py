"""Getting in and out, in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from placewise.core.scope import Role
from tests.conftest import PASSWORD
from tests.journeys.conftest import axe, focus_stops, scrolls_sideways


def test_a_coordinator_signs_in_with_the_keyboard_alone_and_out_again(page, make_account, partnership):
    account = make_account(Role.COORDINATOR)
    page.goto("/")
    expect(page.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to main content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Email address")).to_be_focused()
    page.keyboard.type(account.email)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=partnership.name, level=1)).to_be_visible()
    page.get_by_role("button", name="Sign out").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("You have signed out.")).to_be_visible()
    page.goto(f"/p/{partnership.slug}/")
    assert "/sign-in" in page.url


def test_a_wrong_password_moves_the_focus_to_the_summary_and_keeps_the_address(page, watch, make_account):
    watch.expected.add(422)
    account = make_account()
    page.goto("/sign-in")
    page.get_by_label("Email address").fill(account.email)
    page.get_by_label("Password").fill("not the password at all")
    page.get_by_role("button", name="Sign in", exact=True).click()
    summary = page.locator(".govuk-error-summary")
    expect(summary).to_be_focused()
    expect(summary).to_contain_text("Check your email address and password.")
    expect(page.get_by_label("Email address")).to_have_value(account.email)
    expect(page.get_by_label("Password")).to_have_value("")
    assert page.title().startswith("Error: ")
    summary.get_by_role("link").click()
    expect(page.get_by_label("Email address")).to_be_focused()
    assert axe(page) == []


def test_a_password_manager_finds_the_fields(page):
    page.goto("/sign-in")
    expect(page.get_by_label("Email address")).to_have_attribute("autocomplete", "username")
    expect(page.get_by_label("Password")).to_have_attribute("autocomplete", "current-password")


def test_a_member_of_two_partnerships_chooses_and_changes(
    page_as, make_account, make_partnership, partnership
):
    other = make_partnership("Second Borough", synthetic=False)
    page = page_as(account=make_account(Role.CHAIR, among=(partnership, other)))
    page.goto("/")
    page.get_by_role("link", name="Second Borough").click()
    expect(page.get_by_role("heading", name="Second Borough", level=1)).to_be_visible()
    expect(page.get_by_text("Demonstration")).to_have_count(0)
    page.get_by_role("link", name="Change partnership").click()
    expect(page.get_by_role("heading", name="Choose a partnership")).to_be_visible()
    assert axe(page) == []


def test_signing_out_in_one_tab_ends_the_other(page_as, partnership):
    first = page_as(Role.ANALYST)
    second = first.context.new_page()
    for tab in (first, second):
        tab.goto(f"/p/{partnership.slug}/")
    first.get_by_role("button", name="Sign out").click()
    expect(first.get_by_text("You have signed out.")).to_be_visible()
    second.reload()
    expect(second.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()


@pytest.mark.parametrize("width", [1280, 320])
def test_the_sign_in_page_is_accessible_and_never_scrolls_sideways(page, width):
    page.set_viewport_size({"width": width, "height": 800})
    page.goto("/sign-in")
    assert axe(page) == []
    assert not scrolls_sideways(page)
    stops = focus_stops(page)
    assert len(stops) >= 11
    assert [stop for stop in stops if not (stop["marked"] and stop["visible"])] == []

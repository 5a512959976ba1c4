"""Connections in a real browser: walked by arrow keys, one step, a second with a purpose, a name with a reason."""

from __future__ import annotations

import re

import pytest

from placewise.core.scope import Role
from tests.journeys.conftest import axe, scrolls_sideways
from tests.records import Records
from tests.web.test_connection_pages import make_borough


@pytest.fixture
def borough(admin, partnership):
    return make_borough(Records(admin, partnership))


@pytest.fixture
def at(partnership):
    return lambda path: f"/p/{partnership.slug}/{path}"


def open_picture(page, address):
    page.goto(address)
    page.locator("#connections[data-state=ready]").wait_for()
    return page.locator("#connections"), page.locator("#connections-status")


@pytest.mark.parametrize("width", [1280, 320])
def test_each_page_is_accessible_and_never_scrolls_sideways(page_as, at, borough, width):
    page = page_as(Role.CHAIR)
    page.set_viewport_size({"width": width, "height": 800})
    for path in (
        "connections",
        f"connections/groups?without={borough.park}",
        f"groups/{borough.north}",
        f"people/{borough.adult}",
        f"people/{borough.children[0]}/identity",
    ):
        page.goto(at(path))
        assert axe(page) == [], path
        assert not scrolls_sideways(page), path
    open_picture(page, at(f"connections?group={borough.north}"))
    assert axe(page) == []
    assert not scrolls_sideways(page)


def test_the_picture_is_walked_by_arrow_keys_and_told_aloud(page_as, at, borough):
    page = page_as(Role.MEMBER)
    picture, status = open_picture(page, at(f"connections?group={borough.north}"))
    assert "Within one step of North group" in status.inner_text()
    picture.focus()
    page.keyboard.press("Home")
    assert status.inner_text().startswith(
        "North group, peer group, 4 links: Weir Park, Adult 0001, Child 0001, Child 0002"
    )
    said = set()
    for key in ("ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp"):
        page.keyboard.press("Home")
        page.keyboard.press(key)
        said.add(status.inner_text())
    assert len(said) > 2
    page.keyboard.press("Home")
    page.keyboard.press("PageDown")
    assert re.search(r"(known|probable)", status.inner_text())
    page.keyboard.press("Escape")
    assert status.inner_text() == "Nothing selected."
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(f"/groups/{borough.north}"))


def test_picture_and_table_light_together(page_as, at, borough):
    page = page_as(Role.MEMBER)
    picture, _ = open_picture(page, at(f"connections?group={borough.north}"))
    page.get_by_role("row", name=re.compile("Adult 0001")).get_by_role("cell").first.click()
    page.locator("a[data-node-id]", has_text="Adult 0001").first.focus()
    assert page.locator("tr.pw-network-row--selected").count() >= 1
    picture.focus()
    page.keyboard.press("Escape")
    assert page.locator("tr.pw-network-row--selected").count() == 0


def test_forced_colours_draw_shapes_that_can_be_told_apart(page_as, at, borough):
    page = page_as(Role.MEMBER)
    page.emulate_media(forced_colors="active")
    open_picture(page, at(f"connections?group={borough.north}"))
    assert axe(page) == []
    assert page.locator(".pw-mark--group").first.inner_text() == "G"


def test_a_second_step_with_a_purpose_by_keyboard_alone(page_as, at, borough, watch):
    page = page_as(Role.ANALYST)
    open_picture(page, at(f"connections?group={borough.north}"))
    watch.expected.add(422)
    page.get_by_label("What do you need it for?").focus()
    page.keyboard.type("why not")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_role("link", name=re.compile("Say what you need")).wait_for()
    assert axe(page) == []
    page.get_by_label("What do you need it for?").focus()
    page.keyboard.type(": planning the station response")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_text("Two steps are shown").wait_for()
    page.locator("#connections[data-state=ready]").wait_for()
    assert "Within two steps" in page.locator("#connections-status").inner_text()
    assert page.get_by_text("Weir Park joins North group and South group").is_visible()
    page.reload()
    page.get_by_text("Two steps are shown").wait_for()
    page.get_by_role("link", name="Back to one step").click()
    page.get_by_label("What do you need it for?").wait_for()


def test_a_name_is_one_person_one_reason_one_page(page_as, at, borough):
    page = page_as(Role.CHAIR)
    open_picture(page, at(f"connections?group={borough.north}"))
    assert "Jamie" not in page.content()
    page.get_by_role("link", name="Show identity of Child 0001").first.click()
    page.get_by_label("Why do you need to know who this is?").fill("Strategy meeting on Tuesday")
    page.get_by_role("button", name="Show identity").click()
    page.get_by_role("heading", name="Identity of Child 0001").wait_for()
    assert page.get_by_text("Jamie", exact=True).is_visible()
    assert axe(page) == []


def test_without_scripts_the_table_and_the_second_step_still_work(
    browser, server, app, make_account, at, borough
):
    from placewise.web.pages import TOKEN

    context = browser.new_context(base_url=server, java_script_enabled=False)
    sign = app.session_interface.get_signing_serializer(app)
    value = str(sign.dumps({TOKEN: make_account(Role.MEMBER).token}))
    context.add_cookies([{"name": app.config["SESSION_COOKIE_NAME"], "value": value, "url": server}])
    page = context.new_page()
    page.goto(at(f"connections?group={borough.north}"))
    page.get_by_label("What do you need it for?").fill("Planning the station response")
    page.get_by_role("button", name="Show the second step").click()
    assert page.get_by_role("row", name=re.compile("Lodge hotel")).first.is_visible()
    context.close()


def test_marks_have_their_colours_wherever_they_stand(page_as, at, borough):
    page = page_as(Role.MEMBER)
    open_picture(page, at(f"connections?place={borough.park}"))
    colours = "marks => [...new Set(marks.map(mark => getComputedStyle(mark).backgroundColor))]"
    for kind in ("group", "place", "adult"):
        assert len(page.locator(f".pw-mark--{kind}").evaluate_all(colours)) == 1
    assert page.locator(".pw-surface__facts .pw-end .pw-mark").count() == 1

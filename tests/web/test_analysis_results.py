"""Finished near repeats and look-backs on their page: sentence first, a picture, and the same facts as a table."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
import shapely
from flask import Flask, g, render_template

from placewise.core.scope import Role
from placewise.panel.analyses.back_test import SHARES
from tests.unit import test_analysis_back_test as looking_back
from tests.unit import test_analysis_near_repeats as near
from tests.unit.test_hotspots import X, Y

STREET = shapely.LineString([(X - 1400, Y), (X + 1400, Y)])


@pytest.fixture(scope="module")
def near_answer() -> dict[str, Any]:
    return near.answer(near.found(near.in_pairs()))


@pytest.fixture(scope="module")
def back_answer() -> dict[str, Any]:
    return looking_back.answer(looking_back.found(looking_back.steady(), streets=[STREET]))


def shown(app: Flask, code: str, answer: dict[str, Any]) -> str:
    outcome = SimpleNamespace(result=answer, state="done", ended_at=datetime(2026, 5, 1, tzinfo=UTC))
    with app.test_request_context("/p/testham/map"):
        return render_template(f"analysis/{code}.html", outcome=outcome)


def pictures(page: str) -> list[ET.Element]:
    return [ET.fromstring(f"<svg {part.split('</svg>')[0]}</svg>") for part in page.split("<svg ")[1:]]


def with_class(tree: ET.Element, word: str) -> list[ET.Element]:
    return [element for element in tree.iter() if word in element.get("class", "").split()]


def cells_of(page: str) -> list[str]:
    return [part.split("</td>")[0] for part in page.split('govuk-table__cell--numeric">')[1:]]


def test_near_repeats_say_their_sentence_first(app: Flask, near_answer: dict[str, Any]) -> None:
    page = shown(app, "near_repeats", near_answer)
    first = page.index(near_answer["sentence"])
    assert first < page.index(near_answer["about"]) < page.index("<svg")
    assert near_answer["left_out"] in page
    assert "style=" not in page
    assert "<script" not in page


def test_the_picture_and_the_table_of_near_repeats_hold_the_same(
    app: Flask, near_answer: dict[str, Any]
) -> None:
    page = shown(app, "near_repeats", near_answer)
    chart = pictures(page)[0]
    boxes = with_class(chart, "pw-near__box")
    cells = [cell for row in near_answer["rows"] for cell in row]
    assert len(boxes) == len(cells) == page.count('<td class="govuk-table__cell">same day') * 4
    marked = [box for box in boxes if "pw-near__box--more" in box.get("class", "")]
    assert len(marked) == sum(cell["verdict"] == "more" for cell in cells) > 0
    ratios = [text.text for text in with_class(chart, "pw-near__ratio")]
    for cell, words in zip(cells, ratios, strict=True):
        assert words is not None
        told = (
            "too few" if cell["verdict"] == "too_few" or cell["ratio"] is None else f"× {cell['ratio']:.1f}"
        )
        assert words.removeprefix("▲ ") == told
        assert words.startswith("▲") == (cell["verdict"] == "more"), "never by colour alone"
    for cell in cells:
        assert f"{cell['observed']:,}" in cells_of(page)


def test_boxes_lie_side_by_side_within_the_width(app: Flask, near_answer: dict[str, Any]) -> None:
    boxes = with_class(pictures(shown(app, "near_repeats", near_answer))[0], "pw-near__box")
    ends = [float(box.get("x", "")[:-1]) + float(box.get("width", "")[:-1]) for box in boxes]
    assert max(ends) < 100
    assert len({box.get("y") for box in boxes}) == len(near_answer["space"])


def test_without_the_test_by_nearest_records_the_page_says_why(
    app: Flask, near_answer: dict[str, Any]
) -> None:
    without = near_answer | {
        "nearest": {"k": 3, "problem": "So many records share one spot."},
        "nearest_sentence": "The test by nearest records could not be made. So many records share one spot.",
    }
    page = shown(app, "near_repeats", without)
    assert "could not be made. So many records share one spot." in page
    assert "Ties in place and time" not in page


def test_a_look_back_says_first_whether_the_count_is_beaten(app: Flask, back_answer: dict[str, Any]) -> None:
    page = shown(app, "back_test", back_answer)
    assert page.index(back_answer["sentence"]) < page.index(back_answer["purpose"]) < page.index("<svg")
    assert back_answer["street_sentence"] in page
    assert "style=" not in page


def test_curves_are_to_scale_and_beside_the_plain_count(app: Flask, back_answer: dict[str, Any]) -> None:
    page = shown(app, "back_test", back_answer)
    curve = pictures(page)[0]
    for who in ("surface", "plain"):
        marks = with_class(curve, f"pw-curve__mark--{who}")
        assert len(marks) == len(SHARES)
        heights = [254 - float(mark.get("cy", "")) for mark in marks]
        rates = [row[who]["hit_rate"] for row in back_answer["area"]["rows"]]
        assert heights == pytest.approx([rate * heights[-1] / rates[-1] for rate in rates], abs=0.2)
        for row in back_answer["area"]["rows"]:
            assert f"{row[who]['hit_rate']:.0%}" in cells_of(page)


def test_a_look_back_without_streets_shows_one_curve(app: Flask) -> None:
    told = looking_back.answer(looking_back.found(looking_back.steady()), {"surface": ["significance"]})
    page = shown(app, "back_test", told)
    assert page.count('class="pw-chart pw-curve"') == 1
    assert "No streets are held" in page
    assert "–" in cells_of(page), "no recapture index of what is no number of records"


@pytest.mark.parametrize("code", ["near_repeats", "back_test"])
def test_a_form_carries_the_map_and_keeps_what_was_asked(app: Flask, code: str) -> None:
    query = [("from", "2025-05"), ("harm", "cse"), ("harm", "cce"), ("before", "3"), ("within_m", "200")]
    own = {"near_repeats": 'name="within_m"', "back_test": 'name="before"'}[code]
    with app.test_request_context("/p/testham/map"):
        g.membership = SimpleNamespace(slug="testham", roles=Role.COORDINATOR)
        asked = partial(render_template, f"analysis/{code}_form.html", query=query)
        page = asked(outcome=SimpleNamespace(state="done"))
        refused = asked(outcome=SimpleNamespace(state="refused"))
    assert ' id="options">' in page
    assert ' id="options" open>' in refused, "the message leads to the options"
    assert page.count('name="harm"') == 2
    assert page.count(own) == 1
    assert ('value="200"' if code == "near_repeats" else 'value="3"') in page

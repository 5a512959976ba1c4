"""The server's charts: well-formed, to scale, and safe with any text."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import date
from itertools import pairwise

import numpy as np

from placewise.panel.dossier import TrendMonth
from placewise.store.places import Extract, ExtractPart
from placewise.web import charts

MONTHS = [date(2024 + (4 + n) // 12, (4 + n) % 12 + 1, 1) for n in range(24)]


def drawn(markup):
    return ET.fromstring(f"<svg>{markup}</svg>")


def with_class(tree, word):
    return [element for element in tree.iter() if word in element.get("class", "").split()]


def ground(**given):
    street = ExtractPart("main", "Tide & <b>Road</b>", "M0 0L400 0", 400, 200, -200)
    values = {"left": 0, "top": -400, "width_m": 400, "x": 200, "y": -100, "path": None, "dimension": 0}
    return Extract(**{**values, "streets": [street], "features": [], **given})


def test_bars_are_to_scale_and_share_the_width():
    tree = drawn(charts.trend([TrendMonth(month, n % 5, 0.1, 8.0) for n, month in enumerate(MONTHS)]))
    bars = with_class(tree, "pw-chart__bar")
    assert len(bars) == 24
    heights = [float(bar.get("height")) for bar in bars]
    assert heights[:5] == [0, 25, 50, 75, 100]  # the axis ends at 8 and is 200 px long
    assert float(bars[-1].get("x")[:-1]) + float(bars[-1].get("width")[:-1]) < 100


def test_the_last_twelve_months_look_different():
    tree = drawn(charts.trend([TrendMonth(month, 1, 0.1, 5.0) for month in MONTHS]))
    looks = [bar.get("class") for bar in with_class(tree, "pw-chart__bar")]
    assert (
        looks == ["pw-chart__bar pw-chart__bar--before"] * 12 + ["pw-chart__bar pw-chart__bar--recent"] * 12
    )


def test_a_month_with_reports_missing_has_no_interval():
    months = [TrendMonth(MONTHS[0], 3, None, None), TrendMonth(MONTHS[1], 3, 0.6, 8.8)]
    tree = drawn(charts.trend(months))
    assert len(with_class(tree, "pw-chart__bar--incomplete")) == len(with_class(tree, "pw-chart__gap")) == 1
    assert len(with_class(tree, "pw-chart__whisker")) == 1


def test_a_month_without_data_has_no_bar_but_a_cross():
    months = [TrendMonth(MONTHS[0], 0, None, None, held=False), TrendMonth(MONTHS[1], 0, 0.0, 3.7)]
    tree = drawn(charts.trend(months))
    assert len(with_class(tree, "pw-chart__bar")) == len(with_class(tree, "pw-chart__gap--empty")) == 1
    assert "×" in [element.text for element in tree.iter()]


def test_a_chart_of_nothing_is_a_chart():
    assert with_class(drawn(charts.trend([])), "pw-chart__bar") == []


def test_names_on_the_extract_are_text():
    markup = charts.extract(ground(), radius_m=None)
    assert "<b>" not in markup
    (label,) = [e for e in with_class(drawn(markup), "pw-extract__label") if "Road" in (e.text or "")]
    assert label.text == "Tide & <b>Road</b>"


def test_the_scale_bar_is_as_long_as_it_says():
    tree = drawn(charts.extract(ground(), radius_m=None))
    (bar,) = with_class(tree, "pw-extract__scale")
    assert bar.get("d") == "M30 958V975H280.0V958"  # 100 m of 400 in 1,000 units
    assert "100 m" in [e.text for e in with_class(tree, "pw-extract__label--scale")]


def test_a_vague_point_is_drawn_with_its_radius_and_an_outline_as_itself():
    (circle,) = with_class(drawn(charts.extract(ground(), radius_m=150)), "pw-extract__radius")
    assert (circle.get("r"), circle.get("cx"), circle.get("cy")) == ("375.0", "500.0", "750.0")
    tree = drawn(charts.extract(ground(path="M0 0L10 0L10 10Z", dimension=2), radius_m=150))
    assert with_class(tree, "pw-extract__area")
    assert with_class(tree, "pw-extract__point") == []


def test_labels_never_lie_on_each_other_or_on_the_place():
    parts = [ExtractPart("minor", f"Long Street {n}", "M0 0L9 9", 300, 200, -200 + n) for n in range(20)]
    tree = drawn(charts.extract(ground(streets=parts), radius_m=None))
    ys = sorted(float(e.get("y")) for e in with_class(tree, "pw-extract__label") if "Long" in (e.text or ""))
    assert ys
    assert all(b - a >= 24 for a, b in pairwise(ys))


def test_the_clock_is_darkest_where_most_is_expected():
    weights = np.zeros((7, 24))
    weights[4, 22], weights[4, 23] = 6.0, 1.5
    tree = drawn(charts.clock(weights))
    cells = with_class(tree, "pw-clock__cell")
    steps = [int(cell.get("class")[-1]) for cell in cells]
    assert (len(cells), steps[4 * 24 + 22], steps[4 * 24 + 23], sum(steps)) == (168, 5, 2, 7)
    assert float(cells[-1].get("x")[:-1]) + float(cells[-1].get("width")[:-1]) <= 100.01


def test_a_long_series_has_fewer_names_under_it():
    months = [date(2016 + n // 12, n % 12 + 1, 1) for n in range(120)]
    tree = drawn(charts.trend([TrendMonth(month, 1, 0.1, 5.0) for month in months]))
    names = [element.text for element in tree.iter() if element.text in ("Jan", "Apr", "Jul", "Oct")]
    assert names == ["Jan"] * 10

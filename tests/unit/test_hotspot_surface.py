"""The smoothed surface: how far it smooths, what it says of it, and what it refuses to draw."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from placewise.geo.bandwidth import likelihood_bandwidth, silverman_bandwidth_m
from placewise.geo.density import kernel_density
from placewise.geo.hexgrid import hex_grid
from placewise.panel.hotspot_filter import SURFACE_CELL_M, read_filter
from placewise.panel.hotspot_records import mark_records
from placewise.panel.hotspot_surface import HELD_OUT, JUDGED_AMONG, smoothed, smoothing_of
from placewise.panel.hotspot_surface_words import smoothing_lines
from placewise.panel.hotspots import Hotspots, count_records
from tests.unit.test_hotspots import CHOICES, X, Y, asked, columns, ground


def found(rows: list[dict[str, Any]], **changes: Any) -> Hotspots:
    wanted, here = asked(view="density", **changes), ground()
    records = mark_records(columns(*rows), wanted, here)
    return count_records(wanted, here, records, hex_grid(here.frame, cell_width_m=250), True)


def cloud(n: int, *, spread_m: float = 200.0, seed: int = 1) -> list[dict[str, Any]]:
    spots = np.random.default_rng(seed).normal(0, spread_m, (n, 2)).clip(-1400, 1400)
    return [{"x": X + float(dx), "y": Y + float(dy)} for dx, dy in spots]


def said(picture: Hotspots) -> str:
    return " ".join(smoothing_lines(picture, smoothed(picture).smoothing))


def test_the_surface_is_the_kernel_density_of_the_records() -> None:
    picture = found(cloud(50), bandwidth="400", kernel="gaussian", edge="plain")
    (surface,) = smoothed(picture).surfaces
    at = picture.records.columns
    alone = kernel_density(
        at.x,
        at.y,
        grid=surface.grid,
        bandwidth_m=400,
        kernel="gaussian",
        edge="none",
        inside=np.isfinite(surface.values),
    )
    assert np.array_equal(surface.values, alone.values, equal_nan=True)


def test_correction_lifts_the_edge_and_only_the_edge() -> None:
    rows = [{"x": X + 1490}, {"x": X}]
    (plain,), (corrected,) = (smoothed(found(rows, edge=edge)).surfaces for edge in ("plain", "corrected"))
    middle = plain.values.shape[0] // 2
    assert corrected.values[middle, middle] == pytest.approx(plain.values[middle, middle])
    assert corrected.values[middle, -1] > 1.8 * plain.values[middle, -1] > 0


def test_silvermans_rule_says_what_it_chose_and_what_it_is_made_for() -> None:
    picture = found(cloud(200), bandwidth="silverman")
    at = picture.records.columns
    assert smoothing_of(picture).bandwidth_m == silverman_bandwidth_m(at.x, at.y)
    assert "Silverman’s rule chose 2" in said(picture)
    assert "one round cloud" in said(picture)


def test_the_records_choose_a_shorter_distance_where_they_have_two_centres() -> None:
    rows = [
        row | {"x": row["x"] + shift}
        for shift, seed in ((-900, 1), (900, 2))
        for row in cloud(100, spread_m=60, seed=seed)
    ]
    rule, judged = (smoothing_of(found(rows, bandwidth=b)) for b in ("silverman", "likelihood"))
    assert judged.bandwidth_m < rule.bandwidth_m / 2
    assert "Judged from 200 records." in said(found(rows, bandwidth="likelihood"))


def test_many_records_are_judged_by_a_sample_and_near_to_what_all_would_say() -> None:
    whole = cloud(3 * JUDGED_AMONG, spread_m=300)
    picture = found(whole, bandwidth="likelihood")
    judged = smoothing_of(picture)
    assert (judged.judged_among, judged.judged_of) == (JUDGED_AMONG, len(whole))
    at = picture.records.columns
    by_all = likelihood_bandwidth(at.x, at.y, seed=1, max_held_out=300)
    # The likelihood of one round cloud is flat about its best: two samples of one size differ as much.
    assert judged.bandwidth_m == pytest.approx(by_all.bandwidth_m, rel=0.3)
    assert f"{JUDGED_AMONG:,} of 6,000 records, drawn by lot" in said(picture)
    assert judged == smoothing_of(picture), "the same question has the same answer"
    assert HELD_OUT < JUDGED_AMONG


@pytest.mark.parametrize("rule", ["silverman", "likelihood"])
@pytest.mark.parametrize("rows", [[], [{}], [{}] * 30], ids=["none", "one", "all at one spot"])
def test_too_few_records_to_judge_by_are_said_to_be(rule: str, rows: list[dict[str, Any]]) -> None:
    picture = found(rows or [{"x": X + 9_000}], bandwidth=rule)
    assert smoothing_of(picture).bandwidth_m == 300
    assert "The usual distance is used instead." in said(picture)


@pytest.mark.parametrize(
    ("bandwidth", "used", "words"),
    [
        ("10", SURFACE_CELL_M, "10 m is less than one cell of the surface (25 m)"),
        ("50000", 3000.0, "50,000 m is more than the study area is long (3,000 m)"),
    ],
)
def test_a_distance_that_does_not_fit_is_mended_and_said(bandwidth: str, used: float, words: str) -> None:
    picture = found(cloud(20), bandwidth=bandwidth)
    assert smoothed(picture).smoothing.bandwidth_m == used
    assert words in said(picture)


def test_a_month_of_the_slider_is_smoothed_as_far_as_the_whole_period() -> None:
    rows = cloud(60)
    whole = smoothing_of(found(rows, bandwidth="likelihood"))
    assert smoothing_of(found(rows, bandwidth="likelihood", month="2026-01")) == whole


def test_any_whole_number_of_metres_may_be_asked_for() -> None:
    state, problems = read_filter({"bandwidth": ["0450"]}, CHOICES)
    assert (state.bandwidth, problems) == ("450", [])
    for wrong in ("0", "-5", "1e3", "9" * 40, "²"):
        state, problems = read_filter({"bandwidth": [wrong]}, CHOICES)
        assert state.bandwidth == "300"
        assert "whole number of metres" in problems[0].message

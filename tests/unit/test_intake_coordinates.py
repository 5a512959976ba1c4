"""Positions, and the many ways in which they are wrong."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from placewise.intake.cells import Number
from placewise.intake.coordinates import in_northern_ireland, locate
from placewise.intake.evidence import rough_degrees
from placewise.intake.run import Context, Run
from placewise.intake.table import Table

LONDON = (-0.1276, 51.5072)


def table(columns: dict[str, list[str]], **answers: str) -> Table:
    now = datetime(2026, 5, 20, tzinfo=UTC)
    run = Run(
        Context("police", now, answers={key.replace("_", "-"): value for key, value in answers.items()})
    )
    result = Table(run, len(next(iter(columns.values()))), {})
    for name, cells in columns.items():
        result.cells[name] = cells
        result.values[name], bad = Number().parse_column(cells, run, name)
        result.refuse_texts(name, bad)
    return result


def degrees(*pairs: tuple[object, object], **answers: str) -> Table:
    lon, lat = zip(*pairs, strict=True)
    return table({"longitude": list(map(str, lon)), "latitude": list(map(str, lat))}, **answers)


def codes(checked: Table) -> list[tuple[int, str]]:
    return [(fault.index, fault.code) for fault in checked.faults]


def test_degrees_become_grid_metres() -> None:
    checked = degrees(LONDON, ("", ""))
    x, y = locate(checked)
    assert (x[0], y[0]) == pytest.approx((530_041.5, 180_358.0), abs=0.5)
    assert np.isnan(x[1])
    assert checked.faults == []


@pytest.mark.parametrize(
    ("pair", "code"),
    [
        ((51.5072, -0.1276), "outside-area"),
        ((0, 0), "null-island"),
        ((530034, 180381), "crs"),
        ((1.9, 52.48), "outside-area"),
        ((2.35, 48.86), "outside-area"),
        ((-5.93, 54.6), "northern-ireland"),
        ((-7.32, 55.0), "northern-ireland"),
        ((-0.1276, ""), "half-location"),
        (("NaN", 51.5), "not-a-number"),
        (("1e400", 51.5), "not-a-number"),
        (("-0,1276", 51.5), "not-a-number"),
        (("5_1.5", 51.5), "not-a-number"),
        (("٥", 51.5), "not-a-number"),
    ],
)
def test_one_bad_position_is_refused_and_its_neighbour_kept(pair: tuple[object, object], code: str) -> None:
    checked = degrees(LONDON, pair)
    x, _ = locate(checked)
    assert codes(checked) == [(1, code)]
    assert np.isfinite(x).tolist() == [True, False]


def test_a_swapped_file_is_read_once_a_person_says_so() -> None:
    swapped = (LONDON[1], LONDON[0])
    asked = degrees(swapped, swapped)
    locate(asked)
    assert asked.run.tallies["swapped"] == asked.run.tallies["located"] == 2
    answered = degrees(swapped, swapped, lonlat_swapped="swap")
    x, _ = locate(answered)
    assert answered.faults == []
    assert x[0] == pytest.approx(530_041.5, abs=0.5)


def test_grid_metres_under_degree_headings_are_read_once_a_person_says_so() -> None:
    x, y = locate(degrees((530034, 180381), crs="EPSG:27700"))
    assert (x[0], y[0]) == (530034, 180381)


@pytest.mark.parametrize(
    ("pair", "code"),
    [(("-0.1276", "51.5072"), "crs"), (("0", "0"), "null-island"), (("900000", "180381"), "outside-area")],
)
def test_a_bad_grid_position_is_refused(pair: tuple[str, str], code: str) -> None:
    checked = table({"easting": ["530034", pair[0]], "northing": ["180381", pair[1]]})
    locate(checked)
    assert codes(checked) == [(1, code)]


def test_two_positions_of_one_row_must_agree() -> None:
    columns = {"longitude": ["-0.1276"] * 2, "latitude": ["51.5072"] * 2}
    checked = table({**columns, "easting": ["530041", "540041"], "northing": ["180358", "180358"]})
    locate(checked)
    assert codes(checked) == [(1, "two-locations")]


def test_kintyre_islay_galloway_and_man_are_not_northern_ireland() -> None:
    lon = np.array([-5.79, -6.19, -5.16, -4.5, -5.75])
    lat = np.array([55.29, 55.63, 55.0, 54.2, 55.31])
    assert not in_northern_ireland(lon, lat).any()


def test_a_unicode_minus_is_a_minus() -> None:
    checked = degrees(("\u22120.1276", "51.5072"))
    x, _ = locate(checked)
    assert x[0] == pytest.approx(530_041.5, abs=0.5)


def test_few_decimal_places_are_counted_and_vague() -> None:
    checked = degrees(("-0.1", "51.5"), LONDON, ("-0.12", "51.5"))
    assert rough_degrees(checked) == {0: "borough", 2: "neighbourhood"}
    assert checked.run.tallies["low-precision"] == 2

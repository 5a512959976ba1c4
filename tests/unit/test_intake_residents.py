"""Boundaries with the people who live there: read from both kinds of file, and refused with a reason."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import shapely

from placewise.intake.batch import CheckedBatch
from placewise.intake.engine import read_and_check
from placewise.intake.layouts import get_layout
from placewise.intake.limits import UPLOAD_LIMITS
from placewise.intake.run import Context
from tests.shape_files import geojson, geopackage

SHAPE = shapely.Polygon([(-1.66, 53.8), (-1.65, 53.8), (-1.65, 53.81), (-1.66, 53.8)])
LSOA = {"kind": "lsoa", "code": "E01000001", "name": "Mill 001", "vintage": "2021"}


def one(path: Path) -> CheckedBatch:
    known = Context("police", datetime(2026, 5, 20, tzinfo=UTC))
    (batch,) = read_and_check(path, get_layout("boundaries"), context=known, limits=UPLOAD_LIMITS)
    return batch


@pytest.mark.parametrize(("write", "name"), [(geojson, "areas.geojson"), (geopackage, "areas.gpkg")])
def test_residents_and_their_year_are_read_or_left_out(
    write: Callable[..., Path], name: str, tmp_path: Path
) -> None:
    rows = [
        LSOA | {"residents": "1523", "residents_year": "2021"},
        LSOA | {"code": "E01000002", "residents": "0", "residents_year": "2021"},
        LSOA | {"code": "E01000003", "residents": "", "residents_year": ""},
    ]
    batch = one(write(tmp_path / name, [(row, SHAPE) for row in rows]))
    assert batch.refusals == ()
    assert list(batch.columns["residents"]) == [1523, 0, None]
    assert list(batch.columns["residents_year"]) == [2021, 2021, None]


def test_a_file_without_the_columns_is_as_good_as_ever(tmp_path: Path) -> None:
    batch = one(geojson(tmp_path / "areas.geojson", [(LSOA, SHAPE)]))
    assert list(batch.columns["residents"]) == [None]


@pytest.mark.parametrize(
    ("residents", "year", "column", "words"),
    [
        ("1523", "", "residents_year", "Say of which year"),
        ("", "2021", "residents", "Give both, or leave both empty"),
        ("-5", "2021", "residents", "whole number from 0"),
        ("about 1,500", "2021", "residents", "whole number from 0"),
        ("1523", "21", "residents_year", "from 1900 to 2100"),
    ],
)
def test_residents_that_cannot_be_are_refused_with_what_to_do(
    tmp_path: Path, residents: str, year: str, column: str, words: str
) -> None:
    row = LSOA | {"residents": residents, "residents_year": year}
    refusals = one(geojson(tmp_path / "areas.geojson", [(row, SHAPE)])).refusals
    assert [refusal.column for refusal in refusals] == [column]
    assert words in refusals[0].message

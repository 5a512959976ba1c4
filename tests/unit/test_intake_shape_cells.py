"""Refused features go out with their shapes, and what could not go out is said."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
import xlsxwriter

from placewise.intake import shape_cells
from placewise.intake.batch import CheckedBatch
from placewise.intake.engine import Check, read_and_check
from placewise.intake.layouts import get_layout
from placewise.intake.limits import UPLOAD_LIMITS
from placewise.intake.refusals import neutralise, write_refusals
from placewise.intake.run import Context
from placewise.intake.shape_cells import TOO_LONG, TOO_MANY
from tests.shape_files import Feature, geojson, geopackage

CONTEXT = Context("police", datetime(2026, 5, 20, tzinfo=UTC))
PARK = {"local_ref": "P1", "name": "Mill Park", "location_type": "park"}
PARC = PARK | {"location_type": "parc"}
AT = shapely.Point(441000, 381000)
HEADER = "local_ref,name,location_type,placewise_geometry\n"


def check(path: Path, layout: str = "places") -> tuple[Check, CheckedBatch]:
    checking = read_and_check(path, get_layout(layout), context=CONTEXT, limits=UPLOAD_LIMITS)
    (batch,) = checking
    return checking, batch


def handed_back(path: Path, layout: str = "places") -> list[dict[str, str]]:
    checking, batch = check(path, layout)
    out = io.StringIO(newline="")
    write_refusals(checking.header, batch.refusals, out)
    out.seek(0)
    return list(csv.DictReader(out))


def ring(corners: int) -> shapely.Polygon:
    """A round area with so many corners, each of its numbers with all its digits."""
    turn = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    return shapely.Polygon(np.column_stack([441000 + 900 * np.cos(turn), 381000 + 900 * np.sin(turn)]))


def features(path: Path, listed: Sequence[Feature]) -> Path:
    return geopackage(path / "x.gpkg", listed, epsg=27700)


def table(path: Path, *rows: str) -> Path:
    file = path / "x.csv"
    file.write_text(HEADER + "".join(f"{row}\n" for row in rows))
    return file


def test_the_shape_stands_in_a_column_that_no_spreadsheet_runs(tmp_path: Path) -> None:
    (row,) = handed_back(features(tmp_path, [(PARC, AT)]))
    assert row["placewise_geometry"] == "SRID=27700;POINT (441000 381000)"
    assert neutralise(row["placewise_geometry"]) == row["placewise_geometry"]


def test_a_row_with_several_faults_carries_its_shape_once(tmp_path: Path) -> None:
    _, batch = check(features(tmp_path, [(PARC | {"name": ""}, AT)]))
    assert [len(refusal.cells) for refusal in batch.refusals] == [4, 3]


def test_a_shape_that_cannot_be_read_leaves_its_cell_empty_and_is_said(tmp_path: Path) -> None:
    (row,) = handed_back(features(tmp_path, [(PARK, b"\1\1\0\0\0")]))
    assert row["placewise_geometry"] == ""
    assert row["placewise_reason"].endswith("The file of refused rows comes without this shape.")


def test_a_feature_without_a_shape_says_what_it_lacks(tmp_path: Path) -> None:
    (row,) = handed_back(geojson(tmp_path / "x.geojson", [(PARK, None)]))
    assert row["placewise_geometry"] == ""
    assert "A place needs a position" in row["placewise_reason"]


def test_a_property_that_is_too_long_does_not_cost_the_shape(tmp_path: Path) -> None:
    _, batch = check(features(tmp_path, [(PARK | {"name": "A" * 40_000}, AT)]))
    assert [(r.code, r.cells[3]) for r in batch.refusals] == [
        ("field-too-long", "SRID=27700;POINT (441000 381000)")
    ]


@pytest.mark.parametrize("corners", [2_000, 99_999])
def test_a_shape_too_long_for_a_cell_is_left_out_and_that_is_said(tmp_path: Path, corners: int) -> None:
    (row,) = handed_back(features(tmp_path, [(PARC, ring(corners))]))
    assert row["placewise_geometry"] == ""
    assert row["placewise_reason"].endswith(TOO_LONG)


def test_a_ward_with_many_corners_fits_and_comes_back(tmp_path: Path) -> None:
    (row,) = handed_back(features(tmp_path, [(PARC, ring(800))]))
    assert 10_000 < len(row["placewise_geometry"]) <= UPLOAD_LIMITS.cell_chars
    mended = table(tmp_path, f'P1,Mill Park,park,"{row["placewise_geometry"]}"')
    _, batch = check(mended)
    assert shapely.from_wkb(batch.columns["geometry"][0]) == ring(800)


def test_shapes_beyond_what_one_file_can_take_are_left_out_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shape_cells, "MOST_CHARS", 70)
    rows = handed_back(features(tmp_path, [(PARC | {"local_ref": f"P{i}"}, AT) for i in range(3)]))
    assert [bool(row["placewise_geometry"]) for row in rows] == [True, True, False]
    assert [row["placewise_reason"].endswith(TOO_MANY) for row in rows] == [False, False, True]


def test_features_that_already_have_our_columns_keep_their_own_shapes(tmp_path: Path) -> None:
    sent_again = PARC | {"placewise_geometry": "SRID=27700;POINT (1 1)", "placewise_row": "7"}
    (row,) = handed_back(features(tmp_path, [(sent_again, AT)]))
    assert row["placewise_geometry"] == "SRID=27700;POINT (441000 381000)"
    assert row["placewise_row"] == "1"


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("see map", "invalid-geometry"),
        ("SRID=29902;POINT (1 2)", "crs"),
        ("SRID=27700;POINT (-1.4 53.3)", "crs"),
        ("SRID=4326;POINT (0 0)", "null-island"),
    ],
)
def test_a_cell_that_is_no_shape_refuses_its_row_alone(tmp_path: Path, cell: str, code: str) -> None:
    _, batch = check(table(tmp_path, "P1,A,park,SRID=27700;POINT (441000 381000)", f"P2,B,park,{cell}"))
    wanted = "crs" if cell.startswith("SRID=4326") else code  # it is not the coordinate system of the first
    assert [(r.row, r.code) for r in batch.refusals] == [(3, wanted)]
    _, alone = check(table(tmp_path, f"P2,B,park,{cell}"))
    assert [(r.row, r.code, r.cells[3]) for r in alone.refusals] == [(2, code, cell)]


def test_a_row_whose_shape_was_lost_may_have_its_position_in_other_columns(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text(
        "local_ref,name,location_type,placewise_geometry,easting,northing\n"
        "P1,A,park,SRID=27700;POINT (441000 381000),,\n"
        "P2,B,park,,442000,382000\n"
        "P3,C,park,,442000,\n"
        "P4,D,park,,,\n"
    )
    _, batch = check(file)
    assert batch.columns["x"].tolist() == [441000, 442000]
    assert [shapely.from_wkb(g) for g in batch.columns["geometry"]] == [AT, shapely.Point(442000, 382000)]
    assert [(r.row, r.code) for r in batch.refusals] == [(4, "half-location"), (5, "no-geometry")]


def test_an_incident_without_a_shape_has_its_position_in_other_columns(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text(
        "local_ref,kind,occurred_from,relation,placewise_geometry,easting,northing\n"
        "A,incident,14/05/2026,harm_there,SRID=27700;POINT (441000 381000),,\n"
        "B,incident,14/05/2026,harm_there,,442000,382000\n"
    )
    _, batch = check(file, "incidents")
    assert batch.columns["x"].tolist() == [441000, 442000]


def test_a_boundary_may_come_in_a_table_with_its_shape(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text(
        "kind,code,name,vintage,placewise_geometry\n"
        'ward,E05000001,Mill,2023,"SRID=27700;POLYGON ((441000 381000, 442000 381000, 442000 382000, 441000 381000))"\n'
        "ward,E05000002,Hill,2023,\n"
    )
    _, batch = check(file, "boundaries")
    assert shapely.from_wkb(batch.columns["geometry"][0]).area == 500_000
    assert [(r.row, r.code) for r in batch.refusals] == [(3, "no-geometry")]


def test_a_layout_without_shapes_says_that_the_column_is_not_kept(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("local_ref,kind,placewise_geometry\nC1,child,SRID=27700;POINT (1 2)\n")
    checking, batch = check(file, "people")
    assert len(batch) == 1
    assert any("placewise_geometry" in finding.message for finding in checking.findings)


def test_a_refused_row_may_be_mended_in_a_workbook(tmp_path: Path) -> None:
    (row,) = handed_back(features(tmp_path, [(PARC, AT)]))
    file = tmp_path / "mended.xlsx"
    book = xlsxwriter.Workbook(file)
    sheet = book.add_worksheet()
    mended: dict[str, Any] = row | {"location_type": "park"}
    sheet.write_row(0, 0, mended)
    sheet.write_row(1, 0, mended.values())
    book.close()
    _, batch = check(file)
    assert shapely.from_wkb(batch.columns["geometry"][0]) == AT

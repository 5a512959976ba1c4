"""The readers on their own, on files made here."""

from __future__ import annotations

import gzip
import io
import sqlite3
import struct
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import shapely
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from placewise.core.errors import FileRefused
from placewise.intake.findings import Finding
from placewise.intake.limits import COMMAND_LIMITS, UPLOAD_LIMITS
from placewise.intake.messages import Header, Message, Rows, decode, encode
from placewise.intake.readers import csv_reader
from placewise.intake.readers.encoding import find_encoding
from placewise.intake.readers.source import Source
from placewise.intake.readers.wkb import BadGeometry, from_geojson, from_wkb
from placewise.intake.sandbox import read_confined


def cells(messages: list[Message]) -> list[tuple[str, ...]]:
    return [row for m in messages if isinstance(m, Rows) for row in zip(*m.columns, strict=True)]


def said(messages: list[Message]) -> set[str]:
    return {m.code for m in messages if isinstance(m, Finding)}


def read(path: Path, **answers: str) -> list[Message]:
    given_answers = {key.replace("_", "-"): value for key, value in answers.items()}
    return list(read_confined(path, limits=UPLOAD_LIMITS, answers=given_answers))


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_accents_survive_every_encoding_that_is_read(codec: str, tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_bytes("name,note\r\nZoë,café’s\r\n".encode(codec))
    messages = read(file)
    assert cells(messages) == [("Zoë", "café’s")]
    assert ("encoding-guessed" in said(messages)) == (codec in ("cp1252", "utf-16"))


def test_a_character_cut_by_the_edge_of_a_piece_is_not_an_error() -> None:
    text = b"a" * ((1 << 20) - 1) + "é\n".encode() + b"b"
    assert find_encoding(io.BytesIO(text), longest=1 << 22).codec == "utf-8"


def test_windows_text_after_megabytes_of_plain_text_is_found() -> None:
    text = b"a,b\n" * 500_000 + b"Zo\xeb,1\n"
    assert find_encoding(io.BytesIO(text), longest=1 << 22).codec == "cp1252"


def test_rows_after_a_misquoted_one_are_still_read(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text('a,b\n1,2\n"x"y,3\n4,5\n\n6,"seven\neight"\n')
    messages = read(file)
    assert cells(messages) == [("1", "2"), ("4", "5"), ("6", "seven\neight")]
    (rows,) = [m for m in messages if isinstance(m, Rows)]
    assert rows.numbers == [2, 4, 6]
    assert [(bad[0], bad[1]) for bad in rows.bad] == [(3, "field-count")]
    assert rows.blank == 1


@given(
    st.lists(
        st.lists(st.text(st.characters(codec="utf-8", exclude_characters='\0"'), max_size=4), max_size=4),
        max_size=8,
    )
)
def test_splitting_and_parsing_agree_on_files_without_quotation_marks(rows: list[list[str]]) -> None:
    body = "\n".join(",".join(row) for row in [["a", "b", "c"], *rows])
    with tempfile.TemporaryFile() as file:
        file.write(body.encode())
        file.flush()
        source = Source(file.fileno(), "csv", UPLOAD_LIMITS)
        try:
            fast = list(csv_reader.read(source))
        except FileRefused as refused:
            assert refused.code in ("truncated", "empty")  # noqa: PT017  either outcome is right
            return
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(csv_reader._Table, "_split", lambda *_: None)
            slow = list(csv_reader.read(source))
    assert [cells([m]) for m in fast] == [cells([m]) for m in slow]
    assert [(m.numbers, m.bad, m.blank) for m in fast if isinstance(m, Rows)] == [
        (m.numbers, m.bad, m.blank) for m in slow if isinstance(m, Rows)
    ]


def test_a_packed_csv_is_for_the_command_line_only(tmp_path: Path) -> None:
    file = tmp_path / "x.csv.gz"
    file.write_bytes(gzip.compress(b"a,b\n1,2\n"))
    assert cells(list(read_confined(file, limits=COMMAND_LIMITS))) == [("1", "2")]
    with pytest.raises(FileRefused) as refused:
        read(file)
    assert refused.value.code == "type-not-accepted"


def test_a_packed_bomb_is_stopped_while_it_unpacks(tmp_path: Path) -> None:
    file = tmp_path / "x.csv.gz"
    file.write_bytes(gzip.compress(b"a,b\n" * 20_000_000, 9))
    with pytest.raises(FileRefused) as refused:
        list(read_confined(file, limits=replace(COMMAND_LIMITS, unpacked_ratio=100)))
    assert refused.value.code == "expands-too-far"


def workbook(path: Path, build: Callable[[xlsxwriter.Workbook], None]) -> Path:
    with xlsxwriter.Workbook(path) as book:
        build(book)
    return path


def _two_sheets(book: xlsxwriter.Workbook) -> None:
    for name in ("Sept", "Oct"):
        sheet = book.add_worksheet(name)
        sheet.write_row(0, 0, ["ref", "number"])
        sheet.write_row(1, 0, [f"000{name}", 447700900123])


def test_one_of_two_sheets_is_read_when_named(tmp_path: Path) -> None:
    file = workbook(tmp_path / "x.xlsx", _two_sheets)
    assert said(read(file)) == {"which-sheet"}
    assert cells(read(file, which_sheet="Oct")) == [("000Oct", "447700900123")]


def _hidden_row(book: xlsxwriter.Workbook) -> None:
    sheet = book.add_worksheet()
    sheet.write_column(0, 0, ["ref", "A", "B"])
    sheet.set_row(1, None, None, {"hidden": True})


def test_hidden_rows_are_asked_about_and_read_when_meant(tmp_path: Path) -> None:
    file = workbook(tmp_path / "x.xlsx", _hidden_row)
    assert said(read(file)) == {"hidden-content"}
    assert cells(read(file, hidden_content="yes")) == [("A",), ("B",)]


def _shared_strings_and_truths(book: xlsxwriter.Workbook) -> None:
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["a", "b", "c", "d"])
    sheet.write_row(1, 0, ["NA", True, 1.5, 12.0])
    sheet.write_formula(2, 0, "=1+1", None, 2)


def test_cells_are_read_as_a_person_sees_them(tmp_path: Path) -> None:
    messages = read(workbook(tmp_path / "x.xlsx", _shared_strings_and_truths))
    assert cells(messages) == [("NA", "yes", "1.5", "12"), ("2", "", "", "")]
    assert said(messages) == {"formula"}


def test_a_geopackage_row_is_named_by_its_own_number(tmp_path: Path) -> None:
    file = tmp_path / "x.gpkg"
    db = sqlite3.connect(file)
    db.executescript(
        "CREATE TABLE gpkg_spatial_ref_sys(srs_id INTEGER, organization TEXT, organization_coordsys_id INTEGER);"
        "INSERT INTO gpkg_spatial_ref_sys VALUES(27700, 'EPSG', 27700);"
        "CREATE TABLE gpkg_contents(table_name TEXT, data_type TEXT);"
        "INSERT INTO gpkg_contents VALUES('places', 'features');"
        "CREATE TABLE gpkg_geometry_columns(table_name TEXT, column_name TEXT, srs_id INTEGER);"
        "INSERT INTO gpkg_geometry_columns VALUES('places', 'geom', 27700);"
        "CREATE TABLE places(fid INTEGER PRIMARY KEY, geom BLOB, name TEXT);"
    )
    header = b"GP\0\x01" + struct.pack("<i", 27700)
    db.execute("INSERT INTO places VALUES(7, ?, 'NA')", (header + shapely.to_wkb(shapely.Point(1, 2)),))
    db.commit()
    db.close()
    head, rows = read(file)
    assert isinstance(head, Header)
    assert isinstance(rows, Rows)
    assert (head.crs, head.cells) == ("EPSG:27700", ("name",))
    assert (rows.numbers, rows.columns) == ([7], [["NA"]])
    assert rows.geometry is not None
    assert shapely.from_wkb(rows.geometry[0]) == shapely.Point(1, 2)


SHAPES = [
    shapely.Point(1, 2),
    shapely.LineString([(0, 0), (1, 1), (2, 0)]),
    shapely.Polygon([(0, 0), (4, 0), (4, 4), (0, 0)], [[(1, 0.5), (2, 0.5), (2, 1), (1, 0.5)]]),
    shapely.MultiPoint([(0, 0), (1, 1)]),
    shapely.MultiLineString([[(0, 0), (1, 1)], [(2, 2), (3, 3)]]),
    shapely.MultiPolygon([shapely.box(0, 0, 1, 1), shapely.box(2, 2, 3, 3)]),
]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.geom_type)
@pytest.mark.parametrize("order", [0, 1])
def test_wkb_is_rewritten_without_change_and_without_height(shape: shapely.Geometry, order: int) -> None:
    tall = shapely.force_3d(shape, z=9)
    data = shapely.to_wkb(tall, byte_order=order, flavor="iso")
    assert shapely.from_wkb(from_wkb(data, 1000)) == shape
    assert (
        shapely.from_wkb(from_geojson(tall.__geo_interface__ | {"coordinates": _lists(tall)}, 1000)) == shape
    )


def _lists(shape: shapely.Geometry) -> object:
    def listed(value: object) -> object:
        return [listed(part) for part in value] if isinstance(value, tuple | list) else value

    return listed(shape.__geo_interface__["coordinates"])


@given(st.binary(max_size=200))
def test_any_bytes_are_a_plain_geometry_or_a_refusal(data: bytes) -> None:
    try:
        text = from_wkb(data, 1000)
    except (BadGeometry, FileRefused):
        return
    assert text is None or shapely.from_wkb(text) is not None


@given(st.sampled_from(SHAPES), st.integers(0, 60), st.binary(min_size=1, max_size=6))
def test_a_damaged_geometry_is_plain_or_refused(shape: shapely.Geometry, at: int, damage: bytes) -> None:
    whole = shapely.to_wkb(shape)
    test_any_bytes_are_a_plain_geometry_or_a_refusal.hypothesis.inner_test(
        whole[:at] + damage + whole[at + len(damage) :]
    )


def test_more_vertices_than_are_read_refuse_the_file() -> None:
    with pytest.raises(FileRefused) as refused:
        from_wkb(shapely.to_wkb(shapely.LineString([(i, i) for i in range(20)])), 10)
    assert refused.value.code == "too-complex"


@pytest.mark.parametrize(
    "line", [b"", b"nonsense", b"[]", b'["rows", 1]', b'["header"]', b'["other", 1]', b'{"a": 1}']
)
def test_a_line_that_no_reader_sends_is_refused(line: bytes) -> None:
    with pytest.raises(FileRefused):
        decode(line)


def test_messages_come_back_as_they_went() -> None:
    rows = Rows([2, 3], [["a", "b"], ["c", "d"]], [(4, "x", "y", ["z"])], 99, 1, ["00", None])
    again = decode(encode(rows))
    assert isinstance(again, Rows)
    assert (again.numbers, again.columns, again.position, again.geometry) == (
        [2, 3],
        rows.columns,
        99,
        ["00", None],
    )
    header = Header(("a", "b"), 3, "EPSG:4326", (("1", "2"),))
    assert decode(encode(header)) == header

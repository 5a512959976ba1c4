"""Columns for the staging table: what is copied, what becomes a default, and what is nothing at all."""

from __future__ import annotations

import io
import re
import struct
from array import array
from datetime import date
from typing import Any

import numpy as np
import pytest

from placewise.intake.coded import Coded
from placewise.store.copying import copy_columns, staged

KEY = {"row": np.array([2, 3, 4])}
KEYS = frozenset({"row"})


class Cursor:
    """Takes a copy apart again: a list of fields for each row, None for NULL."""

    def copy_expert(self, statement: Any, file: io.BytesIO, _size: int) -> None:
        self.statement = statement
        said = file.read()
        assert said.startswith(b"PGCOPY\n\xff\r\n\0" + bytes(8))
        self.rows: list[list[bytes | None]] = []
        at = 19
        while (count := struct.unpack_from(">h", said, at)[0]) != -1:
            at += 2
            fields: list[bytes | None] = []
            for _ in range(count):
                (length,) = struct.unpack_from(">i", said, at)
                at += 4
                fields.append(None if length < 0 else said[at : at + length])
                at += max(length, 0)
            self.rows.append(fields)
        assert at + 2 == len(said)


def copied(columns: dict[str, Any], types: dict[str, str], **more: Any) -> list[list[bytes | None]]:
    cursor: Any = Cursor()
    copy_columns(cursor, "staged", columns, types=types, **more)
    rows: list[list[bytes | None]] = cursor.rows
    return rows


def test_a_column_that_says_the_same_throughout_is_fixed() -> None:
    day = np.full(3, np.datetime64("2026-05-14T21:15", "us"))
    same = {"kind": ["incident"] * 3, "radius": np.full(3, 150.0), "at": day, "harms": [("cse", 'a"b')] * 3}
    chunk = staged(KEY | same, keys=KEYS)
    assert chunk.fixed == {
        "kind": "incident",
        "radius": "150.0",
        "at": "2026-05-14T21:15:00Z",
        "harms": '{"cse","a\\"b"}',
    }
    assert set(chunk.varying) == {"row"}


def test_a_column_without_values_is_nowhere() -> None:
    nothing: dict[str, Any] = {
        "none": [None] * 3,
        "blank": [""] * 3,
        "lists": [()] * 3,
        "nan": np.full(3, np.nan),
        "nat": np.full(3, np.datetime64("NaT"), dtype="datetime64[us]"),
    }
    chunk = staged(KEY | nothing, keys=KEYS)
    assert (set(chunk.varying), dict(chunk.fixed)) == ({"row"}, {})


def test_the_key_of_a_single_row_is_copied() -> None:
    chunk = staged({"row": np.array([2]), "name": ["x"]}, keys=KEYS)
    assert (list(chunk.varying["row"]), dict(chunk.fixed)) == ([2], {"name": "x"})


def test_a_text_is_found_whether_fixed_or_not() -> None:
    chunk = staged(KEY | {"kind": ["incident"] * 3, "type": ["a", "b", "a"]}, keys=KEYS)
    assert chunk.says("kind", "incident")
    assert chunk.says("type", "b")
    assert not chunk.says("type", "c")
    assert not chunk.says("absent", "a")
    assert "type" in chunk
    assert "absent" not in chunk


def test_absent_values_of_every_kind_are_null() -> None:
    columns: dict[str, Any] = {
        "when": np.array(["2026-05-14", "NaT"], dtype="datetime64[us]"),
        "x": np.array([np.nan, 1.5]),
        "words": [(), ("a",)],
        "text": ["", "a"],
        "bytes": [None, b""],
    }
    kinds = ("timestamp with time zone", "double precision", "text[]", "text", "bytea")
    (first, second) = copied(columns, dict(zip(columns, kinds, strict=True)))
    assert first[1:4] + first[4:] == [None] * 4
    assert second[0] is None
    assert second[4] == b""


def test_columns_of_one_width_and_others_stand_in_the_order_that_is_named() -> None:
    columns = {"text": ["a", "b"], "row": np.array([7, 8]), "kind": Coded(["x", "y"], array("H", [1, 0]))}
    cursor: Any = Cursor()
    copy_columns(cursor, "staged", columns, types={"text": "text", "row": "integer", "kind": "text"})
    assert re.findall(r"Identifier\('(\w+)'\)", repr(cursor.statement)) == ["staged", "row", "text", "kind"]
    assert cursor.rows == [[b"\0\0\0\x07", b"a", b"y"], [b"\0\0\0\x08", b"b", b"x"]]


def test_rows_go_in_in_the_order_asked_for() -> None:
    rows = copied({"text": ["a", "b", "c"]}, {"text": "text"}, order=[2, 0, 1])
    assert rows == [[b"c"], [b"a"], [b"b"]]


def test_days_are_counted_from_2000() -> None:
    assert copied({"day": [date(2000, 1, 2), date(1999, 12, 31)]}, {"day": "date"}) == [
        [struct.pack(">i", 1)],
        [struct.pack(">i", -1)],
    ]


def test_a_type_without_a_form_is_an_error_and_never_text() -> None:
    with pytest.raises(KeyError, match="money"):
        copied({"sum": ["1", "2"]}, {"sum": "money"})

"""Columns as text: what is copied, what becomes a default, and what is nothing at all."""

from __future__ import annotations

import csv
import io
from typing import Any

import numpy as np

from placewise.store.copying import as_texts, copy_columns

KEY = {"row": np.array([2, 3, 4])}


def test_a_column_that_says_the_same_throughout_is_fixed() -> None:
    texts = as_texts(KEY | {"kind": ["incident"] * 3, "radius": np.full(3, 150.0)}, key="row")
    assert texts.fixed == {"kind": "incident", "radius": "150.0"}
    assert set(texts.varying) == {"row"}


def test_a_column_without_values_is_nowhere() -> None:
    nothing: dict[str, Any] = {
        "none": [None] * 3,
        "blank": [""] * 3,
        "lists": [()] * 3,
        "nan": np.full(3, np.nan),
        "nat": np.full(3, np.datetime64("NaT"), dtype="datetime64[us]"),
    }
    texts = as_texts(KEY | nothing, key="row")
    assert (set(texts.varying), dict(texts.fixed)) == ({"row"}, {})


def test_the_key_of_a_single_row_is_copied() -> None:
    texts = as_texts({"row": np.array([2]), "name": ["x"]}, key="row")
    assert (list(texts.varying["row"]), dict(texts.fixed)) == ([2], {"name": "x"})


def test_values_are_written_as_the_database_reads_them() -> None:
    day = np.array(["2026-05-14T21:15", "NaT", "2026-05-15"], dtype="datetime64[us]")
    columns = KEY | {
        "when": day,
        "x": np.array([1.5, np.nan, 651409.903]),
        "refs": [("a", 'b"\\,{}'), (), ("c",)],
        "print": [b"\x01\xff", None, b""],
        "text": ["=1+1", None, 'say "no", then'],
    }
    said = as_texts(columns, key="row").varying
    assert list(said["when"]) == ["2026-05-14T21:15:00.000000Z", None, "2026-05-15T00:00:00.000000Z"]
    assert list(said["x"]) == ["1.5", None, "651409.903"]
    assert list(said["refs"]) == ['{"a","b\\"\\\\,{}"}', None, '{"c"}']
    assert list(said["print"]) == ["\\x01ff", None, "\\x"]


def test_a_text_is_found_whether_fixed_or_not() -> None:
    texts = as_texts(KEY | {"kind": ["incident"] * 3, "type": ["a", "b", "a"]}, key="row")
    assert texts.says("kind", "incident")
    assert texts.says("type", "b")
    assert not texts.says("type", "c")
    assert not texts.says("absent", "a")


def test_what_is_copied_reads_back_as_csv() -> None:
    class Cursor:
        def copy_expert(self, _statement: Any, file: io.StringIO) -> None:
            self.rows = list(csv.reader(file))

    cursor: Any = Cursor()
    copy_columns(cursor, "staged", {"row": [2, 3], "text": ['a\n"b"', None]})
    assert cursor.rows == [["2", 'a\n"b"'], ["3", ""]]

"""Columns to COPY text: the quick way into a staging table.

A column that says the same in every row is not copied at all: it becomes the default of the staging table's
column. In open data more than half of the columns are like that.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - the driver's class has a lower-case name

Column = Sequence[Any] | NDArray[Any]

COPY = sql.SQL("COPY pg_temp.{} ({}) FROM STDIN WITH (FORMAT csv)")


@dataclass(frozen=True, slots=True)
class Texts:
    """Columns as COPY and the staging table's defaults take them; a column without any value is in neither."""

    varying: Mapping[str, Sequence[Any]]
    fixed: Mapping[str, str]

    def __contains__(self, column: str) -> bool:
        return column in self.varying or column in self.fixed

    def says(self, column: str, text: str) -> bool:
        """Whether some row has this text in a column."""
        return self.fixed.get(column) == text or text in self.varying.get(column, ())


def as_texts(columns: Mapping[str, Column], *, key: str) -> Texts:
    """Write equally long columns as text; ``key`` is copied even when there is but one row.

    Absent values are None, NaN, NaT or an empty list and become NULL, as does empty text.
    """
    varying: dict[str, Sequence[Any]] = {}
    fixed: dict[str, str] = {}
    for name, column in columns.items():
        if name == key or not _same_throughout(column):
            texts = _texts(column)
            if any(text is not None for text in texts):
                varying[name] = texts
        elif (text := _texts(column[:1])[0]) not in (None, ""):
            fixed[name] = str(text)
    return Texts(varying, fixed)


def copy_columns(cursor: Cursor, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
    """Copy text columns into a staging table."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(zip(*columns.values(), strict=True))
    buffer.seek(0)
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    cursor.copy_expert(COPY.format(sql.Identifier(table), names), buffer)


def _same_throughout(column: Column) -> bool:
    if isinstance(column, np.ndarray):
        return bool((column == column[0]).all()) or bool(_absent(column).all())
    return column.count(column[0]) == len(column)


def _texts(column: Column) -> Sequence[Any]:
    """The column as csv.writer takes it."""
    if isinstance(column, np.ndarray):
        return _array_texts(column)
    sample = next((value for value in column if value is not None and value != ()), None)
    if isinstance(sample, bytes | bytearray | memoryview):
        return [None if value is None else "\\x" + bytes(value).hex() for value in column]
    if isinstance(sample, list | tuple):
        return _list_texts(column)
    if isinstance(sample, float):
        return _array_texts(np.array(column, dtype=np.float64))
    return [None if value == () else value for value in column] if sample is None else column


def _absent(column: NDArray[Any]) -> NDArray[np.bool_]:
    absent: NDArray[np.bool_] = np.zeros(len(column), dtype=bool)
    if column.dtype.kind == "M":
        absent = np.isnat(column)
    elif column.dtype.kind == "f":
        absent = np.isnan(column)
    return absent


def _array_texts(column: NDArray[Any]) -> list[Any]:
    """Text of each value; months and snap points come again and again, so each is written once."""
    if column.dtype.kind not in "Mf":
        return list(column.tolist())
    distinct, place = np.unique(column, return_inverse=True)
    if column.dtype.kind == "M":
        moments = np.datetime_as_string(distinct.astype("datetime64[us]"))
        texts = np.char.add(moments, "Z").astype(object)
    else:
        texts = np.array([repr(value) for value in distinct.tolist()], dtype=object)
    texts[_absent(distinct)] = None
    return list(texts[place.reshape(-1)])


def _list_texts(column: Sequence[Any]) -> list[str | None]:
    """Array literals; the same few lists come again and again, so each is written once."""
    known: dict[tuple[str, ...], str | None] = {(): None}
    texts: list[str | None] = []
    for value in column:
        key = tuple(value or ())
        if key not in known:
            quoted = ('"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"' for word in key)
            known[key] = "{" + ",".join(quoted) + "}"
        texts.append(known[key])
    return texts

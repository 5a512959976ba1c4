"""Columns to COPY text: the quick way into a staging table."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - the driver's class has a lower-case name

Column = Sequence[Any] | NDArray[Any]

COPY = sql.SQL("COPY pg_temp.{} ({}) FROM STDIN WITH (FORMAT csv)")


def copy_columns(cursor: Cursor, table: str, columns: Mapping[str, Column]) -> None:
    """Copy equally long columns into a staging table; columns without any value are left out.

    Absent values are None, NaN, NaT or an empty list and become NULL, as does empty text.
    """
    texts = {name: text for name, column in columns.items() if (text := _texts(column)) is not None}
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(zip(*texts.values(), strict=True))
    buffer.seek(0)
    names = sql.SQL(", ").join(map(sql.Identifier, texts))
    cursor.copy_expert(COPY.format(sql.Identifier(table), names), buffer)


def _texts(column: Column) -> Sequence[Any] | None:
    """The column as csv.writer takes it, or None when it holds no value at all."""
    if isinstance(column, np.ndarray):
        return _array_texts(column)
    sample = next((value for value in column if value is not None and value != ()), None)
    if sample is None:
        return None
    if isinstance(sample, bytes | bytearray | memoryview):
        return [None if value is None else "\\x" + bytes(value).hex() for value in column]
    if isinstance(sample, list | tuple):
        return _list_texts(column)
    if isinstance(sample, float):
        return _array_texts(np.array(column, dtype=np.float64))
    return column


def _array_texts(column: NDArray[Any]) -> Sequence[Any] | None:
    missing: NDArray[np.bool_]
    if column.dtype.kind == "M":
        missing = np.isnat(column)
        texts = np.char.add(np.datetime_as_string(column.astype("datetime64[us]")), "Z").astype(object)
    elif column.dtype.kind == "f":
        missing = np.isnan(column)
        texts = column.astype(object)
    else:
        return list(column)
    if missing.all():
        return None
    texts[missing] = None
    return list(texts)


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


def constant(value: Any, length: int) -> list[Any]:
    """A column of one value."""
    return list(repeat(value, length))

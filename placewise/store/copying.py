"""Columns to COPY's binary form: the quick way into a staging table.

A column that says the same in every row is not copied at all: it becomes the default of the staging table's
column. In open data more than half of the columns are like that. The others are written in the server's own
binary form, each distinct value once; text would have to be quoted here and parsed there, at four times the cost.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from math import isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - the driver's class has a lower-case name

Column = Sequence[Any] | NDArray[Any]

COPY = sql.SQL("COPY pg_temp.{} ({}) FROM STDIN WITH (FORMAT binary)")
_BEGINS = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_ENDS = b"\xff\xff"
_NULL = b"\xff\xff\xff\xff"
_TEXT_OID = 25
_EPOCH = date(2000, 1, 1)  # of PostgreSQL's days and microseconds
_EPOCH_US = 946_684_800_000_000  # the same after 1970
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Staged:
    """Columns of a chunk: to be copied, or the staging table's defaults; one without any value is in neither."""

    varying: Mapping[str, Column]
    fixed: Mapping[str, str]

    def __contains__(self, column: str) -> bool:
        return column in self.varying or column in self.fixed

    def says(self, column: str, text: str) -> bool:
        """Whether some row has this text in a column."""
        return self.fixed.get(column) == text or text in self.varying.get(column, ())


def staged(columns: Mapping[str, Column], *, keys: frozenset[str]) -> Staged:
    """Tell what varies from what does not; ``keys`` are copied even when there is but one row.

    Absent values are None, NaN, NaT, empty text and an empty list; they become NULL.
    """
    varying: dict[str, Column] = {}
    fixed: dict[str, str] = {}
    for name, column in columns.items():
        if name in keys or not _same_throughout(column):
            varying[name] = column
        elif (text := _text(column[0])) is not None:
            fixed[name] = text
    return Staged(varying, fixed)


def copy_columns(
    cursor: Cursor,
    table: str,
    columns: Mapping[str, Column],
    *,
    types: Mapping[str, str],
    order: Iterable[int] | None = None,
) -> None:
    """Copy equally long columns into a staging table.

    Parameters
    ----------
    types : Mapping of str to str
        PostgreSQL's name of each column's type.
    order : iterable of int, optional
        The order in which the rows go in. Default: as they are.

    Raises
    ------
    KeyError
        No form is known for a type.
    """
    of_one_width = {name: column for name, column in columns.items() if _never_absent(column)}
    others = {name: column for name, column in columns.items() if name not in of_one_width}
    begun = _begun(of_one_width, types, count=len(columns), rows=len(next(iter(columns.values()))))
    fields = (_fields(column, types[name]) for name, column in others.items())
    rows = map(b"".join, zip(begun, *fields, strict=True))
    if order is not None:
        rows = map(list(rows).__getitem__, order)
    names = sql.SQL(", ").join(map(sql.Identifier, (*of_one_width, *others)))
    with io.BytesIO(b"".join((_BEGINS, *rows, _ENDS))) as written:
        cursor.copy_expert(COPY.format(sql.Identifier(table), names), written, _BLOCK)


def _same_throughout(column: Column) -> bool:
    if isinstance(column, np.ndarray):
        return bool((column == column[0]).all()) or bool(_absent(column).all())
    distinct = getattr(column, "distinct", None)
    if distinct is not None:
        return len(distinct) == 1
    return list(column).count(column[0]) == len(column)


def _absent(column: NDArray[Any]) -> NDArray[np.bool_]:
    absent: NDArray[np.bool_] = np.zeros(len(column), dtype=bool)
    if column.dtype.kind == "M":
        absent = np.isnat(column)
    elif column.dtype.kind == "f":
        absent = np.isnan(column)
    return absent


def _text(value: Any) -> str | None:
    """One value as text, for a default."""
    if isinstance(value, np.generic):
        value = value.item()  # a naive datetime for a time, which is UTC; None for NaT
    if value is None or value in ("", ()) or (isinstance(value, float) and isnan(value)):
        return None
    if isinstance(value, datetime):
        return f"{value.isoformat()}Z"
    if isinstance(value, bytes | bytearray | memoryview):
        return "\\x" + bytes(value).hex()
    if isinstance(value, list | tuple):
        quoted = ('"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"' for word in value)
        return "{" + ",".join(quoted) + "}"
    return str(value)


def _never_absent(column: Column) -> bool:
    return isinstance(column, np.ndarray) and not _absent(column).any()


def _begun(columns: Mapping[str, Column], types: Mapping[str, str], *, count: int, rows: int) -> list[bytes]:
    """Each row's number of fields, and those of its fields that are of one width in every row."""
    shape: list[Any] = [("fields", ">i2")]
    for name in columns:
        shape += [(f"{name} length", ">i4"), (name, _ARRAY_TYPES[types[name]])]
    packed = np.empty(rows, dtype=shape)
    packed["fields"] = count
    for name, column in columns.items():
        packed[f"{name} length"] = packed.dtype[name].itemsize
        packed[name] = _for_server(column)
    return _slices(packed)


def _for_server(column: Any) -> NDArray[Any]:
    values: NDArray[Any] = column
    if values.dtype.kind == "M":
        return values.astype("datetime64[us]").astype(np.int64) - _EPOCH_US
    return values


def _slices(packed: NDArray[Any]) -> list[bytes]:
    written, step = packed.tobytes(), packed.itemsize
    return [written[start : start + step] for start in range(0, len(written), step)]


def _fields(column: Column, kind: str) -> Iterable[bytes]:
    """Each value with its length before it."""
    if isinstance(column, np.ndarray):
        return _array_fields(column, kind)
    if kind == "text" and not hasattr(column, "distinct") and len(set(column)) > len(column) // 2:
        lengths = _Lengths()
        return [lengths[len(text)] + text for text in map(str.encode, (text or "" for text in column))]
    known = _Known(_WRITERS[kind])
    distinct, codes = getattr(column, "distinct", None), getattr(column, "codes", None)
    if distinct is not None and codes is not None:
        return map(list(map(known.__getitem__, distinct)).__getitem__, codes)
    return map(known.__getitem__, column)


class _Known(dict[Any, bytes]):
    """Values already written: most of them come again and again."""

    def __init__(self, write: Callable[[Any], bytes]) -> None:
        super().__init__({None: _NULL, "": _NULL, (): _NULL})
        self._write = write

    def __missing__(self, value: Any) -> bytes:
        field = self[value] = _field(self._write(value))
        return field


class _Lengths(dict[int, bytes]):
    """Lengths already written; an empty text is NULL."""

    def __init__(self) -> None:
        super().__init__({0: _NULL})

    def __missing__(self, length: int) -> bytes:
        written = self[length] = length.to_bytes(4, "big")
        return written


def _field(written: bytes) -> bytes:
    return len(written).to_bytes(4, "big") + written


def _text_array(words: Sequence[str]) -> bytes:
    elements = [word.encode() for word in words]
    shape = struct.pack(">iiiii", 1, 0, _TEXT_OID, len(elements), 1)
    return shape + b"".join(struct.pack(">i", len(element)) + element for element in elements)


_WRITERS: Mapping[str, Callable[[Any], bytes]] = {
    "boolean": struct.Struct(">?").pack,
    "bytea": bytes,
    "date": lambda day: struct.pack(">i", (day - _EPOCH).days),
    "double precision": struct.Struct(">d").pack,
    "integer": struct.Struct(">i").pack,
    "real": struct.Struct(">f").pack,
    "smallint": struct.Struct(">h").pack,
    "text": str.encode,
    "text[]": _text_array,
}
_ARRAY_TYPES = {
    "double precision": ">f8",
    "integer": ">i4",
    "real": ">f4",
    "timestamp with time zone": ">i8",
    "uuid": "V16",
}


def _array_fields(column: NDArray[Any], kind: str) -> list[bytes]:
    """Fields of a column with gaps."""
    width = np.dtype(_ARRAY_TYPES[kind])
    packed = np.empty(len(column), dtype=[("length", ">i4"), ("value", width)])
    packed["length"], packed["value"] = width.itemsize, _for_server(column)
    fields = _slices(packed)
    for index in np.flatnonzero(_absent(column)).tolist():
        fields[index] = _NULL
    return fields

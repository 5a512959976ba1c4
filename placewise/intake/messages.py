"""The plain messages a reader sends out of its sandbox: JSON lines, never pickles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Any, TypeAlias

import orjson

from placewise.core.errors import FileRefused
from placewise.intake.coded import packed, unpacked
from placewise.intake.findings import Finding, Severity

#: row, code, message, cells of a row that a reader could not take.
BadRow: TypeAlias = tuple[int, str, str, list[str]]


@dataclass(frozen=True, slots=True)
class Header:
    """Column names, before the first rows.

    Attributes
    ----------
    cells : tuple of str
        Names as they stand in the file.
    row : int
        Row they stand in.
    crs : str
        Coordinate system of the geometries, e.g. ``EPSG:4326``; empty when the file has none.
    opening : list of list of str
        The first records of a table as they stand, to find a header that comes after a title.
    """

    cells: tuple[str, ...]
    row: int = 1
    crs: str = ""
    opening: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows, column by column, as text exactly as it stands in the file.

    Attributes
    ----------
    numbers : list of int
        Row numbers as a person sees them.
    columns : sequence of sequence of str
        One for each header cell; ``Coded`` where the same few texts come again and again.
    bad : list of BadRow
        Rows whose very shape is wrong; they are in no column.
    geometry : list of str or None
        WKB as hexadecimal text for each row, where the file carries geometries.
    bad_geometry : list of str or None
        The same for each bad row; None where the shape itself could not be read.
    position : int
        Bytes of the file read so far.
    blank : int
        Wholly blank rows left out.
    """

    numbers: list[int]
    columns: Sequence[Sequence[str]]
    bad: list[BadRow]
    position: int
    blank: int = 0
    geometry: list[str | None] | None = None
    bad_geometry: list[str | None] | None = None


Message: TypeAlias = Finding | Header | Rows


def encode(message: Message | FileRefused) -> bytes:
    """One line of JSON that ``decode`` turns back into the message."""
    if isinstance(message, FileRefused):
        return orjson.dumps(["refused", str(message), message.code], option=orjson.OPT_APPEND_NEWLINE)
    # Rows are not deep-copied by astuple: their lists are large.
    if isinstance(message, Rows):
        fields: Any = [getattr(message, name) for name in Rows.__slots__]
        fields[1] = packed(message.columns)
    else:
        fields = astuple(message)
    return orjson.dumps([type(message).__name__.lower(), *fields], option=orjson.OPT_APPEND_NEWLINE)


def decode(line: bytes | bytearray | memoryview) -> Message:
    """Turn a line back into its message.

    Raises
    ------
    FileRefused
        The reader refused the file, or the line is none that a reader sends.
    """
    try:
        kind, *fields = orjson.loads(line)
        if kind == "rows":
            numbers, columns, *others = fields
            return Rows(numbers, unpacked(columns), *others)
        if kind == "header":
            cells, row, crs, opening = fields
            return Header(tuple(map(str, cells)), int(row), str(crs), tuple(map(tuple, opening)))
        if kind == "finding":
            code, severity, message, count, choices = fields
            return Finding(code, Severity(severity), message, count, tuple(choices))
    except (ValueError, TypeError, KeyError) as problem:
        raise FileRefused(_GARBLED, code="file-unreadable") from problem
    if kind == "refused" and len(fields) == 2:
        raise FileRefused(str(fields[0]), code=str(fields[1]))
    raise FileRefused(_GARBLED, code="file-unreadable")


_GARBLED = "The file could not be read: its reader broke off. Save it again from the program it came from."

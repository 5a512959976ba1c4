"""Shapes of features in a table: out with the refused rows, and back in when these have been mended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from placewise.intake.batch import Refusal
from placewise.intake.geometry import KNOWN_CRS
from placewise.intake.layouts.layout import GEOMETRY_COLUMN
from placewise.intake.limits import MEGABYTE, UPLOAD_LIMITS
from placewise.intake.readers.wkb import BadGeometry
from placewise.intake.table import Table
from placewise.intake.wkt import from_wkt, to_wkt
from placewise.store.loading import Fault

#: Characters of shapes that go out with the refused rows of one file: with more, it could not be sent again.
MOST_CHARS = 16 * MEGABYTE
# Text of a vertex is never shorter than "0 0,", its hexadecimal WKB always 32 characters.
_HEX_A_CHAR = 8
_ELSEWHERE = "The file of refused rows comes without it: mend this row in the file it came from."
TOO_LONG = f"Its shape has more corners than a cell of a table can hold. {_ELSEWHERE}"
TOO_MANY = f"Its shape is one too many for a table that can still be sent. {_ELSEWHERE}"
_CRS = f"The shape's coordinate system is none of {', '.join(KNOWN_CRS)}. Export the file in one of these."
_OTHER_CRS = (
    "The shape is in another coordinate system than the first one of this file. Send it in a file of its own."
)

Refused = TypeVar("Refused", Refusal, Fault)


class ShapesOut:
    """Puts the shapes of one file's features beside their refusals.

    Parameters
    ----------
    crs : str
        Coordinate system of the file; its own coordinates go out.
    """

    def __init__(self, crs: str) -> None:
        self._crs = crs
        self._left = MOST_CHARS

    def beside(self, refusals: Iterable[Refused], shapes: Mapping[int, str | None]) -> list[Refused]:
        """Refusals with the shape as the last cell of each row's first one; the others would only repeat it.

        Parameters
        ----------
        refusals : iterable of Refusal or Fault
            All those of their rows.
        shapes : Mapping of int to str or None
            Plain WKB as hexadecimal text, by row number.
        """
        done = set[int]()
        result = []
        for refusal in refusals:
            shape = None if refusal.row in done else shapes.get(refusal.row)
            done.add(refusal.row)
            result.append(refusal if shape is None else self._with(refusal, shape))
        return result

    def _with(self, refusal: Refused, shape: str) -> Refused:
        longest = UPLOAD_LIMITS.cell_chars
        text = to_wkt(shape, self._crs) if len(shape) <= longest * _HEX_A_CHAR else ""
        if not text or len(text) > longest:
            return replace(refusal, message=f"{refusal.message} {TOO_LONG}")
        if len(text) > self._left:
            return replace(refusal, message=f"{refusal.message} {TOO_MANY}")
        self._left -= len(text)
        return replace(refusal, cells=(*refusal.cells, text))


class ShapesIn:
    """Reads the shapes that stand in a table's own column.

    Attributes
    ----------
    crs : str
        Coordinate system of the first shape, and so of all; empty before it.
    """

    def __init__(self) -> None:
        self.crs = ""

    def read(self, table: Table, cells: Sequence[str], *, vertices: int) -> list[str | None]:
        """Plain WKB as hexadecimal text of each cell, None for an empty one; faults for those that are no shapes."""
        shapes: list[str | None] = []
        for index, cell in enumerate(cells):
            shape = None
            if cell.strip():
                try:
                    shape = self._shape(cell, vertices)
                except BadGeometry as problem:
                    table.refuse([index], GEOMETRY_COLUMN, problem.code, problem.message)
            shapes.append(shape)
        return shapes

    def _shape(self, cell: str, vertices: int) -> str | None:
        crs, shape = from_wkt(cell, vertices)
        if crs not in KNOWN_CRS:
            raise BadGeometry("crs", _CRS)
        self.crs = self.crs or crs
        if crs != self.crs:
            raise BadGeometry("crs", _OTHER_CRS)
        return shape

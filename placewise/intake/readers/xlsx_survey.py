"""What a sheet hides or merges, and which cells are formulas: the parser of cells does not say."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import BinaryIO
from xml.parsers import expat

from placewise.core.errors import FileRefused

_REFERENCE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")


@dataclass(slots=True)
class Survey:
    """Marks of one sheet.

    Attributes
    ----------
    hidden_rows, hidden_columns, merged : int
        How many.
    formulas : int
        Cells with a formula and the value it last had.
    unvalued : dict of int to set of int
        Columns, by row, of formulas without a value.
    """

    hidden_rows: int = 0
    hidden_columns: int = 0
    merged: int = 0
    formulas: int = 0
    unvalued: dict[int, set[int]] = field(default_factory=dict)


def survey(sheet: BinaryIO) -> Survey:
    """Read a sheet's XML once for its marks.

    Raises
    ------
    FileRefused
        ``bad-zip`` when the XML is not well-formed; ``xml-dtd`` when it declares anything.
    """
    listener = _Listener()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = listener.start
    parser.EndElementHandler = listener.end
    parser.StartDoctypeDeclHandler = _no_doctype
    try:
        parser.ParseFile(sheet)
    except expat.ExpatError as problem:
        raise FileRefused(
            "A sheet of the workbook is damaged. Save it again in Excel.", code="bad-zip"
        ) from problem
    return listener.found


def _no_doctype(*_: object) -> None:
    raise FileRefused("The workbook holds XML definitions, which no workbook needs.", code="xml-dtd")


class _Listener:
    """Notes marks as elements pass by; cells without a formula cost two calls and no more."""

    def __init__(self) -> None:
        self.found = Survey()
        self._cell = ""
        self._formula = self._valued = False
        self._row = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(" ")[2]
        if local == "c":
            self._cell = attributes.get("r", "")
            self._formula = self._valued = False
        elif local == "f":
            self._formula = True
        elif local == "v":
            self._valued = True
        elif local == "row":
            self.found.hidden_rows += attributes.get("hidden") in ("1", "true")
        elif local == "col":
            self.found.hidden_columns += attributes.get("hidden") in ("1", "true")
        elif local == "mergeCell":
            self.found.merged += 1

    def end(self, name: str) -> None:
        if not self._formula or name.rpartition(" ")[2] != "c":
            return
        self._formula = False
        if self._valued:
            self.found.formulas += 1
        elif place := _REFERENCE.fullmatch(self._cell):
            self.found.unvalued.setdefault(int(place[2]), set()).add(_number(place[1]))


def _number(letters: str) -> int:
    """Column number, from 0.

    >>> _number("A"), _number("AA")
    (0, 26)
    """
    number = 0
    for letter in letters:
        number = 26 * number + ord(letter) - 64
    return number - 1

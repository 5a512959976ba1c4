"""Refused rows as a CSV file that can be mended and sent again."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import TextIO

from placewise.intake.batch import Refusal
from placewise.intake.layouts.layout import REFUSAL_COLUMNS

# What a spreadsheet might run: after blanks and invisible characters, a sign that begins a formula.
_FORMULA = re.compile("[\ufeff\u200b\u0000-\u0020\u007f\u00a0]*[=+\\-@|%\uff1d\uff0b\uff0d\uff20]|[\t\r\n\0]")
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")


def write_refusals(header: tuple[str, ...], refusals: Iterable[Refusal], out: TextIO) -> int:
    """Write one line for each refused row: its cells as they came, its row number and every reason.

    Parameters
    ----------
    header : tuple of str
        Column names of the file.
    refusals : iterable of Refusal
        Faults of one row stand together, as the engine gives them.
    out : text file
        Opened with ``newline=""``, UTF-8.

    Returns
    -------
    int
        Rows written.
    """
    writer = csv.writer(out)
    writer.writerow([*map(neutralise, header), *REFUSAL_COLUMNS])
    count = 0
    for line in _lines(header, refusals):
        writer.writerow(line)
        count += 1
    return count


def neutralise(cell: str) -> str:
    """Put an apostrophe before what a spreadsheet could run; numbers stay numbers.

    An apostrophe that was there already gets another, so that ``undo_neutralising`` gives back every cell.

    >>> neutralise("=1+1"), neutralise("-0.1276"), neutralise("'tis")
    ("'=1+1", '-0.1276', "''tis")
    """
    if cell.startswith("'") or (_FORMULA.match(cell) and not _NUMBER.fullmatch(cell)):
        return f"'{cell}"
    return cell


def undo_neutralising(cells: Iterable[str]) -> list[str]:
    """Cells of a mended refusals file as they were before ``neutralise``."""
    return [cell.removeprefix("'") for cell in cells]


def _lines(header: tuple[str, ...], refusals: Iterable[Refusal]) -> Iterator[list[str]]:
    for row, faults in groupby(refusals, key=lambda refusal: refusal.row):
        together = list(faults)
        reasons = "; ".join(f"{f.column}: {f.message}" if f.column else f.message for f in together)
        cells = together[0].cells
        # A row with too few or too many cells is laid out under the header again; what is over stays behind it.
        padded = [*cells[: len(header)], *[""] * (len(header) - len(cells))]
        over = cells[len(header) :]
        yield [*map(neutralise, padded), str(row), neutralise(reasons), *map(neutralise, over)]

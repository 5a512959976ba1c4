"""Excel workbooks: cells as text the way a person sees them, dates as ISO 8601, nothing evaluated."""

from __future__ import annotations

import mimetypes
import re
import sys
import unicodedata
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from placewise.core.errors import FileRefused
from placewise.intake.findings import Finding, Severity
from placewise.intake.messages import BadRow, Header, Message, Rows
from placewise.intake.readers.source import Source
from placewise.intake.readers.xlsx_package import inspect
from placewise.intake.readers.xlsx_survey import Survey, survey

if TYPE_CHECKING:
    from openpyxl.workbook.workbook import Workbook

BATCH_ROWS = 2_000
_ESCAPE = re.compile("_x([0-9A-Fa-f]{4})_")
_OPENING_ROWS = 12
_ERROR = "An error value such as #N/A stands in this row. Put the right value in its place."
_UNVALUED = "A formula in this row has no value. Open the file in Excel, save it, and send it again."


def read(source: Source) -> Iterator[Message]:
    """Findings and questions, the header, then rows in batches."""
    with source.open() as file:
        yield from inspect(file, source.limits)
    with source.open() as file:
        book = _open(file)
        question, name = _sheet(book, source)
        if question is not None:
            yield question
            return
        marks = _marks(book, name)
        if asked := _question(marks, book, source):
            yield asked
            return
        if marks.formulas:
            yield Finding(
                "formula",
                Severity.WARN,
                "Some cells are formulas; the values they had when the file was saved were read.",
                marks.formulas,
            )
        yield from _Sheet(book[name], marks, source).messages()


def _open(file: Any) -> Workbook:
    # openpyxl would import numpy only to recognise its numbers: half of the start-up time.
    sys.modules.setdefault("numpy", None)  # type: ignore[arg-type]  # None forbids the import
    # It also looks up file types in /etc, which the sandbox forbids and a workbook does not need.
    mimetypes.knownfiles.clear()
    from openpyxl import load_workbook

    try:
        return load_workbook(file, read_only=True, data_only=True, keep_links=False)
    except (KeyError, ValueError, TypeError, AttributeError, OSError) as problem:
        raise FileRefused(
            "The workbook is damaged. Open it in Excel and save it again.", code="bad-zip"
        ) from problem


def _sheet(book: Workbook, source: Source) -> tuple[Finding | None, str]:
    seen = [sheet.title for sheet in book.worksheets if sheet.sheet_state == "visible"]
    if not seen:
        raise FileRefused("The workbook has no visible sheet.", code="empty")
    wanted = source.answers.get("which-sheet", seen[0] if len(seen) == 1 else "")
    if wanted in seen:
        return None, wanted
    names = tuple(seen)
    return Finding("which-sheet", Severity.ASK, f"Which sheet? {', '.join(names)}.", len(names), names), ""


def _marks(book: Workbook, name: str) -> Survey:
    sheet: Any = book[name]
    # The archive and the part's name are openpyxl's own record of where it found the sheet.
    with sheet.parent._archive.open(sheet._worksheet_path) as part:
        return survey(part)


def _some(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _question(marks: Survey, book: Workbook, source: Source) -> Finding | None:
    hidden = [sheet.title for sheet in book.worksheets if sheet.sheet_state != "visible"]
    if (hidden or marks.hidden_rows or marks.hidden_columns) and "hidden-content" not in source.answers:
        sheets = f"the sheet {', '.join(hidden)} (it is not read)" if hidden else ""
        lines = (
            f"{_some(marks.hidden_rows, 'row')} and {_some(marks.hidden_columns, 'column')} (they are read)"
        )
        what = " and ".join(
            part for part in (sheets, lines if marks.hidden_rows or marks.hidden_columns else "") if part
        )
        message = f"The workbook hides {what}. Was that meant to be sent?"
        return Finding("hidden-content", Severity.ASK, message, choices=("yes",))
    if marks.merged and "merged-cells" not in source.answers:
        message = (
            "The sheet has merged cells; only the first cell of each keeps its value. Read it all the same?"
        )
        return Finding("merged-cells", Severity.ASK, message, marks.merged, ("yes",))
    return None


class _Sheet:
    """One pass over the rows of a sheet."""

    def __init__(self, sheet: Any, marks: Survey, source: Source) -> None:
        # What a sheet says of its own size may be a lie; rows are read as they come.
        sheet.reset_dimensions()
        self._rows = enumerate(sheet.iter_rows(), 1)
        self._marks = marks
        self._source = source
        self._taken = 0

    def messages(self) -> Iterator[Message]:
        wanted = int(self._source.answers.get("header-row", "0") or 0)
        for number, cells in self._rows:
            header = [_text(cell)[0] for cell in cells]
            if any(map(str.strip, header)) and number >= wanted:
                break
        else:
            raise FileRefused("The sheet is empty.", code="empty")
        while header and not header[-1].strip():
            header.pop()
        if len(header) > self._source.limits.columns:
            limit = self._source.limits.columns
            raise FileRefused(f"The sheet has more than {limit} columns.", code="too-many-columns")
        batches = self._batches(len(header))
        first = next(batches, None)
        opening = tuple(zip(*first.columns, strict=True))[:_OPENING_ROWS] if first else ()
        yield Header(tuple(header), number, opening=opening)
        if first:
            yield first
        yield from batches

    def _batches(self, width: int) -> Iterator[Rows]:
        numbers, cells = list[int](), list[list[str]]()
        bad: list[BadRow] = []
        blank = waiting = 0
        for number, row in self._rows:
            texts, problem = self._row(number, row, width) if row else ([], None)
            if not any(map(str.strip, texts)) and not problem:
                waiting += 1  # blank rows after the last one are not worth a word
                continue
            blank, waiting = blank + waiting, 0
            self._count()
            if problem:
                bad.append((number, problem[0], problem[1], texts))
            else:
                numbers.append(number)
                cells.append(texts)
            if len(numbers) + len(bad) >= BATCH_ROWS:
                yield self._pack(numbers, cells, bad, width, blank)
                numbers, cells, bad, blank = [], [], [], 0
        if numbers or bad:
            yield self._pack(numbers, cells, bad, width, blank)

    def _count(self) -> None:
        self._taken += 1
        if self._taken > self._source.limits.rows:
            limit = self._source.limits.rows
            raise FileRefused(f"The sheet has more than {limit:,} rows. Split it.", code="too-many-rows")

    def _row(self, number: int, row: Any, width: int) -> tuple[list[str], tuple[str, str] | None]:
        texts, faults = list[str](), set[str]()
        for cell in row:
            text, fault = _text(cell)
            texts.append(text)
            faults.add(fault)
        over = any(map(str.strip, texts[width:]))
        texts = texts if over else [*texts[:width], *[""] * (width - len(texts))]
        longest = self._source.limits.cell_chars
        if number in self._marks.unvalued:
            return texts, ("formula-without-value", _UNVALUED)
        if "error" in faults:
            return texts, ("error-cell", _ERROR)
        if max(map(len, texts), default=0) > longest:
            return texts, ("field-too-long", f"A cell is longer than {longest:,} characters. Shorten it.")
        if over:
            return texts, (
                "field-count",
                "This row has cells beyond the last column name. Name the column or empty it.",
            )
        return texts, None

    def _pack(
        self, numbers: list[int], cells: list[list[str]], bad: list[BadRow], width: int, blank: int
    ) -> Rows:
        columns: list[tuple[str, ...]] = list(zip(*cells, strict=True)) if cells else [()] * width
        # How far into the zip a row stands is not known: a share that only ever grows stands for it.
        share = self._source.size * self._taken // (self._taken + BATCH_ROWS)
        return Rows(numbers, columns, bad, share, blank)


def _text(cell: Any) -> tuple[str, str]:
    """Text of a cell as a person would type it, and ``error`` for an error value."""
    value = cell.value
    if value is None:
        return "", ""
    if isinstance(value, str):
        return _ESCAPE.sub(_unescaped, value), "error" if cell.data_type == "e" else ""
    if isinstance(value, bool):
        return ("yes" if value else "no"), ""
    if isinstance(value, int):
        return str(value), ""
    if isinstance(value, float):
        # Numbers of 15 digits are exact; .0 is what Excel does to a reference.
        return (str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)), ""
    return _moment(value, str(cell.number_format or "")), ""


def _unescaped(match: re.Match[str]) -> str:
    """Decode only what must not hide: control characters and those that reverse text; _x0041_ may be a code."""
    character = chr(int(match[1], 16))
    return character if unicodedata.category(character) in ("Cc", "Cf") else match[0]


def _moment(value: Any, number_format: str) -> str:
    if isinstance(value, datetime):
        timed = value.time() != time() or "h" in number_format.lower()
        return value.isoformat(" ", "seconds") if timed else value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return value.isoformat("seconds")
    if isinstance(value, timedelta):
        return str(value)
    return str(value)

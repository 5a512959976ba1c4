"""CSV as text: nothing is guessed but the encoding and the delimiter, and those are said."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from itertools import chain, islice, pairwise
from operator import methodcaller
from typing import BinaryIO

from placewise.core.errors import FileRefused
from placewise.intake.findings import Finding, Severity
from placewise.intake.headings import plain
from placewise.intake.messages import BadRow, Header, Message, Rows
from placewise.intake.readers.encoding import Encoding, find_encoding
from placewise.intake.readers.gathering import gathered
from placewise.intake.readers.gzip_file import short, unpacked
from placewise.intake.readers.source import Source

_PIECE_ROWS = 2_000
_PIECE_CHARS = 1 << 16
_OPENING_ROWS = 12
_DELIMITERS = {",": "a comma", ";": "a semicolon", "\t": "a tab"}


def read(source: Source) -> Iterator[Message]:
    """Findings, the header, then rows in batches."""
    with source.open() as file:
        longest = 4 * source.limits.columns * source.limits.cell_chars
        whole = short(source, file)
        encoding = find_encoding(unpacked(source, file) if whole is None else whole, longest=longest)
    if encoding.guessed:
        yield Finding(
            "encoding-guessed",
            Severity.WARN,
            f"The file is not UTF-8; it was read as {encoding.words}. Check names with accents in the preview.",
        )
    if whole is not None:
        whole.seek(0)
    with source.open() as file:
        yield from _Table(source, file, encoding, whole).messages()


class _Table:
    """One pass over the rows of a CSV file."""

    def __init__(self, source: Source, file: BinaryIO, encoding: Encoding, whole: io.BytesIO | None) -> None:
        self._limits = source.limits
        self._answers = source.answers
        self._wanted = source.wanted
        self._wants: list[bool] = []
        self._file = file
        raw = self._raw = unpacked(source, file) if whole is None else whole
        raw_bytes = 0 if whole is None else len(whole.getbuffer())
        self._packed_share = source.size / raw_bytes if raw_bytes else 0.0
        # A line end inside quotes is data and must stay as it is; without quotes every line end is one.
        newline = "" if encoding.quoted else None
        self._text = io.TextIOWrapper(raw, encoding=encoding.codec, newline=newline)
        self._delimiter = ","
        self._odd_quotes = 0
        self._record = 0
        self._taken = 0
        self._quoted = encoding.quoted
        self._ended_with_newline = encoding.ends_with_newline

    def messages(self) -> Iterator[Message]:
        first, delimiter = self._first_line()
        if delimiter != ",":
            yield Finding(
                "delimiter",
                Severity.WARN,
                f"Columns are separated by {_DELIMITERS[delimiter]} instead of a comma; read that way.",
            )
        self._delimiter = delimiter
        lines = self._lines(first) if self._quoted else chain((first,), self._text)
        records = csv.reader(lines, delimiter=delimiter, strict=True)
        cells = self._header(records)
        self._wants = [self._wanted is None or plain(cell) in self._wanted for cell in cells]
        if self._quoted:
            yield from gathered(self._quoted_rows(cells, records), self._wants)
        else:
            yield from gathered(self._plain_rows(cells), self._wants, self._delimiter)
        if self._odd_quotes:
            yield Finding(
                "stray-quote",
                Severity.WARN,
                'Quotation marks stand alone in some rows (as in 6" tall); they were taken as they stand.',
                self._odd_quotes,
            )

    def _first_line(self) -> tuple[str, str]:
        line = self._line()
        while line and not line.strip():
            self._record += 1
            line = self._line()
        if not line:
            raise FileRefused("The file is empty.", code="empty")
        if line.strip().lower().startswith("sep=") and len(line.strip()) == 5:
            self._record += 1
            delimiter = line.strip()[4]
            return self._line(), delimiter if delimiter in _DELIMITERS else ","
        # By the header, never by counting through notes: free text is full of commas and semicolons.
        return line, max(_DELIMITERS, key=line.count)

    def _line(self) -> str:
        longest = self._limits.columns * self._limits.cell_chars
        line = self._text.readline(longest + 1)
        if len(line) > longest:
            raise FileRefused(
                "One line is longer than a whole row may be. Is this really a CSV file?",
                code="field-too-long",
            )
        return line

    def _lines(self, first: str) -> Iterator[str]:
        line, inside = first, False
        while line:
            if '"' in line and line.count('"') % 2:
                # An odd number opens or closes a cell of several lines, unless none stands at a cell's start.
                stray = not inside and not re.search(f'(?:^|[{self._delimiter}])"', line)
                self._odd_quotes += stray
                inside = not inside and not stray
            yield line
            line = self._line()

    def _header(self, records: Iterator[list[str]]) -> list[str]:
        csv.field_size_limit(self._limits.cell_chars)
        wanted = int(self._answers.get("header-row", "0") or 0)
        try:
            for cells in records:
                self._record += 1
                if any(map(str.strip, cells)) and self._record >= wanted:
                    break
            else:
                raise FileRefused("The file is empty.", code="empty")
        except csv.Error as problem:
            raise self._refusal(problem) from problem
        if len(cells) > self._limits.columns:
            raise FileRefused(
                f"The file has {len(cells):,} columns; {self._limits.columns} are read.",
                code="too-many-columns",
            )
        return cells

    def _quoted_rows(self, header: list[str], records: Iterator[list[str]]) -> Iterator[Message]:
        batch: list[list[str]] = []
        faults: dict[int, str] = {}
        more = self._fill(batch, records, faults)
        yield Header(tuple(header), self._record, opening=tuple(map(tuple, batch[:_OPENING_ROWS])))
        while batch:
            yield self._checked(batch, faults, len(header), last=not more)
            batch, faults = [], {}
            more = more and self._fill(batch, records, faults)

    def _plain_rows(self, header: list[str]) -> Iterator[Message]:
        """Rows of a file without a single quotation mark, where splitting is all that the CSV parser would do."""
        pieces = self._pieces()
        first = next(pieces, [])
        opening = tuple(tuple(line.split(self._delimiter)) for line in first[:_OPENING_ROWS])
        yield Header(tuple(header), self._record, opening=opening)
        for lines, following in pairwise(chain((first,), pieces, ([],))):
            if lines:
                yield self._split(lines, len(header)) or self._parsed(lines, len(header), last=not following)

    def _pieces(self) -> Iterator[list[str]]:
        """Lines without their ends, some hundred at a time: much quicker than asking for each."""
        rest = ""
        while text := self._text.read(_PIECE_CHARS):
            *lines, rest = (rest + text).split("\n")
            for start in range(0, len(lines), _PIECE_ROWS):
                yield lines[start : start + _PIECE_ROWS]
        if rest:
            yield [rest]

    def _split(self, lines: list[str], width: int) -> Rows | None:
        """Columns of lines that are all of one width, a third of the parser's time; None when one is not."""
        delimiter = self._delimiter
        blank = delimiter * (width - 1)
        even = set(map(methodcaller("count", delimiter), lines)) == {width - 1}
        if not even or blank in lines or max(map(len, lines)) > self._limits.cell_chars:
            return None
        self._take(len(lines))
        cells = delimiter.join(lines).split(delimiter)
        first = self._record + 1
        self._record += len(lines)
        columns = [cells[index::width] if wants else lines for index, wants in enumerate(self._wants)]
        return Rows(list(range(first, self._record + 1)), columns, [], self._position())

    def _position(self) -> int:
        """Bytes of the file as it came that are read by now."""
        return int(self._raw.tell() * self._packed_share) if self._packed_share else self._file.tell()

    def _parsed(self, lines: list[str], width: int, *, last: bool) -> Rows:
        try:
            batch = list(csv.reader(lines, delimiter=self._delimiter, strict=True))
        except csv.Error as problem:
            raise self._refusal(problem) from problem
        return self._checked(batch, {}, width, last=last)

    def _take(self, rows: int) -> None:
        self._taken += rows
        if self._taken > self._limits.rows:
            raise FileRefused(
                f"The file has more than {self._limits.rows:,} rows. Split it, or ask the operator to "
                "import it from the command line.",
                code="too-many-rows",
            )

    def _checked(self, batch: list[list[str]], faults: dict[int, str], width: int, *, last: bool) -> Rows:
        self._take(len(batch))
        if last and not self._ended_with_newline and len(batch[-1]) < width and self._taken > 1:
            raise FileRefused(
                f"The file breaks off in the middle of row {self._record + len(batch)}. Send it again whole.",
                code="truncated",
            )
        rows = self._columns(batch, faults, width)
        self._record += len(batch)
        return rows

    def _fill(self, batch: list[list[str]], records: Iterator[list[str]], faults: dict[int, str]) -> bool:
        """Add records until the batch is full; False at the end of the file."""
        while len(batch) < _PIECE_ROWS:
            before = len(batch)
            try:
                # A list keeps what came before an error, and the reader goes on with the next line.
                batch.extend(islice(records, _PIECE_ROWS - before))
            except csv.Error as problem:
                if "expected after" not in str(problem):
                    raise self._refusal(problem) from problem
                faults[len(batch)] = (
                    "Quotation marks in this row do not match; double each one inside a quoted cell."
                )
                batch.append([])
                continue
            if len(batch) < _PIECE_ROWS:
                return False
        return True

    def _refusal(self, problem: csv.Error) -> FileRefused:
        if "field larger" in str(problem):
            longest = self._limits.cell_chars
            return FileRefused(f"A cell is longer than {longest:,} characters.", code="field-too-long")
        if "unexpected end" in str(problem):
            return FileRefused(
                "A quotation mark is opened and never closed, so rows would run into one another. "
                "Look for a single quotation mark in the last rows.",
                code="unterminated-quote",
            )
        return FileRefused("The file is not well-formed CSV. Save it again as “CSV UTF-8”.", code="bad-csv")

    def _columns(self, batch: list[list[str]], faults: dict[int, str], width: int) -> Rows:
        first = self._record + 1
        numbers = range(first, first + len(batch))
        position = self._position()
        if not faults and set(map(len, batch)) == {width} and all(map(any, batch)):
            return Rows(list(numbers), self._turned(batch, width), [], position)
        good: list[list[str]] = []
        kept: list[int] = []
        bad: list[BadRow] = []
        for index, (number, cells) in enumerate(zip(numbers, batch, strict=True)):
            if index in faults:
                bad.append((number, "field-count", faults[index], cells))
            elif not any(map(str.strip, cells)):
                continue
            elif len(cells) != width:
                bad.append((number, "field-count", _count_words(len(cells), width), cells))
            else:
                kept.append(number)
                good.append(cells)
        columns = self._turned(good, width)
        return Rows(kept, columns, bad, position, blank=len(batch) - len(kept) - len(bad))

    def _turned(self, rows: list[list[str]], width: int) -> list[Sequence[str]]:
        """Columns of rows, as ``_split`` gives them: without quotation marks, whole lines where none is wanted."""
        columns: list[Sequence[str]] = list(zip(*rows, strict=True)) if rows else [()] * width
        if self._quoted:
            return columns
        lines = list(map(self._delimiter.join, rows))
        return [column if wants else lines for column, wants in zip(columns, self._wants, strict=True)]


def _count_words(found: int, width: int) -> str:
    advice = (
        "put cells that contain the separator in quotation marks"
        if found > width
        else "add the missing cells"
    )
    return f"This row has {found} cells and the header {width}; {advice}."

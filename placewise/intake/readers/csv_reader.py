"""CSV as text: nothing is guessed but the encoding and the delimiter, and those are said."""

from __future__ import annotations

import csv
import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, islice, pairwise
from operator import methodcaller
from typing import BinaryIO

from placewise.core.errors import FileRefused
from placewise.intake.coded import Gathering
from placewise.intake.findings import Finding, Severity
from placewise.intake.headings import plain
from placewise.intake.limits import Limits
from placewise.intake.messages import BadRow, Header, Message, Rows
from placewise.intake.readers.encoding import Encoding, find_encoding
from placewise.intake.readers.source import Source

#: Rows of a message; its columns are gathered from pieces that the processor's cache can hold.
BATCH_ROWS = 20_000
_PIECE_ROWS = 2_000
_PIECE_CHARS = 1 << 16
_PACKED_BYTES = 1 << 16
_SHORT_BYTES = 64 << 20
_GZIP = 16 + zlib.MAX_WBITS  # with its header and its checksum
_OPENING_ROWS = 12
_DELIMITERS = {",": "a comma", ";": "a semicolon", "\t": "a tab"}


def read(source: Source) -> Iterator[Message]:
    """Findings, the header, then rows in batches."""
    with source.open() as file:
        longest = 4 * source.limits.columns * source.limits.cell_chars
        whole = _short(source, file)
        encoding = find_encoding(_unpacked(source, file) if whole is None else whole, longest=longest)
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
        self._file = file
        raw = self._raw = _unpacked(source, file) if whole is None else whole
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
        pieces = self._quoted_rows(cells, records) if self._quoted else self._plain_rows(cells)
        yield from _gathered(pieces, [self._wants(cell) for cell in cells])
        if self._odd_quotes:
            yield Finding(
                "stray-quote",
                Severity.WARN,
                'Quotation marks stand alone in some rows (as in 6" tall); they were taken as they stand.',
                self._odd_quotes,
            )

    def _wants(self, heading: str) -> bool:
        return self._wanted is None or plain(heading) in self._wanted

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
        columns = [cells[index::width] for index in range(width)]
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
            return Rows(list(numbers), list(zip(*batch, strict=True)), [], position)
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
        columns = list(map(list, zip(*good, strict=True))) if good else [[] for _ in range(width)]
        return Rows(kept, columns, bad, position, blank=len(batch) - len(kept) - len(bad))


def _gathered(messages: Iterator[Message], wanted: list[bool]) -> Iterator[Message]:
    """Pieces of rows put together to batches; other messages as they are, in their place."""
    pieces: list[Rows] = []  # without their columns, which would push one another out of the cache
    columns = [Gathering(wanted=wants) for wants in wanted]
    for message in messages:
        if not isinstance(message, Rows):
            yield message
            continue
        pieces.append(replace(message, columns=()))
        for column, cells in zip(columns, message.columns, strict=True):
            column.add(cells)
        if sum(len(piece.numbers) + len(piece.bad) for piece in pieces) >= BATCH_ROWS:
            yield _batch(pieces, columns)
            pieces, columns = [], [Gathering(wanted=wants) for wants in wanted]
    if pieces:
        yield _batch(pieces, columns)


def _batch(pieces: list[Rows], columns: list[Gathering]) -> Rows:
    return Rows(
        list(chain.from_iterable(piece.numbers for piece in pieces)),
        [column.column() for column in columns],
        list(chain.from_iterable(piece.bad for piece in pieces)),
        pieces[-1].position,
        sum(piece.blank for piece in pieces),
    )


def _count_words(found: int, width: int) -> str:
    advice = (
        "put cells that contain the separator in quotation marks"
        if found > width
        else "add the missing cells"
    )
    return f"This row has {found} cells and the header {width}; {advice}."


def _short(source: Source, file: BinaryIO) -> io.BytesIO | None:
    """A short archive unpacked, so that it is unpacked but once; None for others, back at their start."""
    if source.extension != "gz":
        return None
    content = _unpacked(source, file).read(_SHORT_BYTES + 1)
    if len(content) <= _SHORT_BYTES:
        return io.BytesIO(content)
    file.seek(0)
    return None


def _unpacked(source: Source, file: BinaryIO) -> BinaryIO:
    if source.extension != "gz":
        return file
    return io.BufferedReader(_CountedGzip(file, source.limits, source.size), buffer_size=1 << 20)


class _CountedGzip(io.RawIOBase):
    """Unpacks while counting, for what an archive says of its own size may be a lie."""

    def __init__(self, file: BinaryIO, limits: Limits, packed_bytes: int) -> None:
        self._file = file
        self._stream = zlib.decompressobj(wbits=_GZIP)
        self._packed = b""
        self._between = False
        self._left = min(limits.unpacked_bytes, max(packed_bytes * limits.unpacked_ratio, 1 << 20))

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        try:
            piece = self._next(len(buffer))
        except zlib.error as problem:
            raise FileRefused(_DAMAGED, code="bad-zip") from problem
        count = len(piece)
        buffer[:count] = piece
        self._left -= count
        if self._left < 0:
            raise FileRefused("The archive unpacks to far more than it should.", code="expands-too-far")
        return count

    def _next(self, most: int) -> bytes:
        """At least one and at most so many unpacked bytes; none at the end."""
        piece = b""
        while not piece:
            packed = self._packed or self._file.read(_PACKED_BYTES)
            if self._between:
                if not packed:
                    return b""
                packed, self._packed = packed.lstrip(b"\0"), b""  # zeros may fill an archive up
                if not packed:
                    continue
                self._stream = zlib.decompressobj(wbits=_GZIP)  # another archive follows
            piece = self._stream.decompress(packed, most)
            self._between = self._stream.eof
            if not (packed or piece or self._between):
                raise FileRefused(_DAMAGED, code="bad-zip")
            self._packed = self._stream.unused_data if self._between else self._stream.unconsumed_tail
        return piece


_DAMAGED = "The archive is damaged. Pack and send it again."

"""One batch through every check, column by column, to accepted records and refusals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import compress
from operator import methodcaller
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placewise.intake.batch import CheckedBatch, Refusal
from placewise.intake.cells import Text
from placewise.intake.coded import Coded
from placewise.intake.geometry import take_shapes
from placewise.intake.headings import plain
from placewise.intake.identity import Said, Seen, digests, key_for, keys_of, record_ids
from placewise.intake.layouts.layout import GEOMETRY_COLUMN, Layout, Match, Need
from placewise.intake.messages import Rows
from placewise.intake.run import Run
from placewise.intake.shape_cells import ShapesIn, ShapesOut
from placewise.intake.table import Flags, Table
from placewise.intake.text import tidy
from placewise.store.loading import Fault

_UNIT = "\x1f"
_BARE = methodcaller("strip", _UNIT)


class BatchChecker:
    """Checks the batches of one file, one after another.

    Parameters
    ----------
    found : Match
        Where the layout's columns are in the file.
    header : tuple of str
        Column names as the file has them.
    crs : str
        Coordinate system of the file's geometries; empty for a table.
    run : Run
        What this pass over the file knows.
    vertices : int
        Vertices a shape may have that stands in a table.
    """

    def __init__(self, found: Match, header: tuple[str, ...], crs: str, run: Run, *, vertices: int) -> None:
        self._layout: Layout = found.layout
        self._positions = found.positions
        self._headings = {name: header[index].strip() for name, index in found.positions.items()}
        self._crs = crs
        self._run = run
        self._vertices = vertices
        headings = list(map(plain, header))
        ours = plain(GEOMETRY_COLUMN)
        self._shape_column = headings.index(ours) if not crs and ours in headings else None
        self._shapes_in = ShapesIn()
        self._shapes_out = ShapesOut(crs)
        agency = run.context.agency if self._layout.identity_source else ""
        self._key = key_for(f"{self._layout.name}{_UNIT}{agency}", run.context.record_key)
        self._seen = Seen()
        self._said = Said()

    def check(self, rows: Rows, *, bytes_total: int) -> CheckedBatch:
        """Check one batch.

        Parameters
        ----------
        rows : Rows
            As the reader sent it.
        bytes_total : int
            Length of the file.
        """
        table = self._parse(rows)
        geometry = self._take_shapes(table, rows)
        columns = self._layout.assemble(table)
        self._conflicts(table, geometry)
        good = table.sound()
        ids, said, repeats = self._identify(table, good, geometry)
        numbers = np.array(rows.numbers, dtype=np.int64)
        shapes = _shapes_by_row(rows)
        return CheckedBatch(
            layout=self._layout.name,
            target=self._layout.target,
            columns={name: _kept(values, good) for name, values in columns.items()},
            row_numbers=numbers[good],
            record_ids=ids,
            content_digests=said,
            repeats=repeats,
            refusals=tuple(self._shapes_out.beside([*_misshapen(rows), *_refusals(table, rows)], shapes)),
            rows_read=len(rows.numbers) + len(rows.bad),
            bytes_read=rows.position,
            bytes_total=bytes_total,
            originals=(numbers, rows.columns),
            shapes=shapes,
        )

    def with_shapes(self, faults: Iterable[Fault], batch: CheckedBatch) -> list[Fault]:
        """Faults found later in a batch of this file, with the shapes of their rows."""
        return self._shapes_out.beside(faults, batch.shapes)

    def _parse(self, rows: Rows) -> Table:
        table = Table(self._run, len(rows.numbers), self._headings)
        for column in self._layout.columns:
            if (index := self._positions.get(column.name)) is None:
                continue
            cells, unfit = tidy(rows.columns[index], self._run, column.name)
            values, bad = column.kind.parse_column(cells, self._run, column.name)
            table.cells[column.name], table.values[column.name] = cells, values
            table.refuse_texts(column.name, {**bad, **unfit})
            if column.need is Need.VALUE and "" in cells:
                empty = (i for i, cell in enumerate(cells) if not cell)
                table.refuse(empty, column.name, "required-missing", "This cell must be filled in.")
        return table

    def _take_shapes(self, table: Table, rows: Rows) -> list[str | None] | None:
        """Set the table's shapes; the WKB of each row as it came, None for a table without shapes."""
        layout, geometry, crs = self._layout, rows.geometry, self._crs
        if self._shape_column is not None:
            cells = rows.columns[self._shape_column]
            geometry = self._shapes_in.read(table, cells, vertices=self._vertices)
            crs = self._shapes_in.crs
        if geometry is None or layout.geometry == "none":
            return None
        take_shapes(table, geometry, crs, required=layout.geometry == "required", repair=layout.repair)
        return geometry

    def _conflicts(self, table: Table, geometry: list[str | None] | None) -> None:
        """Refuse a row that says something else under a reference already used in this file."""
        if not self._layout.identity or self._layout.revised or not table.size:
            return
        keys = keys_of(digests(self._texts(table, self._layout.identity)))
        said = keys_of(digests(self._content(table, geometry)))
        sound = np.flatnonzero(table.sound())
        table.refuse(
            sound[self._said.conflicts(keys[sound], said[sound])].tolist(),
            self._layout.identity[0],
            "conflicting-ref",
            "An earlier row of this file has the same reference and says something else. Keep one.",
        )

    def _identify(
        self, table: Table, good: Flags, geometry: list[str | None] | None
    ) -> tuple[NDArray[np.void], list[bytes | None], Flags]:
        """Id, content digest and whether seen before, of the accepted rows."""
        names = _kept(self._texts(table, self._layout.identity), good)
        known = np.fromiter(map(bool, map(_BARE, names)), dtype=bool, count=len(names))
        said: list[bytes | None] = [None] * len(names)
        if not (self._layout.revised and known.all()):
            contents = _kept(self._content(table, geometry), good)
            names = [
                name if own else content for name, content, own in zip(names, contents, known, strict=True)
            ]
            if not self._layout.revised:
                said = list(digests(contents))
        digested = digests(names, self._key)
        earlier = self._seen.occurrences(keys_of(digested))
        # Rows without an identity of their own may truly repeat: the second is another record.
        again = np.flatnonzero((earlier > 0) & ~known).tolist()
        for index in again:
            digested[index] = digests([f"{names[index]}{_UNIT}{earlier[index]}"], self._key)[0]
        repeats: Flags = (earlier > 0) & known
        self._run.tallies["repeated"] += int(repeats.sum())
        self._run.tallies["repeats-kept"] += len(again)
        return record_ids(digested), said, repeats

    def _content(self, table: Table, geometry: list[str | None] | None) -> list[str]:
        texts = self._texts(table, tuple(column.name for column in self._layout.columns))
        if geometry is None:
            return texts
        return [f"{text}{_UNIT}{shape}" for text, shape in zip(texts, geometry, strict=True)]

    def _texts(self, table: Table, names: tuple[str, ...]) -> list[str]:
        """The named columns of each row as one text, the same however a file writes them."""
        if not names:
            return [""] * table.size
        columns = [self._canonical(table, name) for name in names]
        if len(columns) == 1:
            return list(columns[0])
        return list(map(_UNIT.join, zip(*columns, strict=True)))

    def _canonical(self, table: Table, name: str) -> Sequence[str]:
        cells = table.cells.get(name)
        if cells is None:
            return [""] * table.size
        kind = next(column.kind for column in self._layout.columns if column.name == name)
        given = cells.distinct if isinstance(cells, Coded) else cells
        if isinstance(kind, Text):
            if name not in self._layout.identity:
                return cells
            texts = list(map(str.casefold, given))
        else:
            parsed, _ = self._run.parsed(name)
            plain = {cell: _plain(parsed.get(cell)) for cell in dict.fromkeys(given)}
            texts = list(map(plain.__getitem__, given))
        return cells.of(texts) if isinstance(cells, Coded) else texts


def _plain(value: Any) -> str:
    return "" if value is None or value == () else str(value)


def _kept(values: Any, good: Flags) -> Any:
    if good.all():
        return values
    return values[good] if isinstance(values, np.ndarray) else list(compress(values, good.tolist()))


def _shapes_by_row(rows: Rows) -> dict[int, str | None]:
    if rows.geometry is None:
        return {}
    bad = (number for number, *_ in rows.bad)
    return dict(zip(rows.numbers, rows.geometry, strict=True)) | dict(
        zip(bad, rows.bad_geometry or [], strict=True)
    )


def _misshapen(rows: Rows) -> list[Refusal]:
    return [Refusal(row, "", code, message, tuple(cells)) for row, code, message, cells in rows.bad]


def _refusals(table: Table, rows: Rows) -> list[Refusal]:
    by_row: defaultdict[int, dict[tuple[str, str], Refusal]] = defaultdict(dict)
    for fault in table.faults:
        cells = tuple(column[fault.index] for column in rows.columns)
        refusal = Refusal(rows.numbers[fault.index], fault.column, fault.code, fault.message, cells)
        by_row[fault.index].setdefault((fault.column, fault.code), refusal)
    return [refusal for index in sorted(by_row) for refusal in by_row[index].values()]

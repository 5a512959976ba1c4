"""One batch of rows on its way through the checks: cells in, parsed columns and faults out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placewise.intake.coded import Coded
from placewise.intake.run import BadCell, Run

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with one row of the batch, by its position."""

    index: int
    column: str
    code: str
    message: str


@dataclass(slots=True)
class Table:
    """One batch.

    Attributes
    ----------
    run : Run
        The pass over the file it belongs to.
    size : int
        Rows in it.
    headings : Mapping of str to str
        What the file calls each column.
    cells : dict of str to sequence of str
        Tidied text by column name; columns the file lacks are absent.
    values : dict of str to sequence
        Parsed values by column name; ``Coded`` where the cells are.
    shapes : ndarray of shapely geometries in EPSG:27700, shape (size,), optional
        Where the file carries geometries; None elements where one is absent or at fault.
    faults : list of Fault
        In the order found.
    """

    run: Run
    size: int
    headings: Mapping[str, str]
    cells: dict[str, Sequence[str]] = field(default_factory=dict)
    values: dict[str, Sequence[Any]] = field(default_factory=dict)
    shapes: NDArray[np.object_] | None = None
    faults: list[Fault] = field(default_factory=list)

    def column(self, name: str, default: Any = None) -> list[Any]:
        """Parsed values of a column, with ``default`` for empty cells or a column the file lacks."""
        values = self.values.get(name)
        if values is None:
            return [default] * self.size
        if isinstance(values, Coded):
            return list(values.of(_with_default(values.distinct, default)))
        return _with_default(values, default)

    def parsed(self, name: str) -> Sequence[Any]:
        """Parsed values of a column as they are kept; None for a column the file lacks."""
        return self.values.get(name) or [None] * self.size

    def words(self, name: str) -> list[tuple[str, ...]]:
        """Parsed lists of a column; empty ones when the file lacks it."""
        values = self.values.get(name)
        return list(values) if values else [()] * self.size

    def floats(self, name: str) -> Floats:
        """Parsed numbers of a column as float64; NaN where there is none."""
        values = self.values.get(name)
        if values is None:
            return np.full(self.size, np.nan)
        if isinstance(values, Coded):
            return np.array(values.distinct, dtype=np.float64)[positions(values)]
        return np.array(values, dtype=np.float64)

    def filled(self, name: str) -> Flags:
        """True where the cell of a column holds something, well-formed or not."""
        cells = self.cells.get(name)
        if cells is None:
            return np.zeros(self.size, dtype=bool)
        return np.fromiter(map(bool, cells), dtype=bool, count=self.size)

    def sound(self) -> Flags:
        """True for rows without a fault so far."""
        flags = np.ones(self.size, dtype=bool)
        if self.faults:
            flags[[fault.index for fault in self.faults]] = False
        return flags

    def refuse(self, where: Flags | Iterable[int], column: str, code: str, message: str) -> None:
        """Add a fault to rows, given as flags or positions."""
        rows = np.flatnonzero(where).tolist() if isinstance(where, np.ndarray) else where
        heading = self.headings.get(column, column)
        self.faults.extend(Fault(index, heading, code, message) for index in rows)

    def refuse_texts(self, name: str, bad: Mapping[str, BadCell]) -> None:
        """Add a fault to each row whose cell is one of these texts."""
        if not bad:
            return
        for index, text in enumerate(self.cells[name]):
            if text in bad:
                problem = bad[text]
                self.refuse([index], name, problem.code, problem.message)
                self.run.tallies[f"{name} {problem.code}"] += 1


def positions(column: Coded[Any]) -> NDArray[np.uint16]:
    """Where the value of each row stands among a column's distinct ones."""
    return np.frombuffer(column.codes, dtype=np.uint16)


def _with_default(values: Sequence[Any], default: Any) -> list[Any]:
    return list(values) if default is None else [default if value is None else value for value in values]

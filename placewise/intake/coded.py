"""A column in which few values come again and again: each once, and which of them every row has."""

from __future__ import annotations

from array import array
from binascii import a2b_base64, b2a_base64
from collections.abc import Iterator, Sequence
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")
U = TypeVar("U")


class Coded(Sequence[T], Generic[T]):
    """A column that is kept, checked and sent by its distinct values; otherwise it behaves as a list.

    numpy is not needed here, for the reader in its sandbox uses this as well.

    Parameters
    ----------
    distinct : list
        The values, each of them held by some row.
    codes : array of uint16, or its bytes as base64 text
        Position in ``distinct`` of each row's value. Text is opened, and checked, when first needed.
    """

    __slots__ = ("_codes", "distinct")

    def __init__(self, distinct: list[T], codes: array[int] | str) -> None:
        self.distinct = distinct
        self._codes = codes

    @property
    def codes(self) -> array[int]:
        """Position in ``distinct`` of each row's value; raises ValueError when that cannot be."""
        if isinstance(self._codes, str):
            opened = array("H", a2b_base64(self._codes))
            if opened and max(opened) >= len(self.distinct):
                raise ValueError("A code stands for no value.")
            self._codes = opened
        return self._codes

    def of(self, distinct: list[U]) -> Coded[U]:
        """Give the same rows other values, each in the place of one of these."""
        return Coded(distinct, self.codes)

    def __len__(self) -> int:
        return len(self.codes)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[T]: ...
    def __getitem__(self, index: int | slice) -> T | Sequence[T]:
        if isinstance(index, slice):
            return Coded(self.distinct, self.codes[index])
        return self.distinct[self.codes[index]]

    def __iter__(self) -> Iterator[T]:
        return map(self.distinct.__getitem__, self.codes)

    def __contains__(self, value: object) -> bool:
        return value in self.distinct


class Joined(Sequence[str]):
    """A column of texts that come but once, or that nobody may ask for: one text until then.

    Parameters
    ----------
    text : str
        The cells with ``MARK`` between them.
    size : int
        Number of cells.
    """

    MARK = "\x7f"  # a control character that JSON need not escape

    __slots__ = ("_cells", "_size", "text")

    def __init__(self, text: str, size: int) -> None:
        self.text, self._size = text, size
        self._cells: list[str] | None = None

    @property
    def cells(self) -> list[str]:
        """The cells; raises ValueError when there are not as many as was said."""
        if self._cells is None:
            self._cells, self.text = self.text.split(self.MARK), ""
            if len(self._cells) != self._size:
                raise ValueError("A column is not as long as the others.")
        return self._cells

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...
    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        return self.cells[index]

    def __iter__(self) -> Iterator[str]:
        return iter(self.cells)


class Part(Sequence[str]):
    """A column that nobody may ask for, in a file where splitting a line is all there is to reading it.

    Parameters
    ----------
    lines : sequence of str
        Whole rows as they stand; the other such columns have the same.
    place : int
        Which cell of each row.
    delimiter : str
        What stands between cells, and never in one.
    """

    __slots__ = ("delimiter", "lines", "place")

    def __init__(self, lines: Sequence[str], place: int, delimiter: str) -> None:
        self.lines, self.place, self.delimiter = lines, place, delimiter

    def __len__(self) -> int:
        return len(self.lines)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...
    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        if isinstance(index, slice):
            return Part(self.lines[index], self.place, self.delimiter)
        cells = self.lines[index].split(self.delimiter)
        if not 0 <= self.place < len(cells):
            raise ValueError("A row has fewer cells than the header.")
        return cells[self.place]

    def __iter__(self) -> Iterator[str]:
        return (self[index] for index in range(len(self)))


def packed(columns: Sequence[Sequence[str]]) -> list[Any]:
    """Columns as they go to JSON."""
    sent: list[Any] = []
    lines: Sequence[str] | None = None
    for column in columns:
        if isinstance(column, Part):
            new = None if column.lines is lines else _packed(column.lines)
            lines = column.lines
            sent.append({"part": column.place, "delimiter": column.delimiter, "lines": new})
        else:
            sent.append(_packed(column))
    return sent


def unpacked(columns: list[Any]) -> list[Sequence[str]]:
    """Undo ``packed`` after JSON; what stands in the columns is opened when first needed."""
    given: list[Sequence[str]] = []
    lines: Sequence[str] = ()
    for column in columns:
        if isinstance(column, dict) and "part" in column:
            lines = lines if column["lines"] is None else _unpacked(column["lines"])
            given.append(Part(lines, int(column["part"]), str(column["delimiter"])))
        else:
            given.append(_unpacked(column))
    return given


def _packed(column: Sequence[str]) -> Any:
    if isinstance(column, Coded):
        return {"distinct": column.distinct, "codes": b2a_base64(column.codes, newline=False).decode()}
    if isinstance(column, Joined):
        return {"text": column.text, "size": len(column)}
    return column


def _unpacked(column: Any) -> Sequence[str]:
    if isinstance(column, dict) and "text" in column:
        return Joined(column["text"], column["size"])
    if isinstance(column, dict):
        return Coded(column["distinct"], column["codes"])
    given: list[str] = column
    return given

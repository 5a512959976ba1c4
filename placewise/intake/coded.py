"""A column in which few values come again and again: each once, and which of them every row has."""

from __future__ import annotations

import sys
from array import array
from binascii import a2b_base64, b2a_base64
from collections.abc import Iterator, Sequence
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")
U = TypeVar("U")

_LEAST_ROWS = 256  # fewer are not worth it
_MOSTLY = 0.95


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


class Gathering:
    """One column while pieces of it are read; most texts are met while they are still in the processor's cache.

    Parameters
    ----------
    wanted : bool
        Whether the column will be looked at; it is not worth finding the distinct texts of the others.
    """

    def __init__(self, *, wanted: bool = True) -> None:
        self._index = _Index()
        self._codes: list[str] = []
        self._size = 0
        self._texts: list[str] | None = None if wanted else []
        self._cells: list[str] | None = None

    def add(self, cells: Sequence[str]) -> None:
        """Take the next cells; at most 50,000 in all."""
        if not self._size and self._texts is None and len(set(cells)) > _MOSTLY * len(cells):
            self._texts = []  # numbers and names of their own: nothing comes again
        self._size += len(cells)
        if self._texts is None:
            self._codes.append("".join(map(self._index.__getitem__, cells)))
        elif self._cells is not None:
            self._cells.extend(cells)
        elif cells:
            text = Joined.MARK.join(cells)
            if text.count(Joined.MARK) == len(cells) - 1:
                self._texts.append(text)
            else:  # a cell holds the mark itself
                self._cells = [*self._apart(self._texts), *cells]

    def column(self) -> Sequence[str]:
        """Everything taken, in the form that is the shortest to send."""
        if self._texts is None:
            codes = array("H", "".join(self._codes).encode(f"utf-16-{sys.byteorder[0]}e"))
            column = Coded(list(self._index), codes)
            return column if self._size >= _LEAST_ROWS else list(column)
        if self._cells is None and self._size >= _LEAST_ROWS:
            return Joined(Joined.MARK.join(self._texts), self._size)
        return self._apart(self._texts) if self._cells is None else self._cells

    @staticmethod
    def _apart(texts: list[str]) -> list[str]:
        return [cell for text in texts for cell in text.split(Joined.MARK)]


class _Index(dict[str, str]):
    """Numbers texts in the order in which they are first asked for.

    The number is a character (all are below the surrogates): Python joins characters to the bytes of an array
    five times as fast as it puts whole numbers into one.
    """

    def __missing__(self, text: str) -> str:
        self[text] = code = chr(len(self))
        return code


def packed(column: Sequence[str]) -> Any:
    """The column as it goes to JSON."""
    if isinstance(column, Coded):
        return {"distinct": column.distinct, "codes": b2a_base64(column.codes, newline=False).decode()}
    if isinstance(column, Joined):
        return {"text": column.text, "size": len(column)}
    return column


def unpacked(column: Any) -> Sequence[str]:
    """Undo ``packed`` after JSON; the codes themselves are opened when first needed."""
    if isinstance(column, dict) and "text" in column:
        return Joined(column["text"], column["size"])
    if isinstance(column, dict):
        return Coded(column["distinct"], column["codes"])
    given: list[str] = column
    return given

"""Batches of rows from small pieces: each column in the form that is the shortest to send."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain

from placewise.intake.coded import Coded, Joined, Part
from placewise.intake.messages import Message, Rows

#: Rows of a message; its columns are gathered from pieces that the processor's cache can hold.
BATCH_ROWS = 20_000
#: Characters after which a message ends sooner, for rows of long texts.
BATCH_CHARS = 16_000_000
_LEAST_ROWS = 256  # fewer are not worth it
_MOSTLY = 0.95


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
        self._chars = 0

    @property
    def chars(self) -> int:
        """About how many characters there are to send."""
        return self._chars + self._index.chars

    def add(self, cells: Sequence[str]) -> None:
        """Take the next cells; at most 50,000 in all."""
        if not self._size and self._texts is None and len(set(cells)) > _MOSTLY * len(cells):
            self._texts = []  # numbers and names of their own: nothing comes again
        self._size += len(cells)
        if self._texts is None:
            self._codes.append("".join(map(self._index.__getitem__, cells)))
        elif self._cells is not None:
            self._cells.extend(cells)
            self._chars += sum(map(len, cells))
        elif cells:
            text = Joined.MARK.join(cells)
            self._chars += len(text)
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

    chars = 0

    def __missing__(self, text: str) -> str:
        self.chars += len(text)
        self[text] = code = chr(len(self))
        return code


class _Columns:
    """The columns of one batch while its pieces are read.

    Parameters
    ----------
    wanted : list of bool
        Which columns will be looked at.
    delimiter : str
        Where this is given, the pieces of all other columns are the same whole lines.
    """

    def __init__(self, wanted: list[bool], delimiter: str) -> None:
        self._delimiter = delimiter
        self._gathering = [Gathering(wanted=wants) for wants in wanted]
        others = [index for index, wants in enumerate(wanted) if not wants] if delimiter else []
        self._parts = frozenset(others)
        self._lines = others[0] if others else -1

    def add(self, columns: Sequence[Sequence[str]]) -> None:
        """Take the columns of a piece."""
        for index, (gathering, cells) in enumerate(zip(self._gathering, columns, strict=True)):
            if index not in self._parts or index == self._lines:
                gathering.add(cells)

    @property
    def chars(self) -> int:
        """About how many characters there are to send."""
        return sum(gathering.chars for gathering in self._gathering)

    def whole(self) -> list[Sequence[str]]:
        """Every column, in the form that is the shortest to send."""
        lines = self._gathering[self._lines].column() if self._parts else ()
        return [
            Part(lines, index, self._delimiter) if index in self._parts else gathering.column()
            for index, gathering in enumerate(self._gathering)
        ]


def gathered(messages: Iterator[Message], wanted: list[bool], delimiter: str = "") -> Iterator[Message]:
    """Pieces of rows put together to batches; other messages as they are, in their place."""
    pieces: list[Rows] = []  # without their columns, which would push one another out of the cache
    columns = _Columns(wanted, delimiter)
    for message in messages:
        if not isinstance(message, Rows):
            yield message
            continue
        pieces.append(replace(message, columns=()))
        columns.add(message.columns)
        rows = sum(len(piece.numbers) + len(piece.bad) for piece in pieces)
        chars = sum(len(cell) for piece in pieces for bad in piece.bad for cell in bad[3]) + columns.chars
        if rows >= BATCH_ROWS or chars >= BATCH_CHARS:
            yield _batch(pieces, columns)
            pieces, columns = [], _Columns(wanted, delimiter)
    if pieces:
        yield _batch(pieces, columns)


def _batch(pieces: list[Rows], columns: _Columns) -> Rows:
    return Rows(
        list(chain.from_iterable(piece.numbers for piece in pieces)),
        columns.whole(),
        list(chain.from_iterable(piece.bad for piece in pieces)),
        pieces[-1].position,
        sum(piece.blank for piece in pieces),
    )

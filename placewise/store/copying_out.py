"""Columns out of COPY's binary form: the quick way from a query to arrays, without an object per row.

The answer is taken apart in blocks while it arrives, so that it is never held twice.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from placewise.store.session import Session

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

Columns: TypeAlias = dict[str, NDArray[Any]]

#: What PostgreSQL's binary times count from.
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_HEADER = 19  # signature, flags and length of the header extension
_TRAILER = 2
_BLOCK = 1 << 20


def copy_out(
    session: Session,
    statement: str,
    params: Mapping[str, Any],
    widths: Mapping[str, str],
    *,
    made: Callable[[Columns], Columns] = dict,
) -> Columns:
    """Run a COPY ... TO STDOUT (FORMAT binary) of fixed-width columns that are never NULL.

    Parameters
    ----------
    widths : mapping of str to str
        Each column's name and numpy's word for its form, in the order of the statement: ``>i4``, ``V16`` (a UUID) ...
    made : callable, optional
        Called with some thousand rows at a time; the columns that it returns are kept instead.

    Raises
    ------
    ValueError
        A column was NULL or of another width: the statement and the columns do not fit together.
    """
    rows = _Rows(widths, made)
    with io.BufferedWriter(rows, _BLOCK) as written:
        session.cursor.copy_expert(session.cursor.mogrify(statement, params), written)
    return rows.joined()


class _Rows(io.RawIOBase):
    """Takes bytes and keeps whole rows of them as columns."""

    def __init__(self, widths: Mapping[str, str], made: Callable[[Columns], Columns]) -> None:
        layout: list[tuple[str, str]] = [("fields", ">i2")]
        for name, form in widths.items():
            layout += [(f"{name} width", ">i4"), (name, form)]
        self._record = np.dtype(layout)
        self._widths, self._made = widths, made
        self._begun = False
        self._left = b""
        self._kept: list[Columns] = []

    def writable(self) -> bool:
        return True

    def write(self, content: ReadableBuffer, /) -> int:
        block = bytes(content)
        held = self._left + block
        start = 0 if self._begun else _HEADER
        self._begun = True
        # The end of the answer is shorter than a row: what is left after the last one.
        count = (len(held) - start) // self._record.itemsize
        self._left = held[start + count * self._record.itemsize :]
        self._keep(np.frombuffer(held, dtype=self._record, count=count, offset=start))
        return len(block)

    def joined(self) -> Columns:
        """All rows; they are forgotten here."""
        if len(self._left) != _TRAILER or self._left != b"\xff\xff":
            raise ValueError("COPY answered with rows of another width than expected")
        if not self._kept:
            self._keep(np.empty(0, dtype=self._record))
        blocks, self._kept = self._kept, []
        return {name: np.concatenate([block.pop(name) for block in blocks]) for name in list(blocks[0])}

    def _keep(self, rows: NDArray[Any]) -> None:
        if not (rows["fields"] == len(self._widths)).all():
            raise ValueError("COPY answered with rows of another width than expected")
        columns: Columns = {}
        for name, form in self._widths.items():
            kind = np.dtype(form)
            if not (rows[f"{name} width"] == kind.itemsize).all():
                raise ValueError(f"COPY answered {name} in another width than expected")
            columns[name] = rows[name].astype(kind.newbyteorder("="))
        self._kept.append(self._made(columns))

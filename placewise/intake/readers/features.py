"""Features with their properties and shapes, gathered into rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from placewise.intake.messages import BadRow, Rows
from placewise.intake.readers.wkb import BadGeometry

_WITHOUT = "The file of refused rows comes without this shape."


def gathered(
    features: Iterable[tuple[int, list[str], Any]],
    shape_of: Callable[[Any], str | None],
    *,
    width: int,
    cell_chars: int,
    position: int,
) -> Rows:
    """Rows of some features; those that cannot be taken keep what can be read of them.

    Parameters
    ----------
    features : iterable of (number, properties as text, geometry as it came)
        In the order of the file.
    shape_of : callable
        Plain WKB as hexadecimal text of a geometry; raises ``BadGeometry``.
    width : int
        Properties of each feature.
    cell_chars : int
        Characters a property may have.
    position : int
        Bytes of the file read so far.
    """
    numbers, cells, shapes = list[int](), list[list[str]](), list[str | None]()
    bad, bad_shapes = list[BadRow](), list[str | None]()
    for number, row, geometry in features:
        shape, fault = None, None
        try:
            shape = shape_of(geometry)
        except BadGeometry as problem:
            fault = (problem.code, f"{problem.message} {_WITHOUT}")
        if max(map(len, row), default=0) > cell_chars:
            fault = _too_long(cell_chars, fault)
        if fault is None:
            numbers.append(number)
            cells.append(row)
            shapes.append(shape)
        else:
            bad.append((number, *fault, row))
            bad_shapes.append(shape)
    columns: list[tuple[str, ...]] = list(zip(*cells, strict=True)) if cells else [()] * width
    return Rows(numbers, columns, bad, position, geometry=shapes, bad_geometry=bad_shapes)


def _too_long(cell_chars: int, fault: tuple[str, str] | None) -> tuple[str, str]:
    message = f"A property is longer than {cell_chars:,} characters. Shorten it."
    return "field-too-long", message if fault is None else f"{message} {fault[1]}"

"""Shapes as text with their coordinate system: ``SRID=27700;POINT (441000 381000)`` (EWKT).

Numbers are written with the fewest digits that read back as the very same number, so a shape that went out
and came back is the same to the last bit. What comes in may be anything at all: it is turned into GeoJSON's
lists and goes through the same gate as a GeoJSON file, before any library sees it.
"""

from __future__ import annotations

import json
import re
import struct
from typing import Any

from placewise.intake.readers.wkb import BadGeometry, from_geojson

_POINT, _LINE, _POLYGON = 1, 2, 3
_WORDS = ("", "POINT", "LINESTRING", "POLYGON", "MULTIPOINT", "MULTILINESTRING", "MULTIPOLYGON")
_KINDS = {
    "POINT": "Point",
    "LINESTRING": "LineString",
    "POLYGON": "Polygon",
    "MULTIPOINT": "MultiPoint",
    "MULTILINESTRING": "MultiLineString",
    "MULTIPOLYGON": "MultiPolygon",
}
# Of letters only those of EMPTY, of the kind and of an exponent get through to the JSON reader.
_TEXT = re.compile(r"SRID\s*=\s*([0-9]{4,6})\s*;\s*([A-Z]+)\s*(EMPTY|\([-+.0-9E,()\s]*\))", re.IGNORECASE)
_NUMBERS = re.compile(r"[^\s,()]+(?:\s+[^\s,()]+)*")
_BRACKETS = str.maketrans("()", "[]")
_NO_SHAPE = (
    "This is not a shape. Leave the cell as it was downloaded, or write one such as "
    "SRID=27700;POINT (441000 381000)."
)


def to_wkt(shape: str, crs: str) -> str:
    """Text of a shape.

    Parameters
    ----------
    shape : str
        Plain WKB as hexadecimal text, as ``readers.wkb`` makes it.
    crs : str
        Such as ``EPSG:27700``.

    Examples
    --------
    >>> to_wkt("0101000000000000000000f03f0000000000000440", "EPSG:27700")
    'SRID=27700;POINT (1 2.5)'
    """
    return f"SRID={crs.removeprefix('EPSG:')};{_Wkb(bytes.fromhex(shape)).text()}"


def from_wkt(text: str, vertices: int) -> tuple[str, str | None]:
    """Coordinate system of a text, and its shape as plain WKB in hexadecimal; None when it is empty.

    Raises
    ------
    BadGeometry
        ``invalid-geometry``, ``geometry-type`` or ``not-a-number``.
    FileRefused
        ``too-complex``: more than ``vertices``.
    """
    found = _TEXT.fullmatch(text.strip())
    if found is None:
        raise BadGeometry("invalid-geometry", _NO_SHAPE)
    crs, word, body = f"EPSG:{found[1]}", found[2].upper(), found[3]
    if body[0] != "(":
        return crs, None
    kind = _KINDS.get(word, word)
    return crs, from_geojson({"type": kind, "coordinates": _coordinates(kind, body)}, vertices)


def _coordinates(kind: str, body: str) -> Any:
    listed = _NUMBERS.sub(lambda numbers: f"[{','.join(numbers[0].split())}]", body)
    try:
        found = json.loads(listed.translate(_BRACKETS))
    except (ValueError, RecursionError):  # ValueError also for whole numbers of thousands of digits
        raise BadGeometry("invalid-geometry", _NO_SHAPE) from None
    if kind == "Point":
        return found[0] if len(found) == 1 else None
    if kind == "MultiPoint":  # each point may stand in brackets of its own, or not
        return [part[0] if len(part) == 1 else part for part in found]
    return found


class _Wkb:
    """Writes plain WKB of our own making as text."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def text(self) -> str:
        kind = self._kind()
        return f"{_WORDS[kind]} {self._body(kind)}"

    def _body(self, kind: int) -> str:
        if kind == _POINT:
            return f"({self._positions(1)})"
        count = self._whole()
        if kind == _LINE:
            return f"({self._positions(count)})"
        if kind == _POLYGON:
            return f"({', '.join(f'({self._positions(self._whole())})' for _ in range(count))})"
        return f"({', '.join(self._body(self._kind()) for _ in range(count))})"

    def _kind(self) -> int:
        self._at += 1  # the byte order is always the same
        return self._whole()

    def _whole(self) -> int:
        (value,) = struct.unpack_from("<I", self._data, self._at)
        self._at += 4
        return int(value)

    def _positions(self, count: int) -> str:
        numbers = struct.unpack_from(f"<{2 * count}d", self._data, self._at)
        self._at += 16 * count
        return ", ".join(
            f"{_number(x)} {_number(y)}" for x, y in zip(numbers[::2], numbers[1::2], strict=True)
        )


def _number(value: float) -> str:
    text = repr(value)
    return text[:-2] if text.endswith(".0") and value else text  # -0.0 must keep its sign

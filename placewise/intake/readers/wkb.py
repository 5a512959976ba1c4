"""Geometries rewritten, byte by byte, into plain two-dimensional WKB before any library sees them.

A count is believed only when that many bytes are there, nesting ends at the parts of a collection of one
kind, and anything but points, lines and areas is refused. What leaves here cannot surprise GEOS.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from itertools import chain
from typing import Any

from placewise.core.errors import FileRefused

_POINT, _LINE, _POLYGON, _MULTIPOINT, _MULTILINE, _MULTIPOLYGON = 1, 2, 3, 4, 5, 6
_PARTS = {_MULTIPOINT: _POINT, _MULTILINE: _LINE, _MULTIPOLYGON: _POLYGON}
_KINDS = {
    "Point": _POINT,
    "LineString": _LINE,
    "Polygon": _POLYGON,
    "MultiPoint": _MULTIPOINT,
    "MultiLineString": _MULTILINE,
    "MultiPolygon": _MULTIPOLYGON,
}


class BadGeometry(Exception):
    """One geometry cannot be taken."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


_BROKEN = "The geometry is damaged. Draw it again, or export it again."
_WRONG_TYPE = "Only points, lines, areas and collections of one of these are read. Convert it in QGIS."
_NOT_FINITE = "A coordinate is not a number. Draw the geometry again."


def from_wkb(data: bytes, vertices: int) -> str | None:
    """Plain WKB, as hexadecimal text, of untrusted ISO WKB; None when it is empty.

    Parameters
    ----------
    data : bytes
        ISO WKB of any byte order and dimension; Z and M are dropped.
    vertices : int
        Vertices a geometry may have.

    Raises
    ------
    BadGeometry
        ``invalid-geometry``, ``geometry-type`` or ``not-a-number``.
    FileRefused
        ``too-complex``.
    """
    reader = _Bytes(data, vertices)
    try:
        shape = reader.geometry(within=None)
    except struct.error:
        raise BadGeometry("invalid-geometry", _BROKEN) from None
    return shape.hex() if shape else None


def from_geojson(geometry: Any, vertices: int) -> str | None:
    """Plain WKB, as hexadecimal text, of an untrusted GeoJSON geometry; None when it is empty.

    Raises
    ------
    BadGeometry
        ``invalid-geometry``, ``geometry-type`` or ``not-a-number``.
    FileRefused
        ``too-complex``.
    """
    if not isinstance(geometry, dict):
        raise BadGeometry("invalid-geometry", _BROKEN)
    kind = _KINDS.get(str(geometry.get("type")))
    if kind is None:
        raise BadGeometry("geometry-type", _WRONG_TYPE)
    shape = _Coordinates(vertices).geometry(kind, geometry.get("coordinates"))
    return shape.hex() if shape else None


def _point(x: float, y: float) -> bytes:
    return struct.pack("<BIdd", 1, _POINT, x, y)


def _path(numbers: Sequence[float]) -> bytes:
    return struct.pack(f"<I{len(numbers)}d", len(numbers) // 2, *numbers)


def _line(numbers: Sequence[float]) -> bytes:
    if len(numbers) < 4:
        raise BadGeometry("invalid-geometry", "A line needs two points. Draw it again.")
    return struct.pack("<BI", 1, _LINE) + _path(numbers)


def _polygon(rings: list[Sequence[float]]) -> bytes:
    for ring in rings:
        if len(ring) < 8 or ring[0] != ring[-2] or ring[1] != ring[-1]:
            raise BadGeometry("invalid-geometry", "The outline of an area is not closed. Draw it again.")
    return struct.pack("<BII", 1, _POLYGON, len(rings)) + b"".join(map(_path, rings))


def _collection(kind: int, parts: list[bytes]) -> bytes:
    return struct.pack("<BII", 1, kind, len(parts)) + b"".join(parts)


def _require_finite(numbers: Sequence[float]) -> None:
    if not math.isfinite(sum(numbers)):
        raise BadGeometry("not-a-number", _NOT_FINITE)


class _Bytes:
    """Reads WKB from the front, never past its end."""

    def __init__(self, data: bytes, vertices: int) -> None:
        self._data, self._at, self._left = data, 0, vertices
        self._order, self._dimensions = "<", 2

    def geometry(self, *, within: int | None) -> bytes:
        (order,) = self._take("B")
        self._order = "<" if order == 1 else ">"
        (code,) = self._take("I")
        kind, self._dimensions = code % 1000, (2, 3, 3, 4)[code // 1000] if code < 4000 else 0
        if not self._dimensions or kind not in _KINDS.values():
            raise BadGeometry("geometry-type", _WRONG_TYPE)
        if within is not None and kind != _PARTS[within]:
            raise BadGeometry("invalid-geometry", _BROKEN)
        if kind == _POINT:
            x, y, *_ = self._take(f"{self._dimensions}d")
            if math.isnan(x) and math.isnan(y):
                return b""
            _require_finite((x, y))
            return _point(x, y)
        if kind == _LINE:
            numbers = self._vertices()
            return _line(numbers) if numbers else b""
        if kind == _POLYGON:
            rings = [self._vertices() for _ in range(self._count(4))]
            return _polygon(rings) if rings else b""
        parts = [part for _ in range(self._count(5)) if (part := self.geometry(within=kind))]
        return _collection(kind, parts) if parts else b""

    def _take(self, form: str) -> tuple[Any, ...]:
        values = struct.unpack_from(self._order + form, self._data, self._at)
        self._at += struct.calcsize(self._order + form)
        return values

    def _count(self, least_bytes: int) -> int:
        (count,) = self._take("I")
        if count * least_bytes > len(self._data) - self._at:
            raise BadGeometry("invalid-geometry", _BROKEN)
        return int(count)

    def _vertices(self) -> Sequence[float]:
        count = self._count(8 * self._dimensions)
        self._left -= count
        if self._left < 0:
            raise too_complex()
        numbers = self._take(f"{count * self._dimensions}d")
        flat = tuple(
            chain.from_iterable(
                zip(numbers[:: self._dimensions], numbers[1 :: self._dimensions], strict=True)
            )
        )
        _require_finite(flat)
        return flat


class _Coordinates:
    """Reads GeoJSON coordinates, whose every level may be anything at all."""

    def __init__(self, vertices: int) -> None:
        self._left = vertices

    def geometry(self, kind: int, coordinates: Any) -> bytes:
        if kind == _POINT:
            return _point(*self._position(coordinates)) if self._list(coordinates) else b""
        if kind == _LINE:
            numbers = self._path(coordinates)
            return _line(numbers) if numbers else b""
        if kind == _POLYGON:
            rings: list[Sequence[float]] = [self._path(ring) for ring in self._list(coordinates)]
            return _polygon(rings) if rings else b""
        parts = [self.geometry(_PARTS[kind], part) for part in self._list(coordinates)]
        return _collection(kind, [part for part in parts if part]) if any(parts) else b""

    def _list(self, value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise BadGeometry("invalid-geometry", _BROKEN)
        return value

    def _path(self, value: Any) -> Sequence[float]:
        return tuple(chain.from_iterable(map(self._position, self._list(value))))

    def _position(self, value: Any) -> tuple[float, float]:
        self._left -= 1
        if self._left < 0:
            raise too_complex()
        numbers = self._list(value)
        # bool is an int to Python, and text is no number at all.
        if len(numbers) < 2 or not all(type(number) in (int, float) for number in numbers[:2]):
            raise BadGeometry("invalid-geometry", _BROKEN)
        try:
            x, y = float(numbers[0]), float(numbers[1])
        except OverflowError:
            x = y = math.inf
        _require_finite((x, y))
        return x, y


def too_complex() -> FileRefused:
    """Refuse a geometry with more vertices than are read."""
    return FileRefused(
        "A geometry has more vertices than are read. Simplify it in QGIS and send it again.",
        code="too-complex",
    )

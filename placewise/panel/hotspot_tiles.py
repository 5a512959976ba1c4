"""Counts of the map's records on the squares of web map tiles: every record once, on every zoom.

A map that draws at most so many records of a tile shows a wrong picture with no sign of it. Here a tile holds counts of
at most 64 x 64 squares, and the counts of all tiles of a zoom add up to the records of the view. The records are sorted
once along a curve that keeps a tile's records together (Morton's order, that of quadkeys), so that a tile is a slice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from placewise.core.errors import BadRequest, NotFound
from placewise.panel.hotspots import Laid
from placewise.store.osgb import to_lonlat

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Runs = tuple[Integers, Integers]

#: Squares along the side of a tile are two to this power: four pixels of the screen each.
SIDE_BITS = 6
#: From here on squares get no smaller: 24 m in the south of England, 22 m in the north. The finest accuracy that a
#: record can have is 20 m; a dot any finer would say more than is known, and point at one house.
FINEST_ZOOM = 14
#: As far as a map can be zoomed in.
CLOSEST_ZOOM = 18
_AXIS_BITS = FINEST_ZOOM + SIDE_BITS
#: A period of 340 years has fewer months than this allows.
_MONTH_BITS = 12
_EVERY_MONTH = (1 << _MONTH_BITS) - 1
_SPREAD = (
    (16, 0x0000FFFF0000FFFF),
    (8, 0x00FF00FF00FF00FF),
    (4, 0x0F0F0F0F0F0F0F0F),
    (2, 0x3333333333333333),
    (1, 0x5555555555555555),
)


@dataclass(frozen=True, slots=True)
class Tile:
    """Counts on one tile.

    Attributes
    ----------
    side : int
        Squares along a side: 64, and fewer where squares get no smaller.
    square : ndarray of int64, shape (squares with records,)
        ``row * side + column`` from the north-west corner.
    count : ndarray of int64, same shape
    n : int
        Records on all tiles together.
    highest : int
        Highest count of a square of this zoom, on any tile, in the whole period: months share the period's scale.
    crowded : bool
        Squares with records have mostly neighbours with records: large dots would hide one another.
    """

    side: int
    square: Integers = field(repr=False)
    count: Integers = field(repr=False)
    n: int
    highest: int
    crowded: bool


@dataclass(frozen=True)
class PointTiles:
    """Records of one view, ready to be counted by tile.

    Attributes
    ----------
    packed : ndarray of int64, shape (records,)
        Sorted: the square of the finest grid along Morton's curve, then the position of the month.
    months : tuple of str
    n_by_month : ndarray of int64, shape (months,)
    levels : tuple of (code, count)
        For each zoom from 0 to `FINEST_ZOOM`: the squares that hold records, in order, and how many.
    highest : tuple of int
        Highest count of a square at each of these zooms.
    """

    packed: Integers = field(repr=False)
    months: tuple[str, ...]
    n_by_month: Integers = field(repr=False)
    levels: tuple[Runs, ...] = field(repr=False)
    highest: tuple[int, ...]

    @property
    def nbytes(self) -> int:
        """Memory held."""
        return self.packed.nbytes + sum(code.nbytes + count.nbytes for code, count in self.levels)

    def tile(self, zoom: int, column: int, row: int, month: str | None = None) -> Tile:
        """Counts on one tile of the whole period, or of one month.

        Raises
        ------
        NotFound
            There is no such tile.
        BadRequest
            The month is not in the period.
        """
        check_tile(zoom, column, row)
        side_bits = min(SIDE_BITS, _AXIS_BITS - zoom)
        level = min(zoom, FINEST_ZOOM)
        code, count = self.levels[level]
        if month is None:
            n = int(self.packed.size)
            below = 2 * side_bits  # bits of a square's code under those of its tile
            inside = _slice(code, _interleaved(column, row), below)
            runs = code[inside], count[inside]
        else:
            position = self._position(month)
            n, below = int(self.n_by_month[position]), 2 * (_AXIS_BITS - zoom)
            slice_of = self.packed[_slice(self.packed, _interleaved(column, row), below + _MONTH_BITS)]
            own = slice_of[(slice_of & _EVERY_MONTH) == position] >> (_MONTH_BITS + below - 2 * side_bits)
            runs = _runs(own, np.ones(own.size, dtype=np.int64))
        local = runs[0] & ((1 << 2 * side_bits) - 1)
        square = (_even(local >> 1) << side_bits) | _even(local)
        return Tile(1 << side_bits, square, runs[1], n, self.highest[level], self._crowded(level))

    def _crowded(self, level: int) -> bool:
        """Whether most of the four squares within each larger one hold records."""
        return level > 0 and self.levels[level][0].size > 2 * self.levels[level - 1][0].size

    def _position(self, month: str) -> int:
        if month not in self.months:
            raise BadRequest("The month of the time slider is not in the period.")
        return self.months.index(month)


def check_tile(zoom: int, column: int, row: int) -> None:
    """Raise ``NotFound`` where there is no such tile."""
    if not (0 <= zoom <= CLOSEST_ZOOM and 0 <= column < 1 << zoom and 0 <= row < 1 << zoom):
        raise NotFound("There is no such tile.")


def tiles_of(laid: Laid) -> PointTiles:
    """The records that the map of this filter places, in every month of its period."""
    records = laid.records
    shown = np.flatnonzero(records.shown_any_month)
    shown = shown[laid.grid.locate(records.columns.x[shown], records.columns.y[shown]) >= 0]
    lon, lat = to_lonlat(records.columns.x[shown], records.columns.y[shown])
    return point_tiles(lon, lat, records.month[shown], records.months)


def point_tiles(lon: Floats, lat: Floats, month: Integers, months: Sequence[str]) -> PointTiles:
    """Sort points for counting by tile.

    Parameters
    ----------
    lon, lat : ndarray of float64, shape (n,)
        Degrees (EPSG:4326); a point without a position (NaN) is left out.
    month : ndarray of int64, shape (n,)
        Position in ``months``.
    """
    known = np.isfinite(lon) & np.isfinite(lat)
    column, row = _squares(lon[known], lat[known])
    code = _spread(column) | _spread(row) << 1
    packed = np.sort(code << _MONTH_BITS | month[known])
    n_by_month = np.bincount(month[known], minlength=len(months))
    levels = _levels(packed >> _MONTH_BITS)
    highest = tuple(int(count.max(initial=0)) for _, count in levels)
    return PointTiles(packed, tuple(months), n_by_month, levels, highest)


def _squares(lon: Floats, lat: Floats) -> tuple[Integers, Integers]:
    """Column and row of each point on the finest grid; what lies on an edge belongs to the east and the south."""
    across = (lon + 180) / 360
    down = (1 - np.arcsinh(np.tan(np.radians(lat))) / np.pi) / 2
    most = (1 << _AXIS_BITS) - 1
    column, row = (
        np.clip(np.floor(share * (1 << _AXIS_BITS)), 0, most).astype(np.int64) for share in (across, down)
    )
    return column, row


def _levels(code: Integers) -> tuple[Runs, ...]:
    """Squares and counts of each zoom, each from the one below."""
    finest = _runs(code, np.ones(code.size, dtype=np.int64))
    levels = [finest]
    for _ in range(FINEST_ZOOM):
        above, count = levels[-1]
        levels.append(_runs(above >> 2, count))
    return tuple(reversed(levels))


def _runs(code: Integers, count: Integers) -> Runs:
    """Each different one of sorted codes, and the sum of its counts."""
    if not code.size:
        return code, count
    starts = np.flatnonzero(np.concatenate([[True], code[1:] != code[:-1]]))
    return code[starts], np.add.reduceat(count, starts)


def _slice(code: Integers, tile: int, below: int) -> slice:
    """Where the codes of a tile stand among sorted ones."""
    first, end = np.searchsorted(code, [tile << below, (tile + 1) << below])
    return slice(int(first), int(end))


def _interleaved(column: int, row: int) -> int:
    both = _spread(np.array([column, row], dtype=np.int64))
    return int(both[0] | both[1] << 1)


def _spread(value: Integers) -> Integers:
    """The bits of whole numbers (of up to 31 bits), each followed by a nought."""
    for by, mask in _SPREAD:
        value = (value | value << by) & mask
    return value


def _even(value: Integers) -> Integers:
    """Every other bit; undoes `_spread`."""
    value = value & _SPREAD[-1][1]
    for (by, _), (_, mask) in zip(reversed(_SPREAD), [*reversed(_SPREAD[:-1]), (0, 0xFFFFFFFF)], strict=True):
        value = (value | value >> by) & mask
    return value

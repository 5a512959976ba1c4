"""The parts of a map without boundaries: where records lie together, and where there is empty land between.

Files of two far cities must not make one study area: over the empty land between them chance would put next to
nothing into any cell, and every street of both would stand out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import pdist

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

#: Records whose squares of this side touch, corners included, are one part: parts lie further apart than this.
SQUARE_M = 10_000.0
#: Where there is no boundary at all, the outline of the records is widened by this much.
HULL_MARGIN_M = 250.0
#: A part of fewer records, or of a smaller share of all, is no area of its own but records far from the rest.
AREA_FROM, AREA_FROM_SHARE = 10, 0.001

_COLUMN = 1 << 20  # a square's number is its column times this, and its row
_BESIDE = (1, _COLUMN - 1, _COLUMN, _COLUMN + 1)  # half of the eight squares around; the others follow


@dataclass(frozen=True)
class Parts:
    """Parts of the ground, most records first.

    Attributes
    ----------
    square : ndarray of int64
        Numbers of the squares that hold records, ascending.
    part_of_square : ndarray of int64
    n : ndarray of int64, shape (parts,)
        Records in each part, of all kinds.
    is_area : ndarray of bool, shape (parts,)
        False for a part that is only a few records far from the rest.
    outlines : list of shapely geometries
        EPSG:27700. Of an area, the hull of its records; of others, a disc around each record.
    """

    square: Integers = field(repr=False)
    part_of_square: Integers = field(repr=False)
    n: Integers
    is_area: Flags
    outlines: list[shapely.Geometry] = field(repr=False)

    def of(self, x: Floats, y: Floats) -> Integers:
        """Part of each of the points that the parts were made from, or of some of them."""
        found: Integers = self.part_of_square[np.searchsorted(self.square, _squares(x, y))]
        return found

    @cached_property
    def area(self) -> shapely.Geometry:
        """The study area: all outlines, without the land between them."""
        return shapely.union_all(self.outlines)

    @property
    def source(self) -> str:
        """Where the line of the study area comes from, as a phrase for the page."""
        areas = int(self.is_area.sum())
        whose = (
            "the outline of the records"
            if areas == 1
            else f"the {areas} outlines of the records, one each area"
        )
        said = f"{whose}, {HULL_MARGIN_M:g} m beyond the outermost"
        few = int(self.n[~self.is_area].sum())
        if few:
            said += f", and {HULL_MARGIN_M:g} m around {few:,} far from the rest"
        empty = "; the land between is left out" if len(self.outlines) > 1 else ""
        return f"{said}{empty}, because no boundary is imported"

    def apart_m(self, parts: Integers) -> float:
        """Largest distance between the centres of some parts."""
        return float(pdist(self._centres[parts]).max(initial=0.0))

    def furthest_m(self, some: Integers, rest: Integers) -> float:
        """How far the furthest of some parts lies from the nearest of the rest, centre to centre."""
        gaps = self._centres[some][:, None] - self._centres[rest]
        return float(np.hypot(gaps[..., 0], gaps[..., 1]).min(axis=1).max())

    @cached_property
    def _centres(self) -> Floats:
        return shapely.get_coordinates(shapely.centroid(np.array(self.outlines, dtype=object)))


def find_parts(x: Floats, y: Floats) -> Parts:
    """Divide points (metres, EPSG:27700; at least one) where there is empty land between them.

    Notes
    -----
    Squares of a fixed lattice that hold points are joined where they touch. Time O(n log n).
    """
    square, at = np.unique(_squares(x, y), return_inverse=True)
    part_of_square, n = _most_first(_joined(square), np.bincount(at))
    is_area = n >= max(AREA_FROM, AREA_FROM_SHARE * x.size)
    if not is_area.any():
        is_area[:] = True
    spots = np.unique(x + 1j * y)  # published points repeat: far fewer spots than records
    part = part_of_square[np.searchsorted(square, _squares(spots.real, spots.imag))]
    order = np.argsort(part, kind="stable")
    groups = np.split(spots[order], np.cumsum(np.bincount(part))[:-1])
    return Parts(
        square,
        part_of_square,
        n,
        is_area,
        [_outline(group, hull=bool(whole)) for group, whole in zip(groups, is_area, strict=True)],
    )


def _squares(x: Floats, y: Floats) -> Integers:
    column, row = np.floor(x / SQUARE_M), np.floor(y / SQUARE_M)
    return (column * _COLUMN + row).astype(np.int64)


def _joined(square: Integers) -> Integers:
    """Group of each square, any numbering."""
    here, there = [], []
    for step in _BESIDE:
        at = np.minimum(np.searchsorted(square, square + step), square.size - 1)
        touching = np.flatnonzero(square[at] == square + step)
        here.append(touching)
        there.append(at[touching])
    rows, columns = np.concatenate(here), np.concatenate(there)
    links = coo_array((np.ones(rows.size, dtype=bool), (rows, columns)), shape=(square.size, square.size))
    group: Integers = connected_components(links, directed=False)[1].astype(np.int64)
    return group


def _most_first(group: Integers, held: Integers) -> tuple[Integers, Integers]:
    """Number the groups of squares by the records they hold; equal ones by their westernmost square."""
    n = np.bincount(group, weights=held).astype(np.int64)
    order = np.argsort(-n, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(order.size)
    return rank[group], n[order]


def _outline(spots: NDArray[np.complex128], *, hull: bool) -> shapely.Geometry:
    points = shapely.multipoints(np.column_stack([spots.real, spots.imag]))
    widened: shapely.Geometry = shapely.buffer(shapely.convex_hull(points) if hull else points, HULL_MARGIN_M)  # type: ignore[assignment]  # a geometry gives a geometry
    return widened

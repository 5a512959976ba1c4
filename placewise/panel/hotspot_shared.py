"""Points that stand for more than themselves: many records of one rough accuracy at one exact coordinate.

A record known only to a street is given the street's midpoint. Twenty of them make a dense cell where perhaps
nothing happened: such a cell may stand out from chance, but it must not be read as the spot of the harm.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from placewise.core.vocabulary import terms
from placewise.geo.adjacency import Adjacency

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

#: What each rough accuracy says, and where the harm may be instead. Published points (snap_point) have their own
#: note above the map; an exact place that many records share is where they happened.
ROUGH = {
    "street": ("a street", "elsewhere along it"),
    "junction": ("a junction", "elsewhere around it"),
    "premises": ("a site", "elsewhere on it or beside it"),
    "postcode": ("a postcode", "elsewhere in it"),
}
#: Two rough records at one coordinate are often one event told by two agencies; from three on, it is a stand-in.
SHARED_FROM = 3
#: From half on, the cell's place is more the stand-in's than that of its other records.
SHARE_AT_LEAST = 0.5


@dataclass(frozen=True, slots=True)
class SharedPoints:
    """Which records stand on shared points.

    Attributes
    ----------
    point : ndarray of int64, shape (records,)
        Number of the shared point each record stands on; -1 for none.
    mostly, mostly_around : ndarray of bool, shape (cells,)
        At least half of the cell's records stand on shared points; or of its and its neighbours' records
        together, for chance is told from a cell with its neighbours.
    """

    point: Integers = field(repr=False)
    mostly: Flags = field(repr=False)
    mostly_around: Flags = field(repr=False)


def shared_points(
    position: Integers,
    accuracy: Integers,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    *,
    adjacency: Adjacency,
    n_cells: int,
) -> SharedPoints:
    """Find the shared points and the cells made mostly of them.

    Parameters
    ----------
    position : ndarray of int64, shape (records,)
        Cell of each record; -1 where it is not on the map.
    accuracy : ndarray of int64, shape (records,)
        Position in the vocabulary of accuracies; -1 where absent.
    x, y : ndarray of float64, shape (records,)
        Metres, EPSG:27700.
    adjacency : Adjacency
    n_cells : int

    Notes
    -----
    Time O(n log n) in the rough records on the map.
    """
    is_rough = np.array([code in ROUGH for code in terms("accuracy")] + [False])
    rows = np.flatnonzero((position >= 0) & is_rough[accuracy])
    spots = np.column_stack([accuracy[rows].astype(np.float64), x[rows], y[rows]])
    _, spot, sizes = np.unique(spots, axis=0, return_inverse=True, return_counts=True)
    spot = spot.reshape(-1)
    point = np.full(position.size, -1, dtype=np.int64)
    point[rows] = np.where(sizes[spot] >= SHARED_FROM, spot, -1)
    all_here = np.bincount(position[position >= 0], minlength=n_cells)
    shared_here = np.bincount(position[point >= 0], minlength=n_cells)
    shared_around, all_around = (_with_neighbours(n, adjacency) for n in (shared_here, all_here))
    return SharedPoints(point, _mostly(shared_here, all_here), _mostly(shared_around, all_around))


def _mostly(part: Integers, whole: Integers) -> Flags:
    return (whole > 0) & (part >= SHARE_AT_LEAST * whole)


def _with_neighbours(values: Integers, adjacency: Adjacency) -> Integers:
    before = np.concatenate([[0], np.cumsum(values[adjacency.indices])])
    around: Integers = values + before[adjacency.indptr[1:]] - before[adjacency.indptr[:-1]]
    return around


def mostly_shared(point: Integers) -> bool:
    """Whether at least half of some records, given by their shared points, stand on one."""
    return bool(point.size) and bool((point >= 0).mean() >= SHARE_AT_LEAST)


def spoken(point: Integers, accuracy: Integers, where: str = "") -> str:
    """How many of some records stand on shared points, and what that leaves open.

    Parameters
    ----------
    point, accuracy : ndarray of int64
        Of the records to speak of: the cell's own, or also those of the cells around it.
    where : str
        Where these records are, if not only in one cell: " here and in the cells around it".

    Examples
    --------
    >>> street = list(terms("accuracy")).index("street")
    >>> spoken(np.array([0, 0, 0, -1]), np.array([street] * 4))
    '3 of 4 records are known only to a street and share one point: harm may be elsewhere along it'
    """
    on = point >= 0
    n, points = int(on.sum()), np.unique(point[on]).size
    kinds = [code for i, code in enumerate(terms("accuracy")) if i in set(accuracy[on].tolist())]
    known, elsewhere = ROUGH[kinds[0]] if len(kinds) == 1 else ("a street or the like", "elsewhere nearby")
    share = "share one point" if points == 1 else f"share {points} points"
    return (
        f"{n:,} of {point.size:,} records{where} are known only to {known} and {share}: "
        f"harm may be {elsewhere}"
    )

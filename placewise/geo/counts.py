"""How many incidents, and how many different children, each cell saw."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from placewise.core.errors import MissingValue
from placewise.geo.adjacency import Adjacency, neighbourhood_sums, sorted_distinct
from placewise.geo.crs import Floats, Integers

NO_CHILD = -1
OUTSIDE = -1


def incidents_per_cell(cell: ArrayLike, *, n_cells: int) -> Integers:
    """Count incidents by cell.

    A count is of *records*: one child reported missing nine times from one park adds nine. Read it
    beside `children_per_cell`.

    Parameters
    ----------
    cell : array_like of int, shape (n,)
        Position of each incident's cell; -1 (outside the study area) is left out.
    n_cells : int

    Returns
    -------
    ndarray of int64, shape (n_cells,)

    Raises
    ------
    IndexError
        A position is below -1 or not below ``n_cells``.

    Examples
    --------
    >>> incidents_per_cell([0, 2, 2, -1], n_cells=3).tolist()
    [1, 0, 2]
    """
    positions = _positions(cell, n_cells)
    if positions.size and positions.min() >= 0:
        return np.bincount(positions, minlength=n_cells).astype(np.int64, copy=False)
    # Moving every position up by one gives "outside" a bin of its own, cheaper than picking rows out.
    return np.bincount(positions + 1, minlength=n_cells + 1)[1:].astype(np.int64, copy=False)


def weight_per_cell(cell: ArrayLike, weight: ArrayLike, *, n_cells: int) -> Floats:
    """Sum weights by cell, for records spread over several cells or sharing one incident.

    Parameters
    ----------
    cell : array_like of int, shape (n,)
        Positions; -1 is left out.
    weight : array_like of float, shape (n,)
    n_cells : int

    Raises
    ------
    MissingValue
        A weight is NaN or infinite.

    Examples
    --------
    >>> weight_per_cell([0, 1, 1], [0.5, 0.25, 0.25], n_cells=2).tolist()
    [0.5, 0.5]
    """
    positions = _positions(cell, n_cells)
    weights = np.asarray(weight, dtype=np.float64)
    if weights.shape != positions.shape:
        raise ValueError(f"{weights.size} weights for {positions.size} records")
    gaps = int(np.count_nonzero(~np.isfinite(weights)))
    if gaps:
        raise MissingValue(f"{gaps} of {weights.size} weights are missing or infinite.")
    return np.bincount(positions + 1, weights=weights, minlength=n_cells + 1)[1:].astype(
        np.float64, copy=False
    )


def children_per_cell(cell: ArrayLike, child: ArrayLike, *, n_cells: int) -> Integers:
    """Count the different children seen in each cell.

    The number is of children *known* to the records given; incidents with no child recorded add none, so
    it can be less than the truth and must not be shown alone. A child seen in two cells counts in both.

    Parameters
    ----------
    cell, child : array_like of int, shape (n,)
        One row for each child of each incident: the position of its cell (-1 outside) and a number that
        stands for the child (-1 where none is recorded).
    n_cells : int

    Returns
    -------
    ndarray of int64, shape (n_cells,)

    Examples
    --------
    >>> children_per_cell([0, 0, 0, 1], [7, 7, 8, -1], n_cells=2).tolist()
    [2, 0]
    """
    positions, children = _pairs(cell, child, n_cells)
    known = (positions != OUTSIDE) & (children != NO_CHILD)
    return incidents_per_cell(_distinct_cells(positions[known], children[known]), n_cells=n_cells)


def independent_reports_per_cell(cell: ArrayLike, child: ArrayLike, *, n_cells: int) -> Integers:
    """Count each child once in a cell, and each incident without a recorded child once.

    This is what a significance test should count: it takes records for independent, and the repeats of
    one child are not (`docs/methods.md` gives the false alarms they cause).

    Parameters
    ----------
    cell, child : array_like of int, shape (n,)
        One row for each *incident*: its cell (-1 outside) and one child (-1 where none is recorded).
        An incident that involved several children is still one report; give the lowest number.
    n_cells : int

    Examples
    --------
    >>> independent_reports_per_cell([0, 0, 0, 0], [7, 7, -1, -1], n_cells=1).tolist()
    [3]
    """
    positions, children = _pairs(cell, child, n_cells)
    unnamed = incidents_per_cell(positions[children == NO_CHILD], n_cells=n_cells)
    return unnamed + children_per_cell(positions, children, n_cells=n_cells)


def independent_reports_around(cell: ArrayLike, child: ArrayLike, adjacency: Adjacency) -> Integers:
    """Count each child once in a neighbourhood: a cell together with its neighbours.

    Summing `independent_reports_per_cell` over a neighbourhood counts a child who moves between next-door
    cells several times; this does not. It is never more than that sum.

    Parameters
    ----------
    cell, child : array_like of int, shape (n,)
        As for `independent_reports_per_cell`.
    adjacency : Adjacency
        Neighbours of the n cells; must be mutual.

    Returns
    -------
    ndarray of int64, shape (n,)

    Notes
    -----
    Time O(m k log m k) for m distinct pairs of cell and child and k neighbours.

    Examples
    --------
    >>> from placewise.geo.adjacency import adjacency_from_pairs
    >>> line = adjacency_from_pairs([0, 1, 1, 2], [1, 0, 2, 1], n_cells=3)
    >>> independent_reports_around([0, 1, 2], [7, 7, -1], line).tolist()
    [1, 2, 2]
    """
    n_cells = adjacency.n_cells
    positions, children = _pairs(cell, child, n_cells)
    unnamed = incidents_per_cell(positions[children == NO_CHILD], n_cells=n_cells)
    known = (positions != OUTSIDE) & (children != NO_CHILD)
    positions, children = positions[known], children[known]
    degree = adjacency.degree[positions]
    row = np.repeat(np.arange(positions.size), degree)
    rank = np.arange(row.size) - np.repeat(np.cumsum(degree) - degree, degree)
    around = adjacency.indices[adjacency.indptr[positions][row] + rank]
    named = children_per_cell(
        np.concatenate([positions, around]), np.concatenate([children, children[row]]), n_cells=n_cells
    )
    return named + neighbourhood_sums(unnamed.astype(np.float64), adjacency).astype(np.int64)


def independent_reports_once(cell: ArrayLike, child: ArrayLike, *, n_cells: int, seed: int) -> Integers:
    """Count each child once in the whole area, at one of its records drawn by lot, and other incidents once.

    This is what a shuffle of whole cells should count. A child who is seen in two neighbouring cells makes
    both of them higher, and to a shuffle, which supposes that cells have nothing to do with each other,
    that is a patch (`docs/methods.md` gives the false alarms). What is lost is where else the child was.

    Parameters
    ----------
    cell, child : array_like of int, shape (n,)
        As for `independent_reports_per_cell`.
    n_cells : int
    seed : int
        Of the lot. Any fixed rule, such as the first cell, would heap children up on one side of the area.

    Examples
    --------
    >>> independent_reports_once([0, 0, 2, 2, -1], [7, 7, -1, -1, 8], n_cells=3, seed=1).tolist()
    [1, 0, 2]
    """
    positions, children = _pairs(cell, child, n_cells)
    inside = np.flatnonzero(positions != OUTSIDE)
    lot = np.random.default_rng(seed).permutation(inside)
    _, first = np.unique(group_numbers(children[lot], lot.size), return_index=True)
    return incidents_per_cell(positions[lot[first]], n_cells=n_cells)


def checked_children(child: ArrayLike, n: int, *, what: str = "child") -> Integers:
    """Return children's numbers as integers of shape (n,), -1 for none; the input is not modified.

    Raises
    ------
    ValueError
        There is not one number a record.
    MissingValue
        A number is not whole.
    """
    children = np.asarray(child)
    if children.shape != (n,):
        raise ValueError(f"{what} needs one number a record: {children.shape} for {n} records")
    if n and not np.issubdtype(children.dtype, np.integer):
        raise MissingValue(f"{what} is a whole number for each record; use -1 where there is none.")
    return children.astype(np.int64, copy=False)


def group_numbers(child: ArrayLike | None, n: int, *, what: str = "child") -> Integers:
    """Number the groups that records fall into: one for each child, one for each record without a child.

    Raises
    ------
    ValueError, MissingValue
        As for `checked_children`.

    Examples
    --------
    >>> group_numbers([9, -1, 4, 9, -1], 5).tolist()
    [1, 2, 0, 1, 3]
    """
    if child is None:
        return np.arange(n, dtype=np.int64)
    children = checked_children(child, n, what=what)
    alone = children < 0
    groups = np.empty(n, dtype=np.int64)
    kinds, groups[~alone] = np.unique(children[~alone], return_inverse=True)
    groups[alone] = kinds.size + np.arange(np.count_nonzero(alone))
    return groups


def _distinct_cells(positions: Integers, children: Integers) -> Integers:
    """Return the cell of each distinct (cell, child) pair."""
    if not positions.size:
        return positions
    low, high = int(children.min()), int(children.max())
    span = high - low + 1
    if (int(positions.max()) + 1) * span >= 2**62:  # ids too far apart to pack into one integer
        children = np.unique(children, return_inverse=True)[1].astype(np.int64)
        low, span = 0, int(children.max()) + 1
    return sorted_distinct(positions * np.int64(span) + (children - low)) // np.int64(span)


def _pairs(cell: ArrayLike, child: ArrayLike, n_cells: int) -> tuple[Integers, Integers]:
    positions, children = _positions(cell, n_cells), np.asarray(child, dtype=np.int64)
    if positions.shape != children.shape:
        raise ValueError(f"{positions.size} cells for {children.size} children")
    return positions, children


def _positions(cell: ArrayLike, n_cells: int) -> Integers:
    positions = np.asarray(cell)
    if positions.size and not np.issubdtype(positions.dtype, np.integer):
        raise MissingValue(
            "Cell positions must be whole numbers; use -1 for a record outside the study area."
        )
    positions = positions.astype(np.int64, copy=False)
    if positions.size and (positions.min() < OUTSIDE or positions.max() >= n_cells):
        raise IndexError(f"cell positions must lie between -1 and {n_cells - 1}")
    return positions

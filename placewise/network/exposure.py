"""How many different children meet each place: of which groups, when, and with which adults of concern.

Counts belong to places. Nothing says how many places a child meets, and no child is named, ordered or scored.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array

from placewise.core.errors import InvalidLinks, TooManyPairs
from placewise.network.arrays import positions
from placewise.network.groups import Groups
from placewise.network.together import Whole

#: Above this the places that share a child take more than about a gigabyte to compare.
MAX_SHARED = 100_000_000


@dataclass(frozen=True)
class Exposure:
    """Different children at each of p places; each child counts once a figure, however many records there are.

    Attributes
    ----------
    places : ndarray of int64, shape (p,)
        Positions of the places, in the order asked for. Order says nothing.
    children : ndarray of int64, shape (p,)
        Different children.
    by_group : csr_array of int64, shape (p, groups)
        Those of each group. A child in two groups counts in both.
    in_no_group : ndarray of int64, shape (p,)
    by_period : ndarray of int64, shape (p, periods)
        Those met in each period. A child met in two periods counts in both.
    by_adult : csr_array of int64, shape (p, nodes)
        Those who are named there together with each adult of concern; columns are the adults' positions.
    """

    places: Whole
    children: Whole
    by_group: csr_array
    in_no_group: Whole
    by_period: Whole
    by_adult: csr_array
    _who: csr_array = field(repr=False)


@dataclass(frozen=True)
class Overlap:
    """What k places have in common.

    Attributes
    ----------
    places, children : ndarray of int64, shape (k,)
        Positions, and different children at each.
    shared : csr_array of int64, shape (k, k)
        Different children who meet both; on the diagonal, ``children``.
    only_here : ndarray of int64, shape (k,)
        Children who meet none of the other places of the set.
    in_all : int
        Different children of all k places together.
    """

    places: Whole
    children: Whole
    shared: csr_array
    only_here: Whole
    in_all: int

    @property
    def inclusion(self) -> csr_array:
        """Share of each row's children who also meet the column's place, in (0, 1] where any do, shape (k, k)."""
        shares = self.shared.astype(np.float64)
        shares.data /= np.repeat(self.children, np.diff(shares.indptr))
        return shares


def exposure(
    place: ArrayLike,
    child: ArrayLike,
    *,
    of: ArrayLike,
    n_nodes: int,
    adult: ArrayLike | None = None,
    period: ArrayLike | None = None,
    n_periods: int = 0,
    groups: Groups | None = None,
) -> Exposure:
    """Count the different children who meet each place, for all places at once.

    Meeting a place is what the rows given say it is (a link, a record of harm there, a stay). It is not harm by
    itself, and few records from a place may mean that few look.

    Parameters
    ----------
    place, child : array_like of int, shape (n,)
        Positions of nodes; repeated rows count once. Rows of places not asked for are left out. Not modified.
    of : array_like of int
        Positions of the places to count at, without repetition.
    n_nodes : int
    adult : array_like of int, shape (n,), optional
        The adult of concern named there with the child, -1 for none; two adults are two rows.
    period : array_like of int, shape (n,), optional
        0 to ``n_periods - 1``, -1 where not known: months, or hours of the week.
    groups : Groups, optional
        Of the same nodes.

    Raises
    ------
    InvalidLinks
        Columns of unequal length, positions out of range, a place asked for twice, or a child among the places.

    Notes
    -----
    Time O(n log n), memory O(n + places × periods).

    Examples
    --------
    >>> friends = Groups.build(6, [0, 1], [0, 0], n_groups=1)
    >>> found = exposure([4, 4, 5], [0, 1, 1], of=[5, 4], n_nodes=6, groups=friends)
    >>> found.children.tolist(), found.by_group.toarray().tolist()
    ([1, 2], [[1], [2]])
    """
    where, who, asked = (positions(nodes, n_nodes) for nodes in (place, child, of))
    with_whom, when = (
        np.full(where.size, -1) if given is None else positions(np.asarray(given) + 1, most + 1) - 1
        for given, most in ((adult, n_nodes), (period, n_periods))
    )
    if not where.size == who.size == with_whom.size == when.size:
        raise InvalidLinks("Every row needs a place, a child and, if any has one, an adult and a period.")
    if np.unique(asked).size != asked.size or np.isin(asked, who).any():
        raise InvalidLinks("Children are counted at places: each place once, and no child among them.")
    row = np.full(n_nodes, -1)
    row[asked] = np.arange(asked.size)
    at = row[where]
    here, told, timed = at >= 0, (at >= 0) & (with_whom >= 0), (at >= 0) & (when >= 0)
    meets = _matrix(*_once(at[here], who[here], n_nodes), shape=(asked.size, n_nodes))
    groups = groups or Groups.build(n_nodes, [], [], n_groups=0)
    groups.require(n_nodes)
    together, _ = _once(at[told] * n_nodes + with_whom[told], who[told], n_nodes)
    begins = np.flatnonzero(np.diff(together, prepend=-1))
    met, children_met = together[begins], np.diff(begins, append=together.size)
    in_period, _ = _once(at[timed] * n_periods + when[timed], who[timed], n_nodes)
    return Exposure(
        asked,
        np.diff(meets.indptr).astype(np.int64),
        (meets @ groups.matrix).astype(np.int64),
        meets @ (np.diff(groups.matrix.indptr) == 0).astype(np.int64),
        np.bincount(in_period, minlength=asked.size * n_periods).reshape(asked.size, n_periods),
        _matrix(met // n_nodes, met % n_nodes, children_met, shape=(asked.size, n_nodes)),
        meets,
    )


def overlap(found: Exposure, places: ArrayLike | None = None) -> Overlap:
    """Compare the children of several places: how many two share, and how many meet one alone.

    That children are shared does not say that they go from one to the other, nor in which order.

    Parameters
    ----------
    found : Exposure
        Not modified.
    places : array_like of int, optional
        Positions of places that were counted at, without repetition; all by default.

    Raises
    ------
    InvalidLinks
        A place that was not counted at, or one twice.
    TooManyPairs
        Too many places share children; the message says what to do.

    Notes
    -----
    One sparse product: time and memory grow with the pairs of places that each child joins.
    """
    wanted = found.places if places is None else np.atleast_1d(np.asarray(places))
    row = {place: i for i, place in enumerate(found.places.tolist())}
    if len(set(wanted.tolist())) != wanted.size or not set(wanted.tolist()) <= set(row):
        raise InvalidLinks("Places are compared that children were counted at, each once.")
    rows = np.array([row[place] for place in wanted.tolist()], dtype=np.int64)
    meets = found._who[rows]
    places_met = np.bincount(meets.indices, minlength=meets.shape[1])
    if (joined := int((places_met**2).sum())) > MAX_SHARED:
        raise TooManyPairs(
            f"Children join these {rows.size:,} places in {joined:,} ways, and {MAX_SHARED:,} can be compared. "
            "Choose fewer places or a shorter period."
        )
    only = meets @ (places_met == 1).astype(np.int64)
    shared = (meets @ meets.T).tocsr()
    shared.sort_indices()
    return Overlap(wanted, found.children[rows], shared, only, int(np.count_nonzero(places_met)))


def _once(outer: Whole, inner: Whole, n_inner: int) -> tuple[Whole, Whole]:
    """Each pair once, in order; sorting whole numbers is some 60 times quicker than `numpy.unique` of them."""
    every = np.sort(outer * n_inner + inner)
    pair = every[np.diff(every, prepend=-1) > 0]
    return pair // n_inner, pair % n_inner


def _matrix(row: Whole, column: Whole, value: Whole | None = None, *, shape: tuple[int, int]) -> csr_array:
    """Put sorted pairs that differ in rows; 1 each by default."""
    offsets = np.zeros(shape[0] + 1, dtype=np.int64)
    np.cumsum(np.bincount(row, minlength=shape[0]), out=offsets[1:])
    values = np.ones(row.size, dtype=np.int64) if value is None else value
    return csr_array((values, column, offsets), shape=shape)

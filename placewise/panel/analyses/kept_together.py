"""Which records belong to one child, so that its repeats are never taken for other children's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from placewise.store.map_records import EventColumns

Flags = NDArray[np.bool_]
Integers = NDArray[np.int64]

NO_CHILD = -1


def kept_together(columns: EventColumns, chosen: Flags) -> Integers:
    """Number the chosen records so that those that share a child have one number; -1 where no child is named.

    A record may name several children. Two records that share none still get one number when a third shares a
    child with each: so two records with different numbers are certainly not one child's.

    Parameters
    ----------
    columns : EventColumns
    chosen : ndarray of bool, shape (n,)

    Returns
    -------
    ndarray of int64, shape (chosen records,)
    """
    row = np.cumsum(chosen) - 1
    named = chosen[columns.child_event]
    event, (children, child) = (
        row[columns.child_event[named]],
        np.unique(columns.child[named], return_inverse=True),
    )
    n = int(chosen.sum())
    size = n + children.size
    links = coo_array((np.ones(event.size), (event, n + child)), shape=(size, size))
    _, number = connected_components(links, directed=False)
    together = np.full(n, NO_CHILD, dtype=np.int64)
    together[event] = number[event]
    return together

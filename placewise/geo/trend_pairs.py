"""Mann–Kendall's comparisons as a plain loop: run as it stands for one series, compiled for many.

A page asks about one series, which is not worth loading the compiler for; a cube has a series in each cell.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placewise.geo.crs import Integers

Compare = Callable[[NDArray[Any], NDArray[Any], NDArray[Any]], tuple[Integers, Integers, Integers]]

_SERIES = 64  # as many side by side as stay in the processor's nearest cache with all their steps


def compare(values: NDArray[Any]) -> tuple[Integers, Integers, Integers]:
    """Return later-is-higher pairs, tied pairs and Σ t(t−1)(2t+5) over the ties of each of n series.

    Parameters
    ----------
    values : ndarray of shape (T, n)
        NaN is an unknown step, which takes part in no pair. Not modified.
    """
    steps, n = values.shape
    # Narrow sums add up as many at a time as narrow values are compared.
    sums = np.uint16 if values.itemsize == 2 and steps < 1 << 16 else np.int64
    loop = _compare if n <= 1 else _compiled()
    higher, same = (np.empty(min(n, _SERIES) or 1, dtype=sums) for _ in range(2))
    return loop(values, higher, same)


@cache
def _compiled() -> Compare:
    from placewise.compiled import compiled

    return compiled(_compare)


def _compare(
    values: NDArray[Any], higher: NDArray[Any], same: NDArray[Any]
) -> tuple[Integers, Integers, Integers]:
    steps, n = values.shape
    rows = np.zeros((steps, higher.size), values.dtype)
    rises, tied_pairs, term = np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n, np.int64)
    for start in range(0, n, higher.size):
        here = min(higher.size, n - start)
        rows[:, :here] = values[:, start : start + here]
        for later in range(1, steps):
            higher[:] = 0
            same[:] = 0
            now = rows[later]
            for earlier in range(later):
                before = rows[earlier]
                for k in range(higher.size):
                    higher[k] += now[k] > before[k]
                    same[k] += now[k] == before[k]
            for k in range(here):
                # The t-th member of a group equals t − 1 before it, and f(t) − f(t − 1) = 6(t² − 1) for the term.
                equal = np.int64(same[k])
                rises[start + k] += np.int64(higher[k])
                tied_pairs[start + k] += equal
                term[start + k] += 6 * equal * (equal + 2)
    return rises, tied_pairs, term

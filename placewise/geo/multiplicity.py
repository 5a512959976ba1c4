"""Many cells, many tests: keeping the share of false alarms in hand."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from placewise.core.errors import MissingValue
from placewise.geo.crs import Floats


def benjamini_hochberg(p: ArrayLike) -> Floats:
    """Return q-values: the share of false alarms among all cells at least as striking as this one.

    Listing every cell with q at most 0.05 keeps the *expected share* of false alarms in that list at or
    below one in twenty. It does not say that a given listed cell has a 95% chance of being real.

    Parameters
    ----------
    p : array_like of shape (n,)
        One p-value a test, in [0, 1]. Not modified.

    Returns
    -------
    ndarray of float64, shape (n,)
        q in [0, 1], never below p, in the order of ``p``.

    Raises
    ------
    MissingValue
        A p-value is NaN or outside [0, 1].

    Notes
    -----
    Time O(n log n). Benjamini and Hochberg 1995, doi 10.1111/j.2517-6161.1995.tb02031.x; it stands under
    the positive dependence of overlapping neighbourhoods (Benjamini and Yekutieli 2001,
    doi 10.1214/aos/1013699998).

    Examples
    --------
    >>> [round(float(q), 3) for q in benjamini_hochberg([0.01, 0.04, 0.03, 0.5])]
    [0.04, 0.053, 0.053, 0.5]
    """
    values = np.asarray(p, dtype=np.float64)
    if values.ndim != 1:
        raise ValueError(f"p must be one-dimensional, not {values.shape}")
    if not np.all((values >= 0) & (values <= 1)):
        raise MissingValue("Every p-value must be a number from 0 to 1.")
    n = values.size
    order = np.argsort(values)  # equal p-values get the same q in whichever order
    ordered = values[order]
    stepped = ordered * (n / np.arange(1, n + 1))
    adjusted = np.minimum.accumulate(stepped[::-1])[::-1]
    q = np.empty(n)
    # n / rank * p can fall one rounding below p at the last rank.
    q[order] = np.clip(adjusted, ordered, 1.0)
    return q


def castro_singer_cut_off(p: ArrayLike, *, share: float = 0.05) -> float:
    """Return the largest p-value that may be listed: the cut-off Caldas de Castro and Singer use.

    Cells with p at or below it are those `benjamini_hochberg` gives a q of at most ``share``. Where there
    is none, Bonferroni's ``share / n`` is returned, which no p-value reaches either.

    Parameters
    ----------
    p : array_like of shape (n,)
        One p-value a cell, in [0, 1]. Not modified.
    share : float
        False alarms accepted among the cells listed, between 0 and 1.

    Raises
    ------
    MissingValue
        A p-value is NaN or outside [0, 1], or there is none.

    Notes
    -----
    The step-up rule: the largest p₍ᵢ₎ with p₍ᵢ₎ ≤ i share / n. Time O(n log n). Caldas de Castro and
    Singer 2006, doi 10.1111/j.0016-7363.2006.00682.x.

    Examples
    --------
    >>> castro_singer_cut_off([0.01, 0.02, 0.03, 0.5])     # 0.03 ≤ 3 · 0.05 / 4
    0.03
    """
    if not 0 < share < 1:
        raise ValueError(f"share must lie between 0 and 1, not {share}")
    values = np.asarray(p, dtype=np.float64)
    if values.ndim != 1:
        raise ValueError(f"p must be one-dimensional, not {values.shape}")
    if not values.size or not np.all((values >= 0) & (values <= 1)):
        raise MissingValue("Every p-value must be a number from 0 to 1, and there must be one at least.")
    ordered, n = np.sort(values), values.size
    passing = np.flatnonzero(ordered <= np.arange(1, n + 1) * (share / n))
    return float(ordered[passing[-1]]) if passing.size else share / n

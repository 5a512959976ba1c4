"""Getis–Ord Gi without the star, and both by conditional permutation: for values that are not whole counts."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from placewise.core.errors import NoVariation
from placewise.core.progress import OnProgress
from placewise.geo.adjacency import Adjacency, neighbourhood_sums
from placewise.geo.conditional import (
    N_PERMUTATIONS,
    Alternative,
    permutation_exceedances,
    require_comparable,
    tail_of,
)
from placewise.geo.crs import Floats, Integers, require_counts
from placewise.geo.getis_ord import star_z
from placewise.geo.multiplicity import benjamini_hochberg


@dataclass(frozen=True)
class LocalG:
    """The result of `local_g`, one entry a cell.

    Attributes
    ----------
    z : ndarray of float64
        Gi (or Gi*) as a standard score, no unit; 0 where nothing can be compared (no neighbours, or all
        other cells equal).
    p, q : ndarray of float64
        Chance, under the shuffle or the normal curve, of a total as far in the direction of
        ``alternative``, in (0, 1]; and the same adjusted over all cells (Benjamini–Hochberg).
    total : ndarray of float64
        Sum over the neighbours; with the cell itself for Gi*.
    star : bool
    alternative : str
    n_permutations : int
        0 where p is the normal tail of z.
    """

    z: Floats
    p: Floats
    q: Floats
    total: Floats
    star: bool
    alternative: Alternative
    n_permutations: int


def local_g(
    values: ArrayLike,
    adjacency: Adjacency,
    *,
    seed: int,
    star: bool = False,
    alternative: Alternative = "greater",
    n_permutations: int = N_PERMUTATIONS,
    executor: Executor | None = None,
    on_progress: OnProgress | None = None,
) -> LocalG:
    """Compare the neighbours of each cell (Gi), or cell and neighbours (Gi*), with all the other cells.

    Gi asks whether a cell's *surroundings* are high, whatever the cell itself holds. For whole counts on a
    map use `getis_ord.gi_star`, whose exact tails need no shuffling; this is for rates, weighted records
    and published comparisons. A high figure says that high values are recorded side by side, not why.

    Parameters
    ----------
    values : array_like of float >= 0, shape (n,)
        One value a cell. Where they count records, they must be independent: each child once in
        the whole area (`counts.independent_reports_once`). Once a cell is not enough, since a child seen in
        neighbouring cells would make a patch of its own. Not modified.
    adjacency : Adjacency
        Neighbours of the n cells, without the cell itself. Binary weights.
    seed : int
    star : bool
        Add the cell itself to its neighbours (Gi*). The shuffle leaves it in its place, so that p is the
        same with and without.
    alternative : {"greater", "less", "two_sided"}
        Fixed before the data are seen.
    n_permutations : int
        0 for the normal tail of z. The smallest p possible is 1 / (n_permutations + 1): to be able to
        list one cell of n by q at most 0.05, take at least 20 n.
    executor, on_progress
        Who deals the permutations, and who is told; see `chunks.pieces`.

    Returns
    -------
    LocalG

    Raises
    ------
    MissingValue
        A value is NaN, infinite or negative.
    TooFewCells
        Fewer than four cells, or no cell has a neighbour.
    NoVariation
        All values are equal.
    CalculationStopped
        ``on_progress`` returned False.

    Notes
    -----
    Gi: with k neighbours, and mean and population deviation s of the other n − 1 values,
    ``z = (total − k mean) / (s √(k (n − 1 − k) / (n − 2)))``; Gi* as in `getis_ord.gi_star`. Time
    O(R k + n log R). Getis and Ord 1992, doi 10.1111/j.1538-4632.1992.tb00261.x; Ord and Getis 1995,
    doi 10.1111/j.1538-4632.1995.tb00912.x.

    Examples
    --------
    >>> from placewise.geo.adjacency import adjacency_from_pairs
    >>> line = adjacency_from_pairs([0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2], n_cells=4)
    >>> result = local_g([4, 4, 0, 2], line, seed=1, n_permutations=0)
    >>> round(float(result.z[0]), 4)             # others 4, 0, 2: (4 - 2) / (√(8/3) √(1 · 2 / 2))
    1.2247
    """
    checked = _checked(values, adjacency)
    size = adjacency.degree
    with_self = neighbourhood_sums(checked, adjacency)
    around = with_self - checked
    z = star_z(checked, with_self, size + 1) if star else _z(checked, around, size)
    if n_permutations:
        found = permutation_exceedances(
            checked,
            around,
            size,
            n_permutations=n_permutations,
            seed=seed,
            executor=executor,
            on_progress=on_progress,
        )
        p = tail_of(found, alternative=alternative, n_permutations=n_permutations)
    else:
        p = _normal_tail(z, alternative)
    total = with_self if star else around
    return LocalG(z, p, benjamini_hochberg(p), total, star, alternative, n_permutations)


def _checked(values: ArrayLike, adjacency: Adjacency) -> Floats:
    array = require_counts(values, what="values")
    require_comparable(array, adjacency)
    return array


def _z(values: Floats, around: Floats, size: Integers) -> Floats:
    others = values.size - 1
    # Deviations from the overall mean keep the digits that a difference of squares would lose.
    away = values - values.mean()
    mean = -away / others
    variance = ((away @ away) - away**2) / others - mean**2
    k = size.astype(np.float64)
    spread = np.sqrt(np.maximum(variance, 0) * k * (others - k) / (others - 1))
    flat = spread <= 1e-12 * np.abs(away).max()
    excess = around - k * (mean + values.mean())
    return np.where(flat, 0.0, excess / np.where(flat, 1.0, spread))


def _normal_tail(z: Floats, alternative: Alternative) -> Floats:
    if alternative == "two_sided":
        return np.asarray(2 * special.ndtr(-np.abs(z)), dtype=np.float64)
    if alternative not in {"greater", "less"}:
        raise ValueError(f"alternative is greater, less or two_sided, not {alternative!r}")
    return np.asarray(special.ndtr(-z if alternative == "greater" else z), dtype=np.float64)


def global_g(values: ArrayLike, adjacency: Adjacency) -> float:
    """Return Getis and Ord's general G: the share of all products of two values that neighbours make.

    Large where high values lie side by side, anywhere in the area; a small one need not mean low values
    side by side.

    Parameters
    ----------
    values : array_like of float >= 0, shape (n,)
    adjacency : Adjacency

    Raises
    ------
    MissingValue, TooFewCells, NoVariation
        As for `local_g`.

    Notes
    -----
    Time O(n k). Getis and Ord 1992, doi 10.1111/j.1538-4632.1992.tb00261.x.

    Examples
    --------
    >>> from placewise.geo.adjacency import adjacency_from_pairs
    >>> line = adjacency_from_pairs([0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2], n_cells=4)
    >>> round(global_g([4, 4, 0, 2], line), 3)    # 2 * 16 over 10² - (16 + 16 + 4)
    0.5
    """
    checked = _checked(values, adjacency)
    around = neighbourhood_sums(checked, adjacency) - checked
    pairs = checked.sum() ** 2 - checked @ checked
    if pairs <= 0:
        raise NoVariation("Only one cell has a value above nought, so there is no pair to compare.")
    return float(checked @ around / pairs)

"""Local Moran's I: which cells are like, or unlike, their neighbours."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from placewise.core.errors import MissingValue
from placewise.core.progress import OnProgress
from placewise.geo.adjacency import Adjacency, neighbourhood_sums
from placewise.geo.conditional import (
    N_PERMUTATIONS,
    Alternative,
    Exceedances,
    permutation_exceedances,
    require_comparable,
    tail_of,
)
from placewise.geo.crs import Flags, Floats
from placewise.geo.multiplicity import benjamini_hochberg

Quadrant = Literal["high_high", "low_high", "low_low", "high_low", "none"]

_QUADRANTS = np.array(["none", "high_high", "low_high", "low_low", "high_low"])


@dataclass(frozen=True)
class LocalMoran:
    """The result of `local_moran`, one entry a cell.

    Attributes
    ----------
    i : ndarray of float64
        Local Moran's I, no unit; above nought where a cell is like its neighbours. NaN without neighbours.
    quadrant : ndarray of str
        ``"high_high"``, ``"low_high"`` (low among high), ``"low_low"``, ``"high_low"``; ``"none"`` on an
        average exactly or without neighbours.
    p : ndarray of float64
        Chance under the shuffle of an I as far in the direction of ``alternative``; in (0, 1].
    q : ndarray of float64
        ``p`` adjusted over all cells (Benjamini–Hochberg).
    alternative : str
    n_permutations, seed : int
    """

    i: Floats
    quadrant: NDArray[np.str_]
    p: Floats
    q: Floats
    alternative: Alternative
    n_permutations: int = field(repr=False)
    seed: int = field(repr=False)

    def significant(self, quadrant: Quadrant, *, q_at_most: float = 0.05) -> Flags:
        """Return the cells of one quadrant with q small enough."""
        flags: Flags = (self.quadrant == quadrant) & (self.q <= q_at_most)
        return flags


def local_moran(
    values: ArrayLike,
    adjacency: Adjacency,
    *,
    seed: int,
    alternative: Alternative = "greater",
    n_permutations: int = N_PERMUTATIONS,
    executor: Executor | None = None,
    on_progress: OnProgress | None = None,
) -> LocalMoran:
    """Compare each cell with the average of its neighbours, against shuffles of all other cells.

    A high cell among high ones is a patch of many records *as recorded*; a high one among low ones may be
    one busy address, or one careful recorder. Neither says why. Counts of small places swing by chance
    alone, and the shuffle does not know it: give rates on like denominators, or counts of like cells.

    Parameters
    ----------
    values : array_like of float, shape (n,)
        One finite value a cell. Where they count records, they must be independent: each child once in
        the whole area (`counts.independent_reports_once`). Once a cell is not enough, since a child seen in
        neighbouring cells would make a patch of its own. Not modified.
    adjacency : Adjacency
        Neighbours of the n cells, without the cell itself; each row is weighted 1/k.
    seed : int
    alternative : {"greater", "less", "two_sided"}
        Fixed before the data are seen. ``"greater"``: like its neighbours; ``"less"``: unlike them.
    n_permutations : int
        The smallest p possible is 1 / (n_permutations + 1).
    executor, on_progress
        Who deals the permutations, and who is told; see `chunks.pieces`.

    Returns
    -------
    LocalMoran

    Raises
    ------
    MissingValue
        A value is NaN or infinite.
    TooFewCells
        Fewer than four cells, or no cell has a neighbour.
    NoVariation
        All values are equal.
    CalculationStopped
        ``on_progress`` returned False.

    Notes
    -----
    ``Iᵢ = (n − 1) zᵢ (mean of the neighbours' z) / Σ z²`` with z the deviations from the mean. Conditional
    permutation: cell i keeps its value, all others are dealt anew. Time O(R k + n log R). Anselin 1995,
    doi 10.1111/j.1538-4632.1995.tb00338.x; what the shuffle supposes: Sauer, Oshan, Rey and Wolf 2022,
    doi 10.1111/gean.12304.

    Examples
    --------
    >>> from placewise.geo.adjacency import adjacency_from_pairs
    >>> line = adjacency_from_pairs([0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2], n_cells=4)
    >>> result = local_moran([3, 1, -1, -3], line, seed=1)
    >>> result.i.round(3).tolist()                    # 3 * 3 * 1 / 20 at the end of the line
    [0.45, 0.15, 0.15, 0.45]
    >>> result.quadrant.tolist()
    ['high_high', 'high_high', 'low_low', 'low_low']
    """
    checked = _checked(values, adjacency)
    # Cells of equal value must deviate equally, or ties under the shuffle would be lost to rounding.
    z = checked - checked.mean()
    size = adjacency.degree
    total = neighbourhood_sums(z, adjacency) - z
    lonely = size == 0
    lag = total / np.maximum(size, 1)
    i = np.where(lonely, np.nan, (z.size - 1) * z * lag / (z @ z))
    found = permutation_exceedances(
        z, total, size, n_permutations=n_permutations, seed=seed, executor=executor, on_progress=on_progress
    )
    p = tail_of(_turned(found, z, n_permutations), alternative=alternative, n_permutations=n_permutations)
    p = np.where(lonely, 1.0, p)
    return LocalMoran(i, _quadrants(z, lag), p, benjamini_hochberg(p), alternative, n_permutations, seed)


def _checked(values: ArrayLike, adjacency: Adjacency) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    gaps = int(np.count_nonzero(~np.isfinite(array)))
    if gaps:
        raise MissingValue(
            f"{gaps} of {array.size} values are missing or infinite. Leave those cells out of the area."
        )
    require_comparable(array, adjacency)
    return array


def _turned(found: Exceedances, z: Floats, n_permutations: int) -> Exceedances:
    """Exceedances of I from those of the neighbours' total: for a low cell, a low total makes I high."""
    at_least = np.where(z > 0, found.at_least, found.at_most)
    at_most = np.where(z > 0, found.at_most, found.at_least)
    # On the average exactly, I is nought whatever the neighbours are.
    return Exceedances(np.where(z == 0, n_permutations, at_least), np.where(z == 0, n_permutations, at_most))


def _quadrants(z: Floats, lag: Floats) -> NDArray[np.str_]:
    kind = np.where(lag > 0, np.where(z > 0, 1, 2), np.where(z > 0, 4, 3))
    kinds: NDArray[np.str_] = _QUADRANTS[np.where((z == 0) | (lag == 0), 0, kind)]
    return kinds

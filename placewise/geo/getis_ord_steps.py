"""Getis–Ord Gi* in every step of a space–time cube, judged together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse, special

from placewise.core.errors import MissingValue, TooFewCells
from placewise.geo.adjacency import Adjacency
from placewise.geo.crs import Flags, Floats, Integers, require_counts
from placewise.geo.getis_ord import MIN_CELLS, MIN_OBSERVED, independent_records

StepMethod = Literal["even_spread", "normal"]
Alternative = Literal["both", "hot", "cold"]


@dataclass(frozen=True)
class StepGiStar:
    """The result of `gi_star_steps`; arrays of shape (T, n) unless said.

    Attributes
    ----------
    z : ndarray of float64
        Gi* as a standard score among the cells known in that step. NaN where not known.
    p : ndarray of float64
        Chance under the null of a total at least this unusual, on the side or sides stated beforehand.
        1 where not known.
    bins : ndarray of int8
        1 hot, −1 cold, 0 neither or not known.
    total : ndarray of float64
        Records in the cell and its neighbours, as far as known.
    expected : ndarray of float64
        Mean of ``total`` under an even spread over the cells known in that step.
    known : ndarray of bool
    p_at_most : float
        Largest p called significant, over the whole cube; 0 where none is.
    """

    z: Floats = field(repr=False)
    p: Floats = field(repr=False)
    bins: NDArray[np.int8] = field(repr=False)
    total: Floats = field(repr=False)
    expected: Floats = field(repr=False)
    known: Flags = field(repr=False)
    p_at_most: float


def sums_around(values: Floats, adjacency: Adjacency) -> Floats:
    """Sum each cell and its neighbours in each row, shape (T, n); ``values`` is not modified."""
    n = adjacency.n_cells
    ones = np.ones(adjacency.indices.size)
    matrix = sparse.csr_matrix((ones, adjacency.indices, adjacency.indptr), shape=(n, n))
    matrix = matrix + sparse.identity(n, format="csr")
    out = np.empty_like(values, dtype=np.float64)
    for step, row in enumerate(values):
        out[step] = matrix @ row
    return out


def gi_star_steps(
    counts: ArrayLike,
    adjacency: Adjacency,
    *,
    known: ArrayLike | None = None,
    totals: ArrayLike | None = None,
    exposure: ArrayLike | None = None,
    method: StepMethod = "even_spread",
    alternative: Alternative = "both",
    alpha: float = 0.05,
    min_records: float = MIN_OBSERVED,
) -> StepGiStar:
    """Compare each cell and its neighbours with the whole study area, step by step.

    As `getis_ord.gi_star`, but also for cold spots, and with unknown steps left out: a cell whose reports
    are missing is neither compared nor part of what the others are compared with. "Cold" is fewer
    *records* than elsewhere in that step; it may be fewer reports.

    Parameters
    ----------
    counts : array_like of float >= 0, shape (T, n)
        Records by step and cell position. Not modified.
    adjacency : Adjacency
        Neighbours of the n cells, without the cell itself.
    known : array_like of bool, shape (T, n), optional
        False where a count is not known; its value is not used.
    totals : array_like of float >= 0, shape (T, n), optional
        Neighbourhood totals for p under ``"even_spread"``, each child once (`SpaceTimeCube.totals`).
    exposure : array_like of float > 0, shape (n,), optional
        Relative size of each cell for ``"even_spread"``, e.g. ``HexGrid.share_inside``.
    method : {"even_spread", "normal"}
        ``"even_spread"``: exact binomial tails given the step's records; parts of records continue the
        tail smoothly, which is cautious. ``"normal"``: the textbook p of z, too ready to call sparse
        cells hot.
    alternative : {"both", "hot", "cold"}
        Fixed before the data are seen. ``"both"`` doubles the smaller tail.
    alpha : float
        Expected share of false alarms among all the cube's significant cells and steps
        (Benjamini–Hochberg over them all, so that in pure noise the whole cube stays empty with
        probability 1 − alpha).
    min_records : float
        Hot needs so many records in the neighbourhood, cold so many expected.

    Returns
    -------
    StepGiStar

    Raises
    ------
    MissingValue
        A known count is NaN, infinite or negative.
    TooFewCells
        Fewer than three cells.

    Notes
    -----
    Time O(T n k) for k neighbours. A step whose known cells are fewer than three, or all equal, has z 0
    and p 1. Ord and Getis 1995, doi 10.1111/j.1538-4632.1995.tb00912.x.

    Examples
    --------
    >>> from placewise.geo.adjacency import adjacency_from_pairs
    >>> line = adjacency_from_pairs([0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2], n_cells=4)
    >>> found = gi_star_steps([[4, 4, 0, 0], [0, 0, 8, 8]], line, alternative="hot")
    >>> float(found.p[0, 0]), found.bins.tolist()          # all 8 in 2 of 4 cells: (1/2)**8
    (0.00390625, [[1, 0, 0, 0], [0, 0, 1, 1]])
    """
    values, seen = _checked(counts, adjacency, known)
    if method not in {"even_spread", "normal"} or alternative not in {"both", "hot", "cold"}:
        raise ValueError("method is even_spread or normal; alternative is both, hot or cold")
    if method == "normal" and (totals is not None or exposure is not None):
        raise ValueError("totals and exposure belong to the even_spread method")
    complete = bool(seen.all())
    # What does not change from step to step is worked out once.
    pattern = seen[:1] if complete else seen
    size = sums_around(pattern.astype(np.float64), adjacency)
    sizes = require_counts(np.ones(values.shape[1]) if exposure is None else exposure, what="exposures")
    share = _shares(pattern, sizes, adjacency)
    summed = sums_around(values, adjacency)
    total = summed if totals is None else np.where(seen, np.asarray(totals, dtype=np.float64), 0.0)
    if total.shape != values.shape or np.any(total > summed + 1e-6):
        raise ValueError("totals needs a value for each step and cell, no more than its neighbourhood's sum")
    z, p = np.empty_like(values), np.ones_like(values)
    side = np.zeros(values.shape, dtype=np.int8)
    expected = np.empty_like(values)
    for step in range(values.shape[0]):
        row = 0 if complete else step
        if step == 0 or not complete:
            scale = _scale(size[row], seen[step])
            shares = np.unique(share[row], return_inverse=True)
        records = values[step].sum()
        if totals is not None:
            records = independent_records(values[step], np.where(seen[step], summed[step], 0.0), total[step])
        np.multiply(share[row], records, out=expected[step])
        if not _z_scores(values[step], summed[step], size[row], scale, seen[step], out=z[step]):
            continue
        if method == "normal":
            _normal_p(z[step], alternative, p[step], side[step])
        else:
            tails = _binomial_tails(total[step], records, *shares)
            _sided(*tails, alternative, p[step], side[step])
    if not complete:
        p[~seen] = 1.0
    limit = _largest_significant(p[seen] if not complete else p.ravel(), alpha)
    hot = (side > 0) & (p <= limit) & (total >= min_records)
    cold = (side < 0) & (p <= limit) & (expected >= min_records)
    bins = hot.astype(np.int8) - cold.astype(np.int8)
    return StepGiStar(z, p, bins, total, expected, seen, limit)


def _checked(counts: ArrayLike, adjacency: Adjacency, known: ArrayLike | None) -> tuple[Floats, Flags]:
    values = np.array(counts, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] != adjacency.n_cells:
        raise ValueError(f"counts has a row for each step and {adjacency.n_cells} cells, not {values.shape}")
    if values.shape[1] < MIN_CELLS:
        raise TooFewCells("There are too few cells to compare neighbourhoods. Choose a smaller cell width.")
    seen = np.ones(values.shape, dtype=np.bool_) if known is None else np.asarray(known)
    if seen.dtype != np.bool_ or seen.shape != values.shape:
        raise ValueError("known is true or false for each step and cell")
    if known is not None:
        values[~seen] = 0.0
    bad = int(np.count_nonzero(~(np.isfinite(values) & (values >= 0))))
    if bad:
        raise MissingValue(f"{bad} of {values.size} counts are missing, infinite or negative.")
    return values, seen


def _shares(seen: Flags, sizes: Floats, adjacency: Adjacency) -> Floats:
    if sizes.shape != seen.shape[1:] or np.any(sizes == 0):
        raise ValueError("exposure needs one value above nought for each cell")
    weighted = seen * sizes
    whole = weighted.sum(axis=1, keepdims=True)
    whole[whole == 0] = 1.0
    # A neighbourhood that is the whole area can come out one rounding above 1.
    share: Floats = np.minimum(sums_around(weighted, adjacency) / whole, 1.0)
    return share


def _scale(size: Floats, seen: Flags) -> Floats:
    """Return what an offset over the step's deviation is multiplied by to give z; 0 for the whole area."""
    n = int(np.count_nonzero(seen))
    spread = np.sqrt(np.maximum(n * size - size * size, 0.0) / max(n - 1, 1))
    return np.asarray(np.where(spread > 0, 1 / np.where(spread > 0, spread, 1.0), 0.0))


def _z_scores(
    values: Floats, summed: Floats, size: Floats, scale: Floats, seen: Flags, *, out: Floats
) -> bool:
    """Write the step's scores to ``out``; say whether its known counts differ at all."""
    n = int(np.count_nonzero(seen))
    among = values if n == values.size else values[seen]
    varied = n >= MIN_CELLS and float(among.max()) > float(among.min())
    if varied:
        mean = float(among.mean())
        np.multiply(size, -mean, out=out)
        out += summed
        out *= scale
        out /= float(among.std())
    else:
        out[:] = 0.0
    if n < values.size:
        out[~seen] = np.nan
    return varied


def _normal_p(z: Floats, alternative: Alternative, p: Floats, side: NDArray[np.int8]) -> None:
    if alternative == "both":
        np.abs(z, out=p)
        np.negative(p, out=p)
        special.ndtr(p, out=p)
        p *= 2
        side[:] = np.where(z > 0, 1, -1)
    else:
        side[:] = 1 if alternative == "hot" else -1
        special.ndtr(-z if alternative == "hot" else z, out=p)


def _binomial_tails(total: Floats, records: float, shares: Floats, which: Integers) -> tuple[Floats, Floats]:
    """Return P(X >= total) and P(X <= total) for X ~ Binomial(records, shares[which])."""
    if np.any(total != np.rint(total)):
        return _tails(total, records, shares[which])
    # Whole totals repeat: each pair of a share and a total is worked out once.
    span = int(total.max()) + 1
    pair = which * span + total.astype(np.int64)
    present = np.zeros(shares.size * span, dtype=np.bool_)
    present[pair] = True
    needed = np.flatnonzero(present)
    upper, lower = np.empty((2, present.size))
    upper[needed], lower[needed] = _tails((needed % span).astype(np.float64), records, shares[needed // span])
    return upper[pair], lower[pair]


def _tails(total: Floats, records: float, share: Floats) -> tuple[Floats, Floats]:
    upper, lower = np.ones_like(total), np.ones_like(total)
    some, short = total > 0, total < records
    upper[some] = special.betainc(total[some], np.maximum(records - total[some], 0.0) + 1, share[some])
    lower[short] = special.betaincc(total[short] + 1, records - total[short], share[short])
    return upper, lower


def _sided(upper: Floats, lower: Floats, alternative: Alternative, p: Floats, side: NDArray[np.int8]) -> None:
    if alternative == "hot":
        p[:], side[:] = upper, 1
    elif alternative == "cold":
        p[:], side[:] = lower, -1
    else:
        p[:] = np.minimum(2 * np.minimum(upper, lower), 1.0)
        side[:] = np.where(upper < lower, 1, -1)


def _largest_significant(p: Floats, alpha: float) -> float:
    """Return Benjamini and Hochberg's threshold for a list of p-values, 0 where none is significant."""
    # Only p up to alpha can be significant, and they are few: the rest need no sorting.
    small = np.sort(p[p <= alpha])
    below = np.flatnonzero(small <= alpha * np.arange(1, small.size + 1) / max(p.size, 1))
    return float(small[below[-1]]) if below.size else 0.0

"""Getis–Ord Gi* in every step of a space–time cube, judged together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse, special

from placewise.core.errors import MissingValue, TooFewCells
from placewise.geo.adjacency import Adjacency
from placewise.geo.crs import Flags, Floats, Integers, require_counts
from placewise.geo.getis_ord import MIN_CELLS, MIN_OBSERVED, independent_records

StepMethod = Literal["even_spread", "normal"]
Alternative = Literal["both", "hot", "cold"]
Marks = NDArray[np.int8]

# Pairs of a kind of cell and a total are counted in a table until it is this many times as long as there are cells.
_TABLE_TO_CELLS = 32
# So many scores have places that fit into 16 bits.
_SCORES_AT_MOST = 1 << 16


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
    order : ndarray of uint16, or None
        The place of each ``z`` among the cube's different scores: places compare as the scores do, only
        quicker. None where a cell is not known in some step, or there are too many scores.
    """

    z: Floats = field(repr=False)
    p: Floats = field(repr=False)
    bins: NDArray[np.int8] = field(repr=False)
    total: Floats = field(repr=False)
    expected: Floats = field(repr=False)
    known: Flags = field(repr=False)
    p_at_most: float
    order: NDArray[np.uint16] | None = field(default=None, repr=False)


class _Frame(NamedTuple):
    """The cells known in a step, and what does not depend on their counts.

    ``share`` (of the study area) and ``kind`` have one entry a cell; ``sizes``, ``shares`` and ``scale`` one a
    kind: cells whose neighbourhoods have as many known cells and the same share are of one kind.
    """

    known: Flags
    n: int
    share: Floats
    kind: Integers
    sizes: Floats
    shares: Floats
    scale: Floats


class _Pairs(NamedTuple):
    """Which different pairs of kind and total a step has; ``of_cell`` is each cell's pair, ``times`` its cells."""

    of_cell: Integers
    kind: Integers
    total: Floats
    times: Integers


def sums_around(values: Floats, adjacency: Adjacency) -> Floats:
    """Sum each cell and its neighbours in each row, shape (T, n); ``values`` is not modified."""
    n = adjacency.n_cells
    ones = np.ones(adjacency.indices.size)
    matrix = sparse.csr_matrix((ones, adjacency.indices, adjacency.indptr), shape=(n, n))
    out = np.empty_like(values, dtype=np.float64)
    for step, row in enumerate(values):
        np.add(matrix @ row, row, out=out[step])
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
    sizes = require_counts(np.ones(values.shape[1]) if exposure is None else exposure, what="exposures")
    if sizes.shape != values.shape[1:] or np.any(sizes == 0):
        raise ValueError("exposure needs one value above nought for each cell")
    summed = sums_around(values, adjacency)
    total = summed if totals is None else np.where(seen, np.asarray(totals, dtype=np.float64), 0.0)
    if total is not summed and (total.shape != values.shape or np.any(total > summed + 1e-6)):
        raise ValueError("totals needs a value for each step and cell, no more than its neighbourhood's sum")
    z, p, expected = np.empty_like(values), np.empty_like(values), np.empty_like(values)
    bins, number = np.empty(values.shape, dtype=np.int8), np.empty(values.shape, dtype=np.uint16)
    scores, chances, frame = [], [], None
    for step in range(values.shape[0]):
        if frame is None or not np.array_equal(frame.known, seen[step]):
            frame = _frame(seen[step], sizes, adjacency)
        records = float(values[step].sum())
        if totals is not None:
            records = independent_records(values[step], np.where(frame.known, summed[step], 0.0), total[step])
        np.multiply(frame.share, records, out=expected[step])
        # Whatever is to be said is worked out once for each pair of a kind of cell and a total, and then
        # dealt out to the cells.
        pairs = _pairs(frame, summed[step])
        score, varied = _z_scores(values[step], pairs, frame)
        # Whatever "clip" would mend does not occur; it saves a copy.
        np.take(score, pairs.of_cell, out=z[step], mode="clip")
        number[step] = pairs.of_cell
        scores.append(score)
        if totals is not None:
            pairs = _pairs(frame, total[step])
        share = frame.shares[pairs.kind]
        chance, side = _chances(score, pairs, share, records if varied else 0.0, (method, alternative))
        enough = np.where(side > 0, pairs.total, records * share) >= min_records
        np.take(chance, pairs.of_cell, out=p[step], mode="clip")
        np.take(side * enough, pairs.of_cell, out=bins[step], mode="clip")
        chances.append((chance, pairs.times))
    limit = _largest_significant(chances, int(np.count_nonzero(seen)), alpha)
    bins *= p <= limit
    order = _places(number, scores) if seen.all() else None
    return StepGiStar(z, p, bins, total, expected, seen, limit, order)


def _checked(counts: ArrayLike, adjacency: Adjacency, known: ArrayLike | None) -> tuple[Floats, Flags]:
    values = np.asarray(counts, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] != adjacency.n_cells:
        raise ValueError(f"counts has a row for each step and {adjacency.n_cells} cells, not {values.shape}")
    if values.shape[1] < MIN_CELLS:
        raise TooFewCells("There are too few cells to compare neighbourhoods. Choose a smaller cell width.")
    seen = np.ones(values.shape, dtype=np.bool_) if known is None else np.asarray(known)
    if seen.dtype != np.bool_ or seen.shape != values.shape:
        raise ValueError("known is true or false for each step and cell")
    if not seen.all():
        values = np.where(seen, values, 0.0)
    if not 0 <= values.min(initial=0.0) <= values.max(initial=0.0) < np.inf:  # nor, then, is one missing
        bad = int(np.count_nonzero(~(np.isfinite(values) & (values >= 0))))
        raise MissingValue(f"{bad} of {values.size} counts are missing, infinite or negative.")
    return values, seen


def _frame(known: Flags, exposure: Floats, adjacency: Adjacency) -> _Frame:
    n = int(np.count_nonzero(known))
    size, weight = sums_around(np.stack([known.astype(np.float64), known * exposure]), adjacency)
    # A neighbourhood that is the whole area can come out one rounding above 1.
    share = np.minimum(weight / (float(exposure[known].sum()) or 1.0), 1.0)
    shares, kind = np.unique(share, return_inverse=True)
    largest = int(size.max()) + 1
    used, kind = np.unique(kind * largest + size.astype(np.int64), return_inverse=True)
    sizes = (used % largest).astype(np.float64)
    spread = np.sqrt(np.maximum(n * sizes - sizes * sizes, 0.0) / max(n - 1, 1))
    scale = np.where(spread > 0, 1 / np.where(spread > 0, spread, 1.0), 0.0)  # 0 for the whole area
    kind[~known] = used.size
    return _Frame(
        known, n, share, kind, np.append(sizes, np.nan), np.append(shares[used // largest], np.nan),
        np.append(scale, np.nan),
    )  # fmt: skip


def _pairs(frame: _Frame, total: Floats) -> _Pairs:
    span, n = int(total.max()) + 1, total.size
    if frame.sizes.size * span > _TABLE_TO_CELLS * n or np.any(total != np.rint(total)):
        return _Pairs(np.arange(n), frame.kind, total, np.ones(n, dtype=np.int64))
    pair = frame.kind * span + total.astype(np.int64)
    times = np.bincount(pair, minlength=frame.sizes.size * span)
    present = times > 0
    different = np.flatnonzero(present)
    kind, sums = np.divmod(different, span)
    return _Pairs((np.cumsum(present) - 1)[pair], kind, sums.astype(np.float64), times[different])


def _z_scores(values: Floats, pairs: _Pairs, frame: _Frame) -> tuple[Floats, bool]:
    """Return each pair's score, NaN where not known, and whether the step's known counts differ at all."""
    among = values if frame.n == values.size else values[frame.known]
    size = frame.sizes[pairs.kind]
    if frame.n < MIN_CELLS or among.max() == among.min():
        return size * 0.0, False
    offset = pairs.total - float(among.mean()) * size
    return offset * frame.scale[pairs.kind] / float(among.std()), True


def _chances(
    score: Floats, pairs: _Pairs, share: Floats, records: float, rule: tuple[StepMethod, Alternative]
) -> tuple[Floats, Marks]:
    """Return each pair's p, and the side it lies on; 1 and neither where it is not known or none differ."""
    method, alternative = rule
    if not records:
        return np.ones(score.size), np.zeros(score.size, dtype=np.int8)
    if method == "normal":
        p, side = _normal(score, alternative)
    else:
        p, side = _sided(*_tails(pairs.total, records, share), alternative)
    unknown = np.isnan(share)
    p[unknown], side[unknown] = 1.0, 0
    return p, side


def _normal(z: Floats, alternative: Alternative) -> tuple[Floats, Marks]:
    if alternative == "both":
        return 2 * special.ndtr(-np.abs(z)), np.where(z > 0, 1, -1).astype(np.int8)
    side = 1 if alternative == "hot" else -1
    return special.ndtr(-side * z), np.full(z.size, side, dtype=np.int8)


def _tails(total: Floats, records: float, share: Floats) -> tuple[Floats, Floats]:
    """Return P(X >= total) and P(X <= total) for X ~ Binomial(records, share)."""
    upper, lower = np.ones_like(total), np.ones_like(total)
    some, short = total > 0, total < records
    upper[some] = special.betainc(total[some], np.maximum(records - total[some], 0.0) + 1, share[some])
    lower[short] = special.betaincc(total[short] + 1, records - total[short], share[short])
    return upper, lower


def _sided(upper: Floats, lower: Floats, alternative: Alternative) -> tuple[Floats, Marks]:
    if alternative == "both":
        p = np.minimum(2 * np.minimum(upper, lower), 1.0)
        return p, np.where(upper < lower, 1, -1).astype(np.int8)
    p, side = (upper, 1) if alternative == "hot" else (lower, -1)
    return p, np.full(p.size, side, dtype=np.int8)


def _largest_significant(chances: list[tuple[Floats, Integers]], n: int, alpha: float) -> float:
    """Return Benjamini and Hochberg's threshold for n p-values, each given so many times; 0 if none passes."""
    # Only p up to alpha can be significant, and they are few: the rest need no sorting.
    small = [(p[p <= alpha], times[p <= alpha]) for p, times in chances]
    p, times = (np.concatenate(part) for part in zip(*small, strict=True))
    order = np.argsort(p)
    ordered = p[order]
    below = np.flatnonzero(ordered <= alpha * np.cumsum(times[order]) / max(n, 1))
    return float(ordered[below[-1]]) if below.size else 0.0


def _places(number: NDArray[np.uint16], scores: list[Floats]) -> NDArray[np.uint16] | None:
    """Write over each number, that of a step's score, the score's place among those of all steps."""
    every = np.concatenate(scores)
    if every.size > _SCORES_AT_MOST:
        return None
    place = np.unique(every, return_inverse=True)[1].astype(np.uint16)
    first = 0
    for step, score in enumerate(scores):
        number[step] = place[first:][number[step]]
        first += score.size
    return number

"""Looking back at a surface: how much of what came next it held, beside a plain count of what came before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from placewise.core.errors import MissingValue, TooFewCells, TooFewRecords
from placewise.core.progress import OnProgress
from placewise.geo.chunks import blocks, replicate_generator, stacked
from placewise.geo.counts import group_numbers
from placewise.geo.crs import Floats, Integers, require_counts
from placewise.geo.time_shuffle import require_days

SizeOf = Literal["area", "street_length"]
Verdict = Literal["better", "not_better", "too_few"]
#: Given the positions of the records before a cut-off, and the cut-off in days, a value for each cell.
Predict = Callable[[Integers, float], ArrayLike]

# With fewer records on which the two surfaces disagree, a resampling cannot tell 95% from certainty.
MIN_DISAGREEING = 10
_BLOCK = 100  # resamplings at a time, with one generator
_PIECE = 5 * _BLOCK


class Accuracy(NamedTuple):
    """How well one surface held what came, at each share of the area (or street length) looked at.

    Attributes
    ----------
    share : ndarray of float64, shape (shares,)
    hits : ndarray of float64
        Records in the cells looked at; broken where cells tie for the last place.
    hit_rate : ndarray of float64
        Of all records.
    pai : ndarray of float64
        Predictive accuracy index: hit rate over share. 1 is what looking anywhere gives.
    pei : ndarray of float64
        Predictive efficiency index: hits over the most that any choice of the same share could have had.
    rri : ndarray of float64
        Predicted over observed records in the cells looked at (Wheeler and Steenbeek's recapture index);
        infinite where none came. It has a meaning only where the surface is a number of records.
    """

    share: Floats
    hits: Floats
    hit_rate: Floats
    pai: Floats
    pei: Floats
    rri: Floats


@dataclass(frozen=True)
class Backtest:
    """The result of `backtest`; one entry a share.

    Attributes
    ----------
    surface, baseline : Accuracy
        Over all windows together: of the surface, and of the plain count of records before each cut-off.
    hit_rate_low, hit_rate_high : ndarray of float64
        Interval for the surface's hit rate (Jeffreys' beta interval), for independent records.
    difference, low, high : ndarray of float64
        Hit rate of the surface minus that of the baseline, with its bootstrap interval.
    disagreeing : ndarray of int64
        Records (children, where known) that one of the two held more of than the other.
    verdict : tuple of {"better", "not_better", "too_few"}
        ``"not_better"``: the surface does not beat the count, and must not be offered without saying so.
    size_of : {"area", "street_length"}
    n_records, n_windows, n_empty_windows, n_outside : int
        Records judged; windows; those in which nothing came; records in no cell, left out.
    confidence, resamples, seed
        As given.
    """

    surface: Accuracy
    baseline: Accuracy
    hit_rate_low: Floats
    hit_rate_high: Floats
    difference: Floats
    low: Floats
    high: Floats
    disagreeing: Integers
    verdict: tuple[Verdict, ...]
    size_of: SizeOf
    n_records: int
    n_windows: int
    n_empty_windows: int
    n_outside: int
    confidence: float = field(repr=False)
    resamples: int = field(repr=False)
    seed: int

    def sentence(self, position: int) -> str:
        """The verdict at one share, as it must stand beside the surface."""
        share, what = f"{self.surface.share[position]:.0%}", self.size_of.replace("_", " ")
        rates = f"{self.surface.hit_rate[position]:.0%} against {self.baseline.hit_rate[position]:.0%}"
        said = {
            "better": "holds more than a plain count of earlier records",
            "not_better": "does not beat a plain count of earlier records",
            "too_few": "too few records to tell it from a plain count of earlier records",
        }
        return f"At {share} of the {what}: {rates} of what came; {said[self.verdict[position]]}."


def accuracy(
    predicted: ArrayLike, observed: ArrayLike, size: ArrayLike, *, shares: Sequence[float]
) -> Accuracy:
    """Measure one surface against what came, looking at the densest cells first.

    Cells are looked at in the order of predicted over size until the share is reached; cells that tie,
    and the last one, are looked at in part, so that two surfaces are compared at exactly the same share
    and no tie is decided by the order of the cells. A high PAI at a small share is cheap when cells are
    many and records few; it says nothing about cells where nothing is ever reported.

    Parameters
    ----------
    predicted : array_like of float >= 0, shape (n,)
        Any value that grows with the records expected in a cell (for ``rri``: their number).
    observed : array_like of int >= 0, shape (n,)
    size : array_like of float > 0, shape (n,)
        Area, or street length, of each cell or segment.
    shares : sequence of float in (0, 1]

    Raises
    ------
    MissingValue
        A value is missing or negative, or a size not above nought.
    TooFewCells
        There is no cell.

    Notes
    -----
    ``PAI = (n/N)/(a/A)``: Chainey, Tompson and Uhlig 2008, doi 10.1057/palgrave.sj.8350066. PEI and RRI:
    Wheeler and Steenbeek 2021, doi 10.1007/s10940-020-09457-7. Lengths: Drawve and Wooditch 2019,
    doi 10.1016/j.jcrimjus.2019.101625. Time O(n log n).

    Examples
    --------
    >>> accuracy([3, 2, 1], [6, 3, 0], [1, 1, 1], shares=[1 / 3, 2 / 3, 1]).pai.round(2).tolist()
    [2.0, 1.5, 1.0]
    """
    values, came, sizes = (require_counts(v) for v in (predicted, observed, size))
    looked, best = _looked_at(values, sizes, shares), _looked_at(came, sizes, shares)
    hits, most, foreseen = (
        (looked * came).sum(axis=1),
        (best * came).sum(axis=1),
        (looked * values).sum(axis=1),
    )
    return _indices(np.asarray(shares, dtype=np.float64), hits, most, foreseen, came.sum())


def _indices(share: Floats, hits: Floats, best: Floats, predicted: Floats, total: float) -> Accuracy:
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = hits / total
        return Accuracy(share, hits, rate, rate / share, hits / best, predicted / hits)


def _looked_at(values: Floats, sizes: Floats, shares: Sequence[float]) -> Floats:
    """Return how much of each cell is looked at, shape (shares, n), from 0 to 1."""
    if not values.size:
        raise TooFewCells("There is no cell to look at.")
    if values.shape != sizes.shape or np.any(sizes == 0):
        raise MissingValue("Every cell needs one value and one size above nought.")
    wanted = np.asarray(shares, dtype=np.float64)
    if wanted.ndim != 1 or not wanted.size or not np.all((wanted > 0) & (wanted <= 1)):
        raise ValueError("shares needs at least one share above 0 and up to 1")
    _, group = np.unique(-values / sizes, return_inverse=True)  # 0 is the densest; equal ones are one group
    width = np.bincount(group, weights=sizes)
    before = np.cumsum(width) - width
    part = np.clip((wanted[:, None] * sizes.sum() - before) / width, 0, 1)
    # What rounding leaves of a whole cell, or puts into an empty one.
    part[part > 1 - 1e-9], part[part < 1e-9] = 1.0, 0.0
    looked: Floats = part[:, group]
    return looked


def backtest(
    cell: ArrayLike,
    t_days: ArrayLike,
    *,
    size: ArrayLike,
    cutoffs_days: Sequence[float],
    window_days: float,
    prior_days: float,
    predict: Predict,
    shares: Sequence[float] = (0.01, 0.02, 0.05, 0.1, 0.2),
    size_of: SizeOf = "area",
    child: ArrayLike | None = None,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int,
    executor: Executor | None = None,
    on_progress: OnProgress | None = None,
) -> Backtest:
    """Judge a surface as it would have been used: made at each cut-off, held against what came after.

    The surface sees only the records before the cut-off, so nothing leaks back. Beside it stands the
    plainest surface there is, the count of records in the ``prior_days`` before: if it is not beaten, the
    result says so. Records show where harm is *recorded*; a surface that sends people where records come
    from makes more records there. Whoever beats the count has found records, not safety.

    Parameters
    ----------
    cell : array_like of int, shape (n,)
        Position of the cell, or street segment, of each record; -1 outside all.
    t_days : array_like of shape (n,)
        Days from any moment. Not modified.
    size : array_like of float > 0, shape (cells,)
        Area or length of each cell.
    cutoffs_days : sequence of float
    window_days, prior_days : float > 0
        Records in [cut-off, cut-off + window) are to be held; those in [cut-off - prior, cut-off) are the
        baseline. Windows must not overlap.
    predict : callable
        ``predict(before, cutoff)`` gets the positions of the records before the cut-off in a cell, and
        returns a value for each cell.
    shares : sequence of float in (0, 1]
    size_of : {"area", "street_length"}
        What ``size`` is; for the words.
    child : array_like of int, shape (n,), optional
        Children's numbers, -1 for none: a child's records are resampled together.
    confidence : float
    resamples, seed : int
    executor, on_progress
        Who makes the resamplings, and who is told; see `chunks.pieces`. Surfaces are made here.

    Raises
    ------
    MissingValue
        A time or size is missing, or what ``predict`` returns has gaps.
    TooFewRecords
        No record lies in any window.
    ValueError
        Windows overlap, or a cell does not exist.
    CalculationStopped
        ``on_progress`` returned False.

    Notes
    -----
    The interval resamples records (children, where known) with replacement: Efron 1979,
    doi 10.1214/aos/1176344552, percentiles. Chainey, Tompson and Uhlig 2008,
    doi 10.1057/palgrave.sj.8350066. Time O(windows × cells log cells + resamples × kinds of record).
    """
    sizes, cells, times = _require_records(cell, t_days, size)
    starts = _require_windows(cutoffs_days, window_days, prior_days)
    looker = _Looker(sizes, cells, times, shares, window_days, prior_days)
    windows = [looker.window(start, predict) for start in starts]
    sums = np.sum([window.sums for window in windows], axis=0)
    records = np.concatenate([window.after for window in windows])
    if not records.size:
        raise TooFewRecords("No record lies in any of the windows, so there is nothing to look back at.")
    share, total = np.asarray(shares, dtype=np.float64), records.size
    gained, units = _by_child(np.concatenate([w.gained for w in windows], axis=1), child, records, cells.size)
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, not {confidence}")
    # Units alike in everything are drawn as one kind.
    kinds, many = np.unique(np.vstack([gained.round(12), units]), axis=1, return_counts=True)
    work = partial(_resampled, kinds, many, seed=seed)
    drawn = stacked(work, resamples, size=_PIECE, executor=executor, on_progress=on_progress)
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    disagreeing = (np.abs(gained) > 1e-9).sum(axis=1)
    rate_low, rate_high = _beta_interval(sums[0], total, confidence)
    return Backtest(
        surface=_indices(share, sums[0], sums[2], sums[3], total),
        baseline=_indices(share, sums[1], sums[2], sums[4], total),
        hit_rate_low=rate_low,
        hit_rate_high=rate_high,
        difference=(sums[0] - sums[1]) / total,
        low=low,
        high=high,
        disagreeing=disagreeing,
        verdict=tuple(_verdict(*each) for each in zip(low.tolist(), disagreeing.tolist(), strict=True)),
        size_of=size_of,
        n_records=total,
        n_windows=len(starts),
        n_empty_windows=sum(window.after.size == 0 for window in windows),
        n_outside=int((cells < 0).sum()),
        confidence=confidence,
        resamples=resamples,
        seed=seed,
    )


class _Window(NamedTuple):
    """Of one window: hits of surface, baseline and oracle with what the first two foresaw; gains by record."""

    sums: Floats
    gained: Floats
    after: Integers


class _Looker(NamedTuple):
    """What every window has in common."""

    sizes: Floats
    cells: Integers
    times: Floats
    shares: Sequence[float]
    window_days: float
    prior_days: float

    def window(self, start: float, predict: Predict) -> _Window:
        """Make both surfaces from what was before, and hold them against what came."""
        inside = self.cells >= 0
        before = np.flatnonzero((self.times < start) & inside)
        after = np.flatnonzero((self.times >= start) & (self.times < start + self.window_days) & inside)
        values = require_counts(predict(before, start), what="predicted values")
        prior = self._count(before[self.times[before] >= start - self.prior_days])
        came = self._count(after)
        ours, plain, best = (_looked_at(v, self.sizes, self.shares) for v in (values, prior, came))
        sums = np.stack(
            [
                (ours * came).sum(axis=1),
                (plain * came).sum(axis=1),
                (best * came).sum(axis=1),
                (ours * values).sum(axis=1),
                (plain * prior).sum(axis=1) * self.window_days / self.prior_days,
            ]
        )
        return _Window(sums, (ours - plain)[:, self.cells[after]], after)

    def _count(self, records: Integers) -> Floats:
        return np.bincount(self.cells[records], minlength=self.sizes.size).astype(np.float64)


def _verdict(low: float, disagreeing: int) -> Verdict:
    if disagreeing < MIN_DISAGREEING:
        return "too_few"
    return "better" if low > 0 else "not_better"


def _require_records(cell: ArrayLike, t_days: ArrayLike, size: ArrayLike) -> tuple[Floats, Integers, Floats]:
    sizes, cells = require_counts(size, what="sizes"), np.asarray(cell)
    if cells.ndim != 1 or not (np.issubdtype(cells.dtype, np.integer) or not cells.size):
        raise ValueError("cell needs one whole number a record, -1 outside all cells")
    if cells.size and (cells.min() < -1 or cells.max() >= sizes.size):
        raise ValueError(f"cells are numbered from 0 to {sizes.size - 1}, -1 outside")
    return sizes, cells.astype(np.int64), require_days(t_days, cells.size)


def _require_windows(cutoffs_days: Sequence[float], window_days: float, prior_days: float) -> list[float]:
    starts = sorted(float(cutoff) for cutoff in cutoffs_days)
    if not starts or not np.all(np.isfinite(starts)):
        raise ValueError("cutoffs_days needs at least one day")
    if not (0 < window_days < np.inf and 0 < prior_days < np.inf):
        raise MissingValue("The window and the time before it must be longer than nought.")
    if np.any(np.diff(starts) < window_days):
        raise ValueError("The windows overlap, so a record would be judged twice")
    return starts


def _by_child(gained: Floats, child: ArrayLike | None, records: Integers, n: int) -> tuple[Floats, Floats]:
    """Sum what the surface gained on the baseline, and the records, by child: (shares, units), (units,)."""
    _, unit = np.unique(group_numbers(child, n)[records], return_inverse=True)
    return np.stack([np.bincount(unit, weights=row) for row in gained]), np.bincount(unit).astype(np.float64)


def _resampled(kinds: Floats, many: Integers, first: int, count: int, *, seed: int) -> Floats:
    """Return the difference of hit rates in one piece of resamplings, shape (count, shares)."""
    drawn = []
    for number, rounds in blocks(first, count, _BLOCK):
        counts = replicate_generator(seed, number).multinomial(many.sum(), many / many.sum(), size=rounds)
        drawn.append((counts @ kinds[:-1].T) / (counts @ kinds[-1])[:, None])
    return np.concatenate(drawn)


def _beta_interval(hits: Floats, total: int, confidence: float) -> tuple[Floats, Floats]:
    """Jeffreys' interval; it takes the broken hits that ties give."""
    tail, missed = (1 - confidence) / 2, np.maximum(total - hits, 0.0)
    low = np.where(hits > 0, special.betaincinv(hits + 0.5, missed + 0.5, tail), 0.0)
    return low, np.where(missed > 0, special.betaincinv(hits + 0.5, missed + 0.5, 1 - tail), 1.0)

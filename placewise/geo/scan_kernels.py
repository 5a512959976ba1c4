"""The inner loops of the scan: likelihood ratios, and the largest of many replicates at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from placewise.geo.crs import Flags, Floats, Integers
from placewise.geo.scan_windows import Circles, TimeWindows

Alternative = Literal["high", "low", "both"]
Family = Literal["poisson", "bernoulli"]

# Counts of a block of circles in all replicates. Smaller blocks stay in a core's own cache but cost more calls
# of numpy: measured best among 128 KiB to 1 MiB.
_BLOCK_BYTES = 1 << 20
# Bins of the threshold tables, spaced evenly by square root because small baselines need the finer steps.
_BINS = 1 << 14
# Widens what is let through to the exact evaluation, so that rounding shuts nothing out.
_SLACK = 1e-9
_BISECTIONS = 44
_LADDER = (3.0, 0.0)


@dataclass(frozen=True)
class Likelihood:
    """How far a count is from its baseline, as a log likelihood ratio.

    Attributes
    ----------
    family : {"poisson", "bernoulli"}
        The space–time permutation model uses the Poisson formula.
    cases : int
        All cases C.
    total : float
        All of the baseline: C for Poisson, where it is expected cases; cases and controls for Bernoulli.
    alternative : {"high", "low", "both"}
    min_cases : int
        Fewest cases in a cluster of high rates.
    """

    family: Family
    cases: int
    total: float
    alternative: Alternative
    min_cases: int

    def ratio(self, count: NDArray[Any], baseline: Floats) -> Floats:
        """Return the log likelihood ratio; 0 where the rate is not on the alternative's side.

        Notes
        -----
        Poisson, with c of C cases where b were expected: ``c ln(c/b) + (C−c) ln((C−c)/(C−b))``. Bernoulli,
        with n of N records and b = nC/N: that, and the same for the ``n − c`` controls.
        Kulldorff 1997, doi 10.1080/03610929708831995.
        """
        c = np.asarray(count, dtype=np.float64)
        outside = np.maximum(self.total - baseline, 0.0)
        share = self.cases / self.total
        value = special.rel_entr(c, baseline * share) + special.rel_entr(self.cases - c, outside * share)
        if self.family == "bernoulli":
            controls = self.total - self.cases
            value += special.rel_entr(baseline - c, baseline * (1 - share))
            value += special.rel_entr(controls - (baseline - c), outside * (1 - share))
        return np.where(self._counts_for_us(c, baseline * share), np.maximum(value, 0.0), 0.0)

    def _counts_for_us(self, count: Floats, expected: Floats) -> Flags:
        high: Flags = (count > expected) & (count >= self.min_cases)
        low: Flags = count < expected
        if self.alternative == "high":
            return high
        return low if self.alternative == "low" else high | low

    def thresholds(self, floor: float) -> Thresholds:
        """Return, by baseline, the counts whose ratio can pass ``floor``; a few more may be let through.

        The ratio grows with the distance of the count from what is expected, so for each count the
        baselines at which it passes form an interval, whose end is found by halving.
        """
        scale = _BINS / np.sqrt(self.total)
        edges = (np.arange(_BINS + 1) / scale) ** 2
        counts = np.arange(self.cases + 1, dtype=np.float64)
        high = low = None
        if self.alternative != "low":
            reach = self._end(counts, floor, high=True)
            least = np.searchsorted(reach, edges[:-1] * (1 - _SLACK))
            high = np.maximum(least, self.min_cases)
        if self.alternative != "high":
            reach = self._end(counts, floor, high=False)
            low = np.searchsorted(reach, edges[1:] * (1 + _SLACK), side="right") - 1
        return Thresholds(scale, high, low)

    def _end(self, counts: Floats, floor: float, *, high: bool) -> Floats:
        """Return where each count begins to pass: the largest baseline if it is high, the smallest if low."""
        even = counts * self.total / self.cases
        one_sided = Likelihood(self.family, self.cases, self.total, "both", 0)
        if high:
            far = np.zeros_like(counts) if self.family == "poisson" else counts
        else:
            far = np.full_like(counts, self.total)
            if self.family == "bernoulli":
                far = far - (self.cases - counts)
        never = one_sided.ratio(counts, far) <= floor
        near, passing = even.copy(), far.copy()
        for _ in range(_BISECTIONS):
            middle = (near + passing) / 2
            passes = one_sided.ratio(counts, middle) > floor
            passing, near = np.where(passes, middle, passing), np.where(passes, near, middle)
        ends = near * (1 + _SLACK) if high else near * (1 - _SLACK)
        return np.where(never, -1.0 if high else np.inf, ends)


class Thresholds(NamedTuple):
    """Counts worth evaluating, by baseline: at least `high` or at most `low`.

    Attributes
    ----------
    scale : float
        Entry of a baseline b: the whole part of ``√b × scale``.
    high, low : ndarray of int, or None where that side is not sought
    """

    scale: float
    high: NDArray[Any] | None
    low: NDArray[Any] | None

    def fitted(self, dtype: np.dtype[Any]) -> Thresholds:
        """Return the same for counts of a type whose largest value no count reaches."""
        top = int(np.iinfo(dtype).max)
        high = None if self.high is None else np.minimum(self.high, top).astype(dtype)
        low = None if self.low is None else np.clip(self.low + 1, 0, top).astype(dtype)
        return Thresholds(self.scale, high, low)

    def passing(self, counts: NDArray[Any], baseline: Floats, closes: Flags) -> Integers:
        """Return flat positions in counts (circle, window, replicate) that may pass; others cannot.

        Of `fitted` thresholds: at least ``high``, or below ``low``.
        """
        # The root can come out one rounding beyond the last entry; mode="clip" takes that for the last.
        entry = (np.sqrt(baseline) * self.scale).astype(np.intp)
        hit: Flags = np.empty(0, dtype=bool)
        all_close = bool(closes.all())
        if self.high is not None:
            least = self.high.take(entry, mode="clip")
            if not all_close:
                least[~closes] = np.iinfo(counts.dtype).max
            hit = counts >= least[:, :, None]
        if self.low is not None:
            above = self.low.take(entry, mode="clip")
            if not all_close:
                above[~closes] = 0
            hit = (hit | (counts < above[:, :, None])) if hit.size else counts < above[:, :, None]
        return _positions(hit)


def _positions(hit: Flags) -> Integers:
    """Return `numpy.flatnonzero`; eight flags at a time where they are rare, which is four times as fast."""
    flat = hit.reshape(-1)
    if flat.size % 8:
        return np.flatnonzero(flat)
    word = np.flatnonzero(flat.view(np.uint64) != 0)
    which, offset = np.nonzero(flat.reshape(-1, 8)[word])
    positions: Integers = word[which] * 8 + offset
    return positions


class Step(NamedTuple):
    """One more member for each circle of a block.

    Attributes
    ----------
    entry : ndarray of int64, shape (b,)
        Position in `Circles.member`; of no meaning where not ``closes``.
    closes : ndarray of bool, shape (b,)
        The circle is one to be judged.
    counts : ndarray of unsigned int, shape (b, layers, r)
    baseline : ndarray of float64, shape (b, layers)
    """

    entry: Integers
    closes: Flags
    counts: NDArray[Any]
    baseline: Floats


def count_type(where: Circles, most_at_site: Integers) -> type[np.unsignedinteger[Any]]:
    """Return the narrowest type whose largest value no circle's count can reach; narrow types are fast."""
    size = np.diff(where.indptr)
    starts = where.indptr[:-1][size > 0]
    most = int(np.add.reduceat(most_at_site[where.member], starts).max())
    for candidate in (np.uint8, np.uint16, np.uint32):
        if most < np.iinfo(candidate).max:
            return candidate
    return np.uint64


@dataclass(frozen=True)
class Scanner:
    """All circles and windows, ready to be held against counts.

    Attributes
    ----------
    where : Circles
    when : TimeWindows
    baseline : ndarray of float64, shape (s + 1, layers)
        Running totals over time (`TimeWindows.stack`); the last row is an empty site.
    likelihood : Likelihood
    """

    where: Circles
    when: TimeWindows
    baseline: Floats
    likelihood: Likelihood

    def best_by_circle(self, layers: NDArray[Any]) -> tuple[Floats, Integers]:
        """Return the largest ratio of each circle over its windows, and which window, shape (m,).

        Parameters
        ----------
        layers : ndarray of int, shape (s + 1, layers, 1)
            The observed counts, stacked.
        """
        best = np.zeros(self.where.member.size)
        window = np.zeros(self.where.member.size, dtype=np.int64)
        for step in self._grow(layers, width=self._width(1, 32)):
            at = np.arange(step.entry.size)
            for number, c, b in self._windows(step):
                value = self.likelihood.ratio(c[:, :, 0], b)
                largest = value.argmax(axis=1)
                better = step.closes & (value[at, largest] > best[step.entry])
                best[step.entry[better]] = value[at, largest][better]
                window[step.entry[better]] = number + largest[better]
        return best, window

    def maxima(self, layers: NDArray[Any], floor: float) -> Floats:
        """Return the largest ratio of each replicate, exactly; ``floor`` only decides how fast.

        Parameters
        ----------
        layers : ndarray of unsigned int, shape (s + 1, layers, r)
            The counts of r replicates, stacked.
        floor : float
            A value that most maxima pass. Only counts that can pass it are evaluated; replicates without
            any are done again with a lower one.
        """
        best = np.zeros(layers.shape[2])
        todo = np.arange(layers.shape[2])
        for rung in (floor, *(lower for lower in _LADDER if lower < floor)):
            part = layers if todo.size == layers.shape[2] else np.ascontiguousarray(layers[:, :, todo])
            best[todo] = self._maxima_above(part, rung)
            todo = todo[best[todo] <= rung]
            if not todo.size:
                break
        return best

    def _maxima_above(self, layers: NDArray[Any], floor: float) -> Floats:
        thresholds = self.likelihood.thresholds(floor).fitted(layers.dtype)
        best = np.zeros(layers.shape[2])
        n_replicates = layers.shape[2]
        for step in self._grow(layers, self._width(n_replicates, layers.itemsize)):
            for _, c, b in self._windows(step):
                hits = thresholds.passing(c, b, step.closes)
                if hits.size:
                    cell, replicate = np.divmod(hits, n_replicates)
                    value = self.likelihood.ratio(c.reshape(-1)[hits], b.reshape(-1)[cell])
                    np.maximum.at(best, replicate, value)
        return best

    def _width(self, n_replicates: int, itemsize: int) -> int:
        return max(1, _BLOCK_BYTES // (self.when.n_layers * n_replicates * itemsize))

    def _windows(self, step: Step) -> Iterator[tuple[int, NDArray[Any], Floats]]:
        pairs = zip(self.when.groups(step.counts), self.when.groups(step.baseline), strict=True)
        for (number, counts), (_, baseline) in pairs:
            # The difference of two equal totals can come out a rounding below nought.
            yield number, counts, np.maximum(baseline, 0.0)

    def _grow(self, layers: NDArray[Any], width: int) -> Iterator[Step]:
        """Add the next nearest site to every circle of a block at a time: each total is one addition.

        Centres with as many members go together; a circle that can grow no more gains the empty site.
        """
        size = np.diff(self.where.indptr)
        order = np.argsort(-size, kind="stable")
        order = order[size[order] > 0]
        for start in range(0, order.size, width):
            part = order[start : start + width]
            counts = np.zeros((part.size, *layers.shape[1:]), dtype=layers.dtype)
            baseline = np.zeros(counts.shape[:2])
            added = np.empty_like(counts)
            for k in range(int(size[part[0]])):
                more = k < size[part]
                entry = self.where.indptr[part] + np.where(more, k, 0)
                member = np.where(more, self.where.member[entry], self.where.n_sites)
                # mode="clip" lets numpy write straight into the buffer; members are always in range.
                np.take(layers, member, axis=0, out=added, mode="clip")
                np.add(counts, added, out=counts)
                baseline += self.baseline[member]
                yield Step(entry, more & self.where.closes[entry], counts, baseline)

"""What a scan holds against its circles: likelihood ratios, thresholds, and the largest of many replicates.

Its loops are compiled (`scan_compiled`) and imported where a scan is made: see `compiled`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from placewise.geo.crs import Flags, Floats, Integers
from placewise.geo.scan_windows import Circles, TimeWindows

Alternative = Literal["high", "low", "both"]
Family = Literal["poisson", "bernoulli"]

# Bins of the threshold tables, spaced evenly by square root because small baselines need the finer steps.
_BINS = 1 << 14
# Widens what is let through to the exact evaluation, so that rounding shuts nothing out.
_SLACK = 1e-9
_BISECTIONS = 44
_LADDER = (3.0, 0.0)


class Terms(NamedTuple):
    """What a likelihood ratio depends on besides a count and its baseline; see `Likelihood`."""

    cases: float
    total: float
    bernoulli: bool
    high: bool
    low: bool
    min_cases: int


class Layout(NamedTuple):
    """Circles and windows.

    Attributes
    ----------
    indptr, member, closes
        As `scan_windows.Circles`.
    before, until : ndarray of int64, shape (w,)
        `TimeWindows.layers`: a window's total is layer ``until`` less layer ``before``; -1 for nothing less.
    baseline : ndarray of float64, shape (s, layers)
        Running totals over time.
    """

    indptr: Integers
    member: Integers
    closes: Flags
    before: Integers
    until: Integers
    baseline: Floats


class Passing(NamedTuple):
    """`Thresholds`, of the type of the counts: one passes from ``least`` up, or below ``above``."""

    scale: float
    least: NDArray[Any]
    above: NDArray[Any]


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
        from placewise.geo import scan_compiled

        counts, baselines = np.broadcast_arrays(np.asarray(count, dtype=np.float64), baseline)
        values = scan_compiled.log_ratios(counts.ravel(), baselines.ravel(), self.terms)
        return values.reshape(counts.shape)

    @property
    def terms(self) -> Terms:
        """The same, for the compiled loops."""
        return Terms(
            float(self.cases),
            self.total,
            self.family == "bernoulli",
            self.alternative != "low",
            self.alternative != "high",
            self.min_cases,
        )

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

    def fitted(self, dtype: np.dtype[Any]) -> Passing:
        """Return the same for counts of a type whose largest value no count reaches."""
        top = int(np.iinfo(dtype).max)
        high = np.full(_BINS, top) if self.high is None else np.minimum(self.high, top)
        low = np.zeros(_BINS) if self.low is None else np.clip(self.low + 1, 0, top)
        return Passing(self.scale, high.astype(dtype), low.astype(dtype))


@lru_cache(maxsize=8)
def _thresholds(likelihood: Likelihood, floor: float) -> Thresholds:
    return likelihood.thresholds(floor)  # the same for all pieces of a scan


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
        layers : ndarray of int, shape (s, layers)
            The observed counts, stacked.
        """
        from placewise.geo import scan_compiled

        return scan_compiled.best_by_circle(layers.astype(np.float64), self._layout, self.likelihood.terms)

    def maxima(self, layers: NDArray[Any], floor: float) -> Floats:
        """Return the largest ratio of each replicate, exactly; ``floor`` only decides how fast.

        Parameters
        ----------
        layers : ndarray of unsigned int, shape (s, layers, r)
            The counts of r replicates, stacked.
        floor : float
            A value that most maxima pass. Only counts that can pass it are evaluated; replicates without
            any are done again with a lower one.
        """
        from placewise.geo import scan_compiled

        best = np.zeros(layers.shape[2])
        todo = np.arange(layers.shape[2])
        for rung in (floor, *(lower for lower in _LADDER if lower < floor)):
            passing = _thresholds(self.likelihood, rung).fitted(layers.dtype)
            part = layers if todo.size == best.size else np.ascontiguousarray(layers[:, :, todo])
            raised = best[todo]
            scan_compiled.raise_best(raised, part, self._layout, passing, self.likelihood.terms)
            best[todo] = raised
            todo = todo[raised <= rung]
            if not todo.size:
                break
        return best

    @property
    def _layout(self) -> Layout:
        where = self.where
        return Layout(where.indptr, where.member, where.closes, *self.when.layers, self.baseline)

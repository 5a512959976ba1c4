"""How far to smooth: a distance chosen by a person, suggested by a rule, or judged by the records themselves."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from placewise.core.errors import BadBandwidth, TooFewRecords
from placewise.geo.counts import NO_CHILD, checked_children
from placewise.geo.crs import Floats, Integers, require_coordinates
from placewise.geo.kernels import Kernel

Rule = Literal["chosen", "silverman", "likelihood"]

# A quartic kernel of radius h has standard deviation h / √8 on either axis.
QUARTIC_PER_GAUSSIAN = math.sqrt(8)
MIN_RECORDS = 10
MAX_HELD_OUT = 1000
_CANDIDATES = 24
_PAIRS = 1 << 20


@dataclass(frozen=True)
class Bandwidth:
    """A smoothing distance and where it came from.

    Attributes
    ----------
    bandwidth_m : float
    kernel : {"quartic", "gaussian"}
        The kernel the distance is meant for.
    rule : {"chosen", "silverman", "likelihood"}
    candidates_m, score : ndarray of float64, shape (m,)
        For ``"likelihood"``: the distances tried, and the mean log density of held-out records at each
        (the larger, the better); empty otherwise.
    at_end : bool
        The best candidate was the shortest or longest tried, so the true best may lie beyond.
    """

    bandwidth_m: float
    kernel: Kernel
    rule: Rule
    candidates_m: Floats = field(repr=False)
    score: Floats = field(repr=False)
    at_end: bool = False


def chosen_bandwidth(bandwidth_m: float, *, kernel: Kernel = "quartic") -> Bandwidth:
    """Take a person's own distance.

    Raises
    ------
    BadBandwidth
        It is not a length above nought.

    Examples
    --------
    >>> chosen_bandwidth(300).bandwidth_m
    300.0
    """
    if not (np.isfinite(bandwidth_m) and bandwidth_m > 0):
        raise BadBandwidth(f"The smoothing distance must be a length above nought, not {bandwidth_m:g} m.")
    return Bandwidth(float(bandwidth_m), kernel, "chosen", np.empty(0), np.empty(0))


def silverman_bandwidth_m(x: ArrayLike, y: ArrayLike, *, kernel: Kernel = "quartic") -> float:
    """Suggest a bandwidth from how far the records lie apart.

    A rule made for one round cloud of points: over a borough with several centres it is too wide, and
    with many records at one spot too narrow. A start for a choice, not a finding.

    Parameters
    ----------
    x, y : array_like of shape (n,)
        Metres, EPSG:27700.
    kernel : {"quartic", "gaussian"}
        The quartic's figure is √8 of the Gaussian's, which gives both the same standard deviation.

    Raises
    ------
    TooFewRecords
        Fewer than two records, or all at one spot.

    Notes
    -----
    ``σ n^(-1/6)`` with σ the mean over both axes of min(deviation, interquartile range / 1.349), an axis
    without a positive range falling back on its deviation. Silverman 1986, doi 10.1201/9781315140919,
    sections 3.4.2 and 4.3.2.
    """
    xs, ys = require_coordinates(x, y)
    if xs.size < 2:
        raise TooFewRecords("At least two records are needed to suggest a smoothing distance.")
    spread = float(np.mean([_robust_spread(axis) for axis in (xs, ys)]))
    if spread == 0:
        raise TooFewRecords("All records are at one spot, so no smoothing distance can be suggested.")
    width = spread / float(xs.size ** (1 / 6))
    return width * QUARTIC_PER_GAUSSIAN if kernel == "quartic" else width


def _robust_spread(values: Floats) -> float:
    deviation = float(values.std(ddof=1))
    low, high = np.quantile(values, [0.25, 0.75])
    return min(deviation, float(high - low) / 1.349) if high > low else deviation


def likelihood_bandwidth(
    x: ArrayLike,
    y: ArrayLike,
    *,
    seed: int,
    kernel: Kernel = "quartic",
    child: ArrayLike | None = None,
    candidates_m: ArrayLike | None = None,
    max_held_out: int = MAX_HELD_OUT,
) -> Bandwidth:
    """Find the distance at which the other records foretell best where a held-out record lies.

    It is the distance that suits *the records*, snapped, repeated and incomplete as they are; it is not
    the reach of any harm. Records at the same spot, and records of the same child, are held out together:
    otherwise a child's repeats, or snapping to a few points, make the shortest distance win always.

    Parameters
    ----------
    x, y : array_like of shape (n,)
        Metres, EPSG:27700. Not modified.
    seed : int
        Chooses which records are held out when there are more than ``max_held_out``.
    kernel : {"quartic", "gaussian"}
        The likelihood is always the Gaussian's, which never is nought; the quartic's figure is √8 of it.
    child : array_like of int, shape (n,), optional
        A number that stands for the child of each record, -1 for none.
    candidates_m : array_like of float > 0, shape (m,), optional
        Distances to try, for ``kernel``; 24 from an eighth of Silverman's to twice it by default.
    max_held_out : int

    Returns
    -------
    Bandwidth

    Raises
    ------
    TooFewRecords
        Fewer than ten records, or all at one spot, or of one child.
    BadBandwidth
        A candidate is not a length above nought.

    Notes
    -----
    Maximises Σᵢ log f₋ᵢ(xᵢ), without edge correction. Time O(min(n, held out) n m). Habbema, Hermans and
    van den Broek 1974; Duin 1976, doi 10.1109/TC.1976.1674577; Silverman 1986, section 3.4.4.
    """
    xs, ys = require_coordinates(x, y)
    children = np.full(xs.size, NO_CHILD) if child is None else checked_children(child, xs.size)
    if xs.size < MIN_RECORDS:
        raise TooFewRecords(f"At least {MIN_RECORDS} records are needed to judge a smoothing distance.")
    factor = QUARTIC_PER_GAUSSIAN if kernel == "quartic" else 1.0
    tried = _candidates(xs, ys, candidates_m, kernel)
    held = np.arange(xs.size)
    if xs.size > max_held_out:
        held = np.sort(np.random.default_rng(seed).choice(xs.size, max_held_out, replace=False))
    score = _mean_log_density(xs, ys, children, held, tried / factor)
    if not np.isfinite(score).any():
        raise TooFewRecords("All records are at one spot or of one child, so none can foretell another.")
    best = int(np.argmax(score))
    at_end = tried.size > 1 and best in {0, tried.size - 1}
    return Bandwidth(float(tried[best]), kernel, "likelihood", tried, score, at_end)


def _candidates(x: Floats, y: Floats, candidates_m: ArrayLike | None, kernel: Kernel) -> Floats:
    if candidates_m is None:
        middle = silverman_bandwidth_m(x, y, kernel=kernel)
        return np.asarray(np.geomspace(middle / 8, middle * 2, _CANDIDATES), dtype=np.float64)
    tried = np.sort(np.asarray(candidates_m, dtype=np.float64).ravel())
    if not tried.size or not (np.isfinite(tried).all() and tried[0] > 0):
        raise BadBandwidth("Each smoothing distance to try must be a length above nought.")
    return tried


def _mean_log_density(x: Floats, y: Floats, child: Integers, held: Integers, sigma_m: Floats) -> Floats:
    """Return for each σ the mean over held-out records of the log density of the records not their own."""
    score, used = np.zeros(sigma_m.size), 0
    step = max(1, _PAIRS // x.size)
    for start in range(0, held.size, step):
        some = held[start : start + step, None]
        squared = (x[some] - x) ** 2 + (y[some] - y) ** 2
        own = (squared == 0) | ((child[some] == child) & (child != NO_CHILD))
        squared[own] = np.inf
        others = own.shape[1] - np.count_nonzero(own, axis=1)
        heard = others > 0
        nearest = squared[heard].min(axis=1, keepdims=True)
        excess = nearest - squared[heard]
        used += int(heard.sum())
        for i, sigma in enumerate(sigma_m):
            # The nearest record is taken out of the sum, so that far ones do not vanish in rounding.
            near = np.exp(excess / (2 * sigma**2)).sum(axis=1)
            logs = np.log(near / (2 * np.pi * sigma**2 * others[heard])) - nearest[:, 0] / (2 * sigma**2)
            score[i] += logs.sum()
    return score / used if used else np.full(sigma_m.size, -np.inf)

"""P-values from replicates made under the null: ranks, early stopping, and a Gumbel fit."""

from __future__ import annotations

import math
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from placewise.core.errors import MissingValue, TooFewRecords
from placewise.core.progress import OnProgress
from placewise.geo.chunks import Work, pieces
from placewise.geo.crs import Flags, Floats

Alternative = Literal["more", "fewer"]

# Two statistics that should be equal may differ in the last digits; they count as equal.
_TIE = 1e-9
# Upper 5% point of √n D for a curve fitted by moments: 0.94 to 0.95 in 4,000 samples each of 99 to 1,999 true
# Gumbel values. (Stephens 1977, doi 10.1093/biomet/64.3.583, has 0.874 for the closer fit by likelihood.)
_LARGEST_DISTANCE = 0.95
MIN_FOR_GUMBEL = 99


@dataclass(frozen=True)
class MonteCarloP:
    """A p-value estimated from replicates, and how well it is known.

    Attributes
    ----------
    p : float
        Share of replicates, the data counted as one, at least as extreme as the data; in (0, 1].
    low, high : float
        95% limits (exact) for the p that endless replicates would give. They speak of the randomness of
        the replicates only, not of the data.
    replicates : int
        Replicates used.
    exceeding : int
        Of these, at least as extreme as the data.
    stopped_early : bool
    """

    p: float
    low: float
    high: float
    replicates: int
    exceeding: int
    stopped_early: bool


def monte_carlo_p(observed: float, replicates: ArrayLike, *, stop_after: int | None = None) -> MonteCarloP:
    """Rank a statistic among replicates made under the null; large values are extreme.

    Parameters
    ----------
    observed : float
    replicates : array_like of float, shape (n,)
        In the order in which they were numbered: with ``stop_after`` it matters.
    stop_after : int >= 1, optional
        Count only up to the replicate at which so many were at least as extreme. The p-value is valid
        all the same, and replicates are saved where there is nothing to find.

    Returns
    -------
    MonteCarloP

    Raises
    ------
    MissingValue
        The statistic or a replicate is not finite.
    TooFewRecords
        There is no replicate.

    Notes
    -----
    ``p = (g + 1) / (n + 1)`` with g of n exceeding, or ``h / l`` where the h-th came as replicate l ≤ n.
    Besag and Clifford 1991, doi 10.1093/biomet/78.2.301. Limits: Clopper and Pearson for g of n; for h in
    l the same with the last one known to exceed (negative binomial).

    Examples
    --------
    >>> monte_carlo_p(5.0, [1, 2, 3, 6]).p                    # (1 + 1) / (4 + 1)
    0.4
    >>> monte_carlo_p(2.0, [1, 2, 3, 6], stop_after=2).p      # the second came third: 2 / 3
    0.6666666666666666
    """
    exceeds = _exceeding(observed, replicates)
    if stop_after is not None and stop_after < 1:
        raise ValueError(f"stop_after must be at least 1, not {stop_after}")
    reached = np.flatnonzero(exceeds)
    if stop_after is not None and reached.size >= stop_after:
        used = int(reached[stop_after - 1]) + 1
        low, high = _limits(stop_after, used, beyond=used - stop_after)
        return MonteCarloP(stop_after / used, float(low), float(high), used, stop_after, used < exceeds.size)
    n, g = exceeds.size, reached.size
    low, high = _limits(g, n, beyond=n - g, more=1)
    return MonteCarloP((g + 1) / (n + 1), float(low), float(high), n, g, stopped_early=False)


def _exceeding(observed: float, replicates: ArrayLike) -> Flags:
    values = np.asarray(replicates, dtype=np.float64)
    if not values.size:
        raise TooFewRecords("There is no replicate to compare with. Ask for at least one, better 999.")
    if not (np.isfinite(values).all() and math.isfinite(observed)):
        raise MissingValue("The statistic or a replicate of it is not a finite number.")
    exceeds: Flags = values >= observed - _TIE * (1 + abs(observed))
    return exceeds


def rank_p(
    observed: ArrayLike, by_chance: ArrayLike, *, alternative: Alternative
) -> tuple[Floats, Floats, Floats]:
    """Rank many statistics at once, each among its own replicates, all of which were made.

    Parameters
    ----------
    observed : array_like, shape (…)
    by_chance : array_like, shape (replicates, …)
    alternative : {"more", "fewer"}
        Stated before the data are seen.

    Returns
    -------
    p, low, high : ndarray of float64, shape (…)
        p is (1 + replicates at least as extreme) / (1 + replicates), which never claims more than it may;
        low and high are the 95% limits of `MonteCarloP`.

    Notes
    -----
    Phipson and Smyth 2010, doi 10.2202/1544-6115.1585; Clopper and Pearson 1934,
    doi 10.1093/biomet/26.4.404.

    Examples
    --------
    >>> p, low, high = rank_p(3, [1, 2, 3, 0], alternative="more")
    >>> float(p), round(float(low), 4), round(float(high), 4)
    (0.4, 0.0063, 0.8059)
    """
    seen, chance = np.asarray(observed), np.asarray(by_chance)
    if alternative not in ("more", "fewer"):
        raise ValueError(f"alternative is more or fewer, not {alternative!r}")
    n = chance.shape[0]
    as_extreme = (chance >= seen if alternative == "more" else chance <= seen).sum(axis=0)
    return (1 + as_extreme) / (1 + n), *_limits(as_extreme, n, beyond=n - as_extreme, more=1)


def _limits(exceeding: ArrayLike, n: int, *, beyond: ArrayLike, more: int = 0) -> tuple[Floats, Floats]:
    g, missed = np.asarray(exceeding, dtype=np.float64), np.asarray(beyond, dtype=np.float64)
    low = np.where(g > 0, special.betaincinv(np.maximum(g, 1), n - g + 1, 0.025), 0.0)
    high = np.where(missed > 0, special.betaincinv(g + more, np.maximum(missed, 1), 0.975), 1.0)
    return low, high


def run_replicates(
    work: Work[np.float64],
    *,
    replicates: int,
    chunk_size: int,
    observed: float,
    stop_after: int | None = None,
    executor: Executor | None = None,
    on_progress: OnProgress | None = None,
) -> Floats:
    """Make replicates until there are enough; see `chunks.pieces`, whose parameters these are.

    Parameters
    ----------
    work : callable
        ``work(first, count)`` returns their statistics, shape (count,).
    replicates : int >= 1
        Most replicates to make.
    chunk_size : int >= 1
    observed : float
        With ``stop_after``, no more are made once so many reach it; those past that one are dropped.
    stop_after : int, optional
    executor, on_progress

    Returns
    -------
    ndarray of float64, shape (at most replicates,)

    Raises
    ------
    CalculationStopped
        ``on_progress`` returned False.
    """
    made: list[Floats] = []
    reached = 0
    with closing(
        pieces(work, replicates, size=chunk_size, executor=executor, on_progress=on_progress)
    ) as all_pieces:
        for piece in all_pieces:
            made.append(piece)
            reached += int(_exceeding(observed, piece).sum())
            if stop_after is not None and reached >= stop_after:
                break
    values = np.concatenate(made)
    return values[: monte_carlo_p(observed, values, stop_after=stop_after).replicates]


@dataclass(frozen=True)
class GumbelP:
    """A p-value from a Gumbel curve through the replicates.

    Attributes
    ----------
    p : float
        In [0, 1]; can be far below one over the number of replicates.
    location, scale : float
        The curve's mode and spread.
    distance : float
        Largest gap between the curve and the replicates' own distribution (Kolmogorov and Smirnov).
    warning : str or None
        Why the figure should not be relied on; None where nothing speaks against it.
    """

    p: float
    location: float
    scale: float
    distance: float
    warning: str | None


def gumbel_p(observed: float, replicates: ArrayLike) -> GumbelP:
    """Extend the replicates by a Gumbel curve, to tell small p-values apart.

    It rests on a curve fitting where no replicate has been: use it to order clusters that are already
    beyond all replicates, never to turn a rank p-value above 0.05 into one below. Where counts are small
    the statistic takes few values and the curve does not fit; where ``warning`` is set, use the rank.

    Parameters
    ----------
    observed : float
    replicates : array_like of float, shape (n,)
        All of a fixed number of replicates, not a sequence stopped early.

    Returns
    -------
    GumbelP

    Raises
    ------
    MissingValue
        The statistic or a replicate is not finite.
    TooFewRecords
        There is no replicate.

    Notes
    -----
    Fitted by moments: scale s√6/π, location x̄ − 0.5772 scale; p = 1 − exp(−exp(−(x − location)/scale)).
    Abrams, Kleinman and Kulldorff 2010, doi 10.1186/1476-072X-9-61. Warned of below `MIN_FOR_GUMBEL`
    replicates, and where √n times the distance passes what one fit in twenty does when the curve is right.
    """
    _exceeding(observed, replicates)
    values = np.sort(np.asarray(replicates, dtype=np.float64))
    n = values.size
    scale = float(values.std(ddof=1)) * math.sqrt(6) / math.pi if n > 1 else 0.0
    location = float(values.mean()) - np.euler_gamma * scale
    if scale <= _TIE * (1 + abs(location)):
        same = "All replicates are the same, so no curve can be drawn through them."
        return GumbelP(float(observed <= location + _TIE), location, 0.0, 1.0, same)
    curve = np.exp(-_rarity(values, location, scale))
    step = np.arange(n + 1) / n
    distance = float(max((step[1:] - curve).max(), (curve - step[:-1]).max()))
    p = float(-np.expm1(-_rarity(np.array(observed), location, scale)))
    return GumbelP(p, location, scale, distance, _gumbel_warning(n, distance))


def _rarity(values: Floats, location: float, scale: float) -> Floats:
    """Return exp(−(x − location) / scale); far below the location it is kept from overflowing, where p is 1."""
    rarity: Floats = np.exp(np.minimum((location - values) / scale, 700.0))
    return rarity


def _gumbel_warning(n: int, distance: float) -> str | None:
    if n < MIN_FOR_GUMBEL:
        return f"Only {n} replicates: use at least {MIN_FOR_GUMBEL} for a Gumbel curve."
    if distance * math.sqrt(n) > _LARGEST_DISTANCE:
        return "The replicates do not follow a Gumbel curve (often: too few events). Use the rank p-value."
    return None

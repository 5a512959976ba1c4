"""Scan statistics: the circle and the stretch of time that hold most more (or fewer) events than expected."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from placewise.core.progress import OnProgress
from placewise.geo.chunks import replicate_generator
from placewise.geo.crs import Floats, Integers
from placewise.geo.monte_carlo import GumbelP, gumbel_p, monte_carlo_p, run_replicates
from placewise.geo.scan_kernels import Alternative, Likelihood, Scanner, count_type
from placewise.geo.scan_models import ScanModel
from placewise.geo.scan_windows import Sites, circles, merge_locations, time_windows

# Eight replicates tell well enough what nearly all maxima pass; it decides on speed alone.
_PILOT = 8
_PILOT_SHARE = 0.9
_PILOT_FLOOR = 3.0
_CHUNK_BYTES = 1 << 26
# Of so many replicates one circle's counts stay in a core's nearest cache.
_LARGEST_CHUNK = 512
# Where a scan may stop early, fewer are wasted past the stop.
_CAUTIOUS_CHUNK = 256


@dataclass(frozen=True)
class Cluster:
    """One circle and stretch of time, and how it stands out.

    Attributes
    ----------
    centre_x_m, centre_y_m : float
        A location's coordinates, EPSG:27700.
    radius_m : float
        To the farthest location inside; 0 for a single place.
    first_step, last_step : int
        Both inside the cluster.
    members : ndarray of int64
        Positions of the locations inside, ascending.
    observed : int
    expected : float
    relative_risk : float
        Observed over expected inside, divided by the same outside; infinite where there is no case outside.
        The cluster was picked because this is large, so it is larger than the truth.
    log_likelihood_ratio : float
    p : float
        Chance of any cluster in the study standing out as much, had there been nothing to find.
    p_low, p_high : float
        95% limits of p for the number of replicates made (`monte_carlo.MonteCarloP`).
    recurrence_interval_steps : float or None
        Prospective scans: once in how many steps such a cluster would be met by chance. None otherwise.
    gumbel : GumbelP or None
        If asked for.
    """

    centre_x_m: float
    centre_y_m: float
    radius_m: float
    first_step: int
    last_step: int
    members: Integers = field(repr=False)
    observed: int
    expected: float
    relative_risk: float
    log_likelihood_ratio: float
    p: float
    p_low: float
    p_high: float
    recurrence_interval_steps: float | None
    gumbel: GumbelP | None


@dataclass(frozen=True)
class ScanResult:
    """The result of `scan`.

    Attributes
    ----------
    clusters : tuple of Cluster
        Most likely first; no two share a location. Not only those with a small p.
    model : {"poisson", "bernoulli", "permutation"}
    alternative : {"high", "low", "both"}
    prospective : bool
    n_cases, n_sites, n_circles, n_windows : int
        Distinct coordinates; circles over them; stretches of time held against each circle.
    replicates : ndarray of float64
        The largest log likelihood ratio of each replicate.
    stopped_early : bool
        No more replicates were made because the most likely cluster was clearly nothing unusual.
    """

    clusters: tuple[Cluster, ...]
    model: str
    alternative: Alternative
    prospective: bool
    n_cases: int
    n_sites: int
    n_circles: int
    n_windows: int
    replicates: Floats = field(repr=False)
    stopped_early: bool

    def standing_out(self, *, p_at_most: float = 0.05) -> tuple[Cluster, ...]:
        """Return the clusters to show: those with a p-value so small."""
        return tuple(cluster for cluster in self.clusters if cluster.p <= p_at_most)


@dataclass(frozen=True)
class ScanPlan:
    """All that is needed to make replicates, here or elsewhere; see `plan_scan`.

    Attributes
    ----------
    model : ScanModel
        With locations put together to sites.
    sites : Sites
    scanner : Scanner
    seed : int
    floor : float
        A ratio that nearly every replicate passes.
    """

    model: ScanModel = field(repr=False)
    sites: Sites = field(repr=False)
    scanner: Scanner = field(repr=False)
    seed: int
    floor: float

    @property
    def chunk_size(self) -> int:
        """Number of replicates that are best made at once."""
        cells = self.sites.x_m.size * self.scanner.when.n_layers
        return int(np.clip(_CHUNK_BYTES // (2 * cells), 8, _LARGEST_CHUNK))

    def maxima(self, first: int, count: int) -> Floats:
        """Return the largest log likelihood ratio of replicates ``first`` to ``first + count - 1``.

        Each depends on the seed and its own number only, so chunks can be made in any order and place.
        """
        return _maxima(self, first, count, self.floor)


def plan_scan(
    model: ScanModel,
    x: ArrayLike,
    y: ArrayLike,
    *,
    seed: int,
    max_share: float = 0.5,
    max_radius_m: float | None = None,
    max_time_share: float = 0.5,
    max_steps: int | None = None,
    prospective: bool = False,
    alternative: Alternative = "high",
    min_cases: int = 2,
) -> ScanPlan:
    """Lay out the circles and windows of a scan before anything is tested.

    Parameters
    ----------
    model : ScanModel
        From `poisson_model`, `bernoulli_model` or `permutation_model`.
    x, y : array_like of shape (locations,)
        Metres, EPSG:27700. Several locations may share coordinates. Not modified.
    seed : int >= 0
        Of the replicates.
    max_share : float
        A circle holds at most this share of expected cases (Poisson), records (Bernoulli) or events.
    max_radius_m : float, optional
    max_time_share : float
        Longest window as a share of the study period.
    max_steps : int, optional
        Longest window in steps, instead.
    prospective : bool
        Only clusters still going on at the last step.
    alternative : {"high", "low", "both"}
        What is sought, fixed beforehand. Few records may mean few reports: think before asking for low.
    min_cases : int >= 1
        Fewest cases in a cluster of high rates.

    Raises
    ------
    MissingValue, WrongCRS
        See `crs.require_coordinates`.
    TooFewCells
        No circle is within the limits.
    ValueError
        A limit is out of range, or the coordinates are not as many as the model's locations.

    Notes
    -----
    Memory: 25 bytes a circle and 64 MB for replicates. See `scan_windows.circles` for the time.
    """
    if alternative not in ("high", "low", "both"):
        raise ValueError(f"alternative is high, low or both, not {alternative!r}")
    if min_cases < 1:
        raise ValueError(f"min_cases must be at least 1, not {min_cases}")
    sites = merge_locations(x, y)
    n_locations, n_steps = model.counts.shape
    if sites.of_location.size != n_locations:
        raise ValueError(f"{sites.of_location.size} coordinates for {n_locations} locations")
    merged = model.at_sites(sites.of_location, sites.x_m.size)
    baseline = merged.baseline()
    where = circles(sites, baseline.sum(axis=1), max_share=max_share, max_radius_m=max_radius_m)
    when = time_windows(n_steps, max_time_share=max_time_share, max_steps=max_steps, prospective=prospective)
    total = float(model.n_cases) if model.family == "poisson" else float(baseline.sum())
    likelihood = Likelihood(model.family, model.n_cases, total, alternative, min_cases)
    stacked = when.stack(baseline[:, when.first_kept :])
    plan = ScanPlan(merged, sites, Scanner(where, when, stacked, likelihood), seed, floor=0.0)
    pilot = _maxima(plan, 0, _PILOT, _PILOT_FLOOR)
    return ScanPlan(merged, sites, plan.scanner, seed, floor=_PILOT_SHARE * float(pilot.min()))


def _maxima(plan: ScanPlan, first: int, count: int, floor: float) -> Floats:
    when, n_sites = plan.scanner.when, plan.sites.x_m.size
    drawn = []
    most = np.zeros(n_sites, dtype=np.int64)
    for replicate in range(first, first + count):
        cells = plan.model.draw(replicate_generator(plan.seed, replicate), since=when.first_kept)
        site, step = np.divmod(cells, when.n_steps)
        kept = step >= when.first_kept
        site, step = site[kept], step[kept] - when.first_kept
        np.maximum(most, np.bincount(site, minlength=n_sites), out=most)
        drawn.append(site * (when.n_steps - when.first_kept) + step)
    dtype = count_type(plan.scanner.where, most)
    counts = np.zeros((n_sites, when.n_steps - when.first_kept, count), dtype=dtype)
    flat = counts.reshape(-1)
    for replicate, cells in enumerate(drawn):
        np.add.at(flat, cells * count + replicate, dtype(1))
    return plan.scanner.maxima(when.stack(counts), floor)


def scan(
    plan: ScanPlan,
    *,
    replicates: int = 999,
    stop_after: int | None = 50,
    gumbel: bool = False,
    max_clusters: int = 10,
    steps_between_scans: float = 1.0,
    executor: Executor | None = None,
    on_progress: OnProgress | None = None,
) -> ScanResult:
    """Find the clusters that stand out most, and say how often chance alone would do as well.

    A cluster says that records are concentrated in a circle and a time beyond what the model explains, *as
    recorded*. It says nothing of why, nor of who; its edge is the edge of a circle, not of a problem; and
    where there is no cluster it is not shown that there is no harm. All circles and windows are allowed
    for in p, so it holds whatever their number.

    Parameters
    ----------
    plan : ScanPlan
    replicates : int >= 1
        Most replicates; 999 can tell p as small as 0.001.
    stop_after : int or None
        Stop once so many replicates equal the most likely cluster. With 50 of 999 this never happens
        where p would have been 0.05 or less.
    gumbel : bool
        Also fit a Gumbel curve (`monte_carlo.gumbel_p`). All replicates are then made.
    max_clusters : int
    steps_between_scans : float
        Prospective scans: how often the scan is repeated, for the recurrence interval.
    executor, on_progress
        Who makes the replicates, and who is told; see `chunks.pieces`.

    Returns
    -------
    ScanResult

    Raises
    ------
    CalculationStopped
        ``on_progress`` returned False.

    Notes
    -----
    Secondary clusters are compared with the *largest* ratio of each replicate, so their p is if anything
    too large. Time O(replicates × Σ members × windows). Kulldorff 1997, doi 10.1080/03610929708831995;
    2001, doi 10.1111/1467-985X.00186 (prospective); Besag and Clifford 1991, doi 10.1093/biomet/78.2.301.

    Examples
    --------
    >>> from placewise.geo.scan_models import poisson_model
    >>> x, y = [540000, 541000, 542000, 543000], [180000] * 4
    >>> plan = plan_scan(poisson_model([9, 1, 1, 1], [1, 1, 1, 1]), x, y, seed=1, max_share=0.25)
    >>> best = scan(plan, replicates=99).clusters[0]
    >>> best.observed, best.expected, round(best.relative_risk, 6)    # (9 / 3) / (3 / 9)
    (9, 3.0, 9.0)
    >>> round(best.log_likelihood_ratio, 4)                           # 9 ln(9/3) + 3 ln(3/9)
    6.5917
    """
    stop = None if gumbel else stop_after
    found = _most_likely(plan, max_clusters)
    made = np.empty(0)
    if found:
        made = run_replicates(
            plan.maxima,
            replicates=replicates,
            chunk_size=plan.chunk_size if stop is None else min(plan.chunk_size, _CAUTIOUS_CHUNK),
            observed=found[0].ratio,
            stop_after=stop,
            executor=executor,
            on_progress=on_progress,
        )
    likelihood, when = plan.scanner.likelihood, plan.scanner.when
    told = [
        _told(plan, spot, made, stop=stop, gumbel=gumbel, steps_between_scans=steps_between_scans)
        for spot in found
    ]
    return ScanResult(
        clusters=tuple(told),
        model=plan.model.name,
        alternative=likelihood.alternative,
        prospective=when.prospective,
        n_cases=likelihood.cases,
        n_sites=plan.sites.x_m.size,
        n_circles=int(plan.scanner.where.closes.sum()),
        n_windows=when.bounds[0].size,
        replicates=made,
        stopped_early=bool(found) and made.size < replicates,
    )


@dataclass(frozen=True)
class _Spot:
    centre: int
    entry: int
    window: int
    ratio: float


def _most_likely(plan: ScanPlan, max_clusters: int) -> list[_Spot]:
    """Take the largest ratio, leave out all circles that share a site with it, and so on."""
    where, when = plan.scanner.where, plan.scanner.when
    best, window = plan.scanner.best_by_circle(when.stack(plan.model.counts[:, when.first_kept :]))
    centre = np.repeat(np.arange(where.n_sites), np.diff(where.indptr))
    found: list[_Spot] = []
    while len(found) < max_clusters:
        entry = int(best.argmax())
        if best[entry] <= 0:
            break
        spot = _Spot(int(centre[entry]), entry, int(window[entry]), float(best[entry]))
        found.append(spot)
        taken = np.zeros(where.n_sites, dtype=bool)
        taken[where.member[where.indptr[spot.centre] : entry + 1]] = True
        # A circle holds a taken site from the first of them in its centre's order onwards.
        met = np.cumsum(taken[where.member])
        before = np.concatenate([[0], met])[where.indptr[centre]]
        best[met > before] = 0.0
    return found


def _told(
    plan: ScanPlan, spot: _Spot, made: Floats, *, stop: int | None, gumbel: bool, steps_between_scans: float
) -> Cluster:
    where, when, sites = plan.scanner.where, plan.scanner.when, plan.sites
    likelihood = plan.scanner.likelihood
    inside = where.member[where.indptr[spot.centre] : spot.entry + 1]
    first, end = (int(bound[spot.window]) for bound in when.bounds)
    observed = int(plan.model.counts[inside, first:end].sum())
    share = likelihood.cases / likelihood.total
    expected = float(plan.model.baseline()[inside, first:end].sum()) * share
    p = monte_carlo_p(spot.ratio, made, stop_after=stop)
    return Cluster(
        centre_x_m=float(sites.x_m[spot.centre]),
        centre_y_m=float(sites.y_m[spot.centre]),
        radius_m=float(where.distance_m[spot.entry]),
        first_step=first,
        last_step=end - 1,
        members=np.flatnonzero(np.isin(sites.of_location, inside)),
        observed=observed,
        expected=expected,
        relative_risk=_relative_risk(observed, expected, likelihood.cases),
        log_likelihood_ratio=spot.ratio,
        p=p.p,
        p_low=p.low,
        p_high=p.high,
        recurrence_interval_steps=steps_between_scans / p.p if when.prospective else None,
        gumbel=gumbel_p(spot.ratio, made) if gumbel else None,
    )


def _relative_risk(observed: int, expected: float, cases: int) -> float:
    outside = cases - observed
    return observed / expected / (outside / (cases - expected)) if outside else float("inf")

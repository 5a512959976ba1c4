"""The space–time permutation scan beside named peers, in one run: ``python -m benchmarks.bench_scan``.

999 replicates of a prospective scan, windows up to 28 of 365 days. CPU seconds of this process, one core;
inputs and neighbour orders are made outside the timed part of the peer, inside ours. A peer too slow for 999
replicates runs a few, and the time of one is multiplied; the table says so. SaTScan is run where the
environment variable SATSCAN_PROGRAM holds its path, and is otherwise reported as "not run".
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import platform
import re
import resource
import subprocess
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import scipy
from scipy.special import xlogy

from placewise.geo.scan import ScanPlan, plan_scan, scan
from placewise.geo.scan_models import permutation_model

WEST, SOUTH, SIDE_M = 530_000.0, 170_000.0, 25_000.0
DAYS, LONGEST, REPLICATES = 365, 28, 999
FIRST_DAY = dt.date(2024, 1, 1)


class Problem:
    """Synthetic events: locations half clustered, half anywhere; some locations far busier than others."""

    def __init__(self, n_events: int, n_locations: int, radius_m: float) -> None:
        rng = np.random.default_rng(5)
        centres = rng.random((40, 2))
        points = rng.random((n_locations, 2))
        near = rng.random(n_locations) < 0.5
        points[near] = centres[rng.integers(0, 40, near.sum())] + rng.normal(0, 0.03, (near.sum(), 2))
        self.x, self.y = (points.clip(0, 0.999_999) * SIDE_M).T + np.array([[WEST], [SOUTH]])
        shares = rng.gamma(1.0, size=n_locations)
        self.location = rng.choice(n_locations, n_events, p=shares / shares.sum())
        self.day = rng.integers(0, DAYS, n_events)
        self.n_locations, self.radius_m = n_locations, radius_m

    def plan(self) -> ScanPlan:
        """Lay out our scan."""
        model = permutation_model(self.location, self.day, n_locations=self.n_locations, n_steps=DAYS)
        return plan_scan(
            model, self.x, self.y, seed=1, max_radius_m=self.radius_m, max_steps=LONGEST, prospective=True
        )


def neighbour_orders(plan: ScanPlan) -> list[np.ndarray]:
    """Return each centre's members, nearest first."""
    where = plan.scanner.where
    return [where.member[a:b] for a, b in zip(where.indptr[:-1], where.indptr[1:], strict=True)]


def numpy_loop(site: np.ndarray, day: np.ndarray, orders: list[np.ndarray]) -> float:
    """Scan one data set the way it is usually written: a loop over centres, arrays over the rest."""
    n, n_sites = site.size, len(orders)
    recent = DAYS - 1 - day
    kept = recent < LONGEST
    counts = np.zeros((n_sites, LONGEST), dtype=np.int64)
    np.add.at(counts, (site[kept], recent[kept]), 1)
    counts = counts.cumsum(axis=1)
    here, then = np.bincount(site, minlength=n_sites), counts.sum(axis=0)
    best = 0.0
    for order in orders:
        c = counts[order].cumsum(axis=0)
        mu = here[order].cumsum()[:, None] * then / n
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = xlogy(c, c / mu) + xlogy(n - c, (n - c) / (n - mu))
        best = max(best, float(np.where((c > mu) & (c > 1), ratio, 0.0).max(initial=0.0)))
    return best


def cpu_seconds(children: bool = False) -> float:
    """CPU seconds so far of this process, or of the programs it has run."""
    if not children:
        return time.process_time()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def bench(n_events: int, n_locations: int, radius_m: float, rounds: int, title: str) -> None:
    """Time our scan and its peers on one problem and check that they find the same statistic."""
    problem = Problem(n_events, n_locations, radius_m)
    plan = problem.plan()
    orders = neighbour_orders(plan)
    site = plan.sites.of_location[problem.location]
    rng = np.random.default_rng(2)
    ours, loop = [], []
    result = None
    for _ in range(rounds):
        start = cpu_seconds()
        result = scan(problem.plan(), replicates=REPLICATES, stop_after=None, max_clusters=1)
        ours.append(cpu_seconds() - start)
        start = cpu_seconds()
        for _ in range(3):
            numpy_loop(site, rng.permutation(problem.day), orders)
        loop.append((cpu_seconds() - start) / 3 * REPLICATES)
    assert result is not None
    statistic = result.clusters[0].log_likelihood_ratio
    gap = abs(statistic - numpy_loop(site, problem.day, orders))
    members = plan.scanner.where.member.size
    print(
        f"\n{title}: {n_events:,} events, {n_locations:,} locations, radius {radius_m:,.0f} m "
        f"({members / n_locations:.0f} members a centre, {members * LONGEST * REPLICATES / 1e9:.2f} G evaluations)"
    )
    print(f"  statistic {statistic:.6f}, p {result.clusters[0].p:.3f}; difference from the loop {gap:.1e}")
    mine = median(ours)
    show("placewise, layout + 999 replicates, 1 core", mine, mine, ours)
    show("numpy loop over centres (999 × one of 3 measured)", median(loop), mine, loop)
    satscan(problem, mine, statistic)
    print(f"  {'R scanstatistics::scan_permutation':<52}      not run (no R here)")


def show(name: str, seconds: float, ours: float, rounds: list[float]) -> None:
    """Print a line: median, ratio to ours, range over the rounds."""
    print(f"  {name:<52} {seconds:>9.2f} s  ×{seconds / ours:>7.1f}  ({min(rounds):.2f}–{max(rounds):.2f})")


def satscan(problem: Problem, ours: float, statistic: float) -> None:
    """Run SaTScan on the same events, on one core, if there is one."""
    name, program = "SaTScan, 1 core", os.environ.get("SATSCAN_PROGRAM")
    if not program:
        print(f"  {name:<52}      not run (SATSCAN_PROGRAM is not set)")
        return
    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder)
        dates = [FIRST_DAY + dt.timedelta(days=int(d)) for d in problem.day]
        cases = zip(problem.location, dates, strict=True)
        (at / "events.cas").write_text("".join(f"{i} 1 {d:%Y/%m/%d}\n" for i, d in cases))
        places = enumerate(zip(problem.x, problem.y, strict=True))
        (at / "places.geo").write_text("".join(f"{i} {x:.6f} {y:.6f}\n" for i, (x, y) in places))
        (at / "scan.prm").write_text(satscan_parameters(at, problem.radius_m))
        start = cpu_seconds(children=True)
        done = subprocess.run(
            [program, str(at / "scan.prm")], capture_output=True, text=True, check=False, timeout=3600
        )
        seconds = cpu_seconds(children=True) - start
        report = at / "out.txt"
        text = report.read_text() if report.exists() else done.stdout + done.stderr
    found = re.search(r"Test statistic\.*:\s*([\d.]+)", text)
    if not found:
        print(f"  {name:<52}      failed: {' '.join(text.split())[-200:]}")
        return
    show(name, seconds, ours, [seconds])
    print(f"    its statistic {found[1]}, difference {abs(float(found[1]) - statistic):.1e}")


def satscan_parameters(at: Path, radius_m: float) -> str:
    """Return SaTScan's parameter file for the same scan."""
    last = FIRST_DAY + dt.timedelta(days=DAYS - 1)
    sections = {
        "Input": {
            "CaseFile": at / "events.cas",
            "PrecisionCaseTimes": 3,
            "StartDate": f"{FIRST_DAY:%Y/%m/%d}",
            "EndDate": f"{last:%Y/%m/%d}",
            "CoordinatesFile": at / "places.geo",
            "CoordinatesType": 0,
        },
        "Analysis": {
            "AnalysisType": 4,
            "ModelType": 2,
            "ScanAreas": 1,
            "TimeAggregationUnits": 3,
            "TimeAggregationLength": 1,
        },
        "Output": {"ResultsFile": at / "out.txt"},
        "Spatial Window": {
            "MaxSpatialSizeInPopulationAtRisk": 50,
            "UseDistanceFromCenterOption": "y",
            "MaxSpatialSizeInDistanceFromCenter": radius_m,
        },
        "Temporal Window": {"MaxTemporalSize": LONGEST, "MaxTemporalSizeInterpretation": 1},
        "Inference": {"PValueReportType": 0, "MonteCarloReps": REPLICATES, "AdjustForEarlierAnalyses": "n"},
        "Run Options": {"NumberParallelProcesses": 1},
    }
    return "\n".join(
        f"[{title}]\n" + "\n".join(f"{key}={value}" for key, value in lines.items())
        for title, lines in sections.items()
    )


def main() -> None:
    """Run the benchmarks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the smaller problem only, one round")
    quick = parser.parse_args().quick
    print(
        f"Python {platform.python_version()}, numpy {np.__version__}, scipy {scipy.__version__}; "
        f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}"
    )
    bench(5_000, 1_000, 2_400.0, 1 if quick else 5, "D1 and D2, small")
    if not quick:
        bench(20_000, 2_000, 1_500.0, 2, "D1, large")
    load = os.getloadavg()[0]
    print(f"\nload average at the end {load:.1f}" + (": repeat on a quieter machine" if load > 1.5 else ""))


if __name__ == "__main__":
    main()

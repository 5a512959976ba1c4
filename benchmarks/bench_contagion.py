"""Near repeats, Jacquez's test and back-tests beside a named peer: ``python -m benchmarks.bench_contagion``.

CPU milliseconds, median of interleaved rounds; inputs are made outside the timed part, and each answer is
checked. A peer that is not installed is reported as "not run". Data are those of `bench_geo`, over a year.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import time
import warnings

import numpy as np
import scipy

from benchmarks.bench_geo import show, synthetic_points
from placewise.geo.backtest import backtest
from placewise.geo.jacquez import jacquez_test
from placewise.geo.near_pairs import near_pairs, permuted_counts
from placewise.geo.near_repeat import knox_test, near_repeat_table

try:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pointpats.spacetime import Knox, jacquez
except ImportError:
    Knox = jacquez = None


def records(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return eastings, northings and whole days of a year."""
    x, y = synthetic_points(n)
    return x, y, np.random.default_rng(2).integers(0, 365, n)


def bench_knox(n: int, permutations: int, rounds: int) -> None:
    """One Knox test with permutations, beside pointpats."""
    x, y, t = records(n)
    limits = {"within_m": 200, "within_days": 14}

    def ours() -> int:
        return knox_test(x, y, t, **limits, seed=1, permutations=permutations).statistic

    cases = {f"placewise knox_test, {permutations} permutations": ours}
    if Knox is None:
        show("Knox", cases, rounds, f"{n:,} records, 200 m, 14 days", missing=("pointpats Knox",))
        return
    # pointpats shuffles the array it is given, and counts pairs no farther than the limits, as we do.
    peer = lambda: Knox(np.c_[x, y], t[:, None].copy(), delta=200, tau=14, permutations=permutations)  # noqa: E731  a name for one call
    agree = peer().statistic_ == ours()
    cases["pointpats Knox"] = peer
    show("Knox", cases, rounds, f"{n:,} records, 200 m, 14 days; same statistic: {agree}")


def bench_jacquez(n: int, permutations: int, rounds: int) -> None:
    """Jacquez's test, beside pointpats; without ties, where both are defined."""
    rng = np.random.default_rng(3)
    x, y, t = rng.random(n) * 25_000 + 530_000, rng.random(n) * 25_000 + 170_000, rng.random(n) * 365

    def ours() -> float:
        return jacquez_test(x, y, t, k=3, seed=1, permutations=permutations).statistic

    cases = {f"placewise jacquez_test, {permutations} permutations": ours}
    if jacquez is None:
        show("Jacquez, k = 3", cases, rounds, f"{n:,} records", missing=("pointpats jacquez",))
        return
    peer = lambda: jacquez(np.c_[x, y], t[:, None].copy(), k=3, permutations=permutations)  # noqa: E731  a name for one call
    agree = peer()["stat"] == ours()
    cases["pointpats jacquez"] = peer
    show("Jacquez, k = 3", cases, rounds, f"{n:,} records; same statistic: {agree}")


def bench_large_table(n: int, permutations: int) -> None:
    """The default near-repeat table of many records: time a shuffling, and memory."""
    x, y, t = records(n)
    edges = {"space_edges_m": (0, 1, 100, 200, 300, 400, 500), "time_edges_days": (0, 8, 15, 22, 29)}
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    pairs = near_pairs(x, y, t, **edges)
    found = time.process_time()
    permuted_counts(pairs, 0, permutations, seed=1)
    each = (time.process_time() - found) / permutations
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(
        f"\nNear-repeat table  [{n:,} records, 6 × 4 bands to 500 m and 28 days]\n"
        f"  {pairs.first.size:,} pairs found in {found - start:.1f} s; {each * 1000:.0f} ms a shuffling, so "
        f"{each * 999:.0f} s for 999; {grown:,.0f} MiB more at the peak (n × n would be {n * n / 2**20:,.0f} MiB)"
    )
    few = slice(0, 2000)
    table = near_repeat_table(x[few], y[few], t[few], **edges, seed=1, permutations=9)
    first, second = np.triu_indices(2000, 1)
    row = np.digitize(np.hypot(x[first] - x[second], y[first] - y[second]), edges["space_edges_m"])
    column = np.digitize(np.abs(t[first] - t[second]), edges["time_edges_days"])
    every = np.zeros((8, 6), dtype=int)
    np.add.at(every, (row, column), 1)
    print(f"  2,000 of them equal to every pair in turn: {bool((table.observed == every[1:7, 1:5]).all())}")


def bench_backtest(n: int, rounds: int) -> None:
    """Ten monthly windows on 10,000 cells of 250 m, with 2,000 resamplings; there is no peer to name."""
    x, y, t = records(n)
    cell = ((x - 530_000) // 250 + 100 * ((y - 170_000) // 250)).astype(int)

    def ours() -> object:
        return backtest(
            cell,
            t,
            size=np.ones(10_000),
            cutoffs_days=range(60, 360, 30),
            window_days=30,
            prior_days=60,
            predict=lambda before, cutoff: np.bincount(cell[before], minlength=10_000),
            seed=1,
        )

    show("Back-test", {"placewise backtest": ours}, rounds, f"{n:,} records, 10,000 cells, 10 windows")


def main() -> None:
    """Run the benchmarks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer records and one round")
    quick = parser.parse_args().quick
    print(
        f"Python {platform.python_version()}, numpy {np.__version__}, scipy {scipy.__version__}; "
        f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}"
    )
    rounds = 1 if quick else 3
    bench_large_table(20_000 if quick else 100_000, 5)
    bench_knox(1_000 if quick else 2_000, 99, rounds)
    bench_jacquez(1_000 if quick else 2_000, 99, rounds)
    bench_backtest(20_000 if quick else 100_000, rounds)
    load = os.getloadavg()[0]
    print(f"\nload average at the end {load:.1f}" + (": repeat on a quieter machine" if load > 1.5 else ""))


if __name__ == "__main__":
    main()
